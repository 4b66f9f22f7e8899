"""Prices around orders, and how far books were off by day: what nobody could tell afterwards."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jqfollow.clock import from_ms
from jqfollow.ledger.codec import day_text, decimal, stored
from jqfollow.ledger.table import Table

_ARRIVAL = "INSERT OR IGNORE INTO order_marks (order_id, arrival) VALUES (?, ?)"
_CLOSE = """
INSERT INTO order_marks (order_id, close) VALUES (?, ?)
ON CONFLICT (order_id) DO UPDATE SET close = excluded.close"""
_OF_DAYS = """
SELECT order_marks.* FROM order_marks JOIN orders USING (order_id) WHERE orders.day BETWEEN ? AND ?"""
_MARKS = """
SELECT orders.day, count(*), max(updated_at), sum(volume), sum(filled), count(arrival), count(close)
FROM orders LEFT JOIN order_marks USING (order_id) WHERE orders.day BETWEEN ? AND ? GROUP BY orders.day"""
_WITHOUT_CLOSE = """
SELECT orders.order_id, orders.account, orders.security FROM orders LEFT JOIN order_marks USING (order_id)
WHERE orders.day = ? AND order_marks.close IS NULL"""
_OF_BOOK = """
SELECT coalesce(close, arrival, reference) AS price, created_at FROM orders LEFT JOIN order_marks USING (order_id)
WHERE account = ? AND strategy = ? AND security = ? AND coalesce(close, arrival, reference) IS NOT NULL
ORDER BY order_id DESC LIMIT 1"""
_DRIFT = """
INSERT INTO drift_days (day, account, strategy, missing, excess) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (day, account, strategy) DO UPDATE SET missing = excluded.missing, excess = excluded.excess"""
_DRIFTS = "SELECT * FROM drift_days WHERE day BETWEEN ? AND ? ORDER BY day"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRow:
    """Prices around one order, yuan."""

    order_id: int
    arrival: Decimal | None
    """When its signal arrived."""
    close: Decimal | None
    """Of its day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftDay:
    """How far the books of a strategy in an account were off, yuan, by the last look of the day."""

    day: date
    account: str
    strategy: str
    missing: Decimal
    excess: Decimal


class Marks(Table):
    """The tables `order_marks` and `drift_days`."""

    __slots__ = ()

    def arrived(self, order_id: int, price: Decimal) -> None:
        """The price when an order's signal arrived; the first that is told stands."""
        self._c.execute(_ARRIVAL, (order_id, stored(price)))

    def closed(self, order_id: int, price: Decimal) -> None:
        """The close of an order's day."""
        self._c.execute(_CLOSE, (order_id, stored(price)))

    def without_close(self, day: date) -> list[tuple[int, str, str]]:
        """Orders of a day whose close is not told: number, account, security."""
        return [(row["order_id"], row["account"], row["security"]) for row in self._all(_WITHOUT_CLOSE, day_text(day))]

    def of_days(self, first: date, last: date) -> dict[int, MarkRow]:
        """Those of the orders of some days, by order."""
        return {row["order_id"]: _mark(row) for row in self._all(_OF_DAYS, day_text(first), day_text(last))}

    def marks_of_days(self, first: date, last: date) -> dict[date, tuple[object, ...]]:
        """Of each day with orders, oldest first: what differs once an order, a fill or a price of it has changed."""
        rows = self._all(_MARKS, day_text(first), day_text(last))
        return {date.fromisoformat(row["day"]): tuple(row) for row in rows}

    def newest_of_book(self, account: str, strategy: str, security: str) -> tuple[datetime, Decimal] | None:
        """The price around the newest order of a book that has one, yuan, and when that order was made."""
        row = self._one(_OF_BOOK, stored(account), stored(strategy), stored(security))
        return None if row is None else (from_ms(row["created_at"]), Decimal(row["price"]))

    def put_drift(self, drift: DriftDay) -> None:
        """As it stands now; of a day the last counts."""
        key = (day_text(drift.day), stored(drift.account), stored(drift.strategy))
        self._c.execute(_DRIFT, (*key, stored(drift.missing), stored(drift.excess)))

    def drift_days(self, first: date, last: date) -> list[DriftDay]:
        """By day."""
        return [
            DriftDay(
                day=date.fromisoformat(row["day"]),
                account=row["account"],
                strategy=row["strategy"],
                missing=Decimal(row["missing"]),
                excess=Decimal(row["excess"]),
            )
            for row in self._all(_DRIFTS, day_text(first), day_text(last))
        ]


def _mark(row: Any) -> MarkRow:
    return MarkRow(order_id=row["order_id"], arrival=decimal(row["arrival"]), close=decimal(row["close"]))
