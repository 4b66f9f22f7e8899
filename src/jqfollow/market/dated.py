"""A rule's history: which value held on which day."""

from collections.abc import Sequence
from datetime import date
from typing import TypeVar

T = TypeVar("T")


def in_force(history: Sequence[tuple[date, T]], day: date) -> T:
    """The value that held on `day`.

    Args:
        history: at least one (first day, value), oldest first. The first row also stands for all days before it:
            the exchanges' rules were collected for 2025 and later, and practice on older days uses the oldest known.
        day: a day in Shanghai.
    """
    _, value = history[0]
    for since, candidate in history:
        if since <= day:
            value = candidate
    return value
