"""What a test can ask of the simulated terminal: its market, its modes, its record."""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from jqfollow.clock import SHANGHAI, SystemClock
from jqfollow.domain import Accepted, BrokerEvent, PlaceRequest, Side
from jqfollow.execution.brokers.paper.broker import PaperBroker
from jqfollow.execution.brokers.paper.faults import Faults, Pushes
from jqfollow.market.calendar import TradingCalendar

from .modes import LAG_S, NATIVE, Mode


class ShiftedClock:
    """The machine's clock, put forward or back: two processes with one shift have one time."""

    def __init__(self) -> None:
        self._system = SystemClock()
        self.shift = timedelta(0)
        self._ahead_s = 0.0

    def now(self) -> datetime:
        return self._system.now() + self.shift

    def monotonic(self) -> float:
        return self._system.monotonic() + self._ahead_s

    def put(self, moment: datetime) -> None:
        self.shift = moment - self._system.now()

    def forward(self, seconds: float) -> None:
        assert seconds >= 0
        self.shift += timedelta(seconds=seconds)
        self._ahead_s += seconds


class Client:
    """One connected service."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._turn = threading.Lock()
        self.subscribed = False

    def send(self, message: dict[str, Any]) -> None:
        try:
            with self._turn:
                self._connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self.subscribed = False

    def drop(self) -> None:
        self.subscribed = False
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)


class Control:
    """The terminal's account, modes and record; `TerminalServer` adds the services' side."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "exchange.journal"
        self._told_file = folder / "exchange.json"
        self._lock = threading.RLock()
        self._clients: list[Client] = []
        self._modes: set[Mode] = set()
        self._withheld: list[Callable[[], None]] = []
        self._kept: list[BrokerEvent] | None = None
        self._serial = 0
        self._end: Callable[[], None] = lambda: None
        self._open(json.loads(self._told_file.read_text(encoding="utf-8")) if self._told_file.exists() else {})

    # -- control

    def control(self, name: str, told: dict[str, Any]) -> Any:
        return getattr(self, name)(told)

    def reset(self, told: dict[str, Any]) -> None:
        """A new account in a new file; every connection is gone, every mode cleared."""
        with self._lock:
            self._end()
            self._file.unlink(missing_ok=True)
            for client in self._clients:
                client.drop()
            self._open(told)

    def _open(self, told: dict[str, Any]) -> None:
        """The account as its file has it; a terminal that was restarted still shows today's orders."""
        with self._lock:
            self._modes, self._withheld, self._sold_out = set(), [], set()
            self._state = 0
            self.clock = ShiftedClock()
            self._put_clock(told)
            self._keep(told)
            self.faults = Faults()
            self.faults.money_lag_s = self.faults.shares_lag_s = float(told.get("lag_s", 0))
            self.received: list[dict[str, Any]] = []
            self.paper = PaperBroker(
                name="terminal",
                path=self._file,
                clock=self.clock,
                cash=Decimal(told.get("cash", "1000000")),
                hours=told.get("hours", "always"),
                calendar=TradingCalendar(),
                faults=self.faults,
                pulse_s=told.get("pulse_s"),
            )
            self.paper.events(self._pushed)
            self._end = self.paper.connect()

    def modes(self, told: dict[str, Any]) -> int:
        """Holds from now on: exactly these; gives the number of the change."""
        with self._lock:
            before, self._modes = self._modes, {Mode(name) for name in told["modes"]}
            self._set_faults(before)
            self._serial += 1
            for client in self._clients:
                client.send({"modes": sorted(self._modes & NATIVE), "serial": self._serial})
            return self._serial

    def _set_faults(self, before: set[Mode]) -> None:
        """The exchange's part of the modes; what no mode speaks of stays as `fault` has set it."""
        modes, faults = self._modes, self.faults
        told = modes | before
        if told & {Mode.PUSHES_TWICE, Mode.PUSHES_DROPPED}:
            faults.pushes = Pushes.TWICE if Mode.PUSHES_TWICE in modes else Pushes.NORMAL
            faults.pushes = Pushes.DROPPED if Mode.PUSHES_DROPPED in modes else faults.pushes
        if Mode.LIST_LAGS in told:
            faults.list_lag_s = LAG_S if Mode.LIST_LAGS in modes else 0.0
        if told & {Mode.REFUSED_BY_PUSH, Mode.REFUSED_LISTED}:
            faults.refuse_by_push = bool(modes & {Mode.REFUSED_BY_PUSH, Mode.REFUSED_LISTED})

    def release(self, _told: dict[str, Any]) -> int:
        """Sends what was withheld; how much that was."""
        with self._lock:
            withheld, self._withheld = self._withheld, []
        for send in withheld:
            send()
        return len(withheld)

    def drop(self, _told: dict[str, Any]) -> None:
        """Every connection is lost."""
        for client in list(self._clients):
            client.drop()

    def clock_at(self, told: dict[str, Any]) -> None:
        """Puts the clock to a time, to a shift, or forward by seconds; what that brings to the market happens."""
        self._put_clock(told)
        self._keep(self._told)
        self.paper.advance()

    def _put_clock(self, told: dict[str, Any]) -> None:
        if "at" in told:
            self.clock.put(datetime.fromisoformat(told["at"]).replace(tzinfo=SHANGHAI))
        if "shift_s" in told:
            self.clock.shift = timedelta(seconds=told["shift_s"])
        self.clock.shift += timedelta(seconds=told.get("forward_s", 0))

    def _keep(self, told: dict[str, Any]) -> None:
        """For a terminal that is closed and started again: it is the same exchange, at the same time."""
        kept = {name: value for name, value in told.items() if name not in {"at", "forward_s"}}
        self._told = kept | {"shift_s": self.clock.shift.total_seconds()}
        self._told_file.write_text(json.dumps(self._told), encoding="utf-8")

    def market(self, told: dict[str, Any]) -> None:
        """Sets the market of a security."""
        prices = {k: Decimal(told[k]) for k in ("last", "prev_close", "bid", "ask") if told.get(k) is not None}
        others = {k: told[k] for k in ("depth", "suspended", "risk_warning", "quoted") if k in told}
        self.paper.set_market(told["symbol"], **prices, **others)

    def hold(self, told: dict[str, Any]) -> None:
        """Gives the account shares."""
        self.paper.set_holding(told["symbol"], told["volume"], cost=Decimal(told.get("cost", "9.50")))

    def manual(self, told: dict[str, Any]) -> str:
        """A person orders in the terminal itself."""
        request = PlaceRequest(
            attempt_id=0,
            remark=told.get("remark", ""),
            symbol=told["symbol"],
            side=Side(told["side"]),
            volume=told["volume"],
            price=Decimal(told["price"]),
        )
        placed = self.paper.place(request)
        return placed.broker_order_id if isinstance(placed, Accepted) else placed.message

    def fault(self, told: dict[str, Any]) -> None:
        """Sets what goes wrong at the exchange, by the names of `Faults`; the halted codes as a list, times in ISO."""
        read: dict[str, Callable[[Any], Any]] = {
            "feed_stopped_at": lambda text: text and datetime.fromisoformat(text),
            "halted": set,
            "pushes": Pushes,
        }
        for name, value in told.items():
            assert hasattr(self.faults, name), name
            setattr(self.faults, name, read.get(name, lambda value: value)(value))

    def account_state(self, told: dict[str, Any]) -> None:
        """The account's state in the terminal, by its number, which is pushed unless `quietly`."""
        self._state = int(told["state"])
        if not told.get("quietly"):
            self._push_state()

    def _push_state(self) -> None:
        raise NotImplementedError

    def refuse(self, told: dict[str, Any]) -> None:
        """The next order is refused with `message`."""
        self.faults.refuse(told["message"])

    def advance(self, _told: dict[str, Any]) -> None:
        self.paper.advance()

    def flush(self, _told: dict[str, Any]) -> None:
        assert self.paper.flush()

    def record(self, _told: dict[str, Any]) -> dict[str, Any]:
        """What was really ordered and traded, and what was asked for: the judge."""
        return {"received": self.received, **record_of(self.paper)}

    def _pushed(self, event: BrokerEvent) -> None:
        """What the exchange tells."""
        raise NotImplementedError


def record_of(paper: PaperBroker) -> dict[str, Any]:
    """What was really ordered and traded at an exchange, in plain values."""
    exchange = paper._exchange
    assert exchange is not None
    orders = [order.report() for order in exchange.account.orders.values()]
    return {
        "orders": [
            {
                "id": o.broker_order_id,
                "remark": o.remark,
                "symbol": o.symbol,
                "side": o.side,
                "volume": o.volume,
                "price": str(o.price),
                "state": o.state,
                "filled": o.filled,
            }
            for o in orders
        ],
        "fills": [
            {
                "traded_id": f.traded_id,
                "order_id": f.broker_order_id,
                "symbol": f.symbol,
                "side": f.side,
                "volume": f.volume,
                "price": str(f.price),
                "fee": str(f.fee),
            }
            for f in exchange.account.fills
        ],
    }
