"""Orders as a person looks for them, the days on which there was anything, and accounts over days."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from jqfollow.domain import OrderState
from jqfollow.ledger.codec import Stored, day_text, stored
from jqfollow.ledger.orders import order_row
from jqfollow.ledger.rows import OrderRow
from jqfollow.ledger.table import Table

_OF_REMARK = "SELECT order_id FROM attempts WHERE remark = ?"
_OF_JOINQUANT = """
SELECT order_id FROM orders WHERE signal_id IN (
    SELECT signal_id FROM signals WHERE strategy = ? AND jq_order_id = ? AND kind = 'order')"""
_ORDERS = "SELECT day, count(*) AS n FROM orders WHERE day BETWEEN ? AND ? GROUP BY day"
_FILLS = "SELECT day, count(*) AS n FROM fills WHERE day BETWEEN ? AND ? GROUP BY day"
_TOTALS = """
SELECT day, total, max(taken_at) AS at FROM account_snapshots WHERE account = ? GROUP BY day ORDER BY day"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for; what is `None` does not count."""

    account: str | None = None
    strategy: str | None = None
    day: date | None = None
    state: OrderState | None = None
    securities: Collection[str] | None = None
    """One of these."""
    ids: Collection[int] | None = None
    """Or one of these orders."""
    before_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """A day with something on it."""

    day: date
    orders: int
    fills: int


class Finding(Table):
    """Queries for people; some read long, and none of them writes."""

    __slots__ = ()

    def orders(self, wanted: Wanted, limit: int) -> list[OrderRow]:
        """Newest first."""
        where: list[tuple[str, Stored]] = [
            ("account = ?", stored(wanted.account)),
            ("strategy = ?", stored(wanted.strategy)),
            ("day = ?", None if wanted.day is None else day_text(wanted.day)),
            ("state = ?", stored(wanted.state)),
            ("order_id < ?", wanted.before_id),
        ]
        given = [(sql, value) for sql, value in where if value is not None]
        clauses = [sql for sql, _ in given]
        values: list[Stored] = [value for _, value in given]
        either: list[str] = []
        for column, among in (("security", wanted.securities), ("order_id", wanted.ids)):
            if among is not None:
                either.append(f"{column} IN ({', '.join('?' * len(among))})")
                values.extend(stored(one) for one in among)
        if either:
            clauses.append(f"({' OR '.join(either)})")
        condition = f" WHERE {' AND '.join(clauses)}" if clauses else ""
        sql = f"SELECT * FROM orders{condition} ORDER BY order_id DESC LIMIT ?"  # noqa: S608  texts of this function
        return [order_row(row) for row in self._all(sql, *values, limit)]

    def named(self, text: str, strategies: Iterable[str]) -> list[int]:
        """The orders that a remark at the broker, or an order's id in JoinQuant, names."""
        found = [row["order_id"] for row in self._all(_OF_REMARK, text)]
        for strategy in strategies:
            found += [row["order_id"] for row in self._all(_OF_JOINQUANT, stored(strategy), text)]
        return found

    def days(self, first: date, last: date) -> list[DayCount]:
        """The days from `first` to `last` with orders or fills, oldest first."""
        between = day_text(first), day_text(last)
        orders = {row["day"]: row["n"] for row in self._all(_ORDERS, *between)}
        fills = {row["day"]: row["n"] for row in self._all(_FILLS, *between)}
        return [
            DayCount(day=date.fromisoformat(day), orders=orders.get(day, 0), fills=fills.get(day, 0))
            for day in sorted({*orders, *fills})
        ]

    def first_day(self) -> date | None:
        """The oldest day with an order."""
        row = self._one("SELECT min(day) AS day FROM orders")
        return None if row["day"] is None else date.fromisoformat(row["day"])

    def totals(self, account: str) -> list[tuple[date, Decimal]]:
        """The account's total at its last picture of each day, oldest first, yuan."""
        return [(date.fromisoformat(row["day"]), Decimal(row["total"])) for row in self._all(_TOTALS, stored(account))]
