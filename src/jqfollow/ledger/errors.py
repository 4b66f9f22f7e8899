"""What can go wrong with the ledger, in both languages.

LedgerError                the ledger cannot be written or read, or refuses what it was told
├── LedgerDamagedError         its file is damaged, or no ledger
├── LedgerLockedError          another program holds it
├── ImpossibleError            what was to be written contradicts what stands: trying again does not help
└── ConflictError              a known message id with another text
"""

import sqlite3
from pathlib import Path

from jqfollow.domain import JqfollowError


class LedgerError(JqfollowError):
    """The ledger cannot be written or read; what was to be written does not stand.

    Attributes:
        zh: what happened and what to do, for people.
        en: the same in English.
    """

    def __init__(self, en: str, zh: str = "") -> None:
        super().__init__(f"{zh} / {en}" if zh else en)
        self.en = en
        self.zh = zh or en


class LedgerDamagedError(LedgerError):
    """The ledger's file is damaged: a person restores it from a backup."""


class LedgerLockedError(LedgerError):
    """Another program holds the ledger; trying again may help."""


class ImpossibleError(LedgerError):
    """The schema forbids what was to be written; trying again does not help."""


class ConflictError(LedgerError):
    """A message id that stands in the ledger came with another text."""


def may_pass(error: Exception) -> bool:
    """Whether trying again later may help: the disk's or another program's trouble, not what was to be written."""
    return isinstance(error, LedgerError) and not isinstance(error, ImpossibleError | ConflictError)


def damaged(path: Path, what: str) -> LedgerDamagedError:
    """The error for a file at `path` that cannot be trusted because of `what`."""
    backups = path.parent / "backups"
    return LedgerDamagedError(
        f"the ledger {path} is damaged ({what}). Stop jqfollow, move {path.name}, {path.name}-wal and {path.name}-shm "
        f"away, and copy the newest good file of {backups} to {path}",
        f"账本 {path} 已损坏（{what}）。请停止 jqfollow，移走 {path.name}、{path.name}-wal 和 {path.name}-shm，"
        f"再把 {backups} 中最新的完好备份复制为 {path}",
    )


_UNREACHABLE = (
    "the ledger {path} cannot be opened or written ({error}); check that the folder exists and may be written",
    "账本 {path} 无法打开或写入（{error}），请检查文件夹是否存在、是否可写",
)
_SENTENCES = {
    sqlite3.SQLITE_FULL: (
        "the disk that holds the ledger {path} is full ({error}); free some space",
        "账本 {path} 所在磁盘已满（{error}），请清理空间",
    ),
    sqlite3.SQLITE_READONLY: _UNREACHABLE,
    sqlite3.SQLITE_CANTOPEN: _UNREACHABLE,
    sqlite3.SQLITE_PERM: _UNREACHABLE,
}
_FAILED = ("the ledger {path} failed: {error}", "账本 {path} 出错：{error}")


def translated(error: sqlite3.Error | OSError, path: Path) -> LedgerError:
    """What `error` means to a person who runs the ledger at `path`."""
    code = primary_code(error)
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return damaged(path, str(error))
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return LedgerLockedError(
            f"the ledger {path} is held by another program ({error}); close it, or try again",
            f"账本 {path} 被其他程序占用（{error}），请关闭它或稍后再试",
        )
    if code == sqlite3.SQLITE_CONSTRAINT:
        return ImpossibleError(f"the ledger refuses an impossible state: {error}", f"账本拒绝不可能的状态：{error}")
    en, zh = _UNREACHABLE if isinstance(error, OSError) else _SENTENCES.get(code, _FAILED)
    return LedgerError(en.format(path=path, error=error), zh.format(path=path, error=error))


def primary_code(error: BaseException) -> int:
    """SQLite's primary result code; that of a plain error when it was not SQLite that raised `error`."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF
