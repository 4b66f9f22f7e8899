"""What stands below the two apps, in memory."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from jqfollow.clock import SHANGHAI
from jqfollow.domain import AccountState, ManualOrder, ManualOrderError, Preview, Settlement
from jqfollow.ledger.errors import ConflictError
from jqfollow.ledger.rows import NewSignal, OrderRow, Recorded
from jqfollow.wire.jqf1 import Key

START = datetime(2026, 1, 5, 10, 0, tzinfo=SHANGHAI)


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._seconds = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._seconds

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._seconds += seconds


class FakeKeys:
    def __init__(self, **keys: tuple[Key, ...]) -> None:
        self.by_strategy = keys

    def keys(self, strategy: str) -> tuple[Key, ...]:
        return self.by_strategy.get(strategy, ())


class FakeIntake:
    """Remembers what was recorded, as the ledger would; fails or hangs on demand."""

    def __init__(self, states: Sequence[AccountState] = ()) -> None:
        self.recorded: list[NewSignal] = []
        self.calls = 0
        self.error: Exception | None = None
        self.asked = asyncio.Event()
        self.gate: asyncio.Event | None = None
        self.states = list(states)

    async def record(self, signal: NewSignal) -> Recorded:
        self.calls += 1
        self.asked.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        for number, known in enumerate(self.recorded, 1):
            if (known.strategy, known.message_id) == (signal.strategy, signal.message_id):
                if known.text != signal.text:
                    raise ConflictError("known id, another text")
                return Recorded(signal_id=number, duplicate=True)
        self.recorded.append(signal)
        return Recorded(signal_id=len(self.recorded), duplicate=False)

    def account_states(self, strategy: str | None = None) -> Sequence[AccountState]:
        return self.states


class FakeDesk:
    """Does what `answer` says; remembers what it was asked."""

    def __init__(self) -> None:
        self.placed: list[ManualOrder] = []
        self.canceled: list[int] = []
        self.settled: list[tuple[int, Settlement]] = []
        self.error: ManualOrderError | None = None
        self.rows: Callable[[], list[OrderRow]] = list

    async def place_manual(self, order: ManualOrder) -> Sequence[OrderRow]:
        if self.error is not None:
            raise self.error
        self.placed.append(order)
        return self.rows()

    async def preview(self, account: str, security: str) -> Preview:
        return Preview(
            security="000001.SZ",
            name="平安银行",
            last=Decimal("10.50"),
            limit_up=Decimal("11.55"),
            limit_down=Decimal("9.45"),
            cash=Decimal(50_000),
            total=Decimal(105_000),
        )

    async def cancel(self, order_id: int) -> OrderRow:
        if self.error is not None:
            raise self.error
        self.canceled.append(order_id)
        return self.rows()[0]

    async def settle(self, order_id: int, settlement: Settlement) -> OrderRow:
        if self.error is not None:
            raise self.error
        self.settled.append((order_id, settlement))
        return self.rows()[0]
