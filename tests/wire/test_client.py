"""The client in a strategy: what it tells, and that the strategy never notices."""

import json
import pickle
import types
from collections.abc import Iterator
from typing import Any

import pytest

from joinquant import LimitOrderStyle, MarketOrderStyle, OrderStatus, api
from jqfollow.wire.messages import OrderMessage, PositionsMessage, parse_text
from wire.clients import KEY, Times, platform, rendered, timed
from wire.service import Service

CODE = "000001.XSHE"
TASKS = [("jqfollow_before_open", "09:05"), ("jqfollow_every_bar", "every_bar"), ("jqfollow_after_close", "15:30")]


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def service() -> Iterator[Service]:
    with Service(key=KEY, hello=ALL_WELL) as started:
        yield started


@pytest.fixture(params=["helper", "pasted"])
def pasted(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "pasted")


ALL_WELL = {
    "version": "0.1.0",
    "time": "2026-01-05 09:35:03",
    "skew_s": 0.4,
    "accounts": [{"account": "main", "can_trade": True, "why": ""}],
}


def client(service: Service, times: Times, **options: Any) -> str:
    return timed(rendered(service.url), times, **options)


def warnings(running: Any) -> list[str]:
    return [text for level, text in running.log.lines if level != "info"]


def test_an_order_is_told_as_it_is(service: Service, times: Times, pasted: bool) -> None:
    with platform(client(service, times), pasted=pasted) as running:
        running.prices[CODE] = 10.52
        placed = running.run("buy", CODE, 1000)
    assert placed is running.orders[placed.order_id]
    [text] = service.orders
    assert text == {
        "kind": "order",
        "run": "sim_trade",
        "made_at": int(times.now * 1000),
        "proc": service.of_kind("hello")[0]["proc"],
        "seq": 2,
        "order": {
            "order_id": "1600001",
            "security": CODE,
            "is_buy": True,
            "amount": 1000,
            "filled": 1000,
            "price": "10.52",
            "limit": None,
            "status": "held",
            "side": "long",
            "action": "open",
            "add_time": "2026-01-05 09:35:00",
            "style": "market",
        },
        "position": {"amount": 1000, "closeable": 0, "held": 1000},
        "total_value": "1000000",
    }
    assert [envelope.kid for envelope in service.seen] == ["demo", "demo"]
    assert len({envelope.id for envelope in service.seen}) == 2
    assert max(service.sizes) < 1024
    assert warnings(running) == []


def test_hello_tells_the_author_how_things_stand(service: Service, times: Times, pasted: bool) -> None:
    service.hello = ALL_WELL | {
        "accounts": [*ALL_WELL["accounts"], {"account": "b", "can_trade": False, "why": "断线"}]
    }
    with platform(client(service, times), pasted=pasted) as running:
        assert [text["kind"] for text in service.texts.values()] == ["hello"]
        told = "\n".join(text for _, text in running.log.lines)
    for part in ("0.1.0", "0.4", "main", "b", "断线"):
        assert part in told
    assert len(warnings(running)) == 1


FUNCTIONS = [
    ("order", 500, 500),
    ("order_value", 5000, 500),
    ("order_target", 700, 700),
    ("order_target_value", 7000, 700),
    ("order_percent", 0.01, 1000),
    ("order_target_percent", 0.01, 1000),
]


@pytest.mark.parametrize("nested", ["inside", "globals"])
@pytest.mark.parametrize(("name", "value", "amount"), FUNCTIONS)
def test_every_function_is_told_once(
    service: Service, times: Times, nested: str, name: str, value: float, amount: int
) -> None:
    with platform(client(service, times), nested=nested) as running:
        placed = running.run("call", name, CODE, value)
        assert placed.amount == amount
        assert [text["order"]["amount"] for text in service.orders] == [amount]
        assert running.run("call", name, "600000.XSHG", value, LimitOrderStyle(12.345)).amount == amount
        assert running.run("call", name, "600001.XSHG", value, style=LimitOrderStyle(12)).amount == amount
    assert [text["order"]["limit"] for text in service.orders] == [None, "12.345", "12"]


@pytest.mark.parametrize(("outer", "inner"), [((LimitOrderStyle(9.5),), ()), ((), (LimitOrderStyle(9.5),))])
def test_the_limit_is_known_wherever_it_was_named(
    service: Service, times: Times, outer: tuple[Any, ...], inner: tuple[Any, ...]
) -> None:
    """One function calls the other: one message, with the style that either was given."""
    with platform(client(service, times), nested="globals") as running:
        order_like(running, {"style": None})
        call_inner = lambda security, value, *_: running.inner("order")(security, value, *inner)  # noqa: E731
        running.namespace["order_value"].jqfollow_original = call_inner
        running.run("call", "order_value", CODE, 300, *outer)
    assert [text["order"]["limit"] for text in service.orders] == ["9.5"]


