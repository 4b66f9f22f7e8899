"""How orders live at JoinQuant, by the number of what was seen, from its strategy to the account's broker."""

import asyncio
import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from joinquant import LimitOrderStyle, Platform, StopMarketOrderStyle
from jqfollow.clock import SHANGHAI
from jqfollow.domain import OrderState, SignalKind, WaitingFor
from jqfollow.ledger.rows import OrderRow
from jqfollow.reasons import Reason

from .house import MONDAY, House
from .joined import Joined

CODE, OTHER = "000001.XSHE", "600000.XSHG"
SYMBOL = "000001.SZ"
HOURS = {"accounts": {"paper": {"hours": "exchange", "cash": 10_000_000}}}
SEED = {"demo": {"wire": "seed", "secret": "不再使用的密码", "follow": {"paper": 1}}}


async def all_orders(house: House) -> list[OrderRow]:
    return await house.ledger.read(lambda tx: list(reversed(tx.orders.list())))


async def in_market(house: House, count: int) -> list[OrderRow]:
    """The orders, when so many stand in the market."""

    def standing(tx: Any) -> list[OrderRow] | None:
        orders = [o for o in reversed(tx.orders.list()) if o.state in {OrderState.NEW, OrderState.PARTIALLY_FILLED}]
        return orders if len(orders) == count else None

    return await house.until(standing)


def _alone(tx: Any, limit: float) -> bool:
    """Whether nothing stands in the market but the order at `limit`."""
    orders = tx.orders.open()
    return len(orders) == 1 and orders[0].state is OrderState.NEW and orders[0].limit_price == Decimal(str(limit))


def living(house: House) -> int:
    """What lives at the broker, shares."""
    alive = {"new", "partially_filled", "pending_cancel"}
    return sum(report.volume for report in house.brokers["paper"].orders() if report.state in alive)


class TestRow1:
    """What JoinQuant's engine ends of itself."""

    @pytest.mark.parametrize(("name", "value"), [("order_target", 1000), ("order_target_value", 10_000)])
    async def test_a_new_target_leaves_one_live_order(self, tmp_path: Path, name: str, value: int) -> None:
        async with House(tmp_path) as house, Joined(house) as jq:
            house.market(CODE)
            jq.platform.prices[CODE] = 10.0
            for limit in (9.5, 9.6, 9.7, 9.8, 9.9):
                await jq.run("call", name, CODE, value, LimitOrderStyle(limit))
                await house.until(lambda tx, limit=limit: _alone(tx, limit))
                await jq.minutes()
            *ended, order = await all_orders(house)
            assert {o.reason for o in ended} == {Reason.CANCELED_BY_STRATEGY}
            assert living(house) == order.volume

    async def test_two_orders_of_one_code_add_up(self, tmp_path: Path) -> None:
        async with House(tmp_path) as house, Joined(house) as jq:
            house.market(CODE)
            jq.platform.prices[CODE] = 10.0
            await jq.run("buy", CODE, 500, LimitOrderStyle(9.5))
            await jq.run("buy", CODE, 300, LimitOrderStyle(9.6))
            await in_market(house, 2)
            await jq.minutes(3)
            assert living(house) == 800

    async def test_an_end_that_overtakes_its_order_is_remembered(self, tmp_path: Path) -> None:
        """By a relay and a tunnel side by side what was sent later may come first."""
        async with House(tmp_path) as house:
            house.market(CODE)
            day = house.clock.now().date().isoformat()
            text = {"kind": "notice", "run": "sim_trade", "made_at": int(house.clock.now().timestamp() * 1000)}
            ended = [{"id": "77", "day": day, "filled": 300}]
            await house.deliver("demo", json.dumps(text | {"ended": ended}))
            signal_id = await house.send("demo", CODE, "buy", 1000, limit="9.90", order_id="77")
            [order] = await house.done(signal_id)
            assert (order.terms.amount, order.filled) == (300, 300)

    async def test_an_end_without_a_day_is_the_newest_order_of_that_number(self, tmp_path: Path) -> None:
        async with House(tmp_path) as house:
            house.market(CODE)
            signal_id = await house.send("demo", CODE, "buy", 1000, limit="9.50", order_id="77")
            await house.in_state(signal_id, OrderState.NEW)
            text = {"kind": "notice", "run": "sim_trade", "made_at": int(house.clock.now().timestamp() * 1000)}
            await house.deliver("demo", json.dumps(text | {"ended": [{"id": "77", "filled": 0}]}))
            [order] = await house.done(signal_id)
            assert order.reason is Reason.CANCELED_BY_STRATEGY


