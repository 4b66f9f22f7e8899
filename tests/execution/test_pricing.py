"""At which price an attempt goes out: by table, and whatever the market looks like."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jqfollow.clock import SHANGHAI
from jqfollow.domain import Instrument, Level, Phase, Quote, Side
from jqfollow.execution.pricing import Priced, PriceRequest, at_limit, attempt_price, market_price
from jqfollow.market.prices import cage_bound
from jqfollow.market.securities import parse_security
from jqfollow.settings import PriceMode

D = Decimal
B, S = Side.BUY, Side.SELL
MAIN, STAR, ETF = "600000.SH", "688001.SH", "510300.SH"
AT = datetime(2026, 3, 3, 10, 0, tzinfo=SHANGHAI)
CENT = D("0.01")


def levels(text: str) -> tuple[Level, ...]:
    """`10.01x300 10.02x500`."""
    pairs = (part.split("x") for part in text.split())
    return tuple(Level(price=D(price), volume=int(volume)) for price, volume in pairs)


def quote(
    last: str | None = "10.00", bids: str = "9.99x300 9.98x500", asks: str = "10.01x300 10.03x500", **changes: Any
) -> Quote:
    values: dict[str, Any] = {
        "symbol": MAIN,
        "at": AT,
        "last": None if last is None else D(last),
        "prev_close": D(10),
        "bids": levels(bids),
        "asks": levels(asks),
    }
    return Quote(**values | changes)


def instrument(up: str | None = "11.00", down: str | None = "9.00", tick: Decimal = CENT) -> Instrument:
    return Instrument(
        symbol=MAIN,
        name="浦发银行",
        prev_close=D(10),
        limit_up=None if up is None else D(up),
        limit_down=None if down is None else D(down),
        tick=tick,
    )


def priced(side: Side = B, **changes: Any) -> Priced:
    values: dict[str, Any] = {
        "security": parse_security(MAIN),
        "side": side,
        "volume": 100,
        "quote": quote(),
        "instrument": instrument(),
        "phase": Phase.CONTINUOUS,
        "mode": PriceMode.LATEST,
        "slippage_ticks": 0,
        "forced": False,
        "signal_price": D(10),
        "max_drift": D("0.03"),
        "limit_price": None,
        "named_by_person": False,
    }
    return attempt_price(PriceRequest(**values | changes))


# -- what is wished ----------------------------------------------------------------------------------------------------

NO_ASKS, NO_BIDS = quote(asks=""), quote(bids="")
EMPTY = quote(bids="", asks="")
UNTRADED = quote(last=None)
NOTHING = quote(last=None, bids="", asks="")


@pytest.mark.parametrize(
    ("mode", "side", "market", "expected"),
    [
        (PriceMode.LATEST, B, quote(), "10.00"),
        (PriceMode.LATEST, S, quote(), "10.00"),
        (PriceMode.LATEST, B, UNTRADED, "10.01"),
        (PriceMode.LATEST, S, UNTRADED, "9.99"),
        (PriceMode.LATEST, B, quote(last=None, asks=""), "9.99"),
        (PriceMode.LATEST, S, quote(last=None, bids=""), "10.01"),
        (PriceMode.OWN, B, quote(), "9.99"),
        (PriceMode.OWN, S, quote(), "10.01"),
        (PriceMode.OWN, B, NO_BIDS, "10.00"),
        (PriceMode.OWN, S, NO_ASKS, "10.00"),
        (PriceMode.OWN, B, quote(last=None, bids=""), "10.01"),
        (PriceMode.PEER, B, quote(), "10.01"),
        (PriceMode.PEER, S, quote(), "9.99"),
        (PriceMode.PEER, B, NO_ASKS, "10.00"),
        (PriceMode.PEER, S, EMPTY, "10.00"),
        (PriceMode.PEER, B, quote(asks="0x0 10.02x100"), "10.02"),
        (PriceMode.SIGNAL, B, quote(), "10.05"),
        (PriceMode.SIGNAL, S, quote(), "10.05"),
        *((mode, side, NOTHING, None) for mode in PriceMode if mode is not PriceMode.SIGNAL for side in Side),
    ],
)
def test_the_price_by_mode(mode: PriceMode, side: Side, market: Quote, expected: str | None) -> None:
    result = priced(side, mode=mode, quote=market, signal_price=D("10.05"))
    assert (result.price, result.bound) == (None if expected is None else D(expected), None)


def test_by_the_strategys_price_without_one_is_by_the_last() -> None:
    assert priced(mode=PriceMode.SIGNAL, signal_price=None).price == D("10.00")


@pytest.mark.parametrize(
    ("side", "market", "volume", "expected"),
    [
        (B, quote(), 300, "10.01"),
        (B, quote(), 301, "10.03"),
        (B, quote(), 9999, "10.03"),  # as far as the book is seen
        (S, quote(), 301, "9.98"),
        (B, NO_ASKS, 100, "10.00"),
        (S, NO_BIDS, 100, "10.00"),
        (B, NOTHING, 100, None),
    ],
)
def test_forced_across_the_opposite_side(side: Side, market: Quote, volume: int, expected: str | None) -> None:
    result = priced(side, quote=market, volume=volume, forced=True, mode=PriceMode.OWN)
    assert result.price == (None if expected is None else D(expected))


@pytest.mark.parametrize(
    ("side", "ticks", "expected"), [(B, 3, "10.03"), (S, 3, "9.97"), (B, 1000, "10.21"), (S, 1000, "9.80")]
)
def test_slippage_goes_with_the_trade_and_no_further_than_the_cage(side: Side, ticks: int, expected: str) -> None:
    assert priced(side, slippage_ticks=ticks).price == D(expected)


def test_a_price_between_two_ticks_goes_with_the_trade() -> None:
    between = {"mode": PriceMode.SIGNAL, "signal_price": D("10.0049")}
    assert priced(B, **between).price == D("10.01")
    assert priced(S, **between).price == D("10.00")


# -- within what holds -------------------------------------------------------------------------------------------------

AT_UP = quote(last="10.99", bids="10.98x100", asks="11.00x100")


@pytest.mark.parametrize(
    ("what", "side", "expected", "changes"),
    [
        ("drift", B, "9.78", {"signal_price": D("9.5"), "slippage_ticks": 50}),
        ("drift", S, "10.19", {"signal_price": D("10.5")}),
        ("drift, rounded towards the strategy", B, "10.00", {"signal_price": D("9.713")}),
        ("the cage of the main board", B, "10.21", {"slippage_ticks": 40}),
        ("the cage of the main board", S, "9.80", {"slippage_ticks": 40}),
        ("no cage in an auction", B, "10.30", {"slippage_ticks": 40, "phase": Phase.OPENING_AUCTION}),
        ("no cage for funds", B, "10.30", {"slippage_ticks": 40, "security": parse_security(ETF)}),
        ("the day's limit", B, "11.00", {"quote": AT_UP, "slippage_ticks": 5, "signal_price": D(11)}),
        ("no limit today", B, "11.04", {"quote": AT_UP, "slippage_ticks": 5, "signal_price": D(11),
                                        "instrument": instrument(None, None)}),
        ("no price of the strategy", S, "9.50", {"signal_price": None, "slippage_ticks": 50,
                                                 "phase": Phase.CLOSING_AUCTION}),
        ("any distance", S, "9.50", {"max_drift": D(1), "slippage_ticks": 50, "phase": Phase.CLOSING_AUCTION}),
    ],
)  # fmt: skip
def test_the_price_is_brought_within(what: str, side: Side, expected: str, changes: dict[str, Any]) -> None:
    found = priced(side, **changes)
    assert (found.price, found.bound) == (D(expected), None), what


def test_a_price_that_the_guard_holds_says_so() -> None:
    assert priced(S, signal_price=D("10.5")).guarded
    assert priced(B, signal_price=D("9.5")).guarded
    assert not priced(S, signal_price=D("10.0")).guarded
    assert not priced(B, signal_price=D("10.0")).guarded
    assert not priced(S, slippage_ticks=40).guarded, "the cage holds it"
    at_guard = {"signal_price": D("10.00"), "max_drift": D("0.03")}
    assert not priced(S, quote=quote(last="9.70", bids="9.69x9", asks="9.71x9"), **at_guard).guarded, "it is there"
    assert not priced(B, quote=quote(last="10.30", bids="10.29x9", asks="10.31x9"), **at_guard).guarded, "it is there"
    assert not priced(S, signal_price=D("10.5"), limit_price=D("10.40")).guarded


@pytest.mark.parametrize(
    ("side", "limit", "expected"),
    [
        (B, "9.50", "9.50"), (S, "10.50", "10.50"),
        (B, "10.50", "10.21"), (S, "9.50", "9.80"),  # to the cage, which is better for the strategy
        (B, "12.00", "10.21"),
        (B, "9.999", "9.99"), (S, "10.001", "10.01"),
    ],
)  # fmt: skip
def test_a_strategys_limit_is_its_price(side: Side, limit: str, expected: str) -> None:
    """Drift and slippage are for prices that nobody named."""
    result = priced(side, limit_price=D(limit), signal_price=D(8), slippage_ticks=9, quote=quote(last="10.00"))
    assert result == Priced(price=D(expected))


@pytest.mark.parametrize(
    ("side", "limit", "bound", "phase"),
    [
        (B, "10.21", None, Phase.CONTINUOUS),
        (B, "10.22", "10.21", Phase.CONTINUOUS),
        (S, "9.80", None, Phase.CONTINUOUS),
        (S, "9.79", "9.80", Phase.CONTINUOUS),
        (B, "9.00", None, Phase.OPENING_AUCTION),
        (S, "11.00", None, Phase.OPENING_AUCTION),
        (B, "10.90", None, Phase.OPENING_AUCTION),
        (B, "11.01", "11.00", Phase.OPENING_AUCTION),
        (S, "8.99", "9.00", Phase.OPENING_AUCTION),
        (B, "8.99", "9.00", Phase.CONTINUOUS),
        (S, "11.01", "11.00", Phase.CONTINUOUS),
        (B, "0.01", "9.00", Phase.CONTINUOUS),
        (S, "99999", "11.00", Phase.CONTINUOUS),
    ],
)
def test_a_persons_price_is_never_moved(side: Side, limit: str, bound: str | None, phase: Phase) -> None:
    result = priced(side, limit_price=D(limit), named_by_person=True, phase=phase)
    assert result == Priced(price=D(limit), bound=None if bound is None else D(bound))


@pytest.mark.parametrize(("limit", "expected"), [("0.009", None), ("0.01", "0.01"), ("0.99", "0.99")])
def test_no_price_is_below_a_tick(limit: str, expected: str | None) -> None:
    low = {"instrument": instrument(None, None), "quote": quote(last="0.01", bids="", asks="0.01x9")}
    assert priced(B, limit_price=D(limit), phase=Phase.OPENING_AUCTION, **low) == Priced(price=expected and D(expected))


def test_bounds_that_contradict_each_other_are_reported() -> None:
    """The cage of a stock that fell far in a moment ends below the day's limit."""
    fallen = quote(last="8.00", bids="8.00x100", asks="8.01x100")
    assert priced(quote=fallen, signal_price=None) == Priced(price=D("8.00"), bound=D("9.00"))


