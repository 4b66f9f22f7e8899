"""Other processes: one that is killed in the middle of writing, one that writes beside the service."""

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

from jqfollow.ledger.ledger import Ledger
from ledger.samples import DAY, NOW, SECURITY, an_attempt, connection_of

HERE = Path(__file__).parent
ROUNDS = 5

PAUSE = """
import sys
from datetime import datetime
from pathlib import Path
from jqfollow.clock import SHANGHAI
from jqfollow.ledger.ledger import Ledger

with Ledger.open(Path(sys.argv[1])) as ledger:
    for number in range(20):
        at = datetime(2026, 1, 5, 10, 0, tzinfo=SHANGHAI)
        ledger.write_now(lambda tx: tx.pauses.pause(f"strategy {number}", "", at))
    print(len(ledger.read_now(lambda tx: tx.pauses.list())))
"""


def environment() -> dict[str, str]:
    paths = [str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONUTF8": "1"}


def killed(path: Path, first: int, after_lines: int) -> list[str]:
    """What the child said was done, until it was killed within what came next."""
    child = subprocess.Popen(
        [sys.executable, str(HERE / "crash_child.py"), str(path), str(first)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with child:
        assert child.stdout is not None
        assert child.stderr is not None
        said = [child.stdout.readline() for _ in range(1 + after_lines)]
        child.kill()
        said += child.stdout.readlines()
        assert "Error" not in child.stderr.read()
    assert said[0] == "ready\n"
    # The last line may have been cut off by the end.
    return [line.strip() for line in said[1:] if line.endswith("\n")]


def test_whatever_was_acknowledged_stands_once_after_a_crash(path: Path) -> None:
    chance = random.Random(20260105)
    acknowledged: list[str] = []
    for number in range(ROUNDS):
        said = killed(path, number * 1_000_000, chance.randrange(0, 120))
        assert len(said) == len(set(said))
        acknowledged += said
        with Ledger.open(path) as ledger:
            check(ledger, acknowledged)
    assert len(acknowledged) > ROUNDS


def check(ledger: Ledger, acknowledged: list[str]) -> None:
    attempts = ledger.read_now(lambda tx: tx.attempts.list(account="main", day=DAY))
    fills = ledger.read_now(lambda tx: tx.fills.list(limit=1_000_000))
    signals = Counter(row.message_id for row in ledger.read_now(lambda tx: tx.signals.list(limit=1_000_000)))
    filled = Counter(row.traded_id for row in fills)
    for line in acknowledged:
        kind, name = line.split()
        assert (signals if kind == "order" else filled)[name] == 1, line
    # No half of a transaction stands: a signal has its attempt, sums are those of the fills.
    assert set(signals.values()) <= {1}
    assert len(attempts) == len(signals)
    assert sum(row.filled for row in attempts) == sum(row.volume for row in fills)
    book = ledger.read_now(lambda tx: tx.books.get("main", "demo", SECURITY))
    assert book.volume == sum(row.volume for row in fills)
    assert book.cost == sum(row.volume * row.price for row in fills)
    assert ledger.read_now(lambda tx: connection_of(tx).execute("PRAGMA integrity_check").fetchone()[0]) == "ok"


async def test_another_program_pauses_while_the_service_writes(path: Path) -> None:
    with Ledger.open(path) as ledger:
        await ledger.write(an_attempt)
        child = subprocess.Popen(  # noqa: ASYNC220  starts at once
            [sys.executable, "-c", PAUSE, str(path)], env=environment(), stdout=subprocess.PIPE, text=True
        )
        with child:
            written = 0
            while child.poll() is None:
                await ledger.write(lambda tx: tx.pauses.pause("", "main", NOW))
                written += 1
            assert child.returncode == 0
            assert child.stdout is not None
            assert child.stdout.read().split()[-1] == "21"
        assert written > 20
        paused = await ledger.read(lambda tx: tx.pauses.list())
    assert {row.strategy for row in paused} == {"", *(f"strategy {number}" for number in range(20))}
