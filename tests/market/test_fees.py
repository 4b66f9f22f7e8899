"""Cost and settlement: market-rules "Settlement and cost"."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jqfollow.domain import Side
from jqfollow.market.fees import fee
from jqfollow.market.securities import parse_security
from jqfollow.market.settlement import settles_same_day

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


@pytest.mark.parametrize(
    ("symbol", "side", "volume", "price", "expected"),
    [
        ("600000.SH", BUY, 100, "10", "5.01"),  # least commission 5, transfer 0.01
        ("600000.SH", SELL, 100, "10", "5.51"),  # and duty 0.50
        ("000001.SZ", BUY, 10_000, "10", "31.00"),  # commission 30, transfer 1
        ("000001.SZ", SELL, 10_000, "10", "81.00"),  # and duty 50
        ("688001.SH", SELL, 1_000, "55.55", "45.01"),  # 16.67 + 0.56 + 27.78, each rounded half up
        ("920799.BJ", SELL, 10_000, "10", "81.00"),
        ("510300.SH", SELL, 100_000, "4.123", "123.69"),
        ("161725.SZ", BUY, 100, "1", "5.00"),
        ("180101.SZ", SELL, 10_000, "10", "30.00"),
        ("113050.SH", SELL, 1_000, "120", "36.00"),
        ("600000.SH", SELL, 0, "10", "0"),
        ("600000.SH", BUY, 100, "0", "0"),
    ],
)
def test_fees(symbol: str, side: Side, volume: int, price: str, expected: str) -> None:
    assert fee(parse_security(symbol), side, volume, D(price)) == D(expected)


def test_the_brokers_own_rates() -> None:
    security = parse_security("600000.SH")
    assert fee(security, BUY, 10_000, D(10), commission_rate=D("0.0002")) == D("21.00")
    assert fee(security, BUY, 100, D(10), minimum=D(0)) == D("0.31")
    assert fee(security, BUY, 100, D(10), commission_rate=D(0), minimum=D(0)) == D("0.01")


@pytest.mark.parametrize(
    ("volume", "price"),
    [(-100, "10"), (100, "-1"), (100, "NaN"), (100, "sNaN"), (100, "Infinity"), (100, "1E+90"), (10**400, "1")],
)
def test_no_fee_of_what_is_no_trade(volume: int, price: str) -> None:
    with pytest.raises(ValueError, match="no trade"):
        fee(parse_security("600000.SH"), BUY, volume, D(price))


@settings(deadline=None)
@given(st.integers(1, 10**7), st.integers(1, 10**7), st.sampled_from(["600000.SH", "510300.SH", "113050.SH"]))
def test_a_fee_is_whole_cents_and_a_sell_costs_no_less(volume: int, mils: int, symbol: str) -> None:
    security, price = parse_security(symbol), D(mils) / 1000
    buy, sell = (fee(security, side, volume, price) for side in (BUY, SELL))
    assert D(5) <= buy <= sell
    assert buy == round(buy, 2)
    assert (sell > buy) <= (symbol == "600000.SH")


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("113050.SH", True),
        ("123001.SZ", True),
        ("511880.SH", True),
        ("513100.SH", True),
        ("518880.SH", True),
        ("551000.SH", True),
        ("510300.SH", False),
        ("588000.SH", False),
        ("159915.SZ", False),
        ("159941.SZ", False),
        ("161725.SZ", False),
        ("508000.SH", False),
        ("600000.SH", False),
        ("920799.BJ", False),
    ],
)
def test_same_day_settlement(symbol: str, expected: bool) -> None:
    assert settles_same_day(parse_security(symbol)) is expected
