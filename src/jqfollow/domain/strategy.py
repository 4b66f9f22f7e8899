"""What strategies tell, whatever the wire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from jqfollow.domain.states import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which message of which JoinQuant process it is."""

    process: str
    seq: int
    """From 1 in each process, without a gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEnd:
    """JoinQuant ended an order that was told before."""

    jq_order_id: str
    day: date | None
    """Of the order; `None`: not told."""
    filled: int
    """What of it was filled there in the end."""
    status: str
    """`canceled` or `rejected`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderProgress:
    """More of an order told before is filled there than was told; nothing ends because of it."""

    jq_order_id: str
    day: date | None
    filled: int
    whole: bool
    """Filled wholly: from now on it counts as filled; else the rest still rests there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostMessage:
    """A message that the client gave up: nothing could be made of it any more."""

    process: str | None
    """`None`: the process that tells of it."""
    seq: int
    jq_order_id: str | None
    what: str
    """For people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyHolding:
    """What a strategy has of one security in JoinQuant, sub-portfolios added up."""

    held: int
    """Its own shares, those locked by resting sells included."""
    closeable: int
    locked: int = 0
    """Of `held`, by resting sells."""
    resting_buy: int = 0
    """What is not filled of its open buys; untriggered stops are left out."""
    resting_sell: int = 0
    avg_cost: Decimal | None = None
    price: Decimal | None = None

    @property
    def expected(self) -> int:
        """What it will be when everything that rests is filled."""
        return max(self.held + self.resting_buy - self.resting_sell, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class UntoldOrder:
    """An order in JoinQuant's own list of which the client never told."""

    jq_order_id: str
    symbol: str
    side: Side
    amount: int
    filled: int
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingsPart:
    """One part of a report of all that a strategy holds; it counts when all parts of `report` are there."""

    report: str | None
    """Shared by the parts; `None`: an older client, whose parts cannot be told from those of another report."""
    part: int
    parts: int
    day: date | None
    when: str | None
    """`open` (before the open) or `close`; `None`: an older client, after the close."""
    cash: Decimal | None
    total_value: Decimal | None
    holdings: Mapping[str, StrategyHolding]
    """By QMT symbol, or the text as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a message tells besides its order."""

    origin: Origin | None = None
    """`None`: an older client."""
    ends: Sequence[OrderEnd] = ()
    progress: Sequence[OrderProgress] = ()
    lost: Sequence[LostMessage] = ()
    report: HoldingsPart | None = None
    holdings: Mapping[str, StrategyHolding] = field(default_factory=dict)
    """How some securities stand now, by symbol."""
    untold: Sequence[UntoldOrder] = ()
    missing: Sequence[str] = ()
    """Orders that were told and that JoinQuant's own list has not."""
    unreached: Sequence[str] = ()
    """What holds an order function that the client cannot reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyOrder:
    """A JoinQuant order as a signal tells it."""

    jq_order_id: str
    symbol: str
    """QMT symbol, or the text as it came when it names nothing that can be traded."""
    side: Side
    amount: int
    filled: int
    price: Decimal | None
    """The strategy's average fill price; `None` when nothing was filled."""
    limit: Decimal | None
    """The limit of an order still open in JoinQuant."""
    status: str
    """`new open filled canceled rejected held pending_cancel`, without `OrderStatus.`."""
    position_side: str
    """`long` or `short`."""
    day: date
    """The day of the order in JoinQuant; in a backtest, the past."""
    position_after: int | None
    """The strategy's position as the signal tells it; `None`: not told."""
    total_value: Decimal | None
    """The strategy's total value, yuan; `None`: not told."""
    refuse: str | None = None
    """Why the sender says that it must not be followed: a code of `reasons`, or one that is not known here."""
    style: str | None = None
    """`market limit stop_market stop_limit`, or a class of JoinQuant's that the client does not know."""
    stop: Decimal | None = None
    """The price that triggers a stop."""
    found: bool = False
    """Found in JoinQuant's list of orders, not seen as it was placed."""
    pindex: int = 0
    """The sub-portfolio."""
    holding: StrategyHolding | None = None
    """What the strategy has of the security as the message is made, held and resting apart; `None`: not told."""