def test_what_is_not_to_be_followed_is_not_told(service: Service, times: Times, pasted: bool) -> None:
    with platform(client(service, times), pasted=pasted) as running:
        assert running.run("buy", CODE, 50) is None
        assert running.run("call", "order_target", CODE, 0) is None
        assert running.run("call", "cancel_order", "no such order") is None
    assert service.orders == []


@pytest.mark.parametrize("change", [{"amount": 0}, {"amount": -100}])
def test_empty_orders_are_not_told(service: Service, times: Times, change: dict[str, Any]) -> None:
    with platform(client(service, times)) as running:
        order_like(running, change)
        running.run("call", "order", CODE, 100)
    assert service.orders == []


@pytest.mark.parametrize("status", [OrderStatus.rejected, "OrderStatus.rejected", 3])
def test_rejected_orders_are_told_as_such(service: Service, times: Times, status: object) -> None:
    with platform(client(service, times)) as running:
        order_like(running, {"status": status, "filled": 300})
        running.run("call", "order", CODE, 1000)
    [text] = service.orders
    assert (text["order"]["status"], text["order"]["filled"]) == ("rejected", 300)


def order_like(running: Any, change: dict[str, Any]) -> None:
    """JoinQuant's next orders come back with `change`."""
    place = running.place

    def changed(*args: Any) -> Any:
        placed = place(*args)
        placed.__dict__.update(change)
        return placed

    running.place = changed


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (OrderStatus.held, "held"),
        ("held", "held"),
        ("OrderStatus.filled", "filled"),
        (4, "held"),
        ("8", "new"),
        (9, "pending_cancel"),
    ],
)
def test_status_however_it_prints(service: Service, times: Times, status: object, told: str) -> None:
    with platform(client(service, times)) as running:
        order_like(running, {"status": status})
        running.run("buy", CODE, 100)
    [text] = service.orders
    assert text["order"]["status"] == told


@pytest.mark.parametrize(
    ("value", "price"),
    [
        (float("nan"), None),
        (None, None),
        (0.0, None),
        (-1.0, None),
        (10.123456789, "10.123457"),
        (1e300, None),
        ("x", None),
    ],
)
def test_prices_that_are_none(service: Service, times: Times, value: object, price: str | None) -> None:
    with platform(client(service, times)) as running:
        order_like(running, {"price": value})
        running.run("buy", CODE, 100)
    [text] = service.orders
    assert text["order"]["price"] == price


def test_a_resting_limit_order_and_its_cancel(service: Service, times: Times, pasted: bool) -> None:
    with platform(client(service, times), pasted=pasted) as running:
        placed = running.run("buy", CODE, 1000, LimitOrderStyle(9.5))
        assert placed.status is OrderStatus.open
        assert running.run("call", "cancel_order", placed) is placed
        assert running.run("call", "cancel_order", placed) is None
    told = [text["order"] for text in service.orders]
    assert [(o["order_id"], o["status"], o["limit"]) for o in told] == [
        ("1600001", "open", "9.5"),
        ("1600001", "canceled", "9.5"),
    ]
    assert len(set(service.texts)) == 3
    for text in service.texts:
        assert text.startswith("demo-")


def test_an_order_that_filled_before_its_cancel_is_not_called_canceled(service: Service, times: Times) -> None:
    with platform(client(service, times)) as running:
        placed = running.run("buy", CODE, 1000)
        running.cancel = lambda _: placed
        assert running.run("call", "cancel_order", placed) is placed
    assert [text["order"]["status"] for text in service.orders] == ["held"]


def test_a_protection_price_is_no_limit(service: Service, times: Times) -> None:
    with platform(client(service, times)) as running:
        running.run("buy", CODE, 100, MarketOrderStyle(99))
    assert [text["order"]["limit"] for text in service.orders] == [None]


def test_a_limit_that_cannot_be_read_is_not_followed_as_a_market_order(service: Service, times: Times) -> None:
    class LimitOrderStyle:
        limit_price = float("nan")

    with platform(client(service, times)) as running:
        assert running.run("buy", CODE, 100, LimitOrderStyle()).amount == 100
    assert [text["order"]["refuse"] for text in service.orders] == ["unknown_style"]
    assert len(warnings(running)) == 1


