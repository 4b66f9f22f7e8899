"""A `QmtBroker` on the simulated terminal, through the vendor's own Python layer."""

import asyncio
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from jqfollow.clock import SystemClock
from jqfollow.domain import BrokerEvent, Disconnected
from jqfollow.execution.brokers.miniqmt.broker import QmtBroker, load_xtdata
from jqfollow.execution.brokers.miniqmt.quotes import XtQuotes
from jqfollow.execution.brokers.miniqmt.sessions import SessionPool

from . import native
from .modes import Mode
from .terminal import Terminal

T = TypeVar("T")


class TrackedBroker(QmtBroker):
    """Remembers what ends its latest connection, whoever asked for it."""

    end: Callable[[], None] = staticmethod(lambda: None)

    def connect(self) -> Callable[[], None]:
        self.end = super().connect()
        return self.end


class QmtRig:
    """See `execution.brokers.contract.Rig`; with `terminal`, the other side's hands."""

    def __init__(
        self,
        terminal: Terminal,
        folder: Path,
        *,
        connect: bool = True,
        account_type: str = "STOCK",
        account_id: str | None = None,
        **options: Any,
    ) -> None:
        native.install()
        self.terminal = terminal
        self._folder = folder
        self._account_type = account_type
        self._account_id = account_id or terminal.account
        self._options = options
        self._told = threading.Condition()
        self._events: list[BrokerEvent] = []
        self._threads: set[int] = set()
        self.broker = self._made()
        if connect:
            self.broker.connect()

    def _made(self) -> TrackedBroker:
        clock = SystemClock()
        broker = TrackedBroker(
            name="main",
            path=self.terminal.path,
            account_id=self._account_id,
            account_type=self._account_type,  # type: ignore[arg-type]
            sessions=SessionPool(self._folder / "qmt-main.json", clock),
            clock=clock,
            quotes=XtQuotes(load=load_xtdata, clock=clock, quote_ttl_s=0, instrument_ttl_s=0, timeout_s=2),
            **{"connect_timeout_s": 10, "stop_timeout_s": 0.5, "reason_wait_s": 0.5, **self._options},
        )
        broker.events(self._tell)
        return broker

    def _tell(self, event: BrokerEvent) -> None:
        with self._told:
            self._events.append(event)
            self._threads.add(threading.get_ident())
            self._told.notify_all()

    def close(self) -> None:
        """Ends the connection, and whatever a mode still holds up."""
        self.broker.end()
        self.terminal.mode()
        self.terminal.tell("drop")

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
        """All pushes so far, those under way included: an answer comes after them on the vendor's one thread."""
        self.terminal.tell("flush")
        self.broker.asset()
        with self._told:
            return list(self._events)

    def push_threads(self) -> set[int]:
        return set(self._threads)

    def lose_connection(self) -> None:
        before = len(self._events)
        self.terminal.tell("drop")
        self.wait(lambda events: next((e for e in events[before:] if isinstance(e, Disconnected)), None), "the loss")

    def restart(self) -> None:
        self.broker.end()
        self.broker = self._made()
        self.broker.connect()

    def go_wrong(self, *modes: Mode) -> None:
        self.terminal.mode(*modes)


def told(kind: type[BrokerEvent], remark: str) -> Callable[[list[BrokerEvent]], BrokerEvent | None]:
    return lambda events: next((e for e in events if isinstance(e, kind) and getattr(e, "remark", "") == remark), None)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # what is waited for happens on other threads
        await asyncio.sleep(0.002)
