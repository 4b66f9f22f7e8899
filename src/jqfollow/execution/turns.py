"""Whose turn it is: which of an account's open orders are worth a look now, and in which order. Pure.

Exits and sells go before buys; nothing passes an earlier order of its own book that is due, and no sell one that will
be sized within seconds; in one round there is at most one order a book and one a code and side, so that no order of it
depends on another's outcome. What was never looked at goes before what waits. Practice days do not mix: an order of a
later JoinQuant day waits for those of the earlier.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from jqfollow.domain import Side, WaitingFor
from jqfollow.ledger.rows import OrderRow

PASSING = timedelta(seconds=2)
"""What a broker refused in passing is left alone for so long."""
DAY_PATIENCE = timedelta(seconds=10)
"""So long a practice day is kept open for its orders when the next one is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What decides whose turn it is, besides the orders."""

    now: datetime
    trading_day: date
    ready: bool
    practice: bool
    """The exchange never closes, and takes its day from the signals."""
    rested: Callable[[int], bool]
    """Whether an order was not looked at within the last second."""
    aged: Callable[[int], datetime]
    """`now` as an order's deadline sees it: no step of the clock makes it wait longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What else is open in the account."""

    live: Collection[tuple[str, Side]] = ()
    """Codes and sides with an attempt at the broker."""
    unknown: Collection[tuple[str, Side]] = ()
    """Those of them with one whose outcome nobody knows."""
    sellers: Collection[str] = ()
    """Strategies with sells of today that have not ended."""
    oldest: date | None = None
    """The day of the oldest order, one that stands at the exchange included."""


def turns(idle: Sequence[OrderRow], around: Around, scene: Scene, most: int) -> Sequence[OrderRow]:
    """At most `most` of the `idle` orders (oldest first), in the order in which they are worked."""
    of_book = Counter(order.book for order in idle)
    crossing = {(o.security, o.side) for o in idle if o.waiting_for is WaitingFor.CROSSING}
    due = [
        o
        for o in idle
        if _makes_no_way(o, crossing)
        and (scene.rested(o.order_id) or _has_come(o, around, alone=of_book[o.book] == 1))
        and is_due(o, around.unknown, scene)
        and not _too_early(o, around.oldest, scene)
    ]
    if not due:
        return []
    day = min(order.day for order in due)
    to_size = [order for order in reversed(idle) if _will_sell(order, scene)]
    selling = {order.book: order.order_id for order in to_size}
    leaving = {order.book: order.order_id for order in to_size if order.closes}
    books, codes = set[tuple[str, str]](), set[tuple[str, Side]]()
    chosen: list[OrderRow] = []
    for order in due:
        if order.book in books or (scene.practice and order.day != day):
            continue
        passed = leaving if order.closes or order.sized or order.side is Side.BUY else selling
        if passed.get(order.book, order.order_id) < order.order_id:
            continue
        books.add(order.book)
        if (order.security, order.side) not in codes:
            codes.add((order.security, order.side))
            chosen.append(order)
    return sorted(chosen, key=_precedence)[:most]


def is_due(order: OrderRow, unknown: Collection[tuple[str, Side]], scene: Scene) -> bool:
    """Whether what the order waits for may have come; what is known to be missing still costs no further look."""
    waiting = order.waiting
    if waiting is None or order.cancel_reason is not None:
        return True
    over = order.day < scene.trading_day or (waiting.until is not None and scene.aged(order.order_id) >= waiting.until)
    if over and waiting.what is not WaitingFor.NEXT_DAY:
        return True
    match waiting.what:
        case WaitingFor.SESSION | WaitingFor.NEXT_DAY:  # the latter until it is made one of the next day
            return False
        case WaitingFor.BROKER:
            return scene.ready and scene.now - waiting.since >= PASSING
        case WaitingFor.UNKNOWN:
            return (order.security, order.side) not in unknown
        case _:
            return True


def _has_come(order: OrderRow, around: Around, *, alone: bool) -> bool:
    """Whether what it waits for has ended, so that it would not wait for that again; `alone`: in its book."""
    sides = {side for side in Side if (order.security, side) in around.live}
    match order.waiting_for:
        case WaitingFor.CROSSING:
            return sides <= {order.side}
        case WaitingFor.OPPOSITE:
            return alone and not sides
        case WaitingFor.CASH:
            return order.wait_until is None and order.strategy not in around.sellers
        case _:
            return False


def _will_sell(order: OrderRow, scene: Scene) -> bool:
    """Whether it will soon decide how much of its book it sells: no later sell takes that, and after a close all wait.

    A close passes other sells all the same: it takes what there is, and that is theirs, too.
    """
    soon = {None, WaitingFor.OPPOSITE, WaitingFor.CROSSING, WaitingFor.SETTLE}
    soon |= {WaitingFor.BROKER} if scene.ready else set()
    undecided = order.side is Side.SELL and not order.sized and order.cancel_reason is None
    return undecided and order.waiting_for in soon


def _makes_no_way(order: OrderRow, crossing: Collection[tuple[str, Side]]) -> bool:
    """Whether it was not cancelled for an order on the other side, which goes out first."""
    other = Side.BUY if order.side is Side.SELL else Side.SELL
    ends = order.closes or order.cancel_reason is not None or order.waiting_for is WaitingFor.CROSSING
    return ends or (order.security, other) not in crossing


def _precedence(order: OrderRow) -> tuple[bool, bool, bool, int]:
    return order.side is not Side.SELL, not order.closes, order.waiting is not None, order.order_id


def _too_early(order: OrderRow, oldest: date | None, scene: Scene) -> bool:
    """Whether it would begin a practice day while orders of the day before are still being filled."""
    if not scene.practice or order.day <= scene.trading_day:
        return False
    return oldest is not None and oldest < order.day and scene.now - order.created_at < DAY_PATIENCE
