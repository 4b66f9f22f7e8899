"""Figures of many orders: sums that are weighted by value, medians and nineties beside them. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from jqfollow.costs.shortfall import Shortfall
from jqfollow.domain import Side
from jqfollow.reasons import Refusal

_ZERO = Decimal(0)
_BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One attempt of an order, as far as its story tells it."""

    at: datetime
    volume: int
    price: Decimal
    filled: int
    canceled: bool
    message: str
    """The broker's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCost:
    """One order, all its parts together, with its cost."""

    order_id: int
    signal_id: int
    account: str
    strategy: str
    security: str
    side: Side
    day: date
    received_at: datetime
    wished: int
    filled: int
    paid: Decimal | None
    """The average, yuan."""
    decision: Decimal | None
    arrival: Decimal | None
    close: Decimal | None
    cost: Shortfall | None
    """`None`: a price that it needs is not known."""
    fills: tuple[tuple[float, int], ...]
    """Seconds after the signal came, and shares."""
    tries: tuple[Try, ...]
    cancels: int
    why: Refusal | None
    """Why it was not filled, or not wholly."""

    @property
    def seconds(self) -> float | None:
        """From the signal to the last fill; `None`: nothing was filled."""
        return self.fills[-1][0] if self.fills else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Shortfall of several orders, yuan."""

    delay: Decimal = _ZERO
    trading: Decimal = _ZERO
    opportunity: Decimal = _ZERO
    fees: Decimal = _ZERO
    paper: Decimal = _ZERO

    @property
    def total(self) -> Decimal:
        """All four."""
        return self.delay + self.trading + self.opportunity + self.fees

    @property
    def bps(self) -> Decimal | None:
        """Weighted by value; `None`: there was none."""
        return self.total / self.paper * _BPS if self.paper else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What several orders came to."""

    orders: int
    parts: Parts
    unpriced: int
    """Orders whose cost is not known."""
    filled_share: Decimal | None
    """Of the wished value, at the strategy's price."""
    median_bps: Decimal | None
    p90_bps: Decimal | None
    p50_s: float | None
    p90_s: float | None
    attempts: int
    cancels: int


def figures(orders: Sequence[OrderCost]) -> Figures:
    """What `orders` came to."""
    costs = [order.cost for order in orders if order.cost is not None]
    bps = [cost.bps for cost in costs]
    seconds = [order.seconds for order in orders if order.seconds is not None]
    wished = sum(((order.decision or _ZERO) * order.wished for order in orders), _ZERO)
    filled = sum(((order.decision or _ZERO) * min(order.filled, order.wished) for order in orders), _ZERO)
    return Figures(
        orders=len(orders),
        parts=parts_of(costs),
        unpriced=len(orders) - len(costs),
        filled_share=filled / wished if wished else None,
        median_bps=quantile(bps, 0.5),
        p90_bps=quantile(bps, 0.9),
        p50_s=_float(quantile([Decimal(repr(s)) for s in seconds], 0.5)),
        p90_s=_float(quantile([Decimal(repr(s)) for s in seconds], 0.9)),
        attempts=sum(len(order.tries) for order in orders),
        cancels=sum(order.cancels for order in orders),
    )


def by_book(orders: Iterable[OrderCost]) -> dict[tuple[str, str], Figures]:
    """What the orders of each strategy in each account came to, by both names in their order."""
    of_books: dict[tuple[str, str], list[OrderCost]] = defaultdict(list)
    for order in orders:
        of_books[order.strategy, order.account].append(order)
    return {book: figures(of_books[book]) for book in sorted(of_books)}


def parts_of(costs: Iterable[Shortfall]) -> Parts:
    """Their sums."""
    total = Parts()
    for cost in costs:
        total = Parts(
            delay=total.delay + cost.delay,
            trading=total.trading + cost.trading,
            opportunity=total.opportunity + cost.opportunity,
            fees=total.fees + cost.fees,
            paper=total.paper + cost.paper,
        )
    return total


def quantile(values: Sequence[Decimal], q: float) -> Decimal | None:
    """By linear interpolation between the nearest ranks; `None` of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    place = Decimal(repr(q)) * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
