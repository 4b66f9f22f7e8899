"""How much of what may come in a minute."""

import math
from collections import deque

from jqfollow.clock import Clock

WINDOW_S = 60.0


class MinuteLimit:
    """At most `most` in any 60 seconds."""

    def __init__(self, most: int, clock: Clock) -> None:
        self._most = most
        self._clock = clock
        self._taken: deque[float] = deque()

    def take(self) -> float | None:
        """Takes one; the returned mark can be given back. `None`: there is none left."""
        if self.spent:
            return None
        now = self._clock.monotonic()
        self._taken.append(now)
        return now

    @property
    def spent(self) -> bool:
        """There is none left."""
        now = self._clock.monotonic()
        while self._taken and self._taken[0] <= now - WINDOW_S:
            self._taken.popleft()
        return len(self._taken) >= self._most

    def give_back(self, mark: float | None) -> None:
        """It was not used after all; `None` was never taken."""
        if mark is not None and mark in self._taken:
            self._taken.remove(mark)

    def retry_after_s(self) -> int:
        """Whole seconds, at least 1, until there is one again."""
        if len(self._taken) < self._most:
            return 1
        return max(1, math.ceil(self._taken[0] + WINDOW_S - self._clock.monotonic()))
