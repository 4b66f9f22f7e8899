"""How much: parts over the exchange's maximum, the follow modes, books that do not touch each other, replays."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jqfollow.domain import OrderState
from jqfollow.reasons import Reason

from .house import MONDAY, House

CODE = "000001.XSHE"
TOMORROW = MONDAY.date() + timedelta(days=1)


async def test_more_than_one_order_may_hold_goes_in_parts(tmp_path: Path) -> None:
    async with House(tmp_path, accounts={"paper": {"cash": 1_000_000_000}}) as house:
        house.market("300750.XSHE", last="10.00")
        orders = await house.done(await house.send("demo", "300750.XSHE", "buy", 700_000, price="10.00"))
        assert sorted(o.part for o in orders) == [1, 2, 3]
        assert {o.state for o in orders} == {OrderState.FILLED}
        assert sum(o.filled for o in orders) == 700_000
        assert max(o.volume for o in orders) == 300_000
        sold = await house.done(await house.send("demo", "300750.XSHE", "sell", 700_000, price="10.00", day=TOMORROW))
        assert sum(o.filled for o in sold) == 700_000
        assert (await house.book("300750.XSHE")).volume == 0


async def test_the_limit_of_value_looks_at_all_parts_together(tmp_path: Path) -> None:
    async with House(tmp_path, risk={"max_order_value": 5_000_000}) as house:
        house.market("300750.XSHE", last="10.00")
        [order] = await house.done(await house.send("demo", "300750.XSHE", "buy", 700_000, price="10.00"))
        assert (order.state, order.reason) == (OrderState.REJECTED, Reason.MAX_ORDER_VALUE)


@pytest.mark.parametrize(
    ("follow", "told", "traded"),
    [
        (0.5, {}, 500),
        ({"value": 20_900}, {}, 2000),  # 2090 shares at the last price
        ({"shares": 300}, {}, 300),
        ({"equity": 50_000}, {"total_value": "200000"}, 200),  # a quarter: 250, and 50 carried
    ],
)
async def test_follow_modes(tmp_path: Path, follow: Any, told: dict[str, str], traded: int) -> None:
    async with House(tmp_path, strategies={"demo": {"follow": {"paper": follow}}}) as house:
        house.market(CODE, last="10.00")
        [buy] = await house.done(await house.send("demo", CODE, "buy", 1000, price="10.00", **told))
        assert buy.filled == traded
        [sell] = await house.done(await house.send("demo", CODE, "sell", 1000, price="10.00", day=TOMORROW, **told))
        assert (sell.closes, sell.filled) == (True, traded)


async def test_half_of_a_lot_is_carried_until_it_is_one(tmp_path: Path) -> None:
    async with House(tmp_path, strategies={"demo": {"follow": {"paper": 0.5}}}) as house:
        house.market(CODE)
        filled = []
        for _ in range(3):
            [order] = await house.done(await house.send("demo", CODE, "buy", 100, price="10.00"))
            filled.append(order.filled)
        assert filled == [0, 100, 0]


async def test_two_strategies_on_one_account_never_sell_each_others_shares(tmp_path: Path) -> None:
    async with House(tmp_path, strategies={"x": {"follow": {"paper": 1}}, "y": {"follow": {"paper": 1}}}) as house:
        house.market(CODE)
        await house.done(
            await house.send("x", CODE, "buy", 300, price="10.00"),
            await house.send("y", CODE, "buy", 500, price="10.00"),
        )
        sells = await house.done(
            await house.send("x", CODE, "sell", 800, price="10.00", position_after=0, day=TOMORROW),
            await house.send("x", CODE, "sell", 100, price="10.00", position_after=0, day=TOMORROW),
        )
        assert [(o.filled, o.reason) for o in sells] == [(300, None), (0, Reason.NOTHING_TO_SELL)]
        assert (await house.book(CODE, strategy="y")).volume == 500


async def test_an_odd_book_is_sold_although_another_strategy_holds_more(tmp_path: Path) -> None:
    """37 BSE shares of one strategy beside 150 of another: no order may sell 37 alone; in the end none are left."""
    async with House(tmp_path, strategies={"x": {"follow": {"paper": 1}}, "y": {"follow": {"paper": 1}}}) as house:
        code = "920001.BJSE"
        house.market(code)
        await house.done(
            await house.send("x", code, "buy", 137, price="10.00"),
            await house.send("y", code, "buy", 150, price="10.00"),
        )
        await house.done(await house.send("x", code, "sell", 100, price="10.00", day=TOMORROW))
        odd = await house.send("x", code, "sell", 37, price="10.00", day=TOMORROW)
        rest = await house.send("y", code, "sell", 150, price="10.00", day=TOMORROW)
        await house.sweep(after_s=2)
        await house.done(odd, rest)
        assert (await house.book(code, strategy="x")).volume == 0
        assert (await house.book(code, strategy="y")).volume == 0


async def test_a_joinquant_order_is_followed_once_whatever_is_sent(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE)
        text = house.order_text("demo", CODE, "buy", 1000, price="10.00", order_id="99")
        first = await house.deliver("demo", text, message_id="demo-99")
        again = await house.deliver("demo", text, message_id="demo-99", ts=int(house.clock.now().timestamp()) + 1)
        other = json.dumps(json.loads(text) | {"note": "另一条"}, ensure_ascii=False)
        conflict = await house.deliver("demo", other, message_id="demo-99")
        hooked_twice = await house.deliver("demo", other, message_id="demo-99b")
        assert [a.json()["status"] for a in (first, again, conflict, hooked_twice)] == [
            "accepted",
            "duplicate",
            "error",
            "accepted",
        ]
        assert (conflict.status_code, conflict.json()["error"]) == (409, "conflict")
        await house.done(first.json()["signal_id"])
        assert (await house.signal(hooked_twice.json()["signal_id"])).reason is Reason.REPLAYED
        assert (await house.book(CODE)).volume == 1000


async def test_junk_leaves_no_trace(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        text = house.order_text("demo", CODE, "buy", 1000, price="10.00")
        sealed = house.seal("demo", text, message_id="demo-1")
        forged = sealed | {"box": sealed["box"][:-8] + "AAAAAA=="}
        stale = house.seal("demo", text, message_id="demo-1", ts=int(house.clock.now().timestamp()) - 301)
        answers = [await house.post(body) for body in (forged, stale, sealed | {"kid": "nobody"})]
        assert [a.status_code for a in answers] == [401, 401, 401]
        assert len({a.text for a in answers}) == 1
        for field, value in (("amount", -1), ("amount", 10**30), ("price", "NaN"), ("price", "1e400"), ("amount", 1.5)):
            bad = json.loads(text)
            bad["order"][field] = value
            answer = await house.deliver("demo", json.dumps(bad))
            assert answer.status_code == 400, (field, value, answer.text)
        assert await house.ledger.read(lambda tx: tx.signals.list()) == []


async def test_what_a_closing_sell_leaves_is_told(tmp_path: Path) -> None:
    """130 and 170 shares in one account make whole lots: of 130, only 100 can go, and a person must know of the 30."""
    strategies = {"x": {"follow": {"paper": 1}}, "y": {"follow": {"paper": 1}}}
    async with House(tmp_path, strategies=strategies, wecom=True, pulse_s=None) as house:
        for strategy, volume in (("x", 130), ("y", 170)):
            house.market(CODE)
            house.faults["paper"].max_fill = volume
            odd = await house.send(strategy, CODE, "buy", 200, price="10.00", position_after=200)
            await house.until(
                lambda tx, s=strategy, v=volume: tx.books.get("paper", s, "000001.SZ").volume == v or None
            )
            house.market(CODE, bid="9.80", ask="10.20")  # nobody sells at our price any more
            house.faults["paper"].max_fill = None
            await house.sweep(after_s=60)
            await house.done(odd)
        house.market(CODE)
        [order] = await house.done(
            await house.send("x", CODE, "sell", 200, price="10.00", day=TOMORROW, position_after=0)
        )
        assert (order.filled, (await house.book(CODE, strategy="x")).volume) == (100, 30)
        assert "还剩 30 不能卖" in await house.told("已清仓")
