"""Facts under which everything passes."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from jqfollow.clock import SHANGHAI
from jqfollow.domain import Asset, Instrument, Level, Phase, Quote, Side
from jqfollow.market.securities import parse_security
from jqfollow.risk.facts import DayFacts, Facts
from jqfollow.settings import RiskSettings

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=SHANGHAI)
SYMBOL = "000001.SZ"
D = Decimal

QUOTE = Quote(
    symbol=SYMBOL,
    at=NOW,
    last=D("10.00"),
    prev_close=D(10),
    bids=(Level(price=D("9.99"), volume=500),),
    asks=(Level(price=D("10.01"), volume=500),),
)
INSTRUMENT = Instrument(
    symbol=SYMBOL, name="平安银行", prev_close=D(10), limit_up=D("11.00"), limit_down=D("9.00"), tick=D("0.01")
)
ASSET = Asset(cash=D(50_000), frozen=D(0), market_value=D(50_000), total=D(100_000))
DAY = DayFacts(attempts=3, turnover=D(20_000), turn_in_s=0)
FINE = Facts(
    now=NOW,
    risk=RiskSettings(),
    account="main",
    real=True,
    ready=True,
    trading_day=True,
    phase=Phase.CONTINUOUS,
    join_auction=False,
    attempt=1,
    side=Side.BUY,
    run="sim_trade",
    backtest=False,
    backtest_allowed=True,
    made_at=NOW,
    aged=NOW,
    deadline=NOW + timedelta(seconds=60),
    age_counts=True,
    named_by_person=False,
    signal_price=D("10.02"),
    has_limit=False,
    symbol=SYMBOL,
    security=parse_security(SYMBOL),
    instrument=INSTRUMENT,
    quote=QUOTE,
    market_price=D("10.00"),
    volume=1000,
    price=D("10.00"),
    order_value=D(10_000),
    cost=D(10_005),
    payable=1000,
    asset=ASSET,
    day=DAY,
)


def risk(**changes: Any) -> RiskSettings:
    return RiskSettings(**changes)


def facts(**changes: Any) -> Facts:
    """The fine facts, changed; aged and deadline follow from `now`, `made_at` and the limit."""
    changed = replace(FINE, **changes)
    most = timedelta(seconds=changed.risk.max_signal_age_s)
    follow = {"aged": changed.now, "deadline": changed.made_at + most}
    return replace(changed, **(follow | changes))
