"""What all tables share."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from jqfollow.ledger.codec import Stored
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.kept import Kept


class Table:
    """Queries on one connection; lives as long as the connection, used within transactions only."""

    __slots__ = ("_c", "_kept")

    def __init__(self, connection: sqlite3.Connection, kept: Kept) -> None:
        self._c = connection
        self._kept = kept

    def _flush(self) -> None:
        """Before a table is read whose rows are inserted later."""
        self._kept.flush(self._c)

    def _one(self, sql: str, *values: Stored) -> Any:
        if self._kept.changes:
            self._kept.settle(self._c)
        return self._c.execute(sql, values).fetchone()

    def _one_apart(self, sql: str, *values: Stored) -> Any:
        """Like `_one`, of a table whose rows are not changed later (`_update_later`)."""
        return self._c.execute(sql, values).fetchone()

    def _all(self, sql: str, *values: Stored) -> Iterable[Any]:
        if self._kept.changes:
            self._kept.settle(self._c)
        rows, pace = self._c.execute(sql, values).fetchall(), self._kept.pace
        return rows if pace is None else pace.through(rows)

    def _update_later(self, table: str, key: str, key_value: int, values: Mapping[str, Stored]) -> None:
        """Changes a row that is kept: it is written before any row is read that could tell, or the transaction ends."""
        self._kept.changes.setdefault((table, key, key_value), {}).update(values)

    def _update_row(self, table: str, key: str, key_value: int, values: Mapping[str, Stored]) -> Any:
        """The row as it is then."""
        if self._kept.changes:
            self._kept.settle(self._c)
        names = ", ".join(f"{name} = ?" for name in values)
        sql = f"UPDATE {table} SET {names} WHERE {key} = ? RETURNING *"  # noqa: S608  names are this package's own
        rows = self._c.execute(sql, (*values.values(), key_value)).fetchall()
        if not rows:
            raise LedgerError(f"{table} has no row with {key} {key_value}")
        return rows[0]

    def _insert(self, table: str, values: Mapping[str, Stored]) -> int:
        """The new row's id."""
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608  names are this package's own
        row_id = self._c.execute(sql, tuple(values.values())).lastrowid
        if row_id is None:
            raise LedgerError(f"{table}: no row was written")
        return row_id

    def _insert_later(self, table: str, values: Mapping[str, Stored]) -> None:
        """Writes the row together with the transaction's others of this table, before it ends or reads the table."""
        self._kept.later.setdefault((table, tuple(values)), []).append(tuple(values.values()))

    def _insert_new(self, table: str, values: Mapping[str, Stored]) -> int | None:
        """The new row's id; `None` when a row that must be unique stands already: then nothing changes."""
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608  as above
        done = self._c.execute(sql, tuple(values.values()))
        return done.lastrowid if done.rowcount else None

    def _update(self, table: str, key: str, key_value: int, values: Mapping[str, Stored]) -> None:
        names = ", ".join(f"{name} = ?" for name in values)
        sql = f"UPDATE {table} SET {names} WHERE {key} = ?"  # noqa: S608  names are this package's own
        if self._c.execute(sql, (*values.values(), key_value)).rowcount != 1:
            raise LedgerError(f"{table} has no row with {key} {key_value}")

    def _newest(self, table: str, key: str, limit: int, **conditions: Stored) -> Iterable[Any]:
        """Rows, newest first; a condition `name` or `name__op` that is `None` does not count.

        Raises:
            ValueError: a negative limit, which SQLite would take for none.
        """
        if limit < 0:
            raise ValueError(f"limit is {limit}; it must not be negative")
        operators = {"": "=", "lt": "<", "ge": ">="}
        given = {name: value for name, value in conditions.items() if value is not None}
        where = []
        for name in given:
            column, _, operator = name.partition("__")
            where.append(f"{column} {operators[operator]} ?")
        sql = (
            f"SELECT * FROM {table}{' WHERE ' if where else ''}{' AND '.join(where)} "  # noqa: S608  names are this package's own
            f"ORDER BY {key} DESC LIMIT ?"
        )
        return self._all(sql, *given.values(), limit)


def checked_columns(table: str, columns: Mapping[str, Any], allowed: frozenset[str]) -> None:
    """Refuses names that are not columns of `table` which may change.

    Raises:
        TypeError: such a name.
    """
    if unknown := set(columns) - allowed:
        raise TypeError(f"{table} has no column to update named {', '.join(sorted(unknown))}")
