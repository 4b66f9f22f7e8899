"""Rows to fill a ledger with, and what a test asks of it from within."""

import asyncio
import sqlite3
import threading
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from jqfollow.clock import SHANGHAI
from jqfollow.domain import FillReport, FollowMode, Side, SignalKind, StrategyOrder, Wire
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow, NewAttempt, NewOrder, NewSignal, OrderRow, Terms
from jqfollow.ledger.tx import Tx

DAY = date(2026, 1, 5)
NOW = datetime(2026, 1, 5, 10, 0, tzinfo=SHANGHAI)
SECURITY = "000001.SZ"


TERMS = Terms(amount=100, run="sim_trade", mode=FollowMode.RATIO, figure=Decimal(1), made_at=NOW)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def strategy_order(**changes: Any) -> StrategyOrder:
    order = StrategyOrder(
        jq_order_id="1700000001",
        symbol=SECURITY,
        side=Side.BUY,
        amount=100,
        filled=100,
        price=Decimal("11.30"),
        limit=None,
        status="held",
        position_side="long",
        day=DAY,
        position_after=100,
        total_value=Decimal("100000.55"),
    )
    return replace(order, **changes)


def signal(message_id: str = "m1", **changes: Any) -> NewSignal:
    message = NewSignal(
        strategy="demo",
        wire=Wire.JQF1,
        message_id=message_id,
        kind=SignalKind.ORDER,
        run="sim_trade",
        text='{"kind":"order"}',
        made_at=NOW,
        received_at=NOW,
        order=strategy_order(),
    )
    return replace(message, **changes)


def new_order(signal_id: int, **changes: Any) -> NewOrder:
    order = NewOrder(
        signal_id=signal_id,
        account="main",
        strategy="demo",
        day=DAY,
        security=SECURITY,
        side=Side.BUY,
        terms=TERMS,
        deadline=NOW + timedelta(seconds=60),
        limit_price=None,
        volume=100,
        sized=True,
    )
    return replace(order, **changes)


def new_attempt(order: OrderRow, number: int = 1, **changes: Any) -> NewAttempt:
    attempt = NewAttempt(
        order_id=order.order_id,
        number=number,
        account=order.account,
        day=order.day,
        security=order.security,
        side=order.side,
        volume=order.volume,
        price=Decimal("11.30"),
    )
    return replace(attempt, **changes)


def fill_report(attempt: AttemptRow, traded_id: str = "t1", **changes: Any) -> FillReport:
    report = FillReport(
        traded_id=traded_id,
        broker_order_id="b1",
        remark=attempt.remark,
        symbol=attempt.security,
        side=attempt.side,
        volume=attempt.volume,
        price=attempt.price,
        at=NOW,
    )
    return replace(report, **changes)


def an_order(tx: Tx, message_id: str = "m1", **changes: Any) -> OrderRow:
    message = signal(message_id, order=strategy_order(jq_order_id=message_id))
    return tx.orders.create(new_order(tx.signals.record(message).signal_id, **changes), NOW)


def an_attempt(tx: Tx, message_id: str = "m1", **changes: Any) -> AttemptRow:
    return tx.attempts.create(new_attempt(an_order(tx, message_id, **changes)), NOW)


def connection_of(tx: Tx) -> sqlite3.Connection:
    return tx.meta._c


def put(tx: Tx, key: str, value: str = "x") -> str:
    tx.meta.set(key, value)
    return key


def keys(ledger: Ledger) -> set[str]:
    rows = ledger.read_now(lambda tx: connection_of(tx).execute("SELECT key FROM meta").fetchall())
    return {row["key"] for row in rows} - {"remark_tag"}


class Gate:
    """A transaction that holds the writer until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, tx: Tx) -> None:
        self.entered.set()
        assert self.opened.wait(10)

    async def reached(self) -> None:
        assert await asyncio.to_thread(self.entered.wait, 10)
