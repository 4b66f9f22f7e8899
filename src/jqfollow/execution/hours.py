"""The exchange's day and hour, as one account sees them."""

from datetime import UTC, date, datetime, timedelta

import structlog

from jqfollow.clock import SHANGHAI, Clock
from jqfollow.domain import Phase
from jqfollow.market.calendar import CalendarError, TradingCalendar
from jqfollow.market.sessions import auction_end, day_end, first_session, may_reprice, next_session, phase_at

log = structlog.get_logger(__name__)

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Hours:
    """Of an exchange that keeps hours, or of a practice exchange that never closes and tells its own day."""

    def __init__(self, *, always_open: bool, clock: Clock, calendar: TradingCalendar) -> None:
        self._always_open = always_open
        self._clock = clock
        self._calendar = calendar
        self._practice: date | None = None

    def learn(self, day: date) -> None:
        """The practice exchange's day; of one that keeps hours the clock tells it."""
        if self._always_open:
            self._practice = day

    def trading_day(self) -> date:
        """The exchange day that the account is in."""
        if self._practice is not None:
            return self._practice
        return self._clock.now().date()

    def open_day(self) -> date:
        """The first exchange day that is not over: orders of earlier ones cannot fill any more.

        A practice exchange that never closes ends a day only when it begins the next: until it has told its day, none
        is over, whatever the hour.
        """
        if self._always_open:
            return self._practice or date.min
        day = self.trading_day()
        return day + timedelta(days=1) if self._clock.now() >= day_end(day) else day

    def is_trading_day(self) -> bool:
        """Whether the exchange trades today; a day that the calendar does not cover is none."""
        if self._always_open:
            return True
        try:
            return self._calendar.is_trading_day(self._clock.now().date())
        except CalendarError as error:
            log.warning("calendar_not_covered", error=str(error))
            return False

    def next_session(self, at: datetime, *, join_auction: bool) -> datetime | None:
        """When an order of `at` may be placed first, that day or on a later one; `None`: the calendar does not say."""
        if self._always_open:
            return at
        local = at.astimezone(SHANGHAI)
        try:
            trades = self._calendar.is_trading_day(local.date())
            today = next_session(at, join_auction=join_auction) if trades else None
            if today is not None:
                return today
            return first_session(self._calendar.next_trading_day(local.date()), join_auction=join_auction)
        except CalendarError as error:
            log.warning("calendar_not_covered", error=str(error))
            return None

    def may_reprice(self) -> bool:
        """Whether an order that stands may be cancelled now, to be placed anew."""
        return self._always_open or may_reprice(self._clock.now())

    def auction_end(self) -> datetime:
        """When continuous trading begins after the day's opening auction; long ago where there is none."""
        return _LONG_AGO if self._always_open else auction_end(self._clock.now())

    def phase(self) -> Phase:
        """The phase of the exchange day now."""
        if self._always_open:
            return Phase.CONTINUOUS
        return phase_at(self._clock.now()) if self.is_trading_day() else Phase.CLOSED
