"""Notices that the wall clock was set, and takes along what is under way.

Days and phases go by the wall clock. What counts seconds (how long an order stands, waits, settles, when a message is
sent again) is kept as times of the wall clock, too, so that it outlives a restart; when the clock is set they are set
with it, in one transaction, and everything is looked at again. Sessions and deadlines are not: a session begins when
the exchange says, and no step makes a signal fresher.
"""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

import structlog

from jqfollow.clock import Clock
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.tx import Tx
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.5
STEP_S = 0.8
"""Less than this is the clock being trimmed, or a busy machine."""
TOLD_S = 30
"""A smaller step is nobody's concern: the log has it."""
_RECENT = timedelta(minutes=15)
"""What ended earlier than this is looked at by no due."""


class ClockSteps:
    """Compares the wall clock with the monotonic one."""

    def __init__(
        self, clock: Clock, ledger: Ledger, *, accounts: Collection[str], set_along: Callable[[], None]
    ) -> None:
        """`set_along` is called after a step, when the ledger's times are right again."""
        self._clock = clock
        self._ledger = ledger
        self._accounts = accounts
        self._set_along = set_along
        self._offset = self._now_offset()
        self.count = 0
        """How often it was set."""

    def _now_offset(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()

    async def run(self) -> None:
        """For ever, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Takes along what is under way when the clock was set since the last look."""
        offset = self._now_offset()
        step_s = offset - self._offset
        if abs(step_s) < STEP_S:
            self._offset = offset
            return
        log.warning("clock_was_set", by_s=round(step_s, 1))
        now = self._clock.now()
        try:
            await self._ledger.write(lambda tx: self._take_along(tx, now, timedelta(seconds=step_s)))
        except LedgerError as error:
            log.warning("clock_step_not_written", why=str(error))  # the next look tries again
            return
        self._offset = offset
        self.count += 1
        self._set_along()

    def _take_along(self, tx: Tx, now: datetime, step: timedelta) -> None:
        before = now - step
        tx.orders.clock_was_set(step, before - _RECENT)
        tx.attempts.clock_was_set(step, before - _RECENT, self._accounts)
        tx.outbox.clock_was_set(step)
        if abs(step) >= timedelta(seconds=TOLD_S):
            tx.outbox.put(Kind.ALERT, messages.clock_was_set(before, now), now, unique_key=f"clock-{now.isoformat()}")
