"""Target, drift, and the causes that add up to it. Pure.

For one book: drift = target - book - working. Each signal has a share of the target, and each order of it tells what
was done and what is still wanted; what is left of the share is put down to a cause. Nothing is worked out as a
remainder of the sum: `unexplained` is what the book holds otherwise than its fills say.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from jqfollow.domain import MANUAL_RUN, ORDER_OPEN, FollowMode, Side
from jqfollow.ledger.rows import OrderRow
from jqfollow.reasons import Reason

_ZERO = Decimal(0)
_SHARE = Decimal("0.000001")
"""A quotient is cut to this, so that sums of it stay exact."""


class Cause(StrEnum):
    """Why a book is not where its strategy is."""

    ROUNDING = "rounding"
    """Cut to what the board allows; carried to the next signal."""
    NOT_HELD = "not_held"
    """A sell of more than the book held; it takes back what an earlier cause left missing."""
    UNFILLED = "unfilled"
    """Some of it was filled, the rest was not."""
    REFUSED = "refused"
    """Nothing of it was filled; the line's `reason` says why."""
    LATE = "late"
    """The signal reached this PC when it could not be followed any more."""
    CASH = "cash"
    NOT_FOLLOWED = "not_followed"
    """Paused, or ended by a person or by the strategy."""
    BY_HAND = "by_hand"
    """A person's own order in the console."""
    OVERFILLED = "overfilled"
    """The broker filled more than was asked of it."""
    UNEXPLAINED = "unexplained"
    """The book is not the sum of its fills."""