def test_the_far_end_of_the_days_band_is_a_price() -> None:
    assert priced(B, limit_price=D("9.00"), quote=quote(last="9.00", bids="", asks="9.00x100")).price == D("9.00")
    assert priced(S, limit_price=D("11.00"), quote=quote(last="11.00", bids="11.00x100", asks="")).price == D("11.00")


# -- what the market shows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "market", "expected"),
    [
        (B, quote(), "10.00"), (S, UNTRADED, "9.99"), (B, UNTRADED, "10.01"),
        (B, quote(last=None, asks=""), "9.99"), (B, quote(last="0"), "10.01"), (B, NOTHING, None),
        (B, quote(last=None, asks="10.01x1"), "10.01"), (B, quote(last=None, asks="10.00x0 10.01x5"), "10.01"),
        (S, quote(last=None, bids="0.52x100"), "0.52"), (S, quote(last=None, bids="0x100 9.98x500"), "9.98"),
    ],
)  # fmt: skip
def test_the_market_price(side: Side, market: Quote, expected: str | None) -> None:
    assert market_price(market, side) == (None if expected is None else D(expected))


@pytest.mark.parametrize(
    ("side", "market", "stands"),
    [
        (B, quote(), False), (S, quote(), False),
        (B, quote(last="11.00", bids="11.00x900", asks=""), True),
        (S, quote(last="11.00", bids="11.00x900", asks=""), False),
        (S, quote(last="9.00", bids="", asks="9.00x900"), True),
        (B, quote(last="9.00", bids="", asks="9.00x900"), False),
        (B, quote(last=None, bids="11.00x900", asks=""), True),
        (S, quote(last=None, bids="", asks="9.00x900"), True),
        (B, quote(last=None, bids="11.00x900", asks="11.00x10"), False),  # somebody offers
        (B, quote(last="10.99", bids="11.00x900", asks=""), True),  # nobody offers, whatever traded last
        (B, quote(last="10.99", bids="11.00x900", asks="11.00x0"), True),
        (S, quote(last="9.01", bids="", asks="9.00x900"), True),
        (B, quote(last="10.99", bids="10.98x900", asks=""), False),
        (B, NOTHING, False), (S, NOTHING, False),
    ],
)  # fmt: skip
def test_at_the_limit(side: Side, market: Quote, stands: bool) -> None:
    expected = (D("11.00") if side is B else D("9.00")) if stands else None
    assert at_limit(market, instrument(), side) == expected


