"""The client in an emulated JoinQuant, by the number of what was once seen: what the service is told of it."""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from joinquant import LimitOrderStyle, OrderStatus, Platform, StopLimitOrderStyle, StopMarketOrderStyle
from jqfollow.wire.client_file import module_name, render_client
from jqfollow.wire.messages import parse_text
from wire.clients import KEY, Times, platform, rendered, timed
from wire.service import Service

CODE, OTHER = "000001.XSHE", "600000.XSHG"
MORNING = datetime(2026, 1, 5, 8, 55)  # noqa: DTZ001 - JoinQuant's times have no zone


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def service() -> Iterator[Service]:
    with Service(key=KEY) as started:
        yield started


def client(service: Service, times: Times) -> str:
    return timed(rendered(service.url), times)


def warnings(running: Platform) -> list[str]:
    return [text for level, text in running.log.lines if level != "info"]


def orders(service: Service) -> list[dict[str, Any]]:
    return [text["order"] for text in service.orders]


def news(service: Service, name: str) -> list[dict[str, Any]]:
    return [entry for text in service.texts.values() for entry in text.get(name, [])]


def every_text_is_read(service: Service) -> None:
    for text in service.texts.values():
        parse_text(json.dumps(text))
    assert max(service.sizes) < 1024


class TestRow1:
    """JoinQuant's engine cancels: order_target and order_target_value, of the same code, first."""

    @pytest.mark.parametrize("live", [True, False])
    @pytest.mark.parametrize(("name", "value"), [("order_target", 1000), ("order_target_value", 10_000)])
    def test_the_end_arrives_with_the_order_that_caused_it(
        self, service: Service, times: Times, name: str, value: int, live: bool
    ) -> None:
        with platform(client(service, times), orders_live=live) as running:
            for limit in (9.5, 9.6, 9.7):
                running.run("call", name, CODE, value, LimitOrderStyle(limit))
            alive = [key for key, one in running.orders.items() if one.status is OrderStatus.open]
        assert [order["limit"] for order in orders(service)] == ["9.5", "9.6", "9.7"]
        first, second, third = service.orders
        assert "ended" not in first
        assert second["ended"] == [{"id": "1600001", "day": "2026-01-05", "filled": 0, "status": "canceled"}]
        assert third["ended"] == [{"id": "1600002", "day": "2026-01-05", "filled": 0, "status": "canceled"}]
        assert alive == ["1600003"]
        every_text_is_read(service)

    def test_two_orders_add_up_and_nothing_ends(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 500, LimitOrderStyle(9.5))
            running.run("buy", CODE, 300, LimitOrderStyle(9.6))
            running.run("buy", OTHER, 300)
        assert news(service, "ended") == []
        assert [text["position"].get("resting_buy") for text in service.orders] == [500, 800, None]

    def test_an_end_without_a_new_order_is_told_by_itself(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 500, LimitOrderStyle(9.5))
            assert running.run("call", "order_target", CODE, 0) is None
        [notice] = service.of_kind("notice")
        assert [one["id"] for one in notice["ended"]] == ["1600001"]
        assert notice["holdings"] == {CODE: {"amount": 0, "closeable": 0}}

    def test_without_a_list_orders_of_yesterday_are_no_news(self, service: Service, times: Times) -> None:
        strategy = "\n_JqFollow.tools['get_orders'] = None\n"
        with platform(client(service, times), pasted=True, strategy=strategy) as running:
            running.run("buy", CODE, 500)
            running.to("15:31")
            running.next_day()
            running.run("buy", OTHER, 300)
        assert warnings(running) == []
        assert [order["amount"] for order in orders(service)] == [500, 300]

    def test_without_a_list_the_order_objects_tell(self, service: Service, times: Times) -> None:
        strategy = "\n_JqFollow.tools['get_orders'] = None\n"
        with platform(client(service, times), pasted=True, strategy=strategy) as running:
            running.run("call", "order_target", CODE, 500, LimitOrderStyle(9.5))
            running.run("call", "order_target", CODE, 800, LimitOrderStyle(9.6))
        assert [one["id"] for one in news(service, "ended")] == ["1600001"]


