from datetime import datetime, timedelta

from jqfollow.clock import SHANGHAI


class VirtualClock:
    """Time that only a test moves."""

    def __init__(self, start: datetime = datetime(2026, 3, 3, 10, 0, tzinfo=SHANGHAI)) -> None:
        self._now = start
        self._elapsed = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    def advance(self, seconds: float) -> None:
        assert seconds >= 0
        self._now += timedelta(seconds=seconds)
        self._elapsed += seconds
