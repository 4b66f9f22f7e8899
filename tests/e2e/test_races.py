"""Two things at once: what a person or the strategy takes back while it is on its way, and one slow account."""

import asyncio
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import pytest

from jqfollow.domain import BrokerDownError, BrokerError, OrderState, WaitingFor
from jqfollow.execution import supervisor
from jqfollow.execution.brokers.port import BrokerTraits
from jqfollow.reasons import Reason

from .house import House, arrived

CODE = "000001.XSHE"
DOUBTFUL = {"paper": BrokerTraits(real=False, absence_is_proof=False, always_open=True)}


def reports(house: House) -> list[str]:
    return [str(report.state) for report in house.brokers["paper"].orders()]


async def test_what_is_cancelled_while_it_is_being_judged_is_not_placed(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE)
        gate = house.faults["paper"].hang("quote")
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        order = await house.in_state(signal_id, OrderState.PENDING_NEW)
        await arrived(gate)
        assert (await house.console("POST", f"/api/orders/{order.order_id}/cancel")).status_code == 200
        gate.release()
        [order] = await house.done(signal_id)
        assert order.reason is Reason.CANCELED_BY_USER
        [after] = await house.done(await house.send("demo", "600000.XSHG", "buy", 100, price="10.00"))
        assert after.filled == 100
        assert reports(house) == ["filled"]
        assert await house.attempts(order) == []
        assert (await house.get("/api/status"))["notices"] == []


async def test_what_waits_for_an_unknown_outcome_asks_the_broker_nothing_and_can_be_cancelled(tmp_path: Path) -> None:
    async with House(tmp_path, traits=DOUBTFUL) as house:
        house.market(CODE)
        house.faults["paper"].fail("place", BrokerError("没有答复"))
        await house.send("demo", CODE, "buy", 1000, price="10.00")
        await house.until(lambda tx: tx.attempts.unknown("paper"))
        asked = house.brokers["paper"].quote
        house.brokers["paper"].quote = None  # type: ignore[assignment,method-assign]
        signal_id = await house.send("demo", CODE, "buy", 500, price="10.00")
        [order] = await house.until(lambda tx: [o for o in tx.orders.of_signal(signal_id) if o.waiting])
        await house.sweep(after_s=5)
        assert (order.waiting_for, house.service.parts.follower.failures) == (WaitingFor.UNKNOWN, 0)
        assert (await house.console("POST", f"/api/orders/{order.order_id}/cancel")).status_code == 200
        [order] = await house.done(signal_id)
        house.brokers["paper"].quote = asked  # type: ignore[method-assign]
        assert (order.reason, order.waiting_for) == (Reason.CANCELED_BY_USER, None)
        [other] = await house.done(await house.send("demo", "600000.XSHG", "buy", 100, price="10.00"))
        assert other.filled == 100
        assert (await house.ledger.read(lambda tx: tx.orders.get(order.order_id))) == order


async def test_what_is_paused_while_it_is_being_judged_is_not_placed(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE)
        gate = house.faults["paper"].hang("quote")
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        await house.in_state(signal_id, OrderState.PENDING_NEW)
        await arrived(gate)
        assert (await house.console("POST", "/api/pause", json={})).status_code == 200
        gate.release()
        await house.sweep(after_s=1)
        [order] = await house.done(signal_id)
        assert (order.reason, order.filled) == (Reason.PAUSED, 0)


async def test_what_is_cancelled_while_it_is_being_placed_is_cancelled_at_the_broker(tmp_path: Path) -> None:
    async with House(tmp_path, execution={"price": "own"}) as house:
        house.market(CODE)
        gate = house.faults["paper"].hang("place", after=True)
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        order = await house.until(lambda tx: tx.orders.get(1) if tx.attempts.live("paper") else None)
        await arrived(gate)
        assert (await house.console("POST", f"/api/orders/{order.order_id}/cancel")).status_code == 200
        gate.release()
        await house.until(lambda tx: tx.attempts.of_order(order.order_id)[0].broker_order_id)
        await house.sweep()
        [order] = await house.done(signal_id)
        assert (order.state, order.reason) == (OrderState.CANCELED, Reason.CANCELED_BY_USER)
        assert reports(house) == ["canceled"]


class CountedEvent(asyncio.Event):
    """Raises when it is waited for again and again without a pause."""

    waits = 0

    async def wait(self) -> Literal[True]:
        self.waits += 1
        assert self.waits < 100, "the lane spins"
        return await super().wait()


