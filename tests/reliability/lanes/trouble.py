"""Disk, clock, network and sleep."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reliability import trouble
from reliability.page import table

_STEPS = (1.0, -1.0, 60.0, -60.0, 3600.0, -3600.0, 86_400.0, -86_400.0)
Work = tuple[str, Callable[[Path], str]]


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be chosen."""
    parser.add_argument("--wecom-s", type=float, default=600, help="how long WeCom is in each kind of trouble")
    parser.add_argument("--sleeps", type=int, default=20, help="of each kind of PC")
    parser.add_argument("--locked-s", type=float, default=30)
    parser.add_argument("--only", default="", help="what has this in its name")
    parser.add_argument("--jobs", type=int, default=1, help="services that live at one time")


def run(options: argparse.Namespace) -> str:
    """The figures.

    Raises:
        Broken: something was lost, doubled, stale, or not told.
    """
    folder = Path(tempfile.mkdtemp(prefix="jqf-trouble-"))
    works = [work for work in _works(options) if options.only in work[0]]

    def worked(number: int) -> list[object]:
        name, work = works[number]
        begun = time.monotonic()
        row = [name, work(folder / str(number)), f"{time.monotonic() - begun:.0f}"]
        print(*row, file=sys.stderr, flush=True)  # noqa: T201  # it takes a while
        return row

    with ThreadPoolExecutor(options.jobs) as pool:
        rows = list(pool.map(worked, range(len(works))))
    shutil.rmtree(folder, ignore_errors=True)
    return (
        "**Nothing lost, nothing doubled, nothing stale went out; what could not be kept was not taken, and a person "
        f"was told.**\n\n{table(['trouble', 'what came of it', 's'], rows)}"
    )


def _works(options: argparse.Namespace) -> Iterator[Work]:
    if options.short:
        yield "asleep", lambda at: trouble.asleep(at, 1, (2,), monotonic=True)
        return
    yield "disk full (the process may write nothing)", lambda at: trouble.full(at, mounted=False)
    if trouble.can_mount():
        yield "disk full (a small disk of its own)", lambda at: trouble.full(at, mounted=True)
    yield "disk slow: 50 ms a sync", lambda at: trouble.slow(at, 0.05)
    yield "disk read-only", trouble.read_only
    yield "ledger held by another program", lambda at: trouble.locked(at, options.locked_s)
    for name, fate in trouble.FATES.items():
        yield f"WeCom {name}, {options.wecom_s:g} s", _wecom(fate, options.wecom_s)
    yield "clock set by ±1 s, ±1 min, ±1 h, ±1 day", lambda at: trouble.clocks(at, _STEPS)
    for monotonic, of in ((True, "Windows"), (False, "Linux")):
        name = f"asleep {options.sleeps} times for 2 or 10 minutes, clocks as on {of}"
        yield name, _asleep(options.sleeps, monotonic=monotonic)


def _wecom(fate: trouble.Fate, seconds: float) -> Callable[[Path], str]:
    return lambda at: trouble.robots(at, fate, seconds)


def _asleep(times: int, *, monotonic: bool) -> Callable[[Path], str]:
    return lambda at: trouble.asleep(at, times, (2, 10), monotonic=monotonic)
