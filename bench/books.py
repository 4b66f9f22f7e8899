"""Twenty strategies of three hundred codes each, with their orders, fills and reports, written into a ledger."""

import json
import time
import tomllib
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import count
from pathlib import Path

from bench.client import Connection
from bench.signals import STRATEGIES
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
from jqfollow.drift.memo import MARK, DriftMemo
from jqfollow.execution.brokers.paper.broker import PaperBroker
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import NewAttempt, NewOrder, NewSignal, Terms
from jqfollow.ledger.tx import Tx
from jqfollow.market.calendar import TradingCalendar
from jqfollow.market.securities import parse_security
from jqfollow.reasons import Reason, Refusal
from jqfollow.settings import load_settings
from jqfollow.wire.jqf1 import Key, seal

NAMES = (*STRATEGIES, *(f"s{n:02}" for n in range(20 - len(STRATEGIES))))
CODES = tuple(f"{n:06}.XSHE" for n in range(1, 301))
AMOUNT = 1000
DRIFTS = 10
"""Every so manieth book was refused its buy."""
_PRICE = Decimal(10)
_CASH = Decimal(10_000_000_000)
_PARTS = 2
_SYMBOLS = tuple(parse_security(code).symbol for code in CODES)
_NUMBERS = count(1)


def fill(folder: Path) -> None:
    """Makes `folder` that of a service which follows them, and has worked their drifts out once."""
    with Stage(Measured.SERVICE, folder, strategies=NAMES) as stage:
        stage.stop()
    now = datetime.now(SHANGHAI) - timedelta(minutes=10)
    memo = DriftMemo(load_settings(folder / "config.toml"))
    with Ledger.open(folder / "data" / "ledger.sqlite3") as ledger:
        for name in NAMES:
            ledger.write_now(partial(_strategy, name=name, now=now))
        held = ledger.write_now(partial(_picture, now=now))
        ledger.read_now(memo.read)
        ledger.write_now(partial(_keep, memo=memo))
    exchange = PaperBroker(name="paper", path=folder / "data" / "paper-paper.jsonl", clock=SystemClock(),
                           cash=_CASH, hours="always", calendar=TradingCalendar(), pulse_s=None)  # fmt: skip
    close = exchange.connect()
    for symbol, volume in held.items():
        exchange.set_holding(symbol, volume, cost=_PRICE)
    close()


def report(stage: Stage) -> None:
    """Every strategy tells anew what it holds, through the port."""
    keys = tomllib.loads((stage.folder / "data" / "keys.toml").read_text(encoding="utf-8"))
    with Connection(stage.port) as connection:
        for name in NAMES:
            for body in _parts(name, Key.parse(keys[name]["key"])):
                connection.post(body)


def _parts(name: str, key: Key) -> Iterator[bytes]:
    report_id, size = f"b{next(_NUMBERS)}-{time.time_ns()}", len(CODES) // _PARTS
    for part in range(_PARTS):
        held = {code: {"amount": AMOUNT, "closeable": AMOUNT} for code in CODES[part * size : (part + 1) * size]}
        now = datetime.now(SHANGHAI)
        text = {"kind": "positions", "run": "sim_trade", "made_at": int(now.timestamp() * 1000), "report": report_id,
                "part": part + 1, "parts": _PARTS, "day": str(now.date()), "when": "close", "cash": "0",
                "total_value": "3000000", "positions": held}  # fmt: skip
        message_id = f"{name}-{report_id}-{part}"
        yield json.dumps(seal(key, name, message_id, int(now.timestamp()), json.dumps(text))).encode()


def _strategy(tx: Tx, name: str, now: datetime) -> None:
    for number, symbol in enumerate(_SYMBOLS):
        _buy(tx, name, symbol, now, refused=number % DRIFTS == 0)
    holdings = {symbol: StrategyHolding(held=AMOUNT, closeable=AMOUNT, price=_PRICE) for symbol in _SYMBOLS}
    part = HoldingsPart(report="first", part=1, parts=1, day=now.date(), when="close", cash=None, total_value=None,
                        holdings=holdings)  # fmt: skip
    tx.reports.add(name, part, now + timedelta(minutes=1))


def _buy(tx: Tx, name: str, symbol: str, now: datetime, *, refused: bool) -> None:
    number = next(_NUMBERS)
    told = StrategyOrder(jq_order_id=f"book-{number}", symbol=symbol, side=Side.BUY, amount=AMOUNT, filled=AMOUNT,
                         price=_PRICE, limit=None, status="held", position_side="long", day=now.date(),
                         position_after=AMOUNT, total_value=None)  # fmt: skip
    signal = NewSignal(strategy=name, wire=Wire.JQF1, message_id=f"book-{number}", kind=SignalKind.ORDER,
                       run="sim_trade", text="{}", made_at=now, received_at=now, order=told)  # fmt: skip
    signal_id = tx.signals.record(signal).signal_id
    terms = Terms(amount=AMOUNT, run="sim_trade", mode=FollowMode.RATIO, figure=Decimal(1), made_at=now,
                  reference=_PRICE, account_number="")  # fmt: skip
    order = tx.orders.create(
        NewOrder(signal_id=signal_id, account="paper", strategy=name, day=now.date(), security=symbol, side=Side.BUY,
                 terms=terms, deadline=now, limit_price=None, volume=AMOUNT, sized=True), now)  # fmt: skip
    tx.signals.finish(signal_id, SignalState.FOLLOWED, None)
    if refused:
        tx.orders.update(order.order_id, now, state=OrderState.REJECTED, refusal=Refusal(reason=Reason.LIMIT_UP))
        return
    attempt = tx.attempts.create(
        NewAttempt(order_id=order.order_id, number=1, account="paper", day=now.date(), security=symbol, side=Side.BUY,
                   volume=AMOUNT, price=_PRICE), now)  # fmt: skip
    broker_order_id = f"book-{number}"
    attempt = tx.attempts.update(attempt.attempt_id, now, state=AttemptState.NEW, broker_order_id=broker_order_id)
    fill = FillReport(traded_id=f"book-{number}", broker_order_id=broker_order_id, remark=attempt.remark,
                      symbol=symbol, side=Side.BUY, volume=AMOUNT, price=_PRICE, at=now)  # fmt: skip
    tx.fills.add(attempt, name, fill, now.date())
    tx.attempts.update(attempt.attempt_id, now, state=AttemptState.FILLED, reported=AMOUNT)
    tx.orders.update(order.order_id, now, state=OrderState.FILLED)


def _picture(tx: Tx, now: datetime) -> dict[str, int]:
    """What the account holds: just what the books say."""
    sums = tx.books.sums("paper")
    held = [Position(symbol=symbol, volume=volume, available=volume, avg_cost=_PRICE, last=_PRICE)
            for symbol, volume in sums.items()]  # fmt: skip
    value = sum((position.volume * _PRICE for position in held), Decimal(0))
    asset = Asset(cash=_PRICE, frozen=Decimal(0), market_value=value, total=value)
    tx.snapshots.put("paper", now.date(), now + timedelta(minutes=2), asset, held)
    return sums


def _keep(tx: Tx, memo: DriftMemo) -> None:
    unkept = memo.unkept()
    if unkept is not None:
        tx.kept_drifts.put(unkept.rows)
        tx.meta.set(MARK, unkept.mark)
