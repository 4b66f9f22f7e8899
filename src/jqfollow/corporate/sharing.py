"""Sharing whole shares out. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction


def shared_out(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in whole parts in proportion to `weights`: each its floor, what is left by largest remainder.

    Of equal remainders the first goes first, so that the same question has the same answer. The parts sum up to
    `total`; with weights that are all zero the first takes it all.

    Raises:
        ValueError: a total or a weight below zero, or nobody to share with.
    """
    if total < 0 or not weights or any(weight < 0 for weight in weights):
        raise ValueError(f"{total} shared out over {list(weights)}")
    whole = sum(weights)
    if whole == 0:
        return [total, *[0] * (len(weights) - 1)]
    return _by_largest_remainder(total, [Fraction(total * weight, whole) for weight in weights])


def after_split(total: int, held: Sequence[int], factor: Decimal) -> list[int]:
    """What each holder of `held` has afterwards, when together they have `total` shares.

    Each has the floor of `factor` times its own; the shares left over go one each to the largest remainders.

    Raises:
        ValueError: a holding below zero, or a total that is a share or more from `factor` times what was held.
    """
    if any(volume < 0 for volume in held) or not factor.is_finite() or factor <= 0:
        raise ValueError(f"{list(held)} times {factor}")
    exact = [Fraction(factor) * volume for volume in held]
    if not -1 < total - sum(exact, Fraction(0)) < 1:
        raise ValueError(f"{total} is not {factor} times {sum(held)} within a share")
    return _by_largest_remainder(total, exact)


def _by_largest_remainder(total: int, exact: Sequence[Fraction]) -> list[int]:
    parts = [share.numerator // share.denominator for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda n: (parts[n] - exact[n], n))
    for n in by_remainder[: total - sum(parts)]:
        parts[n] += 1
    return parts
