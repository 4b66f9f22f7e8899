"""Placing calls that get no answer: how many may go side by side, and when the next may go. Pure but for its clock.

Each leaves an order whose outcome is unknown. After one they go out singly; after a second the next order that is due
is tried after 15, 30, then 60 seconds. Any answer opens all again. No order is ever made to find out.
"""

from jqfollow.clock import Clock

PAUSES_S = (15.0, 30.0, 60.0)
"""After the second, the third, and each further call without an answer."""


class PlacingCalls:
    """One account's."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._hung = 0
        self._hung_at = 0.0

    @property
    def hung(self) -> int:
        """How many got no answer since the last answer."""
        return self._hung

    def unanswered(self) -> None:
        """One got no answer in time."""
        self._hung += 1
        self._hung_at = self._clock.monotonic()

    def answered(self) -> None:
        """One got its answer, or the broker shows that one arrived."""
        self._hung = 0

    def width(self, most: int) -> int:
        """How many may go side by side."""
        return most if not self._hung else 1

    def wait_s(self) -> float:
        """Seconds until the next may go; 0: now."""
        if self._hung < 2:  # noqa: PLR2004  # the first may have been a slow moment
            return 0.0
        pause_s = PAUSES_S[min(self._hung - 2, len(PAUSES_S) - 1)]
        return max(self._hung_at + pause_s - self._clock.monotonic(), 0.0)
