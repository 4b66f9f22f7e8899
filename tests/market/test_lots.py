"""Quantities: market-rules "Quantity", by table and by brute force against the rule in words."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jqfollow.domain import Side
from jqfollow.market.lots import MOST, LotRule, buyable, lot_rule, sellable, split, valid_buy, valid_sell
from jqfollow.market.securities import parse_security

DAY = date(2026, 3, 2)
MAIN, CHINEXT, STAR, BSE, ETF, LOF, REIT, BOND = (
    lot_rule(parse_security(symbol), DAY)
    for symbol in (
        "600000.SH", "300750.SZ", "688001.SH", "920799.BJ", "510300.SH", "161725.SZ", "180101.SZ", "113050.SH"
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("row", "rule", "minimum", "step", "max_limit", "max_market", "remainder_below", "unit"),
    [
        ("main (SH, SZ)", MAIN, 100, 100, 1_000_000, 1_000_000, 100, "股"),
        ("ChiNext", CHINEXT, 100, 100, 300_000, 150_000, 100, "股"),
        ("STAR", STAR, 200, 1, 100_000, 50_000, 200, "股"),
        ("BSE", BSE, 100, 1, 1_000_000, 1_000_000, 100, "股"),
        ("ETF", ETF, 100, 100, 1_000_000, 1_000_000, 100, "份"),
        ("LOF", LOF, 100, 100, 1_000_000, 1_000_000, 100, "份"),
        ("REIT", REIT, 100, 100, 1_000_000, 1_000_000, 100, "份"),
        ("convertible bond", BOND, 10, 10, 1_000_000, None, 10, "张"),
    ],
)
def test_each_row_of_the_table(
    row: str,
    rule: LotRule,
    minimum: int,
    step: int,
    max_limit: int,
    max_market: int | None,
    remainder_below: int,
    unit: str,
) -> None:
    assert rule == LotRule(
        minimum=minimum,
        step=step,
        max_limit=max_limit,
        max_market=max_market,
        remainder_below=remainder_below,
        unit_zh=unit,
    ), row


@pytest.mark.parametrize(
    ("rule", "volume", "expected"),
    [
        (MAIN, 99, 0), (MAIN, 100, 100), (MAIN, 199, 100), (MAIN, Decimal("250.9"), 200),
        (STAR, 199, 0), (STAR, 200, 200), (STAR, 201, 201), (STAR, Decimal("200.99"), 200),
        (BSE, 99, 0), (BSE, 101, 101),
        (ETF, 150, 100), (BOND, 9, 0), (BOND, 19, 10),
        (MAIN, 5_000_050, 5_000_000),
    ],
)  # fmt: skip
def test_buyable(rule: LotRule, volume: Decimal | int, expected: int) -> None:
    assert buyable(volume, rule) == expected


NOTHING = [
    0,
    -1,
    -100,
    *map(Decimal, ("NaN", "sNaN", "Infinity", "-Infinity", "-100", "0", "-0", "0.999", "1E-999999")),
]


@pytest.mark.parametrize("rule", [MAIN, STAR, BOND])
@pytest.mark.parametrize("volume", NOTHING)
def test_what_is_no_volume_gives_nothing(rule: LotRule, volume: Decimal | int) -> None:
    assert buyable(volume, rule) == 0
    assert sellable(volume, 1_000, rule) == 0
    assert sellable(volume, 1, rule) == 0


def test_a_huge_volume_is_counted_with_at_all() -> None:
    assert buyable(Decimal("1E+999999"), MAIN) == MOST
    assert sellable(Decimal("1E+999999"), 1_050, MAIN) == 1_050
    assert buyable(10**400, STAR) == MOST


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        (MAIN, {100, 200, 300}),
        (STAR, set(range(200, 311))),
        (BSE, set(range(100, 311))),
        (BOND, set(range(10, 311, 10))),
    ],
)
def test_what_one_order_may_buy(rule: LotRule, allowed: set[int]) -> None:
    assert {volume for volume in range(-10, 311) if valid_buy(volume, rule)} == allowed


# market-rules: "of 150 main-board shares one may sell 50, 100 or 150, never 20 and never 120";
# "STAR: any volume from 200 up, or all that is left when that is under 200"; BSE and bonds by the rows of the table.
@pytest.mark.parametrize(
    ("rule", "holding", "allowed"),
    [
        (MAIN, 150, {50, 100, 150}),
        (MAIN, 99, {99}),
        (MAIN, 200, {100, 200}),
        (MAIN, 230, {30, 100, 130, 200, 230}),
        (ETF, 150, {50, 100, 150}),
        (BOND, 25, {5, 10, 15, 20, 25}),
        (STAR, 150, {150}),
        (STAR, 199, {199}),
        (STAR, 250, set(range(200, 251))),
        (STAR, 300, set(range(200, 301))),
        (BSE, 150, set(range(100, 151))),
        (BSE, 99, {99}),
        (MAIN, 0, set()),
        (MAIN, -50, set()),
    ],
)
def test_what_may_be_sold_of_a_holding(rule: LotRule, holding: int, allowed: set[int]) -> None:
    tried = range(-10, max(holding, 0) + 250)
    assert {volume for volume in tried if valid_sell(volume, holding, rule)} == allowed
    for volume in tried:
        assert sellable(volume, holding, rule) == max((v for v in allowed if v <= volume), default=0)


def test_a_rest_of_an_increment_holding_is_sold_in_one_go() -> None:
    assert valid_sell(250, 300, STAR)
    assert sellable(50, 50, STAR) == 50
    assert sellable(49, 50, STAR) == 0


@pytest.mark.parametrize("rule", [MAIN, STAR, BOND])
def test_an_order_over_the_most_is_not_valid(rule: LotRule) -> None:
    assert valid_buy(rule.max_limit, rule)
    assert not valid_buy(0, rule)
    assert not valid_buy(rule.max_limit + rule.step, rule)
    assert valid_sell(rule.max_limit, 3 * rule.max_limit, rule)
    assert not valid_sell(rule.max_limit + rule.step, 3 * rule.max_limit, rule)


@pytest.mark.parametrize(
    ("rule", "side", "volume", "holding", "parts"),
    [
        (MAIN, Side.BUY, 1_000_000, 0, (1_000_000,)),
        (MAIN, Side.BUY, 2_000_100, 0, (1_000_000, 1_000_000, 100)),
        (CHINEXT, Side.BUY, 700_000, 0, (300_000, 300_000, 100_000)),
        (STAR, Side.BUY, 100_001, 0, (99_801, 200)),
        (STAR, Side.SELL, 100_050, 100_050, (99_850, 200)),
        (MAIN, Side.SELL, 1_000_050, 1_000_050, (999_900, 150)),
        (MAIN, Side.BUY, 0, 0, ()),
    ],
)
def test_split_examples(rule: LotRule, side: Side, volume: int, holding: int, parts: tuple[int, ...]) -> None:
    assert split(volume, side, holding, rule) == parts


@pytest.mark.parametrize(
    ("rule", "side", "volume", "holding"),
    [(MAIN, Side.BUY, 150, 0), (STAR, Side.BUY, 199, 0), (MAIN, Side.SELL, 120, 150), (MAIN, Side.SELL, 200, 150),
     (MAIN, Side.BUY, -100, 0), (MAIN, Side.BUY, 10**13, 0)],
)  # fmt: skip
def test_split_refuses_what_no_orders_can_make(rule: LotRule, side: Side, volume: int, holding: int) -> None:
    with pytest.raises(ValueError, match=str(abs(volume))):
        split(volume, side, holding, rule)


def permitted_buy(volume: int, rule: LotRule) -> bool:
    """The rule in words: minimum / step."""
    return volume >= rule.minimum and (volume - rule.minimum) % rule.step == 0


def permitted_sell(volume: int, holding: int, rule: LotRule) -> bool:
    """The rule in words, written anew: whole lots with or without the whole odd part; or increments, or all of it."""
    if not 0 < volume <= holding:
        return False
    if rule.step == rule.minimum:
        odd = holding % rule.minimum
        lots = range(holding // rule.minimum + 1)
        return any(volume in {n * rule.minimum, n * rule.minimum + odd} for n in lots)
    return volume >= rule.minimum or volume == holding


def small(minimum: int, step: int, max_limit: int) -> LotRule:
    return replace(MAIN, minimum=minimum, step=step, max_limit=max_limit, max_market=None, remainder_below=minimum)


SMALL = [small(m, s, most) for m, s in ((3, 3), (3, 1), (4, 4), (4, 1), (2, 1), (1, 1)) for most in range(2 * m, 4 * m)]


@pytest.mark.parametrize("rule", SMALL, ids=str)
def test_brute_force_of_small_rules(rule: LotRule) -> None:
    for volume in range(45):
        assert buyable(volume, rule) == max((v for v in range(volume + 1) if permitted_buy(v, rule)), default=0)
        if permitted_buy(volume, rule):
            parts = split(volume, Side.BUY, 0, rule)
            assert sum(parts) == volume
            assert all(permitted_buy(part, rule) and part <= rule.max_limit for part in parts)
            assert all(valid_buy(part, rule) for part in parts)
    for holding in range(45):
        allowed = [v for v in range(holding + 1) if permitted_sell(v, holding, rule)]
        for volume in range(48):
            assert sellable(volume, holding, rule) == max((v for v in allowed if v <= volume), default=0)
        for volume in allowed:
            assert_sells(split(volume, Side.SELL, holding, rule), volume, holding, rule)


def assert_sells(parts: tuple[int, ...], volume: int, holding: int, rule: LotRule) -> None:
    assert sum(parts) == volume
    left = holding
    for part in parts:
        assert part <= rule.max_limit
        assert permitted_sell(part, left, rule)
        assert valid_sell(part, left, rule)
        left -= part


RULES = st.sampled_from([MAIN, CHINEXT, STAR, BSE, ETF, BOND])
# Around the boundaries of lots and of the most per order, where mistakes live.
VOLUMES = st.one_of(
    st.integers(0, 3_500_000),
    st.builds(lambda n, d: max(0, n * 100_000 + d), st.integers(0, 35), st.integers(-300, 300)),
)


@settings(deadline=None)
@given(RULES, VOLUMES)
def test_real_buys_split_into_valid_orders(rule: LotRule, volume: int) -> None:
    whole = buyable(volume, rule)
    assert volume - whole < max(rule.minimum, rule.step)
    parts = split(whole, Side.BUY, 0, rule)
    assert sum(parts) == whole
    assert all(valid_buy(part, rule) for part in parts)


@settings(deadline=None)
@given(RULES, VOLUMES, VOLUMES)
def test_real_sells_split_into_valid_orders(rule: LotRule, volume: int, holding: int) -> None:
    whole = sellable(volume, holding, rule)
    left = holding
    for part in split(whole, Side.SELL, holding, rule):
        assert valid_sell(part, left, rule)
        left -= part
    assert left == holding - whole


@settings(deadline=None)
@given(RULES, VOLUMES, st.lists(VOLUMES, max_size=8))
def test_selling_always_reaches_zero(rule: LotRule, holding: int, wishes: list[int]) -> None:
    for wish in wishes:
        sold = sellable(wish, holding, rule)
        assert 0 <= sold <= min(wish, holding)
        holding -= sold
        assert sellable(holding, holding, rule) == holding
    assert sum(split(holding, Side.SELL, holding, rule)) == holding


@settings(deadline=None)
@given(st.one_of(st.decimals(allow_nan=True, allow_infinity=True), st.integers()), st.integers(-1000, 10**7), RULES)
def test_no_number_whatever_breaks_it(volume: Decimal | int, holding: int, rule: LotRule) -> None:
    bought, sold = buyable(volume, rule), sellable(volume, holding, rule)
    assert bought == 0 or rule.minimum <= bought <= volume
    assert 0 <= sold <= max(holding, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"step": 0},
        {"step": -1},
        {"step": 50},
        {"step": 200},
        {"minimum": 0, "remainder_below": 0},
        {"max_limit": 199},
        {"remainder_below": 50},
    ],
)
def test_numbers_that_cannot_work_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="LotRule"):
        replace(MAIN, **change)


def test_a_rule_without_a_lot_is_refused_where_the_step_is_one_share() -> None:
    with pytest.raises(ValueError, match="LotRule"):
        replace(STAR, minimum=0, remainder_below=0)
