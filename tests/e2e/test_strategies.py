"""Thirteen shapes of strategies, two days each: every order of theirs is followed, and nothing else."""

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from jqfollow.clock import SHANGHAI
from jqfollow.market.securities import parse_security

from .house import House
from .joined import Joined
from .random_days import over
from .strategies import HELPERS, SHAPES

CLOSES = {"000001.XSHE": 10.0, "000002.XSHE": 12.0, "600000.XSHG": 8.0, "510300.XSHG": 4.0, "510500.XSHG": 4.02}
DAY = ("09:06", "09:29", "09:31", "09:36", "09:41", "10:01", "10:30", "11:29", "13:01", "14:51", "15:01", "15:31")
WAYS = (
    (1.0, 1.0, 1.0, 1.0, 0.99, 0.985, 0.968, 0.99, 1.0, 1.02, 1.02),
    (1.0, 1.01, 1.02, 1.02, 1.0, 0.978, 0.968, 1.0, 1.015),
)
"""By how much all prices stand away from the close at each step of a day, the last one until its end."""


async def step(house: House, jq: Joined, time: str, number: int, day: int) -> None:
    way = WAYS[day]
    share = way[min(number, len(way) - 1)]
    for place, (code, close) in enumerate(CLOSES.items()):
        price = round(close * (share if (place + day) % 2 == 0 else 2 - share), 3 if code.startswith("51") else 2)
        jq.platform.prices[code] = price
        house.market(code, last=str(price), prev_close=str(close))
    await jq.jump(time)
    await house.sweep()
    await house.until(lambda tx: over(tx) or all(o.limit_price for o in tx.orders.open()))


QUICK = {"sub_portfolios", "grid"}


@pytest.mark.parametrize(
    "shape", [pytest.param(shape, marks=() if shape in QUICK else pytest.mark.slow) for shape in SHAPES]
)
async def test_each_order_is_followed_and_nothing_else(tmp_path: Path, shape: str) -> None:
    start = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)
    accounts = {"paper": {"hours": "exchange", "cash": 10_000_000}}
    async with House(tmp_path, accounts=accounts, start=start) as house:
        async with Joined(house, SHAPES[shape], helpers=dict(HELPERS)) as jq:
            for day in range(2):
                for number, time in enumerate(DAY):
                    await step(house, jq, time, number, day)
                if day == 0:
                    await jq.next_morning()
                    if shape == "code_changed":
                        await asyncio.to_thread(jq.platform.change_code, SHAPES[shape])
            there = {parse_security(code).symbol: jq.held_everywhere(code) for code in CLOSES}
            traded = [one for one in jq.platform.orders.values() if one.filled]
        books = await house.ledger.read(lambda tx: {b.security: b.volume for b in tx.books.list(account="paper")})
        orders = await house.ledger.read(lambda tx: tx.orders.list())
        assert books == {symbol: amount for symbol, amount in there.items() if amount}
        assert sum(one.amount for one in traded) == sum(order.filled for order in orders)
        assert len(traded) >= 2
        assert [text for text in jq.warnings if "jqfollow" in text] == []
