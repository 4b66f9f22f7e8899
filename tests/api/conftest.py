from collections.abc import AsyncIterator

import httpx
import pytest

from jqfollow.api.metrics import Counters
from jqfollow.api.signals import SignalsLimits, signals_app
from jqfollow.domain import AccountState
from jqfollow.settings import Settings, parse_settings

from .fakes import FakeClock, FakeIntake, FakeKeys
from .messages import KEY, OLD_KEY

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
async def signals(
    settings: Settings, keys: FakeKeys, intake: FakeIntake, clock: FakeClock, counters: Counters, limits: SignalsLimits
) -> AsyncIterator[httpx.AsyncClient]:
    app = signals_app(settings=settings, keys=keys, intake=intake, clock=clock, counters=counters, limits=limits)
    transport = httpx.ASGITransport(app=app)
    headers = {"content-type": "application/json"}
    async with httpx.AsyncClient(transport=transport, base_url="http://signals", headers=headers) as client:
        yield client
