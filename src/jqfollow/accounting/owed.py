"""Shares that came after their strategy had sold all: a closing sell that a corporate action cut short."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal

import orjson

from jqfollow.clock import SHANGHAI
from jqfollow.domain import REPAIR_RUN, FollowMode, Position, Side, SignalKind, SignalState, StrategyOrder, Wire
from jqfollow.drift.reading import drift_of_book
from jqfollow.execution.accounts import Account
from jqfollow.ledger.corporate import ActionRow, ActionState
from jqfollow.ledger.rows import BookRow, NewOrder, NewSignal, Terms
from jqfollow.ledger.tx import Tx
from jqfollow.settings import Settings

LOOKED_BACK = timedelta(days=20)
"""So long after its ex day an action is still looked for: the service may not have run."""


def sell_owed(tx: Tx, account: Account, positions: Mapping[str, Position], settings: Settings, now: datetime) -> None:
    """What a closing sell could not sell because it was not there yet is sold on the first day on which it can."""
    open_books = {order.book for order in tx.orders.open(account.name)}
    for action in tx.corporate.list(account.name):
        recent = now.date() - LOOKED_BACK <= action.day
        if action.state is not ActionState.BOOKED or action.factor <= 1 or not recent:
            continue
        held = positions.get(action.security)
        for book in tx.books.of_security(account.name, action.security):
            if book.volume > 0 and held and held.available and (book.strategy, book.security) not in open_books:
                _sell_rest(tx, account, action, book, settings, now)


def _sell_rest(tx: Tx, account: Account, action: ActionRow, book: BookRow, settings: Settings, now: datetime) -> None:
    began = datetime.combine(action.day, time(), SHANGHAI)
    orders = tx.orders.of_book(account.name, book.strategy, book.security)
    followed = [order for order in orders if order.terms.run != REPAIR_RUN]
    last = followed[-1] if followed else None
    if last is None or not last.closes or last.side is Side.BUY or last.terms.made_at < began:
        return
    if drift_of_book(tx, settings, account.name, book.strategy, book.security).target != 0:
        return
    day = account.trading_day()
    message_id = f"owed-{account.name}-{book.security}-{action.day}-{day}"
    if book.strategy not in settings.strategies or tx.signals.knows(book.strategy, message_id):
        return
    told = StrategyOrder(
        jq_order_id=message_id, symbol=book.security, side=Side.SELL, amount=book.volume, filled=0, price=None,
        limit=None, status="open", position_side="long", day=day, position_after=0, total_value=None,
    )  # fmt: skip
    text = {"kind": "repair", "owed": str(action.day), "account": account.name, "security": book.security}
    signal_id = tx.signals.record(
        NewSignal(strategy=book.strategy, wire=Wire.REPAIR, message_id=message_id, kind=SignalKind.ORDER,
                  run=REPAIR_RUN, text=orjson.dumps(text).decode(), made_at=now, received_at=now, order=told)
    ).signal_id  # fmt: skip
    terms = Terms(amount=book.volume, run=REPAIR_RUN, mode=FollowMode.SHARES, figure=Decimal(book.volume),
                  made_at=now, account_number=account.number)  # fmt: skip
    tx.orders.create(
        NewOrder(signal_id=signal_id, account=account.name, strategy=book.strategy, day=day,
                 security=book.security, side=Side.SELL, terms=terms,
                 deadline=now + timedelta(seconds=settings.risk.max_signal_age_s), limit_price=None,
                 closes=True),
        now,
    )  # fmt: skip
    tx.signals.finish(signal_id, SignalState.FOLLOWED, None)
