"""Rows and codes of MiniQMT as values of the domain."""

import importlib
import importlib.metadata
import types
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.clock import SHANGHAI
from jqfollow.domain import AttemptState, BrokerError, Side
from jqfollow.execution.brokers.miniqmt import codes, tables
from jqfollow.execution.brokers.miniqmt.tables import LATEST, table_of

from . import native

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)


def order(**changed: Any) -> types.SimpleNamespace:
    fields = {
        "order_id": 17,
        "stock_code": "600000.SH",
        "order_type": 23,
        "order_volume": 500,
        "traded_volume": 0,
        "price": 11.370000000000001,
        "order_status": 50,
        "order_time": 1772416800,
        "status_msg": "",
    }
    return types.SimpleNamespace(**{**fields, **changed})


def report(**changed: Any) -> Any:
    return codes.order_report(order(**changed), remark="jq-1", now=NOW)


def test_the_numbers_are_the_vendors() -> None:
    native.install()
    xtconstant = importlib.import_module("xtquant.xtconstant")
    assert codes.FIX_PRICE == xtconstant.FIX_PRICE
    assert codes.ORDER_TYPES == {Side.BUY: xtconstant.STOCK_BUY, Side.SELL: xtconstant.STOCK_SELL}
    assert codes.ORDER_TYPES == {Side.BUY: xtconstant.CREDIT_BUY, Side.SELL: xtconstant.CREDIT_SELL}
    told = {n: v for n, v in vars(xtconstant).items() if n.startswith("ORDER_") and isinstance(v, int)}
    assert set(LATEST.orders) == set(told.values())
    states = {n: v for n, v in vars(xtconstant).items() if n.startswith("ACCOUNT_STATUS") and isinstance(v, int)}
    assert set(LATEST.accounts) == set(states.values())
    assert LATEST.since.strftime("%y%m%d") == importlib.metadata.version("xtquant").split(".")[0]
    sides = {"BUY": Side.BUY, "SELL": Side.SELL}
    for name, number in vars(xtconstant).items():
        if name.startswith(("STOCK_", "CREDIT_")) and number in codes._SIDES:
            side = next(side for word, side in sides.items() if word in name.split("_"))
            assert codes._SIDES[number] is side, name


@pytest.mark.parametrize(
    ("code", "filled", "state"),
    [
        (48, 0, AttemptState.NEW),
        (49, 0, AttemptState.NEW),
        (50, 0, AttemptState.NEW),
        (50, 100, AttemptState.PARTIALLY_FILLED),
        (51, 0, AttemptState.PENDING_CANCEL),
        (52, 100, AttemptState.PENDING_CANCEL),
        (53, 100, AttemptState.CANCELED),
        (54, 0, AttemptState.CANCELED),
        (55, 100, AttemptState.PARTIALLY_FILLED),
        (56, 500, AttemptState.FILLED),
        (57, 0, AttemptState.REJECTED),
        (57, 100, AttemptState.CANCELED),
        (255, 0, AttemptState.NEW),
        (255, 100, AttemptState.PARTIALLY_FILLED),
        (99, 0, AttemptState.NEW),
    ],
)
def test_states(code: int, filled: int, state: AttemptState) -> None:
    assert report(order_status=code, traded_volume=filled).state is state


def test_a_build_has_the_newest_table_that_is_not_younger(monkeypatch: pytest.MonkeyPatch) -> None:
    later = replace(LATEST, since=date(2026, 5, 1))
    monkeypatch.setattr(tables, "TABLES", (LATEST, later))
    monkeypatch.setattr(tables, "LATEST", later)
    found = {version: table_of(version).since for version in ("250807.1.2", "260430", "260501.1", "270101", "", "?")}
    assert found == {
        "250807.1.2": LATEST.since,
        "260430": LATEST.since,
        "260501.1": later.since,
        "270101": later.since,
        "": later.since,
        "?": later.since,
    }
    assert table_of("200101").since == LATEST.since, "older than all: the oldest"


def test_a_row_is_read_with_exact_prices() -> None:
    told = report()
    assert (told.price, str(told.price)) == (Decimal("11.37"), "11.37")
    assert (told.broker_order_id, told.volume, told.filled, told.side) == ("17", 500, 0, Side.BUY)
    assert told.at == datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)
    assert str(codes.price_of(1.2340000001)) == "1.234"
    assert str(codes.price_of(5)) == "5.00"