async def test_a_lane_that_is_woken_while_the_service_stops_rests(tmp_path: Path) -> None:
    """It takes no further round, and holds up nothing: else the loop never comes to the end of the stop."""
    async with House(tmp_path) as house:
        [account] = house.service.parts.accounts.values()
        account.wake, before = CountedEvent(), account.wake
        before.set()  # the lane goes on to wait for the other one
        await house.service.parts.follower.finish(1)
        account.wake.set()
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in house.service._tasks)


async def test_the_strategys_cancel_meets_an_order_that_waits_for_the_session(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE)
        gate = house.faults["paper"].hang("quote")
        signal_id = await house.send("demo", CODE, "buy", 1000, limit="9.90", order_id="5")
        await arrived(gate)
        canceled = await house.send("demo", CODE, "buy", 1000, limit="9.90", order_id="5", status="canceled")
        await house.signal(canceled)
        gate.release()
        [order] = await house.done(signal_id)
        assert order.reason is Reason.CANCELED_BY_STRATEGY
        await house.done(await house.send("demo", "600000.XSHG", "buy", 100, price="10.00"))
        assert reports(house) == ["filled"]


async def test_one_slow_account_holds_up_no_other(tmp_path: Path) -> None:
    async with House(tmp_path, accounts={"slow": {}, "fast": {}}) as house:
        house.market(CODE)
        gate = house.faults["slow"].hang("place")
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        order = await house.in_state(signal_id, OrderState.FILLED)
        assert order.account == "fast"
        gate.release()
        assert {o.filled for o in await house.done(signal_id)} == {1000}


async def test_an_account_that_cannot_connect_stops_neither_the_start_nor_the_signals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.1,))
    real = {"a": BrokerTraits(real=True, absence_is_proof=False, always_open=True)}
    async with House(tmp_path, accounts={"a": {}, "b": {}}, traits=real) as house:
        await house.stop()
        house.faults["a"].fail("connect", BrokerDownError("MiniQMT 没有启动"), times=3)
        await house.start()
        hello = '{"kind":"hello","run":"sim_trade","made_at":1772000000000}'
        told = (await house.deliver("demo", hello)).json()["accounts"]
        assert [(a["account"], a["can_trade"]) for a in told] == [("a", False), ("b", True)]
        assert "MiniQMT" in told[0]["why"]
        house.market(CODE, account="b")
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        assert {o.filled for o in await house.done(signal_id)} == {1000}  # `a` within the signal's age


async def test_a_pause_between_two_attempts_keeps_what_was_filled(tmp_path: Path) -> None:
    async with House(tmp_path, pulse_s=None) as house:
        house.market(CODE, depth=300)
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        await house.in_state(signal_id, OrderState.PARTIALLY_FILLED)
        await house.console("POST", "/api/pause", json={"account": "paper"})
        await house.sweep(after_s=31)
        [order] = await house.done(signal_id)
        assert (order.state, order.reason, order.filled) == (OrderState.CANCELED, Reason.PAUSED, 300)
        assert (await house.book(CODE)).volume == 300


async def test_a_backtest_of_ten_days_is_followed_in_seconds(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        day, signals = date(2025, 6, 2), []
        for number in range(10):
            price = f"{10 + number * 0.2:.2f}"
            side = "sell" if number % 2 else "buy"
            signals.append(await house.send("demo", CODE, side, 1000, price=price, day=day, run="simple_backtest"))
            day += timedelta(days=1)
        orders = await house.done(*signals)
        assert [(o.state, o.filled) for o in orders] == [(OrderState.FILLED, 1000)] * 10
        assert (await house.book(CODE)).volume == 0


async def test_a_resting_order_ends_overnight_and_is_not_taken_up_again(tmp_path: Path) -> None:
    async with House(tmp_path, accounts={"paper": {"hours": "exchange"}}) as house:
        house.market(CODE)
        resting = await house.send("demo", CODE, "buy", 1000, limit="9.90")
        await house.in_state(resting, OrderState.NEW)
        await house.stop()
        house.forward(86_400)
        await house.start()
        [order] = await house.done(resting)
        assert (order.state, order.reason) == (OrderState.EXPIRED, Reason.DAY_OVER)
        house.market(CODE, last="9.50")
        await house.sweep()
        assert (await house.book(CODE)).volume == 0
