"""What the writer does when the disk, the file or its own thread fails."""

import sqlite3
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, Never, cast

import pytest

from jqfollow.ledger.errors import LedgerDamagedError, LedgerError, LedgerLockedError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.store import connect, prepare
from jqfollow.ledger.writer import Writer
from ledger.samples import Gate, keys, put


@pytest.mark.parametrize("where", ["_commit", "_next_group"])
def test_a_dead_writer_leaves_nobody_waiting(path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def die(*_: object) -> Never:
        raise MemoryError

    ledger = Ledger.open(path)
    try:
        assert ledger._writer is not None
        gate = Gate()
        waiting: list[Future[Any]] = [ledger._writer.submit(gate)]
        assert gate.entered.wait(10)
        waiting += [ledger._writer.submit(partial(put, key=str(number))) for number in range(3)]
        monkeypatch.setattr(ledger._writer, where, die)
        gate.opened.set()
        waiting[0].result(10)
        for future in waiting[1:]:
            with pytest.raises(LedgerError, match="closed"):
                future.result(10)
        with pytest.raises(LedgerError, match="closed"):
            ledger.write_now(partial(put, key="a"))
        assert keys(ledger) == set()
    finally:
        ledger.close_now()


class Broken:
    """A connection that fails at one statement, then works again."""

    def __init__(self, connection: sqlite3.Connection, statements: list[str], code: int) -> None:
        self._connection = connection
        self._statements = statements
        self._code = code
        self.closed = False

    def execute(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
        if sql in self._statements:
            self._statements.remove(sql)
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = self._code
            raise error
        return self._connection.execute(sql, values)

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def close(self) -> None:
        self.closed = True
        self._connection.close()


@pytest.mark.parametrize("statements", [["BEGIN IMMEDIATE"], ["COMMIT"]])
@pytest.mark.parametrize(
    ("code", "error", "anew"),
    [
        (sqlite3.SQLITE_IOERR_FSYNC, LedgerError, True),
        (sqlite3.SQLITE_CORRUPT_INDEX, LedgerDamagedError, True),
        (sqlite3.SQLITE_READONLY, LedgerError, True),
        (sqlite3.SQLITE_FULL, LedgerError, False),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, LedgerLockedError, False),
        (sqlite3.SQLITE_LOCKED_SHAREDCACHE, LedgerLockedError, False),
        (sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, LedgerError, False),
    ],
)
def test_after_a_failing_disk_the_writer_goes_on(
    path: Path, statements: list[str], code: int, error: type[LedgerError], anew: bool
) -> None:
    prepare(path)
    connections: list[Broken] = []

    def opening() -> Any:
        connections.append(Broken(connect(path, mode="rw"), list(statements) if not connections else [], code))
        return connections[-1]

    writer = Writer(path, opening)
    writer.start()
    try:
        with pytest.raises(error) as caught:
            writer.submit(partial(put, key="a")).result(10)
        assert type(caught.value) is error
        assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
        assert writer.failed
        assert writer.submit(partial(put, key="b")).result(10) == "b"
        assert not writer.failed
    finally:
        writer.close()
    assert len(connections) == (2 if anew else 1)
    assert all(connection.closed for connection in connections)
    with Ledger.open(path, read_only=True) as ledger:
        assert keys(ledger) == {"b"}


def test_a_ledger_that_cannot_be_opened_just_now_may_be_later(path: Path) -> None:
    prepare(path)
    calls: list[int] = []

    def opening() -> sqlite3.Connection:
        calls.append(1)
        return connect(path if len(calls) > 1 else path.with_name("gone.db"), mode="rw")

    writer = Writer(path, opening)
    writer.start()
    try:
        with pytest.raises(LedgerError, match="opened"):
            writer.submit(partial(put, key="a")).result(10)
        assert writer.submit(partial(put, key="b")).result(10) == "b"
    finally:
        writer.close()


def test_a_connection_that_cannot_even_roll_back_is_left(path: Path) -> None:
    prepare(path)
    broken = [["COMMIT", "ROLLBACK"], []]
    writer = Writer(path, lambda: cast("Any", Broken(connect(path, mode="rw"), broken.pop(0), sqlite3.SQLITE_FULL)))
    writer.start()
    try:
        with pytest.raises(LedgerError, match="full"):
            writer.submit(partial(put, key="a")).result(10)
        assert writer.submit(partial(put, key="b")).result(10) == "b"
    finally:
        writer.close()
    assert broken == []
    with Ledger.open(path, read_only=True) as ledger:
        assert keys(ledger) == {"b"}
