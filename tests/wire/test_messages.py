"""What an authentic text may say, and what no text may."""

import dataclasses
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.domain import (
    LostMessage,
    OrderEnd,
    OrderProgress,
    Origin,
    Side,
    StrategyHolding,
    StrategyOrder,
    UntoldOrder,
    Wire,
)
from jqfollow.reasons import Reason, Refusal
from jqfollow.wire import parts
from jqfollow.wire.errors import MalformedError
from jqfollow.wire.messages import (
    HelloMessage,
    NoticeMessage,
    OrderMessage,
    PositionsMessage,
    parse_text,
    read_again,
    refuse_impossible_days,
    seed_message,
)
from jqfollow.wire.refusals import refusal_of
from jqfollow.wire.strict_json import finding, loads, loads_plain

VECTORS = json.loads((Path(__file__).parent / "vectors" / "jqf1.json").read_text(encoding="utf-8"))
ORDER, POSITIONS, HELLO = (case["text"] for case in VECTORS["cases"])


SEED = {
    "时间戳": "2026-01-05 10:00:00", "订单ID": "7", "股票代码": "000001.XSHE", "下单数量": "100", "已经成交": "100",
    "平均成交价格": "10.5", "买卖": "True", "状态": "held", "多空": "long",
}  # fmt: skip
"""What the original client tells, but for the order's time."""


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


def test_what_is_told_in_words_is_short() -> None:
    notice = {"kind": "notice", "run": "sim_trade", "made_at": 0}
    for told, name, most in (
        (json.loads(HELLO), "note", 200), (json.loads(HELLO), "frequency", 16), (notice, "note", 200),
    ):  # fmt: skip
        assert getattr(parse_text(json.dumps(told | {name: "一" * most})), name) == "一" * most
        with pytest.raises(MalformedError, match=name):
            parse_text(json.dumps(told | {name: "一" * (most + 1)}))


@pytest.mark.parametrize("made_at", [0, 4_102_444_800_000])
def test_a_message_may_be_of_any_time_that_can_be(made_at: int) -> None:
    assert parse_text(order_text(made_at=made_at)).made_at == made_at


def test_where_a_message_comes_from_is_known_by_process_and_number_together() -> None:
    for seq in (1, 10**9):
        assert parse_text(order_text(proc="a-1", seq=seq)).origin == Origin(process="a-1", seq=seq)
    assert parse_text(order_text(proc="a-1")).origin is None
    assert parse_text(order_text(seq=1)).origin is None


def test_what_was_recorded_is_read_again_as_its_wire_has_it() -> None:
    assert read_again(Wire.JQF1, ORDER) == parse_text(ORDER)
    fields = SEED | {"订单添加时间": "2026-01-05 09:59:00"}
    assert read_again(Wire.SEED, json.dumps(fields)) == seed_message(fields)
    assert read_again(Wire.MANUAL, ORDER) is None
    assert read_again(Wire.REPAIR, ORDER) is None


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
    ("made_at", 4_102_444_800_001),
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
        {"part": 1001},
        {"parts": 0},
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


# -- what newer clients tell -------------------------------------------------------------------------------------------

ENDED = {"id": "1600000", "day": "2026-01-02", "filled": 300}


def test_older_clients_tell_none_of_it() -> None:
    message = parse_text(ORDER)
    assert isinstance(message, OrderMessage)
    assert (message.origin, message.ends(), message.grown(), message.lost()) == (None, [], [], [])
    for half in ({"proc": "a-1"}, {"seq": 4}):
        assert parse_text(order_text(**half)).origin is None  # type: ignore[arg-type]
    told = message.strategy_order()
    assert (told.refuse, told.style, told.stop, told.found, told.pindex, told.holding) == (
        None, None, None, False, 0, None,
    )  # fmt: skip


