"""The ledger's rows as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from jqfollow.domain import (
    CLOSE_RUN,
    AttemptState,
    FollowMode,
    News,
    OrderKey,
    OrderState,
    Side,
    SignalKind,
    SignalState,
    StrategyOrder,
    Waiting,
    WaitingFor,
    Wire,
)
from jqfollow.reasons import Reason, Refusal

_NO_NEWS = News()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSignal:
    """A message on its way into the ledger."""

    strategy: str
    wire: Wire
    message_id: str
    kind: SignalKind
    run: str
    text: str
    made_at: datetime
    received_at: datetime
    order: StrategyOrder | None = None
    """Of kind `order` exactly."""
    news: News = _NO_NEWS
    """What it tells besides; not kept apart from its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRow:
    """A message in the ledger."""

    signal_id: int
    strategy: str
    wire: Wire
    message_id: str
    kind: SignalKind
    run: str
    text: str
    made_at: datetime
    received_at: datetime
    order: StrategyOrder | None
    state: SignalState
    reason: Reason | None
    figures: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an order keeps from its arrival on, whatever the configuration says later; shared by all its parts."""

    amount: int
    """The strategy's own; of a manual order, the volume."""
    run: str
    """JoinQuant's run type, or `manual`."""
    mode: FollowMode | None
    """`None`: of an older ledger, which did not keep it."""
    figure: Decimal | None
    made_at: datetime
    total_value: Decimal | None = None
    """Of the strategy, yuan; `None`: not told."""
    held_before: int | None = None
    """What the strategy held of the security before this order; `None`: not known."""
    reference: Decimal | None = None
    """The price that the guard measures from, yuan: the strategy's own."""
    account_number: str = ""
    """Whose books it belongs to; empty: of a practice account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order on its way into the ledger, in state `pending_new`."""

    signal_id: int
    account: str
    strategy: str
    part: int = 1
    day: date
    security: str
    side: Side
    terms: Terms
    deadline: datetime
    limit_price: Decimal | None
    closes: bool = False
    """The strategy's position is zero afterwards: the whole book is to be sold."""
    volume: int = 0
    sized: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """What one account shall do because of one signal."""

    order_id: int
    signal_id: int
    account: str
    strategy: str
    part: int
    day: date
    security: str
    side: Side
    sized: bool
    volume: int
    filled: int
    turnover: Decimal
    terms: Terms
    deadline: datetime
    """A first attempt goes out before this; what a rule or a person chooses to wait for moves it."""
    limit_price: Decimal | None
    closes: bool
    state: OrderState
    waiting: Waiting | None
    cancel_reason: Reason | None
    reason: Reason | None
    figures: Mapping[str, str]
    created_at: datetime
    updated_at: datetime

    @property
    def waiting_for(self) -> WaitingFor | None:
        """What it waits for."""
        return self.waiting.what if self.waiting else None

    @property
    def wait_until(self) -> datetime | None:
        """When it is looked at again whatever happened."""
        return self.waiting.until if self.waiting else None

    @property
    def book(self) -> tuple[str, str]:
        """Strategy and security: whose position it changes."""
        return self.strategy, self.security

    @property
    def avg_price(self) -> Decimal | None:
        """Average fill price in yuan; `None` before the first fill."""
        return self.turnover / self.filled if self.filled else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttempt:
    """An attempt on its way into the ledger, in state `pending_new`."""

    order_id: int
    number: int
    account: str
    day: date
    security: str
    side: Side
    volume: int
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One order as placed at the broker."""

    attempt_id: int
    order_id: int
    number: int
    account: str
    day: date
    security: str
    side: Side
    volume: int
    price: Decimal
    remark: str
    broker_order_id: str | None
    state: AttemptState
    reported: int
    filled: int
    message: str
    created_at: datetime
    updated_at: datetime
    cancel_at: datetime | None
    cancels: int
    ended_at: datetime | None

    @property
    def key(self) -> OrderKey | None:
        """What the broker's order is named by; `None`: it has told no id."""
        if self.broker_order_id is None:
            return None
        return OrderKey(account=self.account, day=self.day, broker_order_id=self.broker_order_id)

    @property
    def done(self) -> int:
        """How much of it is filled by the greater of both accounts that a broker gives; never too little."""
        return max(self.reported, self.filled)


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRow:
    """One execution."""

    fill_id: int
    attempt_id: int
    account: str
    strategy: str
    day: date
    broker_order_id: str
    traded_id: str
    security: str
    side: Side
    volume: int
    price: Decimal
    fee: Decimal
    filled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRow:
    """The position that one strategy holds in one account, and what rounding left over."""

    account: str
    strategy: str
    security: str
    volume: int = 0
    cost: Decimal = Decimal(0)
    carry_buy: Decimal = Decimal(0)
    carry_sell: Decimal = Decimal(0)
    carry_since: int = 0
    """The signal of the close after which it is carried; 0: of none."""

    def carry(self, since: int) -> tuple[Decimal, Decimal]:
        """What is carried to buys and to sells that come after the close of signal `since` and before the next one.

        Orders may be judged in another order than they came in: what was left before an earlier close, or after a later
        one, is not theirs.
        """
        return (self.carry_buy, self.carry_sell) if self.carry_since == since else (Decimal(0), Decimal(0))


