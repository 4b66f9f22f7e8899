"""How fast one robot may be sent to; pure, in seconds of a monotonic clock."""

from collections import deque

WINDOW_S = 60.0
MAX_IN_WINDOW = 18
"""WeCom takes 20 a minute. Two less leave room for a clock that differs and for a message sent by hand."""
MAX_ORDINARY = 15
"""The rest of the window is kept for what is urgent."""
FIRST_BACK_OFF_S = 2.0
MAX_BACK_OFF_S = 300.0


class Pace:
    """A sliding window of a minute, and a back-off that doubles with each failure."""

    def __init__(self) -> None:
        self._sent: deque[float] = deque()
        self._not_before = float("-inf")
        self.failures = 0
        """In a row."""
        self.failing_since: float | None = None

    def wait_s(self, now: float, *, urgent: bool) -> float:
        """Seconds until the next message may go; 0: now."""
        while self._sent and self._sent[0] <= now - WINDOW_S:
            self._sent.popleft()
        wait = max(self._not_before - now, 0.0)
        most = MAX_IN_WINDOW if urgent else MAX_ORDINARY
        if len(self._sent) >= most:
            wait = max(wait, self._sent[-most] + WINDOW_S - now)
        return wait

    def used(self, now: float) -> None:
        """A message went out, whatever became of it.

        `now` is taken after the answer: then the window errs to the safe side.
        """
        self._sent.append(now)

    def succeeded(self) -> None:
        """The robot is well."""
        self.failures = 0
        self.failing_since = None
        self._not_before = float("-inf")

    def failed(self, now: float, after_s: float) -> float:
        """Seconds to wait after one more failure, at least `after_s`."""
        doublings = min(self.failures, 16)
        self.failures += 1
        if self.failing_since is None:
            self.failing_since = now
        delay = max(after_s, min(FIRST_BACK_OFF_S * float(2**doublings), MAX_BACK_OFF_S))
        self._not_before = now + delay
        return delay
