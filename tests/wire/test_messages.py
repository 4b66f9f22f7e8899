"""What an authentic text may say, and what no text may."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.domain import Side, StrategyOrder
from jqfollow.wire.errors import MalformedError
from jqfollow.wire.messages import HelloMessage, OrderMessage, PositionsMessage, parse_text

VECTORS = json.loads((Path(__file__).parent / "vectors" / "jqf1.json").read_text(encoding="utf-8"))
ORDER, POSITIONS, HELLO = (case["text"] for case in VECTORS["cases"])


def order_text(**changes: Any) -> str:
    value = json.loads(ORDER)
    for name, change in changes.items():
        if name in value["order"]:
            value["order"][name] = change
        else:
            value[name] = change
    return json.dumps(value)


def order(**changes: Any) -> StrategyOrder:
    message = parse_text(order_text(**changes))
    assert isinstance(message, OrderMessage)
    return message.strategy_order()


def test_order_vector() -> None:
    message = parse_text(ORDER)
    assert isinstance(message, OrderMessage)
    assert (message.run, message.made_at, message.is_backtest) == ("sim_trade", 1767322200123, False)
    told = message.strategy_order()
    assert (told.jq_order_id, told.symbol, told.side) == ("1600001", "000001.SZ", Side.BUY)
    assert (told.amount, told.filled, told.price, told.limit) == (1000, 1000, Decimal("10.52"), None)
    assert (told.status, told.position_side, str(told.day)) == ("held", "long", "2026-01-02")
    assert (told.position_after, told.total_value) == (1000, Decimal("102345.67"))


def test_positions_vector() -> None:
    message = parse_text(POSITIONS)
    assert isinstance(message, PositionsMessage)
    assert (message.cash, message.total_value) == (Decimal("91825.67"), Decimal("102345.67"))
    held = message.positions["000001.XSHE"]
    assert (held.amount, held.closeable, held.avg_cost, held.price) == (1000, 0, Decimal("10.52"), Decimal("10.52"))
    assert (message.part, message.parts) == (1, 1)


def test_hello_vector() -> None:
    message = parse_text(HELLO)
    assert isinstance(message, HelloMessage)
    assert message.note == "启动"


@pytest.mark.parametrize("run", ["simple_backtest", "full_backtest", "unknown", "live_trade"])
def test_only_a_simulation_is_live(run: str) -> None:
    assert parse_text(order_text(run=run)).is_backtest


@pytest.mark.parametrize(
    ("told", "status"),
    [("OrderStatus.held", "held"), ("HELD", "held"), ("a.b.open", "open"), ("9", "pending_cancel"), ("1", "filled")],
)
def test_status_as_it_may_be_printed(told: str, status: str) -> None:
    assert order(status=told).status == status


@pytest.mark.parametrize(
    ("status", "limit"),
    [("open", "9.9"), ("new", "9.9"), ("filled", "9.9"), ("held", None), ("canceled", None), ("pending_cancel", None)],
)
def test_a_limit_stands_while_the_order_is_open(status: str, limit: str | None) -> None:
    told = order(status=status, limit="9.9", filled=0, price=None).limit
    assert told == (Decimal(limit) if limit else None)


@pytest.mark.parametrize(("price", "value"), [(None, None), ("0", None), (0, None), ("10.520", Decimal("10.52"))])
def test_prices(price: object, value: Decimal | None) -> None:
    assert order(price=price).price == value


def test_a_price_written_as_a_number_is_exact() -> None:
    text = order_text(price="@").replace('"@"', "10.10000000000000001")
    message = parse_text(text)
    assert isinstance(message, OrderMessage)
    assert message.order.price == Decimal("10.10000000000000001")


def test_what_is_not_told() -> None:
    value = json.loads(ORDER)
    del value["position"], value["total_value"], value["order"]["limit"], value["order"]["action"]
    message = parse_text(json.dumps(value))
    assert isinstance(message, OrderMessage)
    assert (message.strategy_order().position_after, message.strategy_order().total_value) == (None, None)
    assert order(position=None).position_after is None
    assert order(position={"amount": 0, "closeable": 0}).position_after == 0


def test_a_security_that_is_unknown_keeps_its_text() -> None:
    assert order(security="IF2601.CCFX").symbol == "IF2601.CCFX"
    assert order(security="000001.XSHG").symbol == "000001.XSHG"


def test_unknown_fields_are_kept_and_change_nothing() -> None:
    message = parse_text(order_text(strategy_order="x", colour={"a": [1, 2.5]}))
    assert isinstance(message, OrderMessage)
    assert message.model_extra == {"strategy_order": "x", "colour": {"a": [1, Decimal("2.5")]}}
    assert message.strategy_order() == order()


IMPOSSIBLE = [
    ("amount", -1),
    ("amount", True),
    ("amount", "1000"),
    ("amount", 1000.0),
    ("amount", 10**9 + 1),
    ("amount", 10**39),
    ("amount", None),
    ("filled", -1),
    ("filled", 0.5),
    ("price", -1),
    ("price", "-0.01"),
    ("price", True),
    ("price", False),
    ("price", "NaN"),
    ("price", "Infinity"),
    ("price", "1e400"),
    ("price", "1e13"),
    ("price", 10**13),
    ("price", "10,52"),
    ("price", " 10.52"),
    ("price", "１０"),
    ("price", "1_0"),
    ("price", "0x10"),
    ("price", ""),
    ("price", "9" * 100),
    ("price", [10]),
    ("limit", "0"),
    ("limit", 0),
    ("limit", "-1"),
    ("limit", False),
    ("is_buy", 1),
    ("is_buy", "True"),
    ("is_buy", None),
    ("status", "done"),
    ("status", ""),
    ("status", 4),
    ("status", None),
    ("side", "both"),
    ("order_id", ""),
    ("order_id", "a b"),
    ("order_id", "a" * 65),
    ("order_id", 1600001),
    ("security", ""),
    ("security", "a" * 33),
    ("security", "000001\u0000"),
    ("add_time", "2026-02-30 10:00:00"),
    ("add_time", "2026-01-02"),
    ("add_time", 1767322200),
    ("add_time", "９999-01-02 10:00:00"),
    ("run", ""),
    ("run", "Sim Trade"),
    ("run", None),
    ("made_at", -1),
    ("made_at", True),
    ("made_at", 1767322200123.5),
    ("made_at", 10**15),
    ("made_at", "1767322200123"),
    ("position", {"amount": -1, "closeable": 0}),
    ("position", {"amount": 1}),
    ("position", {"amount": True, "closeable": 0}),
    ("position", 5),
    ("total_value", "-1"),
    ("total_value", "nan"),
]


@pytest.mark.parametrize(("name", "value"), IMPOSSIBLE)
def test_impossible_values(name: str, value: object) -> None:
    with pytest.raises(MalformedError):
        parse_text(order_text(**{name: value}))


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", "1" * 50, "01", "+1"])
@pytest.mark.parametrize("name", ["price", "total_value", "something_unknown"])
def test_numbers_that_json_or_python_would_let_pass(name: str, written: str) -> None:
    with pytest.raises(MalformedError):
        parse_text(order_text(**{name: "@"}).replace('"@"', written))


@pytest.mark.parametrize("name", [name for name in json.loads(ORDER)["order"] if name not in {"limit", "action"}])
def test_missing_from_an_order(name: str) -> None:
    value = json.loads(ORDER)
    del value["order"][name]
    with pytest.raises(MalformedError, match=f"order.{name}"):
        parse_text(json.dumps(value))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "1",
        "[]",
        "{}",
        '{"kind":"order"}',
        '{"kind":"bye","run":"sim_trade","made_at":1}',
        '{"kind":["order"],"run":"sim_trade","made_at":1}',
        '{"kind":null}',
        HELLO.replace("}", ',"run":"full_backtest"}'),
        ORDER.replace('"amount":1000,"filled"', '"amount":1000,"amount":9000,"filled"'),
        '{"kind":"hello","run":"sim_trade","made_at":1,"note":"\\ud800"}',
        "[" * 10_000,
        '{"kind":' * 5_000,
        '{"kind":"hello","run":"sim_trade","made_at":1,"x":' + "[" * 5_000 + "]" * 5_000 + "}",
        HELLO + " x",
        "\ufeff" + HELLO,
    ],
)
def test_no_message(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_text(text)


@pytest.mark.parametrize(
    "change",
    [
        {"positions": []},
        {"positions": {"": {"amount": 1, "closeable": 0}}},
        {"positions": {"ZZ": {"amount": -1, "closeable": 0}}},
        {"positions": {"ZZ": 1}},
        {"cash": "-5"},
        {"part": 0},
        {"part": True},
        {"parts": 1001},
    ],
)
def test_impossible_positions(change: dict[str, object]) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_text(json.dumps(json.loads(POSITIONS) | change))
    assert "ZZ" not in caught.value.detail


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_text(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(json.loads(ORDER)["order"])), json_values)
def test_any_value_is_read_or_refused(name: str, value: object) -> None:
    """Whatever stands in a field: a possible order, or `MalformedError`, and no other exception."""
    try:
        told = order(**{name: value})
    except MalformedError:
        return
    assert told.amount >= 0
    assert told.price is None or told.price > 0
    assert told.limit is None or told.limit > 0
