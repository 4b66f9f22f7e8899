"""What the heartbeat and the daily summary tell, collected from the ledger by others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from jqfollow.domain import AccountState, Side
from jqfollow.reasons import Reason
from jqfollow.vocabulary import NOTHING, Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownFact:
    """An attempt whose outcome nobody knows."""

    order_id: int
    account: str
    symbol: str
    name: str | None
    side: Side
    volume: int
    price: Decimal
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatFacts:
    """That the service lives, and what a person should see to before the day begins."""

    at: datetime
    version: str
    trading_day: bool
    accounts: tuple[AccountState, ...]
    strategies: int
    """How many are followed."""
    open_orders: int = 0
    unknown: tuple[UnknownFact, ...] = ()
    paused: tuple[str, ...] = ()
    """Each pause in words, such as `策略 demo · 全部账户`."""
    pending_outbox: int = 0
    """Messages not delivered yet, this one left out."""
    warnings: tuple[str, ...] = ()
    """The calendar's and others', in Chinese."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """One account's day."""

    account: str
    real: bool
    total: Decimal | None
    """Yuan; `None`: the broker did not tell today."""
    previous_total: Decimal | None = None
    """Of the last snapshot of an earlier day; `None`: there is none."""
    previous_day: date | None = None
    turnover: Decimal = Decimal(0)
    orders: Tally = NOTHING
    """Its orders of the day, and those that are still open."""
    unknown: int = 0
    missing: tuple[str, ...] | None = None
    """Securities of which the broker held less than the books after the close; `None`: nobody compared them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A security of which a strategy's book is not what the strategy holds, times the ratio."""

    account: str
    symbol: str
    name: str | None
    expected: int
    book: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyFacts:
    """One strategy's day."""

    strategy: str
    title: str
    signals: Tally = NOTHING
    """Of orders."""
    refused: Mapping[Reason, int] = field(default_factory=dict)
    """Why signals were not followed: each of them once, by the first of its reasons."""
    differences: tuple[Difference, ...] | None = None
    """`None`: not known what the strategy holds, or not followed by ratio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFacts:
    """What following cost on one day."""

    filled_share: Decimal | None
    """Of the wished value."""
    bps: Decimal | None
    """Shortfall, weighted by value."""
    yuan: Decimal
    unpriced: int
    """Orders that do not count in it: a price is not known."""
    missing: Decimal
    """What the books lack of their targets, yuan."""
    excess: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryFacts:
    """A day, after its close."""

    day: date
    accounts: tuple[AccountFacts, ...]
    strategies: tuple[StrategyFacts, ...]
    unknown: tuple[UnknownFact, ...] = ()
    pending_outbox: int = 0
    warnings: tuple[str, ...] = ()
    costs: CostFacts | None = None
    """`None`: nothing was ordered."""
