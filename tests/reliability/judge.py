"""What must hold after a kill: the ledger beside the broker's own record, read in another process than the killed one.

`Broken` is what may never be, not for a moment. What `differences` gives must be over within 30 seconds of a start.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from jqfollow.domain import ATTEMPT_ENDED, ORDER_OPEN, AttemptState, OrderState, Side
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow, BookRow, FillRow, OrderRow, SignalRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason

from .strategies import Sent

Record = dict[str, Any]
"""See `terminal.control.record_of`."""
MANY = 100_000
STANDS = frozenset({AttemptState.NEW, AttemptState.PARTIALLY_FILLED})


class Broken(AssertionError):  # noqa: N818  # a verdict
    """Something was lost, doubled, or more than was wished."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """All that the ledger says, at one moment."""

    signals: Sequence[SignalRow]
    orders: Sequence[OrderRow]
    attempts: Sequence[AttemptRow]
    fills: Sequence[FillRow]
    books: Sequence[BookRow]
    told: str
    """Every message to people."""

    @classmethod
    def read(cls, path: Path) -> "Story":
        """From a ledger that another process writes.

        Raises:
            LedgerError: it cannot be read now.
        """
        ledger = Ledger.open(path, read_only=True)
        try:
            return ledger.read_now(cls.of)
        finally:
            ledger.close_now()

    @classmethod
    def of(cls, tx: Tx) -> "Story":
        orders = tx.orders.list(limit=MANY)
        attempts = [a for mine in tx.attempts.of_orders([o.order_id for o in orders]).values() for a in mine]
        return cls(
            signals=tx.signals.list(limit=MANY),
            orders=orders,
            attempts=attempts,
            fills=tx.fills.list(limit=MANY),
            books=tx.books.list(),
            told="\n".join(row.text for row in tx.outbox.list(MANY)),
        )

    @property
    def unknown(self) -> list[AttemptRow]:
        return [attempt for attempt in self.attempts if attempt.state is AttemptState.UNKNOWN]


def refuse_broken(record: Record, story: Story, wished: Sequence[Sent]) -> None:
    """What may never be: a remark twice, more than an order's volume, more than was wished, what was taken in lost.

    Raises:
        Broken: it is.
    """
    there = {signal.signal_id for signal in story.signals}
    for one in wished:
        if len(one.numbers) > 1 or not one.numbers <= there:
            raise Broken(f"acknowledged, and lost or another's: {one}")
    remarks = Counter(order["remark"] for order in record["orders"])
    if twice := [remark for remark, times in remarks.items() if times > 1]:
        raise Broken(f"placed twice: {twice}")
    by_remark = {attempt.remark: attempt for attempt in story.attempts}
    volumes = {order.order_id: order.volume for order in story.orders}
    _refuse_more_than_wished(record, wished)
    at_broker: Counter[int] = Counter()
    for order in record["orders"]:
        attempt = by_remark.get(order["remark"])
        if attempt is None:
            raise Broken(f"at the broker, and never written down before: {order}")
        told = (attempt.security, attempt.side, attempt.volume, attempt.price)
        if told != (order["symbol"], order["side"], order["volume"], Decimal(order["price"])):
            raise Broken(f"another order than was written down: {attempt} {order}")
        alive = order["state"] not in ATTEMPT_ENDED
        at_broker[attempt.order_id] += order["volume"] if alive else order["filled"]
    for order_id, volume in at_broker.items():
        if volume > volumes[order_id]:
            raise Broken(f"order {order_id} of {volumes[order_id]} is {volume} at the broker")


def _refuse_more_than_wished(record: Record, wished: Sequence[Sent]) -> None:
    left: Counter[tuple[str, str]] = Counter()
    for one in wished:
        left[one.symbol, one.side] += one.amount
    for fill in record["fills"]:
        left[fill["symbol"], str(fill["side"])] -= fill["volume"]
    if more := {key: -volume for key, volume in left.items() if volume < 0}:
        raise Broken(f"more traded than was wished: {more}")


def differences(record: Record, story: Story, acknowledged: Iterable[Sent]) -> list[str]:
    """What is lost, is in no known state, or is told otherwise than by the broker's record."""
    signals = {signal.signal_id: signal for signal in story.signals}
    orders: dict[int, list[OrderRow]] = {}
    for order in story.orders:
        orders.setdefault(order.signal_id, []).append(order)
    found: list[str] = []
    for one in acknowledged:
        signal = signals.get(one.signal_id or 0)
        if signal is not None and not orders.get(signal.signal_id) and signal.reason is None:
            found.append(f"not followed, without a reason: {signal}")
    live = {a.order_id: a for a in story.attempts if a.state not in ATTEMPT_ENDED}
    for order in story.orders:
        found += _in_no_known_state(order, live.get(order.order_id), story.told)
    return [*found, *_told_otherwise(record, story)]


