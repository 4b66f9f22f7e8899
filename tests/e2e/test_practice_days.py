"""The days of a practice exchange that never closes: they follow the newest JoinQuant day among the signals."""

import asyncio
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from jqfollow.domain import BrokerError, OrderState
from jqfollow.reasons import Reason

from .house import MONDAY, House

CODE = "000001.XSHE"
TODAY = MONDAY.date()
TOMORROW = TODAY + timedelta(days=1)


async def test_a_backtest_of_two_days_buys_on_the_first_and_sells_on_the_second(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        past = date(2025, 6, 3)
        bought = await house.send("demo", CODE, "buy", 1000, price="9.00", day=past, run="simple_backtest")
        sold = await house.send(
            "demo", CODE, "sell", 1000, price="9.10", day=past + timedelta(days=1), run="simple_backtest"
        )
        [buy, sell] = await house.done(bought, sold)
        assert (buy.state, buy.day, sell.state, sell.day) == ("filled", past, "filled", past + timedelta(days=1))
        assert (await house.book(CODE)).volume == 0


async def test_what_was_bought_today_is_sold_tomorrow_only(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        await house.done(await house.send("demo", CODE, "buy", 1000, price="10.00"))
        [today] = await house.done(await house.send("demo", CODE, "sell", 400, price="10.00"))
        assert (today.state, today.reason) == (OrderState.REJECTED, Reason.NOT_SELLABLE_TODAY)
        [tomorrow] = await house.done(await house.send("demo", CODE, "sell", 500, price="10.00", day=TOMORROW))
        assert (tomorrow.state, tomorrow.filled) == (OrderState.FILLED, 500)


async def test_a_limit_order_ends_with_its_day(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE, last="10.00")
        resting = await house.send("demo", CODE, "buy", 1000, limit="9.50")
        order = await house.in_state(resting, OrderState.NEW)
        later = await house.send("demo", "510300.XSHG", "buy", 100, price="4.00", day=TOMORROW)
        await house.until(lambda tx: tx.orders.of_signal(later))
        await house.sweep(after_s=11)  # a practice day waits ten seconds for its open orders
        [order, _] = await house.done(resting, later)
        assert (order.state, order.reason, order.filled) == (OrderState.EXPIRED, Reason.DAY_OVER, 0)


async def test_what_comes_while_a_day_begins_is_judged_by_its_own_price(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        account = house.service.parts.accounts["paper"]
        told, second = account.observe, asyncio.Event()

        async def begin_the_day(*asked: Any) -> Any:
            began = await told(*asked)
            if not second.is_set():
                second.set()
                signals.append(await house.send("demo", "600001.XSHG", "buy", 100, price="10.00", day=TOMORROW))
                await house.until(lambda tx: tx.orders.of_signal(signals[-1]))
            return began

        account.observe = begin_the_day  # type: ignore[method-assign]
        signals: list[int] = []
        signals.append(await house.send("demo", "600000.XSHG", "buy", 100, price="10.00", day=TOMORROW))
        await second.wait()
        await house.settled()
        orders = await house.done(*signals)
        assert [order.filled for order in orders] == [100, 100]


async def test_a_day_that_begins_counts_though_the_exchange_answers_nothing_more(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE, last="10.00")
        await house.done(await house.send("demo", CODE, "buy", 1000, price="10.00"))
        house.faults["paper"].fail("asset", BrokerError("nothing"))
        [order] = await house.done(await house.send("demo", CODE, "sell", 500, price="10.00", day=TOMORROW))
        [attempt] = await house.attempts(order)
        assert (order.state, order.filled, attempt.day) == (OrderState.FILLED, 500, TOMORROW)
