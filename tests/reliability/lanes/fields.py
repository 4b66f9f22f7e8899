"""Every field of both ports with values that are in nobody's mind."""

import argparse
import shutil
import tempfile
from pathlib import Path

from reliability import fields
from reliability.page import table
from reliability.served import NO_JUNK_LIMIT, Served


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be chosen."""
    parser.add_argument("--every", type=int, default=1, help="every so manyth value only")


def run(options: argparse.Namespace) -> str:
    """The figures.

    Raises:
        AssertionError: a 5xx, a traceback, or an order that hangs.
    """
    every = 211 if options.short else options.every
    folder = Path(tempfile.mkdtemp(prefix="jqf-fields-"))
    served = Served(folder, before=NO_JUNK_LIMIT)
    try:
        assert served.start() is None, served.said()
        sealed, wrong = fields.sealed_fields(served, every=every)
        console, more = fields.console_fields(served, every=every)
        wrong += [*more, *fields.after(served)]
    finally:
        served.close()
    assert not wrong, "\n".join(wrong[:20])
    shutil.rmtree(folder, ignore_errors=True)
    rows: list[list[object]] = [
        [f"signals: {kind}", count, f"{sealed[kind, 200]:,} × 200, {sealed[kind, 400]:,} × 400"]
        for kind in fields.KINDS
        if (count := sum(n for (of, _), n in sealed.items() if of == kind))
    ]
    rows.append(["console", sum(console.values()), ", ".join(f"{n:,} × {s}" for s, n in sorted(console.items()))])
    return (
        "**No 5xx, no traceback in log or output, no order that hangs.** The limit of unusable messages is lifted for "
        f"this lane, or all but 120 a minute would be answered 429.\n\n{table(['port', 'calls', 'answers'], rows)}"
    )
