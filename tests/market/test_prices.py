"""Prices: market-rules "Price" and "Price cage"."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jqfollow.domain import Board, Level, Quote, Side
from jqfollow.market.prices import (
    MOST,
    cage_bound,
    ceil_to_tick,
    floor_to_tick,
    limit_prices,
    limit_ratio,
    round_to_tick,
    tick,
)
from jqfollow.market.securities import parse_security

D = Decimal
CENT, MIL = D("0.01"), D("0.001")
MAIN_SH, MAIN_SZ, CHINEXT, STAR, BSE = "600000.SH", "000001.SZ", "300750.SZ", "688001.SH", "920799.BJ"
ETF, STAR_ETF, LOF, REIT, BOND = "510300.SH", "588000.SH", "161725.SZ", "180101.SZ", "113050.SH"
STOCKS = [MAIN_SH, MAIN_SZ, CHINEXT, STAR, BSE]
OTHERS = [ETF, STAR_ETF, LOF, REIT, BOND]


@pytest.mark.parametrize(("symbols", "expected"), [(STOCKS, CENT), (OTHERS, MIL)])
def test_ticks(symbols: list[str], expected: Decimal) -> None:
    assert {tick(parse_security(symbol)) for symbol in symbols} == {expected}


# market-rules, Price: "Daily limit"; the ST change of 2026-07-06 to the day.
@pytest.mark.parametrize(
    ("symbol", "day", "risk_warning", "expected"),
    [
        (MAIN_SH, date(2025, 1, 2), False, "0.10"),
        (MAIN_SZ, date(2026, 7, 6), False, "0.10"),
        (MAIN_SH, date(2025, 1, 2), True, "0.05"),
        (MAIN_SH, date(2026, 7, 3), True, "0.05"),
        (MAIN_SZ, date(2026, 7, 5), True, "0.05"),
        (MAIN_SH, date(2026, 7, 6), True, "0.10"),
        (MAIN_SZ, date(2030, 1, 2), True, "0.10"),
        (MAIN_SH, date(2019, 1, 2), True, "0.05"),
        (CHINEXT, date(2026, 3, 2), False, "0.20"),
        (CHINEXT, date(2026, 3, 2), True, "0.20"),
        (STAR, date(2026, 3, 2), True, "0.20"),
        (BSE, date(2026, 3, 2), False, "0.30"),
        (BSE, date(2026, 3, 2), True, "0.30"),
        (ETF, date(2026, 3, 2), False, "0.10"),
        (LOF, date(2026, 3, 2), False, "0.10"),
        (REIT, date(2026, 3, 2), False, "0.10"),
        (STAR_ETF, date(2026, 3, 2), False, "0.20"),
        ("589000.SH", date(2026, 3, 2), False, "0.20"),
        ("159915.SZ", date(2026, 3, 2), False, "0.10"),
        (BOND, date(2026, 3, 2), False, "0.20"),
    ],
)
def test_limit_ratios(symbol: str, day: date, risk_warning: bool, expected: str) -> None:
    assert limit_ratio(parse_security(symbol), day, risk_warning=risk_warning) == D(expected)


# market-rules, Price: "No limit: first 5 trading days of an IPO on main, ChiNext, STAR; first day on BSE."
@pytest.mark.parametrize(
    ("symbol", "free_days"),
    [(MAIN_SH, 5), (MAIN_SZ, 5), (CHINEXT, 5), (STAR, 5), (BSE, 1), (ETF, 0), (REIT, 0), (BOND, 0)],
)
def test_first_days_without_limit(symbol: str, free_days: int) -> None:
    security, day = parse_security(symbol), date(2026, 3, 2)
    free = {n for n in range(-2, 10) if limit_ratio(security, day, risk_warning=False, listed_days=n) is None}
    assert free == set(range(1, free_days + 1))


@pytest.mark.parametrize(
    ("reference", "ratio", "step", "up", "down"),
    [
        ("10.15", "0.10", CENT, "11.17", "9.14"),  # 11.165 and 9.135: banker's rounding gives 11.16
        ("11.37", "0.10", CENT, "12.51", "10.23"),
        ("2.50", "0.05", CENT, "2.63", "2.38"),  # 2.625 and 2.375
        ("1.15", "0.30", CENT, "1.50", "0.81"),
        ("0.05", "0.05", CENT, "0.06", "0.04"),  # the percentage is less than a tick: a tick it is
        ("0.01", "0.10", CENT, "0.02", "0.01"),
        ("4.005", "0.10", MIL, "4.406", "3.605"),  # 4.4055 and 3.6045
        ("123.456", "0.20", MIL, "148.147", "98.765"),
        ("11.370000000000001", "0.10", CENT, "12.51", "10.23"),
        ("5.00", "1", CENT, "10.00", "0.01"),
    ],
)
def test_limit_price_examples(reference: str, ratio: str, step: Decimal, up: str, down: str) -> None:
    assert limit_prices(D(reference), D(ratio), step) == (D(up), D(down))


@settings(deadline=None)
@given(st.integers(1, 10**8), st.sampled_from([5, 10, 20, 30]))
def test_limits_are_half_up_in_whole_numbers(cents: int, percent: int) -> None:
    up, down = limit_prices(CENT * cents, D(percent) / 100, CENT)

    def half_up(hundredths: int) -> int:
        return (hundredths + 50) // 100

    assert up == CENT * max(half_up(cents * (100 + percent)), cents + 1)
    assert down == CENT * max(min(half_up(cents * (100 - percent)), cents - 1), 1)


@pytest.mark.parametrize(
    ("reference", "ratio"),
    [("0", "0.1"), ("0.004", "0.1"), ("-1", "0.1"), ("NaN", "0.1"), ("Infinity", "0.1"), ("1E+30", "0.1"),
     ("10", "NaN"), ("10", "-0.1"), ("10", "1.1"), ("10", "sNaN")],
)  # fmt: skip
def test_no_limits_of_what_is_no_price(reference: str, ratio: str) -> None:
    with pytest.raises(ValueError, match=r"price|ratio"):
        limit_prices(D(reference), D(ratio), CENT)


PRICES = st.decimals(min_value=0, max_value=MOST, allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@given(PRICES, st.sampled_from([CENT, MIL]))
def test_ticks_are_met_exactly(price: Decimal, step: Decimal) -> None:
    floor, ceil, near = (to(price, step) for to in (floor_to_tick, ceil_to_tick, round_to_tick))
    exact, unit = Fraction(price), Fraction(step)
    assert Fraction(floor) == exact // unit * unit
    assert Fraction(ceil) == -(-exact // unit) * unit
    assert Fraction(near) == (exact + unit / 2) // unit * unit


@pytest.mark.parametrize("to", [floor_to_tick, ceil_to_tick, round_to_tick])
@pytest.mark.parametrize(
    ("price", "step"),
    [("-0.01", "0.01"), ("NaN", "0.01"), ("sNaN", "0.01"), ("Infinity", "0.01"), ("1E+60", "0.01"),
     ("1", "0"), ("1", "-0.01"), ("1", "NaN"), ("1", "Infinity")],
)  # fmt: skip
def test_no_rounding_of_what_is_no_price(to: Callable[[Decimal, Decimal], Decimal], price: str, step: str) -> None:
    with pytest.raises(ValueError, match=r"price|tick"):
        to(D(price), D(step))


def quote(
    *,
    ask: str | None = None,
    bid: str | None = None,
    last: str | None = None,
    close: str = "10.00",
) -> Quote:
    return Quote(
        symbol="?",
        at=datetime(2026, 3, 2, 2, 0, tzinfo=UTC),
        last=None if last is None else D(last),
        prev_close=D(close),
        bids=() if bid is None else (Level(price=D(bid), volume=100),),
        asks=() if ask is None else (Level(price=D(ask), volume=100),),
    )


BUY, SELL = Side.BUY, Side.SELL


# market-rules, Price cage: the bounds by board.
@pytest.mark.parametrize(
    ("symbol", "side", "reference", "expected"),
    [
        (MAIN_SH, BUY, "10.00", "10.20"),
        (MAIN_SH, SELL, "10.00", "9.80"),
        (MAIN_SZ, BUY, "11.37", "11.59"),  # 11.5974, floored
        (MAIN_SZ, SELL, "11.37", "11.15"),  # 11.1426, ceiled
        (MAIN_SH, BUY, "3.00", "3.10"),  # ten ticks are more than 2 %
        (MAIN_SH, SELL, "3.00", "2.90"),
        (MAIN_SH, BUY, "5.00", "5.10"),  # both the same
        (CHINEXT, BUY, "2.00", "2.10"),
        (CHINEXT, SELL, "100.01", "98.01"),  # 98.0098
        (STAR, BUY, "3.00", "3.06"),  # 2 % flat
        (STAR, SELL, "3.00", "2.94"),
        (STAR, BUY, "0.30", "0.30"),
        (BSE, BUY, "10.00", "10.50"),
        (BSE, SELL, "10.00", "9.50"),
        (BSE, BUY, "1.00", "1.10"),  # 0.1 yuan is more than 5 %
        (BSE, SELL, "1.00", "0.90"),
        (MAIN_SH, SELL, "0.05", "0.01"),
        (BSE, SELL, "0.08", "0.01"),
    ],
)
def test_cage_bounds(symbol: str, side: Side, reference: str, expected: str) -> None:
    market = quote(ask=reference, bid=reference)
    assert cage_bound(side, parse_security(symbol), market, CENT) == D(expected)


@pytest.mark.parametrize("symbol", OTHERS)
@pytest.mark.parametrize("side", [BUY, SELL])
def test_no_cage_for_funds_and_bonds(symbol: str, side: Side) -> None:
    assert cage_bound(side, parse_security(symbol), quote(ask="1.002", bid="1.000"), MIL) is None


# market-rules, Price cage: the order of references.
@pytest.mark.parametrize(
    ("side", "market", "reference"),
    [
        (BUY, quote(ask="20", bid="30", last="40", close="50"), "20"),
        (BUY, quote(bid="30", last="40", close="50"), "30"),
        (BUY, quote(last="40", close="50"), "40"),
        (BUY, quote(close="50"), "50"),
        (SELL, quote(ask="20", bid="30", last="40", close="50"), "30"),
        (SELL, quote(ask="20", last="40", close="50"), "20"),
        (SELL, quote(last="40", close="50"), "40"),
        (SELL, quote(close="50"), "50"),
        (BUY, quote(ask="0", bid="0", last="0", close="50"), "50"),
        (BUY, quote(ask="NaN", last="-1", close="50"), "50"),
    ],
)
def test_cage_references(side: Side, market: Quote, reference: str) -> None:
    factor = D("1.02") if side is BUY else D("0.98")
    assert cage_bound(side, parse_security(MAIN_SH), market, CENT) == D(reference) * factor


def test_a_level_without_volume_is_no_reference() -> None:
    market = quote(close="50")
    levels = (Level(price=D(20), volume=0), Level(price=D(30), volume=100))
    market = Quote(symbol="?", at=market.at, last=None, prev_close=D(50), bids=(), asks=levels)
    assert cage_bound(BUY, parse_security(MAIN_SH), market, CENT) == D("30.60")


@pytest.mark.parametrize("close", ["0", "-1", "NaN", "Infinity", "1E+40"])
def test_no_bound_without_a_price(close: str) -> None:
    assert cage_bound(BUY, parse_security(MAIN_SH), quote(close=close), CENT) is None


@settings(deadline=None)
@given(st.integers(1, 10**7), st.sampled_from(STOCKS))
def test_the_bound_is_the_last_price_inside(cents: int, symbol: str) -> None:
    security, reference = parse_security(symbol), Fraction(cents, 100)
    share = Fraction(5, 100) if security.board is Board.BSE else Fraction(2, 100)
    least = Fraction(0) if security.board is Board.STAR else Fraction(1, 10)
    distance = max(reference * share, least)
    market = quote(ask=str(CENT * cents), bid=str(CENT * cents))
    top, bottom = (cage_bound(side, security, market, CENT) for side in (BUY, SELL))
    assert top is not None
    assert bottom is not None
    assert Fraction(top) <= reference + distance < Fraction(top + CENT)
    assert bottom >= CENT
    assert reference - distance <= Fraction(bottom)
    assert bottom == CENT or Fraction(bottom - CENT) < reference - distance
    assert bottom <= CENT * cents <= top
