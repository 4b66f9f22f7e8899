"""A ledger with two days of trading in it."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from jqfollow.clock import SHANGHAI
from jqfollow.domain import (
    Asset,
    AttemptState,
    FillReport,
    FollowMode,
    OrderState,
    Position,
    Side,
    SignalKind,
    SignalState,
    StrategyOrder,
    Wire,
)
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import NewAttempt, NewOrder, NewSignal, Terms
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal

DAY1, DAY2 = date(2026, 3, 2), date(2026, 3, 3)
EVIL = '=HYPERLINK("http://evil")'


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=SHANGHAI)


def signal(tx: Tx, day: date, number: int, side: Side, amount: int, strategy: str = "demo") -> int:
    when = at(day, 10, number)
    order = StrategyOrder(
        jq_order_id=f"16000{number}",
        symbol="000001.SZ",
        side=side,
        amount=amount,
        filled=amount,
        price=Decimal("10.50"),
        limit=None,
        status="held",
        position_side="long",
        day=day,
        position_after=None,
        total_value=None,
    )
    return tx.signals.record(
        NewSignal(
            strategy=strategy,
            wire=Wire.JQF1,
            message_id=f"m{number}",
            kind=SignalKind.ORDER,
            run="sim_trade",
            text=f'{{"n":{number}}}',
            made_at=when,
            received_at=when + timedelta(seconds=1),
            order=order,
        )
    ).signal_id


TERMS = Terms(amount=100, run="sim_trade", mode=FollowMode.RATIO, figure=Decimal(1), made_at=at(DAY1, 10))


def traded(tx: Tx, day: date, number: int, side: Side, volume: int, price: str, *, message: str = "") -> int:
    """A signal that was followed and filled as a whole; gives the order's id."""
    when = at(day, 10, number)
    signal_id = signal(tx, day, number, side, volume)
    tx.signals.finish(signal_id, SignalState.FOLLOWED, None)
    order = tx.orders.create(
        NewOrder(
            signal_id=signal_id,
            account="paper",
            strategy="demo",
            day=day,
            security="000001.SZ",
            side=side,
            terms=TERMS,
            deadline=TERMS.made_at,
            limit_price=None,
            volume=volume,
            sized=True,
        ),
        when,
    )
    attempt = tx.attempts.create(
        NewAttempt(
            order_id=order.order_id,
            number=1,
            account="paper",
            day=day,
            security="000001.SZ",
            side=side,
            volume=volume,
            price=Decimal(price),
        ),
        when,
    )
    tx.decisions.add(order.order_id, 1, when, "place", None, [{"rule": "paused", "outcome": "pass", "figures": {}}])
    attempt = tx.attempts.update(attempt.attempt_id, when, broker_order_id=f"9{number}", state=AttemptState.NEW)
    report = FillReport(
        traded_id=f"12345678901234567{number}",
        broker_order_id=f"9{number}",
        remark=attempt.remark,
        symbol="000001.SZ",
        side=side,
        volume=volume,
        price=Decimal(price),
        at=when + timedelta(seconds=5),
        fee=Decimal("5.01"),
    )
    tx.fills.add(attempt, "demo", report, day)
    tx.attempts.update(attempt.attempt_id, when, state=AttemptState.FILLED, message=message)
    tx.orders.update(order.order_id, when, state=OrderState.FILLED)
    tx.events.add(order.order_id, attempt.attempt_id, when, "filled", "new", "filled", "")
    return order.order_id


def refused(tx: Tx, day: date, number: int) -> int:
    when = at(day, 11, number)
    signal_id = signal(tx, day, number, Side.BUY, 100)
    tx.signals.finish(signal_id, SignalState.FOLLOWED, None)
    order = tx.orders.create(
        NewOrder(
            signal_id=signal_id,
            account="paper",
            strategy="demo",
            day=day,
            security="000001.SZ",
            side=Side.BUY,
            terms=TERMS,
            deadline=TERMS.made_at,
            limit_price=None,
        ),
        when,
    )
    refusal = Refusal(reason=Reason.BROKER_REFUSED, figures={"message": "可用资金不足"})
    tx.orders.update(order.order_id, when, state=OrderState.REJECTED, refusal=refusal)
    return order.order_id


def write_story(data_dir: Path) -> None:
    """Day 1: 300 bought, an order refused. Day 2: 100 sold, an attempt whose outcome is unknown, an odd signal."""
    with Ledger.open(data_dir / "ledger.sqlite3") as ledger:
        ledger.write_now(_write)


def _write(tx: Tx) -> None:
    traded(tx, DAY1, 1, Side.BUY, 300, "10.52")
    refused(tx, DAY1, 2)
    traded(tx, DAY2, 3, Side.SELL, 100, "11.00")
    lost = tx.orders.create(
        NewOrder(
            signal_id=signal(tx, DAY2, 4, Side.BUY, 200),
            account="paper",
            strategy="demo",
            day=DAY2,
            security="600000.SH",
            side=Side.BUY,
            terms=TERMS,
            deadline=TERMS.made_at,
            limit_price=None,
            volume=200,
            sized=True,
        ),
        at(DAY2, 14),
    )
    attempt = tx.attempts.create(
        NewAttempt(
            order_id=lost.order_id,
            number=1,
            account="paper",
            day=DAY2,
            security="600000.SH",
            side=Side.BUY,
            volume=200,
            price=Decimal(8),
        ),
        at(DAY2, 14),
    )
    tx.attempts.update(attempt.attempt_id, at(DAY2, 14), state=AttemptState.UNKNOWN)
    odd = signal(tx, DAY2, 5, Side.BUY, 100, strategy="other")
    tx.signals.finish(odd, SignalState.RECORDED, Refusal(reason=Reason.NOT_FOLLOWED, figures={"strategy": EVIL}))
    for day, total in ((DAY1, "1000100"), (DAY2, "1000200.50")):
        asset = Asset(cash=Decimal(900_000), frozen=Decimal(0), market_value=Decimal(2200), total=Decimal(total))
        held = Position(symbol="000001.SZ", volume=300, available=300, avg_cost=Decimal("10.54"), last=Decimal("11.00"))
        tx.snapshots.put("paper", day, at(day, 15), asset, [held])
