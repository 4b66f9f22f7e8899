"""Who trades how much at which price, and what it costs; pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from jqfollow.domain import FillReport, Level, Quote, Side
from jqfollow.execution.brokers.paper.account import Taken, taken_key
from jqfollow.execution.brokers.paper.codes import find
from jqfollow.execution.brokers.paper.order import PaperOrder
from jqfollow.market.fees import fee


def opposite(quote: Quote, side: Side, taken: Taken | None) -> tuple[Level, ...]:
    """The levels that an order of `side` meets, best first, without what was taken of this book already."""
    levels = quote.asks if side is Side.BUY else quote.bids
    if taken is None or taken.book_at != quote.at:
        return levels
    rest = ((level.price, level.volume - taken.volumes.get(taken_key(side, level.price), 0)) for level in levels)
    return tuple(Level(price=price, volume=volume) for price, volume in rest if volume > 0)


def meets(order: PaperOrder, price: Decimal) -> bool:
    """Whether the order's limit lets it trade at `price`."""
    return order.price >= price if order.side is Side.BUY else order.price <= price


def sweep(order: PaperOrder, levels: Iterable[Level], most: int) -> list[Level]:
    """What `order` takes of `levels`, `most` in all."""
    taken: list[Level] = []
    for level in levels:
        volume = min(most, level.volume)
        if volume <= 0 or not meets(order, level.price):
            break
        most -= volume
        taken.append(replace(level, volume=volume))
    return taken


def executed(
    order: PaperOrder, volume: int, price: Decimal, *, at: datetime, traded_id: str
) -> tuple[PaperOrder, FillReport]:
    """The order after one more execution, and its report with what the order's fees grew by.

    A sell is never charged more than it brought so far: so money never goes below zero.
    """
    security = find(order.symbol)
    if security is None:
        raise AssertionError(order)
    filled, turnover = order.filled + volume, order.turnover + volume * price
    total = fee(security, order.side, filled, turnover / filled)
    if order.side is Side.SELL:
        total = min(total, turnover)
    report = FillReport(
        traded_id=traded_id,
        broker_order_id=order.broker_order_id,
        remark=order.remark,
        symbol=order.symbol,
        side=order.side,
        volume=volume,
        price=price,
        at=at,
        fee=total - order.fee,
    )
    return replace(order, filled=filled, turnover=turnover, fee=total), report
