"""A `FullQmtBroker` on the emulated terminal."""

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from jqfollow.clock import SystemClock
from jqfollow.domain import BrokerEvent, Disconnected
from jqfollow.execution.brokers.fullqmt.broker import FullQmtBroker

from .modes import Mode
from .terminal import Terminal

T = TypeVar("T")


class FullQmtRig:
    """See `execution.brokers.contract.Rig`; with `terminal`, the other side's hands."""

    def __init__(self, terminal: Terminal, *, connect: bool = True, **options: Any) -> None:
        self.terminal = terminal
        self._options = {
            "silent_s": 2.0,
            "connect_timeout_s": 5,
            "quote_ttl_s": 0,
            "instrument_ttl_s": 0,
            "take_s": 1.0,
            "place_s": 2.5,
            **options,
        }
        self._told = threading.Condition()
        self._events: list[BrokerEvent] = []
        self._threads: set[int] = set()
        self._end: Callable[[], None] = lambda: None
        self._stopped = False
        self.broker = self._made()
        if connect:
            self._end = self.broker.connect()

    def _made(self) -> FullQmtBroker:
        rig = self

        class Broker(FullQmtBroker):
            def connect(self) -> Callable[[], None]:
                rig._bring_back()
                rig._end = super().connect()
                return rig._end

        broker = Broker(
            name="main",
            mailbox=self.terminal.mailbox,
            account_id=self.terminal.account,
            clock=SystemClock(),
            **self._options,
        )
        broker.events(self._tell)
        return broker

    def _bring_back(self) -> None:
        if self._stopped:
            self._stopped = False
            self.terminal.start()

    def _tell(self, event: BrokerEvent) -> None:
        with self._told:
            self._events.append(event)
            self._threads.add(threading.get_ident())
            self._told.notify_all()

    def close(self) -> None:
        self._bring_back()
        self.terminal.mode()
        self._end()

    def set_market(
        self, symbol: str, *, last: Decimal, bid: Decimal, ask: Decimal, depth: int, suspended: bool = False
    ) -> None:
        prices = {"last": str(last), "bid": str(bid), "ask": str(ask), "prev_close": "10.00"}
        self.terminal.tell("market", symbol=symbol, depth=depth, suspended=suspended, **prices)

    def hold(self, symbol: str, volume: int) -> None:
        self.terminal.tell("hold", symbol=symbol, volume=volume)

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
        """All pushes so far: an answer comes after what was pushed before it."""
        self.terminal.tell("settle")
        self.broker.asset()
        with self._told:
            return list(self._events)

    def push_threads(self) -> set[int]:
        return set(self._threads)

    def lose_connection(self) -> None:
        """The terminal is closed; connecting starts it again."""
        before = len(self._events)
        self.terminal.stop()
        self._stopped = True
        self.wait(lambda events: next((e for e in events[before:] if isinstance(e, Disconnected)), None), "the loss")

    def restart(self) -> None:
        self._end()
        self.broker = self._made()
        self.broker.connect()

    def go_wrong(self, *modes: Mode) -> None:
        self.terminal.mode(*modes)
