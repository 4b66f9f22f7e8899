"""The server's power cut under load: a copy of its block device while it is mounted, and an engine on the copy.

What the file system has not handed to the device when the copy is taken is lost, as in a power cut; what a drive itself
forgets is not looked at. Linux, root and a loop device are wanted.
"""

import asyncio
import contextlib
import itertools
import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
import structlog
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from jqfollow.relay import engine as engine_module
from jqfollow.relay.book import Book
from jqfollow.relay.config import RelayConfig
from jqfollow.relay.connect import connect, trusting
from jqfollow.relay.engine import Engine
from jqfollow.relay.ticket import Ticket
from jqfollow.relay.words import SIGNALS
from jqfollow.wire.jqf1 import Key, seal
from ports import free_port

from .disks import WANTED, mounted, run
from .rig import Rig

log = structlog.get_logger(__name__)
CUTS = int(os.environ.get("JQF_RELAY_CUTS", "20"))
SENDERS = 4
_MB = 96
_CUTS_A_DEVICE = 20

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * 3600), WANTED]


class Cuts:
    """A relay on a device of its own, senders, and what a cut leaves."""

    def __init__(self, folder: Path, image: Path) -> None:
        self.rig = Rig(folder / "mnt", wait_ms=0, max_store_mb=48, max_per_minute=100_000)
        self.ticket: Ticket = self.rig.ticket("home")
        self.folder, self.image = folder, image
        self.stored: list[str] = []
        self.checked = 0

    async def send(self, number: int) -> None:
        key = Key.generate()
        for one in itertools.count():
            sent = seal(key, "demo", f"{number}-{one}", int(time.time()), "x" * 300)
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await self.rig.post(sent)).status_code == 200:
                        break
                await asyncio.sleep(0.05)
            self.stored.append(sent["id"])

    def cut(self) -> tuple[Path, list[str]]:
        """The device as it is now, and what had been called stored."""
        pid = self.rig.relay.engine.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)  # the copy takes a moment, a power cut does not
        try:
            promised, copy = list(self.stored), self.folder / "cut.img"
            shutil.copyfile(self.image, copy)
        finally:
            os.kill(pid, signal.SIGCONT)
        return copy, promised

    async def left(self, at: Path) -> list[str]:
        """The ids that an engine finds on the copy, all of them."""
        folder = at / "中继 relay"
        config = RelayConfig(
            host="127.0.0.1", port=free_port(), engine_port=free_port(), monitor_port=free_port(), max_store_mb=48
        )
        book, engine = Book.open(folder), Engine(config, folder)
        await engine.start(book)
        try:
            url = f"tls://127.0.0.1:{config.engine_port}"
            admin = await connect(url, book.admin, "admin", trusting(self.ticket.certificate))
            try:
                return await _all_ids(admin.jetstream())
            finally:
                await admin.close()
        finally:
            await engine.stop()


async def _all_ids(js: object) -> list[str]:
    found: list[str] = []
    try:
        waiting = (await js.stream_info(SIGNALS)).state.messages  # type: ignore[attr-defined]
    except NotFoundError:
        return []
    config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL, ack_policy=AckPolicy.NONE, inactive_threshold=60)
    info = await js.add_consumer(SIGNALS, config)  # type: ignore[attr-defined]
    reader = await js.pull_subscribe_bind(info.name, SIGNALS)  # type: ignore[attr-defined]
    while len(found) < waiting:
        found += [json.loads(one.data)["id"] for one in await reader.fetch(500, timeout=5)]
    return found


async def lost(tmp_path: Path, cuts: int) -> tuple[int, int]:
    """How many were called stored in all cuts, and how many of them were not there."""
    image, dice = tmp_path / "device.img", random.Random(3)
    with image.open("wb") as file:
        file.truncate(_MB * 2**20)
    run("mkfs.ext4", "-q", "-F", str(image))
    promised_all = missing_all = 0
    with mounted(image, tmp_path / "mnt"):
        running = Cuts(tmp_path, image)
        async with running.rig:
            senders = [asyncio.create_task(running.send(number)) for number in range(SENDERS)]
            try:
                for _ in range(cuts):
                    await asyncio.sleep(dice.uniform(0.05, 0.4))
                    copy, promised = await asyncio.to_thread(running.cut)
                    with mounted(copy, tmp_path / "cut"):
                        found = Counter(await running.left(tmp_path / "cut"))
                    assert max(found.values(), default=1) == 1
                    promised_all += len(promised)
                    missing_all += sum(one not in found for one in promised)
            finally:
                for task in senders:
                    task.cancel()
                await asyncio.gather(*senders, return_exceptions=True)
    log.info("power_cuts", cuts=cuts, stored=len(running.stored), promised=promised_all, missing=missing_all)
    return promised_all, missing_all


async def test_nothing_that_was_stored_is_lost_in_a_power_cut(tmp_path: Path) -> None:
    for begun in range(0, CUTS, _CUTS_A_DEVICE):  # a new device before the store is full
        folder = tmp_path / f"from {begun}"
        folder.mkdir()
        promised, missing = await lost(folder, min(_CUTS_A_DEVICE, CUTS - begun))
        assert promised > _CUTS_A_DEVICE
        assert missing == 0


async def test_without_the_setting_such_a_cut_loses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The measure itself: an engine with its default interval, which the relay refuses to start."""
    written = engine_module.engine_config
    monkeypatch.setattr(
        engine_module,
        "engine_config",
        lambda *given: written(*given).replace('"sync_interval": "always"', '"sync_interval": "2m"'),
    )
    proven = Engine._prove_sync

    async def not_proven(engine: Engine) -> None:
        with contextlib.suppress(engine_module.RelayError):
            await proven(engine)

    monkeypatch.setattr(Engine, "_prove_sync", not_proven)
    _, missing = await lost(tmp_path, 3)
    assert missing > 0
