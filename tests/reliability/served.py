"""The real service as a process: `jqfollow serve` on a configuration, looked at from the outside alone.

What it says (stdout, stderr), what it keeps (its data folder) and what its practice exchange holds are read in this
process; the exchange's own file is the judge of what was really ordered.
"""

import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from e2e.house import key_text
from e2e.senders import Jqf1Sender
from jqfollow.clock import SHANGHAI, SystemClock
from jqfollow.domain import ORDER_OPEN
from jqfollow.execution.brokers.paper.broker import PaperBroker
from jqfollow.execution.brokers.paper.faults import Faults
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.market.calendar import TradingCalendar

MAIN = "from jqfollow.cli import main; main()"
NO_JUNK_LIMIT = (
    'from jqfollow.api.reception import SignalsLimits; SignalsLimits.__init__.__kwdefaults__["junk_per_minute"] = 10**9'
)
"""Before `MAIN`: beyond 120 unusable messages a minute the others would be answered 429, and nothing be learnt."""
CODES = ("600000.XSHG", "000001.XSHE", "300750.XSHE", "510300.XSHG", "113001.XSHG")
STRATEGY = "demo"
START_S = 240.0
CONFIG = """\
data_dir = "{data}"
[signals]
port = 0
max_per_minute = {per_minute}
[console]
port = 0
[accounts.paper]
broker = "paper"
cash = 1_000_000_000
[strategies.demo]
follow = {{ paper = 1.0 }}
[execution]
price = "peer"
force_after = 1
[risk]
max_order_value = 100_000_000
orders_per_second = 50
max_daily_orders = 10_000
[notify.wecom]
keys = [{robots}]
"""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One attempt at sending a message, and what came of it."""

    number: int
    status: int
    """HTTP's; 0: no answer."""
    answer: Mapping[str, Any]

    @property
    def acknowledged(self) -> bool:
        """The receipt was proven."""
        return self.status == 200


