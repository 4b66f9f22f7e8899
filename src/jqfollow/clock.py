"""Time is a parameter: no other module reads a clock."""

import ctypes
import sys
import time
from datetime import date, datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST_DAY = date(1990, 12, 19)
"""On which the first exchange opened: no day before it can be meant."""
LAST_DAY = date(2199, 12, 31)


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


def boot_id() -> str:
    """What tells this run of the machine from any other; empty where the system does not tell.

    Linux gives a number drawn at each start. Windows keeps the time of its start: the first eight bytes of
    `SYSTEM_TIMEOFDAY_INFORMATION`, less what steps of the clock added to it (the fifth), stay until the next start.
    """
    if sys.platform != "win32":
        try:
            return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except OSError:
            return ""
    fields = (ctypes.c_int64 * 6)()  # type: ignore[unreachable,unused-ignore]
    status = ctypes.WinDLL("ntdll").NtQuerySystemInformation(3, ctypes.byref(fields), ctypes.sizeof(fields), None)
    return "" if status else f"{fields[0] - fields[4]}"


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC of an aware `moment`."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without zone: {moment!r}")
    return round(moment.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """The moment in Asia/Shanghai, `ms` milliseconds after 1970-01-01 UTC."""
    return datetime.fromtimestamp(ms / 1000, SHANGHAI)