@pytest.mark.parametrize("side", Side)
def test_without_a_limit_nothing_stands_at_it(side: Side) -> None:
    assert at_limit(quote(last="99"), instrument(None, None), side) is None


# -- whatever the market looks like ------------------------------------------------------------------------------------

cents = st.integers(1, 3000).map(lambda n: n * CENT)
near = st.integers(900, 1100).map(lambda n: n * CENT)
sides = st.lists(st.tuples(near, st.integers(1, 2000)), max_size=5)


@st.composite
def requests(draw: st.DrawFn) -> PriceRequest:
    bids = tuple(Level(price=p, volume=v) for p, v in sorted(draw(sides), reverse=True))
    asks = tuple(Level(price=p, volume=v) for p, v in sorted(draw(sides)))
    limit = draw(st.none() | st.decimals("0.01", 30, places=3))
    return PriceRequest(
        security=parse_security(draw(st.sampled_from([MAIN, STAR, ETF]))),
        side=draw(st.sampled_from(Side)),
        volume=draw(st.integers(1, 5000)),
        quote=replace(quote(), last=draw(st.none() | near), bids=bids, asks=asks),
        instrument=draw(st.sampled_from([instrument(), instrument(None, None), instrument(tick=D("0.001"))])),
        phase=draw(st.sampled_from([Phase.CONTINUOUS, Phase.OPENING_AUCTION])),
        mode=draw(st.sampled_from(PriceMode)),
        slippage_ticks=draw(st.integers(0, 1000)),
        forced=draw(st.booleans()),
        signal_price=draw(st.none() | cents | st.decimals("0.011", 30, places=4)),
        max_drift=draw(st.sampled_from([D("0.001"), D("0.03"), D(1)])),
        limit_price=limit,
        named_by_person=limit is not None and draw(st.booleans()),
    )