class BookingKind(StrEnum):
    """Why a book changed without a fill."""

    SET = "set"
    """A person said what it holds."""
    MOVE = "move"
    """From one strategy's book to another's."""
    ADOPT = "adopt"
    """Shares that the account held and no book."""
    HAND = "hand"
    """Somebody sold them at the broker."""
    SPLIT = "split"
    """A corporate action."""
    DIVIDEND = "dividend"
    """Yuan that came of the shares held: what they cost is less by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBooking:
    """A change of a book that is no fill, on its way into the ledger."""

    account: str
    strategy: str
    security: str
    kind: BookingKind
    shares: int
    """Added to the book."""
    cost: Decimal = Decimal(0)
    """Added to what it cost, yuan."""
    carry_buy: Decimal = Decimal(0)
    """Added to what rounding left over for the next buy."""
    carry_sell: Decimal = Decimal(0)
    who: str
    why: str
    undoes: int | None = None
    """The booking that it takes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingRow:
    """A change of a book that is no fill."""

    booking_id: int
    act: int
    """What was done at once shares it."""
    at: datetime
    account: str
    strategy: str
    security: str
    kind: BookingKind
    shares: int
    cost: Decimal
    carry_buy: Decimal
    carry_sell: Decimal
    who: str
    why: str
    undoes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """Why an attempt was or was not placed."""

    decision_id: int
    order_id: int
    attempt: int
    made_at: datetime
    outcome: str
    """`place`, `wait` or `refuse`."""
    reason: Reason | None
    verdicts: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """A step in an order's history."""

    event_id: int
    order_id: int
    attempt_id: int | None
    at: datetime
    event: str
    before: str
    after: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """What people are to be told."""

    outbox_id: int
    created_at: datetime
    kind: str
    text: str
    state: str
    """`pending`, `sent`, `failed` (given up), `dropped` (nobody to tell)."""
    tries: int
    next_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRow:
    """What is paused; `''` means all."""

    strategy: str
    account: str
    since: datetime
    buys: bool = False
    """Buys only: what is held can still be sold."""

    def covers(self, strategy: str, account: str, side: Side | None = None) -> bool:
        """Whether it stops orders of `side` of `strategy` on `account`."""
        of_side = not self.buys or side is Side.BUY
        return of_side and self.strategy in {"", strategy} and self.account in {"", account}

    def stops(self, order: OrderRow) -> bool:
        """Whether it stops `order`: not what a person began to close out since everything was paused."""
        begun_since = order.terms.run == CLOSE_RUN and self.since <= order.terms.made_at
        return not begun_since and self.covers(order.strategy, order.account, order.side)

    @property
    def scope_zh(self) -> str:
        """What it covers, for people."""
        only = "（只停买入）" if self.buys else ""
        return f"{self.strategy or '全部策略'} · {self.account or '全部账户'}{only}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a message that was handed to the ledger."""

    signal_id: int
    duplicate: bool
    """The same id with the same text stood there before."""
    refusal: Refusal | None = None
    """Why it is not followed; `None`: it is, or nobody knows yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCounts:
    """What one account did on one day."""

    attempts: int = 0
    cancels: int = 0
    turnover: Decimal = Decimal(0)
    """Filled, plus what the open orders' live attempts may still fill, in yuan."""
