"""Which placing calls were begun: a line just before each, so that a kill leaves no doubt about those that were not.

The lines are not synced: they outlive the process, not the machine's power. So they prove something only within the
same run of the machine, which its boot id tells, and only of the run of the service that the ledger names: an intent
of that run without a line here was never handed over.
"""

import uuid
from collections.abc import Callable
from io import FileIO
from pathlib import Path

import structlog

from jqfollow.clock import boot_id
from jqfollow.domain import BrokerDownError, JqfollowError
from jqfollow.ledger.meta import REMARK_TAG
from jqfollow.ledger.tx import Tx

log = structlog.get_logger(__name__)

_RUN = "call_log_run"
"""Key in the ledger's `meta`."""


class CallLog:
    """The file of this run; `begun` tells what the run before it handed over."""

    def __init__(self, path: Path, *, boot: Callable[[], str] = boot_id) -> None:
        """Reads what the last run left; writes nothing yet."""
        self._path = path
        self._boot = boot()
        self._run = uuid.uuid4().hex
        self._file: FileIO | None = None
        self._last = _read(path)

    def handed_over(self, tx: Tx, remark: str) -> bool:
        """Whether the call for `remark`, an intent of the last run, may have been made; `False` is a proof."""
        last = self._last
        known = last is not None and self._boot and last[:2] == (self._boot, tx.meta.get(_RUN))
        return not known or last is None or remark in last[2]

    def forgotten(self, tx: Tx) -> str | None:
        """A remark that was handed over by this ledger, and that it does not know: it has lost what it had."""
        tag = f"jq{tx.meta.get(REMARK_TAG)}-"
        handed = () if self._last is None else self._last[2]
        return next((r for r in sorted(handed) if r.startswith(tag) and tx.attempts.by_remark(r) is None), None)

    def begin(self, tx: Tx) -> None:
        """A new file, and its name in the ledger; before the first intent of this run, in a transaction of its own.

        Raises:
            JqfollowError: the file cannot be written.
        """
        if self._file is not None:
            self._file.close()
        head = f"boot {self._boot}\nrun {self._run}\n".encode()
        try:
            self._file = FileIO(self._path, "w")
            if self._file.write(head) != len(head):
                raise OSError("only a part was written; is the disk full?")  # noqa: TRY301  # one way out for all
        except OSError as error:
            raise JqfollowError(
                f"{self._path} 写不进去（{error.strerror or error}），不知道下过哪些单，不启动：请检查磁盘空间和权限，"
                "不是文件就移走它 / cannot be written, and without it nothing is started: look at the disk's space and "
                "the file's rights, or move away what is no file"
            ) from error
        tx.meta.set(_RUN, self._run)

    def calling(self, remark: str) -> None:
        """On the lane's thread, just before the call.

        Raises:
            BrokerDownError: the line cannot be written: then the call must not be made.
        """
        line = f"calling {remark}\n".encode("ascii")
        try:
            written = self._file.write(line) if self._file is not None else len(line)
        except (OSError, ValueError) as error:
            raise BrokerDownError(f"{self._path} 写不进去，未发送 / cannot be written, not sent: {error}") from error
        if written != len(line):
            raise BrokerDownError(f"{self._path} 写不进去（磁盘已满？），未发送 / cannot be written, not sent")

    def close(self) -> None:
        """Ends it; closing twice does no harm."""
        if self._file is not None:
            self._file.close()


def _read(path: Path) -> tuple[str, str, frozenset[str]] | None:
    """Boot id, run and remarks; `None` when there is no whole beginning."""
    try:
        lines = path.read_text(encoding="ascii", errors="replace").split("\n")
    except OSError:
        return None
    match [line.split(" ", 1) for line in lines[:2]]:
        case [["boot", boot], ["run", run]]:
            return boot, run, frozenset(line.removeprefix("calling ") for line in lines[2:])
        case _:
            return None
