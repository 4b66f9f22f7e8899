"""Relay and engine killed in turn under load: everything that was called stored reaches the ledger, once."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from e2e.house import House

from .rig import Rig
from .test_relay import join, message, strategy_key

KILLS = int(os.environ.get("JQFOLLOW_RELAY_KILLS", "100"))
_CODE = "import sys; from jqfollow.cli import main; sys.argv = ['jqfollow', *sys.argv[1:]]; main()"
_KILL = signal.SIGTERM if os.name == "nt" else signal.SIGKILL


def run_relay(rig: Rig) -> "subprocess.Popen[bytes]":
    file = rig.folder / "relay.toml"
    lines = [f'data_dir = "."\nhost = "127.0.0.1"\nwait_ms = 0\nmax_per_minute = 100000\nport = {rig.config.port}']
    lines += [f"engine_port = {rig.config.engine_port}", f"monitor_port = {rig.config.monitor_port}"]
    file.write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, "-c", _CODE, "relay", "--relay-config", str(file)]
    with (rig.folder / "relay.log").open("ab") as out:
        return subprocess.Popen(command, stdout=out, stderr=out)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kills", [KILLS])
async def test_relay_and_engine_killed_in_turn(tmp_path: Path, kills: int) -> None:
    await _killed(tmp_path, kills)


async def test_a_killed_relay_finds_its_engine_running_and_goes_on(tmp_path: Path) -> None:
    await _killed(tmp_path, 2)


async def _killed(tmp_path: Path, kills: int) -> None:
    rig, house = Rig(tmp_path), House(tmp_path)
    join(house, rig.ticket("home"))
    key = strategy_key(house)
    rig.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{rig.config.port}", trust_env=False)
    relay = run_relay(rig)
    names: list[str] = []
    try:
        async with house:
            house.market("000001.XSHE", last="10.00")
            for number in range(kills):
                for part in range(3):
                    names.append(f"k-{number}-{part}")
                    await _stored(rig, message(house, names[-1], key=key))
                if number % 2:
                    os.kill(int((rig.folder / "engine.pid").read_text(encoding="ascii")), _KILL)
                else:
                    relay.kill()
                    await asyncio.to_thread(relay.wait)
                    relay = run_relay(rig)
            await _stored(rig, message(house, "last", key=key))
            names.append("last")

            def recorded(tx: object) -> list[str] | None:
                rows = [tx.signals.get(number + 1) for number in range(len(names))]  # type: ignore[attr-defined]
                return [row.message_id for row in rows] if all(rows) else None

            assert sorted(await house.until(recorded, timeout_s=30)) == sorted(names)
            for number in range(len(names)):
                orders = await house.ledger.read(lambda tx, n=number + 1: tx.orders.of_signal(n))
                assert len(orders) == 1
    finally:
        await rig.http.aclose()
        relay.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGINT)
        await asyncio.to_thread(relay.wait, 10)


async def _stored(rig: Rig, sent: dict[str, object]) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                if (await rig.post(sent)).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.05)
