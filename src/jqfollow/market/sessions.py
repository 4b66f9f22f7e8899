"""The hours of a trading day (market-rules: The trading day); which days trade is told by `calendar`."""

from bisect import bisect_right
from datetime import date, datetime, time, timedelta
from typing import Final

from jqfollow.clock import SHANGHAI
from jqfollow.domain import Phase

_PHASES: Final = (
    (time(0, 0), Phase.CLOSED),
    (time(9, 15), Phase.OPENING_AUCTION),
    (time(9, 20), Phase.OPENING_AUCTION_LOCKED),
    (time(9, 25), Phase.PRE_OPEN),
    (time(9, 30), Phase.CONTINUOUS),
    (time(11, 30), Phase.LUNCH),
    (time(13, 0), Phase.CONTINUOUS),
    (time(14, 57), Phase.CLOSING_AUCTION),
    (time(15, 0), Phase.CLOSED),
    (time(15, 5), Phase.AFTER_HOURS),
    (time(15, 30), Phase.CLOSED),
)
"""Each phase begins at its time exactly and ends where the next begins."""
_STARTS = tuple(start for start, _ in _PHASES)
_MATCHED = time(9, 25)
_OPENING = time(9, 30)
_DAY_END = time(15, 0)
_CANCEL_TAKES = timedelta(seconds=10)
_AUCTIONS = frozenset({Phase.OPENING_AUCTION, Phase.OPENING_AUCTION_LOCKED, Phase.CLOSING_AUCTION})
_CANCELS = frozenset({Phase.OPENING_AUCTION, Phase.CONTINUOUS})


def phase_at(moment: datetime) -> Phase:
    """The phase of `moment`, on a day that is taken for a trading day.

    Args:
        moment: in any zone.

    Raises:
        ValueError: `moment` has no zone.
    """
    _, phase = _PHASES[bisect_right(_STARTS, _shanghai(moment).time()) - 1]
    return phase


def accepts_orders(phase: Phase, *, join_auction: bool) -> bool:
    """Whether an order may be placed now: in continuous trading, with `join_auction` also in a call auction.

    Not in the pause 9:25-9:30 and at lunch, when some brokers hold orders and some refuse them: an order that
    lies at the broker without being in the market can neither be judged nor cancelled. Not after hours.
    """
    return phase is Phase.CONTINUOUS or (join_auction and phase in _AUCTIONS)


def accepts_cancels(phase: Phase) -> bool:
    """Whether the exchange takes cancels now.

    False after hours too: the exchange takes cancels there, but of orders that jqfollow does not place.
    """
    return phase in _CANCELS


def may_reprice(moment: datetime) -> bool:
    """Whether an order that stands may be cancelled to be placed anew.

    In continuous trading only: in a call auction an order stands until the match. Not in the last ten seconds before
    the closing auction, in which a cancel may be confirmed when nothing can be cancelled or placed any more; what
    stands goes into that auction.

    Raises:
        ValueError: `moment` has no zone.
    """
    soon = _shanghai(moment) + _CANCEL_TAKES
    return phase_at(moment) is Phase.CONTINUOUS and phase_at(soon) is not Phase.CLOSING_AUCTION


def session_start(moment: datetime) -> datetime:
    """When the phase of `moment` began.

    Raises:
        ValueError: `moment` has no zone.
    """
    local = _shanghai(moment)
    return datetime.combine(local.date(), _STARTS[bisect_right(_STARTS, local.time()) - 1], SHANGHAI)


def auction_end(moment: datetime) -> datetime:
    """When continuous trading begins after the opening auction of the day of `moment`.

    Raises:
        ValueError: `moment` has no zone.
    """
    return datetime.combine(_shanghai(moment).date(), _OPENING, SHANGHAI)


def next_session(moment: datetime, *, join_auction: bool = False) -> datetime | None:
    """When orders may be placed next on the same day; `moment` itself when they may now.

    `None` when they may no more that day.

    Raises:
        ValueError: `moment` has no zone.
    """
    local = _shanghai(moment)
    if accepts_orders(phase_at(moment), join_auction=join_auction):
        return moment
    return next(
        (
            datetime.combine(local.date(), start, SHANGHAI)
            for start, phase in _PHASES
            if accepts_orders(phase, join_auction=join_auction) and start > local.time()
        ),
        None,
    )


def first_session(day: date, *, join_auction: bool = False) -> datetime:
    """When orders may first be placed on a trading day."""
    start = next(start for start, phase in _PHASES if accepts_orders(phase, join_auction=join_auction))
    return datetime.combine(day, start, SHANGHAI)


def opening_known(moment: datetime) -> bool:
    """Whether the opening auction of the day has been matched: at 9:25.

    Raises:
        ValueError: `moment` has no zone.
    """
    return _shanghai(moment).time() >= _MATCHED


def day_end(day: date) -> datetime:
    """When the trading of `day` ends: 15:00 in Shanghai."""
    return datetime.combine(day, _DAY_END, SHANGHAI)


def _shanghai(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"a time without zone: {moment!r}")
    return moment.astimezone(SHANGHAI)
