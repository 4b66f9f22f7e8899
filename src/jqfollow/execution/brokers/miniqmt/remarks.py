"""Which attempt an order of the terminal belongs to, when the broker truncates or rewrites its remark."""

import threading
from collections.abc import Hashable
from datetime import date

from jqfollow.clock import Clock


class Remarks:
    """Our own remark by the terminal's order id, for today: ids are not known to be unique over days. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._day: date | None = None
        self._remarks: dict[Hashable, str] = {}

    def learn(self, order_id: Hashable, remark: str) -> None:
        """The terminal answered our placing call with `order_id`."""
        with self._lock:
            today = self._clock.now().date()
            if self._day != today:
                self._day = today
                self._remarks.clear()
            self._remarks[order_id] = remark

    def knows(self, order_id: Hashable) -> bool:
        """Whether `order_id` was placed here today."""
        with self._lock:
            return order_id in self._remarks and self._day == self._clock.now().date()

    def of(self, order_id: Hashable, told: str) -> str:
        """Our remark of `order_id`; what the terminal `told` when the order was not placed here."""
        with self._lock:
            if self._day != self._clock.now().date():
                return told
            return self._remarks.get(order_id, told)
