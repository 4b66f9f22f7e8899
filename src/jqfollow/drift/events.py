"""What happens to a book and its target beside orders: reports, splits, bookings. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from jqfollow.ledger.rows import BookingRow
from jqfollow.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfollowed:
    """An order of the strategy that was recorded and made no order of any account."""

    signal_id: int
    shares: int
    """The strategy's own, a sell negative."""
    reason: Reason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a whole report of the strategy says of one security."""

    at: datetime
    """When it was made, by the clock that orders are made by."""
    net: int
    """Held + resting buys - resting sells, the strategy's own shares; 0: the whole report does not name it."""
    factor: Decimal | None
    """Shares of the account for one of the strategy; `None`: the mode names no share of a position."""
    first: bool
    """The first whole report of the strategy: what no signal explains it held before."""
    wanted_before: bool = True
    """Whether that belongs to the target."""
    gap: bool = False
    """Messages of the strategy made before it never arrived."""
    unfollowed: tuple[Unfollowed, ...] = ()
    """Of the time since the report before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """What one share is from a day on."""

    at: datetime
    """The beginning of its first day."""
    factor: Decimal
    booked: bool
    """The broker shows it, and the books follow."""
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """All of it that concerns one book."""

    told: tuple[Told, ...] = ()
    splits: tuple[Split, ...] = ()
    bookings: tuple[BookingRow, ...] = ()
    elsewhere: Mapping[int, int] = field(default_factory=dict)
    """By signal: what JoinQuant filled of an order in the end, where that is not what it told."""
    missing: int = 0
    """What the books say and the broker's account does not hold, this book's share of it."""
