"""The server's disk full under the engine: 503, nothing that was stored is lost, and it goes on once there is room."""

import asyncio
from pathlib import Path

import pytest

from jqfollow.relay.book import Book
from jqfollow.relay.connect import connect, trusting
from jqfollow.relay.words import SIGNALS
from jqfollow.wire.jqf1 import Key, seal

from .disks import WANTED, grown, small
from .rig import Rig

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), WANTED]


async def test_a_full_disk_is_answered_and_survived(tmp_path: Path) -> None:
    disk = tmp_path / "small"
    with small(disk, size="3m"):
        rig = Rig(disk, wait_ms=0, max_per_minute=100_000)
        ticket, key, stored = rig.ticket("home"), Key.generate(), 0
        async with rig:
            while (answer := await rig.post(seal(key, "demo", f"d-{stored}", 1, "x" * 2000))).status_code == 200:
                stored += 1
            assert (answer.status_code, answer.json()["error"]) == (503, "store")
            assert stored > 50
            grown(disk, size="30m")
            async with asyncio.timeout(30):
                while (await rig.post(seal(key, "demo", "again", 1, "x"))).status_code != 200:  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
            admin = await connect(ticket.url, Book.open(rig.folder).admin, "admin", trusting(ticket.certificate))
            assert (await admin.jetstream().stream_info(SIGNALS)).state.messages >= stored + 1
            await admin.close()