class TestRow2:
    """Ended there with something else filled than here."""

    async def test_an_excess_is_taken_from_the_next_buy(self, tmp_path: Path) -> None:
        async with House(tmp_path) as house, Joined(house) as jq:
            house.market(CODE, last="9.50", bid="9.49", ask="9.50", depth=700, prev_close="10.00")
            jq.platform.prices[CODE], jq.platform.engine.volumes[CODE] = 9.5, 300
            await jq.run("buy", CODE, 1000, LimitOrderStyle(9.5))
            await house.until(lambda tx: tx.books.get("paper", "demo", SYMBOL).volume == 700)
            house.market(CODE, last="10.00", prev_close="10.00")
            jq.platform.prices[CODE] = 10.0
            await jq.run("call", "order_target", CODE, 300)  # ends it; what is held is what is wanted
            await house.settled()
            [order] = await all_orders(house)
            assert (order.filled, order.reason) == (700, Reason.CANCELED_BY_STRATEGY)
            difference = await house.ledger.read(lambda tx: tx.elsewhere.difference(order.signal_id, "paper"))
            assert difference is not None
            assert (difference.elsewhere, difference.shares) == (300, -400)
            jq.platform.engine.volumes.clear()
            await jq.run("buy", CODE, 500)
            await house.settled()
            assert jq.held(CODE) == (await house.book(CODE)).volume == 800

    async def test_a_shortage_is_left_to_drift(self, tmp_path: Path) -> None:
        async with House(tmp_path) as house, Joined(house) as jq:
            house.market(CODE, last="9.50", bid="9.49", ask="9.50", depth=300, prev_close="10.00")
            jq.platform.prices[CODE], jq.platform.engine.volumes[CODE] = 9.5, 700
            await jq.run("buy", CODE, 1000, LimitOrderStyle(9.5))
            await house.until(lambda tx: tx.books.get("paper", "demo", SYMBOL).volume == 300)
            house.market(CODE, last="10.00", prev_close="10.00")
            jq.platform.prices[CODE] = 10.0
            await jq.run("call", "order_target", CODE, 700)
            await house.settled()
            [order] = await all_orders(house)
            difference = await house.ledger.read(lambda tx: tx.elsewhere.difference(order.signal_id, "paper"))
            assert difference is not None
            assert difference.shares == 400
            jq.platform.engine.volumes.clear()
            await jq.run("buy", CODE, 500)
            await house.settled()
            assert (jq.held(CODE), (await house.book(CODE)).volume) == (1200, 800)

    async def test_filled_here_and_not_at_all_there(self, tmp_path: Path) -> None:
        """Our order had ended long before: told after the close."""
        async with House(tmp_path) as house, Joined(house) as jq:
            house.market(CODE, last="9.50", prev_close="10.00")
            jq.platform.prices[CODE] = 9.7
            await jq.run("buy", CODE, 1000, LimitOrderStyle(9.6))
            await house.settled()
            await jq.to("15:31")
            [order] = await all_orders(house)
            difference = await house.until(lambda tx: tx.elsewhere.difference(order.signal_id, "paper"))
            assert (order.filled, difference.elsewhere, difference.shares) == (1000, 0, -1000)


