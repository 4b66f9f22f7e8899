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
import structlog
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

from .asked import ask_each
from .conftest import CONFIG, TOKEN, WITH_PARTS
from .fakes import FakeClock, FakeDesk, FakeIntake, FakeKeys
from .messages import KEY
from .world import make

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


def has_its_part(method: str, path: str) -> bool:
    """The others are asked of a whole service: `test_accounting_documents`, the lane `documents`."""
    return (method, path) not in WITH_PARTS


@pytest.mark.timeout(600)
def test_the_signals_port_keeps_to_its_document(signals_url: str) -> None:
    asked = dict(ask_each(dict(SIGNALS.openapi()), signals_url, {}, many=15))
    assert asked.keys() == {"GET /api/order", "POST /api/order"}
    assert sum(answers.total() for answers in asked.values()) > len(asked)


@pytest.mark.timeout(600)
def test_the_console_keeps_to_its_document(console_url: str) -> None:
    """With more calls, of the real service: `python -m tests.reliability documents --short`."""
    document = asyncio.run(console_document())
    asked = dict(ask_each(document, console_url, OWNER, many=5, asked=has_its_part))
    operations = {f"{method.upper()} {path}" for path, of in document["paths"].items() for method in of}
    assert asked.keys() == {one for one in operations if has_its_part(*one.split())}
    assert all(answers.keys() != {401} for answers in asked.values())


def test_the_page_has_a_word_for_everything_that_an_order_can_wait_for_or_end_with() -> None:
    words = (Path(jqfollow.__file__).parent / "api/static/i18n.js").read_text(encoding="utf-8")
    known = set(re.findall(r"\b([a-z_]+): \[", words))
    assert {f"wait_{what}" for what in WaitingFor} <= known
    assert set(map(str, Reason)) <= known
