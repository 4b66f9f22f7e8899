"""Three days, 200 signals: three strategies on two accounts at three ratios; what comes out is ratio x position."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from jqfollow.domain import BrokerEvent, OrderState, Placed, PlaceRequest
from jqfollow.execution.accounts import Account
from jqfollow.execution.brokers.paper.broker import PaperBroker
from jqfollow.execution.desk import Desk
from jqfollow.ledger.tx import Tx
from jqfollow.market.securities import parse_security
from jqfollow.reasons import Reason

from .house import MONDAY, House

# JoinQuant's code: (lot, step, price, sold on the day it was bought)
MARKET = {
    "600519.XSHG": (100, 100, "12.30", False),
    "000001.XSHE": (100, 100, "10.52", False),
    "300750.XSHE": (100, 100, "21.00", False),
    "688001.XSHG": (200, 1, "31.50", False),
    "688981.XSHG": (200, 1, "47.10", False),
    "920001.XBSE": (100, 1, "15.20", False),
    "510300.XSHG": (100, 100, "4.012", False),
    "511880.XSHG": (100, 100, "100.005", True),
    "113001.XSHG": (10, 10, "118.250", True),
    "123001.XSHE": (10, 10, "131.400", True),
}
COMMON = ["600519.XSHG", "000001.XSHE", "510300.XSHG", "113001.XSHG"]
TRADED = {
    "甲": [*COMMON, "688001.XSHG", "300750.XSHE"],
    "乙": [*COMMON, "920001.XBSE", "511880.XSHG"],
    "丙": [*COMMON, "688981.XSHG", "123001.XSHE"],
}
RATIOS = {
    "jia": {"a": 1.0, "b": 0.5},
    "yi": {"a": 0.37, "b": 1.0},
    "bing": {"a": 0.5, "b": 0.37},
}
NAMES = dict(zip(RATIOS, TRADED, strict=True))
Trouble = Callable[[House, random.Random], AbstractAsyncContextManager[None]]
DAYS = [MONDAY.date() - timedelta(days=4), MONDAY.date() - timedelta(days=3), MONDAY.date()]


class Strategy:
    """What JoinQuant lets a strategy do, at random."""

    def __init__(self, name: str, dice: random.Random) -> None:
        self.name = name
        self.codes = TRADED[NAMES[name]]
        self.dice = dice
        self.held = dict.fromkeys(self.codes, 0)
        self.closeable = dict.fromkeys(self.codes, 0)

    def next_order(self) -> tuple[str, str, int]:
        code = self.dice.choice(self.codes)
        lot, step, _, same_day = MARKET[code]
        free = self.held[code] if same_day else self.closeable[code]
        if free and self.dice.random() < 0.45:
            amount = free if self.dice.random() < 0.25 else self.sellable(free, lot, step)
            return self.traded(code, "sell", amount)
        amount = lot + step * self.dice.randrange(0, 9 * lot // step)
        return self.traded(code, "buy", amount)

    def sellable(self, free: int, lot: int, step: int) -> int:
        if free <= lot:
            return free
        amount = self.dice.randrange(lot, free + 1)
        return amount - (amount - lot) % step

    def traded(self, code: str, side: str, amount: int) -> tuple[str, str, int]:
        sign = 1 if side == "buy" else -1
        self.held[code] += sign * amount
        if sign < 0:
            self.closeable[code] -= amount
        return code, side, amount

    def next_day(self) -> None:
        self.closeable = dict(self.held)


async def books(house: House, strategies: list[Strategy]) -> list[tuple[str, str, str, Decimal, int]]:
    """(account, strategy, code, ratio x position, book) of everything."""
    found = []
    for strategy in strategies:
        for code in strategy.codes:
            for account, ratio in RATIOS[strategy.name].items():
                book = await house.book(code, strategy=strategy.name, account=account)
                found.append((account, strategy.name, code, Decimal(str(ratio)) * strategy.held[code], book.volume))
    return found


async def send(house: House, strategy: Strategy, order: tuple[str, str, int], day: date) -> int:
    code, side, amount = order
    return await house.send(
        strategy.name, code, side, amount, price=MARKET[code][2], position_after=strategy.held[code], day=day
    )


@pytest.mark.parametrize("seed", [20260302])
async def test_every_book_follows_its_strategy_and_ends_empty(tmp_path: Path, seed: int) -> None:
    await play(tmp_path, random.Random(seed))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
async def test_orders_that_pass_each_other_bring_every_book_to_the_same_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Accounts that come and go, pushes and answers that come late: an order waits, and later ones of its book pass."""
    dice = random.Random(seed)
    hear, place = Desk.hear, PaperBroker.place

    async def hear_late(desk: Desk, account: Account, events: Sequence[BrokerEvent]) -> None:
        await asyncio.sleep(dice.choice([0, 0, 0, 0.01, 0.1, 0.5, 1.2]))
        await hear(desk, account, events)

    def place_slowly(broker: PaperBroker, request: PlaceRequest) -> Placed:
        time.sleep(dice.choice([0, 0, 0, 0.01, 0.05, 0.3]))
        placed = place(broker, request)
        time.sleep(dice.choice([0, 0, 0, 0.01, 0.05, 0.3]))
        return placed

    monkeypatch.setattr(Desk, "hear", hear_late)
    if seed % 2:
        monkeypatch.setattr(PaperBroker, "place", place_slowly)
    await play(tmp_path, dice, comes_and_goes)


