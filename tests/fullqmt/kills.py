"""Kills, again and again, and what was said about each order, held against the emulator's own log."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from execution.brokers.contract import SYMBOL, Requests
from jqfollow.clock import SystemClock
from jqfollow.domain import (
    Accepted,
    BrokerDownError,
    BrokerError,
    BrokerEvent,
    OrderReport,
    PlaceFailed,
    PlaceRequest,
)
from jqfollow.execution.brokers.fullqmt.broker import FullQmtBroker

from .terminal import Terminal


@dataclass
class Said:
    """What was said about the orders so far, by remark."""

    accepted: dict[str, str] = field(default_factory=dict)
    not_placed: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    failed_by_push: set[str] = field(default_factory=set)
    cancels: Counter[str] = field(default_factory=Counter)

    def hear(self, event: BrokerEvent) -> None:
        if isinstance(event, PlaceFailed):
            self.failed_by_push.add(event.remark)

    def place(self, broker: FullQmtBroker, request: PlaceRequest) -> str | None:
        try:
            placed = broker.place(request)
        except BrokerDownError:
            self.not_placed.add(request.remark)
            return None
        except BrokerError:
            self.unknown.add(request.remark)
            return None
        assert isinstance(placed, Accepted), placed
        self.accepted[request.remark] = placed.broker_order_id
        return placed.broker_order_id

    def cancel(self, broker: FullQmtBroker, order_id: str) -> None:
        try:
            broker.cancel(order_id)
            self.cancels["sent"] += 1
        except BrokerError:
            self.cancels["refused or unknown"] += 1

    def judge(self, terminal: Terminal, orders: list[OrderReport]) -> None:
        """The three sentences that may never be broken."""
        record = terminal.record()
        handed = Counter(record["handed_over"])
        at_exchange = Counter(order["remark"] for order in record["orders"])
        assert [remark for remark, times in handed.items() if times > 1] == [], "handed over twice"
        assert [remark for remark, times in at_exchange.items() if times > 1] == [], "placed twice"
        assert (self.not_placed | self.failed_by_push) & set(handed) == set(), "said not placed, and placed"
        listed = {order.remark: order.broker_order_id for order in orders}
        missing = {remark for remark, order_id in self.accepted.items() if listed.get(remark) != order_id}
        assert missing == set(), "said accepted, and missing"
        assert set(handed) <= set(self.accepted) | self.unknown
        assert record["violations"] == []


def made(terminal: Terminal, said: Said) -> FullQmtBroker:
    broker = FullQmtBroker(
        name="main",
        mailbox=terminal.mailbox,
        account_id=terminal.account,
        clock=SystemClock(),
        silent_s=0.5,
        connect_timeout_s=10,
        take_s=0.3,
        place_s=0.6,
        query_s=0.5,
    )
    broker.events(said.hear)
    return broker


class Hands:
    """Threads that place and cancel without a pause, whatever becomes of it."""

    def __init__(self, broker: FullQmtBroker, said: Said, make: Requests, seed: int) -> None:
        self._over = threading.Event()
        self._turn = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, args=(broker, said, make, random.Random(seed + n))) for n in range(3)
        ]
        self.errors: list[BaseException] = []

    def _work(self, broker: FullQmtBroker, said: Said, make: Requests, rng: random.Random) -> None:
        try:
            while not self._over.is_set():
                with self._turn:
                    request = make.buy(100, "9.90", symbol=SYMBOL)
                order_id = said.place(broker, request)
                if order_id is not None and rng.random() < 0.5:
                    said.cancel(broker, order_id)
                if order_id is None:
                    self._over.wait(0.02)
        except BaseException as error:  # noqa: BLE001  # told on the test's own thread
            self.errors.append(error)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(20)
        assert self.errors == []


def settled(broker: FullQmtBroker, wait_s: float = 1.5) -> list[OrderReport]:
    """The list, once the last late answers have come: the same for so long."""
    listed, since = _listed(broker), time.monotonic()
    while time.monotonic() < since + wait_s:
        time.sleep(0.05)
        if (now := _listed(broker)) != listed:
            listed, since = now, time.monotonic()
    return listed


def _listed(broker: FullQmtBroker) -> list[OrderReport]:
    while True:
        try:
            return list(broker.orders())
        except BrokerDownError:  # the terminal has much to do first
            time.sleep(0.05)


def kill_terminal(terminal: Terminal, *, times: int, seed: int = 1) -> Said:
    """Kills and starts the terminal at random moments while orders are placed and cancelled."""
    said, make, rng = Said(), Requests(), random.Random(seed)
    broker = made(terminal, said)
    end = broker.connect()
    for n in range(times):
        before = len(said.accepted)
        with Hands(broker, said, make, seed + 10 * n):
            while n % 2 and len(said.accepted) < before + 2:
                time.sleep(0.01)  # every other one is killed at work, however slow the machine is
            time.sleep(rng.uniform(0.02, 0.35))
            terminal.stop()
            time.sleep(rng.uniform(0, 0.1))
        terminal.start()
        end = broker.connect()
    orders = settled(broker)
    said.judge(terminal, orders)
    end()
    return said


def read_said(path: Path, said: Said) -> None:
    """What killed services had said: a line each, written before the next thing was done."""
    intents: set[str] = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        word, _, rest = line.partition(" ")
        remark, _, more = rest.partition(" ")
        match word:
            case "intent":
                intents.add(remark)
            case "accepted":
                said.accepted[remark] = more
            case "not_placed":
                said.not_placed.add(remark)
            case "unknown":
                said.unknown.add(remark)
            case "failed":
                said.failed_by_push.add(remark)
            case "cancel":
                said.cancels[more] += 1
    said.unknown |= intents - set(said.accepted) - said.not_placed
