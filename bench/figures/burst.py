"""A burst of orders over eight connections, until the last of them is at the broker."""

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta

from bench.calls import Sent
from bench.figure import Bound, Figure, Row, Run, Values
from bench.signals import CODES, STRATEGIES, Signal, Strategies
from bench.stage import Side, Stage
from jqfollow.clock import SHANGHAI

SIZE = 500
CONNECTIONS = 8
_WAIT_S = 180
_SEED = 7


def play(stage: Stage, signals: list[Signal]) -> tuple[list[Sent], list[float], float]:
    """What was sent, signal to broker in ms each, and seconds from the first send to the last broker call."""
    before = stage.calls.poll()
    sent = stage.send_all(signals, connections=CONNECTIONS)
    stage.calls.wait(before + len(signals), _WAIT_S)
    latencies = stage.calls.latencies_ms(sent, since=before)
    first = min(signal.at_ns for signal in sent)
    return sent, latencies, (max(at for at, _ in stage.calls.calls[before:]) - first) / 1e9


def buys(stage: Stage) -> list[Signal]:
    """A rebalancing's worth of buys."""
    stage.warm_up()
    return stage.signals.buys(SIZE)


def mixed(stage: Stage) -> list[Signal]:
    """Half sells of what was bought the day before, in no order; holdings first, outside of what is measured."""
    signals, yesterday = stage.signals, _day_before(datetime.now(SHANGHAI).date())
    held = [(STRATEGIES[n % len(STRATEGIES)], CODES[n % len(CODES)]) for n in range(len(CODES))]
    before = [signals.buy_of(strategy, code, 5000, day=yesterday) for strategy, code in held]
    stage.send_all(before, connections=1)
    stage.calls.wait(len(before), _WAIT_S)
    return shuffled(signals, held, SIZE)


def shuffled(signals: Strategies, held: list[tuple[str, str]], size: int) -> list[Signal]:
    """`size` orders, every other one a sell of `held`."""
    makers: list[Callable[[], Signal]] = []
    for n in range(size // 2):
        strategy, code = held[n % len(held)]
        volume = 100 * (n // len(held) + 1)
        makers += [lambda s=strategy, c=code, v=volume: signals.sell(s, c, v), signals.buy]  # type: ignore[misc]
    random.Random(_SEED).shuffle(makers)
    return [make() for make in makers]


def _day_before(day: date) -> date:
    return day - timedelta(days=3 if day.weekday() == 0 else 1)


def _measure(prepare: Callable[[Stage], list[Signal]]) -> Callable[[Run, str], Values]:
    def measure(run: Run, side: str) -> Values:
        with Stage(Side(side), run.scratch(f"burst-{side}")) as stage:
            signals = prepare(stage)
            cpu = stage.cpu_s()
            _, latencies, seconds = play(stage, signals)
            return {
                "seconds": seconds,
                "cpu": (stage.cpu_s() - cpu) * 1000 / len(signals),
                "median": sorted(latencies)[len(latencies) // 2],
            }

    return measure


_REST = (
    Row(key="median", label="signal → broker, median", unit="ms"),
    Row(key="cpu", label="CPU an order", unit="ms"),
)


def _last(reached: float) -> Row:
    label = "the last at the broker after"
    return Row(key="seconds", label=label, unit="s", must=Bound(most=2), reached=Bound(most=reached))


BUYS = Figure(
    name="burst",
    title=f"Burst of {SIZE} buys over {CONNECTIONS} connections, no limit on orders a second",
    rows=(_last(5), *_REST),
    measure=_measure(buys),
)
MIXED = Figure(
    name="mixed",
    title=f"Burst of {SIZE}, half of them sells of yesterday's holdings",
    rows=(_last(20), *_REST),  # orders of the same code wait for each other
    measure=_measure(mixed),
)