class TestPosition:
    """What the strategy holds after the order."""

    def positions(self, service: Service) -> list[Any]:
        return [text["position"] and text["position"]["amount"] for text in service.orders]

    def test_sold_out_is_zero(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 1000)
            running.next_day()
            running.run("buy", CODE, -400)
            running.run("call", "order_target", CODE, 0)
        assert self.positions(service) == [1000, 600, 0]

    def test_resting_sells_of_all_leave_nothing_once_done(self, service: Service, times: Times) -> None:
        """JoinQuant leaves locked shares out of total_amount: they are still held."""
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 1000)
            running.next_day()
            running.run("buy", CODE, -600, LimitOrderStyle(11))
            running.run("buy", CODE, -300)
            running.run("buy", CODE, -100, LimitOrderStyle(11))
        assert self.positions(service) == [1000, 400, 700, 600]

    def test_a_resting_buy_counts_as_held_once_done(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 300, LimitOrderStyle(9))
            running.run("buy", CODE, 100)
        assert self.positions(service) == [300, 100]

    def test_without_a_context_it_is_not_told(self, service: Service, times: Times) -> None:
        strategy = "\ndef process_initialize(context):\n    pass\ndef bare():\n    return order('000001.XSHE', 100)\n"
        with platform(client(service, times), pasted=True, strategy=strategy) as running:
            assert running.namespace["bare"]().amount == 100
        [text] = service.orders
        assert (text["position"], text["total_value"], text["run"]) == (None, None, "unknown")
        assert parse_text(json.dumps(text)).is_backtest

    @pytest.mark.parametrize("name", ["context", "ctx", "self"])
    def test_the_context_is_found_by_what_it_is(self, service: Service, times: Times, name: str) -> None:
        strategy = (
            "\ndef process_initialize(context):\n    pass\n"
            f"def outer({name}, x):\n    return helper(x)\n"
            "def helper(x):\n    return order('000001.XSHE', x)\n"
        )
        with platform(client(service, times), pasted=True, strategy=strategy) as running:
            running.run("outer", 200)
        assert self.positions(service) == [200]

    def test_portfolios_of_another_shape(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.context.portfolio = types.SimpleNamespace(total_value="?", positions=None, available_cash=1e6)
            order_like(running, {})
            running.place = lambda *_: types.SimpleNamespace(
                order_id=7, security=CODE, is_buy=True, amount=100, filled=100, price=1, status="held", add_time="x"
            )
            running.run("buy", CODE, 100)
        [text] = service.orders
        assert (text["position"], text["total_value"], text["order"]["side"]) == (None, None, "long")


@pytest.mark.parametrize("run_type", ["simple_backtest", "full_backtest"])
class TestBacktest:
    """Backtests are told as what they are."""

    def test_told(self, service: Service, times: Times, run_type: str) -> None:
        with platform(client(service, times), run_type=run_type) as running:
            running.run("buy", CODE, 100)
            assert running.schedules == []
        assert {text["run"] for text in service.texts.values()} == {run_type}
        assert len(service.orders) == 1

    def test_switched_off(self, service: Service, times: Times, run_type: str) -> None:
        text = client(service, times).replace("JQFOLLOW_SEND_BACKTEST = True", "JQFOLLOW_SEND_BACKTEST = False")
        with platform(text, run_type=run_type) as running:
            assert running.run("buy", CODE, 100).amount == 100
            running.namespace["jqfollow_client_demo"].jqfollow_after_close(running.context)
        assert service.seen == []


class TestNeverNoticed:
    """The strategy gets what JoinQuant gives, whatever happens to the client."""

    def test_errors_of_the_order_function(self, service: Service, times: Times, pasted: bool) -> None:
        error = ValueError("JoinQuant's own")

        def fail(*_: Any) -> None:
            raise error

        with platform(client(service, times), pasted=pasted) as running:
            running.place = fail
            with pytest.raises(ValueError, match="JoinQuant's own") as caught:
                running.run("buy", CODE, 100)
        assert caught.value is error
        assert service.orders == []

    def test_what_a_nested_call_placed_is_told_though_the_outer_one_failed(
        self, service: Service, times: Times
    ) -> None:
        with platform(client(service, times), nested="globals") as running:

            def outer(security: str, value: float) -> None:
                running.inner("order")(security, value)
                raise KeyError("afterwards")

            running.namespace["order_value"].jqfollow_original = outer
            with pytest.raises(KeyError):
                running.run("call", "order_value", CODE, 300)
            running.run("buy", CODE, 100)
        assert [text["order"]["amount"] for text in service.orders] == [300, 100]

    @pytest.mark.parametrize("result", [object(), 5, "", [], {}, True, types.SimpleNamespace(order_id=1)])
    def test_results_that_are_no_order(self, service: Service, times: Times, result: object) -> None:
        with platform(client(service, times)) as running:
            running.place = lambda *_: result
            assert running.run("buy", CODE, 100) is result
        assert service.orders == []

    @pytest.mark.parametrize("name", ["log", "context", "text"])
    def test_a_strategy_that_breaks_what_is_around(
        self, service: Service, times: Times, name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with platform(client(service, times)) as running:
            follow = running.namespace["jqfollow_client_demo"]._JqFollow
            if name == "log":
                follow.logger = object()
            elif name == "context":
                follow.find_context = classmethod(lambda _: 1 / 0)
            else:
                follow.message = classmethod(lambda *_: 1 / 0)
            assert running.run("buy", CODE, 100).amount == 100
        assert len(service.orders) == (1 if name == "log" else 0)
        assert ("[jqfollow]" in capsys.readouterr().out) == (name == "log")

    def test_a_strategy_with_hostile_names(self, service: Service, times: Times) -> None:
        taken = "time json hmac re os sys struct hashlib base64 threading any all sum min max round requests install"
        strategy = "".join(f"\n{name} = None" for name in taken.split()) + "\n"
        with platform(client(service, times), pasted=True, strategy=strategy) as running:
            running.run("buy", CODE, 100)
            running.run_scheduled("15:30")
        assert [text["kind"] for text in service.texts.values()] == ["hello", "order", "positions"]
        assert warnings(running) == []

    def test_arguments_pass_unchanged(self, service: Service, times: Times) -> None:
        given: list[Any] = []
        with platform(client(service, times)) as running:
            running.namespace["order"].jqfollow_original = lambda *args, **kwargs: given.append((args, kwargs))
            assert running.run("call", "order", CODE, 1, style=None, side="long", pindex=0, close_today=False) is None
        assert given == [((CODE, 1), {"style": None, "side": "long", "pindex": 0, "close_today": False})]


class TestInstalled:
    """Installing again, and restarts."""

    def test_twice_wraps_once(self, service: Service, times: Times, pasted: bool) -> None:
        with platform(client(service, times), pasted=pasted) as running:
            install = running.namespace.get("jqfollow_install") or running.namespace["jqfollow_client_demo"].install
            for _ in range(3):
                install(running.namespace, running.context)
            assert running.namespace["order"].jqfollow_original is api.order
            running.run("buy", CODE, 100)
        assert [text["kind"] for text in service.texts.values()] == ["hello", "order"]
        assert running.schedules == TASKS

    def test_without_a_context_it_is_found(self, service: Service, times: Times) -> None:
        text = client(service, times)
        strategy = "\ndef process_initialize(context):\n    jqfollow_client_demo.install(globals(), strategy='demo')\n"
        with platform(text, strategy=strategy) as running:
            assert running.schedules == TASKS
        assert [text["run"] for text in service.of_kind("hello")] == ["sim_trade"]

    def test_into_the_wrong_namespace(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.namespace["jqfollow_client_demo"].install({}, running.context)
            running.namespace["jqfollow_client_demo"].install(None, running.context)
        assert len(warnings(running)) == 2

    @pytest.mark.parametrize("pickles", ["g", "globals"])
    def test_restart(self, service: Service, times: Times, pasted: bool, pickles: str) -> None:
        with platform(client(service, times), pasted=pasted, pickles=pickles) as running:
            running.run("buy", CODE, 100)
            for _ in range(2):
                running.next_day()
                running.restart()
                assert running.run("call", "order_value", CODE, 2000).amount == 200
            running.run_scheduled("15:30")
            assert running.schedules == TASKS
        kinds = [text["kind"] for text in service.texts.values()]
        assert kinds == ["hello", "order", "hello", "order", "hello", "order", "positions"]
        assert warnings(running) == []

    def test_nothing_of_it_is_pickled_but_names(self, service: Service, times: Times) -> None:
        with platform(client(service, times), pasted=True) as running:
            running.run("buy", CODE, 100)
            ours = [value for name, value in running.namespace.items() if "jqfollow" in name.lower()]
            assert max(len(pickle.dumps(value)) for value in ours) < 200
            assert pickle.loads(pickle.dumps(running.namespace["order"])) is api.order

    def test_a_client_loaded_anew_takes_the_place_of_the_old(self, service: Service, times: Times) -> None:
        with platform(client(service, times), pasted=True) as running:
            old = running.namespace["order"]
            exec(client(service, times), running.namespace)
            assert running.namespace["order"] is not old
            assert running.namespace["order"].jqfollow_original is api.order


class TestAfterClose:
    """The positions after the close."""

    def test_told_once_a_day(self, service: Service, times: Times, pasted: bool) -> None:
        with platform(client(service, times), pasted=pasted) as running:
            running.prices[CODE] = 10.52
            running.run("buy", CODE, 1000)
            for _ in range(2):
                running.run_scheduled("15:30")
            running.next_day()
            running.run_scheduled("15:30")
        first, second = service.of_kind("positions")
        assert {name: first[name] for name in first if name not in {"made_at", "proc", "seq", "report"}} == {
            "kind": "positions",
            "run": "sim_trade",
            "cash": "989480",
            "total_value": "1000000",
            "day": "2026-01-05",
            "when": "close",
            "part": 1,
            "parts": 1,
            "positions": {CODE: {"amount": 1000, "closeable": 0, "avg_cost": "10.52", "price": "10.52"}},
        }
        assert first["report"] != second["report"]
        assert second["positions"][CODE]["closeable"] == 1000

    def test_nothing_held(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.run_scheduled("15:30")
        assert [text["positions"] for text in service.of_kind("positions")] == [{}]

    def test_a_large_portfolio_goes_in_parts(self, service: Service, times: Times) -> None:
        codes = [f"{600000 + n}.XSHG" for n in range(60)]
        with platform(client(service, times)) as running:
            for code in codes:
                running.run("buy", code, 100)
            running.run_scheduled("15:30")
        messages = [parse_text(json.dumps(text)) for text in service.of_kind("positions")]
        parts = [message for message in messages if isinstance(message, PositionsMessage)]
        assert [(message.part, message.parts) for message in parts] == [(n + 1, len(parts)) for n in range(len(parts))]
        assert 5 < len(parts) < 20
        assert [code for message in parts for code in message.positions] == codes
        assert max(service.sizes) < 1024

    def test_locked_shares_are_held(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.run("buy", CODE, 1000)
            running.next_day()
            running.run("buy", CODE, -1000, LimitOrderStyle(11))
            running.run_scheduled("15:30")
        assert service.of_kind("positions")[0]["positions"][CODE]["amount"] == 1000

    @pytest.mark.parametrize(
        "strategy",
        [
            "\ndef handle_data(context, data):\n    pass\n",
            "\n_JqFollow.tools['run_daily'] = None\n",
            "\n_JqFollow.tools['run_daily'] = lambda *_, **__: 1 / 0\n",
            "\ndel g\n",
        ],
    )
    def test_where_it_cannot_be_scheduled(self, service: Service, times: Times, strategy: str) -> None:
        with platform(client(service, times), pasted=True, strategy=strategy) as running:
            assert running.schedules == []
            assert running.run("buy", CODE, 100).amount == 100
            running.run("jqfollow_after_close")
        assert len(service.of_kind("positions")) == 1

    @pytest.mark.parametrize("strategy", ["\ndef run_daily(*args, **kwargs):\n    1 / 0\n", "\ndel run_daily\n"])
    def test_a_strategy_that_has_taken_the_name(self, service: Service, times: Times, strategy: str) -> None:
        with platform(client(service, times), pasted=True, strategy=strategy) as running:
            assert running.schedules == TASKS

    def test_a_context_of_another_shape(self, service: Service, times: Times) -> None:
        with platform(client(service, times)) as running:
            running.context.portfolio = None
            running.run_scheduled("15:30")
        assert len(warnings(running)) == 1


def test_ids_differ_whatever_the_order_is_called(service: Service, times: Times) -> None:
    with platform(client(service, times)) as running:
        for order_id in ("委托 1", "x" * 64, "", None):
            order_like(running, {"order_id": order_id})
            running.run("buy", CODE, 100)
    assert len(service.texts) == 5
    assert all(len(name) <= 80 for name in service.texts)


def test_what_the_client_says_is_what_the_service_reads(service: Service, times: Times) -> None:
    with platform(client(service, times)) as running:
        running.run("buy", CODE, 1000, LimitOrderStyle(9.5))
    [text] = service.orders
    message = parse_text(json.dumps(text))
    assert isinstance(message, OrderMessage)
    told = message.strategy_order()
    assert (told.amount, str(told.limit), told.status, told.symbol) == (1000, "9.5", "open", "000001.SZ")
