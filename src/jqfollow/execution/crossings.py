"""An account does not trade with itself: which of its own orders an order would meet, and which make way. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from jqfollow.domain import Side, WaitingFor
from jqfollow.execution.known import Known
from jqfollow.execution.papers import Resting
from jqfollow.ledger.rows import AttemptRow

CROSSING_WAIT = timedelta(seconds=10)
"""So long an order waits for what it would trade with to end."""


def crossings(known: Known, price: Decimal) -> Sequence[Resting]:
    """Live attempts of the account on the other side that an order at `price` would trade with."""
    buy = known.order.side is Side.BUY
    return [r for r in known.papers.resting if (r.attempt.price <= price if buy else r.attempt.price >= price)]


def crossed(known: Known, price: Decimal) -> AttemptRow | None:
    """The first of them."""
    return next((r.attempt for r in crossings(known, price)), None)


def to_cancel(known: Known, price: Decimal) -> AttemptRow | None:
    """What makes way: no exit; and of two that are none the older, so that they do not chase each other."""
    order = known.order
    makes_way = (
        r.attempt
        for r in crossings(known, price)
        if not r.closes and (order.closes or r.attempt.order_id < order.order_id)
    )
    return next((a for a in makes_way if a.broker_order_id is not None and a.cancel_at is None), None)


def crossing_until(known: Known) -> datetime:
    """Until when it waits for them."""
    waiting = known.order.waiting
    begun = waiting is not None and waiting.what is WaitingFor.CROSSING
    return (waiting.since if waiting is not None and begun else known.now) + CROSSING_WAIT
