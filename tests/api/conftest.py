import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import structlog
from starlette.types import ASGIApp

from jqfollow.api.console import console_app
from jqfollow.api.metrics import Counters
from jqfollow.api.models import NoticeView, RelayView
from jqfollow.api.reception import SignalsLimits
from jqfollow.api.signals import SignalsPort, signals_app
from jqfollow.domain import AccountState
from jqfollow.ledger import Ledger
from jqfollow.settings import Settings, parse_settings

from .fakes import FakeClock, FakeDesk, FakeIntake, FakeKeys
from .messages import KEY, OLD_KEY
from .world import make

TOKEN = "console-token-for-these-tests-only-0123456789"

CONFIG = {
    "signals": {"port": 0, "max_per_minute": 5},
    "console": {"port": 0},
    "accounts": {
        "paper": {"broker": "paper"},
        "main": {"broker": "qmt", "qmt_path": "D:/qmt/userdata_mini", "account_id": "88888888"},
    },
    "strategies": {
        "demo": {"title": "演示策略", "follow": {"paper": 1.0, "main": 0.5}},
        "other": {"follow": {"paper": 1.0}},
        "old": {"follow": {"paper": 1.0}, "wire": "seed", "secret": "old secret"},
    },
}
WITH_PARTS = [
    ("GET", "/api/drift"),
    ("POST", "/api/repair/plan"),
    ("POST", "/api/repair"),
    ("GET", "/api/books/acts"),
    ("POST", "/api/books/set"),
    ("POST", "/api/books/adopt"),
    ("POST", "/api/books/move"),
    ("POST", "/api/books/undo"),
    ("GET", "/api/close"),
    ("POST", "/api/close"),
    ("POST", "/api/cancel-all"),
    ("POST", "/api/setup"),
    ("POST", "/api/setup/client"),
    ("POST", "/api/setup/robot"),
    ("POST", "/api/setup/restart"),
]
"""What works with a part of the service that the consoles of this folder lack."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """structlog's default shows every local of a traceback, which takes seconds."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def settings() -> Settings:
    return parse_settings(CONFIG, source="test")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def keys() -> FakeKeys:
    return FakeKeys(demo=(KEY, OLD_KEY), other=(KEY,), old=(KEY,), gone=(KEY,))


@pytest.fixture
def intake() -> FakeIntake:
    return FakeIntake(
        [
            AccountState(account="paper", broker="paper", real=False, ready=True),
            AccountState(
                account="main",
                broker="qmt",
                real=True,
                ready=False,
                why_zh="MiniQMT 未登录",
                why_en="MiniQMT is not logged in",
            ),
        ]
    )


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def limits() -> SignalsLimits:
    return SignalsLimits(body_s=0.2, record_s=0.05, most_waiting=2, junk_per_minute=10)


@pytest.fixture
def signals_port(
    settings: Settings, keys: FakeKeys, intake: FakeIntake, clock: FakeClock, counters: Counters, limits: SignalsLimits
) -> SignalsPort:
    return signals_app(settings=settings, keys=keys, intake=intake, clock=clock, counters=counters, limits=limits)


def sender(app: ASGIApp) -> httpx.AsyncClient:
    headers = {"content-type": "application/json"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://signals", headers=headers)


@pytest.fixture
async def signals(signals_port: SignalsPort) -> AsyncIterator[httpx.AsyncClient]:
    async with sender(signals_port) as client:
        yield client


@pytest.fixture
async def forgetful(
    settings: Settings, keys: FakeKeys, intake: FakeIntake, clock: FakeClock, limits: SignalsLimits
) -> AsyncIterator[httpx.AsyncClient]:
    """The same port with nothing of its own remembered, as after a restart: the ledger decides."""
    limits = dataclasses.replace(limits, remembered=0)
    async with sender(signals_app(settings=settings, keys=keys, intake=intake, clock=clock, limits=limits)) as client:
        yield client


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = make(tmp_path / "数据 夹" / "ledger.sqlite3")
    yield ledger
    await ledger.close()


@pytest.fixture
def stopping() -> asyncio.Event:
    """Set when the service would stop."""
    return asyncio.Event()


@pytest.fixture
def console_asgi(
    settings: Settings,
    ledger: Ledger,
    intake: FakeIntake,
    desk: FakeDesk,
    clock: FakeClock,
    counters: Counters,
    signals_port: SignalsPort,
    stopping: asyncio.Event,
) -> ASGIApp:
    notice = NoticeView(level="warning", zh="交易日历缺少 2027 年", en="the calendar lacks 2027")
    now = clock.now()
    relay = RelayView(connected=True, since=now, waiting=3, last_at=now, lag_s=0.25, ahead_s=-1.5)
    return console_app(
        settings=settings,
        ledger=ledger,
        intake=intake,
        desk=desk,
        clock=clock,
        token=TOKEN,
        counters=counters,
        notices=lambda: [notice],
        relay=lambda: relay,
        signals=signals_port,
        stopping=stopping.is_set,
    )


@pytest.fixture
async def stranger(console_asgi: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without the token."""
    transport = httpx.ASGITransport(app=console_asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield client


@pytest.fixture
async def console(console_asgi: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with the token."""
    transport = httpx.ASGITransport(app=console_asgi)
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=headers) as client:
        yield client
