"""Both ports against their own documents: whatever is sent, the answer is one that the document promises."""

import asyncio
import contextlib
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import schemathesis
import structlog
from hypothesis import HealthCheck, settings
from schemathesis import BaseSchema, Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import ASGIApp

import jqfollow
from jqfollow.api.console import console_app
from jqfollow.api.reception import SignalsLimits
from jqfollow.api.server import Server
from jqfollow.api.signals import signals_app
from jqfollow.domain import WaitingFor
from jqfollow.ledger import Ledger
from jqfollow.reasons import Reason
from jqfollow.settings import parse_settings

from .conftest import CONFIG, TOKEN
from .fakes import FakeClock, FakeDesk, FakeIntake, FakeKeys
from .messages import KEY
from .world import make

pytestmark = pytest.mark.usefixtures("by_operation")
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
WITHOUT_EDGES = schemathesis.Config.from_dict({"phases": {"coverage": {"enabled": False}}})
"""schemathesis then leaves out the calls that it derives from the document's bounds, some twenty an operation."""
OWNER = {"authorization": f"Bearer {TOKEN}"}
SETTINGS = parse_settings(CONFIG, source="test")
INTAKE = FakeIntake()
SIGNALS = signals_app(
    settings=SETTINGS,
    keys=FakeKeys(demo=(KEY,)),
    intake=INTAKE,
    clock=FakeClock(),
    limits=SignalsLimits(junk_per_minute=1_000_000),
)


@contextlib.contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The address of a real server on a loop of its own."""
    server = Server(app, name="test", host="127.0.0.1", port=0)
    server.bind()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
        yield server.url
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def signals_url() -> Iterator[str]:
    with served(SIGNALS) as url:
        yield url


@pytest.fixture(scope="module")
def console_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    ledger = make(tmp_path_factory.mktemp("console") / "ledger.sqlite3")
    desk = FakeDesk()
    desk.rows = lambda: [ledger.read_now(lambda tx: tx.orders.get(1))]  # type: ignore[list-item]
    app = console_app(
        settings=SETTINGS, ledger=ledger, intake=INTAKE, desk=desk, clock=FakeClock(), token=TOKEN, signals=SIGNALS
    )
    with structlog.testing.capture_logs(), served(app) as url:
        yield url
    asyncio.run(ledger.close())


async def console_document() -> dict[str, Any]:
    """As the console serves it; the ledger is not asked for it."""
    app = console_app(
        settings=SETTINGS,
        ledger=cast("Ledger", None),
        intake=INTAKE,
        desk=FakeDesk(),
        clock=FakeClock(),
        token=TOKEN,
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=OWNER) as client:
        document: dict[str, Any] = (await client.get("/openapi.json")).json()
    return document


@pytest.fixture(scope="module")
def signals_schema() -> BaseSchema:
    return schemathesis.openapi.from_dict(dict(SIGNALS.openapi()))


@pytest.fixture(scope="module")
def console_schema() -> BaseSchema:
    return schemathesis.openapi.from_dict(asyncio.run(console_document()))


@pytest.fixture(scope="module")
def console_schema_without_edges() -> BaseSchema:
    return schemathesis.openapi.from_dict(asyncio.run(console_document()), config=WITHOUT_EDGES)


# Read by the process that runs the test alone: what is to be tried is not worked out wherever tests are collected.
signals = schemathesis.pytest.from_fixture("signals_schema")
console, console_without_edges = (
    # What this console has no part for is asked of a whole service: `test_accounting_documents`, the lane `documents`.
    schemathesis.pytest.from_fixture(name)
    .exclude(path_regex="^/api/(drift$|repair|books|close|cancel-all|setup/)")
    .exclude(path="/api/setup", method="POST")
    for name in ("console_schema", "console_schema_without_edges")
)
few = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
many = settings(few, max_examples=2_000)


@pytest.mark.timeout(600)  # all operations are one test
@signals.parametrize()
@few
def test_the_signals_port_keeps_to_its_document(case: Case, signals_url: str) -> None:
    case.call_and_validate(base_url=signals_url, checks=CHECKS)


@pytest.mark.timeout(600)
@console_without_edges.parametrize()
@settings(few, max_examples=5)  # more, of the real service: `python -m tests.reliability documents --short`
def test_the_console_keeps_to_its_document(case: Case, console_url: str) -> None:
    case.call_and_validate(base_url=console_url, headers=OWNER, checks=CHECKS)


@pytest.mark.slow  # a step of its own in `.ci/run`
@pytest.mark.timeout(600)
@console.parametrize()
@settings(few, max_examples=1)
def test_the_console_keeps_to_its_document_at_the_edges(case: Case, console_url: str) -> None:
    case.call_and_validate(base_url=console_url, headers=OWNER, checks=CHECKS)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@signals.parametrize()
@many
def test_the_signals_port_keeps_to_its_document_at_length(case: Case, signals_url: str) -> None:
    case.call_and_validate(base_url=signals_url, checks=CHECKS)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@console.parametrize()
@settings(few, max_examples=200)
def test_the_console_keeps_to_its_document_at_length(case: Case, console_url: str) -> None:
    case.call_and_validate(base_url=console_url, headers=OWNER, checks=CHECKS)


def test_the_page_has_a_word_for_everything_that_an_order_can_wait_for_or_end_with() -> None:
    words = (Path(jqfollow.__file__).parent / "api/static/i18n.js").read_text(encoding="utf-8")
    known = set(re.findall(r"\b([a-z_]+): \[", words))
    assert {f"wait_{what}" for what in WaitingFor} <= known
    assert set(map(str, Reason)) <= known
