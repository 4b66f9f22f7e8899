"""How orders are priced and what limits them: the defaults, and what an account or a strategy sets over them.

What wins where several layers speak stands in `layers`.
"""

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from jqfollow.domain import Board
from jqfollow.settings.values import Limit, Money, Seconds, Section, Share


class PriceMode(StrEnum):
    """`execution.price`."""

    LATEST = "latest"
    OWN = "own"
    PEER = "peer"
    SIGNAL = "signal"


def _codes(blocked: frozenset[str]) -> frozenset[str]:
    wrong = sorted(code for code in blocked if not re.fullmatch(r"\d{6}\.[A-Za-z]{2,4}", code))
    if wrong:
        shown = ", ".join(map(repr, wrong))
        raise ValueError(f"{shown} 不是 000001.XSHE 或 000001.SZ 这样的代码 / is not such a code as these")
    return blocked


Price = Annotated[PriceMode, Field(strict=False)]
Ticks = Annotated[int, Field(ge=0, le=1000)]
Attempts = Annotated[int, Field(ge=1, le=50)]
ForceAfter = Annotated[int, Field(ge=1, le=51)]
CashWait = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
AtLimit = Literal["reject", "queue"]
OutsideHours = Literal["reject", "hold"]
Orders = Annotated[int, Field(ge=1, le=10_000)]
Cancels = Annotated[int, Field(ge=0, le=10_000)]
PerSecond = Annotated[int, Field(ge=1, le=50)]
Boards = Annotated[frozenset[Annotated[Board, Field(strict=False)]], Field(strict=False)]
Codes = Annotated[frozenset[str], Field(strict=False), AfterValidator(_codes)]


class ExecutionSettings(Section):
    """`[execution]`: the default of every strategy."""

    price: Price = PriceMode.LATEST
    slippage_ticks: Ticks = 0
    cancel_after_s: Seconds = 30
    max_attempts: Attempts = 5
    force_after: ForceAfter = 3
    join_auction: bool = False
    cash_wait_s: CashWait = 60


class StrategyExecution(Section):
    """`[strategies.NAME.execution]`: over `[execution]`; what is `None` is as there."""

    price: Price | None = None
    slippage_ticks: Ticks | None = None
    cancel_after_s: Seconds | None = None
    max_attempts: Attempts | None = None
    force_after: ForceAfter | None = None
    join_auction: bool | None = None
    cash_wait_s: CashWait | None = None


class RiskSettings(Section):
    """`[risk]`: the default of every account and strategy."""

    max_signal_age_s: Seconds = 60
    max_price_drift: Share = Decimal("0.03")
    at_limit: AtLimit = "reject"
    outside_hours: OutsideHours = "reject"
    max_order_value: Limit = Decimal(500_000)
    max_position_ratio: Share = Decimal(1)
    max_daily_orders: Orders = 500
    max_daily_turnover: Money = Decimal(0)
    max_cancels_per_day: Cancels = 400
    max_daily_loss: Money = Decimal(0)
    orders_per_second: PerSecond = 20
    boards: Boards = frozenset(Board)
    blocked: Codes = frozenset()


class _OwnRisk(Section):
    """What accounts and strategies alike may set over `[risk]`; `None`: nothing of their own."""

    max_signal_age_s: Seconds | None = None
    max_price_drift: Share | None = None
    at_limit: AtLimit | None = None
    outside_hours: OutsideHours | None = None
    max_order_value: Limit | None = None
    max_position_ratio: Share | None = None
    max_daily_orders: Orders | None = None
    """Of an account: its attempts of a day; of a strategy: its attempts in each account."""
    max_daily_turnover: Money | None = None
    """Counted like `max_daily_orders`; 0: no limit."""
    boards: Boards | None = None
    blocked: Codes | None = None


class AccountRisk(_OwnRisk):
    """`[accounts.NAME.risk]`: also what can only be counted over a whole account."""

    max_cancels_per_day: Cancels | None = None
    max_daily_loss: Money | None = None
    orders_per_second: PerSecond | None = None


class StrategyRisk(_OwnRisk):
    """`[strategies.NAME.risk]`: also how much the strategy may have invested."""

    capital: Limit | None = None
    """Most that it may have invested in each account, at cost, yuan."""