class TestRow3:
    """Stops."""

    async def test_where_nobody_sees_it_triggered_it_is_refused_in_words(self, tmp_path: Path) -> None:
        async with House(tmp_path, wecom=True) as house, Joined(house, frequency="day") as jq:
            house.market(CODE)
            jq.platform.prices[CODE] = 10.0
            await jq.run("buy", CODE, 1000)
            await jq.run("buy", CODE, -1000, StopMarketOrderStyle("stop_loss", 9.0))
            await house.settled()
            assert [o.side for o in await all_orders(house)] == ["buy"]
            await house.told("❌ 未跟", "止损")
            assert any("止损" in text for text in jq.warnings)

    async def test_it_is_followed_when_it_is_triggered(self, tmp_path: Path) -> None:
        async with House(tmp_path, **HOURS) as house, Joined(house) as jq:
            house.market(CODE)
            jq.platform.prices[CODE] = 10.0
            await jq.run("buy", CODE, 1000)
            await house.settled()
            await jq.to("15:31")
            await jq.next_morning()
            await jq.to("09:35")
            await jq.run("buy", CODE, -600, StopMarketOrderStyle("stop_loss", 9.5))
            await jq.minutes(2)
            assert len(await all_orders(house)) == 1
            house.market(CODE, last="9.40", prev_close="10.00")
            jq.platform.prices[CODE] = 9.4
            await jq.minutes(2)
            await house.settled()
            _, sell = await all_orders(house)
            assert (sell.reason, sell.side, sell.filled, sell.terms.reference) == (None, "sell", 600, Decimal("9.4"))


class TestRow4:
    """Canceled or rejected, with something filled."""

    async def test_followed_for_what_was_filled(self, tmp_path: Path) -> None:
        async with House(tmp_path) as house, Joined(house) as jq:
            house.market(CODE)
            jq.platform.prices[CODE] = 10.0
            jq.platform.engine.rejects[CODE] = 300
            await jq.run("buy", CODE, 1000)
            await house.settled()
            [order] = await all_orders(house)
            assert (order.terms.amount, order.filled, jq.held(CODE)) == (300, 300, 300)
            assert await house.ledger.read(lambda tx: tx.signals.position("demo", SYMBOL)) == 300

    @pytest.mark.parametrize("status", ["canceled", "rejected"])
    async def test_told_again_it_is_not_followed_again(self, tmp_path: Path, status: str) -> None:
        async with House(tmp_path) as house:
            house.market(CODE)
            first = await house.send("demo", CODE, "buy", 1000, price="10.00", order_id="5", status=status, filled=300)
            again = await house.send("demo", CODE, "buy", 1000, price="10.00", order_id="5", status=status, filled=300)
            await house.done(first, again)
            assert [order.filled for order in await all_orders(house)] == [300]


class TestRow5:
    """A closing sell, and a buy that rests."""

    async def test_the_resting_buy_stays(self, tmp_path: Path) -> None:
        async with House(tmp_path, accounts={"paper": {"cash": 10_000_000}}) as house, Joined(house) as jq:
            house.market("510300.XSHG", last="4.000")
            code = "511880.XSHG"  # T+0
            house.market(code, last="100.000")
            jq.platform.prices[code] = 100.0
            await jq.run("buy", code, 1000)
            await jq.run("buy", code, 500, LimitOrderStyle(99.5))
            await house.until(lambda tx: tx.books.get("paper", "demo", "511880.SH").volume == 1000)
            await jq.to("15:31")
            await jq.next_morning()
            await jq.to("09:35")
            await jq.run("buy", code, 500, LimitOrderStyle(99.5))
            [rests] = await in_market(house, 1)
            await jq.run("buy", code, -1000)
            await house.until(lambda tx: tx.books.get("paper", "demo", "511880.SH").volume == 0)
            assert [order.order_id for order in await in_market(house, 1)] == [rests.order_id]
            sell = (await all_orders(house))[-1]
            assert (sell.side, sell.closes, sell.filled) == ("sell", True, 1000)


