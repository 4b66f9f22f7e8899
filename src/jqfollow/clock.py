"""Time is a parameter: no other module reads a clock."""

import time
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """What tells the time."""

    def now(self) -> datetime:
        """The wall clock, in Asia/Shanghai."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for deadlines; any zero."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The wall clock, in Asia/Shanghai."""
        return datetime.now(SHANGHAI)

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment."""
        return time.monotonic()


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC of an aware `moment`."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without zone: {moment!r}")
    return round(moment.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """The moment in Asia/Shanghai, `ms` milliseconds after 1970-01-01 UTC."""
    return datetime.fromtimestamp(ms / 1000, SHANGHAI)
