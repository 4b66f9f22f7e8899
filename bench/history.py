"""A ledger with a long history, made in seconds: a few real orders, copied by SQL onto the days before.

What is copied was written by the service itself, so the schema may change without this file: each table's rows get new
numbers, foreign keys follow them, times and days move back. All tables share one stride, so a number's copies never
meet another's.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

from bench.stage import Side, Stage

ROOT = "signals"
"""The table from which the growing ones hang by their foreign keys."""
PER_DAY = 4_000
_FOLLOWED, _RECORDED = 10, 40
"""Of the signals, as a strategy's: most change nothing here (ended unfilled, replaced), some become orders."""
_DAY_MS = 86_400_000
_SUFFIXED = frozenset({"message_id", "jq_order_id", "broker_order_id", "traded_id"})
"""Unique texts of others' making: a copy's gets its number behind it."""


def fill(folder: Path, signals: int) -> None:
    """Makes `folder` that of a service which has seen `signals`."""
    with Stage(Side.SERVICE, folder) as stage:
        stage.send_all(stage.signals.buys(_FOLLOWED), connections=1)
        stage.send_all([stage.signals.unfilled() for _ in range(_RECORDED)], connections=1)
        stage.calls.wait(_FOLLOWED, 60)
        stage.settle()
        stage.stop()
    multiply(folder / "data" / "ledger.sqlite3", signals // (_FOLLOWED + _RECORDED))


def multiply(ledger: Path, copies: int) -> None:
    """Makes of each row in the ledger's growing tables so many, the last of them today's, the others of days before."""
    connection = sqlite3.connect(ledger, isolation_level=None)
    try:
        for pragma in ("journal_mode = DELETE", "journal_mode = OFF", "synchronous = OFF", "cache_size = -500000"):
            connection.execute(f"PRAGMA {pragma}")
        tables = {table: _key(connection, table) for table in growing(connection)}
        connection.execute("BEGIN")
        put_aside = list(_put_aside(connection, tables))
        stride = 1 + max(
            connection.execute(f"SELECT coalesce(max({key}), 0) FROM {table}").fetchone()[0]
            for table, key in tables.items()
            if _type(connection, table, key) == "INTEGER"
        )
        per_day = max(1, PER_DAY // connection.execute(f"SELECT count(*) FROM {ROOT}").fetchone()[0])
        for table, key in tables.items():
            _multiply(connection, table, key, copies=copies, stride=stride, per_day=per_day)
        for sql in put_aside:
            connection.execute(sql)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


def growing(connection: sqlite3.Connection) -> list[str]:
    """`ROOT`, and every table that hangs from it."""
    foreign = connection.execute(
        "SELECT m.name, f.\"table\" FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'"
    ).fetchall()
    found = [ROOT]
    for above in found:
        found += sorted({table for table, of in foreign if of == above and table not in found})
    return found


def _key(connection: sqlite3.Connection, table: str) -> str:
    (key,) = connection.execute(f"SELECT name FROM pragma_table_info('{table}') WHERE pk = 1").fetchone()
    return str(key)


def _type(connection: sqlite3.Connection, table: str, column: str) -> str:
    sql = f"SELECT type FROM pragma_table_info('{table}') WHERE name = ?"
    return str(connection.execute(sql, (column,)).fetchone()[0])


def _put_aside(connection: sqlite3.Connection, tables: Iterable[str]) -> Iterator[str]:
    """Drops indexes and triggers, and gives what makes them anew: an index is built much sooner than it grows."""
    for kind, name, table, sql in connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type IN ('index', 'trigger')"
    ).fetchall():
        if table in set(tables):
            connection.execute(f"DROP {kind} {name}")
            yield sql


def _multiply(connection: sqlite3.Connection, table: str, key: str, *, copies: int, stride: int, per_day: int) -> None:
    columns = dict(connection.execute(f"SELECT name, type FROM pragma_table_info('{table}')").fetchall())
    foreign = connection.execute(f"SELECT \"from\" FROM pragma_foreign_key_list('{table}')").fetchall()
    numbers = {key, *(name for (name,) in foreign)}
    values = [_value(name, kind, key, numbers) for name, kind in columns.items()]
    connection.execute(f"CREATE TEMP TABLE template AS SELECT * FROM {table} ORDER BY {key}")
    connection.execute(f"DELETE FROM {table}")
    connection.execute(
        f"WITH RECURSIVE copy (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM copy WHERE n < :copies - 1),"
        f" dated AS (SELECT n, n * :stride AS up, (:copies - 1 - n + :per_day - 1) / :per_day AS back FROM copy)"
        f" INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM dated CROSS JOIN template",
        {"copies": copies, "stride": stride, "per_day": per_day},
    )
    connection.execute("DROP TABLE template")


def _value(name: str, kind: str, key: str, numbers: AbstractSet[str]) -> str:
    """A column's value in a copy, in SQL."""
    if name in numbers and kind == "INTEGER":
        return f"{name} + up"
    if name == "day":
        return "date(day, '-' || back || ' days')"
    if kind == "INTEGER" and (name == "at" or name.endswith(("_at", "_until"))):
        return f"{name} - back * {_DAY_MS}"
    if name in _SUFFIXED:
        return f"CASE back WHEN 0 THEN {name} ELSE {name} || '-' || n END"
    if name == "remark":  # 24 characters are all that a broker takes
        return f"CASE back WHEN 0 THEN remark ELSE 'copy-' || ({key} + up) END"
    return name
