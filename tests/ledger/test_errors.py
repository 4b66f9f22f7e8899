"""What SQLite's codes mean to whoever waits: the many extended ones are their primary one."""

import sqlite3
from pathlib import Path

import pytest

from jqfollow.ledger.errors import (
    ConflictError,
    ImpossibleError,
    LedgerDamagedError,
    LedgerError,
    LedgerLockedError,
    may_pass,
    primary_code,
    translated,
)


def failed(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("as SQLite says")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "kind", "passes"),
    [
        (sqlite3.SQLITE_BUSY, LedgerLockedError, True),
        (sqlite3.SQLITE_LOCKED, LedgerLockedError, True),
        (sqlite3.SQLITE_CORRUPT, LedgerDamagedError, True),
        (sqlite3.SQLITE_NOTADB, LedgerDamagedError, True),
        (sqlite3.SQLITE_CONSTRAINT, ImpossibleError, False),
        (sqlite3.SQLITE_IOERR, LedgerError, True),
        (sqlite3.SQLITE_FULL, LedgerError, True),
        (sqlite3.SQLITE_READONLY, LedgerError, True),
    ],
)
@pytest.mark.parametrize("extended", [0, 1, 2, 9])
def test_an_extended_code_means_what_its_primary_one_means(
    code: int, kind: type[LedgerError], passes: bool, extended: int
) -> None:
    error = failed(code | extended << 8)
    assert primary_code(error) == code
    told = translated(error, Path("ledger.db"))
    assert type(told) is kind
    assert "as SQLite says" in told.en
    assert "as SQLite says" in told.zh
    assert may_pass(told) == passes


def test_what_can_never_be_written_is_not_tried_again() -> None:
    assert not may_pass(ConflictError("en", "zh"))
    assert not may_pass(ValueError("en"))
    assert "free some space" in translated(failed(sqlite3.SQLITE_FULL), Path("l")).en
    assert "check that the folder exists" in translated(OSError("no"), Path("l")).en
    for code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        assert "check that the folder exists" in translated(failed(code), Path("l")).en
    assert "check that" not in translated(failed(sqlite3.SQLITE_IOERR), Path("l")).en


def test_who_is_told_in_one_language_alone_reads_it_once() -> None:
    both, one = LedgerError("en", "zh"), LedgerError("en")
    assert [(str(error), error.zh, error.en) for error in (both, one)] == [("zh / en", "zh", "en"), ("en", "en", "en")]
