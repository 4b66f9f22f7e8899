"""Whose clock is wrong? Authentic messages that are not of now are refused, and people are told why."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from jqfollow.clock import Clock

log = structlog.get_logger(__name__)

EVERY_S = 3600.0


class ClockWatch:
    """Tells once an hour that a strategy's clock and this machine's differ by more than a message may be old.

    A captured message that is sent again looks the same; it is told from a new one by its id.
    """

    def __init__(
        self,
        *,
        seen: Callable[[str, str], Awaitable[bool]],
        tell: Callable[[str, float], Awaitable[None]],
        clock: Clock,
    ) -> None:
        """`seen`: does the ledger know this strategy's message? `tell`: to people, strategy and seconds of skew."""
        self._seen = seen
        self._tell = tell
        self._clock = clock
        self._told_at: float | None = None
        self._looking: asyncio.Task[None] | None = None

    def heard(self, strategy: str, message_id: str, skew_s: float) -> None:
        """An authentic message came that is stale by `skew_s` (the sender's clock minus ours). Holds nobody up."""
        told_lately = self._told_at is not None and self._clock.monotonic() - self._told_at < EVERY_S
        if not told_lately and self._looking is None:
            self._looking = asyncio.create_task(self._look(strategy, message_id, skew_s), name="clock-watch")
            self._looking.add_done_callback(self._looked)

    async def _look(self, strategy: str, message_id: str, skew_s: float) -> None:
        try:
            if await self._seen(strategy, message_id):
                return
            log.warning("clocks_differ", strategy=strategy, skew_s=round(skew_s))
            await self._tell(strategy, skew_s)
            self._told_at = self._clock.monotonic()
        except Exception:  # the task ends here; the next such message tries again
            log.exception("clock_watch_failed")

    def _looked(self, _: asyncio.Task[None]) -> None:
        self._looking = None
