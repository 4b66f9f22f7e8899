"""How soon a signal is acknowledged, one after the other."""

import time
from collections.abc import Callable, Iterator

from bench.client import Connection
from bench.figure import Bound, Figure, Row, Run, Values, percentile
from bench.signals import Signal
from bench.stage import Side, Stage

COUNT = 200


def _new(stage: Stage, signals: list[Signal]) -> Iterator[tuple[float, bytes]]:
    for signal in signals:
        began = time.perf_counter()
        with Connection(stage.port) as connection:
            answer = connection.post(signal.body)
        yield time.perf_counter() - began, answer


def _kept(stage: Stage, signals: list[Signal]) -> Iterator[tuple[float, bytes]]:
    with Connection(stage.port) as connection:
        for signal in signals:
            began = time.perf_counter()
            answer = connection.post(signal.body)
            yield time.perf_counter() - began, answer


def _measure(send: Callable[[Stage, list[Signal]], Iterator[tuple[float, bytes]]]) -> Callable[[Run, str], Values]:
    def measure(run: Run, side: str) -> Values:
        with Stage(Side(side), run.scratch(f"acknowledged-{side}")) as stage:
            stage.warm_up()
            signals = stage.signals.buys(COUNT)
            took = list(send(stage, signals))
            for signal, (_, answer) in zip(signals, took, strict=True):
                stage.signals.verify(signal, answer)
            times = [1000 * seconds for seconds, _ in took]
            return {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99)}

    return measure


_ROWS = (
    Row(key="p50", label="p50", unit="ms", must=Bound(most=3), wish=Bound(most=1.5), reached=Bound(most=5)),
    Row(key="p99", label="p99", unit="ms", must=Bound(most=3), wish=Bound(most=2), tail=True),
)

NEW = Figure(
    name="acknowledged",
    title=f"Acknowledged, {COUNT} in a row, a new connection each",
    rows=_ROWS,
    measure=_measure(_new),
)
KEPT = Figure(
    name="kept", title=f"Acknowledged, {COUNT} in a row on a kept connection", rows=_ROWS, measure=_measure(_kept)
)
