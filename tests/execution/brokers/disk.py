"""A disk that forgets: what the journal wrote, what of it was synced, and what a loss of power would leave."""

import os
import threading
from pathlib import Path
from random import Random
from typing import Any

import pytest

from jqfollow.execution.brokers.paper import journal


class Disk:
    """Stands in for `os` in `journal`; everything happens really, and is taken note of.

    A name that was replaced is kept only when its folder was synced, bytes only when their file was.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._folders: dict[int, Path] = {}
        self._named: int | None = None
        """The file that the name leads to after a loss of power."""
        self._kept: dict[int, bytes] = {}
        self.syncs = 0
        self.before_sync: threading.Event | None = None
        """Syncs of files wait for it."""
        self.syncing = threading.Event()
        self.error: OSError | None = None
        """What the next syncs of files raise."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Path, flags: int) -> int:
        number = os.open(path, flags)
        self._folders[number] = path
        return number

    def close(self, number: int) -> None:
        self._folders.pop(number, None)
        os.close(number)

    def fsync(self, number: int) -> None:
        folder = self._folders.get(number)
        if folder is not None:
            with self._lock:
                if folder == self._path.parent and self._path.exists():
                    self._named = self._path.stat().st_ino
            return
        state = os.fstat(number)
        content = self._read(state.st_ino)[: state.st_size]
        self.syncing.set()
        if self.before_sync is not None:
            assert self.before_sync.wait(10)
        if self.error is not None:
            raise self.error
        os.fsync(number)
        with self._lock:
            self.syncs += 1
            self._kept[state.st_ino] = content

    def _read(self, inode: int) -> bytes:
        fresh = self._path.with_name(self._path.name + ".new")
        return next((p.read_bytes() for p in (fresh, self._path) if p.exists() and p.stat().st_ino == inode), b"")

    def cut(self, random: Random) -> bytes:
        """What the file holds when the power is back."""
        with self._lock:
            now = self._path.stat().st_ino
            renamed = self._named != now and now in self._kept and random.random() < 0.5
            named = now if renamed or self._named is None else self._named
            kept = self._kept.get(named, b"")
            if named != now:
                return kept
            rest = self._path.read_bytes()[len(kept) :]
        some = rest[: random.randrange(len(rest) + 1)]
        return kept + random.choice([some, some + bytes(len(rest) - len(some)), b"", rest])


@pytest.fixture
def forgetful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """The disk under the rig that is made next in `tmp_path`."""
    disk = Disk(tmp_path / "模拟 账户" / "paper.journal")
    monkeypatch.setattr(journal, "os", disk)
    return disk