def test_what_joinquant_ended_and_filled_since() -> None:
    progress = [{"id": "7", "day": "2026-01-02", "filled": 5, "status": "held"}]
    dropped = [{"seq": 3, "id": None, "what": "持仓 1/1"}, {"seq": 9, "id": "8", "what": "x", "proc": "b"}]
    message = parse_text(order_text(proc="a-1", seq=4, ended=[ENDED], progress=progress, dropped=dropped))
    assert isinstance(message, OrderMessage)
    assert message.origin == Origin(process="a-1", seq=4)
    day = date(2026, 1, 2)
    assert message.ends() == [OrderEnd(jq_order_id="1600000", day=day, filled=300, status="canceled")]
    assert message.grown() == [OrderProgress(jq_order_id="7", day=day, filled=5, whole=True)]
    assert message.lost() == [
        LostMessage(process=None, seq=3, jq_order_id=None, what="持仓 1/1"),
        LostMessage(process="b", seq=9, jq_order_id="8", what="x"),
    ]


@pytest.mark.parametrize("status", ["canceled", "rejected"])
def test_an_order_that_ended_is_among_the_ends_once(status: str) -> None:
    own = OrderEnd(jq_order_id="1600001", day=date(2026, 1, 2), filled=300, status=status)
    for ended in ([], [{"id": "1600001", "day": "2026-01-02", "filled": 300, "status": status}]):
        message = parse_text(order_text(status=status, filled=300, ended=ended))
        assert isinstance(message, OrderMessage)
        assert message.ends() == [own]


def test_held_and_resting_apart() -> None:
    position = {"amount": 0, "closeable": 900, "held": 1000, "resting_buy": 500, "resting_sell": 1000, "locked": 1000}
    told = order(position=position)
    assert told.position_after == 0
    assert told.holding == StrategyHolding(held=1000, closeable=900, locked=1000, resting_buy=500, resting_sell=1000)


@pytest.mark.parametrize(
    ("style", "filled", "refuse"),
    [
        (None, 0, None),
        ("market", 0, None),
        ("limit", 0, None),
        ("stop_market", 0, Reason.STOP_ORDER),
        ("stop_limit", 0, Reason.STOP_ORDER),
        ("stop_market", 100, None),
        ("IcebergOrderStyle", 0, Reason.UNKNOWN_STYLE),
    ],
)
def test_a_style_that_cannot_be_followed_is_refused_though_the_client_did_not(
    style: str | None, filled: int, refuse: str | None
) -> None:
    value = json.loads(ORDER)
    value["order"] |= {"style": style, "stop": "9.5", "filled": filled, "status": "open"}
    message = parse_text(json.dumps(value))
    assert isinstance(message, OrderMessage)
    assert (message.strategy_order().refuse, message.strategy_order().stop) == (refuse, Decimal("9.5"))
    value["order"]["stop"] = "0"
    message = parse_text(json.dumps(value))
    assert isinstance(message, OrderMessage)
    assert message.strategy_order().stop is None


@pytest.mark.parametrize("refuse", ["margin", "stop_order", "unknown_style", "a_reason_of_tomorrow"])
def test_what_the_client_refuses_is_refused(refuse: str) -> None:
    value = json.loads(ORDER)
    value["order"]["refuse"] = refuse
    message = parse_text(json.dumps(value))
    assert isinstance(message, OrderMessage)
    told = message.strategy_order()
    assert told.refuse == refuse
    refusal = refusal_of(told)
    assert refusal is not None
    assert refusal.reason == (refuse if refuse in set(Reason) else Reason.UNKNOWN_STYLE)
    assert (refusal.figures["style"], refusal.figures["stop"]) == (refuse, "?")
    value["order"] |= {"style": "IcebergStyle", "stop": "9.50"}
    message = parse_text(json.dumps(value))
    assert isinstance(message, OrderMessage)
    refusal = refusal_of(message.strategy_order())
    assert refusal is not None
    assert (refusal.figures["style"], refusal.figures["stop"]) == ("IcebergStyle", "9.50")


