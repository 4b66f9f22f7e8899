"""All that a strategy held at one moment, as it said itself, in parts that count only together."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jqfollow.clock import from_ms, to_ms
from jqfollow.domain import HoldingsPart, StrategyHolding
from jqfollow.ledger.codec import day_text, decimal, stored
from jqfollow.ledger.table import Table

_PUT = """
INSERT INTO reports (strategy, report, parts, day, session, cash, total_value, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (strategy, report) DO UPDATE SET made_at = max(made_at, excluded.made_at) RETURNING *"""
_PUT_PART = "INSERT OR IGNORE INTO report_parts (report_id, part) VALUES (?, ?)"
_PUT_HOLDING = """
INSERT OR REPLACE INTO report_holdings
(report_id, security, held, closeable, locked, resting_buy, resting_sell, avg_cost, price)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_PARTS = "SELECT count(*) AS parts FROM report_parts WHERE report_id = ?"
_WHOLE = "UPDATE reports SET whole = 1 WHERE report_id = ?"
_NEWEST = "SELECT * FROM reports WHERE strategy = ? AND whole = 1 ORDER BY made_at DESC LIMIT 1"
_FIRST = "SELECT * FROM reports WHERE strategy = ? AND whole = 1 ORDER BY made_at LIMIT 1"
_STAMP = """
SELECT (SELECT min(made_at) FROM reports WHERE strategy = ?1 AND whole = 1) AS first_at,
    (SELECT max(made_at) FROM reports WHERE strategy = ?1 AND whole = 1) AS newest_at,
    (SELECT max(report_id) FROM reports WHERE strategy = ?1 AND whole = 1) AS report_id,
    (SELECT coalesce(group_concat(process || ':' || first || '-' || last), '') FROM gaps WHERE strategy = ?1)
        || '/' || (SELECT count(*) FROM lost_messages WHERE strategy = ?1) AS lost"""
_NETS = "SELECT security, held + resting_buy - resting_sell AS net FROM report_holdings WHERE report_id = ?"
_PRICE = """
SELECT made_at, price FROM report_holdings JOIN reports USING (report_id)
WHERE security = ?2 AND price IS NOT NULL AND report_id = (
    SELECT report_id FROM reports WHERE strategy = ?1 AND whole = 1 ORDER BY made_at DESC LIMIT 1)"""
_TOTALS = """
SELECT day, made_at, total_value FROM reports WHERE strategy = ? AND whole = 1 AND total_value IS NOT NULL
AND coalesce(session, 'close') = 'close' ORDER BY made_at"""
_HOLDINGS = "SELECT * FROM report_holdings WHERE report_id = ?1 AND (?2 IS NULL OR security = ?2) ORDER BY security"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """A whole report."""

    strategy: str
    day: date | None
    """JoinQuant's; `None`: an older client."""
    session: str | None
    """`open` (before it) or `close` (after it); `None`: an older client, after the close."""
    cash: Decimal | None
    total_value: Decimal | None
    made_at: datetime
    holdings: Mapping[str, StrategyHolding]
    """By QMT symbol, or the text as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a strategy has told of all that it holds: changes whenever that does."""

    first_at: int
    newest_at: int
    """When its first and its newest whole report were made, milliseconds."""
    report_id: int
    lost: str
    """Of its messages that never arrived."""


class Reports(Table):
    """The tables `reports`, `report_parts` and `report_holdings`."""

    __slots__ = ()

    def add(self, strategy: str, part: HoldingsPart, made_at: datetime) -> ReportRow | None:
        """Takes in one part; the report, when it is whole by it."""
        name = part.report if part.report is not None else f"{to_ms(made_at)}"
        head = self._one(
            _PUT,
            stored(strategy),
            stored(name),
            part.parts,
            None if part.day is None else day_text(part.day),
            stored(part.when),
            stored(part.cash),
            stored(part.total_value),
            to_ms(made_at),
        )
        report_id = head["report_id"]
        if head["whole"] or head["parts"] != part.parts or part.part > part.parts:
            return None
        self._c.execute(_PUT_PART, (report_id, part.part))
        for security, holding in part.holdings.items():
            figures = (holding.held, holding.closeable, holding.locked, holding.resting_buy, holding.resting_sell)
            prices = (stored(holding.avg_cost), stored(holding.price))
            self._c.execute(_PUT_HOLDING, (report_id, stored(security), *figures, *prices))
        if self._one(_PARTS, report_id)["parts"] < part.parts:
            return None
        self._c.execute(_WHOLE, (report_id,))
        return self._report(head)

    def newest(self, strategy: str, *, security: str | None = None) -> ReportRow | None:
        """The newest whole report of a strategy; with what it says of `security` only."""
        row = self._one(_NEWEST, stored(strategy))
        return None if row is None else self._report(row, security)

    def newest_made(self, strategy: str) -> datetime | None:
        """When it was made."""
        row = self._one(_NEWEST, stored(strategy))
        return None if row is None else from_ms(row["made_at"])

    def newest_nets(self, strategy: str) -> dict[str, int]:
        """By security, what the newest whole report says is held, with all that rests counted as filled."""
        row = self._one(_NEWEST, stored(strategy))
        rows = () if row is None else self._all(_NETS, row["report_id"])
        return {row["security"]: row["net"] for row in rows}

    def newest_price(self, strategy: str, security: str) -> tuple[datetime, Decimal] | None:
        """The price in the newest whole report, yuan, and when that was made."""
        row = self._one(_PRICE, stored(strategy), stored(security))
        return None if row is None else (from_ms(row["made_at"]), Decimal(row["price"]))

    def first(self, strategy: str, *, security: str | None = None) -> ReportRow | None:
        """The first whole report of a strategy: what it held when following began; of `security` only."""
        row = self._one(_FIRST, stored(strategy))
        return None if row is None else self._report(row, security)

    def stamp(self, strategy: str) -> Stamp | None:
        """`None`: it made no whole report."""
        row = self._one(_STAMP, stored(strategy))
        return None if row["report_id"] is None else Stamp(**dict(row))

    def totals(self, strategy: str) -> list[tuple[date, Decimal]]:
        """The strategy's total value by the last whole report of each day, oldest first; yuan."""
        found: dict[date, Decimal] = {}
        for row in self._all(_TOTALS, stored(strategy)):
            day = date.fromisoformat(row["day"]) if row["day"] else from_ms(row["made_at"]).date()
            found[day] = Decimal(row["total_value"])
        return sorted(found.items())

    def _report(self, head: Any, security: str | None = None) -> ReportRow:
        return ReportRow(
            strategy=head["strategy"],
            day=None if head["day"] is None else date.fromisoformat(head["day"]),
            session=head["session"],
            cash=decimal(head["cash"]),
            total_value=decimal(head["total_value"]),
            made_at=from_ms(head["made_at"]),
            holdings={
                row["security"]: _holding(row) for row in self._all(_HOLDINGS, head["report_id"], stored(security))
            },
        )


def _holding(row: Any) -> StrategyHolding:
    return StrategyHolding(
        held=row["held"],
        closeable=row["closeable"],
        locked=row["locked"],
        resting_buy=row["resting_buy"],
        resting_sell=row["resting_sell"],
        avg_cost=decimal(row["avg_cost"]),
        price=decimal(row["price"]),
    )
