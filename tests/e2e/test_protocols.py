"""Both wires, from JoinQuant to a filled order and a message: the original client's, and the client that users get."""

import asyncio
import json
from datetime import datetime
from pathlib import Path

from joinquant import Platform
from jqfollow.clock import SHANGHAI, SystemClock
from jqfollow.domain import OrderState, SignalKind, Wire
from jqfollow.reasons import Reason
from jqfollow.wire.client_file import render_client

from .house import House

CODE = "000001.XSHE"
SEED = {"old": {"wire": "seed", "secret": "不再使用的密码", "follow": {"paper": 1}}}


async def test_the_original_client_ends_in_a_filled_order_and_a_message(tmp_path: Path) -> None:
    async with House(tmp_path, strategies=SEED, wecom=True) as house:
        house.market(CODE, last="10.52")
        answer = await house.send_seed("不再使用的密码", CODE, "buy", 1000, price="10.52")
        assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
        [order] = await house.done(answer.json()["signal_id"])
        assert (order.state, order.filled) == (OrderState.FILLED, 1000)
        assert "10.53" in await house.told("✅ 已跟", "买入", "000001.SZ", "1,000 股")
        signal = await house.signal(order.signal_id)
        assert signal.wire is Wire.SEED
        assert "不再使用的密码" not in signal.text


async def test_the_running_sum_of_the_original_client_sells_out(tmp_path: Path) -> None:
    half = {"old": SEED["old"] | {"follow": {"paper": 0.5}}}
    async with House(tmp_path, strategies=half) as house:
        house.market("688001.XSHG", last="50.00")
        for amount in (401, 203):
            bought = await house.send_seed("不再使用的密码", "688001.XSHG", "buy", amount, price="50.00")
            await house.done(bought.json()["signal_id"])
        assert (await house.book("688001.XSHG", strategy="old")).volume == 200
        house.forward(86_400)
        sold = await house.send_seed("不再使用的密码", "688001.XSHG", "sell", 604, price="50.00")
        [order] = await house.done(sold.json()["signal_id"])
        assert (order.closes, order.state, order.filled) == (True, OrderState.FILLED, 200)
        assert (await house.book("688001.XSHG", strategy="old")).volume == 0


async def test_what_the_original_client_sends_twice_or_another_forged_changes_nothing(tmp_path: Path) -> None:
    async with House(tmp_path, strategies=SEED) as house:
        house.market(CODE)
        sent = f"{house.clock.now():%Y-%m-%d %H:%M:%S.%f}"
        same = {"price": "10.00", "时间戳": sent, "订单添加时间": sent[:19], "订单ID": "77"}
        first = await house.send_seed("不再使用的密码", CODE, "buy", 100, **same)
        again = await house.send_seed("不再使用的密码", CODE, "buy", 100, **same)
        forged = await house.send_seed("另一个密码", CODE, "buy", 100, **same)
        assert (first.json()["status"], again.json()["status"]) == ("accepted", "duplicate")
        assert first.json()["signal_id"] == again.json()["signal_id"]
        assert forged.status_code == 401
        await house.done(first.json()["signal_id"])
        assert (await house.book(CODE, strategy="old")).volume == 100


async def test_an_order_date_of_the_past_makes_it_a_backtest(tmp_path: Path) -> None:
    strategies = {"old": SEED["old"] | {"backtest": "reject"}}
    async with House(tmp_path, strategies=strategies) as house:
        past = await house.send_seed(
            "不再使用的密码", CODE, "buy", 100, price="10.00", 订单添加时间="2025-06-03 10:00:00"
        )
        [order] = await house.done(past.json()["signal_id"])
        assert order.reason is Reason.BACKTEST


STRATEGY = """
def initialize(context):
    g.bought = 0

def buy(context, security, amount):
    return order(security, amount)

def sell_out(context, security):
    return order_target(security, 0)
"""


async def test_the_client_in_a_strategy_ends_in_filled_orders_and_messages(tmp_path: Path) -> None:
    async with House(tmp_path, wecom=True, clock=SystemClock()) as house:
        key = house.service.keys.keys("demo")[0].text
        client = render_client(url=house.service.signals_url, key_text=key, strategy="demo")

        def play() -> Platform:
            """A day and the next morning, as fast as the client lets JoinQuant go."""
            now = datetime.now(SHANGHAI).replace(hour=10, tzinfo=None)
            with Platform(client + STRATEGY, now=now) as platform:
                platform.prices.update({CODE: 10.52, "510300.XSHG": 4.01})
                platform.run("buy", CODE, 1000)
                platform.run("buy", "510300.XSHG", 5000)
                platform.restart()
                platform.run_scheduled("15:30")
                platform.next_day()
                platform.run("sell_out", CODE)
            return platform

        platform = await asyncio.to_thread(play)
        assert [text for level, text in platform.log.lines if level != "info"] == []
        await house.until(lambda tx: sum(s.kind is SignalKind.ORDER for s in tx.signals.list()) == 3)
        await house.until(lambda tx: any(s.kind is SignalKind.POSITIONS for s in tx.signals.list()))
        kinds = await house.ledger.read(lambda tx: [s.kind for s in reversed(tx.signals.list())])
        assert kinds[0] is SignalKind.HELLO
        await house.settled(timeout_s=30)
        orders = await house.ledger.read(lambda tx: list(reversed(tx.orders.list())))
        assert [(o.security, o.side, o.filled, o.state) for o in orders] == [
            ("000001.SZ", "buy", 1000, OrderState.FILLED),
            ("510300.SH", "buy", 5000, OrderState.FILLED),
            ("000001.SZ", "sell", 1000, OrderState.FILLED),
        ]
        await house.told("✅ 已跟", "买入", "510300.SH", "5,000 份")
        await house.told("✅ 已跟", "卖出", "000001.SZ", "1,000 股")


async def test_hello_tells_the_author_that_the_whole_way_works(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        now = int(house.clock.now().timestamp())
        text = json.dumps({"kind": "hello", "run": "sim_trade", "made_at": now * 1000})
        body = (await house.deliver("demo", text, ts=now - 4)).json()
        assert body["accounts"] == [{"account": "paper", "can_trade": True, "why": ""}]
        assert body["time"].startswith("2026-03-02 10:00")
        assert -6 < body["skew_s"] < -3
