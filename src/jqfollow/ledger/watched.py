"""Whether the ledger's file is still the one that was opened, and still a ledger: looked at each second.

A file that was deleted goes on taking commits until the process ends, and then all of them are gone. So what is not
the same file any more takes nothing. The same holds for its write-ahead log, in which the newest commits stand.

POSIX lets go of all locks that a process holds on a file as soon as the process closes any descriptor of it: whoever
opens the ledger beside SQLite and closes it lets the next program that ends take the log away under the service. So it
is opened here once, and closed after the ledger.
"""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from jqfollow.ledger.errors import translated
from jqfollow.ledger.store import connect

_HEAD = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why the ledger must take nothing now."""

    zh: str
    en: str


class FileWatch:
    """One opened file."""

    def __init__(self, path: Path) -> None:
        """`path` is open now.

        Raises:
            OSError: it is not there.
        """
        self._path = path
        self._log = Path(f"{path}-wal")
        self._identity = _identity(path)
        self._log_identity: tuple[int, int] | None = None
        self._file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))

    def close(self) -> None:
        """After the ledger was closed; closing twice does no harm."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def look(self) -> Trouble | None:
        """What is wrong with it; `None`: nothing that its name and its first bytes show."""
        try:
            same = _identity(self._path) == self._identity
            os.lseek(self._file, 0, os.SEEK_SET)
            whole = os.read(self._file, len(_HEAD)) == _HEAD
        except OSError as error:
            why = error.strerror or type(error).__name__
            return Trouble(zh=f"账本文件 {self._path} 不见了（{why}）", en=f"the ledger {self._path} is gone: {why}")
        if not same:
            return Trouble(
                zh=f"账本文件 {self._path} 被换成了另一个文件", en=f"the ledger {self._path} is another file now"
            )
        if not whole:
            return Trouble(zh=f"账本文件 {self._path} 已损坏", en=f"the ledger {self._path} is damaged")
        return None

    def log_moved(self) -> bool:
        """Whether the write-ahead log is another file than before, or none; the first one that is seen is ours."""
        try:
            found = _identity(self._log) if self._log.is_file() else None
        except OSError:
            found = None
        if self._log_identity is None:
            self._log_identity = found
        return found != self._log_identity

    def trust_log(self) -> None:
        """The log that is there now is ours."""
        self._log_identity = None


def read_apart(path: Path, key: str) -> str | None:
    """What a program that opens the ledger now reads under `key` of `meta`.

    Raises:
        LedgerError: nothing: it cannot be read.
    """
    try:
        with closing(connect(path, mode="ro")) as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    except sqlite3.Error as error:
        raise translated(error, path) from error
    return None if row is None else str(row[0])


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
