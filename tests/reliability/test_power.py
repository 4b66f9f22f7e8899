"""Cuts of the ledger's write log; the whole service, its exchange too: `python -m tests.reliability power`."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from jqfollow.ledger.ledger import Ledger

from .recorded import Disk, library, read_log

CUTS = 25
WRITES = 25
CHILD = """
import sys
from datetime import datetime
from pathlib import Path
from jqfollow.clock import SHANGHAI
from jqfollow.ledger import store
from jqfollow.ledger.ledger import Ledger
from reliability.recorded import Log, Recording

folder, synchronous = Path(sys.argv[1]), sys.argv[2]
store.connect.__kwdefaults__["synchronous"] = synchronous
log = folder.parent / "writes.log"
recording = Recording(Log(log))
at = datetime(2026, 1, 5, 10, 0, tzinfo=SHANGHAI)
with Ledger.open(folder / "ledger.sqlite3") as ledger:
    for number in range(int(sys.argv[3])):
        ledger.write_now(lambda tx: tx.pauses.pause(f"strategy {number}", "x" * 3000, at))
        print(log.stat().st_size)
"""


pytestmark = pytest.mark.skipif(
    not Path("/proc/self/maps").exists() or library() is None, reason="wants a SQLite library of its own, on Linux"
)


def broken(folder: Path, synchronous: str, cuts: int) -> int:
    """How many of so many cuts lost what had been said to stand, or left a ledger that cannot be opened."""
    data = folder / "data"
    Ledger.open(data / "ledger.sqlite3").close_now()
    disk, lost, dice = Disk(data), 0, random.Random(5)
    command = [sys.executable, "-c", CHILD, str(data), synchronous, str(WRITES)]
    path = os.pathsep.join(filter(None, [str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, check=True)
    said = [int(line) for line in done.stdout.split()]
    assert len(said) == WRITES
    points = sorted(dice.sample(range(said[-1]), cuts))
    for end, op in read_log(folder / "writes.log"):
        while points and points[0] < end:
            point = points.pop(0)
            lost += not_there(folder / "cut", disk, dice, sum(length <= point for length in said))
        disk.do(op)
    return lost


def not_there(folder: Path, disk: Disk, dice: random.Random, promised: int) -> bool:
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, content in disk.cut(dice).items():
        (folder / name).write_bytes(content)
    with Ledger.open(folder / "ledger.sqlite3") as ledger:
        there = ledger.read_now(lambda tx: tx.pauses.list())
    return len(there) < promised


def test_no_cut_takes_what_was_said_to_stand(tmp_path: Path) -> None:
    assert broken(tmp_path, "FULL", CUTS) == 0


def test_the_same_cuts_take_it_without_the_syncs(tmp_path: Path) -> None:
    assert broken(tmp_path, "NORMAL", CUTS) > CUTS / 4
