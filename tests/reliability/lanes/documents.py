"""Both ports of the real service against their own documents, whatever schemathesis thinks of."""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.asked import ask_each
from jqfollow.domain import Wire
from reliability import fields
from reliability.page import table
from reliability.served import NO_JUNK_LIMIT, Served

LEFT_OUT = frozenset({"/api/setup/restart", "/api/setup/robot"})
"""What ends the service when it works, and what goes out to the internet."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be chosen."""
    parser.add_argument("--signals", type=int, default=2_000, help="calls of each operation of the signals port")
    parser.add_argument("--console", type=int, default=200, help="calls of each operation of the console")


def run(options: argparse.Namespace) -> str:
    """The figures.

    Raises:
        Exception: schemathesis's, with the call: an answer that the document does not promise.
        AssertionError: a traceback, or an order that hangs.
    """
    many = (15, 15) if options.short else (options.signals, options.console)
    folder = Path(tempfile.mkdtemp(prefix="jqf-documents-"))
    served = Served(folder, before=NO_JUNK_LIMIT)
    try:
        assert served.start() is None, served.said()
        owner = {"authorization": f"Bearer {served.token()}"}
        root = served.signals.removesuffix("/api/order")
        rows = [
            *_port("signals", served.ask("/openapi/signals.json").json(), root, {}, many[0]),
            *_port("console", served.ask("/openapi.json").json(), served.console, owner, many[1]),
        ]
        taken = {one.wire for one in served.read(lambda tx: tx.signals.list(limit=100_000))}
        assert taken <= {Wire.MANUAL, Wire.REPAIR}, f"a message without a key was taken: {taken}"
        wrong = fields.after(served)
    finally:
        served.close()
    assert not wrong, "\n".join(wrong[:20])
    shutil.rmtree(folder, ignore_errors=True)
    return (
        "**Every answer is one that the port's document promises: no 5xx, no traceback, no order that hangs.** The "
        "limit of unusable messages is lifted for this lane.\n\n"
        f"{table(['port', 'operations', 'calls', 'answers'], rows)}"
    )


def _port(name: str, document: dict[str, Any], url: str, headers: dict[str, str], many: int) -> Iterator[list[object]]:
    answers: Counter[int] = Counter()
    operations = 0
    for operation, of in ask_each(document, url, headers, many=many, asked=lambda _method, path: path not in LEFT_OUT):
        operations += 1
        answers += of
        print(f"{name} {operation}: {dict(of)}", file=sys.stderr, flush=True)  # noqa: T201  # it takes a while
    calls = ", ".join(f"{count:,} × {status}" for status, count in sorted(answers.items()))
    yield [name, operations, sum(answers.values()), calls]
