"""Signal to broker call at a steady rate, with sweeps, pictures of accounts and notifications as they are.

The time counts from just before the connection is made. What is sent is due at fixed times, whether or not the last
answer has come: a side that stalls is not spared the signals that fall into its stall.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from bench.calls import Sent
from bench.client import Connection
from bench.figure import Bound, Figure, Of, Row, Run, Values, percentile
from bench.robot import Robot
from bench.stage import Side, Stage

SECONDS = 600
QUICK_SECONDS = 4
_SENDERS = 16
_WAIT_S = 120


def keep_sending(stage: Stage, *, per_second: float, seconds: float) -> list[float]:
    """Signal to broker, ms each."""
    before = stage.calls.poll()
    with ThreadPoolExecutor(_SENDERS) as threads:
        began = time.perf_counter()
        sent: list[Future[Sent]] = []
        for number in range(int(per_second * seconds)):
            time.sleep(max(0, began + number / per_second - time.perf_counter()))
            sent.append(threads.submit(_send, stage))
        done = [one.result() for one in sent]
    stage.calls.wait(before + len(done), _WAIT_S)
    return stage.calls.latencies_ms(sorted(done, key=lambda one: one.at_ns), since=before)


def _send(stage: Stage) -> Sent:
    signal = stage.signals.buy()
    at_ns = time.perf_counter_ns()
    with Connection(stage.port) as connection:
        answer = connection.post(signal.body)
    stage.signals.verify(signal, answer)
    return Sent(key=signal.key, at_ns=at_ns)


def _measure(per_second: float) -> Callable[[Run, str], Values]:
    def measure(run: Run, side: str) -> Values:
        with Robot() as robot, Stage(Side(side), run.scratch(f"steady-{side}"), robots=[robot.address]) as stage:
            stage.warm_up()
            seconds = QUICK_SECONDS if run.quick else SECONDS
            times = keep_sending(stage, per_second=per_second, seconds=seconds)
            return {
                "p50": percentile(times, 0.5),
                "p99": percentile(times, 0.99),
                "most": max(times),
                "over": sum(one > 100 for one in times),
            }

    return measure


def _figure(per_second: int) -> Figure:
    return Figure(
        name=f"steady{per_second}",
        title=f"Signal → broker call at {per_second} a second, ten minutes",
        rows=(
            Row(key="p50", label="p50", unit="ms", must=Bound(most=3), wish=Bound(most=1.5)),
            Row(key="p99", label="p99", unit="ms", must=Bound(most=3), wish=Bound(most=2), tail=True),
            Row(key="most", label="slowest", unit="ms", must=Bound(most=100, of=Of.VALUE), tail=True),
            Row(key="over", label="over 100 ms", unit="", tail=True),
        ),
        measure=_measure(per_second),
        rounds=1,
    )


CALM, BRISK = _figure(2), _figure(20)
