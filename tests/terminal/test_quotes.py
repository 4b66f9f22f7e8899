"""Quotes and instruments of `xtdata`."""

import threading
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from jqfollow.clock import SHANGHAI, SystemClock, to_ms
from jqfollow.domain import BrokerDownError, BrokerTimeoutError, Phase
from jqfollow.execution.brokers.miniqmt.broker import load_xtdata, xt_quotes
from jqfollow.execution.brokers.miniqmt.quotes import INSTRUMENT_TTL_S, QUOTE_TTL_S, XtQuotes, instrument_of, quote_of

from . import native
from .terminal import Terminal

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)


def tick(**changed: Any) -> dict[str, Any]:
    told = {
        "time": to_ms(NOW),
        "lastPrice": 11.370000000000001,
        "lastClose": 11.0,
        "openInt": 13,
        "amount": 1137000.0,
        "volume": 1000,
        "askPrice": [11.38, 11.39, 0.0, 0.0, 0.0],
        "askVol": [12, 5, 0, 0, 0],
        "bidPrice": [11.36, 0.0, 0.0, 0.0, 0.0],
        "bidVol": [7, 0, 0, 0, 0],
    }
    return {**told, **changed}


def quote(symbol: str = "600000.SH", **changed: Any) -> Any:
    return quote_of(symbol, tick(**changed), NOW)


def test_a_tick_is_quantised_and_empty_levels_are_left_out() -> None:
    told = quote()
    assert (str(told.last), told.prev_close, told.at) == ("11.37", Decimal(11), NOW)
    assert [(level.price, level.volume) for level in told.asks] == [(Decimal("11.38"), 1200), (Decimal("11.39"), 500)]
    assert [(level.price, level.volume) for level in told.bids] == [(Decimal("11.36"), 700)]
    assert told.phase is Phase.CONTINUOUS
    assert not told.suspended


@pytest.mark.parametrize(
    ("code", "at", "phase"),
    [
        (12, "09:16", Phase.OPENING_AUCTION),
        (12, "09:21", Phase.OPENING_AUCTION_LOCKED),
        (12, "14:58", Phase.CLOSING_AUCTION),
        (12, "10:00", None),
        (18, "14:58", Phase.CLOSING_AUCTION),
        (14, "09:26", Phase.PRE_OPEN),
        (14, "12:00", Phase.LUNCH),
        (15, "15:10", Phase.CLOSED),
        (22, "15:10", Phase.AFTER_HOURS),
        (0, "10:00", None),
        (10, "10:00", None),
        (16, "10:00", None),
    ],
)
def test_the_phase_stands_in_open_int(code: int, at: str, phase: Phase | None) -> None:
    moment = datetime.fromisoformat(f"2026-03-02T{at}").replace(tzinfo=SHANGHAI)
    assert quote(openInt=code, time=to_ms(moment)).phase is phase


@pytest.mark.parametrize("code", [1, 16, 17, 20])
def test_halts(code: int) -> None:
    assert quote(openInt=code).suspended


def test_before_the_first_trade_there_is_no_last_price() -> None:
    told = quote(lastPrice=0.0, amount=0.0, volume=0)
    assert told.last is None
    assert told.asks[0].volume == 1200  # lots of a hundred


def test_nothing_is_known_without_any_price() -> None:
    assert quote(lastPrice=0.0, lastClose=0.0) is None


@pytest.mark.parametrize(
    ("symbol", "amount", "volume", "price", "unit"),
    [
        ("510050.SH", 1442588037.0, 5701929, 2.533, 100),
        ("113050.SH", 1_234_560.0, 1000, 123.456, 10),
        ("688001.SH", 5_000_000.0, 100_000, 50.0, 1),
        ("113050.SH", 0.0, 0, 0.0, 10),
        ("600000.SH", 0.0, 0, 0.0, 100),
    ],
)
def test_the_unit_of_volumes_is_told_by_the_turnover(
    symbol: str, amount: float, volume: int, price: float, unit: int
) -> None:
    told = quote(symbol, amount=amount, volume=volume, lastPrice=price, lastClose=1.0)
    assert told.asks[0].volume == 12 * unit


