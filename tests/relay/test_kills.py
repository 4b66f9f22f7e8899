"""Engine, gateway and PC, each a process of its own, killed in turn under load: what was stored is traded, once."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest

from e2e.test_killed import CODES, CONFIG, Running, held_at_the_exchange, order_text
from jqfollow.clock import SystemClock
from jqfollow.domain import OrderState
from jqfollow.failpoints import EXIT_CODE, SETTING, At
from jqfollow.ledger.ledger import Ledger
from jqfollow.wire.jqf1 import Key, seal
from jqfollow.wire.keystore import KeyStore

from .rig import Rig

KILLS = int(os.environ.get("JQF_RELAY_KILLS", "60"))
AT_ONCE = 3
_CODE = "import sys; from jqfollow.cli import main; sys.argv = ['jqfollow', *sys.argv[1:]]; main()"
_KILL = signal.SIGTERM if os.name == "nt" else signal.SIGKILL
_MORE = "max_daily_orders = 10_000\nmax_signal_age_s = 600\norders_per_second = 50\n"


class Whole:
    """Relay and PC as processes, and what was sent by way of them."""

    def __init__(self, folder: Path) -> None:
        self.rig = Rig(folder)
        self.config = folder / "配置 config.toml"
        self.config.write_text(CONFIG + _MORE, encoding="utf-8")
        self.data = folder / "数据"
        self.data.mkdir()
        (self.data / "relay.json").write_text(self.rig.ticket("home").model_dump_json(), encoding="utf-8")
        keys = KeyStore.open(self.data / "keys.toml", SystemClock())
        keys.ensure(["demo"])
        self.key: Key = keys.keys("demo")[0]
        self.rig.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.rig.config.port}", trust_env=False)
        file = self.rig.folder / "relay.toml"
        ports = {name: getattr(self.rig.config, name) for name in ("port", "engine_port", "monitor_port")}
        lines = ['data_dir = "."', 'host = "127.0.0.1"', "wait_ms = 0", "max_per_minute = 100000"]
        file.write_text("\n".join([*lines, *(f"{name} = {port}" for name, port in ports.items())]), encoding="utf-8")
        self.sent: list[str] = []
        self.relay = self._run_relay()
        self.pc = Running(self.config)
        self.pc_is_up = False

    def _run_relay(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-c", _CODE, "relay", "--relay-config", str(self.rig.folder / "relay.toml")]
        with (self.rig.folder / "relay.log").open("ab") as out:
            return subprocess.Popen(command, stdout=out, stderr=out)

    async def send(self, number: int) -> None:
        """One signal, sent again until it is stored, as JoinQuant's client does: sealed anew each time."""
        name, text = f"k-{number}", order_text(number)
        self.sent.append(CODES[number % len(CODES)])
        async with asyncio.timeout(60):
            while True:
                try:
                    answer = await self.rig.post(seal(self.key, "demo", name, int(time.time()), text))
                    if answer.status_code == 200:
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.05)

    async def kill(self, part: int) -> None:
        """Engine, gateway or PC; what ended begins again."""
        if part == 0:
            try:
                os.kill(int((self.rig.folder / "engine.pid").read_text(encoding="ascii")), _KILL)
            except (OSError, ValueError):  # it is being started
                return
        elif part == 1:
            self.relay.kill()
            await asyncio.to_thread(self.relay.wait)
            self.relay = self._run_relay()
        else:
            await asyncio.to_thread(self.pc.kill)
            self.pc = Running(self.config)
            self.pc_is_up = False

    async def before(self, part: int) -> None:
        """What is killed has come up first, and has had work."""
        if part == 2 and not self.pc_is_up:
            await asyncio.to_thread(self.pc.wait_ready)
            self.pc_is_up = True

    async def settled(self, timeout_s: float = 60) -> dict[str, Any]:
        """Once every signal has its order and none is open: what the ledger says."""
        ledger = Ledger.open(self.data / "ledger.sqlite3", read_only=True)
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    signals = await ledger.read(lambda tx: tx.signals.list(limit=100_000))
                    ended = not signals or not await ledger.read(lambda tx: tx.orders.open())
                    if (
                        len(signals) >= len(self.sent)
                        and ended
                        and not await ledger.read(lambda tx: tx.signals.received())
                    ):
                        break
                    await asyncio.sleep(0.05)
            orders = await ledger.read(lambda tx: tx.orders.list(limit=100_000))
            fills = await ledger.read(lambda tx: tx.fills.list(limit=100_000))
            return {"signals": signals, "orders": orders, "fills": fills}
        finally:
            await ledger.close()

    async def close(self) -> None:
        await self.rig.http.aclose()
        if self.pc.process.poll() is None:
            self.pc.kill()
        self.relay.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGINT)
        await asyncio.to_thread(self.relay.wait, 20)