def test_a_refusal_says_what_the_order_was() -> None:
    def refusal(**changes: Any) -> Refusal:
        told = dataclasses.replace(order(), refuse="margin", **changes)
        refused = refusal_of(told)
        assert refused is not None
        return refused

    figures = {"jq_order_id": "1600001", "status": "held", "stop": "?", "style": "margin"}
    assert refusal() == Refusal(reason=Reason.MARGIN, figures=figures)
    assert refusal(stop=Decimal("9.50"), style="stop_limit").figures == figures | {
        "stop": "9.50",
        "style": "stop_limit",
    }
    assert refusal_of(order()) is None


def test_a_report_in_parts_to_the_last_number() -> None:
    for part, of in ((1, 1), (1, 1000), (1000, 1000)):
        told = parse_text(json.dumps(json.loads(POSITIONS) | {"part": part, "parts": of}))
        assert isinstance(told, PositionsMessage)
        assert (told.part, told.parts) == (part, of)


def test_a_report_before_the_open() -> None:
    value = json.loads(POSITIONS) | {"report": "r-1", "day": "2026-01-05", "when": "open", "parts": 2}
    value["positions"]["600000.XSHG"] = {"amount": 0, "closeable": 0, "resting_buy": 300}
    message = parse_text(json.dumps(value))
    assert isinstance(message, PositionsMessage)
    part = message.holdings_part()
    assert (part.report, part.part, part.parts, part.day, part.when) == ("r-1", 1, 2, date(2026, 1, 5), "open")
    assert part.holdings["600000.SH"] == StrategyHolding(held=0, closeable=0, resting_buy=300)
    assert part.holdings["000001.SZ"].held == 1000


@pytest.mark.parametrize(
    "text", [POSITIONS, '{"kind":"notice","run":"sim_trade","made_at":1767322000000}'], ids=["report", "notice"]
)
def test_the_days_that_a_message_names_can_be(text: str) -> None:
    value, today = json.loads(text), date(2026, 1, 5)
    refuse_impossible_days(parse_text(json.dumps(value)), today)  # names none
    for day, fine in (
        ("2026-01-05", True),
        ("2026-01-06", True),
        ("2026-01-07", False),
        ("1990-12-19", True),
        ("1990-12-18", False),
    ):
        message = parse_text(json.dumps(value | {"day": day}))
        assert list(message.days()) == [date.fromisoformat(day)]
        if fine:
            refuse_impossible_days(message, today)
        else:
            with pytest.raises(MalformedError, match=day):
                refuse_impossible_days(message, today)


def test_a_notice() -> None:
    untold = {"id": "5", "security": "000001.XSHE", "is_buy": False, "amount": 100, "filled": 100, "status": "held"}
    text = {"kind": "notice", "run": "sim_trade", "made_at": 1767322000000, "day": "2026-01-02", "ended": [ENDED]}
    text |= {"untold": [untold], "missing": [{"id": "6"}], "holdings": {"000001.XSHE": {"amount": 5, "closeable": 0}}}
    message = parse_text(json.dumps(text))
    assert isinstance(message, NoticeMessage)
    assert [end.jq_order_id for end in message.ends()] == ["1600000"]
    assert message.untold_orders() == [
        UntoldOrder(jq_order_id="5", symbol="000001.SZ", side=Side.SELL, amount=100, filled=100, status="held")
    ]
    assert [part.id for part in message.missing] == ["6"]
    assert message.holdings_now() == {"000001.SZ": StrategyHolding(held=5, closeable=0)}


@pytest.mark.parametrize(("day", "backtest"), [("2026-01-05", False), ("2026-01-04", True), ("2026-01-06", True)])
def test_an_original_clients_run_is_live_when_its_order_is_of_the_day_it_was_sent(day: str, backtest: bool) -> None:
    assert seed_message(SEED | {"订单添加时间": f"{day} 09:59:00"}).is_backtest is backtest


