"""Attempts that are not filled at once: cancelled, priced again, forced through; or left to stand."""

from decimal import Decimal
from pathlib import Path

import pytest

from jqfollow.domain import AttemptState, OrderState
from jqfollow.execution.brokers.paper.faults import Pushes
from jqfollow.reasons import Reason

from .house import House

CODE = "000001.XSHE"
OWN = {"price": "own", "max_attempts": 5, "force_after": 3}


async def test_it_is_cancelled_and_priced_again_until_it_is_forced_through(tmp_path: Path) -> None:
    async with House(tmp_path, execution=OWN, wecom=True) as house:
        house.market(CODE, last="10.00")
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        for number in (1, 2):
            await house.until(
                lambda tx, n=number: [a for a in tx.attempts.live("paper") if (a.number, a.state) == (n, "new")]
            )
            await house.sweep(after_s=29)
            await house.sweep(after_s=2)
        [order] = await house.done(signal_id)
        assert (order.state, order.filled, order.avg_price) == (OrderState.FILLED, 1000, Decimal("10.01"))
        attempts = await house.attempts(order)
        assert [(a.state, a.price, a.cancels) for a in attempts] == [
            (AttemptState.CANCELED, Decimal("9.99"), 1),
            (AttemptState.CANCELED, Decimal("9.99"), 1),
            (AttemptState.FILLED, Decimal("10.01"), 0),
        ]
        assert "共 3 次委托" in await house.told("✅ 已跟", "1,000 股")


async def test_the_next_attempt_follows_the_market(tmp_path: Path) -> None:
    async with House(tmp_path, execution=OWN) as house:
        house.market(CODE, last="10.00")
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        order = await house.in_state(signal_id, OrderState.NEW)
        house.market(CODE, last="10.08", prev_close="10.00")
        await house.sweep(after_s=31)
        await house.until(lambda tx: [a for a in tx.attempts.live("paper") if a.number == 2])
        assert [a.price for a in await house.attempts(order)] == [Decimal("9.99"), Decimal("10.07")]


async def test_what_is_left_of_a_partial_fill_is_priced_again(tmp_path: Path) -> None:
    async with House(tmp_path, execution={"force_after": 2}, pulse_s=None) as house:
        house.market(CODE, last="10.00", depth=330)
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        order = await house.in_state(signal_id, OrderState.PARTIALLY_FILLED)
        assert order.filled == 330
        house.market(CODE, last="10.02", depth=100_000, prev_close="10.00")
        await house.sweep(after_s=31)
        await house.until(lambda tx: tx.orders.get(order.order_id).filled == 930)
        await house.sweep(after_s=1)
        [order] = await house.done(signal_id)
        first, second = await house.attempts(order)
        assert (first.state, first.filled, second.volume, second.filled) == ("canceled", 330, 600, 600)
        # The 70 that no order may buy alone are bought with the next signal.
        assert (order.state, order.reason, order.filled) == (OrderState.CANCELED, Reason.BELOW_LOT, 930)
        assert (await house.book(CODE)).carry_buy == 70
        [order] = await house.done(await house.send("demo", CODE, "buy", 130, price="10.00"))
        assert (order.filled, (await house.book(CODE)).volume) == (200, 1130)


async def test_attempts_are_limited_and_what_was_filled_is_kept(tmp_path: Path) -> None:
    async with House(tmp_path, execution={"max_attempts": 2, "force_after": 9}, wecom=True) as house:
        house.market(CODE, last="10.00")
        house.faults["paper"].max_fill = 100
        house.faults["paper"].slow_cancels = False
        house.brokers["paper"].set_market("000001.SZ", last=Decimal("10.00"), depth=200)
        signal_id = await house.send("demo", CODE, "buy", 5000, price="10.00")
        for number in (1, 2):
            await house.until(lambda tx, n=number: [a for a in tx.attempts.live("paper") if a.number == n and a.filled])
            await house.sweep(after_s=31)
        [order] = await house.done(signal_id)
        assert (order.state, order.reason) == (OrderState.CANCELED, Reason.ATTEMPTS_EXHAUSTED)
        assert 0 < order.filled < 5000
        assert (await house.book(CODE)).volume == order.filled
        assert order.figures["left"] == str(5000 - order.filled)
        await house.told("⚠️ 部分", "2 次")


async def test_a_limit_order_stands_at_its_limit(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE, last="10.00")
        signal_id = await house.send("demo", CODE, "buy", 1000, limit="9.90")
        order = await house.in_state(signal_id, OrderState.NEW)
        for _ in range(3):
            await house.sweep(after_s=600)
        [attempt] = await house.attempts(order)
        assert (attempt.state, attempt.price) == (AttemptState.NEW, Decimal("9.90"))
        house.market(CODE, last="9.89", prev_close="10.00")
        [order] = await house.done(signal_id)
        assert (order.state, order.avg_price) == (OrderState.FILLED, Decimal("9.90"))


async def test_a_limit_is_never_passed(tmp_path: Path) -> None:
    async with House(tmp_path, execution={"price": "peer", "slippage_ticks": 50, "force_after": 1}) as house:
        house.market(CODE, last="10.00")
        bought = await house.send("demo", CODE, "buy", 1000, limit="10.03")
        [order] = await house.done(bought)
        assert order.avg_price is not None
        assert order.avg_price <= Decimal("10.03")