class TestRow6:
    """Ordered before the open."""

    async def test_a_buy_is_held_and_guarded_by_the_opening_price(self, tmp_path: Path) -> None:
        start = datetime(2026, 3, 2, 9, 5, tzinfo=SHANGHAI)
        async with House(tmp_path, start=start, risk={"max_price_drift": 0.03}, **HOURS) as house, Joined(house) as jq:
            jq.platform.prices[CODE] = 10.0
            await jq.run("buy", CODE, 1000)
            order = await house.until(lambda tx: next(iter(tx.orders.list()), None))
            assert (order.waiting_for, order.terms.reference) == (WaitingFor.SESSION, None)
            assert f"{order.wait_until:%H:%M}" == "09:30"
            await jq.to("09:29")
            house.market(CODE, last="10.91", prev_close="10.00", opening="10.91")
            jq.platform.prices[CODE] = 10.91
            await jq.to("09:31")
            await house.sweep()
            [done] = await house.done(order.signal_id)
            assert (done.state, done.filled) == (OrderState.FILLED, 1000)
            assert done.terms.reference == Decimal("10.91")

    async def test_beyond_the_guard_of_the_opening_price_a_buy_is_not_made(self, tmp_path: Path) -> None:
        start = datetime(2026, 3, 2, 9, 5, tzinfo=SHANGHAI)
        async with House(tmp_path, start=start, risk={"max_price_drift": 0.03}, **HOURS) as house, Joined(house) as jq:
            jq.platform.prices[CODE] = 10.0
            await jq.run("buy", CODE, 1000)
            house.market(CODE, last="10.91", prev_close="10.00", opening="10.40")
            await jq.to("09:31")
            await house.sweep()
            order = (await all_orders(house))[0]
            [done] = await house.done(order.signal_id)
            assert done.reason is Reason.PRICE_DRIFT

    async def test_a_sell_is_never_ended_by_the_guard(self, tmp_path: Path) -> None:
        async with House(tmp_path, risk={"max_price_drift": 0.03}, **HOURS) as house, Joined(house) as jq:
            house.market(CODE)
            jq.platform.prices[CODE] = 10.0
            await jq.run("buy", CODE, 1000)
            await house.settled()
            await jq.to("15:31")
            await jq.next_morning()
            await jq.to("09:05")
            await jq.run("buy", CODE, -500)
            house.market(CODE, last="9.20", prev_close="10.00", opening="9.80")
            await jq.to("09:31")
            await house.sweep()
            sell = (await in_market(house, 1))[0]
            [attempt] = await house.attempts(sell)
            assert attempt.price == Decimal("9.51")

    @pytest.mark.parametrize(("minute", "reason"), [(20, None), (30, None), (34, Reason.STALE), (36, Reason.LATE)])
    async def test_what_comes_by_a_relay_grows_old_from_the_open_on(
        self, tmp_path: Path, minute: int, reason: Reason | None
    ) -> None:
        """The PC slept since 9:05; JoinQuant fills the order at 9:30."""
        start = datetime(2026, 3, 2, 9, minute, tzinfo=SHANGHAI)
        async with House(tmp_path, start=start, **HOURS) as house:
            house.market(CODE)
            age_s = (minute - 5) * 60
            signal_id = await house.send("demo", CODE, "buy", 1000, status="new", filled=0, price=None, age_s=age_s)
            if minute < 30:
                await house.until(lambda tx: tx.orders.of_signal(signal_id)[0].waiting_for is WaitingFor.SESSION)
                house.forward(10 * 60 + 1)
                house.market(CODE)
                await house.sweep()
            [order] = await house.done(signal_id)
            assert (order.reason, order.filled) == (reason, 0 if reason else 1000)

    async def test_over_night_it_is_held_for_the_next_trading_day(self, tmp_path: Path) -> None:
        start = datetime(2026, 2, 27, 16, 0, tzinfo=SHANGHAI)  # a Friday
        async with House(tmp_path, start=start, **HOURS) as house:
            signal_id = await house.send("demo", CODE, "buy", 1000, status="new", filled=0)
            order = await house.until(lambda tx: next(iter(tx.orders.of_signal(signal_id)), None))
            assert (order.day.isoformat(), f"{order.wait_until:%m-%d %H:%M}") == ("2026-03-02", "03-02 09:30")
            await house.restart()
            house.forward(24 * 3600)
            await house.sweep()
            assert (await all_orders(house))[0].waiting_for is WaitingFor.SESSION
            house.forward(41.6 * 3600)
            house.market(CODE)
            await house.sweep()
            [done] = await house.done(signal_id)
            assert done.state is OrderState.FILLED


