"""Whether a broker's account shows a corporate action. Pure."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from jqfollow.corporate.factors import Factor
from jqfollow.market.calendar import CalendarError, TradingCalendar


class Shown(StrEnum):
    """What the account says of an action."""

    WHOLE = "whole"
    """The change is the factor, within a share."""
    NOTHING = "nothing"
    """No change yet."""
    OTHER = "other"
    """Something else happened: a person has to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of one security in one account."""

    before: int
    """Held by the account when the ex day began."""
    traded: int
    """What fills changed since, sells negative."""
    now: int
    """Held now, by the broker."""


def shown(seen: Seen, factor: Decimal) -> Shown:
    """Whether the broker's figure holds the action; a change that a fill explains is none."""
    change = seen.now - seen.before - seen.traded
    due = seen.before * factor - seen.before
    if abs(change - due) < 1:
        # Where the action changes less than a share, no change and the whole change look alike.
        return Shown.WHOLE
    return Shown.NOTHING if change == 0 else Shown.OTHER


def arrives(factor: Factor, calendar: TradingCalendar) -> date:
    """The day on which its shares can be traded as a rule: in Shanghai a day after the ex day, else on it."""
    if factor.shares == 1 or factor.ratio != 1 or not factor.security.endswith(".SH"):
        return factor.day
    try:
        return calendar.next_trading_day(factor.day)
    except CalendarError:
        return factor.day


def jumped(prev_close: Decimal, last_close: Decimal, factor: Factor) -> bool:
    """Whether the ex-rights previous close is what the factor makes of the last close, within a hundredth of it."""
    due = factor.reference(last_close)
    return due > 0 and abs(prev_close - due) <= due / 100