def detail(**changed: Any) -> Any:
    told = {
        "InstrumentName": "浦发银行",
        "PreClose": 10.0,
        "UpStopPrice": 11.0,
        "DownStopPrice": 9.0,
        "PriceTick": 0.01,
        "InstrumentStatus": 0,
        "IsTrading": False,
    }
    return instrument_of("600000.SH", {**told, **changed})


def test_an_instrument() -> None:
    told = detail()
    assert (told.limit_up, told.limit_down, told.tick) == (Decimal(11), Decimal(9), Decimal("0.01"))
    assert not told.suspended  # `IsTrading` is false for every share: it says nothing
    assert detail(InstrumentStatus=3).suspended
    assert not detail(InstrumentStatus=-1).suspended
    assert detail(UpStopPrice=0.0, DownStopPrice=0.0).limit_up is None
    assert detail(UpStopPrice=999999.99).limit_up is None
    assert detail(UpStopPrice=1.7e308).limit_up is None
    assert detail(PriceTick=0.0).tick == Decimal("0.01")
    assert detail(PriceTick=0.001).tick == Decimal("0.001")


@pytest.mark.parametrize(
    ("name", "risky"),
    [
        ("浦发银行", False),
        ("ST华微", True),
        ("*ST金科", True),
        ("XDST华微", True),
        ("S*ST前锋", True),
        ("SST前锋", True),
        ("退市海医", True),
        ("保力退", True),
        ("N新股", False),
        ("XD浦发银", False),
        ("STAR科技", True),
        ("TCL科技", False),
    ],
)
def test_risk_warnings_by_name(name: str, risky: bool) -> None:
    assert detail(InstrumentName=name).risk_warning is risky


class Vendor:
    """An `xtdata` that counts, and hangs while told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.go = threading.Event()
        self.go.set()
        self.answer: dict[str, Any] = {"600000.SH": tick()}

    def get_full_tick(self, _codes: list[str]) -> dict[str, Any]:
        self.asked += 1
        self.go.wait(20)
        return self.answer

    def get_instrument_detail(self, _code: str) -> None:
        self.asked += 1


class Clock(SystemClock):
    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


def test_answers_are_kept_for_a_short_while() -> None:
    vendor, clock = Vendor(), Clock()
    quotes = XtQuotes(load=lambda: vendor, clock=clock)
    assert quotes.quote("600000.SH") == quotes.quote("600000.SH")
    assert quotes.instrument("600001.SH") is quotes.instrument("600001.SH") is None
    assert vendor.asked == 2
    clock.seconds = QUOTE_TTL_S
    quotes.quote("600000.SH")
    assert vendor.asked == 3
    clock.seconds = INSTRUMENT_TTL_S
    quotes.instrument("600001.SH")
    assert vendor.asked == 4


def test_a_request_that_hangs_is_left_behind_and_too_many_are_turned_away() -> None:
    vendor = Vendor()
    quotes = XtQuotes(load=lambda: vendor, clock=SystemClock(), timeout_s=0.02, max_hung=2)
    vendor.go.clear()
    for _ in range(2):
        with pytest.raises(BrokerTimeoutError):
            quotes.quote("600000.SH")
    assert quotes.hung == 2
    with pytest.raises(BrokerDownError, match="restart"):
        quotes.quote("600000.SH")
    assert vendor.asked == 2
    vendor.go.set()
    while quotes.hung:
        threading.Event().wait(0.001)
    quotes._timeout_s = 5
    assert quotes.quote("600000.SH")


@pytest.mark.parametrize("odd", [None, [], {}, {"600000.SH": None}, {"600001.SH": tick()}])
def test_an_answer_without_the_security_is_nothing(odd: Any) -> None:
    vendor = Vendor()
    vendor.answer = odd
    assert XtQuotes(load=lambda: vendor, clock=SystemClock()).quote("600000.SH") is None


def test_without_a_terminal_it_says_what_to_do() -> None:
    native.install()
    native.use_market(None)
    with pytest.raises(BrokerDownError, match="MiniQMT"):
        xt_quotes(SystemClock()).quote("600000.SH")


def test_the_vendors_own_layer_says_hello_to_nobody(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    native.install()
    assert xt_quotes(SystemClock()).quote("600000.SH")
    assert load_xtdata().enable_hello is False
    assert "xtdata" not in capsys.readouterr().out
