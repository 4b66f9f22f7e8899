"""Terminal and service are killed at random moments of placing and cancelling; the emulator's own log judges.

The long lane: `python -m pytest -m slow -n0 tests/fullqmt/test_killed.py`, 300 times each.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from execution.brokers.contract import SYMBOL
from windows.wine import wine_lacks

from .kills import Said, kill_terminal, made, read_said, settled
from .terminal import Terminal

_TESTS = Path(__file__).parent.parent


@pytest.fixture
def doomed(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal of its own, for it is killed."""
    with Terminal(tmp_path, tick_ms=10, ROW_WAIT_S=0.4) as terminal:
        terminal.tell("reset", cash="1000000000", pulse_s=0.01)
        terminal.tell("market", symbol=SYMBOL, last="10.00", bid="9.99", ask="10.01", prev_close="10.00", depth=10_000)
        terminal.tell("speed", pass_s=0.01, push_s=0.005)
        yield terminal


TIMES = [
    pytest.param(4, id="4"),
    pytest.param(300, marks=[pytest.mark.slow, pytest.mark.timeout(1800)], id="300"),
]


@pytest.mark.parametrize("times", TIMES)
def test_the_terminal_is_killed(doomed: Terminal, times: int) -> None:
    said = kill_terminal(doomed, times=times)
    assert len(said.accepted) >= times  # it was at work when it was killed
    print(f"\n{summary(said)}")  # noqa: T201  # a measurement


@wine_lacks("an icacls that saves access lists, which the killed service asks")
@pytest.mark.parametrize("times", TIMES)
def test_the_service_is_killed(doomed: Terminal, tmp_path: Path, times: int) -> None:
    doomed.tell("speed", pass_s=0.03, push_s=0.005)  # so that some lie in the mailbox when it happens
    memory, rng, said = tmp_path / "memory.txt", random.Random(7), Said()
    for life in range(times):
        process = subprocess.Popen(
            [sys.executable, "-m", "fullqmt.killed_service", str(doomed.mailbox), str(memory), str(life)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_TESTS), os.environ.get("PYTHONPATH", "")])},
        )
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"ready"
        while life % 2 and memory.read_text(encoding="utf-8").count(f"\naccepted jq{life}-") < 2:
            time.sleep(0.01)  # every other one is killed at work, however slow the machine is
        time.sleep(rng.uniform(0.01, 0.3))
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
    broker = made(doomed, said)
    end = broker.connect()
    orders = settled(broker)
    read_said(memory, said)
    said.judge(doomed, orders)
    end()
    assert list((doomed.mailbox / "in").iterdir()) == []
    assert len(said.accepted) >= times
    print(f"\n{summary(said)}")  # noqa: T201  # a measurement


def summary(said: Said) -> str:
    told = {
        "accepted": len(said.accepted),
        "not placed": len(said.not_placed),
        "unknown": len(said.unknown),
        "refused by push": len(said.failed_by_push),
    }
    return f"{told} cancels {dict(said.cancels)}"
