"""Kill anywhere: at every fail-point that a day comes to, and at any time."""

import argparse
import pickle
import random
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reliability.beds import Outside
from reliability.kills import Kill, Lane, Tally, at_any_time, at_points
from reliability.life import Kind, Mode
from reliability.page import table
from reliability.points import points

Work = Callable[[Lane, Mode, random.Random], None]
KINDS: tuple[Kind, ...] = ("paper", "miniqmt", "fullqmt")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be chosen."""
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=["paper", "miniqmt"])
    parser.add_argument("--modes", nargs="+", choices=list(Mode), default=list(Mode))
    parser.add_argument("--each", type=int, default=5, help="kills at each point, in each mode, of each broker")
    parser.add_argument("--random", type=int, default=1000, help="kills at any time, of all brokers and modes together")
    parser.add_argument("--jobs", type=int, default=2, help="services that live at one time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", type=Path, help="a file in which finished parts are kept, and taken from")


def run(options: argparse.Namespace) -> str:
    """The figures.

    Raises:
        Broken: something was lost, doubled, or in no known state.
    """
    modes = [Mode(name) for name in options.modes]
    if options.short:
        works = [(kind, Mode.PROMPT, _short) for kind in options.kinds]
    else:
        many = options.random // (len(options.kinds) * len(modes))

        def whole(lane: Lane, mode: Mode, dice: random.Random) -> None:
            lane.run(at_points(lane.survey(mode), mode, options.each))
            lane.run([at_any_time(mode, dice) for _ in range(many)])

        works = [(kind, mode, whole) for mode in modes for kind in options.kinds]
    kept = Kept(options.resume)
    with ThreadPoolExecutor(options.jobs) as pool:
        tallies = list(pool.map(lambda work: kept.done(work[0], work[1]) or kept.keep(*work, options.seed), works))
    unseen = points() - set().union(*(tally.reached for tally in tallies))
    if unseen and not options.short:
        raise AssertionError(f"no life came to {sorted(unseen)}")
    return _figures([(kind, mode, tally) for (kind, mode, _), tally in zip(works, tallies, strict=True)])


class Kept:
    """What was finished before, for a lane that takes hours."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._tallies: dict[str, Tally] = {}
        if path is not None and path.exists():
            self._tallies = pickle.loads(path.read_bytes())

    def done(self, kind: Kind, mode: Mode) -> Tally | None:
        """What was counted of it, when it was finished."""
        return self._tallies.get(f"{kind} {mode}")

    def keep(self, kind: Kind, mode: Mode, work: Work, seed: int) -> Tally:
        """Does it, and keeps it."""
        tally = _one(kind, mode, work, seed)
        with self._turn:
            self._tallies[f"{kind} {mode}"] = tally
            if self._path is not None:
                self._path.write_bytes(pickle.dumps(self._tallies))
        return tally


def _short(lane: Lane, mode: Mode, dice: random.Random) -> None:
    """Every point that any order passes, once; some at any time in other modes."""
    kills = at_points(points(), mode, 1)
    others = [at_any_time(other, dice) for other in Mode if other is not mode]
    lane.run([*kills, *others])


def _one(kind: Kind, mode: Mode, work: Work, seed: int) -> Tally:
    """One kind and mode, with a terminal of its own; what failed is left behind."""
    folder = Path(tempfile.mkdtemp(prefix=f"jqf-kills-{kind}-{mode}-"))
    with Outside(folder) as outside:
        lane = Lane(kind, folder / "beds", outside, seed=seed)
        try:
            work(lane, mode, random.Random(f"{seed} {kind} {mode}"))
        finally:
            told = f"{kind} {mode}: {lane.tally.killed} kills, {lane.tally.signals} signals, in {folder}"
            print(told, file=sys.stderr, flush=True)  # noqa: T201  # hours go by
    shutil.rmtree(folder, ignore_errors=True)
    return lane.tally


def _figures(tallies: list[tuple[Kind, Mode, Tally]]) -> str:
    total = Tally()
    rows: list[list[object]] = []
    for kind, mode, tally in tallies:
        total.add(tally)
        at_points_ = {name for name in tally.kills if not name.startswith("any time")}
        at_any = sum(count for name, count in tally.kills.items() if name.startswith("any time"))
        rows.append([kind, str(mode), len(at_points_), tally.killed - at_any, at_any, tally.signals, tally.orders,
                     tally.cancels, tally.unknown, f"{tally.longest_s:.1f}"])  # fmt: skip
    head = ["broker", "mode", "fail-points", "kills there", "kills at any time", "signals", "orders", "cancels",
            "unknown, told, settled by a person", "longest until in order, s"]  # fmt: skip
    return (
        f"{total.killed:,} kills, {total.signals:,} signals, {total.orders:,} orders "
        f"({total.parts:,} of them further parts): **0 lost, 0 doubled**; after each, everything was in a known state "
        f"within {total.longest_s:.1f} s (allowed: 30).\n\n{table(head, rows)}"
    )


__all__ = ["Kill", "arguments", "run"]
