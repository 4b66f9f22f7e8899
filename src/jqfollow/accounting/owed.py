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
from jqfollow.ledger.rows import BookingKind, BookingRow, BookRow, NewOrder, NewSignal, Terms
from jqfollow.ledger.tx import Tx
from jqfollow.settings import Layers, Settings
from jqfollow.wire.messages import LIVE_RUN

LOOKED_BACK = timedelta(days=20)
"""So long after its ex day an action is still looked for: the service may not have run."""


def sell_owed(tx: Tx, account: Account, positions: Mapping[str, Position], settings: Settings, now: datetime) -> None:
    """What a closing sell could not sell because it was not there yet is sold on the first day on which it can.

    Of the shares that the action brought, and no others that a person may have put into the book since.
    """
    open_books = {order.book for order in tx.orders.open(account.name)}
    for action in tx.corporate.list(account.name):
        recent = now.date() - LOOKED_BACK <= action.day
        if action.state is not ActionState.BOOKED or action.act is None or action.factor <= 1 or not recent:
            continue
        held = positions.get(action.security)
        if held is None or held.available <= 0:
            continue
        for booking in tx.bookings.of_act(action.act):
            book = tx.books.get(account.name, booking.strategy, action.security)
            if booking.kind is BookingKind.SPLIT and (book.strategy, book.security) not in open_books:
                left = min(_left(tx, action, booking), book.volume)
                if left > 0 and _sold_out_before(tx, action, booking, settings):
                    _sell(tx, account, action, book, left, settings, now)


def _left(tx: Tx, action: ActionRow, booking: BookingRow) -> int:
    """What of the shares that came was not sold by orders of this kind."""
    signals = tx.signals.named(booking.strategy, _prefix(action))
    return booking.shares - sum(order.filled for number in signals for order in tx.orders.of_signal(number))


def _sold_out_before(tx: Tx, action: ActionRow, booking: BookingRow, settings: Settings) -> bool:
    """Whether the strategy sold all between the ex day and the day on which the shares came, and nothing since."""
    orders = tx.orders.of_book(action.account, booking.strategy, action.security)
    followed = [order for order in orders if order.terms.run == LIVE_RUN]
    last = followed[-1] if followed else None
    if booking.strategy not in settings.strategies or last is None or not last.closes or last.side is Side.BUY:
        return False
    began = datetime.combine(action.day, time(), SHANGHAI)
    if not began <= last.terms.made_at <= booking.at:
        return False
    drift = drift_of_book(tx, settings, action.account, booking.strategy, action.security)
    return drift.target == 0 and not drift.zero_untold


def _sell(
    tx: Tx, account: Account, action: ActionRow, book: BookRow, volume: int, settings: Settings, now: datetime
) -> None:
    """An order of its own, once a day until it is done."""
    day = account.hours.trading_day()
    message_id = f"{_prefix(action)}{day}"
    if tx.signals.knows(book.strategy, message_id):
        return
    told = StrategyOrder(
        jq_order_id=message_id, symbol=book.security, side=Side.SELL, amount=volume, filled=0, price=None,
        limit=None, status="open", position_side="long", day=day, position_after=0, total_value=None,
    )  # fmt: skip
    text = {"kind": "repair", "owed": str(action.day), "account": account.name, "security": book.security}
    signal_id = tx.signals.record(
        NewSignal(strategy=book.strategy, wire=Wire.REPAIR, message_id=message_id, kind=SignalKind.ORDER,
                  run=REPAIR_RUN, text=orjson.dumps(text).decode(), made_at=now, received_at=now, order=told)
    ).signal_id  # fmt: skip
    terms = Terms(amount=volume, run=REPAIR_RUN, mode=FollowMode.SHARES, figure=Decimal(volume), made_at=now,
                  account_number=account.number)  # fmt: skip
    most_s = Layers(settings).risk(account.name, book.strategy).max_signal_age_s
    tx.orders.create(
        NewOrder(signal_id=signal_id, account=account.name, strategy=book.strategy, day=day, security=book.security,
                 side=Side.SELL, terms=terms, deadline=now + timedelta(seconds=most_s),
                 limit_price=None, closes=True, volume=volume, sized=True),
        now,
    )  # fmt: skip
    tx.signals.finish(signal_id, SignalState.FOLLOWED, None)


def _prefix(action: ActionRow) -> str:
    return f"owed-{action.account}-{action.security}-{action.day}-"
