"""From older versions of the schema to the newest, with a copy first; never from a newer one."""

import re
import sqlite3
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from jqfollow.clock import to_ms
from jqfollow.ledger import store
from jqfollow.ledger.errors import LedgerDamagedError, LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.migrations import APPLICATION_ID, SCHEMA, Schema
from ledger.samples import an_attempt

OLDEST = """
-- A comment; with a semicolon.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE people (person_id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;  -- and one; here
CREATE TABLE pets (pet_id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES people (person_id)) STRICT
"""
REBUILD = """
CREATE TABLE new_people (person_id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INTEGER) STRICT;
INSERT INTO new_people SELECT person_id, name, NULL FROM people;
DROP TABLE people;
ALTER TABLE new_people RENAME TO people;
CREATE TRIGGER no_ghosts BEFORE INSERT ON people WHEN NEW.age < 0
BEGIN
    SELECT RAISE(ABORT, 'a ghost; no person');
END;
"""


def older_everyone(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE people SET age = 7")


FIRST = Schema(sql=OLDEST)
THIRD = Schema(sql=OLDEST, steps=(REBUILD, older_everyone))


@pytest.fixture
def old(path: Path) -> Path:
    store.prepare(path, schema=FIRST)
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO people VALUES (1, '王')")
        connection.execute("INSERT INTO pets VALUES (1, 1)")
    connection.close()
    return path


def ask(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_an_older_ledger_is_copied_and_taken_to_the_newest_version(old: Path) -> None:
    store.prepare(old, schema=THIRD)
    assert ask(old, "SELECT * FROM people") == [(1, "王", 7)]
    assert ask(old, "SELECT * FROM pets") == [(1, 1)]
    assert ask(old, "PRAGMA user_version") == [(3,)]
    assert ask(old, "PRAGMA application_id") == [(APPLICATION_ID,)]
    copy = old.parent / "backups" / "ledger-v1.db"
    assert ask(copy, "SELECT * FROM people") == [(1, "王")]
    assert ask(copy, "PRAGMA user_version") == [(1,)]
    store.prepare(old, schema=THIRD)
    # A restored copy goes the same way again.
    store.prepare(copy, schema=THIRD)
    assert ask(copy, "SELECT * FROM people") == [(1, "王", 7)]


def test_it_starts_from_where_the_ledger_is(old: Path) -> None:
    store.prepare(old, schema=Schema(sql=OLDEST, steps=(REBUILD,)))
    assert ask(old, "SELECT age FROM people") == [(None,)]
    store.prepare(old, schema=THIRD)
    assert ask(old, "SELECT age FROM people") == [(7,)]
    assert (old.parent / "backups" / "ledger-v2.db").exists()


def fail(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO nowhere VALUES (1)")


def orphan(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM people")


@pytest.mark.parametrize("bad", [fail, orphan])
def test_a_step_that_fails_leaves_the_ledger_as_it_was(old: Path, bad: object) -> None:
    with pytest.raises(LedgerError, match="unchanged") as caught:
        store.prepare(old, schema=Schema(sql=OLDEST, steps=(REBUILD, bad)))  # type: ignore[arg-type]
    assert not isinstance(caught.value, LedgerDamagedError)
    assert "ledger-v1.db" in caught.value.zh
    assert ask(old, "SELECT * FROM people") == [(1, "王")]
    assert ask(old, "PRAGMA user_version") == [(1,)]
    store.prepare(old, schema=THIRD)


def test_a_newer_ledger_is_refused_with_what_to_do(old: Path) -> None:
    store.prepare(old, schema=THIRD)
    for look in (store.prepare, store.check_readable):
        with pytest.raises(LedgerError, match="version 3, this program knows 1") as caught:
            look(old, schema=FIRST)
        assert "新版" in caught.value.zh
        assert not isinstance(caught.value, LedgerDamagedError)


def test_an_older_ledger_is_not_upgraded_by_looking_at_it(old: Path) -> None:
    with pytest.raises(LedgerError, match="older jqfollow"):
        store.check_readable(old, schema=THIRD)
    assert ask(old, "PRAGMA user_version") == [(1,)]


V1 = Schema(sql=(Path(__file__).parent / "schema_v1.sql").read_text(encoding="utf-8"))
FILL = """
INSERT INTO signals (signal_id, strategy, wire, message_id, digest, kind, run, text, made_at, received_at, jq_order_id,
                     security, side, amount, price, status, day, state)
VALUES (1, 'demo', 'jqf1', 'm0', 'd', 'order', 'sim_trade', '{}', 1000, 1001, '7', '000001.SZ', 'buy', 300, '10.50',
        'held', '2026-01-05', 'followed');
INSERT INTO orders (order_id, signal_id, account, strategy, part, day, security, side, sized, volume, state,
                    waiting_for, wait_until, created_at, updated_at)
VALUES (1, 1, 'main', 'demo', 1, '2026-01-05', '000001.SZ', 'buy', 1, 300, 'new', 'cash', 9000, 1002, 1003);
INSERT INTO attempts (attempt_id, order_id, number, account, day, security, side, volume, price, remark,
                      broker_order_id, state, cancels, created_at, updated_at)
VALUES (1, 1, 1, 'main', '2026-01-05', '000001.SZ', 'buy', 300, '10.51', 'jqABCDE-1', 'b1', 'new', 2, 1002, 1003);
INSERT INTO fills (attempt_id, account, strategy, day, broker_order_id, traded_id, security, side, volume, price,
                   filled_at)
VALUES (1, 'main', 'demo', '2026-01-05', 'b1', 't1', '000001.SZ', 'buy', 100, '10.51', 1004);
"""


FILL_ELSEWHERE = """
INSERT INTO orders (order_id, signal_id, account, strategy, part, day, security, side, sized, volume, state,
                    created_at, updated_at)
VALUES (2, 1, 'paper', 'demo', 1, '2026-01-05', '000001.SZ', 'buy', 1, 300, 'new', 1002, 1003);
INSERT INTO attempts (attempt_id, order_id, number, account, day, security, side, volume, price, remark,
                      broker_order_id, state, cancels, created_at, updated_at)
VALUES (2, 2, 1, 'paper', '2026-01-05', '000001.SZ', 'buy', 300, '10.51', 'jqABCDE-2', 'b1', 'new', 0, 1002, 1003);
INSERT INTO fills (attempt_id, account, strategy, day, broker_order_id, traded_id, security, side, volume, price,
                   filled_at)
VALUES (2, 'paper', 'demo', '2026-01-05', 'b1', 't1', '000001.SZ', 'buy', 200, '10.51', 1004);
"""


def test_from_version_1(path: Path) -> None:
    """What stood there stands, days are counted, and what waits waits since it was last written."""
    store.prepare(path, schema=V1)
    with sqlite3.connect(path) as connection:
        connection.executescript(FILL)
        connection.executescript(FILL_ELSEWHERE)
    connection.close()
    with Ledger.open(path) as ledger:
        elsewhere = ledger.read_now(lambda tx: tx.attempts.counts("paper", date(2026, 1, 5), ahead=False))
        assert elsewhere.turnover == Decimal("2102.00")
        order = ledger.read_now(lambda tx: tx.orders.get(1))
        assert order is not None
        assert (order.terms.amount, order.terms.reference, order.terms.run) == (300, Decimal("10.50"), "sim_trade")
        assert (order.terms.mode, order.waiting_for) == (None, "cash")
        assert order.waiting is not None
        assert (to_ms(order.waiting.since), to_ms(order.deadline)) == (1003, 61_000)
        counts = ledger.read_now(lambda tx: tx.attempts.counts("main", date(2026, 1, 5), ahead=False))
        assert (counts.attempts, counts.cancels, counts.turnover) == (1, 2, Decimal("1051.00"))
        ledger.write_now(an_attempt)
    fresh = path.with_name("fresh.db")
    store.prepare(fresh)
    look = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    plain = [[(kind, name, _plain(sql)) for kind, name, sql in ask(file, look)] for file in (path, fresh)]
    assert plain[0] == plain[1]


def test_what_stands_is_known_to_rest_at_joinquant(path: Path) -> None:
    store.prepare(path, schema=V1)
    with sqlite3.connect(path) as connection:
        connection.executescript(FILL.replace("'held'", "'open'"))
    connection.close()
    with Ledger.open(path) as ledger:
        assert ledger.read_now(lambda tx: tx.elsewhere.rests(1))
        known = ledger.read_now(lambda tx: tx.elsewhere.get("demo", "7", date(2026, 1, 5)))
        assert known is not None
        assert (known.state, known.filled) == ("resting", 0)


def _plain(sql: object) -> str:
    text = re.sub(r"--[^\n]*", "", str(sql))
    return " ".join(re.sub(r'"(\w+)"', r"\1", text).split())


def test_the_ledger_of_this_version(path: Path) -> None:
    assert SCHEMA.version == 1 + len(SCHEMA.steps)
    with Ledger.open(path) as ledger:
        ledger.write_now(an_attempt)
    assert ask(path, "PRAGMA user_version") == [(SCHEMA.version,)]
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]
