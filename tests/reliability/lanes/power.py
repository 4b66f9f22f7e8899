"""Power cut: a practice account's day, cut at any point of its write log; the same day without syncs must fail."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

from reliability import kills
from reliability.beds import Outside
from reliability.judge import Broken
from reliability.kills import Tally
from reliability.life import Mode
from reliability.page import table
from reliability.power import Cut, Day, judged

CUTS_A_DAY = 100
CONTROL = 40
CONTROLS = (
    ("the ledger is `synchronous=NORMAL`", "NORMAL", ""),
    ("the account's journal is not synced", "FULL", "journal_not_synced"),
)
"""What must be found out, or the lane proves nothing: by name, the ledger's setting and a flaw."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be chosen."""
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=120, help="of a day")
    parser.add_argument("--jobs", type=int, default=2, help="services that live at one time")
    parser.add_argument("--seed", type=int, default=1)


def run(options: argparse.Namespace) -> str:
    """The figures.

    Raises:
        Broken: a cut took what had been acknowledged, or the same cuts took nothing without syncs.
    """
    cuts, control, messages = (8, 4, 30) if options.short else (options.cuts, CONTROL, options.messages)
    tally, made, days = Tally(), 0, 0
    for seed, mode in zip(range(options.seed, sys.maxsize), cycle(Mode), strict=False):
        if made >= cuts:
            break
        for result in _day(mode, seed, messages, min(CUTS_A_DAY, cuts - made), options.jobs):
            if isinstance(result, Broken):
                raise result
            tally.add(result)
            made += 1
        days += 1
    rows: list[list[object]] = [["as it is", made, 0]]
    before, kills.SETTLED_S = kills.SETTLED_S, 5.0  # what is lost does not come back
    try:
        for name, synchronous, flaw in CONTROLS:
            found = _day(Mode.PROMPT, options.seed, messages, control, options.jobs, synchronous, flaw)
            broken = sum(isinstance(result, Broken) for result in found)
            if not broken:
                raise Broken(f"{control} cuts took nothing although {name}: this lane cannot tell")
            rows.append([f"control: {name}", control, broken])
    finally:
        kills.SETTLED_S = before
    return (
        f"{made:,} cuts in {days} days of a practice account, {tally.signals:,} acknowledged messages looked for: "
        f"**0 lost, 0 doubled**; everything in a known state within {tally.longest_s:.1f} s of the start after.\n\n"
        f"{table(['files', 'cuts', 'that lost or doubled something'], rows)}"
    )


def _day(
    mode: Mode, seed: int, messages: int, cuts: int, jobs: int, synchronous: str = "FULL", flaw: str = ""
) -> list[Tally | Broken]:
    folder = Path(tempfile.mkdtemp(prefix="jqf-power-"))
    with Outside(folder) as outside, ThreadPoolExecutor(jobs) as pool:
        day = Day(folder, outside, mode=mode, seed=seed, synchronous=synchronous, flaw=flaw)
        day.live(messages)
        results = [
            result for some in _some(day.cuts(cuts), jobs) for result in pool.map(lambda c: judged(day, c), some)
        ]
    broken = sum(isinstance(result, Broken) for result in results)
    why = next((str(result).split(": ", 1)[1][:300] for result in results if isinstance(result, Broken)), "")
    told = f"{mode} {synchronous} {flaw}: {len(results)} cuts, {broken} broken, in {folder} {why}"
    print(told, file=sys.stderr, flush=True)  # noqa: T201  # it takes its time
    if flaw or synchronous != "FULL" or not broken:
        shutil.rmtree(folder, ignore_errors=True)
    return results


def _some(cuts: Iterable[Cut], many: int) -> Iterable[list[Cut]]:
    """A few at a time: each holds whole files."""
    each = iter(cuts)
    while some := list(islice(each, many)):
        yield some
