"""A practice account as it stands: money, holdings, the day's orders, and the market around them."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from jqfollow.domain import ATTEMPT_ENDED, AttemptState, FillReport, OrderReport, Phase, Side

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """The simulated market of one security."""

    day: date
    """The trading day of `prev_close`."""
    prev_close: Decimal
    last: Decimal
    """The anchor: what a signal or a person named last, else made up."""
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
class PaperOrder:
    """One order of the day."""

    broker_order_id: str
    remark: str
    symbol: str
    side: Side
    volume: int
    price: Decimal
    at: datetime
    state: AttemptState
    reserve: Decimal
    """The fee kept back for it at its placing, yuan."""
    filled: int = 0
    turnover: Decimal = _ZERO
    fee: Decimal = _ZERO
    message: str = ""

    @property
    def open(self) -> bool:
        """Whether it can still trade."""
        return self.state not in ATTEMPT_ENDED

    @property
    def left(self) -> int:
        """What is not filled."""
        return self.volume - self.filled

    @property
    def frozen(self) -> Decimal:
        """The money that it keeps back, yuan."""
        if not self.open or self.side is Side.SELL:
            return _ZERO
        return self.left * self.price + max(self.reserve - self.fee, _ZERO)

    def report(self) -> OrderReport:
        """What the broker says of it."""
        return OrderReport(
            broker_order_id=self.broker_order_id,
            remark=self.remark,
            symbol=self.symbol,
            side=self.side,
            volume=self.volume,
            price=self.price,
            state=self.state,
            filled=self.filled,
            at=self.at,
            message=self.message,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was taken of one book, by `taken_key`."""

    book_at: datetime
    volumes: dict[str, int]


@dataclass(slots=True, kw_only=True)
class PaperAccount:
    """What stands: money, holdings, today's orders and fills, and the market around them."""

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

    @property
    def frozen(self) -> Decimal:
        """What open buys keep back, yuan."""
        return sum((order.frozen for order in self.orders.values()), _ZERO)

    @property
    def cash(self) -> Decimal:
        """What can be spent now, yuan."""
        return self.money - self.frozen

    def open_orders(self) -> list[PaperOrder]:
        """Oldest first."""
        return [order for order in self.orders.values() if order.open]

    def frozen_shares(self, symbol: str) -> int:
        """What open sells keep back."""
        return sum(o.left for o in self.orders.values() if o.open and o.side is Side.SELL and o.symbol == symbol)


def taken_key(side: Side, level: Decimal) -> str:
    """The key in `Taken.volumes` of what an order of `side` takes; one text for one price, whatever its zeros."""
    return f"{side} {level.normalize():f}"
