"""In the service's process: clocks that a judge outside sets, as a person or a sleeping PC does.

The file named by `JQF_TEST_CLOCK` holds two numbers: seconds added to the wall clock, and to the monotonic one.
"""

import os
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

VARIABLE = "JQF_TEST_CLOCK"


def install() -> None:
    """From now on; the scheduler's own clock goes along."""
    import apscheduler.schedulers.base
    import apscheduler.triggers.cron
    import apscheduler.triggers.interval

    from jqfollow import clock

    path = Path(os.environ[VARIABLE])

    def offsets() -> tuple[float, float]:
        wall, monotonic = path.read_text(encoding="ascii").split()
        return float(wall), float(monotonic)

    class Faked(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=offsets()[0])

    for module in (apscheduler.schedulers.base, apscheduler.triggers.cron, apscheduler.triggers.interval):
        module.datetime = Faked
    clock.SystemClock.now = lambda _: Faked.now(clock.SHANGHAI)  # type: ignore[method-assign,misc,assignment]
    clock.SystemClock.monotonic = lambda _: time.monotonic() + offsets()[1]  # type: ignore[method-assign,misc,assignment]


class Hands:
    """The judge's side: moves the clocks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.wall_s = self.monotonic_s = 0.0
        self.move()

    def move(self, wall_s: float = 0, monotonic_s: float = 0) -> None:
        """Both by so many seconds more."""
        self.wall_s += wall_s
        self.monotonic_s += monotonic_s
        fresh = self.path.with_suffix(".new")
        fresh.write_text(f"{self.wall_s} {self.monotonic_s}", encoding="ascii")
        fresh.replace(self.path)
