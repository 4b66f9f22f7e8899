"""Whether the ledger's file is still the one that was opened, and still a ledger: looked at each second.

A file that was deleted goes on taking commits until the process ends, and then all of them are gone. So what is not
the same file any more takes nothing.
"""

from dataclasses import dataclass
from pathlib import Path

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
        self._identity = _identity(path)

    def look(self) -> Trouble | None:
        """What is wrong with it; `None`: nothing that its name and its first bytes show."""
        try:
            same = _identity(self._path) == self._identity
            with self._path.open("rb") as file:
                whole = file.read(len(_HEAD)) == _HEAD
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


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
