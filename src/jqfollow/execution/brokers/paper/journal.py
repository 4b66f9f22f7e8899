"""The paper broker's memory: a file that only grows, one line a change.

A line is `crc32 SP json LF`; each checksum goes on from the one before, so that a line changed, lost or moved in the
middle is found. A line is handed to the operating system before its change is answered: a killed process loses
nothing that was acknowledged. `sync` (the paper broker calls it several times a second) brings the file to the disk:
a cut of power may lose the last moments, and the torn line that it leaves is dropped. `rewrite` puts a short file in
the place of a long one, in one step.
"""

import os
import zlib
from collections.abc import Iterable, Sequence
from io import FileIO
from pathlib import Path

import structlog

from jqfollow.domain import BrokerDownError

_log = structlog.get_logger(__name__)
_HEAD = 9
"""Eight hexadecimal digits and a blank."""


class JournalError(BrokerDownError):
    """The file cannot be read or written; what was asked was not done."""


class JournalDamagedError(JournalError):
    """Something in the middle of the file is not what was written."""


class Journal:
    """One open file; not thread-safe: its owner holds a lock."""

    def __init__(self, path: Path) -> None:
        """Opens `path`, or makes it, and reads what stands in it; `payloads` has it until `forget`.

        Raises:
            JournalDamagedError: the file was changed by something else.
            JournalError: it cannot be opened.
        """
        self.path = path
        self._dirty = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes() if path.exists() else b""
            self.payloads, self._crc, self._size = _read(path, content)
            self._file = self._open()
        except OSError as error:
            raise JournalError(f"模拟账户文件 {path} 无法打开：{error} / cannot be opened") from error

    def forget(self) -> None:
        """Lets go of what was read."""
        self.payloads = []

    def append(self, payload: bytes) -> None:
        """Writes one change; on return the operating system has it.

        Raises:
            JournalError: it was not written, and the file is as it was before.
        """
        line, crc = _line(payload, self._crc)
        try:
            if self._file.write(line) != len(line):
                raise OSError("only a part was written; is the disk full?")  # noqa: TRY301  # one way out for both
        except (OSError, ValueError) as error:
            self._take_back()
            raise JournalError(f"模拟账户文件 {self.path} 写不进去，未执行：{error} / cannot be written") from error
        self._crc = crc
        self._size += len(line)
        self._dirty = True

    def sync(self) -> None:
        """Brings what was written to the disk.

        Raises:
            JournalError: the disk refuses; the lines are still with the operating system.
        """
        if not self._dirty:
            return
        self._dirty = False
        try:
            os.fsync(self._file.fileno())
        except (OSError, ValueError) as error:
            raise JournalError(f"模拟账户文件 {self.path} 落盘失败：{error} / cannot be synced") from error

    def rewrite(self, payloads: Sequence[bytes]) -> None:
        """Puts a file of only `payloads` in the place of this one; when that fails the long file goes on."""
        fresh = self.path.with_name(self.path.name + ".new")
        crc, lines = 0, list[bytes]()
        for payload in payloads:
            line, crc = _line(payload, crc)
            lines.append(line)
        try:
            _write_out(fresh, lines)
            self._file.close()  # Windows replaces no open file
            os.replace(fresh, self.path)  # noqa: PTH105  # named for what it is: atomic on every system
        except OSError as error:
            _log.warning("paper.journal_not_compacted", path=str(self.path), error=str(error))
        else:
            self._crc, self._size = crc, sum(map(len, lines))
        if self._file.closed:
            try:
                self._file = self._open()
            except OSError as error:
                raise JournalError(f"模拟账户文件 {self.path} 无法打开：{error} / cannot be opened") from error

    def close(self) -> None:
        """Syncs and closes; closing twice is fine."""
        if not self._file.closed:
            try:
                self.sync()
            finally:
                self._file.close()

    def _open(self) -> FileIO:
        file = FileIO(self.path, "a")
        if os.fstat(file.fileno()).st_size != self._size:  # a torn last line
            file.truncate(self._size)
        return file

    def _take_back(self) -> None:
        """Cuts off what a failed write left; when even that fails nothing is written any more."""
        try:
            self._file.truncate(self._size)
        except (OSError, ValueError):
            self._file.close()


def _line(payload: bytes, crc: int) -> tuple[bytes, int]:
    crc = zlib.crc32(payload, crc)
    return b"%08x %s\n" % (crc, payload), crc


def _read(path: Path, content: bytes) -> tuple[list[bytes], int, int]:
    payloads, crc, size = list[bytes](), 0, 0
    lines = content.split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        payload = line[_HEAD:]
        whole, following = _line(payload, crc)
        if whole[:-1] != line:
            if number == len(lines) - 1 and not lines[-1]:
                break  # the last line, torn by a cut of power
            raise JournalDamagedError(
                f"模拟账户文件 {path} 第 {number} 行已损坏。请停止服务，将它改名留存（模拟账户会重新开始），"
                "或用备份恢复 / "
                f"line {number} is damaged: stop the service and rename the file (the paper account then begins anew), "
                "or restore a copy"
            )
        payloads.append(payload)
        crc = following
        size += len(whole)
    if size != len(content):
        _log.warning("paper.journal_torn", path=str(path), dropped_bytes=len(content) - size)
    return payloads, crc, size


def _write_out(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
