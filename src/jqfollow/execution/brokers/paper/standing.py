"""What follows from the day's orders: the sums, queues and rows that would else be worked out at each question."""

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from decimal import Decimal

from jqfollow.domain import AttemptState, OrderReport, Side
from jqfollow.execution.brokers.paper.order import PaperOrder

_ZERO = Decimal(0)

Queue = list[tuple[Decimal, int]]
"""Open orders of one side of a symbol, the first to trade first: (price as it ranks, number of the order)."""


@dataclass(slots=True, kw_only=True)
class Standing:
    """What follows from the day's orders, kept up change by change so that no question has to add it up."""

    frozen: Decimal = _ZERO
    """The money that open buys keep back, yuan."""
    selling: dict[str, int] = field(default_factory=dict)
    """The shares that open sells keep back, by symbol."""
    buying: dict[str, int] = field(default_factory=dict)
    """What open buys may still buy, by symbol."""
    queues: dict[str, dict[Side, Queue]] = field(default_factory=dict)
    """Open orders by symbol and side."""
    canceling: set[str] = field(default_factory=set)
    """Ids of open orders whose cancel was taken."""
    rows: dict[str, OrderReport] = field(default_factory=dict)
    """The broker's list: every order of the day, oldest first."""

    def put(self, before: PaperOrder | None, after: PaperOrder) -> OrderReport:
        """Takes what became of an order (`None`: it is new); its row in the list."""
        if before is not None and before.open:
            self._count(before, -1)
            if not after.open:
                self._leave(before)
        if after.open:
            self._count(after, 1)
            if before is None:
                queue = self.queues.setdefault(after.symbol, {}).setdefault(after.side, [])
                insort(queue, _rank(after))
            if after.state is AttemptState.PENDING_CANCEL:
                self.canceling.add(after.broker_order_id)
        self.rows[after.broker_order_id] = row = after.report()
        return row

    def queue(self, symbol: str, side: Side) -> Queue:
        """Open orders of one side, the first to trade first."""
        return self.queues.get(symbol, {}).get(side, [])

    def _count(self, order: PaperOrder, sign: int) -> None:
        left, symbol = sign * order.left, order.symbol
        if order.side is Side.BUY:
            self.frozen += sign * order.frozen
            self.buying[symbol] = self.buying.get(symbol, 0) + left
        else:
            self.selling[symbol] = self.selling.get(symbol, 0) + left

    def _leave(self, order: PaperOrder) -> None:
        self.canceling.discard(order.broker_order_id)
        sides = self.queues[order.symbol]
        queue = sides[order.side]
        del queue[bisect_left(queue, _rank(order))]
        if not queue:
            del sides[order.side]
        if not sides:
            del self.queues[order.symbol]
        counted = self.buying if order.side is Side.BUY else self.selling
        if not counted[order.symbol]:
            del counted[order.symbol]


def _rank(order: PaperOrder) -> tuple[Decimal, int]:
    """Better prices first, then older orders."""
    return (-order.price if order.side is Side.BUY else order.price), int(order.broker_order_id)