async def followed_once(whole: Whole) -> None:
    """Each signal has one order, filled; and the exchange's own file holds exactly these shares."""
    told = await whole.settled()
    assert sorted(row.message_id for row in told["signals"]) == sorted(f"k-{n}" for n in range(len(whole.sent)))
    assert Counter(order.signal_id for order in told["orders"]) == Counter(row.signal_id for row in told["signals"])
    assert [(o.security, o.reason) for o in told["orders"] if o.state is not OrderState.FILLED or o.filled != 100] == []
    assert sum(fill.volume for fill in told["fills"]) == 100 * len(whole.sent)
    await asyncio.to_thread(whole.pc.kill)
    wanted = {code[:6]: 100 * count for code, count in Counter(whole.sent).items()}
    assert await asyncio.to_thread(held_at_the_exchange, whole.data) == wanted


@pytest.mark.slow
@pytest.mark.timeout(2 * 3600)
async def test_engine_gateway_and_pc_killed_in_turn(tmp_path: Path) -> None:
    dice, whole = random.Random(11), Whole(tmp_path)
    try:
        for number in range(KILLS):
            first = number * AT_ONCE
            sending: list[Coroutine[Any, Any, None]] = [whole.send(first + one) for one in range(AT_ONCE)]
            await whole.before(number % 3)
            tasks = [asyncio.create_task(one) for one in sending]
            await asyncio.sleep(dice.choice([0, 0.002, 0.01, 0.03, 0.1]))
            await whole.kill(number % 3)
            await asyncio.gather(*tasks)
        await whole.send(KILLS * AT_ONCE)
        await followed_once(whole)
    finally:
        await whole.close()


REPLIES = ("JetStreamContext.publish", "Msg.ack")
AROUND_THE_RECEIPT = [f"{when}:{what}" for what in REPLIES for when in (At.REPLY_BEFORE, At.REPLY_AFTER)]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("point", AROUND_THE_RECEIPT)
async def test_the_pc_dies_around_its_receipt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    monkeypatch.setenv(SETTING, f"{point}@2")
    whole = Whole(tmp_path)
    monkeypatch.delenv(SETTING)
    try:
        await whole.before(2)
        await asyncio.gather(*(whole.send(number) for number in range(6)))
        assert await asyncio.to_thread(whole.pc.process.wait, 60) == EXIT_CODE
        await whole.kill(2)
        await followed_once(whole)
    finally:
        await whole.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(os.name == "nt", reason="no SIGSTOP")
async def test_a_laptop_that_sleeps_in_the_middle_of_a_burst(tmp_path: Path) -> None:
    whole = Whole(tmp_path)
    try:
        await whole.before(2)
        burst = [asyncio.create_task(whole.send(number)) for number in range(30)]
        await asyncio.sleep(0.3)
        whole.pc.process.send_signal(signal.SIGSTOP)
        await asyncio.gather(*burst)
        await asyncio.gather(*(whole.send(number) for number in range(30, 60)))
        await asyncio.sleep(25)  # beyond what the relay waits for an acknowledgement, and for a sign of life
        whole.pc.process.send_signal(signal.SIGCONT)
        await followed_once(whole)
    finally:
        await whole.close()
