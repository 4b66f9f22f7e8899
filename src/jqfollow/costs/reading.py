"""What some days' orders cost and brought, out of one read of the ledger."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from jqfollow.costs.days import BookDay, book_days
from jqfollow.costs.figures import OrderCost, Try
from jqfollow.costs.shortfall import Trade, shortfall
from jqfollow.domain import AttemptState, FollowMode
from jqfollow.ledger.marks import DriftDay, MarkRow
from jqfollow.ledger.rows import AttemptRow, OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.market.fees import fee
from jqfollow.market.securities import UnknownSecurityError, parse_security
from jqfollow.reasons import Refusal
from jqfollow.settings import Settings
from jqfollow.wire.messages import LIVE_RUN

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
    marks = tx.marks.of_days(first, last)
    orders = [order for order in tx.orders.of_days(first, last, strategy=strategy) if order.terms.run == LIVE_RUN]
    parts: dict[tuple[int, str], list[OrderRow]] = defaultdict(list)
    for order in orders:
        parts[order.signal_id, order.account].append(order)
    costs = [_cost(tx, of, marks) for of in parts.values()]
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
        orders=tuple(sorted(costs, key=lambda cost: cost.order_id)),
        results=tuple(_results(tx, settings, first, last, strategy)),
        accounts=tuple(sorted(accounts)),
        drift=tuple(drift),
    )


def _cost(tx: Tx, parts: Sequence[OrderRow], marks: dict[int, MarkRow]) -> OrderCost:
    head = parts[0]
    signal = tx.signals.get(head.signal_id)
    received = signal.received_at if signal else head.created_at
    fills = sorted((fill for part in parts for fill in tx.fills.of_order(part.order_id)), key=lambda f: f.filled_at)
    attempts = [attempt for part in parts for attempt in tx.attempts.of_order(part.order_id)]
    filled, turnover = sum(fill.volume for fill in fills), sum((f.volume * f.price for f in fills), _ZERO)
    mark = marks.get(head.order_id)
    decision = head.terms.reference or (mark.arrival if mark else None)
    arrival = (mark.arrival if mark else None) or decision
    close = mark.close if mark else None
    wished = _wished(parts)
    cost = None
    if decision and arrival:
        fees = sum((fill.fee for fill in fills), _ZERO) or _usual_fee(head, filled, turnover)
        cost = shortfall(
            Trade(side=head.side, wished=wished, filled=filled, turnover=turnover, decision=decision, arrival=arrival,
                  close=close, fees=fees)
        )  # fmt: skip
    return OrderCost(
        order_id=head.order_id,
        signal_id=head.signal_id,
        account=head.account,
        strategy=head.strategy,
        security=head.security,
        side=head.side,
        day=head.day,
        received_at=received,
        wished=wished,
        filled=filled,
        paid=turnover / filled if filled else None,
        decision=decision,
        arrival=arrival,
        close=close,
        cost=cost,
        fills=tuple((max((f.filled_at - received).total_seconds(), 0.0), f.volume) for f in fills),
        tries=tuple(map(_try, attempts)),
        cancels=sum(attempt.cancels for attempt in attempts),
        why=next((Refusal(reason=part.reason, figures=part.figures) for part in parts if part.reason), None),
    )


def _try(attempt: AttemptRow) -> Try:
    return Try(at=attempt.created_at, volume=attempt.volume, price=attempt.price, filled=attempt.filled,
               canceled=attempt.state is AttemptState.CANCELED, message=attempt.message)  # fmt: skip


def _wished(parts: Sequence[OrderRow]) -> int:
    """The volume that was worked out; of an order that was refused before, its share of the strategy's amount."""
    head = parts[0]
    if head.sized:
        return sum(part.volume for part in parts)
    if head.terms.mode is FollowMode.RATIO and head.terms.figure is not None:
        return int(head.terms.figure * head.terms.amount)
    return 0


def _usual_fee(order: OrderRow, filled: int, turnover: Decimal) -> Decimal:
    """Where the broker does not tell it."""
    try:
        return fee(parse_security(order.security), order.side, filled, turnover / filled) if filled else _ZERO
    except (UnknownSecurityError, ValueError):
        return _ZERO


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


def evening_prices(tx: Tx, account: str, last: date) -> dict[date, dict[str, Decimal]]:
    """By day, up to `last`: the prices in the account's last picture, by security."""
    found = {}
    for day in tx.snapshots.days(account):
        picture = tx.snapshots.last_of_day(account, day) if day <= last else None
        if picture is not None:
            found[day] = {held.symbol: held.last for held in picture[2] if held.last is not None}
    return found
