"""Rounds: each figure of both sides in turn, so that what the machine does meanwhile falls on both."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.figure import Figure, Row, Run


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
    """One row of one figure."""

    figure: Figure
    row: Row
    first: Found | None
    """`None`: only the second side has such a value."""
    second: Found

    @property
    def ratio(self) -> float | None:
        """Of the medians."""
        return self.second.median / self.first.median if self.first is not None and self.first.median else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One figure over all its rounds."""

    figure: Figure
    values: Mapping[str, Sequence[dict[str, float]]]
    """By side, round after round."""

    def results(self) -> list[Result]:
        """By row; a row that no side has a value of on this system is left out."""
        found = []
        for row in self.figure.rows:
            first, second = (self._found(side, row.key) for side in self.figure.sides)
            if second is not None:
                found.append(Result(figure=self.figure, row=row, first=first, second=second))
        return found

    def _found(self, side: str, key: str) -> Found | None:
        present = [values[key] for values in self.values[side] if key in values]
        return Found(values=present) if present else None


def measure(figure: Figure, run: Run, *, rounds: int, say: Callable[[str], None]) -> Measured:
    """All rounds of one figure. The side that begins changes with each round."""
    values: dict[str, list[dict[str, float]]] = {side: [] for side in figure.sides}
    for number in range(rounds):
        for side in figure.sides if number % 2 == 0 else reversed(figure.sides):
            began = time.monotonic()
            found = dict(figure.measure(run, side))
            values[side].append(found)
            told = ", ".join(f"{row.key} {found[row.key]:.3g} {row.unit}" for row in figure.rows if row.key in found)
            say(f"{figure.name} {number + 1}/{rounds} {side}: {told}  ({time.monotonic() - began:.0f} s)")
    return Measured(figure=figure, values=values)
