"""What rides on the next signal of a book, where a person asked for it."""

from collections.abc import Collection
from decimal import Decimal

from jqfollow.domain import Side
from jqfollow.drift.causes import Cause, Drift
from jqfollow.drift.reading import drift_of_book
from jqfollow.ledger.rows import OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.settings import CatchUp, Settings

_ZERO = Decimal(0)
_CAUSES = {
    CatchUp.UNFILLED: {Cause.UNFILLED},
    CatchUp.REFUSED: {Cause.REFUSED},
    CatchUp.CASH: {Cause.CASH},
    CatchUp.MISSED: {Cause.NEVER_ARRIVED, Cause.LATE},
}


def owed(tx: Tx, order: OrderRow, *, settings: Settings) -> Decimal:
    """What an order that is not sized yet may make up for in its own direction, beside what rounding carries."""
    strategy = settings.strategies.get(order.strategy)
    causes = {cause for each in strategy.catch_up for cause in _CAUSES.get(each, ())} if strategy else set()
    if not causes or order.closes:
        return _ZERO
    drift = drift_of_book(tx, settings, order.account, order.strategy, order.security)
    book = tx.books.get(order.account, order.strategy, order.security)
    buy, sell = book.carry(tx.orders.carries_since(order))
    return owed_of(drift, buy if order.side is Side.BUY else sell, order.side, causes)


def owed_of(drift: Drift, carried: Decimal, side: Side, causes: Collection[Cause]) -> Decimal:
    """What was left by `causes`, as far as with what is carried it does not go beyond the target."""
    if drift.drift is None or any(line.day is not None for line in drift.lines):
        return _ZERO  # no target, or a corporate action is about to change the book
    sign = 1 if side is Side.BUY else -1
    left = sum((line.shares for line in drift.lines if line.cause in causes), _ZERO)
    return max(min(sign * left, sign * drift.drift - carried), _ZERO)
