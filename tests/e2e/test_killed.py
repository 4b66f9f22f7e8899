"""A service in a process of its own, killed right after a 200, again and again: each signal is followed, once."""

import contextlib
import json
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from jqfollow.clock import SHANGHAI, SystemClock
from jqfollow.domain import OrderState
from jqfollow.execution.brokers.paper.broker import PaperBroker
from jqfollow.ledger.ledger import Ledger
from jqfollow.market.calendar import TradingCalendar

from .house import key_text
from .senders import Jqf1Sender

CONFIG = """
data_dir = "数据"
[signals]
port = 0
[console]
port = 0
[accounts.paper]
broker = "paper"
cash = 1_000_000_000
[strategies.demo]
follow = { paper = 1.0 }
[execution]
price = "peer"
force_after = 1
[risk]
max_order_value = 100_000_000
"""
SERVE = [sys.executable, "-c", "from jqfollow.cli import main; main()", "serve", "--config"]
ROUNDS = 3
AT_ONCE = 5
CODES = ["600000.XSHG", "000001.XSHE", "300750.XSHE", "510300.XSHG", "113001.XSHG"]


class Running:
    """The service as a process; `port` is where it listens."""

    def __init__(self, config: Path) -> None:
        self.process = subprocess.Popen(
            [*SERVE, str(config)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
        )

    def wait_ready(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+/api/order", line):
                return found[0]
        raise AssertionError("it ended before it listened")

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextlib.contextmanager
def running(config: Path) -> Iterator[Running]:
    started = Running(config)
    try:
        yield started
    finally:
        started.kill()


def order_text(number: int) -> str:
    now = datetime.now(SHANGHAI)
    order = {
        "order_id": str(number),
        "security": CODES[number % len(CODES)],
        "is_buy": True,
        "amount": 100,
        "filled": 100,
        "price": "10.00",
        "limit": None,
        "status": "held",
        "side": "long",
        "add_time": f"{now:%Y-%m-%d %H:%M:%S}",
    }
    return json.dumps({"kind": "order", "run": "sim_trade", "made_at": int(now.timestamp() * 1000), "order": order})


def send(address: str, sender: Jqf1Sender, number: int, text: str) -> object:
    """One signal, answered with 200 and a good seal; gives the answer's status."""
    body = sender.seal(text, message_id=f"demo-{number}", ts=int(time.time()))
    answer = httpx.post(address, json=body, trust_env=False, verify=False)
    assert answer.status_code == 200, answer.text
    assert sender.verifies(answer.json(), f"demo-{number}")
    return answer.json()["status"]


@pytest.mark.parametrize("kills", [ROUNDS, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
def test_a_signal_survives_the_kill_and_is_followed_once(tmp_path: Path, kills: int) -> None:
    dice = random.Random(7)
    config = tmp_path / "配置 config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    sent: dict[int, str] = {}
    statuses: Counter[object] = Counter()
    for round_number in range(kills + 1):
        with running(config) as service:
            address = service.wait_ready()
            keys = tmp_path / "数据" / "keys.toml"
            sender = Jqf1Sender(key_text(keys, "demo"), "demo")
            if sent:  # JoinQuant's client, which never got its answer, tries again
                statuses[send(address, sender, len(sent), sent[len(sent)])] += 1
            if round_number == kills:
                wait_until_settled(tmp_path / "数据", len(sent))
                break
            first = len(sent) + 1
            sent |= {number: order_text(number) for number in range(first, first + AT_ONCE)}
            with ThreadPoolExecutor(AT_ONCE) as threads:  # so many that they are handed over side by side
                told = [threads.submit(send, address, sender, n, sent[n]) for n in range(first, first + AT_ONCE)]
            statuses.update(answer.result() for answer in told)
            time.sleep(dice.choice([0, 0.002, 0.01, 0.03, 0.1, 0.3]))
    assert statuses == {"accepted": len(sent), "duplicate": kills}
    ledger = Ledger.open(tmp_path / "数据" / "ledger.sqlite3", read_only=True)
    try:
        orders = ledger.read_now(lambda tx: tx.orders.list(limit=10_000))
        fills = ledger.read_now(lambda tx: tx.fills.list(limit=10_000))
    finally:
        ledger.close_now()
    assert sorted(order.signal_id for order in orders) == list(range(1, len(sent) + 1))
    assert [(o.security, o.reason) for o in orders if o.state is not OrderState.FILLED or o.filled != 100] == []
    wanted = Counter(CODES[number % len(CODES)] for number in sent)
    assert sum(fill.volume for fill in fills) == 100 * len(sent)
    assert held_at_the_exchange(tmp_path / "数据") == {code[:6]: 100 * count for code, count in wanted.items()}


def wait_until_settled(data: Path, signals: int) -> None:
    ledger = Ledger.open(data / "ledger.sqlite3", read_only=True)
    try:
        end = time.monotonic() + 60
        while True:
            orders = ledger.read_now(lambda tx: tx.orders.list(limit=10_000))
            if len(orders) == signals and not ledger.read_now(lambda tx: tx.orders.open()):
                return
            assert time.monotonic() < end, orders
            time.sleep(0.02)
    finally:
        ledger.close_now()


def held_at_the_exchange(data: Path) -> dict[str, int]:
    """What the exchange itself says, from its own file."""
    broker = PaperBroker(
        name="paper",
        path=data / "paper-paper.jsonl",
        clock=SystemClock(),
        cash=Decimal(0),
        hours="always",
        calendar=TradingCalendar(),
        pulse_s=None,
    )
    end = broker.connect()
    try:
        return {position.symbol[:6]: position.volume for position in broker.positions()}
    finally:
        end()
