from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from jqfollow.ledger.ledger import Ledger
from jqfollow.notify.wecom import make_client

from .virtual_clock import VirtualClock
from .wecom_server import WecomServer


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    folder = tmp_path / "账本"
    folder.mkdir()
    ledger = Ledger.open(folder / "ledger.db")
    yield ledger
    await ledger.close()


@pytest.fixture
def wecom(clock: VirtualClock) -> Iterator[WecomServer]:
    with WecomServer(now=clock.monotonic) as server:
        yield server


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with make_client() as client:
        yield client
