"""What is known of an order when it is to be brought forward: the first value of a step. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from jqfollow.domain import MANUAL_RUN, RUNS_BY_PERSON, Asset, AttemptState, Instrument, Phase, Quote, WaitingFor
from jqfollow.execution.papers import Papers
from jqfollow.execution.refusals import RefusalKind, classify
from jqfollow.ledger.rows import AttemptRow, OrderRow
from jqfollow.settings import ExecutionSettings, OwnLimits, RiskSettings
from jqfollow.wire.messages import LIVE_RUN


def lacked_means(attempt: AttemptRow) -> bool:
    """Whether the counter refused the attempt for want of money or shares."""
    return attempt.state is AttemptState.REJECTED and classify(attempt.message) is RefusalKind.FUNDS


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """What is known of an account at one moment."""

    name: str
    real: bool
    ready: bool
    why_zh: str
    why_en: str
    """Why it is not ready."""
    trading_day: date
    open_day: date
    """The first exchange day that is not over."""
    is_trading_day: bool
    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What the broker says of one order's code, and of what those before it in the round leave."""

    quote: Quote | None
    instrument: Instrument | None
    feed_at: datetime | None
    """When the feed of quotes last ticked; `None`: not told."""
    asset: Asset
    """`cash` is what is left of it."""
    held: int
    available: int
    """What can be sold now, over all books."""
    buying: Decimal
    """Of buys of the code that the round placed already, yuan."""
    investing: Decimal
    """Of the strategy's buys that the round placed already, yuan."""
    money_until: datetime | None
    """Until then own fills and cancels may bring more money to light."""
    shares_until: datetime | None
    """The same of the code's shares."""
    attempts: int
    of_strategy: int
    """Attempts of the order's strategy."""
    turnover: Decimal
    """Placed in the round already."""
    turnover_of_strategy: Decimal
    """The same of the order's strategy alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that is known of one order."""

    papers: Papers
    account: AccountFacts
    now: datetime
    aged: datetime
    """`now`, as the deadline sees it: no step of the clock makes a signal fresher."""
    seen: datetime
    """When this run of the program looked at it first."""
    admitted: bool
    """It was found fresh, and only the program's own queue kept it since."""
    turn_in_s: float
    """Seconds until `orders_per_second` lets another order go."""
    execution: ExecutionSettings
    risk: RiskSettings
    own: OwnLimits
    """What its strategy limits beside the account."""
    followed: bool
    """Its strategy stands in the configuration."""
    backtest_allowed: bool
    market: Market | None = None
    why: str = ""
    """Why there is no market, when the broker was asked."""

    @property
    def order(self) -> OrderRow:
        """The order."""
        return self.papers.order

    @property
    def manual(self) -> bool:
        """Whether a person placed it."""
        return self.order.terms.run == MANUAL_RUN

    @property
    def backtest(self) -> bool:
        """Whether it is of the past."""
        return self.order.terms.run not in {LIVE_RUN, *RUNS_BY_PERSON}

    @property
    def stood(self) -> int:
        """How many attempts stood in the market."""
        return sum(a.broker_order_id is not None and a.state is not AttemptState.REJECTED for a in self.papers.attempts)

    @property
    def lacked(self) -> int:
        """How often the counter refused the order for want of money or shares."""
        return sum(lacked_means(a) for a in self.papers.attempts)

    @property
    def waits_for_broker(self) -> bool:
        """Whether the broker's absence, seen by this run, is what ages it; what aged while no program ran is stale."""
        return self.order.waiting_for is WaitingFor.BROKER and self.seen <= self.deadline

    @property
    def deadline(self) -> datetime:
        """Before which a first attempt goes out; moved by what a rule chose to wait for until now."""
        waiting = self.order.waiting
        return waiting.deadline_after(self.order.deadline, self.now) if waiting else self.order.deadline
