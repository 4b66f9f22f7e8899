"""Rounds: each figure of both sides in turn, so that what the machine does meanwhile falls on both."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.figure import Figure, Row, Run, Values

ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One side's value of one row over the rounds."""

    values: Sequence[float]

    @property
    def median(self) -> float:
        """Over the rounds."""
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """Least and most."""
        return min(self.values), max(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One row of one figure, measured."""

    figure: Figure
    row: Row
    first: Found | None
    """`None`: only the second side has such a value."""
    second: Found

    @property
    def ratio(self) -> float | None:
        """Of the medians."""
        return self.second.median / self.first.median if self.first is not None and self.first.median else None


def measured(figure: Figure, run: Run, *, rounds: int, say: Callable[[str], None]) -> list[Result]:
    """All rounds of one figure. The side that begins changes with each round."""
    found: dict[str, list[Values]] = {side: [] for side in figure.sides}
    for number in range(rounds):
        for side in figure.sides if number % 2 == 0 else reversed(figure.sides):
            began = time.monotonic()
            values = figure.measure(run, side)
            found[side].append(values)
            told = ", ".join(f"{row.key} {values[row.key]:.3g} {row.unit}" for row in figure.rows if row.key in values)
            say(f"{figure.name} {number + 1}/{rounds} {side}: {told}  ({time.monotonic() - began:.0f} s)")
    first, second = (found[side] for side in figure.sides)
    return [
        Result(figure=figure, row=row, first=_found(first, row), second=Found(values=[v[row.key] for v in second]))
        for row in figure.rows
    ]


def _found(values: Sequence[Values], row: Row) -> Found | None:
    present = [one[row.key] for one in values if row.key in one]
    return Found(values=present) if present else None