@pytest.mark.parametrize(
    ("told", "at"),
    [
        (1772416800, datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)),
        (1772416800.0, datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)),
        (1772416800123, datetime(2026, 3, 2, 10, 0, 0, 123000, tzinfo=SHANGHAI)),
        (93015, datetime(2026, 3, 2, 9, 30, 15, tzinfo=SHANGHAI)),
        (145959, datetime(2026, 3, 2, 14, 59, 59, tzinfo=SHANGHAI)),
        *((odd, NOW) for odd in (0, -1, 256060, None, "93015", float("nan"), True, 10**20)),
    ],
)
def test_times(told: object, at: datetime) -> None:
    assert codes.moment_of(told, NOW) == at


@pytest.mark.parametrize("volume", [-100, 0.5, float("nan"), float("inf"), None, "100", True])
def test_figures_that_make_no_sense_are_an_error_not_a_guess(volume: object) -> None:
    with pytest.raises(BrokerError):
        report(order_volume=volume)


@pytest.mark.parametrize("price", [float("nan"), float("-inf"), None, "11.37"])
def test_prices_that_make_no_sense_are_an_error(price: object) -> None:
    with pytest.raises(BrokerError):
        report(price=price)


def test_sides() -> None:
    assert report(order_type=24).side is Side.SELL
    assert report(order_type=27).side is Side.BUY  # with borrowed money, by hand
    assert report(order_type=9999, offset_flag=49).side is Side.SELL
    assert report(order_type=30) is None  # shares given back: no trade
    assert report(order_type=9999) is None


def trade(**changed: Any) -> Any:
    fields = {
        "order_id": 17,
        "stock_code": "600000.SH",
        "order_type": 24,
        "traded_id": "0001",
        "traded_volume": 300,
        "traded_price": 11.36,
        "traded_time": 1772416800,
        "commission": 5.000000001,
    }
    return codes.fill_report(types.SimpleNamespace(**{**fields, **changed}), remark="jq-1", now=NOW)


def test_fills() -> None:
    fill = trade()
    assert (fill.traded_id, fill.volume, fill.price, fill.fee) == ("0001", 300, Decimal("11.36"), Decimal(5))
    assert trade(commission=0.0).fee == 0
    assert trade(commission=-1.0).fee == 0
    assert trade(traded_volume=0) is None  # a cancel, which some brokers tell as a fill of nothing
    nameless = trade(traded_id="")
    assert nameless.traded_id == trade(traded_id=None).traded_id
    assert nameless.traded_id != trade(traded_id="", traded_volume=200).traded_id


def position(**changed: Any) -> types.SimpleNamespace:
    fields = {"stock_code": "600000.SH", "volume": 300, "can_use_volume": 100, "open_price": 9.0, "avg_price": 10.0}
    return types.SimpleNamespace(**{**fields, **changed})


def test_positions() -> None:
    assert codes.positions_of([position(volume=0, can_use_volume=0)]) == []
    [held] = codes.positions_of([position(last_price=10.5)])
    assert (held.volume, held.available, held.avg_cost, held.last) == (300, 100, Decimal(10), Decimal("10.5"))
    [held] = codes.positions_of([position(can_use_volume=500)])
    assert held.available == 300
    [held] = codes.positions_of([position(can_use_volume=-100)])
    assert held.available == 0
    [held] = codes.positions_of([position(), position(volume=100, avg_price=14.0)])  # two shareholder codes
    assert (held.volume, held.available, held.avg_cost) == (400, 200, Decimal(11))


@given(st.floats(min_value=0.001, max_value=100_000))
def test_a_price_is_the_nearest_thousandth(value: float) -> None:
    price = codes.price_of(value)
    assert abs(price - Decimal(value)) <= Decimal("0.0005000001")
    assert price == price.quantize(Decimal("0.001"))


@pytest.mark.parametrize("words", ["委托超时", "网络断开", "通信异常", "timeout", "Timed out", "状态未知"])
def test_words_that_prove_nothing(words: str) -> None:
    assert codes.proves_nothing(f"[COUNTER]{words}")


@pytest.mark.parametrize("words", ["资金不足", "[120157]委托价格超过涨停价", "证券可用数量不足", "权限不足", "停牌"])
def test_words_of_a_real_refusal(words: str) -> None:
    assert not codes.proves_nothing(words)
