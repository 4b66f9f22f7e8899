"""What some days' orders cost and brought, out of one read of the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from jqfollow.costs.days import BookDay, book_days
from jqfollow.costs.figures import OrderCost
from jqfollow.costs.orders import order_costs
from jqfollow.domain import FollowMode
from jqfollow.ledger.marks import DriftDay
from jqfollow.ledger.tx import Tx
from jqfollow.settings import Settings

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayResult:
    """What a strategy's books brought on one day in one account, and what the strategy itself did, times the ratio."""

    day: date
    account: str
    strategy: str
    real: Decimal
    """Yuan: value of the books in the evening less the evening before, less what was bought, more what was sold."""
    own: Decimal | None
    """Yuan: the change of the strategy's total value, times the ratio; `None`: not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """All that the report shows."""

    first: date
    last: date
    orders: tuple[OrderCost, ...]
    results: tuple[DayResult, ...]
    accounts: tuple[tuple[date, str, Decimal], ...]
    """Day, account, total at its last picture, yuan."""
    drift: tuple[DriftDay, ...]


def read_period(tx: Tx, settings: Settings, first: date, last: date, *, strategy: str | None = None) -> Period:
    """What happened from `first` to `last`, both included; of live orders only."""
    accounts = []
    for name in settings.accounts:
        for day in tx.snapshots.days(name):
            picture = tx.snapshots.last_of_day(name, day)
            if picture is not None and first <= day <= last:
                accounts.append((day, name, picture[1].total))
    drift = [row for row in tx.marks.drift_days(first, last) if strategy in {None, row.strategy}]
    return Period(
        first=first,
        last=last,
        orders=tuple(order_costs(tx, first, last, strategy=strategy)),
        results=tuple(_results(tx, settings, first, last, strategy)),
        accounts=tuple(sorted(accounts)),
        drift=tuple(drift),
    )


def _results(tx: Tx, settings: Settings, first: date, last: date, strategy: str | None) -> list[DayResult]:
    found = []
    prices: dict[str, dict[date, dict[str, Decimal]]] = {}
    for name, of in settings.strategies.items():
        if strategy not in {None, name}:
            continue
        own = _own_changes(tx, name, first, last)
        for account, follow in of.follow.items():
            if account not in prices:
                prices[account] = evening_prices(tx, account, last)
            for row in read_book_days(tx, account, name, prices[account]):
                if not first <= row.day <= last:
                    continue
                change = own.get(row.day)
                factor = follow.figure if follow.mode is FollowMode.RATIO else None
                if follow.mode is FollowMode.EQUITY and change is not None and change[1]:
                    factor = follow.figure / change[1]
                scaled = change[0] * factor if change is not None and factor is not None else None
                found.append(DayResult(day=row.day, account=account, strategy=name, real=row.result, own=scaled))
    return sorted(found, key=lambda row: (row.day, row.account, row.strategy))


def _own_changes(tx: Tx, strategy: str, first: date, last: date) -> dict[date, tuple[Decimal, Decimal]]:
    """By day: the change of the strategy's total value since the report before, and that one's total."""
    changes: dict[date, tuple[Decimal, Decimal]] = {}
    before: Decimal | None = None
    for day, total in tx.reports.totals(strategy):
        if before is not None and first <= day <= last:
            changes[day] = total - before, before
        before = total
    return changes


def read_book_days(tx: Tx, account: str, strategy: str, prices: Mapping[date, Mapping[str, Decimal]]) -> list[BookDay]:
    """What the strategy's books in the account brought, day by day; `prices` as `evening_prices` gives them."""
    bookings = tx.bookings.list(account=account, strategy=strategy)
    return book_days(account, strategy, tx.fills.of_book_days(account, strategy), bookings, prices)


def evening_prices(tx: Tx, account: str, last: date, *, first: date = date.min) -> dict[date, dict[str, Decimal]]:
    """By day, from `first` to `last`: the prices in the account's last picture, by security."""
    found = {}
    for day in tx.snapshots.days(account):
        picture = tx.snapshots.last_of_day(account, day) if first <= day <= last else None
        if picture is not None:
            found[day] = {held.symbol: held.last for held in picture[2] if held.last is not None}
    return found