class TestRow7:
    """Baskets and borrowed money."""

    async def test_baskets_are_followed_and_borrowed_money_is_not(self, tmp_path: Path) -> None:
        async with House(tmp_path, wecom=True) as house, Joined(house) as jq:
            for code in (CODE, OTHER):
                house.market(code)
                jq.platform.prices[code] = 10.0
            basket = [
                {"security": CODE, "amount": 100},
                {"security": OTHER, "amount": 200, "style": LimitOrderStyle(9.5)},
            ]
            placed = await jq.run("call", "batch_submit_orders", basket)
            await in_market(house, 1)
            await jq.run("call", "batch_cancel_orders", placed[1:])
            await house.settled()
            assert [(o.security, o.filled) for o in await all_orders(house)] == [(SYMBOL, 100), ("600000.SH", 0)]
            await jq.run("call", "margincash_open", CODE, 500)
            await jq.run("call", "marginsec_open", CODE, 500)
            await house.until(lambda tx: len([s for s in tx.signals.list() if s.reason is Reason.MARGIN]) == 2)
            assert len(await all_orders(house)) == 2
            await house.told("❌ 未跟", "融资融券")


class TestRow8:
    """Order functions elsewhere, and what was never told."""

    async def test_those_of_a_helper_file_are_followed(self, tmp_path: Path) -> None:
        helper = "from kuanke.user_space_api import *\n\ndef bought(code, n):\n    return order(code, n)\n"
        source = (
            "import jqfollow_client_demo\nimport my_tools\nbuy_now = order\n"
            "def process_initialize(context):\n    jqfollow_client_demo.install(globals(), context, 'demo')\n"
            "def by_helper(context, code, n):\n    return my_tools.bought(code, n)\n"
            "def by_name(context, code, n):\n    return buy_now(code, n)\n"
        )
        async with House(tmp_path) as house, Joined(house, source, helpers={"my_tools": helper}) as jq:
            house.market(CODE)
            jq.platform.prices[CODE] = 10.0
            await jq.run("by_helper", CODE, 100)
            await jq.run("by_name", CODE, 200)
            await house.settled()
            assert [o.filled for o in await all_orders(house)] == [100, 200]

    async def test_what_was_never_told_is_an_alert_after_the_close(self, tmp_path: Path) -> None:
        async with House(tmp_path, wecom=True) as house, Joined(house) as jq:
            jq.platform.prices[CODE] = 10.0
            await asyncio.to_thread(jq.platform.place, CODE, 700, None, "long")  # by nobody's function
            await jq.to("10:30")  # a minute strategy finds it, too late when nothing runs; here in time
            text = {
                "kind": "notice",
                "run": "sim_trade",
                "made_at": int(house.clock.now().timestamp() * 1000),
                "untold": [
                    {"id": "9", "security": CODE, "is_buy": True, "amount": 700, "filled": 700, "status": "held"}
                ],
                "missing": [{"id": "8"}],
            }
            await house.deliver("demo", json.dumps(text))
            await house.told("没有告诉本机", "买入", SYMBOL, "700")
            await house.told("聚宽今天的列表里没有", "订单 8")


