"""The machine's clock is set while the service runs: what counts seconds goes on, and people are told."""

import asyncio
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import apscheduler.schedulers.base
import apscheduler.triggers.interval
import pytest

from jqfollow.clock import SHANGHAI, SystemClock
from jqfollow.clock_steps import ClockSteps
from jqfollow.domain import OrderState, WaitingFor
from jqfollow.schedule import Schedule

from .house import House

CODE = "000001.XSHE"
STEPS = (-1, 1, -60, 60, -3600, 3600, -86_400)
"""A day ahead ends what stands: the exchange's day is over."""


async def looked(house: House) -> None:
    """Until the service has seen the step."""
    steps = ClockSteps(house.clock, house.ledger, accounts=("paper",), set_along=lambda: None)
    await asyncio.sleep(1.2)
    await steps.look()


QUICK = {-3600, 60}


@pytest.mark.parametrize("step", [pytest.param(s, marks=() if s in QUICK else pytest.mark.slow) for s in STEPS])
async def test_an_order_stands_as_long_as_before(tmp_path: Path, step: int) -> None:
    async with House(tmp_path, execution={"price": "own", "cancel_after_s": 120}) as house:
        house.market(CODE)
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        order = await house.in_state(signal_id, OrderState.NEW)
        house.clock.set(step)
        await looked(house)
        await house.sweep(after_s=70)  # a step of 60 that is counted ends it; 50 that a busy machine takes do not
        assert [a.cancels for a in await house.attempts(order)] == [0]
        await house.sweep(after_s=60)
        await house.until(lambda tx: len(tx.attempts.of_order(order.order_id)) == 2)


@pytest.mark.parametrize("step", [-3600, 3600])
async def test_a_buy_waits_for_money_as_long_as_before(tmp_path: Path, step: int) -> None:
    accounts = {"paper": {"cash": 20_000}}
    async with House(tmp_path, accounts=accounts, execution={"cash_wait_s": 240}) as house:
        house.market(CODE)
        await house.done(await house.send("demo", CODE, "buy", 1000, price="10.00"))
        house.forward(86_400)
        sold = await house.send("demo", CODE, "sell", 100, price="10.00")
        await house.done(sold)
        bought = await house.send("demo", CODE, "buy", 5000, price="10.00")
        await house.until(lambda tx: [o for o in tx.orders.of_signal(bought) if o.waiting_for is WaitingFor.CASH])
        house.clock.set(step)
        await looked(house)
        await house.sweep(after_s=120)
        [order] = await house.ledger.read(lambda tx: tx.orders.of_signal(bought))
        assert order.waiting_for is WaitingFor.CASH
        await house.sweep(after_s=130)
        await house.done(bought)


async def test_people_are_told_of_a_step_that_matters_once(tmp_path: Path) -> None:
    async with House(tmp_path, wecom=True) as house:
        house.clock.set(-3600)
        text = await house.told("本机时钟被调慢了 1 小时 0 分")
        assert "立即同步" in text
        house.clock.set(1)
        await looked(house)
        rows = await house.ledger.read(lambda tx: [o for o in tx.outbox.list() if "本机时钟" in o.text])
        assert len(rows) == 1


async def test_no_step_moves_a_session(tmp_path: Path) -> None:
    start = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)
    async with House(tmp_path, accounts={"paper": {"hours": "exchange"}}, start=start) as house:
        signal_id = await house.send("demo", CODE, "buy", 100, status="new", filled=0)
        order = await house.until(lambda tx: next(iter(tx.orders.of_signal(signal_id)), None))
        house.clock.set(600)
        await looked(house)
        [after] = await house.ledger.read(lambda tx: tx.orders.of_signal(signal_id))
        assert after.wait_until == order.wait_until


async def test_the_schedule_goes_on_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler reads the machine's own clock."""
    ahead = timedelta(0)

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + ahead

    for module in (apscheduler.schedulers.base, apscheduler.triggers.interval):
        monkeypatch.setattr(module, "datetime", Wrong)
    turns: list[datetime] = []

    async def work(now: datetime) -> None:
        turns.append(now)

    schedule = Schedule(SystemClock())
    schedule.every(1, work, "work")
    schedule.at(time(16), work, "daily")
    schedule.start()
    try:
        while not turns:  # noqa: ASYNC110  # the scheduler has no event
            await asyncio.sleep(0.05)
        for ahead in (timedelta(days=-1), timedelta(hours=1)):  # noqa: B007
            schedule.clock_was_set()
            before = len(turns)
            while len(turns) < before + 1:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        schedule.stop()
