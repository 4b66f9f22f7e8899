"""Both ports of the real service against their own documents, whatever schemathesis thinks of."""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from jqfollow.domain import Wire
from reliability import fields
from reliability.page import table
from reliability.served import NO_JUNK_LIMIT, Served

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
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
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = found.ok()
        if operation.path in LEFT_OUT:
            continue
        operations += 1

        @settings(max_examples=many, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def keeps_to_it(case: Case) -> None:
            answers[case.call_and_validate(base_url=url, headers=headers, checks=CHECKS).status_code] += 1

        keeps_to_it()
        told = f"{name} {operation.method} {operation.path}: {dict(answers)}"
        print(told, file=sys.stderr, flush=True)  # noqa: T201  # it takes a while
    calls = ", ".join(f"{count:,} × {status}" for status, count in sorted(answers.items()))
    yield [name, operations, sum(answers.values()), calls]
