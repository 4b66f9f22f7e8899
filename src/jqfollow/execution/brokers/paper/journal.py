"""The paper broker's memory: a file that only grows, one line a change.

A line is `crc32 SP json LF`; each checksum goes on from the one before, so that a line changed, lost or moved in the
middle is found. A line is handed to the operating system when its change becomes true, and `sync` brings it to the
disk before anybody is told of it: one sync serves all that wait for it. A cut of power loses only what nobody was
told, and the torn line that it leaves is dropped. `rewrite` puts a short file in the place of a long one, in one step.
"""

import os
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

import structlog

from jqfollow.domain import BrokerDownError, BrokerError

_log = structlog.get_logger(__name__)
_HEAD = 9
"""Eight hexadecimal digits and a blank."""
_SECTOR = 512
_ZEROS = bytes(8)
_MOST_UNSYNCED = 1 << 20


class JournalError(BrokerDownError):
    """The file cannot be read or written; what was asked was not done."""


class JournalDamagedError(JournalError):
    """Something in the middle of the file is not what was written."""


class UnsyncedError(BrokerError):
    """What was asked was done, but the disk does not promise to keep it: the outcome is unknown."""


class Journal:
    """One open file. `sync` and `written` are for any thread; everything else for the owner under its lock."""

    def __init__(self, path: Path) -> None:
        """Opens `path`, or makes it, and reads what stands in it; `payloads` has it until `forget`.

        What was read is on the disk then: a killed process may have left it with the operating system alone.

        Raises:
            JournalDamagedError: the file was changed by something else.
            JournalError: it cannot be opened.
        """
        self.path = path
        self.written = 0
        """How many lines were written so far; `sync` takes it."""
        self._synced = 0
        self._failed = ""
        """Why the disk refused a sync: then it may have dropped what it was given, and only `rewrite` helps."""
        self._syncing = False
        self._turn = threading.Condition()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes() if path.exists() else b""
            self.payloads, self._crc, self._size = _read(path, content)
            self._file = self._open()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise JournalError(f"模拟账户文件 {path} 无法打开：{error} / cannot be opened") from error
        _sync_folder(path.parent)
        _sync_folder(path.parent.parent)

    def forget(self) -> None:
        """Lets go of what was read."""
        self.payloads = []

    @property
    def ailing(self) -> bool:
        """The disk refused a sync: nothing is taken before a `rewrite` succeeds."""
        return bool(self._failed)

    def append(self, payload: bytes) -> None:
        """Writes one change; on return the operating system has it.

        Raises:
            JournalError: it was not written, and the file is as it was before.
        """
        line, crc = _line(payload, self._crc)
        try:
            if self._failed:
                raise OSError(self._failed)  # noqa: TRY301  # one way out for all
            if self._file.write(line) != len(line):
                raise OSError("only a part was written; is the disk full?")  # noqa: TRY301
        except (OSError, ValueError) as error:
            self._take_back()
            raise JournalError(f"模拟账户文件 {self.path} 写不进去，未执行：{error} / cannot be written") from error
        self._crc = crc
        self._size += len(line)
        self.written += 1

    def sync(self, upto: int) -> None:
        """Returns when the first `upto` lines written are on the disk.

        Of all threads that wait one syncs, and whatever was written when it began counts for all of them.

        Raises:
            UnsyncedError: the disk refuses; whether the lines last is not known.
        """
        if self._synced >= upto:
            return
        with self._turn:
            while self._syncing and self._synced < upto:
                self._turn.wait()
            if self._synced >= upto:
                return
            if self._failed:
                raise self._unsynced()
            self._syncing = True
            written = self.written
        try:
            os.fsync(self._file.fileno())
        except (OSError, ValueError) as error:
            self._failed = str(error) or type(error).__name__
            raise self._unsynced() from error
        else:
            self._synced = max(self._synced, written)
        finally:
            self._turn_over()

    def rewrite(self, payloads: Sequence[bytes]) -> bool:
        """Puts a file of only `payloads`, synced, in the place of this one; when that fails the long file goes on.

        Returns:
            Whether it was done: then everything written so far counts as synced.

        Raises:
            JournalError: the file that goes on cannot be opened again.
        """
        with self._alone():
            done = self._replace(payloads)
            if self._file.closed:
                try:
                    self._file = self._open()
                except OSError as error:
                    raise JournalError(f"模拟账户文件 {self.path} 无法打开：{error} / cannot be opened") from error
            return done

    def _replace(self, payloads: Sequence[bytes]) -> bool:
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
            return False
        _sync_folder(self.path.parent)
        self._crc, self._size, self._synced, self._failed = crc, sum(map(len, lines)), self.written, ""
        return True

    def close(self) -> None:
        """Syncs and closes; closing twice is fine."""
        if self._file.closed:
            return
        try:
            self.sync(self.written)
        finally:
            with self._alone():
                self._file.close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While no thread syncs, and none begins to."""
        with self._turn:
            while self._syncing:
                self._turn.wait()
            self._syncing = True
        try:
            yield
        finally:
            self._turn_over()

    def _turn_over(self) -> None:
        with self._turn:
            self._syncing = False
            self._turn.notify_all()

    def _unsynced(self) -> UnsyncedError:
        return UnsyncedError(f"模拟账户文件 {self.path} 落盘失败，结果未知：{self._failed} / cannot be synced")

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
            self._failed = self._failed or "a torn line cannot be taken back"


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
            if (number == len(lines) - 1 and not lines[-1]) or _never_written(content, size):
                break  # torn by a cut of power
            raise JournalDamagedError(
                f"模拟账户文件 {path} 第 {number} 行已损坏。请停止服务，将它改名留存（模拟账户会重新开始，"
                "账本里的持仓用 jqfollow account 账户名 --new 留档），或用备份恢复 / "
                f"line {number} is damaged: stop the service and rename the file (the paper account then begins anew, "
                "and jqfollow account NAME --new puts its books away), or restore a copy"
            )
        payloads.append(payload)
        crc = following
        size += len(whole)
    if size != len(content):
        _log.warning("paper.journal_torn", path=str(path), dropped_bytes=len(content) - size)
    return payloads, crc, size


def _never_written(content: bytes, start: int) -> bool:
    """Whether what follows `start` was cut off by a loss of power: a part of it that ends with a sector is zeros.

    A disk may keep later sectors of what was not synced and drop earlier ones. More than `_MOST_UNSYNCED` bytes
    before the end everything was synced once: zeros there are damage.
    """
    if len(content) - start > _MOST_UNSYNCED:
        return False
    ends = [*range(start - start % _SECTOR + _SECTOR, len(content), _SECTOR), len(content)]
    return any(content[max(end - len(_ZEROS), start) : end] == _ZEROS for end in ends)


def _write_out(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    """Makes the names in a folder last. Windows opens no folder; there NTFS keeps them in its own log, in order."""
    with suppress(OSError):
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
