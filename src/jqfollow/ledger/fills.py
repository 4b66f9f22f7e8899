"""Executions that brokers reported."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import structlog

from jqfollow.clock import from_ms, to_ms
from jqfollow.domain import FillReport, Side
from jqfollow.ledger.attempts import Attempts
from jqfollow.ledger.books import Books
from jqfollow.ledger.codec import Stored, day_text, stored, to_json
from jqfollow.ledger.orders import Orders
from jqfollow.ledger.rows import AttemptRow, FillRow
from jqfollow.ledger.table import Table

FillRows = list[FillRow]

_log = structlog.get_logger(__name__)

_ADD = """
INSERT INTO fills (attempt_id, account, strategy, day, broker_order_id, traded_id, security, side, volume, price, fee,
                   filled_at)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
WHERE NOT EXISTS (SELECT 1 FROM fills WHERE attempt_id = ?1 AND traded_id = ?6)
ON CONFLICT (account, day, broker_order_id, traded_id) DO NOTHING"""
_KNOWN = """
SELECT * FROM fills WHERE account = ?1 AND day = ?2 AND broker_order_id = ?3 AND traded_id = ?4
UNION SELECT * FROM fills WHERE attempt_id = ?5 AND traded_id = ?4"""
_OF_ORDER = """
SELECT fills.* FROM fills JOIN attempts USING (attempt_id) WHERE attempts.order_id = ? ORDER BY fill_id"""
_OF_ORDERS = """
SELECT attempts.order_id AS of_order, fills.* FROM attempts JOIN fills USING (attempt_id)
WHERE attempts.order_id IN (SELECT value FROM json_each(?)) ORDER BY fill_id"""
_BOUGHT_ON = """
SELECT coalesce(sum(volume), 0) AS volume FROM fills
WHERE account = ? AND strategy = ? AND security = ? AND day = ? AND side = 'buy'"""
_OF_STRATEGY = "SELECT * FROM fills WHERE account = ? AND strategy = ? AND day > ? ORDER BY fill_id"
_DAYS_SINCE = "SELECT DISTINCT account, strategy, day FROM fills WHERE fill_id > ?"
_BOOKS_SINCE = "SELECT DISTINCT account, strategy, security FROM fills WHERE fill_id > ?"
_NET = """
SELECT coalesce(sum(CASE side WHEN 'buy' THEN volume ELSE -volume END), 0) AS volume FROM fills WHERE """
_MOVED_SINCE = "SELECT DISTINCT security FROM fills WHERE account = ? AND filled_at >= ?"


_SOLD_ON = """
SELECT coalesce(sum(volume), 0) AS volume FROM fills
WHERE account = ? AND security = ? AND day = ? AND side = 'sell'"""


class Fills(Table):
    """The table `fills`, and the sums that follow from it."""

    __slots__ = ()

    def add(self, attempt: AttemptRow, strategy: str, report: FillReport, day: date) -> bool:
        """Writes a fill and adds it to its attempt, its order and its book, all or nothing.

        Returns:
            False when the fill stands already, be it under another id of its order: then nothing changes.

        Raises:
            ValueError: a fill of another security or side than its attempt's, or one without volume or price.
        """
        if (report.symbol, report.side) != (attempt.security, attempt.side):
            raise ValueError(
                f"fill {report.traded_id} is a {report.side} of {report.symbol}, attempt {attempt.attempt_id} "
                f"a {attempt.side} of {attempt.security}"
            )
        if report.volume <= 0 or not report.price.is_finite() or report.price < 0:
            raise ValueError(f"fill {report.traded_id} of {report.volume} at {report.price}")
        key = (stored(attempt.account), day_text(day), stored(report.broker_order_id), stored(report.traded_id))
        what = (stored(attempt.security), stored(attempt.side), report.volume, stored(report.price), stored(report.fee))
        added = self._c.execute(
            _ADD, (attempt.attempt_id, key[0], stored(strategy), *key[1:], *what, to_ms(report.at))
        ).rowcount
        if not added:
            self._compare(attempt, report, self._one(_KNOWN, *key, attempt.attempt_id))
            return False
        self._add_to_sums(attempt, report)
        Books(self._c, self._kept).add_fill(attempt, strategy, report)
        return True

    def of_attempt(self, attempt_id: int) -> FillRows:
        """The fills of one attempt, as they came."""
        return [
            fill_row(row) for row in self._all("SELECT * FROM fills WHERE attempt_id = ? ORDER BY fill_id", attempt_id)
        ]

    def of_order(self, order_id: int) -> FillRows:
        """The fills of one order, as they came."""
        return [fill_row(row) for row in self._all(_OF_ORDER, order_id)]

    def of_orders(self, order_ids: Iterable[int]) -> dict[int, FillRows]:
        """The fills of several orders, as they came, by order."""
        found: dict[int, FillRows] = {order_id: [] for order_id in order_ids}
        for row in self._all(_OF_ORDERS, to_json(list(found))):
            found[row["of_order"]].append(fill_row(row))
        return found

    def bought_on(self, account: str, strategy: str, security: str, day: date) -> int:
        """The volume that a book bought on one day (T+1: not to be sold that day)."""
        return int(self._one(_BOUGHT_ON, stored(account), stored(strategy), stored(security), day_text(day))["volume"])

    def newest(self) -> int:
        """The greatest number; 0 without fills."""
        return int(self._one("SELECT coalesce(max(fill_id), 0) AS number FROM fills")["number"])

    def books_since(self, fill_id: int) -> set[tuple[str, str, str]]:
        """Account, strategy and security of the fills with a greater number."""
        return {(row["account"], row["strategy"], row["security"]) for row in self._all(_BOOKS_SINCE, fill_id)}

    def days_since(self, fill_id: int) -> set[tuple[str, str, date]]:
        """Account, strategy and day of the fills with a greater number."""
        rows = self._all(_DAYS_SINCE, fill_id)
        return {(row["account"], row["strategy"], date.fromisoformat(row["day"])) for row in rows}

    def of_book_days(self, account: str, strategy: str, *, after: date = date.min) -> FillRows:
        """Every fill of a strategy's books in one account on a day after `after`, as they came."""
        return [fill_row(row) for row in self._all(_OF_STRATEGY, stored(account), stored(strategy), day_text(after))]

    def net(
        self,
        account: str,
        security: str,
        *,
        strategy: str | None = None,
        after: datetime | None = None,
        since: date | None = None,
        before: date | None = None,
    ) -> int:
        """What fills changed of a security, sells negative: those after a moment, of days `since` and `before` some."""
        conditions: dict[str, Stored] = {
            "account = ?": stored(account),
            "security = ?": stored(security),
            "strategy = ?": stored(strategy),
            "filled_at > ?": None if after is None else to_ms(after),
            "day >= ?": None if since is None else day_text(since),
            "day < ?": None if before is None else day_text(before),
        }
        given = {sql: value for sql, value in conditions.items() if value is not None}  # each finds its index
        row = self._one(_NET + " AND ".join(given), *given.values())
        return int(row["volume"])

    def moved_since(self, account: str, at: datetime) -> frozenset[str]:
        """The securities of an account that something was filled of since then."""
        return frozenset(row["security"] for row in self._all(_MOVED_SINCE, stored(account), to_ms(at)))

    def sold_on(self, account: str, security: str, day: date) -> int:
        """The volume that all books of an account sold on one day."""
        return int(self._one(_SOLD_ON, stored(account), stored(security), day_text(day))["volume"])

    def list(
        self,
        *,
        account: str | None = None,
        strategy: str | None = None,
        security: str | None = None,
        day: date | None = None,
        limit: int = 100,
        before_id: int | None = None,
    ) -> FillRows:
        """Fills, newest first."""
        rows = self._newest(
            "fills",
            "fill_id",
            limit,
            account=stored(account),
            strategy=stored(strategy),
            security=stored(security),
            day=None if day is None else day_text(day),
            fill_id__lt=before_id,
        )
        return [fill_row(row) for row in rows]

    def _add_to_sums(self, attempt: AttemptRow, report: FillReport) -> None:
        value = report.volume * report.price
        attempts = Attempts(self._c, self._kept)
        attempts.add_fill(attempt.attempt_id, report.volume)
        attempts.add_turnover(attempt, value)
        Orders(self._c, self._kept).add_fill(attempt.order_id, report.volume, value)

    @staticmethod
    def _compare(attempt: AttemptRow, report: FillReport, known: Any) -> None:
        first = (known["attempt_id"], known["volume"], Decimal(known["price"]))
        again = (attempt.attempt_id, report.volume, report.price)
        if first != again:
            _log.warning("fill_reported_differently", traded_id=report.traded_id, first=first, again=again)


def fill_row(row: Any) -> FillRow:
    """The row as a value."""
    return FillRow(
        fill_id=row["fill_id"],
        attempt_id=row["attempt_id"],
        account=row["account"],
        strategy=row["strategy"],
        day=date.fromisoformat(row["day"]),
        broker_order_id=row["broker_order_id"],
        traded_id=row["traded_id"],
        security=row["security"],
        side=Side(row["side"]),
        volume=row["volume"],
        price=Decimal(row["price"]),
        fee=Decimal(row["fee"]),
        filled_at=from_ms(row["filled_at"]),
    )