class TestRow2:
    """What of a limit order was filled when it ended."""

    def test_filled_in_part_and_ended(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 1000, LimitOrderStyle(9.5))
            running.prices[CODE], running.engine.volumes[CODE] = 9.4, 300
            running.bar()
            running.prices[CODE] = 10.0
            running.bar()
            running.run("call", "order_target", CODE, 500)
        assert news(service, "progress") == [{"id": "1600001", "day": "2026-01-05", "filled": 300, "status": "filled"}]
        assert news(service, "ended") == [{"id": "1600001", "day": "2026-01-05", "filled": 300, "status": "canceled"}]

    def test_filled_wholly_is_no_end(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 1000, LimitOrderStyle(9.5))
            running.fill(CODE)
            running.bar()
            running.bar()
        assert news(service, "ended") == []
        assert [one["status"] for one in news(service, "progress")] == ["held"]
        assert service.of_kind("notice")[0]["holdings"][CODE]["amount"] == 1000

    def test_nothing_is_sent_per_bar(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 1000, LimitOrderStyle(9.5))
            before = len(service.seen)
            running.to("11:30")
        assert len(service.seen) == before

    def test_the_day_ends_what_rests(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 1000, LimitOrderStyle(9.5))
            running.to("15:31")
            running.next_morning()
            running.to("09:40")
        assert [one["id"] for one in news(service, "ended")] == ["1600001"]
        assert news(service, "untold") == news(service, "missing") == []


class TestRow3:
    """Stops."""

    @pytest.mark.parametrize(
        ("style", "told"),
        [
            (StopMarketOrderStyle("stop_loss", 9.0), ("market", None)),
            (StopLimitOrderStyle("stop_loss", 9.0, 8.8), ("limit", "8.8")),
            (StopMarketOrderStyle("take_profit", 11.0), ("market", None)),
        ],
    )
    def test_followed_when_triggered(self, service: Service, times: Times, style: Any, told: object) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 1000)
            running.next_day()
            running.run("buy", CODE, -1000, style)
            running.bar()
            assert len(service.orders) == 1, "nothing before its price has come"
            running.prices[CODE] = style.stop_price
            running.bar()
            running.bar()
        stop = orders(service)[1]
        assert (stop["style"], stop.get("limit"), stop["status"]) == (*told, "held")
        assert service.orders[1]["position"]["amount"] == 0
        assert [one.get("refuse") for one in orders(service)] == [None, None]

    def test_a_stop_limit_that_is_filled_in_part_is_followed_at_its_limit(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 1000)
            running.next_day()
            running.run("buy", CODE, -1000, StopLimitOrderStyle("stop_loss", 9.0, 8.8))
            running.prices[CODE], running.engine.volumes[CODE] = 9.0, 300
            running.bar()
            running.bar()
            running.run("call", "cancel_order", "1600002")
        stop, canceled = orders(service)[1:]
        assert (stop["status"], stop["filled"], stop["limit"]) == ("filled", 300, "8.8")
        assert news(service, "progress")[0]["filled"] == 600
        assert (canceled["status"], canceled["filled"]) == ("canceled", 600)

    def test_triggered_as_it_is_placed(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 500, StopMarketOrderStyle("stop_loss", 9.0))
        assert [(one["style"], one["status"]) for one in orders(service)] == [("market", "held")]

    @pytest.mark.parametrize(
        ("options", "strategy"),
        [({"frequency": "day"}, ""), ({}, "\ndef handle_data(context, data):\n    pass\n"), ({"run_type": "x"}, "")],
    )
    def test_refused_at_once_where_nothing_sees_it(
        self, service: Service, times: Times, options: dict[str, Any], strategy: str
    ) -> None:
        with platform(client(service, times), strategy=strategy, **options) as running:
            running.run("buy", CODE, 1000)
            running.next_day()
            running.run("buy", CODE, -1000, StopMarketOrderStyle("stop_loss", 9.0))
            running.run("buy", CODE, -100)
        stop = orders(service)[1]
        assert (stop["refuse"], stop["style"], stop["stop"]) == ("stop_order", "stop_market", "9")
        assert len(warnings(running)) == 1
        assert service.orders[2]["position"].get("resting_sell") is None, "an untriggered stop locks nothing"

    @pytest.mark.parametrize("end", ["canceled", "the day", "no money"])
    def test_never_triggered_is_never_told(self, service: Service, times: Times, end: str) -> None:
        with platform(client(service, times)) as running:
            stop = running.run("buy", CODE, 500, StopMarketOrderStyle("stop_loss", 11.0))
            if end == "canceled":
                running.run("call", "cancel_order", stop)
            elif end == "no money":
                running.context.subportfolios[0].available_cash = 0
                running.prices[CODE] = 12.0
                running.bar()
                assert stop.status is OrderStatus.rejected
            running.to("15:31")
        assert orders(service) == news(service, "ended") == news(service, "untold") == []

    @pytest.mark.parametrize("pickles", ["g", "globals"])
    def test_watched_over_a_restart(self, service: Service, times: Times, pickles: str) -> None:
        with platform(client(service, times), pickles=pickles) as running:
            running.run("buy", CODE, 500, StopMarketOrderStyle("stop_loss", 11.0))
            running.restart()
            running.prices[CODE] = 11.0
            running.bar()
            running.bar()
        assert [(one["order_id"], one["status"]) for one in orders(service)] == [("1600001", "held")]

    @pytest.mark.parametrize("name", ["IcebergOrderStyle", "LimitOrderStyleOfTomorrow"])
    def test_an_unknown_style_is_told_and_refused(self, service: Service, times: Times, name: str) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 500, type(name, (), {})())
        assert [(one["style"], one["refuse"]) for one in orders(service)] == [(name, "unknown_style")]
        assert len(warnings(running)) == 1


