"""Whole shares, shared out to the last one."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.corporate.sharing import after_split, shared_out

FACTORS = st.sampled_from(["2", "1.3", "1.45", "0.45", "0.5", "1.1", "1.333333", "3", "0.333333"]).map(Decimal)


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**9), min_size=1, max_size=6))
def test_the_parts_sum_up_and_none_is_a_share_off(total: int, weights: list[int]) -> None:
    parts = shared_out(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert part >= 0
        assert not whole or abs(part - Fraction(total * weight, whole)) < 1


@given(FACTORS, st.lists(st.integers(0, 10**7), min_size=1, max_size=6), st.booleans())
def test_after_a_split_everybody_has_its_floor_or_one_more(factor: Decimal, held: list[int], up: bool) -> None:
    exact = Fraction(factor) * sum(held)
    total = exact.numerator // exact.denominator
    total += up and total < exact
    after = after_split(total, held, factor)
    assert sum(after) == total
    for before, now in zip(held, after, strict=True):
        assert now - Fraction(factor) * before + 1 >= 0
        assert now - Fraction(factor) * before < 1


@pytest.mark.parametrize(
    ("factor", "held", "total", "after"),
    [
        ("2", [1000, 300], 2600, [2000, 600]),  # 10转10
        ("1.3", [150, 50], 260, [195, 65]),  # 10送3
        ("1.45", [101, 51, 33], 268, [146, 74, 48]),  # odd lots, and the largest remainder
        ("0.5", [1001, 999], 1000, [501, 499]),  # a fund 1:0.5; of equal remainders the first
        ("1.3", [], 0, []),
    ],
)
def test_examples(factor: str, held: list[int], total: int, after: list[int]) -> None:
    assert after_split(total, held, Decimal(factor)) == after


@pytest.mark.parametrize(("total", "held"), [(2601, [1000, 300]), (2599, [1000, 300]), (100, [-50, 100])])
def test_what_is_not_the_factor_is_not_shared_out(total: int, held: list[int]) -> None:
    with pytest.raises(ValueError, match=r"times"):
        after_split(total, held, Decimal(2))
