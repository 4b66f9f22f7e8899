"""Rows that one transaction has read or written. Nobody else writes while it lasts, so that none is read twice."""

import sqlite3

from jqfollow.domain import OrderKey
from jqfollow.ledger.codec import Stored, to_json
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.pace import Pace
from jqfollow.ledger.rows import AttemptRow, OrderRow, PauseRow, SignalRow


class Kept:
    """Of one transaction; whoever changes a row in the file changes it here, or forgets everything."""

    __slots__ = (
        "_by_broker",
        "_by_remark",
        "_of_order",
        "attempts",
        "changes",
        "later",
        "newest_attempt",
        "orders",
        "pace",
        "pauses",
        "remark_tag",
        "signals",
    )

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace = pace
        """How a read gives way; `None`: it does not."""
        self.orders: dict[int, OrderRow] = {}
        self.attempts: dict[int, AttemptRow] = {}
        self.signals: dict[int, SignalRow] = {}
        self.newest_attempt: int | None = None
        """Its number, once it was asked for."""
        self.pauses: list[PauseRow] | None = None
        self.remark_tag: str | None = None
        self.changes: dict[tuple[str, str, int], dict[str, Stored]] = {}
        """Columns that are still to be written, by table, its key, and the row's."""
        self.later: dict[tuple[str, tuple[str, ...]], list[tuple[Stored, ...]]] = {}
        """Rows that are still to be inserted, by table and columns."""
        self._by_broker: dict[OrderKey, int] = {}
        self._by_remark: dict[str, int] = {}
        self._of_order: dict[int, list[int]] = {}

    def forget(self) -> None:
        """After a savepoint was rolled back: what was kept may never have stood."""
        for rows in (
            self.orders,
            self.attempts,
            self.signals,
            self._by_broker,
            self._of_order,
            self._by_remark,
            self.changes,
            self.later,
        ):
            rows.clear()
        self.newest_attempt = self.pauses = self.remark_tag = None

    def settle(self, connection: sqlite3.Connection) -> None:
        """Writes the rows that were changed; one statement a row, however often it was."""
        changes, self.changes = self.changes, {}
        for (table, key, row), columns in changes.items():
            names = ", ".join(f"{name} = ?" for name in columns)
            sql = f"UPDATE {table} SET {names} WHERE {key} = ?"  # noqa: S608  own names
            if connection.execute(sql, (*columns.values(), row)).rowcount != 1:
                raise LedgerError(f"{table} has no row with {key} {row}")

    def flush(self, connection: sqlite3.Connection) -> None:
        """Writes all that was to be written later; what is inserted, in one statement a table, however many rows."""
        if self.changes:
            self.settle(connection)
        later, self.later = self.later, {}
        for (table, names), rows in later.items():
            columns = ", ".join(f"value ->> {number}" for number in range(len(names)))
            sql = f"INSERT INTO {table} ({', '.join(names)}) SELECT {columns} FROM json_each(?)"  # noqa: S608  own names
            connection.execute(sql, (to_json(rows),))

    def keep_order(self, row: OrderRow) -> OrderRow:
        """Keeps it as it stands in the file now; returns it."""
        self.orders[row.order_id] = row
        return row

    def keep_attempt(self, row: AttemptRow) -> AttemptRow:
        """Keeps it as it stands in the file now; returns it."""
        self.attempts[row.attempt_id] = row
        self._by_remark[row.remark] = row.attempt_id
        if row.broker_order_id is not None:
            key = OrderKey(account=row.account, day=row.day, broker_order_id=row.broker_order_id)
            self._by_broker[key] = row.attempt_id
        return row

    def by_broker(self, key: OrderKey) -> AttemptRow | None:
        """The attempt with this order of the broker, if it is kept."""
        found = self._by_broker.get(key)
        row = None if found is None else self.attempts[found]
        return row if row is not None and row.broker_order_id == key.broker_order_id else None

    def by_remark(self, remark: str) -> AttemptRow | None:
        """The attempt with this remark, if it is kept."""
        found = self._by_remark.get(remark)
        return None if found is None else self.attempts[found]

    def keep_order_with(self, order_id: int, rows: list[AttemptRow]) -> None:
        """These are all the attempts of the order, first to last."""
        self._of_order[order_id] = [self.keep_attempt(row).attempt_id for row in rows]

    def of_order(self, order_id: int) -> list[AttemptRow] | None:
        """All the attempts of an order, if they are kept."""
        found = self._of_order.get(order_id)
        return None if found is None else [self.attempts[attempt_id] for attempt_id in found]

    def add_attempt(self, row: AttemptRow) -> AttemptRow:
        """A new attempt, its order's last; returns it."""
        if (known := self._of_order.get(row.order_id)) is not None:
            known.append(row.attempt_id)
        return self.keep_attempt(row)
