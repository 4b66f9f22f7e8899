"""Two random days of a strategy at JoinQuant, and what its accounts' books must be in the end."""

import random
from decimal import Decimal
from typing import Any

from joinquant import LimitOrderStyle, OrderStatus, StopMarketOrderStyle
from jqfollow.domain import OrderState, SignalState, WaitingFor
from jqfollow.ledger.tx import Tx
from jqfollow.market.lots import lot_rule
from jqfollow.market.securities import parse_security

from .house import House
from .joined import Joined

CODES = {"000001.XSHE": 10.0, "600000.XSHG": 8.0, "688001.XSHG": 50.0, "510300.XSHG": 4.0}
"""A code of each kind of lot, and its close of the day before."""
ACTIONS = 14
NAMES = ("order", "order", "order_target", "order_target", "order_value", "order_target_value")


class RandomDays:
    """Plays them; everything follows from `seed`."""

    def __init__(self, house: House, jq: Joined, seed: int) -> None:
        self.house = house
        self.jq = jq
        self._random = random.Random(seed)

    async def play(self) -> None:
        """Both days; in the end nothing is under way."""
        for morning in (False, True):
            if morning:
                await self.jq.next_morning()
                await self.house.morning()
                self._move()
                await self._act()  # before the open
                await self.jq.to("09:31")
            for _ in range(ACTIONS):
                self._move()
                await self._act()
                await self.jq.minutes(self._random.choice((0, 1, 1, 2)))
                await self.house.sweep()
            await self.jq.to("14:58")
            await self.house.sweep()
            await self.jq.to("15:31")
            await self.house.sweep()
        await self.house.until(over, timeout_s=30)

    def _move(self) -> None:
        """Prices go somewhere, for both; JoinQuant's bar may trade little, and so may the exchange's book."""
        rng, platform = self._random, self.jq.platform
        for code, close in CODES.items():
            places = 3 if code.startswith("51") else 2
            price = round(close * rng.uniform(0.97, 1.03), places)
            platform.prices[code] = price
            platform.engine.volumes.pop(code, None)
            if rng.random() < 0.3:
                platform.engine.volumes[code] = rng.randrange(1, 8) * 100
            depth = rng.choice((1_000_000, 1_000_000, 300))
            self.house.market(code, last=f"{price:.{places}f}", prev_close=f"{close:.{places}f}", depth=depth)

    async def _act(self) -> None:
        rng, platform = self._random, self.jq.platform
        code = rng.choice(list(CODES))
        price = platform.prices[code]
        alive = [one for one in platform.orders.values() if one.status in {OrderStatus.open, OrderStatus.filled}]
        if alive and rng.random() < 0.2:
            await self.jq.run("call", "cancel_order", rng.choice(alive))
            return
        name = rng.choice(NAMES)
        amount: Any = rng.choice((0, 200, 300, 500, 1000, 1200, 2000))
        if name.endswith("value"):
            amount = int(amount * price)
        elif name == "order" and self.jq.held(code) and rng.random() < 0.5:
            amount = -min(amount, self.jq.held(code))
        style = None
        if rng.random() < 0.4:
            style = LimitOrderStyle(round(price * rng.uniform(0.98, 1.02), 2))
        elif name == "order" and amount < 0 and rng.random() < 0.2:
            style = StopMarketOrderStyle("stop_loss", round(price * 0.985, 2))
        if rng.random() < 0.1:
            platform.engine.rejects[code] = rng.choice((0, 100))
        await self.jq.run("call", name, code, amount, style)


def over(tx: Tx) -> bool:
    """Whether nothing is under way but what waits for another day."""
    waits = {WaitingFor.SESSION, WaitingFor.NEXT_DAY}
    return not tx.signals.received() and all(order.waiting_for in waits for order in tx.orders.open())


def accounted(tx: Tx, account: str, code: str, ratio: Decimal, held: int) -> tuple[Decimal, Decimal]:
    """By how much the book is off, and how much of that is recorded, a lot included."""
    security = parse_security(code)
    book = tx.books.get(account, "demo", security.symbol)
    recorded = Decimal(lot_rule(security, tx.orders.list()[0].day).minimum)
    orders = [o for o in tx.orders.list(account=account, limit=10_000) if o.security == security.symbol]
    for order in orders:
        difference = tx.elsewhere.difference(order.signal_id, account)
        if difference is not None and difference.shares is not None:
            recorded += abs(difference.shares)
        elif order.state is not OrderState.FILLED:
            recorded += order.volume - order.filled if order.sized else ratio * order.terms.amount
        if order.closes and order.state is OrderState.FILLED:
            recorded += 0
    for signal in tx.signals.list(strategy="demo", limit=10_000):
        told = signal.order
        if signal.state is SignalState.RECORDED and told is not None and told.symbol == security.symbol:
            recorded += ratio * told.filled if signal.reason != "not_traded" else 0
    return abs(ratio * held - book.volume), recorded
