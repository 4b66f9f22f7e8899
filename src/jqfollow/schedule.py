"""What is done again and again, and at hours of the day; goes on at once when the wall clock is set.

The scheduler compares wall clocks: set back by an hour it would sleep for an hour. `clock_was_set` has it begin anew.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, time
from typing import Any

import structlog
from apscheduler.job import Job
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from jqfollow.clock import SHANGHAI, Clock
from jqfollow.ledger.errors import may_pass

log = structlog.get_logger(__name__)

Work = Callable[[datetime], Awaitable[None]]
"""Gets the time of its turn."""
_LATE_S = 3600
"""So late a job of an hour of the day is still done."""


class Schedule:
    """A turn that fails ends; the next one comes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._scheduler = AsyncIOScheduler(timezone=SHANGHAI, job_defaults={"coalesce": True, "max_instances": 1})
        self._intervals: list[tuple[Job, int]] = []
        self._hours: list[tuple[Job, time]] = []
        self.failures: Counter[str] = Counter()
        """Turns that failed, by name."""

    def every(self, seconds: int, work: Work, name: str) -> None:
        """Every so many seconds, first after as many."""
        job = self._scheduler.add_job(
            self._guarded(work, name), "interval", seconds=seconds, misfire_grace_time=None, name=name
        )
        self._intervals.append((job, seconds))
        self.failures[name] = 0

    def at(self, hour: time, work: Work, name: str) -> None:
        """Every day at an hour in Shanghai."""
        job = self._scheduler.add_job(
            self._guarded(work, name), "cron", hour=hour.hour, minute=hour.minute, misfire_grace_time=_LATE_S, name=name
        )
        self._hours.append((job, hour))

    def once(self, work: Work, name: str) -> None:
        """Now."""
        self._scheduler.add_job(self._guarded(work, name), misfire_grace_time=None, name=name)

    def start(self) -> None:
        """Turns begin."""
        self._scheduler.start()

    def stop(self) -> None:
        """No turn begins any more."""
        self._scheduler.shutdown(wait=False)

    def clock_was_set(self) -> None:
        """Everything is due as if it had begun now."""
        for job, seconds in self._intervals:
            job.reschedule("interval", seconds=seconds)
        for job, hour in self._hours:
            job.reschedule("cron", hour=hour.hour, minute=hour.minute)

    def _guarded(self, work: Work, name: str) -> Callable[[], Coroutine[Any, Any, None]]:
        async def run() -> None:
            try:
                await work(self._clock.now())
            except asyncio.CancelledError:  # the service stops, and the turn with it
                log.info("sweep_ended", sweep=name)
            except Exception as error:  # one turn ends here; the next comes
                self.failures[name] += 1
                if may_pass(error):  # the ledger's watch says it once; a full disk is not filled with tracebacks
                    log.warning("sweep_waits", sweep=name, why=str(error))
                else:
                    log.exception("sweep_failed", sweep=name)

        return run
