"""The arithmetic of shortfall, beside a library that was made for it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slippage import Side as TheirSide
from slippage import shortfall_from_totals

from jqfollow.costs.shortfall import Shortfall, Trade, shortfall
from jqfollow.domain import Side

PRICE = st.decimals("0.5", 2000, places=2)


def trade(side: Side = Side.BUY, wished: int = 1000, filled: int = 600, **prices: str) -> Trade:
    known = {"decision": "10.00", "arrival": "10.10", "close": "10.50", "paid": "10.20", "fees": "5"} | prices
    paid = Decimal(known.pop("paid"))
    return Trade(side=side, wished=wished, filled=filled, turnover=paid * filled,
                 **{name: Decimal(value) for name, value in known.items()})  # fmt: skip


def known(of: Trade) -> Shortfall:
    found = shortfall(of)
    assert found is not None
    return found


def test_a_half_filled_buy_in_a_rising_market() -> None:
    cost = known(trade())
    assert (cost.delay, cost.trading, cost.opportunity, cost.fees) == (100, 60, 160, 5)
    assert cost.total == 325
    assert cost.bps == 325


def test_a_sell_in_a_rising_market_gains() -> None:
    cost = known(trade(Side.SELL))
    assert (cost.delay, cost.trading, cost.opportunity) == (-100, -60, -160)


def test_what_is_not_known_is_not_made_up() -> None:
    assert shortfall(trade(decision="0")) is None
    assert shortfall(trade(close="0")) is None
    assert shortfall(trade(wished=0, filled=0)) is None
    assert known(trade(filled=1000, close="0")).opportunity == 0


@given(st.sampled_from(Side), st.integers(1, 10**6), st.integers(0, 10**6), PRICE, PRICE, PRICE, PRICE,
       st.decimals(0, 500, places=2))  # fmt: skip
def test_a_library_made_for_it_says_the_same(
    side: Side, wished: int, part: int, decision: Decimal, arrival: Decimal, close: Decimal, paid: Decimal,
    fees: Decimal,
) -> None:  # fmt: skip
    filled = min(part, wished)
    ours = known(Trade(side=side, wished=wished, filled=filled, turnover=paid * filled, decision=decision,
                       arrival=arrival, close=close, fees=fees))  # fmt: skip
    theirs = shortfall_from_totals(
        side=TheirSide.BUY if side is Side.BUY else TheirSide.SELL, quantity=wished, filled_quantity=filled,
        executed_notional=float(paid * filled), decision_price=float(decision), arrival_price=float(arrival),
        final_price=float(close), fees=float(fees),
    )  # fmt: skip
    near = {"rel": 1e-9, "abs": 1e-3}
    assert float(ours.delay) == pytest.approx(theirs.delay, **near)
    assert float(ours.trading) == pytest.approx(theirs.trading, **near)
    assert float(ours.opportunity) == pytest.approx(theirs.opportunity, **near)
    paper_less_real = (paid - decision) * filled + (close - decision) * (wished - filled)
    assert ours.total == (paper_less_real if side is Side.BUY else -paper_less_real) + fees
