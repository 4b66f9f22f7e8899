"""The words everyone uses: values without behaviour of their own, pure, frozen.

Money and price are `Decimal` (yuan), volumes are `int` (shares, fund units, or 张 of bonds), times are aware.
Securities are named by their QMT symbol, `000001.SZ`, everywhere inside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Literal


class JqfollowError(Exception):
    """Root of everything that jqfollow raises on purpose.

    JqfollowError
    ├── settings.ConfigError          the configuration cannot be used
    ├── market.UnknownSecurityError   no such code, or nothing that can be traded here
    ├── market.CalendarError          a day that the trading calendar does not cover
    ├── wire.WireError                a message that is not of the right shape, or not authentic
    ├── ledger.LedgerError            the ledger cannot be written or read
    │   └── ledger.LedgerDamagedError     … and its file is damaged
    ├── ManualOrderError              what a person asked for cannot be done
    └── BrokerError                   a broker did not do what was asked
        ├── BrokerDownError               not connected: certainly nothing was done
        └── BrokerTimeoutError            no answer in time: what was asked may still happen
    """


class BrokerError(JqfollowError):
    """A broker did not do what was asked; for a placing call the outcome is unknown."""


class BrokerDownError(BrokerError):
    """Not connected, or not asked: certainly nothing was done."""


class BrokerTimeoutError(BrokerError):
    """No answer in time: what was asked may still happen."""


class Side(StrEnum):
    """FIX Side."""

    BUY = "buy"
    SELL = "sell"


class Board(StrEnum):
    """The boards of `risk.boards`."""

    MAIN = "main"
    CHINEXT = "chinext"
    STAR = "star"
    BSE = "bse"
    FUND = "fund"
    BOND = "bond"


class Wire(StrEnum):
    """How a signal came."""

    JQF1 = "jqf1"
    SEED = "seed"
    MANUAL = "manual"
    REPAIR = "repair"
    """Closes a drift, or sells books out, at a person's word."""


MANUAL_RUN = "manual"
"""The run type of what a person orders; a message that tells it is a backtest's."""


REPAIR_RUN = "repair"
"""The run type of what closes a drift at a person's word; a message that tells it is a backtest's."""


CLOSE_RUN = "close"
"""The run type of what sells a whole book at a person's word; a message that tells it is a backtest's."""


RUNS_BY_PERSON = frozenset({MANUAL_RUN, REPAIR_RUN, CLOSE_RUN})


class SignalKind(StrEnum):
    """What a message is about."""

    ORDER = "order"
    POSITIONS = "positions"
    HELLO = "hello"
    NOTICE = "notice"
    """What no order message could take along: ends, losses, differences."""


class SignalState(StrEnum):
    """How far a signal came."""

    RECEIVED = "received"
    """In the ledger, not yet turned into orders."""
    FOLLOWED = "followed"
    """Orders were made of it."""
    RECORDED = "recorded"
    """Nothing is to be done about it; `reason` says why when it was an order."""


class OrderState(StrEnum):
    """FIX OrdStatus of what one account shall do because of one signal."""

    PENDING_NEW = "pending_new"
    """Nothing of it is or was at the broker yet; `waiting_for` says what it waits for."""
    NEW = "new"
    """Being worked, nothing filled."""
    PARTIALLY_FILLED = "partially_filled"
    """Being worked, something filled."""
    FILLED = "filled"
    CANCELED = "canceled"
    """Ended before all was filled: by a person, or after the last attempt."""
    REJECTED = "rejected"
    """Refused with a reason, nothing filled."""
    EXPIRED = "expired"
    """The trading day ended first."""


ORDER_OPEN = frozenset({OrderState.PENDING_NEW, OrderState.NEW, OrderState.PARTIALLY_FILLED})


class AttemptState(StrEnum):
    """FIX OrdStatus of one order as placed at the broker, and `unknown`."""

    PENDING_NEW = "pending_new"
    """On disk, about to be handed to the broker."""
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    PENDING_CANCEL = "pending_cancel"
    CANCELED = "canceled"
    REJECTED = "rejected"
    """The broker proved that it does not hold it, and nothing was filled."""
    UNKNOWN = "unknown"
    """Handed to the broker, and no answer came."""


ATTEMPT_ENDED = frozenset({AttemptState.FILLED, AttemptState.CANCELED, AttemptState.REJECTED})
ATTEMPT_LIVE = frozenset(AttemptState) - ATTEMPT_ENDED


class FollowMode(StrEnum):
    """How a strategy's order is scaled for an account."""

    RATIO = "ratio"
    VALUE = "value"
    SHARES = "shares"
    EQUITY = "equity"


class WaitingFor(StrEnum):
    """Why an order is not at the broker now."""

    SESSION = "session"
    """The next continuous session of the day."""
    CASH = "cash"
    """Sells under way, to pay for a buy."""
    UNKNOWN = "unknown"
    """An attempt of the same account, code and side whose outcome nobody knows."""
    OPPOSITE = "opposite"
    """Orders of the same book that are being ended before it is sold."""
    ODD_LOT = "odd_lot"
    """What is left of a book is no lot while other strategies hold the same code: they sell first."""
    BROKER = "broker"
    """The broker's connection, or a passing refusal."""
    SETTLE = "settle"
    """Money or shares that an own fill or cancel just moved: the counter shows them late."""
    FEED = "feed"
    """Quotes of today, and a feed that runs."""
    HALT = "halt"
    """The end of a halt."""
    CROSSING = "crossing"
    """The end of an order of the same account that it would trade with."""
    NEXT_DAY = "next_day"
    """The next trading day."""
    PAUSE = "pause"
    """The end of a person's pause; of exits only."""