async def test_what_joinquant_cancels_is_cancelled_here(tmp_path: Path) -> None:
    async with House(
        tmp_path, strategies={"demo": {"follow": {"paper": 1, "other": 0.5}}}, accounts={"paper": {}, "other": {}}
    ) as house:
        house.market(CODE, last="10.00")
        resting = await house.send("demo", CODE, "buy", 1000, limit="9.90", order_id="55")
        await house.until(lambda tx: len([o for o in tx.orders.of_signal(resting) if o.state == "new"]) == 2)
        canceled = await house.send("demo", CODE, "buy", 1000, limit="9.90", order_id="55", status="canceled")
        orders = await house.done(resting)
        assert [(o.state, o.reason, o.filled) for o in orders] == [
            (OrderState.CANCELED, Reason.CANCELED_BY_STRATEGY, 0)
        ] * 2
        assert (await house.signal(canceled)).reason is Reason.NOT_TRADED
        for broker in house.brokers.values():
            assert [report.state for report in broker.orders()] == [AttemptState.CANCELED]


@pytest.mark.parametrize("at_limit", ["reject", "queue"])
async def test_at_the_limit(tmp_path: Path, at_limit: str) -> None:
    async with House(tmp_path, risk={"at_limit": at_limit}) as house:
        house.market(CODE, last="11.00", prev_close="10.00")
        signal_id = await house.send("demo", CODE, "buy", 1000, price="11.00")
        if at_limit == "reject":
            [order] = await house.done(signal_id)
            assert (order.state, order.reason) == (OrderState.REJECTED, Reason.LIMIT_UP)
            return
        order = await house.in_state(signal_id, OrderState.NEW)
        await house.sweep(after_s=600)
        [attempt] = await house.attempts(order)
        assert (attempt.state, attempt.price, attempt.cancels) == (AttemptState.NEW, Decimal("11.00"), 0)
        house.market(CODE, last="10.99", prev_close="10.00")
        [order] = await house.done(signal_id)
        assert order.filled == 1000


async def test_a_price_refusal_is_priced_again_and_a_passing_one_waits_a_moment(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE, last="10.00")
        house.faults["paper"].refuse("[COUNTER][140001][委托价格超过涨停价]")
        house.faults["paper"].refuse("[COUNTER][1][系统繁忙，请稍后重试]")
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        await house.until(lambda tx: len([a for a in tx.attempts.of_order(1) if a.state == "rejected"]) == 1)
        await house.sweep(after_s=2)
        await house.until(lambda tx: [o for o in tx.orders.open() if o.waiting_for == "broker"])
        await house.sweep(after_s=3)
        [order] = await house.done(signal_id)
        assert (order.filled, len(await house.attempts(order))) == (1000, 3)


async def test_a_refusal_that_comes_by_push(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE, last="10.00")
        house.faults["paper"].refuse_by_push = True
        house.faults["paper"].refuse("[COUNTER][120999][未开通创业板交易权限]")
        [order] = await house.done(await house.send("demo", CODE, "buy", 1000, price="10.00"))
        assert (order.state, order.reason) in {
            (OrderState.CANCELED, Reason.BROKER_REFUSED),
            (OrderState.REJECTED, Reason.BROKER_REFUSED),
        }
        assert "未开通" in order.figures["message"]


async def test_a_cancel_that_is_refused_or_ignored_is_asked_for_again_and_then_told(tmp_path: Path) -> None:
    async with House(tmp_path, execution={"price": "own"}, wecom=True) as house:
        house.market(CODE, last="10.00")
        house.faults["paper"].refuse_cancel("[COUNTER][1][撤单失败]")
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        order = await house.in_state(signal_id, OrderState.NEW)
        await house.sweep(after_s=31)
        await house.until(lambda tx: tx.attempts.of_order(order.order_id)[0].state == "new")
        house.faults["paper"].ignore_cancels = True
        for after_s in (11, 11, 11, 11, 11, 11, 61):
            await house.sweep(after_s=after_s)
        await house.told("【急】", "撤单 6 次仍无结果")
        [attempt] = await house.attempts(order)
        assert attempt.state in {AttemptState.PENDING_CANCEL, AttemptState.NEW}


async def test_a_fill_that_races_the_cancel_is_counted_and_not_bought_twice(tmp_path: Path) -> None:
    async with House(tmp_path, execution={"price": "own", "force_after": 2}, pulse_s=None) as house:
        house.market(CODE, last="10.00")
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        order = await house.in_state(signal_id, OrderState.NEW)
        house.faults["paper"].slow_cancels = True
        house.faults["paper"].max_fill = 700
        await house.sweep(after_s=31)
        await house.until(lambda tx: tx.attempts.of_order(order.order_id)[0].state == "pending_cancel")
        house.faults["paper"].pushes = Pushes.REVERSED
        house.market(CODE, last="9.98", prev_close="10.00")
        house.faults["paper"].max_fill = None
        house.brokers["paper"].advance()
        await house.sweep()
        await house.sweep(after_s=2)
        [order] = await house.done(signal_id)
        assert (order.filled, (await house.book(CODE)).volume) == (1000, 1000)
        assert [a.filled for a in await house.attempts(order)] == [700, 300]
