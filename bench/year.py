"""A year of twenty strategies, written into a ledger: what a page has to show that has been open for long."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from itertools import count
from pathlib import Path

from bench.books import NAMES
from bench.signals import CODES, SYMBOLS
from bench.stage import Side as Measured
from bench.stage import Stage
from jqfollow.clock import SHANGHAI, SystemClock
from jqfollow.domain import (
    Asset,
    AttemptState,
    FillReport,
    FollowMode,
    HoldingsPart,
    OrderState,
    Position,
    Side,
    SignalKind,
    SignalState,
    StrategyHolding,
    StrategyOrder,
    Wire,
)
from jqfollow.execution.brokers.paper.broker import PaperBroker
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.marks import DriftDay
from jqfollow.ledger.rows import NewAttempt, NewOrder, NewSignal, Terms
from jqfollow.ledger.tx import Tx
from jqfollow.market.calendar import TradingCalendar
from jqfollow.settings import load_settings

DAYS = 243
"""Trading days of a year; odd, so that what the last one bought is held."""
ORDERS = 10
"""A strategy and a day: all buys, and on the next day the sells of them."""
_AMOUNT = 1000
_CASH = Decimal(10_000_000_000)
_OPEN = time(10, 0)
_CENT = Decimal("0.01")


@dataclass(slots=True, kw_only=True)
class Year:
    """Writes it, a day at a time."""

    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def day(self, tx: Tx, number: int, day: date) -> None:
        """One day of all strategies, and how things stood in its evening."""
        side = Side.SELL if number % 2 else Side.BUY
        at = datetime.combine(day, _OPEN, SHANGHAI)
        for n, name in enumerate(NAMES):
            codes = [CODES[(n * 7 + (number // 2) * 3 + j) % len(CODES)] for j in range(ORDERS)]
            for code in codes:
                at += timedelta(seconds=30)
                self._order(tx, name, code, side, price(code, number), at)
            held = {} if number % 2 else {SYMBOLS[code]: StrategyHolding(held=_AMOUNT, closeable=0) for code in codes}
            part = HoldingsPart(report=f"y{day}", part=1, parts=1, day=day, when="close", cash=None,
                                total_value=Decimal(3_000_000), holdings=held)  # fmt: skip
            tx.reports.add(name, part, at)
            nothing = Decimal(0)
            tx.marks.put_drift(DriftDay(day=day, account="paper", strategy=name, missing=nothing, excess=nothing))
        self._picture(tx, number, day, at)

    def _picture(self, tx: Tx, number: int, day: date, at: datetime) -> None:
        lasts = {SYMBOLS[code]: price(code, number) for code in CODES}
        held = [
            Position(symbol=symbol, volume=volume, available=0, avg_cost=lasts[symbol], last=lasts[symbol])
            for symbol, volume in tx.books.sums("paper").items()
        ]
        value = sum((p.volume * p.avg_cost for p in held), Decimal(0))
        asset = Asset(cash=_CASH, frozen=Decimal(0), market_value=value, total=_CASH + value)
        tx.snapshots.put("paper", day, at + timedelta(hours=1), asset, held)

    def _order(self, tx: Tx, name: str, code: str, side: Side, paid: Decimal, at: datetime) -> None:
        number, symbol, day = next(self.numbers), SYMBOLS[code], at.date()
        key = f"year-{number}"
        told = StrategyOrder(jq_order_id=key, symbol=symbol, side=side, amount=_AMOUNT, filled=_AMOUNT, price=paid,
                             limit=None, status="held", position_side="long", day=day,
                             position_after=_AMOUNT if side is Side.BUY else 0, total_value=None)  # fmt: skip
        signal = NewSignal(strategy=name, wire=Wire.JQF1, message_id=key, kind=SignalKind.ORDER, run="sim_trade",
                           text="{}", made_at=at, received_at=at, order=told)  # fmt: skip
        signal_id = tx.signals.record(signal).signal_id
        terms = Terms(amount=_AMOUNT, run="sim_trade", mode=FollowMode.RATIO, figure=Decimal(1), made_at=at,
                      reference=paid, account_number="")  # fmt: skip
        order = tx.orders.create(
            NewOrder(signal_id=signal_id, account="paper", strategy=name, day=day, security=symbol, side=side,
                     terms=terms, deadline=at, limit_price=None, volume=_AMOUNT, sized=True), at)  # fmt: skip
        tx.signals.finish(signal_id, SignalState.FOLLOWED, None)
        tx.marks.arrived(order.order_id, paid)
        tx.marks.closed(order.order_id, paid)
        tx.decisions.add(order.order_id, 1, at, "place", None, [])
        attempt = tx.attempts.create(
            NewAttempt(order_id=order.order_id, number=1, account="paper", day=day, security=symbol, side=side,
                       volume=_AMOUNT, price=paid), at)  # fmt: skip
        attempt = tx.attempts.update(attempt.attempt_id, at, state=AttemptState.NEW, broker_order_id=key)
        fill = FillReport(traded_id=key, broker_order_id=key, remark=attempt.remark, symbol=symbol, side=side,
                          volume=_AMOUNT, price=paid, at=at + timedelta(seconds=1), fee=Decimal(5))  # fmt: skip
        tx.fills.add(attempt, name, fill, day)
        tx.events.add(
            order.order_id, attempt.attempt_id, at, "reported_filled", AttemptState.NEW, AttemptState.FILLED, ""
        )
        tx.attempts.update(attempt.attempt_id, at, state=AttemptState.FILLED, reported=_AMOUNT)
        tx.orders.update(order.order_id, at, state=OrderState.FILLED)


def price(code: str, number: int) -> Decimal:
    """What it cost on a day, yuan."""
    return Decimal(10 + 2 * math.sin(number / 9 + CODES.index(code))).quantize(_CENT)


def fill(folder: Path, days: int = DAYS) -> None:
    """Makes `folder` that of a service which has followed `NAMES` for so many days, until yesterday."""
    with Stage(Measured.SERVICE, folder, strategies=NAMES) as stage:
        stage.stop()
    calendar, day = TradingCalendar(), datetime.now(SHANGHAI).date()
    open_days = [day := calendar.previous_trading_day(day) for _ in range(days)]
    year = Year()
    with Ledger.open(folder / "data" / "ledger.sqlite3") as ledger:
        for number, each in enumerate(reversed(open_days)):
            ledger.write_now(partial(year.day, number=number, day=each))
        held = ledger.read_now(lambda tx: tx.books.sums("paper"))
    paper = load_settings(folder / "config.toml").accounts["paper"]
    exchange = PaperBroker(name="paper", path=folder / "data" / "paper-paper.jsonl", clock=SystemClock(),
                           cash=_CASH, hours=paper.hours, calendar=calendar, pulse_s=None)  # type: ignore[union-attr]  # fmt: skip
    close = exchange.connect()
    for symbol, volume in held.items():
        exchange.set_holding(symbol, volume, cost=Decimal(10))
    close()
