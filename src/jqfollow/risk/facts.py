"""What the rules look at. Pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from jqfollow.domain import Asset, Instrument, Phase, Quote, Side
from jqfollow.market.securities import Security
from jqfollow.reasons import Refusal
from jqfollow.settings import NO_LIMITS, OwnLimits, RiskSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFacts:
    """What the account did today, and how fast it may go on."""

    attempts: int
    turnover: Decimal
    """Filled and under way, yuan."""
    of_strategy: int = 0
    """Attempts of the order's strategy alone, where it has a limit of its own."""
    turnover_of_strategy: Decimal = Decimal(0)
    """The same of the turnover."""
    turn_in_s: float
    """Seconds until `orders_per_second` lets the next order go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that is known when an attempt is to be placed; what could not be had is `None`."""

    now: datetime
    risk: RiskSettings
    own: OwnLimits = NO_LIMITS
    """What the strategy limits beside the account."""
    # the account
    account: str
    real: bool
    ready: bool
    not_ready_zh: str = ""
    not_ready_en: str = ""
    paused: str | None = None
    """What a person paused, in words; `None`: nothing."""
    # the day
    trading_day: bool
    phase: Phase
    join_auction: bool
    # the order
    attempt: int
    """1 for the first."""
    side: Side
    run: str
    backtest: bool
    backtest_allowed: bool
    made_at: datetime
    aged: datetime
    """`now`, as the deadline sees it."""
    deadline: datetime
    """Before which a first attempt goes out."""
    age_counts: bool
    """False when it was found fresh, and only the program's own queue kept it since."""
    waits_for_broker: bool = False
    """It became due while this run waited for its account."""
    session_at: datetime | None = None
    """When the session begins that it is held for; `None`: it is held for none."""
    named_by_person: bool
    signal_price: Decimal | None
    has_limit: bool
    symbol: str
    security: Security | None
    unknown_zh: str = ""
    unknown_en: str = ""
    # what goes before it
    unknown: str | None = None
    """The remark of an attempt of the same account, code and side whose outcome nobody knows."""
    closes: bool = False
    """The strategy's position is zero afterwards."""
    others_hold: bool = False
    """Other strategies hold the same security in the account."""
    opposite: bool = False
    """Buys of the book are being cancelled before it is sold out."""
    # the market
    instrument: Instrument | None = None
    quote: Quote | None = None
    feed_at: datetime | None = None
    """When the feed of quotes last ticked; `None`: not told."""
    market_price: Decimal | None = None
    stands_at: Decimal | None = None
    """The day's limit at which the market stands against the order."""
    # the volume and the price
    sizing: Refusal | None = None
    volume: int = 0
    price: Decimal | None = None
    broken_bound: Decimal | None = None
    # money
    order_value: Decimal | None = None
    """Of all parts of the order at `price`, yuan."""
    cost: Decimal | None = None
    """What `volume` needs, fees included, yuan."""
    payable: int = 0
    """How much of `volume` the money at hand pays, in lots."""
    within_capital: int | None = None
    """How much of `volume` the strategy's capital in the account allows, in lots; `None`: no limit."""
    invested: Decimal = Decimal(0)
    served: bool = False
    """It bought already what money paid, and none came since."""
    owed: int = 0
    """Of a sell: what was bought today and cannot be sold before the next day."""
    short_of_shares: bool = False
    """The broker lets less be sold than the books say."""
    lacked: int = 0
    """How often the counter refused it for want of money or shares."""
    money_until: datetime | None = None
    """Until then own fills and cancels may bring more money to light."""
    shares_until: datetime | None = None
    """The same of the code's shares."""
    crossing: str | None = None
    """The remark of a live attempt of the account that it would trade with."""
    crossing_until: datetime | None = None
    asset: Asset | None = None
    position_value: Decimal = Decimal(0)
    """Of the security in the account at the most, buys under way included, yuan."""
    position_least: Decimal = Decimal(0)
    """The same at the least: what was just filled may be counted as held and as under way."""
    total_late: Decimal = Decimal(0)
    """What of the account's total may not be shown yet, yuan: money is gone as soon as shares are bought with it."""
    position_until: datetime | None = None
    """When both are known for certain; `None`: now."""
    sells_under_way: bool = False
    cash_until: datetime | None = None
    """How long a buy waits for the money of sells that have ended."""
    day: DayFacts | None = None

    @property
    def before_session(self) -> bool:
        """Whether the session that it is held for is still to come."""
        return self.session_at is not None and self.now < self.session_at

    @property
    def to_place(self) -> int:
        """How much of `volume` goes out now."""
        if self.side is Side.SELL:
            return self.volume
        return min(self.volume, self.payable, self.volume if self.within_capital is None else self.within_capital)

    @property
    def over_ratio(self) -> bool:
        """Whether the position would be more than `max_position_ratio` of the account, at the most.

        Never more than the whole: no more is bought than money pays, whatever late figures add up to.
        """
        return self._over_ratio(self.position_value, Decimal(0))

    @property
    def ratio_unsure_until(self) -> datetime | None:
        """Until when it is not known whether a buy stays within `max_position_ratio`; `None`: it is known."""
        if self.side is Side.SELL or self.attempt > 1:
            return None
        unsure = self.over_ratio and not self._over_ratio(self.position_least, self.total_late)
        return self.position_until if unsure else None

    def _over_ratio(self, position: Decimal, more: Decimal) -> bool:
        if self.order_value is None or self.asset is None or self.risk.max_position_ratio >= 1:
            return False
        return position + self.order_value > self.risk.max_position_ratio * (self.asset.total + more)

    @property
    def is_exit(self) -> bool:
        """It closes a position: hours, an unknown outcome, the price guard and a full pause stop it, no limit."""
        return self.closes and self.side is Side.SELL
