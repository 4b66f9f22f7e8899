"""Receipts go first: what is not on disk yet may be lost with its sender, what is there waits safely."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

GIVE_WAY_S = 0.5
"""Other work waits at most so long, however many messages come."""
CLOSE_S = 0.03
"""Messages that come closer together than this come in a burst."""
NEXT_S = 0.002
"""So soon after a receipt the next message of a burst is there."""


class Receipts:
    """Which messages are being taken in, on one event loop; whoever has work that can wait asks here first."""

    def __init__(self) -> None:
        self._under_way = 0
        self._burst = False
        self._ended = float("-inf")
        self._none = asyncio.Event()
        self._none.set()

    @contextmanager
    def one(self) -> Iterator[None]:
        """While a message is taken in."""
        now = asyncio.get_running_loop().time()
        self._burst = self._under_way > 0 or now - self._ended < CLOSE_S
        self._under_way += 1
        self._none.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            self._ended = asyncio.get_running_loop().time()
            if not self._under_way:
                self._none.set()

    async def over(self) -> None:
        """Until none is under way and the next one of a burst would have come; at most `GIVE_WAY_S`."""
        loop = asyncio.get_running_loop()
        until = loop.time() + GIVE_WAY_S
        while (now := loop.time()) < until:
            if self._under_way:
                try:
                    async with asyncio.timeout_at(until):
                        await self._none.wait()
                except TimeoutError:
                    return
            elif self._burst and now < self._ended + NEXT_S:
                await asyncio.sleep(self._ended + NEXT_S - now)
            else:
                return
