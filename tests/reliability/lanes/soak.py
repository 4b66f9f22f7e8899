"""Hours of signals with faults now and then: what a service holds must not grow."""

import argparse
import random
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from notify.wecom_server import Trouble
from reliability import trouble
from reliability.flood import Flood
from reliability.page import table
from reliability.trouble import Broken, Scene

_LOOK_S = 10.0
_THIRDS = 3
_WAL_BYTES = 64 * 1024 * 1024
_SLACK_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the process held at one time, and how long answers took since the last look."""

    at_s: float
    memory: int
    descriptors: int
    wal: int
    answer_s: float
    """The median of answers without a fault."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be chosen."""
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--per-second", type=float, default=5)
    parser.add_argument("--fault-every-s", type=float, default=60)


def run(options: argparse.Namespace) -> str:
    """The figures.

    Raises:
        Broken: something is lost, doubled, or grows.
    """
    if options.short:
        options.minutes, options.per_second, options.fault_every_s = 0.1, 5, 3
    folder = Path(tempfile.mkdtemp(prefix="jqf-soak-"))
    with trouble.scene(folder) as on:
        looks, faults = _hours(on, options.minutes * 60, options.per_second, options.fault_every_s)
        ends = on.judged()
    shutil.rmtree(folder, ignore_errors=True)
    size = max(1, len(looks) // _THIRDS)
    first, last = looks[:size], looks[-size:]
    rows: list[list[object]] = []
    for name, of, unit in (
        ("memory, MB", lambda look: look.memory / 1e6, 1),
        ("descriptors", lambda look: look.descriptors, 0),
        ("write-ahead log, MB", lambda look: look.wal / 1e6, 1),
        ("an answer, ms", lambda look: look.answer_s * 1000, 1),
    ):
        values = [f"{statistics.median(map(of, part)):.{unit}f}" for part in (first, last)]
        rows.append([name, *values, f"{max(map(of, looks)):.{unit}f}"])
    if not options.short:
        _refuse_growth(first, last, looks)
    told = ", ".join(f"{count} × {name}" for name, count in sorted(faults.items()))
    acknowledged = sum(one.acknowledged for one in on.sent)
    return (
        f"{options.minutes:g} minutes at {options.per_second:g} a second: {len(on.sent):,} signals, {acknowledged:,} "
        f"acknowledged at once, the others told to come again; {told}. **0 lost, 0 doubled**: {ends}.\n\n"
        f"{table(['', 'first third', 'last third', 'most'], rows)}"
    )


def _refuse_growth(first: list[Look], last: list[Look], looks: list[Look]) -> None:
    memory = [statistics.median(look.memory for look in part) for part in (first, last)]
    if memory[1] > memory[0] + _SLACK_BYTES:
        raise Broken(f"memory grew from {memory[0]:,.0f} to {memory[1]:,.0f} bytes")
    descriptors = [statistics.median(look.descriptors for look in part) for part in (first, last)]
    if descriptors[1] > descriptors[0] + 8:
        raise Broken(f"descriptors grew from {descriptors[0]} to {descriptors[1]}")
    if (wal := max(look.wal for look in looks)) > _WAL_BYTES:
        raise Broken(f"the write-ahead log came to {wal:,} bytes")
    answers = [statistics.median(look.answer_s for look in part) for part in (first, last)]
    if answers[1] > 2 * answers[0] + 0.05:
        raise Broken(f"an answer took {answers[0] * 1000:.0f} ms, and {answers[1] * 1000:.0f} ms at the end")


def _hours(on: Scene, seconds: float, per_s: float, fault_every_s: float) -> tuple[list[Look], Counter[str]]:
    dice, faults, looks = random.Random(5), Counter[str](), list[Look]()
    process, begun = psutil.Process(on.served.pid), time.monotonic()
    answers: list[float] = []
    next_look, next_fault = begun + min(_LOOK_S, seconds / 6), begun + fault_every_s
    works = list(_FAULTS.items())
    for number in range(int(seconds * per_s)):
        due = begun + number / per_s
        time.sleep(max(0, due - time.monotonic()))
        if time.monotonic() > begun + seconds:
            break
        asked = time.monotonic()
        sent = on.send()[0]
        if sent.status == 200:
            answers.append(time.monotonic() - asked)
        now = time.monotonic()
        if now >= next_fault:
            name, work = works[sum(faults.values()) % len(works)]
            work(on, dice)
            faults[name] += 1
            next_fault = time.monotonic() + fault_every_s
        elif now >= next_look and answers:
            looks.append(_look(on, process, now - begun, statistics.median(answers)))
            answers.clear()
            next_look = now + min(_LOOK_S, seconds / 6)
    return looks, faults


def _look(on: Scene, process: psutil.Process, at_s: float, answer_s: float) -> Look:
    wal = on.served.data / "ledger.sqlite3-wal"
    descriptors = process.num_handles() if hasattr(process, "num_handles") else process.num_fds()
    size = wal.stat().st_size if wal.exists() else 0
    look = Look(at_s=at_s, memory=process.memory_info().rss, descriptors=descriptors, wal=size, answer_s=answer_s)
    print(look, file=sys.stderr, flush=True)  # noqa: T201  # hours go by
    return look


def _wecom(on: Scene, dice: random.Random) -> None:
    on.wecom.next(*(dice.choice([Trouble.DROP, 500, -1, b"<html>"]) for _ in range(5)))


def _held(on: Scene, dice: random.Random) -> None:
    other = sqlite3.connect(on.served.data / "ledger.sqlite3", isolation_level=None, timeout=5)
    try:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(dice.random() * 2)
    finally:
        other.close()


def _asleep(on: Scene, dice: random.Random) -> None:
    with on.served.asleep():
        time.sleep(dice.random() * 3)


def _junk(on: Scene, dice: random.Random) -> None:
    flood = Flood(on.served.signals, connections=8)
    flood.post(dice.randbytes(300) for _ in range(200))


_FAULTS: dict[str, Callable[[Scene, random.Random], None]] = {
    "WeCom wrong": _wecom,
    "ledger held": _held,
    "asleep": _asleep,
    "junk": _junk,
}