def test_the_days_that_a_message_names() -> None:
    told = {"progress": [{"id": "7", "filled": 5, "status": "held"}], "ended": [ENDED | {"day": "2025-12-31"}]}
    notice = {"kind": "notice", "run": "sim_trade", "made_at": 1767322000000}
    ended, order_day, own = date(2025, 12, 31), date(2026, 1, 2), date(2026, 1, 5)
    for text, days in (
        (json.loads(ORDER), [order_day]),
        (json.loads(POSITIONS), []),
        (json.loads(POSITIONS) | {"day": "2026-01-05"}, [own]),
        (notice, []),
        (notice | {"day": "2026-01-05"}, [own]),
    ):
        for more, before in (({}, []), (told, [ended])):
            assert list(parse_text(json.dumps(text | more)).days()) == before + days


@pytest.mark.parametrize(
    "change",
    [
        {"ended": {}},
        {"ended": [{"id": "1"}]},
        {"ended": [ENDED | {"status": "held"}]},
        {"ended": [ENDED | {"filled": -1}]},
        {"ended": [ENDED | {"day": "2026-1-2"}]},
        {"ended": [ENDED] * 51},
        {"progress": [ENDED]},
        {"dropped": [{"seq": 0}]},
        {"dropped": [{"seq": 1, "what": "a\nb"}]},
        {"dropped": [{"seq": 1, "what": "x" * 81}]},
        {"proc": "a b"},
        {"seq": 0},
        {"seq": 10**9 + 1},
        {"seq": True},
    ],
)
def test_impossible_news(change: dict[str, object]) -> None:
    with pytest.raises(MalformedError):
        parse_text(order_text(**change))


@pytest.mark.parametrize("value", [1.5, None, [1], True])
def test_a_figure_is_a_text_or_exact(value: object) -> None:
    with pytest.raises(ValueError, match="a text with a number"):
        parts.decimal(value)


@pytest.mark.parametrize(
    ("fits", "over"),
    [
        ("1e30", "1e31"),
        ("-1e30", "-1e31"),
        ("1e-30", "1e-31"),
        ("1" + "0" * 30, "1" + "0" * 31),
        ("1." + "2" * 38, "1." + "2" * 39),
    ],
)
def test_numbers_have_their_bounds(fits: str, over: str) -> None:
    number = loads(f"[{fits}]")[0]
    assert number == Decimal(fits)
    assert isinstance(number, int if fits.isdigit() else Decimal)
    with pytest.raises(MalformedError) as caught:
        loads(f"[{over}]")
    assert caught.value.detail == "JSON 中的数字过大 / a number in the JSON is too large"
    assert loads_plain(f"[{over}]") == [json.loads(over)], "what comes from anybody has its bounds elsewhere"


@pytest.mark.parametrize("read", [loads, loads_plain])
def test_what_is_no_json_says_so_and_repeats_nothing(read: Any) -> None:
    for text, detail in (
        ('{"secret": 1', "消息不是合法的 JSON / the message is not JSON"),
        ('{"secret": 1, "secret": 2}', "JSON 中同一字段出现两次 / a field stands twice in one JSON object"),
    ):
        with pytest.raises(MalformedError) as caught:
            read(text)
        assert caught.value.detail == detail
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_a_finding_names_its_place_and_shows_no_text_of_the_sender() -> None:
    assert finding(["order", "price"], "x").detail == "字段 order.price 不合要求：x / field order.price: x"
    assert finding([], "x").en == "field message: x"
    assert finding(["positions", "000001.XSHE", 3, "<b>"], "x").en == "field positions.000001.XSHE.?.?: x"
    for value, shown in ((-1, "(-1)"), (Decimal("1.5"), "(1.5)"), (True, None), ("words", None)):
        text = order_text(amount="@").replace(
            '"@"', json.dumps(value) if not isinstance(value, Decimal) else str(value)
        )
        with pytest.raises(MalformedError, match=r"order\.amount") as caught:
            parse_text(text)
        assert caught.value.en.endswith(shown or "integer")
