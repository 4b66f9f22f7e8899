"""Random days of two strategies on the same securities: refusals, parts, lost messages, restarts, sales by hand."""

import asyncio
import random
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jqfollow.domain import HoldingsPart, StrategyHolding, WaitingFor
from jqfollow.drift.reading import COUNTER_LAGS, drifts
from jqfollow.ledger.tx import Tx
from jqfollow.market.securities import parse_security

from .house import House

CODES = ("000001.XSHE", "688981.XSHG", "510300.XSHG")
RATIO = {"demo": "0.35", "other": "1"}


class Days:
    """What the strategies hold in truth, and what happens to their messages."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.random = random.Random(seed)
        self.held: dict[tuple[str, str], int] = {}
        self.reports = 0

    async def order(self) -> None:
        """A buy or a sell of a strategy: followed, refused at the limit, filled in part, or never told."""
        strategy, code = self.random.choice(list(RATIO)), self.random.choice(CODES)
        held = self.held.get((strategy, code), 0)
        sells = held > 0 and self.random.random() < 0.5
        amount = self.random.choice([held, held // 2 or held]) if sells else self.random.randrange(100, 4000, 100)
        after = held - amount if sells else held + amount
        self.held[strategy, code] = after
        if self.random.random() < 0.15:
            await self.lose(strategy)
            return
        limit_up = not sells and self.random.random() < 0.3
        depth = self.random.choice([100, 700, 1_000_000])
        if limit_up:
            self.house.market(code, "11.00", prev_close="10.00")
        else:
            self.house.market(code, "10.50", prev_close="10.00", depth=depth)
        price = "11.00" if limit_up else "10.50"
        side: Any = "sell" if sells else "buy"
        await self.house.send(strategy, code, side, amount, price=price, position_after=after)
        await self.house.until(lambda tx: all(o.sized or o.waiting for o in tx.orders.open()))
        for _ in range(60):  # what T+1 keeps waits for the next day
            if not await self.house.ledger.read(_under_way):
                return
            await self.house.sweep(31)
            await asyncio.sleep(0.02)

    async def lose(self, strategy: str) -> None:
        """A message that never came: its number is missing among those of its process."""
        now = self.house.clock.now()
        await self.house.ledger.write(lambda tx: tx.processes.note_lost(strategy, now))

    async def hand(self) -> None:
        """Somebody sells some of what the account holds, at the broker."""
        symbol = parse_security(self.random.choice(CODES)).symbol
        broker = self.house.brokers["paper"]
        position = next((p for p in broker.positions() if p.symbol == symbol and p.volume > 300), None)
        if position is not None:
            self.house.forward(COUNTER_LAGS.seconds + 1)
            broker.set_holding(symbol, position.volume - 100, cost=Decimal(1000))

    async def restart(self) -> None:
        await self.house.restart()

    async def check(self) -> None:
        """Each strategy tells what it holds; the causes add up, the targets are its own, nothing is unexplained."""
        self.house.forward(COUNTER_LAGS.seconds + 1)
        account = self.house.service.parts.accounts["paper"]
        await self.house.service.parts.sweeps.take_picture(account, self.house.clock.now())
        for strategy in RATIO:
            now = self.house.clock.now()
            self.reports += 1
            holdings = {
                parse_security(code).symbol: StrategyHolding(held=n, closeable=n)
                for (name, code), n in self.held.items() if name == strategy and n
            }  # fmt: skip
            part = HoldingsPart(report=f"r{self.reports}", part=1, parts=1, day=now.date(), when="close", cash=None,
                                total_value=None, holdings=holdings)  # fmt: skip
            await self.house.ledger.write(partial(_told, strategy=strategy, part=part, at=now))
        memo, settings = self.house.service.parts.drift, self.house.settings
        assert await self.house.ledger.read(memo.read) == await self.house.ledger.read(lambda tx: drifts(tx, settings))
        for row in await self.house.get("/api/drift?every=true"):
            assert sum(Decimal(c["shares"]) for c in row["causes"]) == Decimal(row["drift"]), row
            code = parse_security(row["security"]).joinquant
            wanted = Decimal(RATIO[row["strategy"]]) * self.held.get((row["strategy"], code), 0)
            assert Decimal(row["target"]) == wanted, row
            assert not any(c["cause"] == "unexplained" for c in row["causes"]), row


def _under_way(tx: Tx) -> bool:
    return any(order.waiting_for is not WaitingFor.NEXT_DAY for order in tx.orders.open())


def _told(tx: Tx, strategy: str, part: HoldingsPart, at: datetime) -> None:
    tx.reports.add(strategy, part, at)


async def play(house: House, seed: int, steps: int) -> None:
    days = Days(house, seed)
    await days.check()
    for _ in range(steps):
        happens = days.random.choices([days.order, days.hand, days.restart, days.check], [10, 1, 0.5, 2])[0]
        await happens()
        house.forward(1)
    await days.check()


def a_house(folder: Path) -> House:
    strategies = {name: {"follow": {"paper": float(ratio)}, "start": "match"} for name, ratio in RATIO.items()}
    return House(folder, strategies=strategies, execution={"max_attempts": 2})


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
async def test_many_days(tmp_path: Path, seed: int) -> None:
    async with a_house(tmp_path) as house:
        await play(house, seed, 60)
