"""A write log of a real process, and what a loss of power at any point of it would leave on the disk.

`record_ledger` puts a VFS of its own under the SQLite library that Python uses (by `ctypes`; SQLite's own one does the
work), `record_journal` stands in for the paper journal's file and `os`: both write down each write, truncation and
sync in the order in which they were done. `Disk` plays the log up to a point: what was synced stands, and of the rest
nothing, all, the beginning, or any part, torn between sectors.
"""

import ctypes
import os
import pickle
import random
import re
import sqlite3
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, Literal

SECTOR = 512
_WRITTEN_FILES = 0x00000100 | 0x00080000
"""SQLITE_OPEN_MAIN_DB and SQLITE_OPEN_WAL: what counts after a loss of power."""


@dataclass(frozen=True, slots=True)
class Op:
    """One change of a file, or its sync."""

    kind: Literal["write", "truncate", "sync", "whole", "rename"]
    file: str
    """Its name in the data folder."""
    at: int = 0
    data: bytes = b""
    moment: float = 0.0
    """By the machine's own clock."""
    other: str = ""
    """The new name."""


class Log:
    """Appends to a file what was done; the file's length is the point that was reached."""

    def __init__(self, path: Path) -> None:
        self._number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._turn = threading.Lock()

    def add(self, op: Op) -> None:
        told = pickle.dumps((op.kind, op.file, op.at, op.data, time.monotonic(), op.other))
        with self._turn:
            os.write(self._number, struct.pack("<I", len(told)) + told)


def read_log(path: Path) -> Iterator[tuple[int, Op]]:
    """Each whole entry, with the length of the log once it stood."""
    content, end = path.read_bytes(), 0
    while end + 4 <= len(content):
        [size] = struct.unpack_from("<I", content, end)
        if end + 4 + size > len(content):
            return
        told = pickle.loads(content[end + 4 : end + 4 + size])
        end += 4 + size
        yield end, Op(*told)


# -- the ledger's files ----------------------------------------------------------------------------------------------

_P, _I, _L = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_CLOSE = ctypes.CFUNCTYPE(_I, _P)
_WRITE = ctypes.CFUNCTYPE(_I, _P, _P, _I, _L)
_TRUNCATE = ctypes.CFUNCTYPE(_I, _P, _L)
_SYNC = ctypes.CFUNCTYPE(_I, _P, _I)
_OPEN = ctypes.CFUNCTYPE(_I, _P, _P, _P, _I, _P)


class _Methods(ctypes.Structure):
    """`sqlite3_io_methods`, version 3."""

    _fields_ = [  # ctypes' own way
        ("version", _I), ("close", _P), ("read", _P), ("write", _P), ("truncate", _P), ("sync", _P),
        *((f"rest{n}", _P) for n in range(13)),
    ]  # fmt: skip


class _Vfs(ctypes.Structure):
    """`sqlite3_vfs`, version 3."""

    _fields_ = [
        ("version", _I), ("file_size", _I), ("most_path", _I), ("next", _P), ("name", ctypes.c_char_p), ("data", _P),
        ("open", _P), *((f"rest{n}", _P) for n in range(16)),
    ]  # fmt: skip


def library() -> ctypes.CDLL | None:
    """The SQLite library that Python's own module has loaded; `None` where it is not to be reached."""
    sqlite3.connect(":memory:").close()
    found = re.search(r"/\S*libsqlite3\S*", Path("/proc/self/maps").read_text(encoding="utf-8"))
    if found is None:
        return None
    loaded = ctypes.CDLL(found[0])
    loaded.sqlite3_vfs_find.restype = _P
    loaded.sqlite3_vfs_find.argtypes = [ctypes.c_char_p]
    loaded.sqlite3_vfs_register.argtypes = [_P, _I]
    return loaded


class Recording:
    """The VFS; from now on every database that is opened is recorded."""

    def __init__(self, log: Log) -> None:
        loaded = library()
        assert loaded is not None
        self._log = log
        self._names: dict[int, str] = {}
        self._tables: dict[int, tuple[_Methods, _Methods]] = {}
        """By the address of SQLite's methods: those, and ours."""
        self._kept: list[Any] = []
        self._vfs = _Vfs()
        ctypes.memmove(ctypes.byref(self._vfs), loaded.sqlite3_vfs_find(None), ctypes.sizeof(_Vfs))
        self._open = _OPEN(self._vfs.open)
        self._vfs.name = b"recording"
        self._vfs.open = self._keep(_OPEN(self._opened))
        assert loaded.sqlite3_vfs_register(ctypes.byref(self._vfs), 1) == 0

    def _keep(self, function: Any) -> int:
        self._kept.append(function)
        address = ctypes.cast(function, _P).value
        assert address is not None
        return address

    def _opened(self, vfs: int, name: int, file: int, flags: int, out: int) -> int:
        code = int(self._open(vfs, name, file, flags, out))
        if code == 0 and name and flags & _WRITTEN_FILES:
            self._names[file] = Path(os.fsdecode(ctypes.string_at(name))).name
            pointer = ctypes.cast(file, ctypes.POINTER(_P))
            pointer[0] = ctypes.addressof(self._ours(pointer[0]))
        return code

    def _ours(self, address: Any) -> _Methods:
        if address not in self._tables:
            theirs = _Methods.from_address(address)
            ours = _Methods()
            ctypes.memmove(ctypes.byref(ours), address, ctypes.sizeof(_Methods))
            close, write, truncate, sync = (
                kind(getattr(theirs, name))
                for kind, name in ((_CLOSE, "close"), (_WRITE, "write"), (_TRUNCATE, "truncate"), (_SYNC, "sync"))
            )

            def closing(file: int) -> int:
                self._names.pop(file, None)
                return int(close(file))

            def writing(file: int, data: int, size: int, at: int) -> int:
                code = int(write(file, data, size, at))
                self._log.add(Op("write", self._names[file], at, ctypes.string_at(data, size)))
                return code

            def truncating(file: int, size: int) -> int:
                code = int(truncate(file, size))
                self._log.add(Op("truncate", self._names[file], size))
                return code

            def syncing(file: int, flags: int) -> int:
                code = int(sync(file, flags))
                self._log.add(Op("sync", self._names[file]))
                return code

            ours.close, ours.write = self._keep(_CLOSE(closing)), self._keep(_WRITE(writing))
            ours.truncate, ours.sync = self._keep(_TRUNCATE(truncating)), self._keep(_SYNC(syncing))
            self._tables[address] = theirs, ours
        return self._tables[address][1]