class TestRow4:
    """Ended with something filled."""

    def test_rejected_by_the_exchange(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.engine.rejects[CODE] = 300
            running.run("buy", CODE, 1000)
        [text] = service.orders
        assert (text["order"]["status"], text["order"]["filled"]) == ("rejected", 300)
        assert (text["position"]["amount"], text["position"]["held"]) == (300, 300)

    def test_a_market_order_in_a_backtest_whose_rest_is_canceled(self, service: Service, times: Times) -> None:
        with platform(client(service, times), run_type="full_backtest") as running:
            running.engine.volumes[CODE] = 400
            running.run("buy", CODE, 1000)
        [text] = service.orders
        assert (text["order"]["status"], text["order"]["filled"]) == ("canceled", 400)
        assert text["position"]["amount"] == 400


class TestRow5:
    """Held and resting apart."""

    def test_a_closing_sell_beside_a_resting_buy(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 1000)
            running.next_day()
            running.run("buy", CODE, 500, LimitOrderStyle(9.5))
            running.run("buy", CODE, -1000)
        position = service.orders[-1]["position"]
        assert position == {"amount": 0, "closeable": 0, "held": 0, "resting_buy": 500}
        assert news(service, "ended") == []

    def test_what_a_resting_sell_has_locked_is_held(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 1000)
            running.next_day()
            running.run("buy", CODE, -600, LimitOrderStyle(11))
        assert service.orders[-1]["position"] == {
            "amount": 400, "closeable": 400, "held": 1000, "resting_sell": 600, "locked": 600,
        }  # fmt: skip

    def test_sub_portfolios_are_added_up(self, service: Service, times: Times) -> None:
        strategy = """
def initialize(context):
    set_subportfolios([SubPortfolioConfig(500000, "stock"), SubPortfolioConfig(500000, "stock")])
def trade(context, amount, pindex):
    return order("000001.XSHE", amount, pindex=pindex)
"""
        with platform(client(service, times), strategy=strategy) as running:
            running.run("trade", 300, 0)
            running.run("trade", 500, 1)
            running.next_day()
            running.run("trade", -300, 0)
        assert [text["position"]["held"] for text in service.orders] == [300, 800, 500]


class TestRow6:
    """Before the open."""

    def test_told_as_new_without_a_price_then_filled(self, service: Service, times: Times) -> None:
        strategy = """
def initialize(context):
    run_daily(trade, time="9:30")
def trade(context):
    order("000001.XSHE", 1000)
"""
        with platform(client(service, times), strategy=strategy, now=MORNING) as running:
            running.to("09:32")
        [text] = service.orders
        assert (text["order"]["status"], text["order"]["price"], text["order"]["filled"]) == ("new", None, 0)
        assert text["position"] == {"amount": 1000, "closeable": 0, "held": 0, "resting_buy": 1000}
        assert [(one["filled"], one["status"]) for one in news(service, "progress")] == [(1000, "held")]
        assert [text["kind"] for text in service.texts.values()] == ["hello", "positions", "order", "notice"]

    def test_over_night(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.to("15:31")
            running.run("buy", CODE, 1000)
            running.next_morning()
            running.to("09:32")
        assert [one["status"] for one in orders(service)] == ["new"]
        assert news(service, "ended") == []
        assert [(one["day"], one["status"]) for one in news(service, "progress")] == [("2026-01-05", "held")]


class TestRow7:
    """Baskets, and borrowed money."""

    @pytest.mark.parametrize("gives", ["orders", "ids", "dict", "nothing"])
    def test_baskets(self, service: Service, times: Times, gives: str) -> None:
        with platform(client(service, times), batch_returns=gives) as running:
            basket = [
                {"security": CODE, "amount": 300},
                {"security": OTHER, "amount": 200, "style": LimitOrderStyle(9.5)},
            ]
            running.namespace["batch_submit_orders"](basket)
            running.namespace["batch_cancel_orders"](["1600001", "1600002"])
            running.bar()
        told = [(one["security"], one["status"], one["limit"]) for one in orders(service)]
        if gives == "nothing":
            assert told == [(CODE, "held", None)], "nobody knows the other one's limit: followed when it is filled"
            return
        assert told[:2] == [(CODE, "held", None), (OTHER, "open", "9.5")]
        assert told[2:] == [(OTHER, "canceled", "9.5")]

    @pytest.mark.parametrize("name", ["margincash_open", "margincash_close", "marginsec_open", "marginsec_close"])
    def test_borrowed_money_is_told_and_refused(self, service: Service, times: Times, name: str) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 1000)
            running.next_day()
            running.run("call", name, CODE, 300)
        assert [one.get("refuse") for one in orders(service)] == [None, "margin"]
        assert len(warnings(running)) == 1
        every_text_is_read(service)


HELPER = """
from kuanke.user_space_api import *
buy = order
class Trader(object):
    sell = staticmethod(order)
    def go(self, code, amount):
        return order(code, amount)
TABLE = {"o": order}
LIST = [order]
def go(code, amount):
    return order(code, amount)
"""


class TestRow8:
    """Order functions wherever a strategy keeps them."""

    CALLS = (
        "tools.go('000001.XSHE', 100)",
        "tools.buy('000001.XSHE', 100)",
        "tools.Trader().go('000001.XSHE', 100)",
        "tools.Trader.sell('000001.XSHE', 100)",
        "tools.TABLE['o']('000001.XSHE', 100)",
        "tools.LIST[0]('000001.XSHE', 100)",
        "mine('000001.XSHE', 100)",
        "g.buy('000001.XSHE', 100)",
        "g.trader.buy('000001.XSHE', 100)",
    )

    @pytest.mark.parametrize("call", CALLS)
    def test_reached(self, service: Service, times: Times, call: str) -> None:
        strategy = f"""
import tools
mine = order
class Own(object):
    pass
def initialize(context):
    g.buy, g.trader = order, Own()
    g.trader.buy = order
def go(context):
    return {call}
"""
        with platform(client(service, times), strategy=strategy, helpers={"tools": HELPER}) as running:
            assert running.run("go").amount == 100
            running.restart()
            assert running.run("go").amount == 100
        assert [one["amount"] for one in orders(service)] == [100, 100]
        assert [one.get("found") for one in orders(service)] == [None, None]
        assert warnings(running) == []

    @pytest.mark.parametrize(
        ("held", "call"),
        [
            ("PAIR = (order, 1)", "PAIR[0]"),
            ("import functools\nHALF = functools.partial(order, '000001.XSHE')", "lambda _, amount: HALF(amount)"),
            ("def default(code, amount, place=order):\n    return place(code, amount)", "default"),
        ],
    )
    def test_out_of_reach_is_named_and_found(self, service: Service, times: Times, held: str, call: str) -> None:
        strategy = f"\n{held}\ndef go(context):\n    return ({call})('000001.XSHE', 300)\n"
        with platform(client(service, times), strategy=strategy) as running:
            name = (
                held.split("\n")[-1 if "HALF" in held else 0]
                .split("(", maxsplit=1)[0]
                .replace("def ", "")
                .split(" =")[0]
            )
            assert [name in text for text in warnings(running)] == [True]
            assert service.of_kind("hello")[0]["unreached"] == [name]
            running.run("go")
            assert orders(service) == []
            running.bar()
        assert [(one["amount"], one["found"]) for one in orders(service)] == [(300, True)]

    def test_found_too_late_is_an_alert_after_the_close(self, service: Service, times: Times) -> None:
        strategy = "\nPAIR = (order,)\ndef go(context):\n    return PAIR[0]('000001.XSHE', 300)\n"
        with platform(client(service, times), strategy=strategy, frequency="day") as running:
            running.run("go")
            running.to("15:31")
        assert orders(service) == []
        assert [(one["id"], one["amount"], one["filled"]) for one in news(service, "untold")] == [("1600001", 300, 300)]
        every_text_is_read(service)

    def test_a_limit_order_that_is_found_is_followed_when_it_is_filled(self, service: Service, times: Times) -> None:
        strategy = "\nPAIR = (order,)\ndef go(context, style):\n    return PAIR[0]('000001.XSHE', 300, style)\n"
        with platform(client(service, times), strategy=strategy) as running:
            running.run("go", LimitOrderStyle(9.5))
            running.bar()
            assert orders(service) == []
            running.fill(CODE)
            running.bar()
        assert [(one["status"], one["found"]) for one in orders(service)] == [("held", True)]

    def test_a_process_initialize_of_its_own(self, service: Service, times: Times) -> None:
        strategy = "\ndef process_initialize(context):\n    g.mine = 1\n"
        with platform(client(service, times), pasted=True, strategy=strategy) as running:
            running.run("buy", CODE, 300)
            assert running.schedules != []
        assert [text["kind"] for text in service.texts.values()] == ["order", "hello"], "the order comes first"
        assert len(warnings(running)) == 1

    def test_an_order_that_vanished_is_told(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 300)
            del running.orders["1600001"]
            running.to("15:31")
        assert news(service, "missing") == [{"id": "1600001"}]

    def test_unscheduled_with_the_strategys_own_tasks(self, service: Service, times: Times) -> None:
        strategy = "\ndef after_code_changed(context):\n    unschedule_all()\n"
        with platform(client(service, times), strategy=strategy) as running:
            before = list(running.schedules)
            running.change_code(running.source)
            assert running.schedules == before != []


class TestRow9:
    """One research root for all strategies of a user."""

    @pytest.mark.parametrize("named", ["", ", 'another'", ", strategy='demo2'"])
    def test_another_strategys_file_is_refused(self, service: Service, times: Times, named: str) -> None:
        strategy = f"""
def process_initialize(context):
    jqfollow_client_demo.install(globals(), context{named})
"""
        with platform(client(service, times), strategy=strategy) as running:
            assert running.run("buy", CODE, 100).amount == 100
            running.to("15:31")
            assert len(warnings(running)) == 1
            assert len(running.sent) == 1
        assert service.seen == []

    def test_the_file_is_called_after_its_strategy(self) -> None:
        text = render_client(url="http://h", key_text=KEY.text, strategy="a.b-1")
        module = module_name("a.b-1")
        assert module.startswith("jqfollow_client_a_b_1_")
        assert f"import {module}\n" in text
        assert f"{module}.install(globals(), context, 'a.b-1')" in text
        assert len({module_name(name) for name in ("a.b-1", "a_b_1", "a-b.1", "a.b.1")}) == 4

    def test_two_strategies_beside_each_other(self, times: Times) -> None:
        with Service(key=KEY) as one, Service(key=KEY) as two:
            texts = {
                f"jqfollow_client_{name}": timed(
                    render_client(url=service.url, key_text=KEY.text, strategy=name), times
                )
                for name, service in (("one", one), ("two", two))
            }
            for name in ("one", "two"):
                source = f"""
import jqfollow_client_{name}
def process_initialize(context):
    jqfollow_client_{name}.install(globals(), context, "{name}")
def go(context):
    order("000001.XSHE", 100)
"""
                with Platform(source, helpers=texts) as running:
                    running.run("go")
            assert [envelope.kid for envelope in one.seen] == ["one", "one"]
            assert [envelope.kid for envelope in two.seen] == ["two", "two"]
            assert len({text["proc"] for text in [*one.texts.values(), *two.texts.values()]}) == 2

    def test_the_greeting_names_strategy_and_accounts(self, service: Service, times: Times) -> None:
        service.hello = {"version": "1", "accounts": [{"account": "main", "can_trade": True, "why": ""}]}
        with platform(client(service, times)) as running:
            told = "\n".join(text for _, text in running.log.lines)
        assert "策略 demo" in told
        assert "main" in told


class TestRow10:
    """What cannot be delivered."""

    def test_a_pc_that_died_at_ten_is_known_at_ten(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            service.modes = [500] * 10_000
            for amount in (100, 200, 300):
                running.run("buy", CODE, amount)
            assert len(running.sent) == 1
            assert "100" in running.sent[0][1]
            times.now += 61
            running.to("15:31")
            assert len(running.sent) == 2
            assert "3 笔" in running.sent[1][1]

    def test_what_can_no_longer_be_followed_is_dropped_and_named(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            service.modes = [500] * 10_000
            running.run("buy", CODE, 100)
            running.run("buy", OTHER, 200)
            times.now += 61
            service.modes = []
            running.run("buy", CODE, 300)
            running.bar()
        assert [one["amount"] for one in orders(service)] == [300]
        lost = news(service, "dropped")
        assert [(one["seq"], one["id"]) for one in lost] == [(2, "1600001"), (3, "1600002")]
        assert "200" in lost[1]["what"]
        assert sorted(text["seq"] for text in service.texts.values()) == [1, 4, 5], "what is missing is named"

    def test_an_end_is_never_too_old(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            placed = running.run("buy", CODE, 100, LimitOrderStyle(9.5))
            service.modes = [500] * 10_000
            running.run("call", "cancel_order", placed)
            times.now += 600
            service.modes = []
            running.bar()
        assert [one["status"] for one in orders(service)] == ["open", "canceled"]

    def test_what_a_dropped_message_would_have_told_of_others_goes_with_the_next(
        self, service: Service, times: Times
    ) -> None:
        with platform(client(service, times)) as running:
            running.run("call", "order_target", CODE, 500, LimitOrderStyle(9.5))
            service.modes = [500] * 10_000
            running.run("call", "order_target", CODE, 800, LimitOrderStyle(9.6))
            times.now += 61
            service.modes = []
            running.bar()
        assert [one["id"] for one in news(service, "ended")] == ["1600001"]

    @pytest.mark.parametrize("pickles", ["g", "globals"])
    def test_what_waits_outlives_the_process(self, service: Service, times: Times, pickles: str) -> None:
        with platform(client(service, times), pickles=pickles) as running:
            service.modes = [500] * 10_000
            running.run("buy", CODE, 100)
            service.modes = []
            running.restart()
            running.bar()
            service.modes = [500] * 10_000
            running.run("buy", CODE, 200)
            times.now += 61
            service.modes = []
            running.restart()
            running.bar()
        assert [one["amount"] for one in orders(service)] == [100]
        assert [(one["id"], "proc" in one) for one in news(service, "dropped")] == [("1600002", True)]

    def test_a_refusal_by_the_service_is_a_loss_too(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            service.modes = [401]
            running.run("buy", CODE, 100)
            running.run("buy", CODE, 200)
            assert len(running.sent) == 1
        assert [one["id"] for one in news(service, "dropped")] == ["1600001"]

    def test_a_backtest_sends_no_messages_to_anyone(self, service: Service, times: Times) -> None:
        service.modes = [500] * 10_000
        with platform(client(service, times), run_type="full_backtest") as running:
            running.run("buy", CODE, 100)
            assert running.sent == []


def test_row_11_the_log_says_what_the_answer_says(service: Service, times: Times) -> None:
    service.told = {"why": "replayed", "detail": "聚宽订单 1600001 已由信号 17 跟过"}
    with platform(client(service, times)) as running:
        running.run("buy", CODE, 100)
    [text] = warnings(running)
    assert "已由信号 17 跟过" in text
    assert not any("已送达" in text for _, text in running.log.lines)


class TestRow13:
    """Numbered messages."""

    def test_numbered_in_each_process(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 100)
            running.run("buy", CODE, 100, LimitOrderStyle(9.5))
            running.to("15:31")
            running.next_morning()
            running.to("09:30")
            running.run("buy", CODE, 100)
        by_process: dict[str, list[int]] = {}
        for text in service.texts.values():
            by_process.setdefault(text["proc"], []).append(text["seq"])
        assert len(by_process) == 2
        assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in by_process.values())


class TestReports:
    """All that is held, twice a day."""

    def test_before_the_open_whole_and_apart(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            for n in range(50):
                running.run("buy", f"{600000 + n}.XSHG", 100)
            running.to("15:31")
            running.next_morning()
            running.to("09:06")
        reports: dict[str, list[dict[str, Any]]] = {}
        for text in service.of_kind("positions"):
            reports.setdefault(text["report"], []).append(text)
        assert [(parts[0]["when"], parts[0]["day"]) for parts in reports.values()] == [
            ("close", "2026-01-05"),
            ("open", "2026-01-06"),
        ]
        for parts in reports.values():
            assert [part["part"] for part in parts] == list(range(1, parts[0]["parts"] + 1))
            assert len({code for part in parts for code in part["positions"]}) == 50
        every_text_is_read(service)

    def test_never_ahead_of_orders(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            service.modes = [500] * 10_000
            running.run("buy", CODE, 100)
            running.run("jqfollow_after_close")
            assert service.of_kind("positions") == []
            service.modes = []
            running.run("jqfollow_after_close")
        assert [text["kind"] for text in service.texts.values()] == ["hello", "order", "positions"]

    def test_what_only_rests_is_there_too(self, service: Service, times: Times) -> None:
        with platform(client(service, times), now=datetime(2026, 1, 5, 8, 58)) as running:  # noqa: DTZ001
            running.run("buy", CODE, 300)
            running.to("09:06")
        [report] = service.of_kind("positions")
        assert report["positions"] == {CODE: {"amount": 0, "closeable": 0, "resting_buy": 300}}


def test_a_signal_costs_little(service: Service, times: Times) -> None:
    """Some 2 ms in JoinQuant's Python; the bound here is a wide one, for a machine that is busy."""
    with platform(client(service, times)) as running:
        follow = running.namespace["jqfollow_client_demo"]._JqFollow
        for n in range(100):
            running.run("buy", f"{600000 + n}.XSHG", 100)
        follow.pump = classmethod(lambda cls, queue: queue.clear() or True)
        start = time.process_time()
        for _ in range(50):
            running.run("buy", CODE, 100)
        told = (time.process_time() - start) / 50
        start = time.process_time()
        follow.dumps(follow.seal("demo-1", 1, "x" * 560))
        sealed = time.process_time() - start
    assert told < 0.05
    assert sealed < 0.05


def test_every_message_is_small_and_read_whatever_it_takes_along(service: Service, times: Times) -> None:
    with platform(client(service, times)) as running:
        for n in range(40):
            running.run("buy", f"{600000 + n}.XSHG", 100, LimitOrderStyle(9.5))
        for one in list(running.orders.values()):
            running.cancel(one.order_id)
        running.run("buy", "688001.XSHG", 123456, LimitOrderStyle(1.234567))
    assert len(news(service, "ended")) == 40
    assert len(service.of_kind("notice")) < 10
    every_text_is_read(service)


def test_never_noticed_whatever_the_list_is(service: Service, times: Times) -> None:
    with platform(client(service, times)) as running:
        follow = running.namespace["jqfollow_client_demo"]._JqFollow
        for odd in (lambda: 1 / 0, lambda: None, list, lambda: {"1": object()}, lambda: {"1": None}):
            follow.tools["get_orders"] = odd
            assert running.run("buy", CODE, 100).amount == 100
            running.bar()
        running.to("15:31")
    assert len(orders(service)) == 5
