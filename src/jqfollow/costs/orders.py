"""What each order of some days cost, out of one read of the ledger."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from threading import Lock

from jqfollow.costs.figures import OrderCost, Try
from jqfollow.costs.shortfall import Trade, shortfall
from jqfollow.domain import AttemptState, FollowMode
from jqfollow.ledger.marks import MarkRow
from jqfollow.ledger.rows import AttemptRow, FillRow, OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.market.fees import fee
from jqfollow.market.securities import UnknownSecurityError, parse_security
from jqfollow.reasons import Refusal
from jqfollow.wire.messages import LIVE_RUN

_ZERO = Decimal(0)
_MOST_DAYS = 100
"""So many are kept."""
Key = tuple[int, str]
"""A signal and an account: an order with all its parts."""


def order_costs(tx: Tx, first: date, last: date, *, strategy: str | None = None) -> list[OrderCost]:
    """Of live orders from `first` to `last`, both included, oldest first; the parts of one together."""
    parts: dict[Key, list[OrderRow]] = defaultdict(list)
    for order in tx.orders.of_days(first, last, strategy=strategy):
        if order.terms.run == LIVE_RUN:
            parts[order.signal_id, order.account].append(order)
    orders = [order.order_id for of in parts.values() for order in of]
    facts = _Facts(
        received=tx.signals.received_at({signal_id for signal_id, _ in parts}),
        attempts=tx.attempts.of_orders(orders),
        fills=tx.fills.of_orders(orders),
        marks=tx.marks.of_days(first, last),
    )
    return sorted((_cost(of, facts) for of in parts.values()), key=lambda cost: cost.order_id)


class DayCosts:
    """The same, a day worked out anew only when something of it has changed; thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._marks: dict[date, object] = {}
        self._costs: dict[date, list[OrderCost]] = {}

    def read(self, tx: Tx, first: date, last: date) -> list[OrderCost]:
        """From `first` to `last`, both included, oldest day first."""
        with self._lock:
            marks = tx.marks.marks_of_days(first, last)
            for day, mark in marks.items():
                if self._marks.get(day) != mark:
                    self._costs[day], self._marks[day] = order_costs(tx, day, day), mark
            found = [cost for day in marks for cost in self._costs[day]]
            for day in sorted(self._costs)[:-_MOST_DAYS]:
                del self._costs[day], self._marks[day]
            return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What the ledger holds beside the orders."""

    received: Mapping[int, datetime]
    attempts: Mapping[int, Sequence[AttemptRow]]
    fills: Mapping[int, Sequence[FillRow]]
    marks: Mapping[int, MarkRow]


def _cost(parts: Sequence[OrderRow], facts: _Facts) -> OrderCost:
    head = parts[0]
    received = facts.received.get(head.signal_id, head.created_at)
    fills = sorted((fill for part in parts for fill in facts.fills[part.order_id]), key=lambda f: f.filled_at)
    attempts = [attempt for part in parts for attempt in facts.attempts[part.order_id]]
    filled, turnover = sum(fill.volume for fill in fills), sum((f.volume * f.price for f in fills), _ZERO)
    mark = facts.marks.get(head.order_id)
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
