"""A book from its first signal on: its target, what was done, and a cause for what is left of each signal. Pure.

For one book: drift = target - book - working. Each signal has a share of the target, and each order of it tells what
was done and what is still wanted; what is left of the share is put down to a cause. Reports, splits and bookings stand
between the signals, each at its time. Nothing is worked out as a remainder of the sum: `unexplained` is what the book
holds otherwise than its fills say, and what the strategy holds otherwise than its signals say.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal, localcontext
from functools import partial

from jqfollow.clock import to_ms
from jqfollow.domain import ORDER_OPEN, REPAIR_RUN, RUNS_BY_PERSON, FollowMode, Side
from jqfollow.drift.causes import Cause, Drift, Line
from jqfollow.drift.events import Beside, Split, Told
from jqfollow.drift.walked import Walked
from jqfollow.ledger.rows import BookingKind, BookingRow, OrderRow
from jqfollow.reasons import Reason
from jqfollow.wire.messages import LIVE_RUN

_ZERO = Decimal(0)
_SHARE = Decimal("0.000001")
"""A quotient is cut to this, so that sums of it stay exact."""
_DIGITS = 60
"""Of every sum here: products of factors stay exact."""
_ODD = Decimal(1)
"""A report that differs by no more than this from a position that was split has rounded it otherwise."""
_Step = tuple[datetime, int, int, Callable[[], None]]

_BY_REASON = {
    Reason.LATE: Cause.LATE,
    Reason.RESTORED: Cause.NOT_FOLLOWED,
    Reason.NO_CASH: Cause.CASH,
    Reason.CAPITAL: Cause.CASH,
    Reason.BELOW_LOT: Cause.ROUNDING,
    Reason.HELD_ALREADY: Cause.ROUNDING,
    Reason.NOTHING_TO_SELL: Cause.NOT_HELD,
    Reason.PAUSED: Cause.NOT_FOLLOWED,
    Reason.BACKTEST: Cause.NOT_FOLLOWED,
    Reason.CANCELED_BY_USER: Cause.NOT_FOLLOWED,
    Reason.CANCELED_BY_STRATEGY: Cause.NOT_FOLLOWED,
}
_CARRIED = frozenset({Cause.ROUNDING, Cause.FILLED_ELSEWHERE})
"""What an order that is larger or smaller than its wish makes up for first."""


def drift_of(
    account: str, strategy: str, security: str, orders: Sequence[OrderRow], book: int, beside: Beside | None = None
) -> Drift:
    """The drift of one book; see `walked`."""
    return walked(account, strategy, security, orders, book, beside).drift


def walked(
    account: str,
    strategy: str,
    security: str,
    orders: Sequence[OrderRow],
    book: int,
    beside: Beside | None = None,
    *,
    held: int = 0,
) -> Walked:
    """The drift of one book.

    Args:
        account: whose book it is.
        strategy: whose book it is.
        security: of what.
        orders: all orders of the book, in the order of their ids.
        book: what it holds, as the ledger says.
        beside: what else happened to it.
        held: what it held before all of that.
    """
    beside = beside or Beside()
    with localcontext(prec=_DIGITS):
        walk = _Walk(beside, held)
        for do in _in_time(orders, beside, walk):
            do()
        lines = walk.lines
        if walk.filled != book:
            lines = [*lines, Line(cause=Cause.UNEXPLAINED, shares=Decimal(walk.filled - book))]
        if beside.missing:
            lines = [*lines, Line(cause=Cause.TRADED_BY_HAND, shares=Decimal(beside.missing))]
        drift = Drift(
            account=account,
            strategy=strategy,
            security=security,
            target=walk.target,
            book=book - beside.missing,
            missing=beside.missing,
            working=walk.working,
            lines=() if walk.target is None else tuple(lines),
            before=walk.before,
            zero_untold=walk.zero_untold,
            reported_at=beside.told[-1].at if beside.told else None,
        )
    moments = (*(order.terms.made_at for order in orders), *(split.at for split in beside.splits),
               *(row.at for row in beside.bookings))  # fmt: skip
    bare = not (orders or beside.bookings or book)
    until_ms = to_ms(max(moments)) if moments else None
    return Walked(drift=drift, own=walk.own, quiet=walk.quiet, until_ms=until_ms, bare=bare)


def _in_time(orders: Iterable[OrderRow], beside: Beside, walk: "_Walk") -> list[Callable[[], None]]:
    """Everything in the order in which it was made; at one moment a split comes first, a report last."""
    signals: dict[int, list[OrderRow]] = {}
    for order in orders:
        signals.setdefault(order.signal_id, []).append(order)
    undone = {row.undoes for row in beside.bookings}
    booked = [row for row in beside.bookings if row.undoes is None and row.booking_id not in undone]
    steps: list[_Step] = [
        *((parts[0].terms.made_at, 1, signal_id, partial(walk.signal, parts)) for signal_id, parts in signals.items()),
        *((split.at, 0, number, partial(walk.split, split)) for number, split in enumerate(beside.splits)),
        *((row.at, 2, row.booking_id, partial(walk.booking, row)) for row in booked),
        *((told.at, 3, number, partial(walk.report, told)) for number, told in enumerate(beside.told)),
    ]
    return [step for *_, step in sorted(steps, key=lambda item: item[:3])]


class _Walk:
    """Where the book stands after what was walked so far."""

    def __init__(self, beside: Beside, held: int) -> None:
        self.target: Decimal | None = _ZERO
        self.filled = held
        self.working = _ZERO
        self.before = _ZERO
        self.lines: list[Line] = []
        self.zero_untold = False
        self._elsewhere = beside.elsewhere
        self.own = _ZERO
        """What the strategy itself holds, by what was walked."""
        self.quiet = True
        self._figures: set[Decimal | None] = set()
        self._was_split = False

    # -- signals -----------------------------------------------------------------------------------------------------

    def signal(self, parts: Sequence[OrderRow]) -> None:
        """The orders of the next signal."""
        first = parts[0]
        sign = 1 if first.side is Side.BUY else -1
        done = sum(part.filled for part in parts)
        if first.terms.run in RUNS_BY_PERSON:
            still = Decimal(sum(_rest(part) for part in parts if part.state in ORDER_OPEN))
            self._asked_by_a_person(first, sign * (done + still))
        else:
            still = self._asked(parts, first, sign)
        self.filled += sign * done
        self.working += sign * still

    def _asked_by_a_person(self, order: OrderRow, shares: Decimal) -> None:
        """A repair closes what is open; a person's own order is a cause of its own."""
        repair = order.terms.run == REPAIR_RUN
        rest = self._make_up(-shares, frozenset(Cause)) if repair else -shares
        self._note(order, Cause.REPAIR if repair else Cause.BY_HAND, rest)

    def _asked(self, parts: Sequence[OrderRow], first: OrderRow, sign: int) -> Decimal:
        amount = Decimal(self._elsewhere.get(first.signal_id, first.terms.amount))
        wish = self._wish(first, amount)
        self._figures.add(first.terms.figure)
        if first.terms.run == LIVE_RUN:
            self.own += sign * amount
        self.zero_untold = False
        if first.closes:
            # Whatever was missing or too much before: the whole book is to go, and only that counts from here on.
            wish = self.filled + self.working
            self.target, self.lines, self.before, self.own = wish, [], _ZERO, _ZERO
            self._figures = set()
        still = self._split_up(parts, wish, sign)
        self.target = None if wish is None or self.target is None else self.target + sign * wish
        return still

    def _wish(self, order: OrderRow, amount: Decimal) -> Decimal | None:
        """What the signal asks of this account, not signed; `None`: it names no share of a position."""
        terms = order.terms
        if order.reason is Reason.BACKTEST:
            return _ZERO
        if terms.mode is FollowMode.RATIO and terms.figure is not None:
            return terms.figure * amount
        if terms.mode is FollowMode.EQUITY and terms.figure is not None:
            if order.side is Side.SELL and terms.held_before and self.target is not None:
                part = max(self.target, _ZERO) * min(amount, Decimal(terms.held_before)) / terms.held_before
                return part.quantize(_SHARE)
            of_all = terms.figure / terms.total_value * amount if terms.total_value else None
            return None if of_all is None else of_all.quantize(_SHARE)
        return None

    def _split_up(self, parts: Sequence[OrderRow], wish: Decimal | None, sign: int) -> Decimal:
        """Notes what is neither done nor still wanted, and gives what is still wanted, not signed."""
        first = parts[0]
        sized = [part for part in parts if part.sized]
        still = Decimal(sum(_rest(part) for part in sized if part.state in ORDER_OPEN))
        if wish is None:
            return still
        if first.signal_id in self._elsewhere:
            lacks = wish - sum(part.filled for part in parts) - still
            own_reason = lacks > 0 and first.reason not in {None, Reason.CANCELED_BY_STRATEGY}
            self._note(first, ended_by(first) if own_reason else Cause.FILLED_ELSEWHERE, sign * lacks)
            return still
        if not sized:
            if first.state in ORDER_OPEN:
                return wish
            self._not_done(first, ended_by(first), sign * wish)
            return _ZERO
        volume = sum(part.volume for part in sized)
        self._cut(first, wish - volume, volume, sign)
        for part in sized:
            if part.state not in ORDER_OPEN:
                self._not_done(part, ended_by(part), Decimal(sign * (part.volume - part.filled)))
            elif part.filled > part.volume:
                self._note(part, Cause.OVERFILLED, Decimal(sign * (part.volume - part.filled)))
        return still

    def _cut(self, order: OrderRow, cut: Decimal, volume: int, sign: int) -> None:
        """Why the volume of an order is not its wish."""
        if order.closes and cut < 0:
            self._note(order, Cause.OVERFILLED, sign * cut)  # more was sold than the book held: it stands below zero
        elif order.side is Side.SELL and cut > 0 and self.filled + self.working < cut + volume:
            self._not_done(order, Cause.NOT_HELD, sign * cut)
        else:
            rest = self._make_up(sign * cut, _CARRIED)
            if cut < 0:  # what rode along beyond the wish makes up for what was left before
                rest = self._make_up(rest, CATCHES_UP)
            self._note(order, Cause.ROUNDING, rest)

    def _not_done(self, order: OrderRow, cause: Cause, shares: Decimal) -> None:
        if cause is Cause.NOT_HELD:
            shares = self._never_bought(shares)
            if shares and len(self._figures) > 1:
                cause = Cause.RATIO_CHANGED
        elif cause is Cause.ROUNDING:
            shares = self._make_up(shares, _CARRIED)
        self._note(order, cause, shares)

    def _never_bought(self, shares: Decimal) -> Decimal:
        """A sell of what the book never got takes it back from what was missing, first from what is not wanted."""
        taken = min(-shares, self.before)
        if taken > 0:
            self.before -= taken
            self.target = None if self.target is None else self.target + taken
            shares += taken
        return self._make_up(shares, frozenset(Cause))

    # -- between signals ---------------------------------------------------------------------------------------------

    def report(self, told: Told) -> None:
        """The target is brought to what the strategy holds."""
        differs = told.net - self.own
        self.own = Decimal(told.net)
        if not told.first:
            self.quiet = not differs and bool(told.net or self.target == 0)
        if told.net == 0:
            if self.target is None:  # what no figure told is plain at zero: nothing is wanted
                self.target, self.lines = self.filled + self.working, []
            self.zero_untold = self.zero_untold or bool(self.target)
            self._explain(told, -self.target)
            return
        self.zero_untold = False
        if differs and told.factor is None:
            self.target = None
        elif differs and told.factor is not None:
            self._explain(told, differs * told.factor)

    def _explain(self, told: Told, change: Decimal) -> None:
        if told.first and not told.gap and change > 0 and not told.wanted_before:
            self.before += change  # signals that were recorded only are of no matter: nothing was followed yet
            return
        if self.target is not None:
            self.target += change
        cause = self._cause_of(told, change)
        for signal in told.unfollowed:
            part = signal.shares * (told.factor or _ZERO)
            if part * change > 0:
                part = change if abs(part) > abs(change) else part
                not_followed = _BY_REASON.get(signal.reason) if signal.reason else None
                line = Line(cause=not_followed or Cause.REFUSED, shares=part, signal_id=signal.signal_id)
                self.lines.append(replace(line, reason=signal.reason))
                change -= part
        if cause is Cause.RATIO_CHANGED:
            change = self._make_up(change, frozenset({Cause.NOT_HELD, Cause.RATIO_CHANGED}))
        self._put(cause, change)

    def _cause_of(self, told: Told, change: Decimal) -> Cause:
        if told.gap:
            return Cause.NEVER_ARRIVED
        if told.first and change > 0:
            return Cause.HELD_BEFORE
        if self._was_split and abs(change) <= max(told.factor or _ODD, _ODD):
            return Cause.CORPORATE
        return Cause.RATIO_CHANGED if told.net == 0 and len(self._figures) > 1 else Cause.UNEXPLAINED

    def split(self, split: Split) -> None:
        """The strategy's shares are `factor` times as many; the book follows by a booking of its own."""
        grown = split.factor - 1
        self._was_split = True
        self.own *= split.factor
        self.before *= split.factor
        self.target = None if self.target is None else self.target * split.factor
        self.lines = [replace(line, shares=line.shares * split.factor) for line in self.lines]
        day = None if split.booked else split.day
        self._put(Cause.CORPORATE, grown * (self.filled + self.working), day=day)

    def booking(self, row: BookingRow) -> None:
        """The book changes, and the target does not."""
        self.filled += row.shares
        shares = Decimal(-row.shares)
        match row.kind:
            case BookingKind.SPLIT:
                self._put(Cause.CORPORATE, self._make_up(shares, frozenset({Cause.CORPORATE})))
            case BookingKind.HAND:
                self._put(Cause.TRADED_BY_HAND, shares)
            case _:
                self._put(Cause.SET_BY_HAND, self._make_up(shares, frozenset(Cause)))

    # -- lines -------------------------------------------------------------------------------------------------------

    def _make_up(self, shares: Decimal, causes: Collection[Cause]) -> Decimal:
        """Takes `shares` from earlier lines of the other sign, oldest first; gives what is left of it."""
        if not shares or self.target is None:
            return shares
        kept: list[Line] = []
        for line in self.lines:
            if shares and line.cause in causes and line.shares * shares < 0:
                taken = min(abs(line.shares), abs(shares)).copy_sign(shares)
                shares -= taken
                line = replace(line, shares=line.shares + taken)  # noqa: PLW2901  what is left of it
            if line.shares:
                kept.append(line)
        self.lines = kept
        return shares

    def _note(self, order: OrderRow, cause: Cause, shares: Decimal) -> None:
        if shares:
            line = Line(cause=cause, shares=shares, signal_id=order.signal_id, order_id=order.order_id)
            self.lines.append(replace(line, reason=order.reason))

    def _put(self, cause: Cause, shares: Decimal, *, day: date | None = None) -> None:
        if shares:
            self.lines.append(Line(cause=cause, shares=shares, day=day))


CATCHES_UP = frozenset({Cause.UNFILLED, Cause.REFUSED, Cause.CASH, Cause.LATE, Cause.NEVER_ARRIVED})
"""What a person can have made up for by the next signal."""


def _rest(order: OrderRow) -> int:
    return max(order.volume - order.filled, 0)


def ended_by(order: OrderRow) -> Cause:
    """Why an order that has ended did not do what was asked."""
    if order.filled > order.volume:
        return Cause.OVERFILLED
    if order.reason in _BY_REASON:
        return _BY_REASON[order.reason]
    return Cause.UNFILLED if order.filled else Cause.REFUSED
