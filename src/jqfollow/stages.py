"""How long each stage of an order took, from the message's arrival to the first fill.

Measured on the way, in memory; kept in the ledger together, once a second (`Stages.changed`), so that no order waits
for it. An order that had to wait is measured from the look at which it went out.
"""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from jqfollow.clock import Clock

Row = TypeVar("Row")

_MOST = 4096
"""So many signals, and so many orders, are followed in memory; of older ones what is known by then is kept."""
BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Stage(StrEnum):
    """What is over at a moment; in the order of an order's way."""

    RECEIVED = "received"
    """The request's head stands."""
    OPENED = "opened"
    """It is whole, authentic and fresh."""
    COMMITTED = "committed"
    """Signal and order are on the disk."""
    ACKNOWLEDGED = "acknowledged"
    """The answer was handed to the system."""
    KNOWN = "known"
    """A round has read what the ledger says of the order."""
    SIZED = "sized"
    """The broker's money, positions and quotes are there, and the volume is worked out."""
    JUDGED = "judged"
    """Price and rules are through."""
    INTENDED = "intended"
    """The intent is on the disk."""
    CALLED = "called"
    """The broker's placing call begins, on its thread."""
    ANSWERED = "answered"
    """It has ended."""
    FILLED = "filled"
    """The first fill is on the disk."""


BEFORE = {
    Stage.OPENED: Stage.RECEIVED,
    Stage.COMMITTED: Stage.OPENED,
    Stage.ACKNOWLEDGED: Stage.COMMITTED,
    Stage.KNOWN: Stage.COMMITTED,  # the receipt is given beside it
    Stage.SIZED: Stage.KNOWN,
    Stage.JUDGED: Stage.SIZED,
    Stage.INTENDED: Stage.JUDGED,
    Stage.CALLED: Stage.INTENDED,
    Stage.ANSWERED: Stage.CALLED,
    Stage.FILLED: Stage.CALLED,
}
"""From which moment a stage's own time counts."""
_OF_SIGNAL = frozenset({Stage.RECEIVED, Stage.OPENED, Stage.COMMITTED, Stage.ACKNOWLEDGED})


@dataclass(slots=True)
class Histogram:
    """How often a stage took how long."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    """By bucket of `BUCKETS_S`, each for itself; the last is beyond them all."""
    sum_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Counts one."""
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStages:
    """One order's way."""

    order_id: int
    received_at: datetime
    after_us: Mapping[Stage, int]
    """Microseconds from its arrival to the end of each stage that is over."""


@dataclass(slots=True, eq=False)
class Trace:
    """One message on its way in."""

    at: datetime
    moments: dict[Stage, float]
    """On the monotonic clock."""
    histograms: Mapping[Stage, Histogram]
    clock: Clock

    def mark(self, stage: Stage) -> None:
        """`stage` is over now."""
        _mark(self.moments, stage, self.clock.monotonic(), self.histograms)


@dataclass(slots=True, eq=False)
class _Order:
    trace: Trace
    moments: dict[Stage, float] = field(default_factory=dict)
    waited: bool = False


class Stages:
    """All orders under way; used on the event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._signals: OrderedDict[int, Trace] = OrderedDict()
        self._orders: OrderedDict[int, _Order] = OrderedDict()
        self._changed: set[int] = set()
        self.histograms: dict[Stage, Histogram] = {stage: Histogram() for stage in BEFORE}
        """Since the start."""

    def received(self) -> Trace:
        """A message arrives."""
        moments = {Stage.RECEIVED: self._clock.monotonic()}
        return Trace(self._clock.now(), moments, self.histograms, self._clock)

    def recorded(self, signal_id: int, trace: Trace) -> None:
        """The message is that signal, and on the disk."""
        trace.mark(Stage.COMMITTED)
        _put(self._signals, signal_id, trace)

    def known(self, order_id: int, signal_id: int) -> None:
        """An order is looked at that was not placed yet; of a signal of an earlier run nothing is measured."""
        order, trace = self._orders.get(order_id), self._signals.get(signal_id)
        if order is None and trace is not None:
            order = _Order(trace)
            gone = _put(self._orders, order_id, order)
            self._changed.discard(gone)
        if order is not None and Stage.INTENDED not in order.moments:
            order.moments.clear()  # what it waited for meanwhile is no stage's time
            self.mark(order_id, Stage.KNOWN)

    def waits(self, order_id: int) -> None:
        """It does not go out now: the time until its next look counts for nothing."""
        order = self._orders.get(order_id)
        if order is not None and Stage.INTENDED not in order.moments:
            order.waited = True

    def mark(self, order_id: int, stage: Stage, at: float | None = None) -> None:
        """`stage` of the order is over, now or at a moment of the monotonic clock; the first time counts."""
        order = self._orders.get(order_id)
        if order is None or stage in order.moments:
            return
        before = order.trace.moments if BEFORE[stage] in _OF_SIGNAL and not order.waited else order.moments
        began = before.get(BEFORE[stage])
        order.moments[stage] = now = self._clock.monotonic() if at is None else at
        if began is not None:
            self.histograms[stage].add(max(now - began, 0.0))
        self._changed.add(order_id)

    def changed(self) -> Sequence[OrderStages]:
        """What was handed over and has come further since the last call, to be kept."""
        found = []
        for order_id in sorted(self._changed):
            order = self._orders.get(order_id)
            if order is None or Stage.CALLED not in order.moments:
                continue
            self._changed.discard(order_id)
            zero = order.trace.moments[Stage.RECEIVED]
            moments = order.trace.moments | order.moments
            after = {stage: max(round((moments[stage] - zero) * 1e6), 0) for stage in BEFORE if stage in moments}
            found.append(OrderStages(order_id=order_id, received_at=order.trace.at, after_us=after))
        return found


def _mark(moments: dict[Stage, float], stage: Stage, now: float, histograms: Mapping[Stage, Histogram]) -> None:
    began = moments.get(BEFORE[stage])
    moments[stage] = now
    if began is not None:
        histograms[stage].add(max(now - began, 0.0))


def _put(rows: OrderedDict[int, Row], key: int, row: Row) -> int:
    """Puts the row; the key of the oldest, which gave way, or 0."""
    rows[key] = row
    return rows.popitem(last=False)[0] if len(rows) > _MOST else 0
