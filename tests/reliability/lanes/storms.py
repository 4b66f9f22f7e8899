"""Storms and attacks on the real service with its ledger; then every secret is searched in what they left."""

import argparse
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from reliability import leavings, storms
from reliability.flood import Stall
from reliability.page import table
from reliability.served import NO_JUNK_LIMIT, Served
from reliability.storms import Attack, Broken, Figures

_FILES = 8192


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be chosen."""
    parser.add_argument("--copies", type=int, default=2000, help="of one message")
    parser.add_argument("--per-second", type=int, default=500, help="signals")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--stalled", type=int, default=1000, help="connections of each kind")
    parser.add_argument("--flipped", type=int, default=100, help="messages of which bits are changed")
    parser.add_argument("--every", type=int, default=1, help="every so manyth bit only")
    parser.add_argument("--fuzzed", type=int, default=100_000)
    parser.add_argument("--junk", type=int, default=100_000, help="validly sealed, and meaning nothing")


def run(options: argparse.Namespace) -> str:
    """The figures.

    Raises:
        Broken: an order too many or too few, an answer that may not be, something that grows, a secret that leaked.
    """
    if options.short:
        small = {"copies": 60, "per_second": 60, "seconds": 1, "stalled": 60, "flipped": 2, "every": 101}
        vars(options).update(small, fuzzed=200, junk=60)
    _allow_many_connections()
    rows, ends, files, size = _attacked(_attacks(options), "")
    more = _attacked(_read_attacks(options), NO_JUNK_LIMIT)
    head = ["attack", "requests", "answers (0: the connection was ended)", "s", "what came of it", "growth"]
    return (
        f"One service, attacked with all of it one after the other. **No 5xx, no order too many, no order too few**: "
        f"{ends}; each at the exchange once at most. No secret in the {files} files ({size / 1e6:.0f} MB) that it left."
        " Changed, fuzzed and junk messages in numbers went to another that has no limit of unusable messages, or most"
        f" would be answered 429: {more[1]}.\n\n{table(head, [*rows, *more[0]])}"
    )


def _attacked(attacks: Iterable[Callable[[Attack], Figures]], before: str) -> tuple[list[list[object]], str, int, int]:
    """The rows of one service's attacks, how its orders ended, and the files and bytes that it left."""
    folder = Path(tempfile.mkdtemp(prefix="jqf-storms-"))
    served = Served(folder, before=before)
    try:
        if served.start() is not None:
            raise Broken(served.said())
        attack = Attack(served)
        rows = [_told(work(attack)) for work in attacks]
        ends = attack.once_each(served.read(lambda tx: len(tx.signals.list(limit=10**7))))
        if served.stop():
            raise Broken(f"it did not stop in order: {served.said()[-2000:]}")
        files, size, wrong = leavings.looked_through(folder, leavings.secrets_of(served))
        if wrong or "Traceback" in served.said():
            raise Broken(f"left behind: {wrong or served.said()[-3000:]}")
    finally:
        served.close()
    shutil.rmtree(folder, ignore_errors=True)
    return rows, ends, files, size


def _allow_many_connections() -> None:
    with contextlib.suppress(ModuleNotFoundError):  # Windows has no such limit
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(_FILES, hard), hard))


def _attacks(options: argparse.Namespace) -> list[Callable[[Attack], Figures]]:
    return [
        lambda attack: storms.copies(attack, options.copies),
        lambda attack: storms.rush(attack, options.per_second, options.seconds),
        *(_stall(kind, options.stalled, 3 if options.short else 20) for kind in _kinds(options)),
        lambda attack: storms.fuzz(attack, max(60, options.fuzzed // 100)),
        lambda attack: storms.sealed_junk(attack, max(60, options.junk // 100)),
        lambda attack: storms.forged_times(attack, max(20, options.junk // 100)),
    ]


def _read_attacks(options: argparse.Namespace) -> list[Callable[[Attack], Figures]]:
    return [
        lambda attack: storms.flips(attack, options.flipped, options.every),
        lambda attack: storms.fuzz(attack, options.fuzzed),
        lambda attack: storms.sealed_junk(attack, options.junk),
    ]


def _kinds(options: argparse.Namespace) -> tuple[Stall, ...]:
    return (Stall.NO_BODY,) if options.short else tuple(Stall)


def _stall(kind: Stall, count: int, honest: int) -> Callable[[Attack], Figures]:
    return lambda attack: storms.stalled(attack, kind, count, honest)


def _told(figures: Figures) -> list[object]:
    print(figures, file=sys.stderr, flush=True)  # noqa: T201  # hours go by
    answers = ", ".join(f"{count:,} × {status}" for status, count in sorted(figures.answers.items()))
    return [
        figures.attack,
        sum(figures.answers.values()),
        answers,
        f"{figures.took_s:.0f}",
        figures.note,
        figures.growth,
    ]
