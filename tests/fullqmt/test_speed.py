"""How long placing takes: the terminal's own delay and a tick. A measurement, so in the slow lane."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from execution.brokers.contract import SYMBOL, Requests, accepted, quiet

from .rig import FullQmtRig
from .terminal import Terminal

TICK_S, PASS_S, PUSH_S = 0.1, 0.2, 0.05


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[FullQmtRig]:
    with Terminal(tmp_path, tick_ms=int(TICK_S * 1000), BEAT_S=0.5, ROW_WAIT_S=4.0) as terminal:
        terminal.tell("speed", pass_s=PASS_S, push_s=PUSH_S)
        rig = FullQmtRig(terminal, silent_s=3, take_s=2, place_s=4.8)
        quiet(rig, SYMBOL)
        yield rig
        rig.close()


@pytest.mark.slow
def test_the_median_is_the_terminals_delay_and_a_tick(rig: FullQmtRig) -> None:
    make, took = Requests(), []
    for n in range(60):
        time.sleep(0.013 * (n % 8))  # at every moment of a tick
        began = time.monotonic()
        accepted(rig, make.buy(100, "9.90"))
        took.append(time.monotonic() - began)
    median = sorted(took)[len(took) // 2]
    print(f"\nplace p50 {median * 1000:.0f} ms, p90 {sorted(took)[54] * 1000:.0f} ms")  # noqa: T201  # a measurement
    assert median <= PASS_S + PUSH_S + TICK_S
