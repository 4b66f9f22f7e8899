"""Whether the ledger's file is still the one that was opened, and still a ledger: looked at each second.

A file that was deleted goes on taking commits until the process ends, and then all of them are gone. So what is not
the same file any more takes nothing. The same holds for its write-ahead log, in which the newest commits stand, and for
the log's index: programs that see another one write over each other's commits.

POSIX lets go of all locks that a process holds on a file as soon as the process closes any descriptor of it: whoever
opens the ledger beside SQLite and closes it lets the next program that ends take the log away under the service. So it
is opened here once, and closed after the ledger.
"""

import os
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from jqfollow.ledger.errors import translated
from jqfollow.ledger.store import connect

_HEAD = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong with the ledger."""

    zh: str
    en: str
    lost: bool = True
    """What is written now may be lost, or cannot be read again: nothing more is taken meanwhile."""


class FileWatch:
    """One opened file."""

    def __init__(self, path: Path) -> None:
        """`path` is open now.

        Raises:
            OSError: it is not there.
        """
        self._path = path
        self._log = _Beside(Path(f"{path}-wal"))
        self._identity = _identity(path)
        self._size = path.stat().st_size
        self._index = _Beside(Path(f"{path}-shm"))
        self._file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))

    def close(self) -> None:
        """After the ledger was closed; closing twice does no harm."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def look(self) -> Trouble | None:
        """What is wrong with it; `None`: nothing that its name, its size and its first bytes show."""
        try:
            same = _identity(self._path) == self._identity
            os.lseek(self._file, 0, os.SEEK_SET)
            size = os.fstat(self._file).st_size
            whole = os.read(self._file, len(_HEAD)) == _HEAD and size >= self._size
        except OSError as error:
            why = error.strerror or type(error).__name__
            return Trouble(zh=f"账本文件 {self._path} 不见了（{why}）", en=f"the ledger {self._path} is gone: {why}")
        if not same:
            return Trouble(
                zh=f"账本文件 {self._path} 被换成了另一个文件", en=f"the ledger {self._path} is another file now"
            )
        if not whole:
            self._size = sys.maxsize  # what is written from now on does not bring back what was cut
            return Trouble(zh=f"账本文件 {self._path} 已损坏", en=f"the ledger {self._path} is damaged")
        self._size = size
        return None

    def log_moved(self) -> bool:
        """Whether the write-ahead log is another file than before, or none, or shorter; the first that is seen is ours.

        SQLite makes it shorter only when somebody asks for it.
        """
        return self._log.moved()

    def index_moved(self) -> bool:
        """Whether the log's index is another file than before, or none, or shorter; SQLite makes it with the log."""
        return self._index.moved()

    def trust_log(self) -> None:
        """The log that is there now is ours, with its index."""
        self._log.trust()
        self._index.trust()


def read_apart(path: Path, key: str) -> tuple[str | None, int]:
    """What a program that opens the ledger now reads under `key` of `meta`, and the greatest number of a signal.

    Raises:
        LedgerError: nothing: it cannot be read.
    """
    try:
        with closing(connect(path, mode="ro")) as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
            newest = connection.execute("SELECT coalesce(max(signal_id), 0) FROM signals").fetchone()
    except sqlite3.Error as error:
        raise translated(error, path) from error
    return None if row is None else str(row[0]), int(newest[0])


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


class _Beside:
    """A file that SQLite keeps beside the ledger while it is open, and never makes shorter by itself."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: tuple[int, int] | None = None
        self._size = 0

    def moved(self) -> bool:
        """Whether it is another file than the first that was seen, or none, or was cut."""
        found: tuple[int, int] | None
        try:
            found, size = _identity(self._path), self._path.stat().st_size
        except OSError:
            found, size = None, 0
        if self._known is None:
            self._known, self._size = found, size
        moved = found != self._known or size < self._size
        self._size = sys.maxsize if moved else size  # what is written from now on does not bring back what was cut
        return moved

    def trust(self) -> None:
        """As it is now it is ours."""
        self._known = None
