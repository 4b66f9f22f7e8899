"""Sharing whole shares out over books. Pure."""

from collections.abc import Sequence
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
    exact = [Fraction(total * weight, whole) for weight in weights]
    parts = [int(share) for share in exact]
    by_remainder = sorted(range(len(weights)), key=lambda n: (parts[n] - exact[n], n))
    for n in by_remainder[: total - sum(parts)]:
        parts[n] += 1
    return parts