BY_RULE = frozenset(WaitingFor) - {WaitingFor.BROKER}
"""What a person or a rule chose to wait for: meanwhile no signal grows stale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What an order waits for; a value of its own, that no other change of the order touches."""

    what: WaitingFor
    since: datetime
    until: datetime | None = None
    """When it is looked at whatever happened; `None`: when what it waits for comes."""

    def deadline_after(self, deadline: datetime, now: datetime) -> datetime:
        """The order's deadline when the waiting ends `now`: moved by what a rule or a person chose to wait."""
        return deadline + max(now - self.since, timedelta(0)) if self.what in BY_RULE else deadline


class Phase(StrEnum):
    """Phases of the exchange day (market-rules: The trading day)."""

    CLOSED = "closed"
    OPENING_AUCTION = "opening_auction"
    """9:15-9:20: orders and cancels."""
    OPENING_AUCTION_LOCKED = "opening_auction_locked"
    """9:20-9:25: orders, no cancels."""
    PRE_OPEN = "pre_open"
    """9:25-9:30: the broker holds orders."""
    CONTINUOUS = "continuous"
    LUNCH = "lunch"
    CLOSING_AUCTION = "closing_auction"
    """14:57-15:00: orders, no cancels."""
    AFTER_HOURS = "after_hours"
    """15:05-15:30: fixed price trading, which jqfollow does not use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of an order book."""

    price: Decimal
    volume: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A snapshot of one security's market; best levels first, empty levels left out."""

    symbol: str
    at: datetime
    last: Decimal | None
    """`None` before the first trade of the day and while suspended."""
    prev_close: Decimal
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    open: Decimal | None = None
    """The day's first price; `None`: before it, or when the source does not tell."""
    suspended: bool = False
    phase: Phase | None = None
    """What the exchange itself says; `None` when the source does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What the broker, or the table of rules, says of one security today."""

    symbol: str
    name: str
    prev_close: Decimal
    """The ex-rights reference of today's limits."""
    limit_up: Decimal | None
    """`None`: no limit today."""
    limit_down: Decimal | None
    tick: Decimal
    risk_warning: bool = False
    """ST, *ST or in its delisting period."""
    suspended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What one account holds of one security."""

    symbol: str
    volume: int
    available: int
    """How much of it the broker lets be sold now (T+1, frozen shares left out)."""
    avg_cost: Decimal
    last: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """An account's money, in yuan."""

    cash: Decimal
    """What can be spent now."""
    frozen: Decimal
    market_value: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRequest:
    """One attempt as it is handed to a broker: always a limit order."""

    attempt_id: int
    remark: str
    """At most 24 ASCII characters, unique to the attempt; comes back with orders and fills."""
    symbol: str
    side: Side
    volume: int
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderKey:
    """What names an order of a broker: its ids are not known to be unique over days."""

    account: str
    day: date
    """The exchange day of the order."""
    broker_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The broker took it and named it."""

    broker_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The broker proved that it did not take it; `message` in its own words."""

    message: str
    broker_order_id: str = ""
    """The name under which its list shows what it refused; '': it told none."""


Placed = Accepted | Refused
"""A placing call that is neither raises `BrokerError`: then the outcome is unknown, unless `BrokerDownError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """What the broker says of one order: a push, or a row of its list."""

    broker_order_id: str
    remark: str
    symbol: str
    side: Side
    volume: int
    price: Decimal
    state: AttemptState
    """Never `UNKNOWN` nor `PENDING_NEW`: a broker's own vague states are read as `NEW`."""
    filled: int
    at: datetime
    """When the broker took it."""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillReport:
    """One execution that the broker reports; may come twice and before its order."""

    traded_id: str
    broker_order_id: str
    remark: str
    symbol: str
    side: Side
    volume: int
    price: Decimal
    at: datetime
    fee: Decimal = Decimal(0)
    """Commission, duty and transfer fee, in yuan; 0 when the broker does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceFailed:
    """A push: the broker refused an order after all."""

    broker_order_id: str
    remark: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelFailed:
    """A push: the broker refused to cancel."""

    broker_order_id: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected:
    """The broker's connection was lost."""

    message: str


BrokerEvent = OrderReport | FillReport | PlaceFailed | CancelFailed | Disconnected


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """Whether an account can trade now, for people and for the answer to `hello`."""

    account: str
    broker: str
    real: bool
    ready: bool
    why_zh: str = ""
    """Why it is not ready."""
    why_en: str = ""


class ManualOrderError(JqfollowError):
    """What a person asked for in the console cannot be done; `zh` and `en` say why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.zh = zh
        self.en = en


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualOrder:
    """An order that a person places in the console."""

    strategy: str
    account: str
    security: str
    """Any accepted spelling: `000001.XSHE`, `000001.SZ`."""
    side: Side
    volume: int
    price: Decimal | None
    """A limit, never to be passed; `None`: priced like a signal."""
    confirm: str | None
    """On a real account, its account id."""
    key: str | None = None
    """Two orders with the same key are one, over a restart, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a person should see before an order is placed; `None`: not known now."""

    security: str
    name: str | None
    last: Decimal | None
    limit_up: Decimal | None
    limit_down: Decimal | None
    cash: Decimal | None
    total: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a person found at the broker about an attempt whose outcome is unknown."""

    outcome: Literal["not_placed", "placed", "ended"]
    """The broker does not hold it; holds it as `broker_order_id`; or it is over with `filled` at `price`."""
    broker_order_id: str | None = None
    filled: int = 0
    price: Decimal | None = None
    """Average of what was filled, yuan."""
