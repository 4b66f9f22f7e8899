"""Cards 22, 23 and 35: every vendor call hangs for ever; the service is killed while it places orders."""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from e2e.house import MONDAY
from e2e.senders import Jqf1Sender
from jqfollow.domain import AttemptState, OrderState
from jqfollow.ledger.tx import Tx

from .house import ACCOUNT, START, QmtHouse, hurry
from .modes import Mode
from .terminal import Terminal

CODE = "600000.XSHG"
_TESTS = Path(__file__).parent.parent


@pytest.fixture
async def house(terminal: Terminal, tmp_path: Path) -> AsyncIterator[QmtHouse]:
    """With the deadlines of real life."""
    terminal.tell("reset", at=START, pulse_s=0.02, cash="100000000")
    async with QmtHouse(tmp_path, terminal) as house:
        house.market(CODE)
        yield house


async def timed(house: QmtHouse) -> float:
    """How long the signals port took to answer."""
    asked = time.monotonic()
    await house.send("demo", CODE, "buy", 100, price="10.00")
    return time.monotonic() - asked


@pytest.mark.slow
async def test_22_every_vendor_call_hangs_for_ever(house: QmtHouse) -> None:
    calm = sorted([await timed(house) for _ in range(100)])[98]
    await house.settled(timeout_s=60)
    before = len(await asyncio.to_thread(house.terminal.orders))
    house.go_wrong(Mode.CALLS_HANG)
    began = time.monotonic()

    async def not_ready_after_s() -> float:
        while (await house.console("GET", "/readyz")).status_code == 200:  # noqa: ASYNC110  # asked like a monitor does
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    not_ready = asyncio.create_task(not_ready_after_s())
    p99 = [sorted([await timed(house) for _ in range(100)])[98] for _ in range(3)]
    assert min(p99) < max(0.1, 2 * calm), p99  # a busy machine is slow with and without hanging calls
    assert await not_ready < 5
    answer = await house.console("GET", "/healthz")
    assert answer.status_code == 200

    def told(tx: Tx) -> tuple[list[str], list[str]]:
        attempts = tx.attempts.list(account=ACCOUNT, day=MONDAY.date())
        unknown = [a.remark for a in attempts if a.state is AttemptState.UNKNOWN]
        not_sent = [a.remark for a in attempts if a.state is AttemptState.REJECTED]
        live = [a for a in attempts if a.state is AttemptState.PENDING_NEW]
        return ([], []) if live else (unknown, not_sent)

    await asyncio.sleep(6)  # the running call's deadline passes
    unknown, not_sent = await house.ledger.read(told)
    assert len(unknown) <= 1 + house.service.parts.accounts[ACCOUNT].lanes.abandoned
    house.go_wrong()  # hung calls go on now: what nobody knew may arrive, what was told as not sent must not
    await house.ready()
    await asyncio.sleep(1)
    late = [order["remark"] for order in (await asyncio.to_thread(house.terminal.orders))[before:]]
    assert not set(late) & set(not_sent)
    assert len(set(late)) == len(late)


@pytest.mark.slow
async def test_23_it_stops_within_ten_seconds_while_everything_hangs(house: QmtHouse) -> None:
    house.go_wrong(Mode.CALLS_HANG, Mode.STOP_HANGS, Mode.QUERY_HANGS)
    await house.send("demo", CODE, "buy", 100, price="10.00")
    await asyncio.sleep(0.2)
    async with asyncio.timeout(10):
        await house.service.stop()


CODES = [f"{number}.XSHG" for number in range(600000, 600008)]


class Process:
    """The service in a process that can be killed."""

    def __init__(self, house: QmtHouse, folder: Path, terminal: Terminal) -> None:
        self._clock = house.clock
        self._file = folder / "settings.json"
        account = {"broker": "qmt", "qmt_path": str(terminal.path), "account_id": terminal.account}
        settings = {
            "data_dir": str(house.data_dir),
            "signals": {"port": 0},
            "console": {"port": 0},
            "accounts": {ACCOUNT: account},
            "strategies": {"demo": {"follow": {ACCOUNT: 1}}},
            "execution": {"price": "peer"},
        }
        self._told: dict[str, Any] = {"settings": settings, "market": str(terminal.path)}
        self.data_dir = house.data_dir

    def start(self) -> str:
        forward_s = (self._clock.now() - MONDAY).total_seconds()
        self._file.write_text(json.dumps(self._told | {"forward_s": forward_s}), encoding="utf-8")
        self._log = self._file.with_suffix(".log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "terminal.serve", str(self._file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, "PYTHONPATH": str(_TESTS), "PYTHONUTF8": "1"},
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(b'{"signals"'):
                return str(json.loads(line)["signals"])
        raise AssertionError(self._file.with_suffix(".log").read_text(encoding="utf-8"))

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                stream.close()


@pytest.mark.slow
async def test_35_killed_while_it_places_orders(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No acknowledged signal is lost, no order is placed twice, and the ledger finds all that was ordered."""
    hurry(monkeypatch)
    terminal.tell("reset", at=START, pulse_s=0.02, cash="100000000")
    house = QmtHouse(tmp_path, terminal)
    for code in CODES:  # handed over side by side
        house.market(code)
    process = Process(house, tmp_path, terminal)
    rng = random.Random(35)
    accepted: list[str] = []
    for life in range(4):
        url = await asyncio.to_thread(process.start)
        keys = tomllib.loads((process.data_dir / "keys.toml").read_text(encoding="utf-8"))
        sender = Jqf1Sender(_key(keys["demo"]), "demo")
        async with httpx.AsyncClient(trust_env=False) as http:
            for n in range(8):
                text = house.order_text("demo", CODES[n], "buy", 100, price="10.00")
                message_id = f"{life}-{n}"
                body = sender.seal(text, message_id=message_id, ts=int(house.clock.now().timestamp()))
                answer = await http.post(f"{url}/api/order", json=body)
                assert answer.status_code == 200, answer.text
                accepted.append(message_id)
        await asyncio.sleep(rng.uniform(0, 0.4))
        await asyncio.to_thread(process.kill)
    async with house:
        await house.settled_or_unknown(timeout_s=60)
        await house.agreed()
        left = await house.ledger.read(lambda tx: tx.attempts.live(ACCOUNT))
        # Only what was killed between its line in the call log and the terminal can be left: at most one a thread.
        assert len(left) <= 4
        for attempt in left:
            told = {"outcome": "not_placed"}  # a person finds nothing there
            settled = await house.console("POST", f"/api/orders/{attempt.order_id}/settle", json=told)
            assert settled.status_code == 200, settled.text
        await house.settled(timeout_s=60)
        orders = await house.agreed()
        remarks = [order["remark"] for order in orders]
        assert len(set(remarks)) == len(remarks)
        signals = await house.ledger.read(lambda tx: tx.signals.list(limit=1000))
        assert {signal.message_id for signal in signals} >= set(accepted)
        for signal in signals:
            followed = await house.ledger.read(lambda tx, s=signal: tx.orders.of_signal(s.signal_id))
            attempts = [a for order in followed for a in await house.attempts(order)]
            placed = [a for a in attempts if a.remark in remarks]
            assert len(placed) <= 1
            assert all(o.state is OrderState.FILLED for o in followed if placed and placed[0].state == "filled")
    await asyncio.to_thread(terminal.tell, "drop")


def _key(entry: Any) -> str:
    return entry if isinstance(entry, str) else str(entry["key"])
