"""Where lives are led: a data folder, a broker that outlives them, and the broker's own record."""

import shutil
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fullqmt import terminal as full
from jqfollow.clock import SHANGHAI
from jqfollow.execution.brokers.paper.broker import PaperBroker
from jqfollow.execution.brokers.paper.faults import Faults
from jqfollow.market.calendar import TradingCalendar
from notify.wecom_server import WecomServer
from terminal import terminal as mini
from terminal.control import record_of
from terminal.modes import Mode as MiniMode

from .judge import Record
from .life import CODES, DEPTH, REFUSALS, Birth, Kind, Mode, SharedClock
from .strategies import STRATEGIES

MONDAY = datetime(2026, 3, 2, 9, 45, tzinfo=SHANGHAI)
ROBOT = "robot-key-1"
CASH = 2_000_000_000


class Bed:
    """One account of one kind, from nothing on; its mode can be changed between lives."""

    def __init__(self, kind: Kind, folder: Path, outside: "Outside") -> None:
        self.kind = kind
        self.folder = folder
        self.data = folder / "数据 data"
        folder.mkdir(parents=True)
        self.clock = SharedClock.at(MONDAY)
        self.mode = Mode.PROMPT
        self.flaw = self.boot = ""
        self.recorded = False
        self.synchronous = "FULL"
        self._outside = outside
        self._account: dict[str, Any] = {"broker": "paper", "cash": CASH}
        if kind != "paper":
            terminal = outside.terminal(kind)
            terminal.tell("reset", at=MONDAY.replace(tzinfo=None).isoformat(), pulse_s=0.05, cash=str(CASH))
            for symbol in CODES:
                market = {"last": "10.00", "bid": "9.99", "ask": "10.01", "prev_close": "10.00", "depth": DEPTH}
                terminal.tell("market", symbol=symbol, **market)
            where = (
                {"broker": "qmt", "qmt_path": str(terminal.path)}
                if kind == "miniqmt"
                else {"broker": "fullqmt", "mailbox": str(terminal.mailbox)}
            )
            self._account = {**where, "account_id": terminal.account}

    def birth(self, trap: str = "") -> Birth:
        """What the next process is told."""
        settings = {
            "data_dir": self.data,
            "signals": {"port": 0, "max_per_minute": 10_000},
            "console": {"port": 0},
            "accounts": {"main": self._account},
            "strategies": {name: {**told, "follow": {"main": 1}} for name, told in STRATEGIES.items()},
            "execution": {"price": "peer", "cancel_after_s": 2, "max_attempts": 20},
            "risk": {
                "max_order_value": 1_000_000_000,
                "max_signal_age_s": 600,
                "orders_per_second": 50,
                "max_daily_orders": 10_000,
                "max_cancels_per_day": 10_000,
            },
            "notify": {"wecom": {"keys": [self._outside.wecom.address(ROBOT)]}},
        }
        folder = Path(self._account.get("qmt_path", self.folder))
        return Birth(
            kind=self.kind,
            settings=settings,
            epoch=self.clock.epoch,
            mode=self.mode,
            folder=folder,
            trap=trap,
            flaw=self.flaw,
            boot=self.boot,
            recorded=self.recorded,
            synchronous=self.synchronous,
        )

    def become(self, mode: Mode) -> None:
        """From now on the broker answers so; a practice exchange from the next life on."""
        self.mode = mode
        self._outside.become(self.kind, mode)

    def trouble(self) -> None:
        """Before orders go out: what a mode plans for the next ones."""
        if self.kind != "paper" and self.mode is Mode.REFUSING:
            for words in REFUSALS:
                self._outside.terminal(self.kind).tell("refuse", message=words)

    def record(self) -> Record:
        """What was really ordered and traded."""
        if self.kind != "paper":
            return self._outside.terminal(self.kind).record()
        copy = self.folder / "copy.jsonl"
        shutil.copyfile(self.data / "paper-main.jsonl", copy)
        paper = PaperBroker(
            name="copy",
            path=copy,
            clock=self.clock,
            cash=Decimal(CASH),
            hours="always",
            calendar=TradingCalendar(),
            faults=Faults(halted=set(CODES)),  # to be read, not to go on
            pulse_s=None,
        )
        end = paper.connect()
        try:
            return record_of(paper)
        finally:
            end()


class Outside:
    """What stands outside all houses: WeCom and the terminals, each begun when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._terminals: dict[str, Any] = {}
        self._late = threading.Event()
        self.wecom = WecomServer(keys=(ROBOT,), per_minute=100_000)

    def __enter__(self) -> Self:
        self._stack.enter_context(self.wecom)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def terminal(self, kind: Kind) -> Any:
        """The running one of its kind."""
        if kind not in self._terminals:
            make: Callable[[Path], Any] = mini.Terminal if kind == "miniqmt" else full.Terminal
            self._terminals[kind] = self._stack.enter_context(make(self._folder / kind))
            if kind == "miniqmt":
                over = threading.Event()
                self._stack.callback(over.set)
                threading.Thread(target=self._release, args=(self._terminals[kind], over), daemon=True).start()
        return self._terminals[kind]

    @staticmethod
    def _release(terminal: Any, over: threading.Event) -> None:
        """Answers that are withheld come late."""
        while not over.wait(0.3):
            try:
                terminal.tell("release")
            except (OSError, ValueError):  # it is gone
                return

    def become(self, kind: Kind, mode: Mode) -> None:
        """See `Bed.become`."""
        if kind == "paper":
            return
        terminal = self.terminal(kind)
        terminal.tell("fault", max_fill=170 if mode is Mode.PARTIAL else None)
        modes = {
            "miniqmt": {
                Mode.LATE: [MiniMode.LATE_ANSWER],
                Mode.HANGING: [MiniMode.NO_ANSWER],
                Mode.REFUSING: [MiniMode.REFUSED_LISTED],
            },
            "fullqmt": {Mode.HANGING: ["no_answer"], Mode.LATE: ["list_slow"]},
        }[kind]
        terminal.tell("modes", modes=[str(one) for one in modes.get(mode, [])])