@settings(max_examples=60)
@given(requests())
def test_every_price_without_a_broken_bound_is_one_that_the_exchange_takes(request_: PriceRequest) -> None:
    result = attempt_price(request_)
    price, tick, buy = result.price, request_.instrument.tick, request_.side is B
    if price is None:
        assert result.bound is None
        return
    assert price % tick == 0
    if request_.limit_price is not None:
        assert price <= request_.limit_price if buy else price >= request_.limit_price
        if request_.named_by_person:
            assert abs(price - request_.limit_price) < tick
    if result.bound is not None:
        return
    assert price > 0
    up, down = request_.instrument.limit_up, request_.instrument.limit_down
    assert up is None or price <= up
    assert down is None or price >= down
    if request_.phase is Phase.CONTINUOUS:
        cage = cage_bound(request_.side, request_.security, request_.quote, tick)
        assert cage is None or (price <= cage if buy else price >= cage)
    if request_.signal_price is not None and request_.limit_price is None:
        away = (price - request_.signal_price) / request_.signal_price * (1 if buy else -1)
        assert away <= request_.max_drift


@settings(max_examples=40)
@given(requests(), st.integers(1, 50))
def test_more_slippage_is_never_a_better_price(request_: PriceRequest, more: int) -> None:
    calm = attempt_price(request_).price
    eager = attempt_price(replace(request_, slippage_ticks=request_.slippage_ticks + more)).price
    assert (calm is None) == (eager is None)
    if calm is not None and eager is not None:
        assert eager >= calm if request_.side is B else eager <= calm
