"""All figures, in the order of the table."""

from bench.figure import Figure
from bench.figures import burst

FIGURES: tuple[Figure, ...] = (
    burst.BUYS,
    burst.MIXED,
)
