"""What a figure is: a name, what it shows, what it must reach, and how one side of it is measured once."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Of(StrEnum):
    """What a bound is about."""

    RATIO = "×"
    """The second side's figure over the first's."""
    VALUE = ""
    """The second side's own figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A figure to reach."""

    most: float | None = None
    least: float | None = None
    of: Of = Of.RATIO

    def keeps(self, first: float, second: float, *, slack: float = 1) -> bool:
        """Whether it is reached; with `slack` 2 by twice as bad a figure, too."""
        figure = second / first if self.of is Of.RATIO else second
        return (self.most is None or figure <= self.most * slack) and (
            self.least is None or figure * slack >= self.least
        )

    def __str__(self) -> str:
        sign, figure = ("≤", self.most) if self.most is not None else ("≥", self.least)
        return f"{sign} {figure:g}{self.of}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    key: str
    """Of the measured values."""
    label: str
    unit: str
    must: Bound | None = None
    wish: Bound | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How much is measured."""

    quick: bool
    folder: Path
    """Scratch, on the disk that is measured."""

    def scratch(self, name: str) -> Path:
        """An empty folder."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))


Values = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing that is measured, side by side."""

    name: str
    title: str
    rows: Sequence[Row]
    measure: Callable[[Run, str], Values]
    """One side, once, on a new process: the values of all rows, by key; raises when something was lost or doubled."""
    sides: tuple[str, str] = ("floor", "jqfollow")
    quick_rounds: int = 2


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which `part` of them lie, 0 to 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
