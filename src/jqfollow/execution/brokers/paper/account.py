"""A practice account as it stands: money, holdings, the day's orders, and the market around them."""

from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal

from jqfollow.domain import FillReport, OrderReport, Phase, Side
from jqfollow.execution.brokers.paper.codes import find
from jqfollow.execution.brokers.paper.order import PaperOrder
from jqfollow.execution.brokers.paper.standing import Standing
from jqfollow.market.settlement import settles_same_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """The simulated market of one security."""

    day: date
    """The trading day of `prev_close`."""
    prev_close: Decimal
    last: Decimal
    """The anchor: what a strategy was filled at last, else made up."""
    open: Decimal | None = None
    """The day's first price; `None`: the previous close."""
    since: datetime | None = None
    """When the anchor was set; within the same book it does not move yet."""
    pinned: bool = False
    """Set by hand: stays exactly there for the day."""
    bid: Decimal | None = None
    ask: Decimal | None = None
    """Best levels of a pinned market; `None`: one tick away from `last`."""
    depth: int | None = None
    """Volume of each level; `None`: made up."""
    suspended: bool = False
    risk_warning: bool = False
    quoted: bool = True
    """Without it the exchange does not know the security."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Shares of one security."""

    volume: int
    bought_today: int
    cost: Decimal
    """Of all of them, fees of buying included, yuan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was taken of one book, by `taken_key`."""

    book_at: datetime
    volumes: dict[str, int]


@dataclass(slots=True, kw_only=True)
class Kept:
    """What an account's file keeps of it: money, holdings, today's orders and fills, and the market around them."""

    money: Decimal
    """All of it, the frozen part included, yuan."""
    day: date
    live: bool = True
    observed: bool = False
    number: int = 0
    """The last number given to an order or a fill."""
    orders: dict[str, PaperOrder] = field(default_factory=dict)
    fills: list[FillReport] = field(default_factory=list)
    holdings: dict[str, Holding] = field(default_factory=dict)
    markets: dict[str, Market] = field(default_factory=dict)
    taken: dict[str, Taken] = field(default_factory=dict)
    auctions: list[Phase] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class PaperAccount(Kept):
    """The account as it stands. Only `facts.apply` changes it."""

    standing: Standing = field(default_factory=Standing, init=False)

    @property
    def frozen(self) -> Decimal:
        """What open buys keep back, yuan."""
        return self.standing.frozen

    @property
    def cash(self) -> Decimal:
        """What can be spent now, yuan."""
        return self.money - self.standing.frozen

    def open_orders(self) -> list[PaperOrder]:
        """Oldest first."""
        queues = (queue for sides in self.standing.queues.values() for queue in sides.values())
        return [self.orders[str(number)] for number in sorted(number for queue in queues for _, number in queue)]

    def unsettled(self, symbol: str) -> int:
        """What of a holding cannot be sold today (T+1)."""
        held, security = self.holdings.get(symbol), find(symbol)
        return 0 if held is None or security is None or settles_same_day(security) else held.bought_today

    def available(self, symbol: str) -> int:
        """What can be sold of a holding now."""
        held = self.holdings.get(symbol)
        return 0 if held is None else held.volume - self.unsettled(symbol) - self.standing.selling.get(symbol, 0)

    def kept(self) -> Kept:
        """What the file keeps: the same dicts and lists, not copies."""
        return Kept(**{each.name: getattr(self, each.name) for each in fields(Kept)})

    def restore(self, kept: Kept) -> None:
        """Becomes what a file kept."""
        for each in fields(Kept):
            setattr(self, each.name, getattr(kept, each.name))
        self.standing = Standing()
        for order in self.orders.values():
            self.standing.put(None, order)

    def put(self, order: PaperOrder) -> OrderReport:
        """Takes a new order, or a new state of one; what the broker says of it."""
        before = self.orders.get(order.broker_order_id)
        self.orders[order.broker_order_id] = order
        return self.standing.put(before, order)


def taken_key(side: Side, level: Decimal) -> str:
    """The key in `Taken.volumes` of what an order of `side` takes; one text for one price, whatever its zeros."""
    return f"{side} {level.normalize():f}"