@asynccontextmanager
async def comes_and_goes(house: House, dice: random.Random) -> AsyncIterator[None]:
    """The accounts are down now and then."""
    accounts = list(house.service.parts.accounts.values())

    async def flap() -> None:
        while True:
            await asyncio.sleep(dice.random() * 0.8)
            account = dice.choice(accounts)
            account.set_down("测试", "the test")
            await asyncio.sleep(dice.random() * 0.2)
            account.set_ready()

    flapping = asyncio.create_task(flap())
    yield
    flapping.cancel()
    with suppress(asyncio.CancelledError):
        await flapping
    for account in accounts:
        account.set_ready()


@asynccontextmanager
async def nothing(_house: House, _dice: random.Random) -> AsyncIterator[None]:
    """A quiet day."""
    yield


async def play(folder: Path, dice: random.Random, trouble: Trouble = nothing) -> None:
    """Two days of orders with `trouble` while they are sent, and one on which all is sold."""
    strategies = [Strategy(name, dice) for name in RATIOS]
    async with House(
        folder,
        accounts={"a": {"cash": 100_000_000}, "b": {"cash": 100_000_000}},
        strategies={name: {"follow": follow} for name, follow in RATIOS.items()},
        execution={"force_after": 1},
        risk={"max_daily_orders": 10_000},
    ) as house:
        for code, (_, _, price, _) in MARKET.items():
            house.market(code, last=price)
        await play_day(house, strategies, DAYS[0], signals=95, dice=dice, trouble=trouble)
        await play_day(house, strategies, DAYS[1], signals=90, dice=dice, trouble=trouble)
        assert sum(held for *_, held in await books(house, strategies)) > 10_000
        await sell_out(house, strategies, DAYS[2])
        assert [row for row in await books(house, strategies) if row[-1]] == []
        for broker in house.brokers.values():
            assert broker.positions() == []
        signals, refused = await house.ledger.read(lambda tx: (len(tx.signals.list(limit=1000)), refusals(tx)))
        assert signals >= 200
        assert refused <= {Reason.BELOW_LOT, Reason.NOTHING_TO_SELL, Reason.NOT_SELLABLE_TODAY, Reason.CLOSED_OUT}, (
            refused
        )


async def play_day(
    house: House, strategies: list[Strategy], day: date, *, signals: int, dice: random.Random, trouble: Trouble
) -> None:
    """So many orders at random; in the end no book is a lot away."""
    for strategy in strategies:
        strategy.next_day()
    async with trouble(house, dice):
        for _ in range(signals):
            strategy = dice.choice(strategies)
            await send(house, strategy, strategy.next_order(), day)
    await house.settled(timeout_s=60)
    for account, name, code, wanted, held in await books(house, strategies):
        off = (day, account, name, code, wanted, held)
        assert abs(wanted - held) < MARKET[code][0], f"{off}\n{await story(house, account, name, code)}"


async def story(house: House, account: str, strategy: str, code: str) -> str:
    """What became of each order of one book, and what is carried."""
    symbol = parse_security(code).symbol
    orders = await house.ledger.read(lambda tx: tx.orders.of_book(account, strategy, symbol))
    lines = [
        f"{o.updated_at:%H:%M:%S.%f} #{o.order_id} {o.side} {o.terms.amount}{' closes' if o.closes else ''}:"
        f" {o.filled}/{o.volume if o.sized else '?'} {o.reason or ''}"
        for o in orders
    ]
    return "\n".join([*lines, str(await house.book(code, strategy=strategy, account=account))])


async def sell_out(house: House, strategies: list[Strategy], day: date) -> None:
    """On another day, so that nothing of it was bought today."""
    for strategy in strategies:
        strategy.next_day()
        for code in strategy.codes:
            if strategy.held[code]:
                await send(house, strategy, strategy.traded(code, "sell", strategy.held[code]), day)
    await house.settled(timeout_s=60)


def refusals(tx: Tx) -> set[Reason | None]:
    return {order.reason for order in tx.orders.list(limit=10_000) if order.state is not OrderState.FILLED}
