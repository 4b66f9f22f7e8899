"""Keeps the service, and frpc beside it, running: what ends is started again, unless it ended for good.

The service outlives its keeper: whose keeper was killed follows on, and the next keeper takes it over. One keeper a
data folder. It is asked to end by a file, which every system has.
"""

import contextlib
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Protocol

import structlog
from filelock import FileLock, Timeout

from jqfollow.cli.base import Exit
from jqfollow.domain import JqfollowError
from jqfollow.logs import hide_secrets
from jqfollow.wire.private_file import private_folder

log = structlog.get_logger(__name__)

FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 60.0
HELD_S = 60.0
"""What ran so long is started again at once as if it had never ended."""
FOR_GOOD = frozenset({Exit.DONE, Exit.WRONG_USE, Exit.LEDGER_DAMAGED})
"""Exit codes of the service after which a person is wanted: it was stopped, or would end the same way again."""
_LOCK = "tray.lock"
_END = "tray.end"
_LAST_LINES = 20


class Process(Protocol):
    """A program that was started, or found running."""

    def poll(self) -> int | None:
        """Its exit code; `None`: it runs."""

    def last_lines(self) -> Sequence[str]:
        """What it said last."""


class State(StrEnum):
    """Of a program that is kept."""

    RUNS = "runs"
    WAITS = "waits"
    """It ended, and is started again after a while."""
    OVER = "over"
    """It ended for good, or was stopped."""


@dataclass(slots=True, kw_only=True)
class Kept:
    """One program; `look` is to be called every second or so, from one thread."""

    name: str
    start: Callable[[], Process]
    found: Callable[[], Process | None] = lambda: None
    """The program when it runs already, however it was started."""
    for_good: frozenset[int] = FOR_GOOD
    wanted: bool = True
    state: State = State.WAITS
    code: int | None = None
    """How it ended last."""
    lines: Sequence[str] = ()
    """What it said before that."""
    process: Process | None = field(default=None, repr=False)
    _since: float = 0.0
    _next: float = 0.0
    _wait_s: float = FIRST_WAIT_S

    def look(self, now: float) -> None:
        """Notices an end, and starts it when its time has come.

        Args:
            now: seconds that never go back.
        """
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                return
            self._ended(code, self.process.last_lines(), now)
        elif self.state is State.OVER:
            self.process = self.found()  # a person started it by hand
            self._since = now
            if self.process is not None:
                self.state = State.RUNS
        if self.state is State.WAITS and now >= self._next:
            self._begin(now)

    def again(self) -> None:
        """A person wants it to run, whatever it ended with."""
        self.wanted = True
        if self.state is not State.RUNS:
            self.state, self._next, self._wait_s = State.WAITS, 0.0, FIRST_WAIT_S

    def no_more(self) -> None:
        """It is not started again; what runs goes on."""
        self.wanted = False
        if self.state is State.WAITS:
            self.state = State.OVER

    def _begin(self, now: float) -> None:
        try:
            self.process = self.found() or self.start()
        except OSError as error:
            self._ended(Exit.FAILED, [error.strerror or str(error)], now)
            return
        self.state, self._since = State.RUNS, now
        log.info("started", program=self.name)

    def _ended(self, code: int, lines: Sequence[str], now: float) -> None:
        ran = self.process is not None and now - self._since >= HELD_S
        self.process, self.code, self.lines = None, code, tuple(lines)
        if code in self.for_good or not self.wanted:
            self.state = State.OVER
            log.warning("ended", program=self.name, code=code, said=self.lines[-3:])
            return
        self._wait_s = FIRST_WAIT_S if ran else self._wait_s
        self.state, self._next = State.WAITS, now + self._wait_s
        log.warning("ended", program=self.name, code=code, again_in_s=self._wait_s, said=self.lines[-3:])
        self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)


class Child:
    """A program of ours without a window; what it writes is read at once, and its last lines are kept."""

    def __init__(self, command: Sequence[str], *, folder: Path, line: Callable[[str], None] = lambda _: None) -> None:
        """Starts it.

        Args:
            command: what, with its arguments.
            folder: where.
            line: gets each line that it writes, without secrets, on another thread.

        Raises:
            OSError: it cannot be started.
        """
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._tell = line
        self._process: subprocess.Popen[str] = subprocess.Popen(  # noqa: S603  # our own interpreter, and the frpc that a person named
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            **alone(),
        )
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._read, name=f"reads {Path(command[0]).name}", daemon=True)
        self._reader.start()

    def poll(self) -> int | None:
        """Its exit code; `None`: it runs."""
        code = self._process.poll()
        if code is not None:
            self._reader.join(1)
        return code

    def last_lines(self) -> Sequence[str]:
        """What it said last."""
        return list(self._lines)

    def end(self) -> None:
        """Ends it at once: for programs that lose nothing by it."""
        with contextlib.suppress(OSError):
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)

    def _read(self) -> None:
        out: IO[str] | None = self._process.stdout
        if out is None:
            return
        with contextlib.suppress(OSError, ValueError), out:
            for text in out:
                line = hide_secrets(None, "", {"line": text.rstrip()})["line"]
                self._lines.append(line)
                self._tell(line)


def alone(*, window: bool = False) -> dict[str, Any]:
    """`Popen`'s arguments for a program that lives by itself: no Ctrl-C of ours reaches it, and it shows no window."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP
        return {"creationflags": flags if window else flags | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


class AlreadyKeptError(JqfollowError):
    """Another keeper looks after the same data folder."""


@contextlib.contextmanager
def only_keeper(data_dir: Path) -> Iterator[None]:
    """Holds the data folder's keeping.

    Raises:
        AlreadyKeptError: another process does.
        OSError: the folder cannot be made or written.
    """
    private_folder(data_dir)
    lock = FileLock(data_dir / _LOCK, timeout=1)
    try:
        lock.acquire()
    except Timeout:
        raise AlreadyKeptError(f"{data_dir} 的托盘图标已在运行 / its tray icon runs already") from None
    try:
        asked_to_end(data_dir)  # of one that is gone
        yield
    finally:
        lock.release()


def is_kept(data_dir: Path) -> bool:
    """Whether a keeper looks after the data folder."""
    path = data_dir / _LOCK
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except (Timeout, OSError):
        return True


def ask_to_end(data_dir: Path) -> None:
    """Asks the keeper to stop what it keeps, and to end."""
    (data_dir / _END).touch()


def asked_to_end(data_dir: Path) -> bool:
    """Whether somebody asked; the question is taken away."""
    try:
        (data_dir / _END).unlink()
    except OSError:
        return False
    return True
