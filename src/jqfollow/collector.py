"""When Python's collector walks over what lives long: between orders, not while one waits.

It looks at everything at once, holds the one interpreter meanwhile, and takes the longer the more orders a day had
(`python -m bench cpu`). Few cycles are left behind here, so that it can wait for a quiet moment.
"""

import asyncio
import gc
from collections.abc import Callable
from time import monotonic

LOOK_S = 5.0
"""Nothing was committed for so long: it is quiet."""
EVERY_S = 600.0
AT_LAST_S = 3600.0
"""After so long it is done although it is not quiet."""
_NEVER = 1_000_000_000


class Collector:
    """Of a process that works until it ends."""

    def __init__(self, commits: Callable[[], int], now: Callable[[], float] = monotonic) -> None:
        """`commits` counts what was done."""
        self._commits = commits
        self._now = now
        self._seen = commits()
        self._collected = now()

    async def run(self) -> None:
        """Until it is cancelled. What stands now stands to the end, and is not walked over again."""
        gc.collect()
        gc.freeze()
        young, middle, _ = gc.get_threshold()
        gc.set_threshold(young, middle, _NEVER)
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Collects, when it is time."""
        now, commits = self._now(), self._commits()
        quiet, self._seen = commits == self._seen, commits
        if now - self._collected >= (EVERY_S if quiet else AT_LAST_S):
            gc.collect()
            self._collected = now
