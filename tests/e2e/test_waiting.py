"""What waits, and for what: the session, cash from sells, the opposite side; and what goes first."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from jqfollow.clock import SHANGHAI
from jqfollow.domain import BrokerDownError, OrderState, WaitingFor
from jqfollow.reasons import Reason

from .house import House, arrived

CODE = "000001.XSHE"
OTHER = "600000.XSHG"
BOND = "113001.XSHG"
EXCHANGE = {"paper": {"hours": "exchange", "cash": 10_000_000}}


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 3, 2, hour, minute, second, tzinfo=SHANGHAI)


async def test_an_order_before_the_session_is_held_until_it_begins(tmp_path: Path) -> None:
    async with House(tmp_path, accounts=EXCHANGE, risk={"outside_hours": "hold"}, start=at(9, 10), wecom=True) as house:
        house.market(CODE)
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        order = await house.until(
            lambda tx: next((o for o in tx.orders.of_signal(signal_id) if o.waiting_for is WaitingFor.SESSION), None)
        )
        assert order.wait_until == at(9, 30)
        await house.told("⏳ 等待", "09:30:00")
        await house.sweep(after_s=15 * 60)
        assert (await house.ledger.read(lambda tx: tx.orders.get(order.order_id))).state is OrderState.PENDING_NEW
        await house.sweep(after_s=6 * 60)
        [order] = await house.done(signal_id)
        assert (order.state, order.filled) == (OrderState.FILLED, 1000)


async def test_an_order_held_over_lunch_goes_out_at_one(tmp_path: Path) -> None:
    async with House(tmp_path, accounts=EXCHANGE, risk={"outside_hours": "hold"}, start=at(11, 40)) as house:
        house.market(CODE)
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        order = await house.until(lambda tx: next((o for o in tx.orders.of_signal(signal_id) if o.wait_until), None))
        assert order.wait_until == at(13, 0)
        await house.restart()
        await house.sweep(after_s=81 * 60)
        [order] = await house.done(signal_id)
        assert order.filled == 1000


async def test_after_the_close_nothing_is_held(tmp_path: Path) -> None:
    async with House(tmp_path, accounts=EXCHANGE, risk={"outside_hours": "hold"}, start=at(15, 1)) as house:
        [order] = await house.done(await house.send("demo", CODE, "buy", 1000, price="10.00"))
        assert (order.state, order.reason) == (OrderState.REJECTED, Reason.OUTSIDE_HOURS)


@pytest.mark.parametrize("waited", [False, True], ids=["not looked at yet", "waiting for its account"])
async def test_what_became_late_while_no_program_ran_is_stale_at_the_start(tmp_path: Path, *, waited: bool) -> None:
    async with House(tmp_path) as house:
        house.market(CODE)
        await house.done(await house.send("demo", OTHER, "buy", 1000, price="10.00"))
        faults = house.faults["paper"]
        faults.fail("connect", BrokerDownError("MiniQMT 没有启动"), times=1000)
        gate = None if waited else faults.hang("asset")
        if waited:
            house.brokers["paper"].drop("closed")
            while (await house.console("GET", "/readyz")).status_code == 200:
                pass
        bought = await house.send("demo", CODE, "buy", 1000, price="10.00")
        sold = await house.send("demo", OTHER, "sell", 1000, price="10.00", position_after=0)
        if gate is not None:
            await arrived(gate)
        else:
            await house.until(lambda tx: all(o.waiting_for is WaitingFor.BROKER for o in tx.orders.open()))
        await house.crash()
        house.forward(103)
        await house.start()
        [order] = await house.done(bought)  # before any account is connected
        assert order.reason is Reason.STALE
        assert 103 <= int(order.figures["age_s"]) < 110
        [exit_] = await house.ledger.read(lambda tx: tx.orders.of_signal(sold))
        assert exit_.waiting_for is WaitingFor.BROKER, "an exit grows never stale"
        assert not await house.attempts(exit_)


async def test_a_buy_short_of_cash_waits_for_the_sells_under_way(tmp_path: Path) -> None:
    async with House(tmp_path, accounts={"paper": {"cash": 40_500}}, execution={"price": "own"}) as house:
        house.market(BOND, last="100.000")
        bought = await house.send("demo", BOND, "buy", 400, price="100", limit="100.001")
        await house.done(bought)
        sold = await house.send("demo", BOND, "sell", 400, price="100", position_after=0)
        await house.in_state(sold, OrderState.NEW)
        house.market(CODE)
        signal_id = await house.send("demo", CODE, "buy", 3000, price="10.00")
        order = await house.until(
            lambda tx: next((o for o in tx.orders.of_signal(signal_id) if o.waiting_for is WaitingFor.CASH), None)
        )
        house.market(BOND, last="100.010", prev_close="100.000")
        await house.done(sold)
        await house.sweep(after_s=2)
        order = await house.in_state(signal_id, OrderState.NEW)
        house.market(CODE, last="9.98", prev_close="10.00")
        [order] = await house.done(signal_id)
        assert order.filled == 3000


async def test_a_buy_does_not_wait_for_cash_for_ever(tmp_path: Path) -> None:
    async with House(
        tmp_path, accounts={"paper": {"cash": 40_500}}, execution={"price": "own", "cash_wait_s": 5}
    ) as house:
        house.market(BOND, last="100.000")
        await house.done(await house.send("demo", BOND, "buy", 400, price="100", limit="100.001"))
        sold = await house.send("demo", BOND, "sell", 400, price="100", position_after=0)
        await house.in_state(sold, OrderState.NEW)
        signal_id = await house.send("demo", CODE, "buy", 3000, price="10.00")
        await house.until(lambda tx: [o for o in tx.orders.of_signal(signal_id) if o.waiting_for is WaitingFor.CASH])
        await house.sweep(after_s=6)
        [order] = await house.ledger.read(lambda tx: tx.orders.of_signal(sold))
        assert order.state is OrderState.NEW, "the sell is under way, and so the buy waits"
        await house.console("POST", f"/api/orders/{order.order_id}/cancel")
        await house.done(sold)
        await house.sweep(after_s=2)
        [order] = await house.done(signal_id)
        assert order.reason is Reason.NO_CASH


async def test_sells_go_before_buys_that_arrived_with_them(tmp_path: Path) -> None:
    async with House(tmp_path, accounts={"paper": {"cash": 45_000}}) as house:
        house.market(BOND, last="100.000")
        house.market(CODE)
        await house.done(await house.send("demo", BOND, "buy", 400, price="100"))
        gate = house.faults["paper"].hang("quote")  # the lane is busy while both arrive
        first = await house.send("demo", OTHER, "buy", 100, price="10.00")
        await arrived(gate)
        bought = await house.send("demo", CODE, "buy", 3000, price="10.00")
        sold = await house.send("demo", BOND, "sell", 400, price="100")
        await house.until(lambda tx: len(tx.orders.open()) == 3)
        gate.release()
        await house.done(first, bought, sold)
        day = house.clock.now().date()
        order = await house.ledger.read(lambda tx: [a.security for a in tx.attempts.list(account="paper", day=day)])
        assert order[:4] == ["113001.SH", "600000.SH", "113001.SH", "000001.SZ"]
        assert set(order[4:]) <= {"000001.SZ"}, "what the money at hand did not pay"


async def test_a_pause_refuses_what_is_new_and_lets_go_on_what_is_at_the_broker(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE)
        resting = await house.send("demo", CODE, "buy", 1000, limit="9.90")
        await house.in_state(resting, OrderState.NEW)
        await house.console("POST", "/api/pause", json={})
        [order] = await house.done(await house.send("demo", CODE, "buy", 100, price="10.00"))
        assert (order.state, order.reason) == (OrderState.REJECTED, Reason.PAUSED)
        assert (await house.get("/api/status"))["paused"] is True
        house.market(CODE, last="9.80", prev_close="10.00")
        [order] = await house.done(resting)
        assert (order.state, order.avg_price) == (OrderState.FILLED, Decimal("9.90"))
        await house.console("POST", "/api/resume", json={})
        [order] = await house.done(await house.send("demo", CODE, "buy", 100, price="9.80"))
        assert order.filled == 100


async def test_a_pause_is_of_one_strategy_and_one_account(tmp_path: Path) -> None:
    async with House(
        tmp_path,
        accounts={"a": {}, "b": {}},
        strategies={"x": {"follow": {"a": 1, "b": 1}}, "y": {"follow": {"a": 1}}},
    ) as house:
        house.market(CODE)
        await house.console("POST", "/api/pause", json={"strategy": "x", "account": "a"})
        orders = await house.done(
            await house.send("x", CODE, "buy", 100, price="10.00"), await house.send("y", CODE, "buy", 100, price="10")
        )
        assert [(o.strategy, o.account, o.reason) for o in orders] == [
            ("x", "a", Reason.PAUSED),
            ("x", "b", None),
            ("y", "a", None),
        ]


async def test_selling_out_cancels_the_buys_of_the_same_book_first(tmp_path: Path) -> None:
    """Those that JoinQuant counts as filled."""
    async with House(tmp_path, execution={"price": "own"}) as house:
        house.market(BOND, last="100.000", bid="99.990", ask="100.000")
        await house.done(await house.send("demo", BOND, "buy", 50, limit="100.010"))
        resting = await house.send("demo", BOND, "buy", 70, price="100", position_after=120)
        await house.in_state(resting, OrderState.NEW)
        sold = await house.send("demo", BOND, "sell", 50, price="100", position_after=0)
        await house.done(resting)
        await house.sweep(after_s=1)
        await house.in_state(sold, OrderState.NEW)
        house.market(BOND, last="100.010", prev_close="100.000")
        buy, sell = await house.done(resting, sold)
        assert (buy.reason, sell.filled) == (Reason.CLOSED_OUT, 50)
        assert (await house.book(BOND)).volume == 0


async def test_a_sell_of_what_is_still_being_bought_waits_for_it(tmp_path: Path) -> None:
    async with House(tmp_path, execution={"price": "own"}) as house:
        house.market(BOND, last="100.000")
        bought = await house.send("demo", BOND, "buy", 100, price="100")
        await house.in_state(bought, OrderState.NEW)
        sold = await house.send("demo", BOND, "sell", 60, price="100")
        await house.until(lambda tx: [o for o in tx.orders.of_signal(sold) if o.waiting_for is WaitingFor.OPPOSITE])
        house.market(BOND, last="99.990", prev_close="100.000")
        await house.done(bought)
        await house.sweep(after_s=1)
        await house.in_state(sold, OrderState.NEW)
        house.market(BOND, last="100.010", prev_close="100.000")
        [order] = await house.done(sold)
        assert (order.filled, (await house.book(BOND)).volume) == (60, 40)


async def test_a_sell_does_not_wait_for_ever_for_what_is_still_being_bought(tmp_path: Path) -> None:
    async with House(tmp_path, execution={"price": "own"}) as house:
        house.market(BOND, last="100.000")
        bought = await house.send("demo", BOND, "buy", 100, price="100")
        await house.in_state(bought, OrderState.NEW)
        sold = await house.send("demo", BOND, "sell", 60, price="100")
        await house.until(lambda tx: [o for o in tx.orders.of_signal(sold) if o.waiting_for is WaitingFor.OPPOSITE])
        await house.sweep(after_s=11)
        [order] = await house.done(sold)
        assert (order.state, order.reason) == (OrderState.REJECTED, Reason.NOTHING_TO_SELL)


async def test_a_sell_of_yesterdays_shares_waits_for_no_buy_of_today(tmp_path: Path) -> None:
    async with House(tmp_path, execution={"force_after": 1}) as house:
        house.market(CODE)
        await house.done(await house.send("demo", CODE, "buy", 500, price="10.00"))
        tomorrow = house.clock.now().date() + timedelta(days=1)
        house.market(CODE, depth=100)
        bought = await house.send("demo", CODE, "buy", 5000, price="10.00", day=tomorrow)
        await house.in_state(bought, OrderState.PARTIALLY_FILLED)
        [order] = await house.done(await house.send("demo", CODE, "sell", 500, price="10.00", day=tomorrow))
        assert order.filled == 500
