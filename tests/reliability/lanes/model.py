"""Stateful model: rules in any order, on a virtual clock, many thousand times."""

import argparse
import logging
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import structlog
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from reliability.life import context
from reliability.model import OrdersModel
from reliability.page import table

CHUNK = 250
STEPS = 30


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be chosen."""
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--seed", type=int, default=1)


def run(options: argparse.Namespace) -> str:
    """The figures.

    Raises:
        AssertionError: some order of the rules broke the model; the shortest that was found is told.
    """
    runs = 40 if options.short else options.runs
    chunks = [(options.seed + n, min(CHUNK, runs - n * CHUNK)) for n in range(-(-runs // CHUNK))]
    total: Counter[str] = Counter()
    with ProcessPoolExecutor(options.jobs, mp_context=context()) as pool:
        for seen in pool.map(_chunk, chunks):
            total += seen
            print(f"model: {total['runs']} of {runs} runs", file=sys.stderr, flush=True)  # noqa: T201  # hours go by
    rows: list[list[object]] = [[total[name] for name in ("runs", "messages", "orders", "placed")]]
    return (
        f"{total['runs']:,} runs of up to {STEPS} rules each: **the model held in all of them**.\n\n"
        f"{table(['runs', 'messages', 'orders', 'placed at the counter'], rows)}"
    )


def _chunk(work: tuple[int, int]) -> Counter[str]:
    """Some runs from one seed."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    number, runs = work
    OrdersModel.seen.clear()
    tried = settings(
        max_examples=runs,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(number)(OrdersModel), settings=tried)  # type: ignore[no-untyped-call]
    return Counter(OrdersModel.seen)
