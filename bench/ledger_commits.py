"""What a shared commit, and a durable one, cost: commits of the ledger, measured against each other in one run.

    python bench/ledger_commits.py [--folder FOLDER] [--writes 1000]

The folder decides: a disk that syncs fast hides what grouping saves.
"""

import argparse
import logging
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal

import structlog

from jqfollow.clock import SHANGHAI
from jqfollow.domain import SignalKind, Wire
from jqfollow.ledger.rows import NewSignal, Recorded
from jqfollow.ledger.store import connect, prepare
from jqfollow.ledger.tx import Tx
from jqfollow.ledger.writer import Writer

Mode = Literal["FULL", "NORMAL"]
NOW = datetime(2026, 1, 5, 10, 0, tzinfo=SHANGHAI)
ROUNDS = 3


def record(name: str, tx: Tx) -> Recorded:
    message = NewSignal(
        strategy="bench",
        wire=Wire.JQF1,
        message_id=name,
        kind=SignalKind.HELLO,
        run="sim_trade",
        text="x" * 600,
        made_at=NOW,
        received_at=NOW,
    )
    return tx.signals.record(message)


def one_by_one(writer: Writer, names: list[str]) -> None:
    for name in names:
        writer.submit(partial(record, name)).result()


def all_at_once(writer: Writer, names: list[str]) -> None:
    waiting: list[Future[Recorded]] = [writer.submit(partial(record, name)) for name in names]
    for future in waiting:
        future.result()


def seconds(folder: Path, mode: Mode, way: Callable[[Writer, list[str]], None], writes: int) -> float:
    """The best of some rounds, each on a new ledger."""
    best = float("inf")
    for number in range(ROUNDS):
        path = folder / f"{mode}-{way.__name__}-{number}.db"
        prepare(path)
        writer = Writer(path, partial(connect, path, mode="rw", synchronous=mode))
        writer.start()
        writer.submit(partial(record, "first")).result()  # the connection stands
        names = [f"m{index}" for index in range(writes)]
        began = time.perf_counter()
        way(writer, names)
        best = min(best, time.perf_counter() - began)
        writer.close()
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where the ledgers are made; default: the temporary folder")
    parser.add_argument("--writes", type=int, default=1000, help="how many signals are written each time")
    wanted = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(dir=wanted.folder) as folder:
        base = 0.0
        print(f"{'synchronous':<12} {'commits':<12} {'signals/s':>10} {'ms each':>8} {'ratio':>6}")
        for mode in ("FULL", "NORMAL"):
            for way, name in ((one_by_one, "one each"), (all_at_once, "shared")):
                rate = wanted.writes / seconds(Path(folder), mode, way, wanted.writes)
                base = base or rate
                print(f"{mode:<12} {name:<12} {rate:>10.0f} {1000 / rate:>8.3f} {rate / base:>6.1f}")


if __name__ == "__main__":
    main()