class Served:
    """One service on one folder; `start` may be called again after it ended."""

    def __init__(
        self,
        folder: Path,
        *,
        robots: tuple[str, ...] = (),
        per_minute: int = 100_000,
        environ: Mapping[str, str] | None = None,
        config: str = CONFIG,
        before: str = "",
    ) -> None:
        """`before`: Python that runs in the process before the program's own."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "配置 config.toml"
        self.data = folder / "数据 data"
        told = ", ".join(f'"{robot}"' for robot in robots)
        self.config.write_text(config.format(data=self.data.name, per_minute=per_minute, robots=told), encoding="utf-8")
        self.out = folder / "out.txt"
        self.process: subprocess.Popen[bytes] | None = None
        self.signals = self.console = ""
        own = {"JQF_STATE": str(folder / "state"), "PYTHONUTF8": "1", "HOME": str(folder)}
        self._environ = {**os.environ, **own, **(environ or {})}
        self._serve = [sys.executable, "-c", f"{before}\n{MAIN}", "serve", "--config"]
        self._numbers = itertools.count(1)
        self.http = httpx.Client(trust_env=False, verify=False, timeout=15)

    # -- life --------------------------------------------------------------------------------------------------------

    def start(self, timeout_s: float = START_S) -> int | None:
        """Begins; returns when the ports answer (`None`), or with its exit code when it ended instead."""
        self.out.unlink(missing_ok=True)
        with self.out.open("ab") as out:
            self.process = subprocess.Popen(
                [*plain_user(), *self._serve, str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self._environ,
            )
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            text = self.said()
            found = re.search(r"(http://127\.0\.0\.1:\d+)/api/order", text)
            console = re.search(r"(?:控制台|console) +(http://127\.0\.0\.1:\d+)", text)
            if found and console and ("Ctrl-C" in text):
                self.signals, self.console = f"{found[1]}/api/order", console[1]
                return None
            if (code := self.process.poll()) is not None:
                return code
            time.sleep(0.03)
        self.kill()
        raise AssertionError(f"it neither started nor ended: {self.said()}")

    def said(self) -> str:
        """All that it printed since its start."""
        with contextlib.suppress(OSError):
            return self.out.read_bytes().decode(errors="replace")
        return ""

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        """Its process number."""
        assert self.process is not None
        return self.process.pid

    def stop(self, timeout_s: float = 30) -> int:
        """In good order; its exit code."""
        assert self.process is not None
        if self.alive:
            self.process.terminate()
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """As a power cut of the process alone."""
        if self.process is not None and self.alive:
            self.process.kill()
        if self.process is not None:
            self.process.wait()

    @contextlib.contextmanager
    def asleep(self) -> Iterator[None]:
        """The process stands still, as on a PC that sleeps."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Ends it, whatever it is at."""
        self.kill()
        self.http.close()

    # -- JoinQuant's side --------------------------------------------------------------------------------------------

    def sender(self) -> Jqf1Sender:
        """Who has the strategy's key."""
        return Jqf1Sender(key_text(self.data / "keys.toml", STRATEGY), STRATEGY)

    def number(self) -> int:
        """Of the next message."""
        return next(self._numbers)

    def send(
        self, number: int, *, sender: Jqf1Sender, text: str | None = None, retry_s: float = 0, ts: int | None = None
    ) -> Sent:
        """One buy of 100 shares, sent again for `retry_s` as JoinQuant's client does.

        Raises:
            AssertionError: 200 with a receipt that is not proven.
        """
        text, id_ = text or order_text(number), message_id(number)
        end = time.monotonic() + retry_s
        while True:
            try:
                sealed = sender.seal(text, message_id=id_, ts=int(time.time()) if ts is None else ts)
                answer = self.http.post(self.signals, json=sealed)
                sent = Sent(number=number, status=answer.status_code, answer=answer.json())
            except httpx.HTTPError as error:
                sent = Sent(number=number, status=0, answer={"error": type(error).__name__})
            if sent.acknowledged:
                assert sender.verifies(sent.answer, id_), sent
            if sent.acknowledged or time.monotonic() >= end:
                return sent
            time.sleep(0.3)

    # -- the console's side ------------------------------------------------------------------------------------------

    def token(self) -> str:
        """The console's."""
        return (self.data / "console.token").read_text(encoding="utf-8").strip()

    def health(self, which: str) -> int:
        """Of `healthz` or `readyz`; 0: no answer."""
        try:
            return self.http.get(f"{self.console}/{which}").status_code
        except httpx.HTTPError:
            return 0

    def ask(self, path: str, **more: Any) -> httpx.Response:
        """A call to the console."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        return self.http.request(more.pop("method", "GET"), f"{self.console}{path}", headers=headers, **more)

    # -- the judge's side --------------------------------------------------------------------------------------------

    def read(self, what: Callable[[Any], Any]) -> Any:
        """From the ledger, in this process.

        Raises:
            LedgerError: it cannot be read.
        """
        ledger = Ledger.open(self.data / "ledger.sqlite3", read_only=True)
        try:
            return ledger.read_now(what)
        finally:
            ledger.close_now()

    def settled(self, timeout_s: float = 30) -> bool:
        """Waits until no order is open."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            with contextlib.suppress(LedgerError):
                if not self.read(lambda tx: [o for o in tx.orders.list(limit=100_000) if o.state in ORDER_OPEN]):
                    return True
            time.sleep(0.1)
        return False

    def at_exchange(self) -> Counter[str]:
        """Remarks of all orders that the exchange took, from a copy of its own file."""
        with _exchange(self.data / "paper-paper.jsonl", self.folder) as broker:
            return Counter(order.remark for order in broker.orders())

    def held(self) -> dict[str, int]:
        """Shares by code at the exchange."""
        with _exchange(self.data / "paper-paper.jsonl", self.folder) as broker:
            return {position.symbol[:6]: position.volume for position in broker.positions()}


def plain_user() -> list[str]:
    """Before a command: whoever runs it, a file's mode holds for it, as it does for a user who is not root."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("setpriv") is None:
        return []
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@contextlib.contextmanager
def _exchange(journal: Path, folder: Path) -> Iterator[PaperBroker]:
    copy = folder / "copy.jsonl"
    shutil.copyfile(journal, copy)
    broker = PaperBroker(
        name="copy",
        path=copy,
        clock=SystemClock(),
        cash=Decimal(0),
        hours="always",
        calendar=TradingCalendar(),
        faults=Faults(),
        pulse_s=None,
    )
    with ExitStack() as stack:
        stack.callback(broker.connect())
        yield broker
    copy.unlink()


def message_id(number: int) -> str:
    """Of the message with that number."""
    return f"demo-{number}"


def order_text(number: int, at: float | None = None, **fields: Any) -> str:
    """A buy of 100, filled at JoinQuant `at` this time, or now."""
    now = datetime.fromtimestamp(time.time() if at is None else at, SHANGHAI)
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
    } | fields
    return json.dumps({"kind": "order", "run": "sim_trade", "made_at": int(now.timestamp() * 1000), "order": order})
