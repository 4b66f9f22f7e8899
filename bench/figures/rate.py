"""How many signals a second are acknowledged over sixteen kept connections, the orders being followed meanwhile."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.client import Connection
from bench.figure import Bound, Figure, Row, Run, Values, percentile
from bench.signals import Signal
from bench.stage import Side, Stage

CONNECTIONS = 16
SECONDS = 10
QUICK_SECONDS = 2
SYNC_MS = 5
_ENOUGH_A_SECOND = 4000
"""Messages are sealed beforehand, so that the driver's own work is small."""


def _measure(sync_ms: float) -> Callable[[Run, str], Values]:
    options = ["--sync-ms", str(sync_ms)] if sync_ms else []

    def measure(run: Run, side: str) -> Values:
        seconds = QUICK_SECONDS if run.quick else SECONDS
        with Stage(Side(side), run.scratch(f"rate-{side}"), options=options) as stage:
            stage.warm_up()
            signals = stage.signals.buys(_ENOUGH_A_SECOND * seconds)
            shares = [signals[n::CONNECTIONS] for n in range(CONNECTIONS)]
            began = time.perf_counter()
            with ThreadPoolExecutor(CONNECTIONS) as threads:
                barrier = threading.Barrier(CONNECTIONS)
                done = list(threads.map(lambda share: _send(stage, share, seconds, barrier), shares))
            took = time.perf_counter() - began
            times = [one for share in done for one in share]
            return {"rate": len(times) / took, "p99": percentile(times, 0.99)}

    return measure


def _send(stage: Stage, signals: Sequence[Signal], seconds: float, barrier: threading.Barrier) -> list[float]:
    times, answers = [], []
    with Connection(stage.port) as connection:
        barrier.wait()
        end = time.perf_counter() + seconds
        for signal in signals:
            began = time.perf_counter()
            if began > end:
                break
            answers.append((signal, connection.post(signal.body)))
            times.append(1000 * (time.perf_counter() - began))
    for signal, answer in answers:
        stage.signals.verify(signal, answer)
    return times


def _rows(must: float, wish: float | None, reached: float) -> tuple[Row, ...]:
    return (
        Row(
            key="rate",
            label="signals",
            unit="/s",
            must=Bound(least=must),
            wish=Bound(least=wish) if wish else None,
            reached=Bound(least=reached),
        ),
        Row(key="p99", label="p99", unit="ms", tail=True),
    )


PLAIN = Figure(
    name="rate",
    title=f"Signals a second over {CONNECTIONS} connections",
    rows=_rows(0.5, 0.7, 0.25),
    measure=_measure(0),
)
SLOW_DISK = Figure(
    name="slow-disk",
    title=f"The same with each sync of the disk {SYNC_MS} ms slower",
    rows=_rows(0.6, None, 0.25),
    measure=_measure(SYNC_MS),
)