def _in_no_known_state(order: OrderRow, live: AttemptRow | None, told: str) -> list[str]:
    if order.state not in ORDER_OPEN:
        return [f"ended, and lives: {order} {live}"] if live is not None else []
    if live is None:
        return [] if order.waiting is not None else [f"neither ended nor waiting for anything: {order}"]
    if live.state is AttemptState.UNKNOWN:
        return [] if live.remark in told else [f"unknown, and nobody was told: {live}"]
    return [] if live.state in STANDS else [f"under way: {live}"]


def _told_otherwise(record: Record, story: Story) -> list[str]:
    found: list[str] = []
    rows = {order["remark"]: order for order in record["orders"]}
    traded_ids = Counter(fill.traded_id for fill in story.fills)
    found += [f"fill written twice: {one}" for one, times in traded_ids.items() if times > 1]
    for attempt in story.attempts:
        if attempt.state is AttemptState.UNKNOWN:
            continue
        row = rows.get(attempt.remark)
        if row is None:
            if attempt.state is not AttemptState.REJECTED:
                found.append(f"in the ledger only: {attempt}")
        elif (attempt.broker_order_id, attempt.state, attempt.filled) != (row["id"], row["state"], row["filled"]):
            told = row["state"] == "rejected" and attempt.state is AttemptState.REJECTED
            found += [] if told else [f"ledger {attempt}, broker {row}"]
    known = {attempt.remark for attempt in story.attempts if attempt.state is not AttemptState.UNKNOWN}
    ids = {order["id"]: order["remark"] for order in record["orders"]}
    mine = Counter({(f.traded_id, f.security, f.volume, f.price): 1 for f in story.fills})
    real = Counter(
        (f["traded_id"], f["symbol"], f["volume"], Decimal(f["price"]))
        for f in record["fills"]
        if ids[f["order_id"]] in known
    )
    found += [f"fills differ: {mine - real} {real - mine}"] if mine != real else []
    net: Counter[str] = Counter()
    for fill in story.fills:
        net[fill.security] += fill.volume if fill.side == "buy" else -fill.volume
    for book in story.books:
        net[book.security] -= book.volume
    return found + [f"books differ by {off} {symbol}" for symbol, off in net.items() if off]


_WISHED_ENDS = frozenset({Reason.CANCELED_BY_USER, Reason.CANCELED_BY_STRATEGY})


def unfilled(story: Story, settled: Iterable[int]) -> list[OrderRow]:
    """Orders that ended otherwise than filled although nobody wished it; `settled`: those a person had to settle.

    What somebody ended before it was bought cannot be sold, and what was sold out is not there to be sold once more. A
    buy that was not yet placed when its strategy left the position is not placed any more.
    """
    told = set(settled)
    ended = [o for o in story.orders if o.state not in ORDER_OPEN and o.state is not OrderState.FILLED]
    gone = {order.book for order in ended if order.side is Side.BUY}
    gone |= {order.book for order in story.orders if order.closes and order.state is OrderState.FILLED}
    exits = [(order.book, order.order_id) for order in story.orders if order.closes]
    return [
        order
        for order in ended
        if order.reason not in _WISHED_ENDS
        and order.order_id not in told
        and not (order.reason is Reason.NOTHING_TO_SELL and order.book in gone)
        and not (order.reason is Reason.CLOSED_OUT and any(b == order.book and n > order.order_id for b, n in exits))
    ]
