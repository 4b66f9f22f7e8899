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

    def keeps(self, figure: float, *, slack: float = 1) -> bool:
        """Whether `figure` reaches it; with `slack` 2 one that is twice as bad does, too."""
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
    reached: Bound | None = None
    """What is reached where that is less than `must`: a quick run is judged by it, so that it tells what got worse."""
    tail: bool = False
    """Of the few slowest: a short run says nothing of it, and is not judged by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How much is measured, and where."""

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
    """One side, once, on a new process: values by the rows' keys; raises when a signal was lost or came twice."""
    sides: tuple[str, str] = ("floor", "jqfollow")
    rounds: int = 5
    quick_rounds: int = 1


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which `part` of them lie, 0 to 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
