"""What the console says and takes about drift, repairs and books."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from jqfollow.accounting.plan import Hindrance, Word
from jqfollow.api.models import VerdictView, View
from jqfollow.domain import Side
from jqfollow.drift.causes import Cause
from jqfollow.ledger.rows import BookingKind
from jqfollow.reasons import Reason

_STRICT = ConfigDict(extra="forbid")
Name = Annotated[str, Field(min_length=1, max_length=64)]
Code = Annotated[str, Field(min_length=1, max_length=32, description="000001.XSHE, 000001.SZ, …")]
Shares = Annotated[int, Field(strict=True, ge=0, le=10**10)]
Who = Annotated[str, Field(min_length=1, max_length=64, description="谁改的 / who does it")]
Why = Annotated[str, Field(min_length=1, max_length=400, description="为什么 / why")]


class CauseView(View):
    """偏差的一部分（正数：少于目标） / a part of a drift; what is missing is positive."""

    cause: Cause
    zh: str
    shares: Decimal
    signal_id: int | None
    order_id: int | None
    reason: Reason | None
    why_zh: str
    why_en: str
    day: date | None


class DriftView(View):
    """一个策略账与目标 / a book beside its target."""

    account: str
    strategy: str
    security: str
    target: Decimal | None
    book: int
    missing: int
    working: Decimal
    drift: Decimal | None
    yuan: Decimal | None
    before: Decimal
    reported_at: datetime | None
    causes: list[CauseView]


class ReportView(View):
    """策略最新的完整持仓报告 / a strategy's newest whole report of its positions."""

    strategy: str
    made_at: datetime | None
    age_minutes: int | None
    order_since: bool
    """报告之后又有订单 / an order message is newer than it."""


class PlanIn(BaseModel):
    """要看的计划 / which plan to look at."""

    model_config = _STRICT | ConfigDict(json_schema_extra={"examples": [{"strategy": "demo"}]})

    strategy: Name
    account: Name | None = None
    security: Code | None = None
    words: list[Word] = Field(default=[], max_length=2, description="人已确认的 / what a person has decided")


class RepairIn(BaseModel):
    """确认看过的计划 / the plan that was looked at."""

    model_config = _STRICT

    strategy: Name
    plan: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    who: Who = "console"


class ItemView(View):
    """计划里的一笔 / an order of the plan."""

    account: str
    security: str
    side: Side
    volume: int
    price: Decimal
    yuan: Decimal
    drift: Decimal | None
    off_book: int
    outcome: str
    """`place`, `wait`, `refuse`, `end`; empty: not known."""
    zh: str
    en: str
    verdicts: list[VerdictView]
    """每条规则的结论 / every rule's verdict, as things stand."""


class KeptView(View):
    """不处理的偏差 / a drift that the plan leaves."""

    account: str
    security: str
    shares: Decimal | None
    why: Hindrance
    zh: str
    en: str
    words: list[Word]
    day: date | None
    off_book: int


class MoneyView(View):
    """一个账户的钱 / the money of one account, by the plan."""

    account: str
    cash: Decimal
    sells_bring: Decimal
    buys_need: Decimal


class PlanView(View):
    """计划，一分钟内有效 / a plan, good for a minute."""

    strategy: str
    plan: str
    made_at: datetime
    good_until: datetime
    reported_at: datetime | None
    items: list[ItemView]
    kept: list[KeptView]
    money: list[MoneyView]


class BookSetIn(BaseModel):
    """账本里写成多少股 / what the book holds from now on."""

    model_config = _STRICT

    account: Name
    strategy: Name
    security: Code
    shares: Shares
    who: Who
    why: Why


class BookAdoptIn(BaseModel):
    """把账户里不属于任何策略的股认领 / shares that no book holds; without a security, what the strategy lacks."""

    model_config = _STRICT

    account: Name
    strategy: Name
    security: Code | None = None
    shares: Shares = 0
    who: Who
    why: Why


class BookMoveIn(BaseModel):
    """从一个策略移到另一个 / from one strategy's book to another's."""

    model_config = _STRICT

    account: Name
    security: Code
    giver: Name
    taker: Name
    shares: Annotated[int, Field(strict=True, ge=1, le=10**10)]
    who: Who
    why: Why


class BookUndoIn(BaseModel):
    """撤销一次改账 / takes an act back."""

    model_config = _STRICT

    act: Annotated[int, Field(strict=True, ge=1, le=2**63 - 1)]
    who: Who
    why: Why


class BookingView(View):
    """一次改账的一笔 / one change of one book."""

    booking_id: int
    act: int
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


class ActView(View):
    """一次改账 / what was done at once."""

    act: int
    undone: bool
    bookings: list[BookingView]
