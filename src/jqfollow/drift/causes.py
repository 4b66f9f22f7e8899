"""What a drift is, and the causes that add up to it. Pure values."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from jqfollow.reasons import Reason


class Cause(StrEnum):
    """Why a book is not where its strategy is."""

    ROUNDING = "rounding"
    """Cut to what the board allows; carried to the next signal."""
    NOT_HELD = "not_held"
    """A sell of more than the book held."""
    UNFILLED = "unfilled"
    """Some of it was filled, the rest was not."""
    REFUSED = "refused"
    """Nothing of it was filled; the line's `reason` says why."""
    LATE = "late"
    """The signal reached this PC when it could not be followed any more."""
    CASH = "cash"
    NOT_FOLLOWED = "not_followed"
    """Paused, of a backtest, or ended by a person or by the strategy."""
    FILLED_ELSEWHERE = "filled_elsewhere"
    """The order ended at JoinQuant with more or less than here."""
    NEVER_ARRIVED = "never_arrived"
    """The client's numbers have a gap, and a report of the strategy shows what is missing."""
    HELD_BEFORE = "held_before"
    """The strategy held it before following began."""
    RATIO_CHANGED = "ratio_changed"
    """Bought at one factor and sold at another."""
    BY_HAND = "by_hand"
    """A person's own order in the console."""
    TRADED_BY_HAND = "traded_by_hand"
    """Sold at the broker by somebody else: the account holds less than its books."""
    CORPORATE = "corporate"
    """Bonus shares, a split or a merger; the line's `day` says until when it is expected."""
    SET_BY_HAND = "set_by_hand"
    """A person set, moved or adopted a book."""
    REPAIR = "repair"
    """Ordered to close a drift, beyond what was missing."""
    OVERFILLED = "overfilled"
    """The broker filled more than was asked of it."""
    UNEXPLAINED = "unexplained"
    """The book is not the sum of its fills, or the strategy not the sum of its signals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A part of a drift: + is missing from the book, - is too much in it."""

    cause: Cause
    shares: Decimal
    signal_id: int | None = None
    order_id: int | None = None
    reason: Reason | None = None
    day: date | None = None
    """Of a corporate action that the broker has not booked: its first day."""


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
    """What the ledger says less `missing`."""
    missing: int = 0
    """What the books say and the broker's account does not hold."""
    working: Decimal
    """What open orders still want, a sell negative."""
    lines: tuple[Line, ...]
    before: Decimal = Decimal(0)
    """Held by the strategy before following began, and by its `start = "flat"` not wanted: no part of the target."""
    zero_untold: bool = False
    """The strategy's report says that it holds nothing, and no signal sold it."""
    reported_at: datetime | None = None
    """When the report was made that the target is brought to; `None`: the strategy made none."""

    @property
    def drift(self) -> Decimal | None:
        """Target - book - working; `None` without a target."""
        return None if self.target is None else self.target - self.book - self.working

    @property
    def unexplained(self) -> Decimal:
        """The part that nothing explains."""
        return sum((line.shares for line in self.lines if line.cause is Cause.UNEXPLAINED), Decimal(0))
