"""How a long read gives way: Python runs one thread at a time, and an order has some twenty turns to wait for."""

from collections.abc import Callable, Iterable, Sequence
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")

LIVELY_S = 0.05
"""Somebody trades while the last commit is not older than this."""
WORK_S = 0.002
REST_S = 0.004
_SOME = 32
"""So many rows are worked off between two looks at the clock."""


class Pace:
    """Of one read: while somebody trades, it works and rests by turns; else it works on."""

    __slots__ = ("_committed_at", "_since")

    def __init__(self, committed_at: Callable[[], float]) -> None:
        """`committed_at`: when the last commit was, on the monotonic clock."""
        self._committed_at = committed_at
        self._since = monotonic()

    def breathe(self) -> None:
        """Rests, when it is time."""
        now = monotonic()
        if now - self._since < WORK_S:
            return
        if now - self._committed_at() < LIVELY_S:
            sleep(REST_S)
        self._since = monotonic()

    def through(self, rows: Sequence[T]) -> Iterable[T]:
        """The same, with a breath now and then."""
        for start in range(0, len(rows), _SOME):
            self.breathe()
            yield from rows[start : start + _SOME]
