"""The paper broker for tests: a clock that stands still, pushes collected, the other side's hands."""

import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal, TypeVar

from jqfollow.clock import SHANGHAI
from jqfollow.domain import BrokerEvent
from jqfollow.execution.brokers.paper.broker import PaperBroker
from jqfollow.execution.brokers.paper.faults import Faults
from jqfollow.execution.brokers.paper.quotes import QuoteSource
from jqfollow.market.calendar import TradingCalendar

from .contract import CASH

MONDAY = date(2026, 3, 2)
T = TypeVar("T")


def at(text: str, day: date = MONDAY) -> datetime:
    """`HH:MM[:SS]` of `day` in Shanghai."""
    return datetime.fromisoformat(f"{day}T{text}").replace(tzinfo=SHANGHAI)


class StillClock:
    """Time goes on when a test says so."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    def forward(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class PaperRig:
    """See `contract.Rig`."""

    def __init__(
        self,
        folder: Path,
        *,
        hours: Literal["always", "exchange"] = "always",
        moment: datetime | None = None,
        cash: Decimal = CASH,
        quotes: QuoteSource | None = None,
        pulse_s: float | None = None,
    ) -> None:
        self.path = folder / "模拟 账户" / "paper.journal"
        self.clock = StillClock(moment or at("10:00"))
        self._hours: Literal["always", "exchange"] = hours
        self._cash = cash
        self._quotes = quotes
        self._pulse_s = pulse_s
        self._told = threading.Condition()
        self._events: list[BrokerEvent] = []
        self._threads: set[int] = set()
        self._end: Callable[[], None] = lambda: None
        self.faults = Faults()
        self.open()

    def open(self) -> None:
        self.broker = PaperBroker(
            name="paper",
            path=self.path,
            clock=self.clock,
            cash=self._cash,
            hours=self._hours,
            calendar=TradingCalendar(),
            quotes=self._quotes,
            faults=self.faults,
            pulse_s=self._pulse_s,
        )
        self.broker.events(self._tell)
        self._end = self.broker.connect()

    def _tell(self, event: BrokerEvent) -> None:
        with self._told:
            self._events.append(event)
            self._threads.add(threading.get_ident())
            self._told.notify_all()

    def close(self) -> None:
        self._end()

    def set_market(
        self, symbol: str, *, last: Decimal, bid: Decimal, ask: Decimal, depth: int, suspended: bool = False
    ) -> None:
        self.broker.set_market(
            symbol, prev_close=Decimal("10.00"), last=last, bid=bid, ask=ask, depth=depth, suspended=suspended
        )

    def hold(self, symbol: str, volume: int) -> None:
        self.broker.set_holding(symbol, volume, cost=Decimal("9.50"))

    def wait(self, find: Callable[[list[BrokerEvent]], T | None], what: str) -> T:
        found: list[T] = []

        def look() -> bool:
            result = find(self._events)
            if result is not None:
                found.append(result)
            return result is not None

        with self._told:
            assert self._told.wait_for(look, 5), f"{what}: never told; pushes: {self._events}"
        return found[0]

    def pushes(self) -> list[BrokerEvent]:
        assert self.broker.flush()
        with self._told:
            return list(self._events)

    def push_threads(self) -> set[int]:
        return set(self._threads)

    def lose_connection(self) -> None:
        self.broker.drop("连接断开")

    def restart(self) -> None:
        self._end()
        self.open()