class TestRow9:
    """Two processes with one key."""

    async def test_both_alive_is_an_alert_and_no_refusal(self, tmp_path: Path) -> None:
        async with House(tmp_path, wecom=True) as house:
            house.market(CODE)
            for number, process in enumerate(("a", "b", "a"), 1):
                seq = {"a": (number + 1) // 2, "b": 1}[process]
                text = json.loads(house.order_text("demo", CODE, "buy", 100, price="10.00"))
                await house.deliver("demo", json.dumps(text | {"proc": process, "seq": seq}))
                house.forward(1)
            await house.settled()
            assert sum(o.filled for o in await all_orders(house)) == 300
            await house.told("两个进程同时在发信号")

    async def test_a_restart_is_none(self, tmp_path: Path) -> None:
        async with House(tmp_path, wecom=True) as house, Joined(house) as jq:
            house.market(CODE)
            jq.platform.prices[CODE] = 10.0
            await jq.run("buy", CODE, 100)
            await asyncio.to_thread(jq.platform.restart)
            await jq.run("buy", CODE, 100)
            await house.settled()
            assert "两个进程" not in str(await house.ledger.read(lambda tx: tx.outbox.list()))

    async def test_another_name_is_refused_by_the_client(self, tmp_path: Path) -> None:
        source = (
            "import jqfollow_client_demo\n"
            "def process_initialize(context):\n    jqfollow_client_demo.install(globals(), context, 'other')\n"
            "def buy(context, code, n):\n    return order(code, n)\n"
        )
        async with House(tmp_path) as house, Joined(house, source) as jq:
            jq.platform.prices[CODE] = 10.0
            await jq.run("buy", CODE, 100)
            assert await all_orders(house) == []
            assert any("other" in text for text in jq.warnings)


class TestRow10:
    """What cannot be delivered."""

    async def test_the_service_is_told_which(self, tmp_path: Path) -> None:
        async with House(tmp_path, wecom=True) as house, Joined(house) as jq:
            for code in (CODE, OTHER):
                house.market(code)
                jq.platform.prices[code] = 10.0
            port = house.service.signals_port
            assert port is not None
            follow = jq.platform.namespace["client"]._JqFollow
            url, follow.URL = follow.URL, "http://127.0.0.1:9"
            await jq.run("buy", CODE, 700)
            house.forward(61)
            follow.URL = url
            await jq.run("buy", OTHER, 100)
            await house.settled()
            assert [o.security for o in await all_orders(house)] == ["600000.SH"]
            await house.told("没有送达", "买入 000001.XSHE 700")
            assert [text for _, text in jq.platform.sent if "没" in text]
            house.forward(120)
            await house.service.parts.follower.tell_gaps(house.clock.now())
            assert "少了" not in str(await house.ledger.read(lambda tx: tx.outbox.list()))


class TestRow11:
    """A second simulation with the same key."""

    async def test_the_answer_and_the_log_say_so(self, tmp_path: Path) -> None:
        async with House(tmp_path) as house:
            house.market(CODE)
            async with Joined(house) as first:
                first.platform.prices[CODE] = 10.0
                await first.run("buy", CODE, 100)
            async with Joined(house) as second:
                second.platform.prices[CODE] = 10.0
                await second.run("buy", CODE, 100)
                assert any("已由信号" in text for text in second.warnings)
                assert not any("已送达 买入" in text for _, text in second.platform.log.lines)
            await house.settled()
            assert len(await all_orders(house)) == 1

    async def test_the_answer_to_a_copy_says_it_too(self, tmp_path: Path) -> None:
        async with House(tmp_path) as house:
            house.market(CODE)
            await house.send("demo", CODE, "buy", 100, price="10.00", order_id="5")
            text = house.order_text("demo", CODE, "buy", 100, price="10.00", order_id="5")
            answers = [(await house.deliver("demo", text, message_id="again")).json() for _ in range(2)]
            assert [(a["status"], a["why"]) for a in answers] == [("accepted", "replayed"), ("duplicate", "replayed")]
            assert all("已由信号" in a["detail"] for a in answers)


class TestRow12:
    """The original client, and what is not live."""

    async def test_an_open_order_of_the_original_client_is_refused(self, tmp_path: Path) -> None:
        async with House(tmp_path, strategies=SEED, wecom=True) as house:
            house.market(CODE)
            answer = await house.send_seed("不再使用的密码", CODE, "buy", 1000, price="nan", 状态="open", 已经成交="0")
            assert answer.status_code == 200
            row = await house.signal(answer.json()["signal_id"])
            assert row.reason is Reason.SEED_OPEN_ORDER
            assert await all_orders(house) == []
            await house.told("❌ 未跟", "原版客户端")

    async def test_a_backtest_changes_nothing_live(self, tmp_path: Path) -> None:
        async with House(tmp_path, strategies=SEED) as house:
            house.market(CODE)
            bought = await house.send_seed("不再使用的密码", CODE, "buy", 1000, price="10.00")
            await house.done(bought.json()["signal_id"])
            house.forward(86_400)
            past = {"订单添加时间": "2025-06-03 10:00:00"}
            for _ in range(4):
                await house.send_seed("不再使用的密码", CODE, "sell", 200, price="10.00", **past)
            sold = await house.send_seed("不再使用的密码", CODE, "sell", 200, price="10.00")
            [order] = await house.done(sold.json()["signal_id"])
            assert not order.closes
            assert await house.ledger.read(lambda tx: tx.signals.position("demo", SYMBOL)) == 800


class TestRow13:
    """Numbers that are missing."""

    async def test_a_gap_of_a_minute_is_an_alert_with_its_times(self, tmp_path: Path) -> None:
        async with House(tmp_path, wecom=True) as house:
            house.market(CODE)

            async def send(seq: int, made: datetime) -> None:
                text = json.loads(house.order_text("demo", CODE, "buy", 100, price="10.00"))
                made_at = int(made.timestamp() * 1000)
                await house.deliver("demo", json.dumps(text | {"proc": "p1", "seq": seq, "made_at": made_at}))

            await send(1, MONDAY)
            house.forward(10)
            await send(4, MONDAY + timedelta(seconds=10))
            await house.service.parts.follower.tell_gaps(house.clock.now())
            await send(3, MONDAY + timedelta(seconds=5))  # late, not lost
            house.forward(61)
            await house.service.parts.follower.tell_gaps(house.clock.now())
            text = await house.told("少了 1 条消息")
            assert "第 2 条" in text
            assert "10:00:00 之后、10:00:10 之前" in text
            await house.service.parts.follower.tell_gaps(house.clock.now())
            rows = await house.ledger.read(lambda tx: [o for o in tx.outbox.list() if "少了" in o.text])
            assert len(rows) == 1

    async def test_a_billion_missing_numbers_cost_one_row(self, tmp_path: Path) -> None:
        async with House(tmp_path) as house:
            for seq in (1, 10**9, 5):
                text = json.loads(house.order_text("demo", CODE, "buy", 100, price="10.00"))
                await house.deliver("demo", json.dumps(text | {"proc": "p1", "seq": seq}))
            gaps = await house.ledger.read(lambda tx: tx.processes.gaps("demo"))
            assert sorted((gap.first, gap.last) for gap in gaps) == [(2, 4), (6, 10**9 - 1)]


async def test_the_positions_report_counts_only_whole(tmp_path: Path) -> None:
    async with House(tmp_path) as house, Joined(house) as jq:
        codes = [f"{600000 + n}.XSHG" for n in range(30)]
        for code in codes:
            jq.platform.prices[code] = 10.0
            await jq.run("buy", code, 100)
        await jq.run("buy", CODE, 300, LimitOrderStyle(1.0))
        await jq.to("15:31")
        report = await house.until(lambda tx: tx.reports.newest("demo"))
        assert (len(report.holdings), report.session) == (30, "close")
        parts = await house.ledger.read(lambda tx: tx.signals.list(kind=SignalKind.POSITIONS))
        assert len(parts) > 1
        await jq.next_morning()
        await jq.to("09:06")
        later = await house.until(lambda tx: r if (r := tx.reports.newest("demo")) and r.session == "open" else None)
        assert later.holdings["600000.SH"].held == 100
        assert await house.ledger.read(lambda tx: tx.signals.positions("demo")) == {
            f"{600000 + n}.SH": 100 for n in range(30)
        }


def test_the_emulated_joinquant_is_not_our_client() -> None:
    """Written from the manual: nothing of it knows how orders are followed."""
    assert "jqfollow" not in (Path(__file__).parents[1] / "joinquant" / "engine.py").read_text(encoding="utf-8")
    assert Platform.__module__ == "joinquant"
