"""How long a counter takes to show what was done: looked at again and again, until all is shown or time is up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from jqfollow.clock import Clock
from jqfollow.domain import BrokerError

LONGEST_S: Final = 20.0
EVERY_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How long after its cause one thing was seen."""

    what: str
    ms: int | None
    """`None`: not in time."""


class Stopwatch:
    """Measures from the moment that something is about to be asked for."""

    def __init__(self, clock: Clock, pause: Callable[[float], None], *, longest_s: float = LONGEST_S) -> None:
        self._clock = clock
        self._pause = pause
        self._longest_s = longest_s
        self._began = clock.monotonic()

    def ms(self) -> int:
        """Since the beginning."""
        return round((self._clock.monotonic() - self._began) * 1000)

    def watch(self, seen: Mapping[str, Callable[[], bool | float]]) -> list[Lag]:
        """When each became true, or was so by its own word, a reading of the monotonic clock.

        A question that is not answered is asked again.
        """
        found: dict[str, int] = {}
        while len(found) < len(seen) and self.ms() < self._longest_s * 1000:
            for what, is_it in seen.items():
                told = False if what in found else _told(is_it)
                if told is not False:
                    found[what] = self.ms() if told is True else round((told - self._began) * 1000)
            if len(found) < len(seen):
                self._pause(EVERY_S)
        return [Lag(what=what, ms=found.get(what)) for what in seen]


def _told(is_it: Callable[[], bool | float]) -> bool | float:
    try:
        return is_it()
    except BrokerError:
        return False