_BY_REASON = {
    Reason.LATE: Cause.LATE,
    Reason.NO_CASH: Cause.CASH,
    Reason.BELOW_LOT: Cause.ROUNDING,
    Reason.NOTHING_TO_SELL: Cause.NOT_HELD,
    Reason.PAUSED: Cause.NOT_FOLLOWED,
    Reason.CANCELED_BY_USER: Cause.NOT_FOLLOWED,
    Reason.CANCELED_BY_STRATEGY: Cause.NOT_FOLLOWED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A part of a drift: + is missing from the book, - is too much in it."""

    cause: Cause
    shares: Decimal
    signal_id: int | None = None
    order_id: int | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One book beside its target, in shares. The sum of the lines is the drift."""

    account: str
    strategy: str
    security: str
    target: Decimal | None
    """`None`: a mode that names yuan or shares an order has a target only at zero, and so has an order of an older
    ledger, which did not keep its factor."""
    book: int
    working: Decimal
    """What open orders still want, a sell negative."""
    lines: tuple[Line, ...]

    @property
    def drift(self) -> Decimal | None:
        """Target - book - working; `None` without a target."""
        return None if self.target is None else self.target - self.book - self.working


def drift_of(account: str, strategy: str, security: str, orders: Sequence[OrderRow], book: int) -> Drift:
    """The drift of one book.

    Args:
        account: whose book it is.
        strategy: whose book it is.
        security: of what.
        orders: all orders of the book, in the order of their ids.
        book: what it holds.
    """
    walk = _Walk()
    for parts in _by_signal(orders):
        walk.add(parts)
    lines = walk.lines
    if walk.filled != book:
        lines = [*lines, Line(cause=Cause.UNEXPLAINED, shares=Decimal(walk.filled - book))]
    return Drift(
        account=account,
        strategy=strategy,
        security=security,
        target=walk.target,
        book=book,
        working=walk.working,
        lines=() if walk.target is None else tuple(lines),
    )


def _by_signal(orders: Iterable[OrderRow]) -> list[list[OrderRow]]:
    signals: dict[int, list[OrderRow]] = {}
    for order in orders:
        signals.setdefault(order.signal_id, []).append(order)
    return [signals[signal_id] for signal_id in sorted(signals)]


class _Walk:
    """A book from its first signal on."""

    def __init__(self) -> None:
        self.target: Decimal | None = _ZERO
        self.filled = 0
        self.working = _ZERO
        self.lines: list[Line] = []

    def add(self, parts: Sequence[OrderRow]) -> None:
        """The orders of the next signal."""
        first = parts[0]
        sign = 1 if first.side is Side.BUY else -1
        done = sum(part.filled for part in parts)
        if first.terms.run == MANUAL_RUN:
            still = Decimal(sum(_rest(part) for part in parts if part.state in ORDER_OPEN))
            self._hand(first, sign, done + still)
        else:
            wish = self._wish(first)
            if first.closes:
                # Whatever was missing or too much before: the whole book is to go, and only that counts from here on.
                wish = self.filled + self.working
                self.target, self.lines = wish, []
            still = self._split(parts, wish, sign)
            self.target = None if wish is None or self.target is None else self.target + sign * wish
        self.filled += sign * done
        self.working += sign * still

    def _hand(self, first: OrderRow, sign: int, shares: Decimal) -> None:
        if shares:
            line = Line(cause=Cause.BY_HAND, shares=-sign * shares, signal_id=first.signal_id, order_id=first.order_id)
            self.lines.append(line)

    def _wish(self, order: OrderRow) -> Decimal | None:
        """What the signal asks of this account, not signed; `None`: it names no share of a position."""
        terms = order.terms
        if order.reason is Reason.BACKTEST:
            return _ZERO
        if terms.mode is FollowMode.RATIO and terms.figure is not None:
            return terms.figure * terms.amount
        if terms.mode is FollowMode.EQUITY and terms.figure is not None:
            if order.side is Side.SELL and terms.held_before and self.target is not None:
                part = max(self.target, _ZERO) * min(terms.amount, terms.held_before) / terms.held_before
                return part.quantize(_SHARE)
            of_all = terms.figure / terms.total_value * terms.amount if terms.total_value else None
            return None if of_all is None else of_all.quantize(_SHARE)
        return None

    def _split(self, parts: Sequence[OrderRow], wish: Decimal | None, sign: int) -> Decimal:
        """Notes what is neither done nor still wanted, and gives what is still wanted, not signed."""
        first = parts[0]
        sized = [part for part in parts if part.sized]
        still = Decimal(sum(_rest(part) for part in sized if part.state in ORDER_OPEN))
        if wish is None:
            return still
        if not sized:
            if first.state in ORDER_OPEN:
                return wish
            self._note(first, _ended(first), sign * wish)
            return _ZERO
        volume = sum(part.volume for part in sized)
        self._note(first, self._cut(first, wish - volume), sign * (wish - volume))
        for part in sized:
            if part.state not in ORDER_OPEN:
                self._note(part, _ended(part), Decimal(sign * (part.volume - part.filled)))
            elif part.filled > part.volume:
                self._note(part, Cause.OVERFILLED, Decimal(sign * (part.volume - part.filled)))
        return still

    def _cut(self, order: OrderRow, cut: Decimal) -> Cause:
        """Why the volume of an order is not its wish."""
        if order.closes and cut < 0:
            return Cause.OVERFILLED  # more was sold than the book held: it stands below zero
        held = self.filled + self.working
        return Cause.NOT_HELD if order.side is Side.SELL and cut > 0 and held < cut + order.volume else Cause.ROUNDING

    def _note(self, order: OrderRow, cause: Cause, shares: Decimal) -> None:
        if shares:
            line = Line(cause=cause, shares=shares, signal_id=order.signal_id, order_id=order.order_id)
            self.lines.append(replace(line, reason=order.reason))


def _rest(order: OrderRow) -> int:
    return max(order.volume - order.filled, 0)


def _ended(order: OrderRow) -> Cause:
    """Why an order that has ended did not do what was asked."""
    if order.filled > order.volume:
        return Cause.OVERFILLED
    if order.reason in _BY_REASON:
        return _BY_REASON[order.reason]
    return Cause.UNFILLED if order.filled else Cause.REFUSED