# -- the paper account's file ----------------------------------------------------------------------------------------


def record_journal(log: Log) -> None:
    """Every paper journal that is opened from now on is recorded."""
    from jqfollow.execution.brokers.paper import journal

    class Recorded(FileIO):
        """The journal's file."""

        def write(self, data: Any) -> int:
            at = os.fstat(self.fileno()).st_size
            written = super().write(data)
            log.add(Op("write", Path(str(self.name)).name, at, bytes(data)[:written]))
            return written

        def truncate(self, size: int | None = None) -> int:
            done = super().truncate(size)
            log.add(Op("truncate", Path(str(self.name)).name, done))
            return done

    class RecordedOs:
        """Stands in for `os` there."""

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

        @staticmethod
        def fsync(number: int) -> None:
            os.fsync(number)
            path = Path(f"/proc/self/fd/{number}").readlink()
            if path.suffix == ".new":  # written by others' hands, and synced as a whole
                log.add(Op("whole", path.name, 0, path.read_bytes()))
            elif path.is_file():
                log.add(Op("sync", path.name))

        @staticmethod
        def replace(source: Path, target: Path) -> None:
            source.replace(target)
            log.add(Op("rename", source.name, other=target.name))

    journal.FileIO = Recorded  # type: ignore[misc]
    journal.os = RecordedOs()  # type: ignore[assignment]


def record_everything(path: Path) -> object:
    """Ledger, journal and the high-water mark; what it gives has to be kept."""
    from jqfollow import restored

    log = Log(path)
    write = restored.write_private

    def written(target: Path, content: bytes) -> None:
        write(target, content)
        log.add(Op("whole", "high-water", 0, content))

    restored.write_private = written
    record_journal(log)
    return Recording(log)


# -- a loss of power -------------------------------------------------------------------------------------------------


class Disk:
    """Files as a disk has them: what was synced, and what was only written since."""

    def __init__(self, folder: Path) -> None:
        """Everything in `folder` was on the disk before."""
        self._synced = {path.name: bytearray(path.read_bytes()) for path in folder.iterdir() if path.is_file()}
        self._pending: dict[str, list[Op]] = {}

    def do(self, op: Op) -> None:
        """One entry of the log."""
        match op.kind:
            case "sync":
                for one in self._pending.pop(op.file, []):
                    _apply(self._synced.setdefault(op.file, bytearray()), one)
            case "whole":
                self._synced[op.file] = bytearray(op.data)
            case "rename":  # the journal syncs its folder before it goes on
                self._synced[op.other] = self._synced.pop(op.file)
                self._pending.pop(op.other, None)
            case _:
                self._pending.setdefault(op.file, []).append(op)

    def cut(self, dice: random.Random) -> dict[str, bytes]:
        """What each file holds when the power is back."""
        left = {}
        for name in self._synced.keys() | self._pending.keys():
            content = bytearray(self._synced.get(name, b""))
            for op in _survivors(self._pending.get(name, []), dice):
                _apply(content, op)
            left[name] = bytes(content)
        return left


def _survivors(pending: list[Op], dice: random.Random) -> list[Op]:
    """Which of the writes that were not synced are there; the last of a beginning may be torn."""
    match dice.choice(("none", "all", "beginning", "some")):
        case "none":
            return []
        case "all":
            return pending
        case "some":
            return [op for op in pending if dice.random() < 0.5]
    kept = pending[: dice.randrange(len(pending) + 1)]
    if kept and kept[-1].kind == "write" and len(kept[-1].data) > SECTOR:
        torn = kept[-1]
        whole = SECTOR * dice.randrange(len(torn.data) // SECTOR + 1)
        kept = [*kept[:-1], Op("write", torn.file, torn.at, torn.data[:whole])]
    return kept


def _apply(content: bytearray, op: Op) -> None:
    if op.kind == "truncate":
        del content[op.at :]
        return
    if len(content) < op.at:
        content.extend(bytes(op.at - len(content)))
    content[op.at : op.at + len(op.data)] = op.data
