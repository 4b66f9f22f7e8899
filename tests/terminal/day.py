"""A house whose exchange keeps real hours: one clock for the service and for the terminal's process."""

import asyncio
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from jqfollow.clock import SHANGHAI
from jqfollow.domain import AttemptState, OrderState, Phase, WaitingFor
from jqfollow.ledger.rows import OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.market.securities import parse_security

from .control import ShiftedClock
from .house import ACCOUNT, QmtHouse
from .terminal import Terminal

CASH = Decimal(20_000_000)
Basket = dict[str, int]
"""The strategy's amounts by JoinQuant code."""


class DayHouse(QmtHouse):
    """`QmtHouse` from `start` on; `at` goes on to a time of day."""

    def __init__(self, folder: Path, terminal: Terminal, *, start: datetime, lag_s: float = 0, **options: Any) -> None:
        clock = ShiftedClock()
        clock.put(start)
        shift_s = clock.shift.total_seconds()
        terminal.tell("reset", hours="exchange", shift_s=shift_s, cash=str(CASH), pulse_s=0.02, lag_s=lag_s)
        super().__init__(folder, terminal, clock=clock, **options)
        self.prices: dict[str, Decimal] = {}
        self.expiring: list[int] = []
        """Signals whose orders shall stand until the end of the day."""

    async def at(self, when: str) -> None:
        """Time jumps to `when` (`10:30:00`, or with its day), and the schedule has its turn."""
        day = f"{self.clock.now():%Y-%m-%d}T" if "T" not in when else ""
        moment = datetime.fromisoformat(day + when).replace(tzinfo=SHANGHAI)
        seconds = (moment - self.clock.now()).total_seconds()
        assert seconds >= 0, f"it is {self.clock.now():%H:%M:%S} already, later than {when}"
        await self.sweep(after_s=seconds)

    def phase(self) -> Phase:
        return self.service.parts.accounts[ACCOUNT].hours.phase()

    # -- the market

    def opens(self, closes: dict[str, str], *, change: str = "0") -> None:
        """Every security opens at so much (a share of its close) above where it closed; deep and calm."""
        for code, close in closes.items():
            step = Decimal("0.001") if code[0] in "15" else Decimal("0.01")
            last = (Decimal(close) * (1 + Decimal(change))).quantize(step)
            self.calm(code, last, prev_close=close)

    def calm(self, code: str, last: str | Decimal, **more: Any) -> None:
        self.prices[code] = Decimal(last)
        self.market(code, last, **more)

    def thin(self, code: str, shares: int) -> None:
        """From now on there are so few shares at each price."""
        self._book(code, self.prices[code], depth=shares)

    def away(self, code: str, by: str) -> None:
        """The market moves by so much, and is deep there."""
        self.prices[code] += Decimal(by)
        self._book(code, self.prices[code], depth=1_000_000)

    def _book(self, code: str, last: Decimal, depth: int) -> None:
        self.terminal.tell("market", symbol=parse_security(code).symbol, last=str(last), depth=depth)

    # -- JoinQuant

    async def signal(self, strategy: str, side: Literal["buy", "sell"], code: str, amount: int, **more: Any) -> int:
        """One order of the strategy's at the market's price."""
        return await self.send(strategy, code, side, amount, **({"price": self.prices[code]} | more))

    async def basket(self, strategy: str, side: Literal["buy", "sell"], amounts: Basket) -> list[int]:
        return [await self.signal(strategy, side, code, amount) for code, amount in amounts.items()]

    async def filled(self, *signal_ids: int) -> list[OrderRow]:
        """Their orders, all of them filled."""
        orders = await self.done(*signal_ids, timeout_s=30)
        assert [o for o in orders if o.state is not OrderState.FILLED] == []
        return orders

    async def standing(self, code: str, amount: int, shares: int, *, strategy: str = "trend") -> OrderRow:
        """A buy of which `shares` are filled, or a little more, and the rest stands below the market."""
        self.thin(code, shares)
        signal_id = await self.signal(strategy, "buy", code, amount)
        await self.in_state(signal_id, OrderState.PARTIALLY_FILLED, timeout_s=20)
        self.away(code, "0.06")
        return await self.in_state(signal_id, OrderState.PARTIALLY_FILLED)

    # -- what became of it

    async def waits(self, signal_id: int, what: WaitingFor) -> OrderRow:
        def look(tx: Tx) -> OrderRow | None:
            return next((o for o in tx.orders.of_signal(signal_id) if o.waiting_for is what), None)

        return await self.until(look, timeout_s=20)

    async def sold_as_far_as_can_be(self, signal_id: int, volume: int) -> list[OrderRow]:
        """Until `volume` is sold; what of the signal waits for the next day."""

        def look(tx: Tx) -> list[OrderRow] | None:
            orders = tx.orders.of_signal(signal_id)
            return orders if sum(order.filled for order in orders) == volume else None

        orders = await self.until(look, timeout_s=30)
        return [order for order in orders if order.waiting_for is WaitingFor.NEXT_DAY]

    async def live(self, order: OrderRow) -> AttemptState:
        """The state of its one attempt, which nobody has tried to cancel."""
        [attempt] = await self.attempts(order)
        assert attempt.cancels == 0
        return attempt.state

    async def restart_terminal(self) -> None:
        """As every morning: closed, and started again with the same account."""
        await asyncio.to_thread(self.terminal.stop)
        await self.ready(is_ready=False)
        await asyncio.to_thread(self.terminal.start)
        await self.ready()

    async def positions(self) -> dict[str, int]:
        return {p.symbol: p.volume for p in await self.service.parts.accounts[ACCOUNT].positions()}

    async def books(self) -> dict[str, int]:
        """What all strategies hold together, by symbol."""
        held: dict[str, int] = {}
        for book in await self.ledger.read(lambda tx: tx.books.list(account=ACCOUNT)):
            held[book.security] = held.get(book.security, 0) + book.volume
        return held
