"""All figures, in the order of the table."""

from bench.figure import Figure
from bench.figures import acknowledged, burst, cpu, drift, idle, million, rate, stages, start, steady

FIGURES: tuple[Figure, ...] = (
    acknowledged.NEW,
    acknowledged.KEPT,
    steady.CALM,
    steady.BRISK,
    stages.STAGES,
    burst.BUYS,
    burst.MIXED,
    cpu.DAY_LONG,
    rate.PLAIN,
    rate.SLOW_DISK,
    million.MILLION,
    drift.DRIFT,
    idle.IDLE,
    start.START,
)
