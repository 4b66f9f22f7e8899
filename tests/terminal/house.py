"""The whole service on a MiniQMT account, through the vendor's own layer, with the terminal as judge."""

import asyncio
import threading
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from e2e.house import House
from jqfollow.execution import accounts, supervisor
from jqfollow.execution.brokers.miniqmt.broker import QmtBroker, load_xtdata
from jqfollow.execution.brokers.miniqmt.quotes import XtQuotes
from jqfollow.execution.brokers.miniqmt.sessions import SessionPool
from jqfollow.execution.brokers.port import Broker
from jqfollow.ledger.tx import Tx
from jqfollow.market.securities import parse_security
from jqfollow.settings import Account, QmtAccount

from . import native
from .modes import Mode
from .terminal import Terminal

ACCOUNT = "main"
START = "2026-03-02T10:00"


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines of a lifetime take a fraction of a second."""
    monkeypatch.setattr(accounts, "PLACE_TIMEOUT_S", 0.6)
    monkeypatch.setattr(accounts, "CANCEL_TIMEOUT_S", 0.6)
    monkeypatch.setattr(accounts, "QUERY_TIMEOUT_S", 0.6)
    monkeypatch.setattr(accounts, "MARKET_TIMEOUT_S", 0.6)
    monkeypatch.setattr(supervisor, "PROBE_EVERY_S", 0.05)
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.05,))


class QmtHouse(House):
    """`House` with one account `main` in `terminal`."""

    def __init__(self, folder: Path, terminal: Terminal, **options: Any) -> None:
        native.install()
        self.terminal = terminal
        self.made: list[QmtBroker] = []
        super().__init__(folder, accounts={ACCOUNT: self.account_settings()}, **options)

    def account_settings(self) -> dict[str, Any]:
        return {"broker": "qmt", "qmt_path": str(self.terminal.path), "account_id": self.terminal.account}

    async def start(self) -> None:
        await super().start()
        await self.ready()

    async def stop(self) -> None:
        self.terminal.mode()
        await super().stop()
        await asyncio.to_thread(self._nothing_is_left)

    def _nothing_is_left(self) -> None:
        """Whatever hung comes to its end, and no connection outlives the service."""
        for thread in threading.enumerate():
            if thread.name.startswith((f"qmt-{ACCOUNT}", f"{ACCOUNT}-query", f"{ACCOUNT}-place")):
                thread.join(10)
        assert [broker for broker in self.made if broker._link is not None] == []

    async def ready(self, *, is_ready: bool = True) -> None:
        """Until the account can, or cannot, trade."""
        while self.service.parts.accounts[ACCOUNT].ready is not is_ready:  # noqa: ASYNC110  # no event tells it
            await asyncio.sleep(0.005)

    def _make_broker(self, name: str, account: Account) -> Broker:  # type: ignore[override]
        assert isinstance(account, QmtAccount)
        clock = self.clock
        self.made.append(
            QmtBroker(
                name=name,
                path=account.qmt_path,
                account_id=account.account_id,
                account_type=account.account_type,
                sessions=SessionPool(self.data_dir / f"sessions-{name}.json", clock),
                clock=clock,
                quotes=XtQuotes(load=load_xtdata, clock=clock, quote_ttl_s=0),
                connect_timeout_s=5,
                stop_timeout_s=0.3,
                reason_wait_s=0.2,
                answer_timeout_s=2,
            )
        )
        return self.made[-1]

    def market(self, security: str, last: str | Decimal = "10.00", **more: Any) -> None:  # type: ignore[override]
        market = {"prev_close": str(last), "depth": 1_000_000, **more}
        self.terminal.tell("market", symbol=parse_security(security).symbol, last=str(last), **market)

    def forward(self, seconds: float) -> None:
        """Time jumps ahead, at the exchange first."""
        self.terminal.tell("clock_at", forward_s=seconds)
        super().forward(seconds)

    async def sweep(self, after_s: float = 0) -> None:
        """What the schedule does every second or two, now; time jumps ahead first, here and at the exchange."""
        if after_s:
            self.forward(after_s)
        account, now = self.service.parts.accounts[ACCOUNT], self.clock.now()
        await self.service.parts.sweeps.cancel_overdue(account, now)
        await self.service.parts.sweeps.look_after(account, now)
        await self.service.parts.sweeps.retry(account, now)

    def go_wrong(self, *modes: Mode) -> None:
        self.terminal.mode(*modes)

    async def settled_or_unknown(self, *, timeout_s: float = 30) -> None:
        """Until nothing is under way but what only a person can settle."""

        def over(tx: Tx) -> bool:
            live = tx.attempts.live(ACCOUNT)
            stuck = {attempt.order_id for attempt in live if attempt.state == "unknown"}
            waiting = [o for o in tx.orders.open() if o.order_id not in stuck and o.waiting_for != "unknown"]
            return not tx.signals.received() and not waiting

        await self.until(over, timeout_s=timeout_s)

    async def agreed(self, *, at_least: int = 1, timeout_s: float = 15, day_over: bool = False) -> list[dict[str, Any]]:
        """Until the ledger and the terminal's own record agree order by order and fill by fill; the record's orders."""
        day = self.clock.now().date()
        end = time.monotonic() + timeout_s
        while True:
            record = await asyncio.to_thread(self.terminal.record)
            differences = await self.ledger.read(lambda tx, record=record: differ(tx, record, day, day_over=day_over))
            if not differences and len(record["orders"]) >= at_least:
                return record["orders"]
            if time.monotonic() > end:
                raise AssertionError("\n".join([*differences, str(record)]))
            await self.sweep()
            await asyncio.sleep(0.02)


def differ(tx: Tx, record: dict[str, Any], day: date, *, day_over: bool = False) -> list[str]:
    """Where the ledger and the terminal do not say the same.

    An attempt whose outcome is unknown says nothing that could be wrong, until the terminal turns out to have it.
    With `day_over` an order that the terminal still shows as standing, as terminals do until the night, has ended.
    """
    attempts = [a for a in tx.attempts.list(account=ACCOUNT, day=day) if a.broker_order_id]
    by_id = {a.broker_order_id: a for a in attempts}
    ours = [order for order in record["orders"] if not order["remark"].startswith("手工")]
    found = [f"terminal only: {order}" for order in ours if order["id"] not in by_id]
    found += [f"ledger only: {a}" for a in attempts if a.broker_order_id not in {order["id"] for order in ours}]
    remarks = [order["remark"] for order in ours]
    found += [f"placed twice: {remark}" for remark in set(remarks) if remarks.count(remark) > 1]
    for order in ours:
        attempt = by_id.get(order["id"])
        if attempt is None:
            continue
        told = (attempt.remark, attempt.security, attempt.side, attempt.volume, attempt.state, attempt.filled)
        ended = day_over and order["state"] in {"new", "partially_filled"}
        state = "canceled" if ended else order["state"]
        true = (*(order[key] for key in ("remark", "symbol", "side", "volume")), state, order["filled"])
        if told != true or attempt.price != Decimal(order["price"]):
            found.append(f"ledger {told} {attempt.price}, terminal {order}")
        mine = sorted((f.traded_id, f.volume, f.price, f.fee) for f in tx.fills.of_attempt(attempt.attempt_id))
        traded = [f for f in record["fills"] if f["order_id"] == order["id"]]
        if mine != sorted((f["traded_id"], f["volume"], Decimal(f["price"]), Decimal(f["fee"])) for f in traded):
            found.append(f"fills of {order}: ledger {mine}, terminal {traded}")
    return found
