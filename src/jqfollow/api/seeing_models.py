"""What the console shows of days, results, names, messages, the log, and of what people did."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic import Field

from jqfollow.api.models import View, Yuan
from jqfollow.domain import Side
from jqfollow.ledger.deeds import What


class SpanView(View):
    """一段日子的业绩，元 / what some days brought, in yuan."""

    result: Yuan = Field(description="已实现加浮动变化 / realised, plus the change of what is floating")
    realised: Yuan
    fees: Yuan
    invested: Yuan = Field(description="其间最多投入 / the most that was invested")
    ratio: Decimal | None = Field(description="result / invested")
    drawdown: Yuan = Field(description="最大回撤 / the deepest fall of the running result")


class CurvePoint(View):
    """曲线上的一天 / a day of a curve."""

    day: date
    value: Yuan


class StandingView(View):
    """一个策略在一个账户的业绩 / how a strategy stands in an account."""

    account: str
    strategy: str
    last: date
    floating: Yuan
    day: SpanView
    week: SpanView
    all: SpanView
    curve: list[CurvePoint] = Field(description="每日累计业绩 / the running result, day by day")


class AccountCurve(View):
    """账户每日总资产 / an account's total, day by day."""

    account: str
    curve: list[CurvePoint]


class ResultsView(View):
    """业绩 / results."""

    standings: list[StandingView]
    accounts: list[AccountCurve]


class CostView(View):
    """执行差，元，正数是成本；四项相加即 total / shortfall in yuan, + is cost; its four parts add up to `total`."""

    total: Yuan
    delay: Yuan = Field(description="策略价到信号到达时的价 / from the strategy's price to the one at the arrival")
    trading: Yuan = Field(description="到达价到均价 / from there to the average paid")
    opportunity: Yuan = Field(description="没成交的部分到收盘 / of what was not filled, to the close")
    fees: Yuan
    bps: Decimal | None = Field(description="占策略价金额的万分之几 / of the value at the strategy's price")


class BookCostView(View):
    """一个策略在一个账户的执行差 / the shortfall of a strategy in an account."""

    strategy: str = Field(description="合计为空 / empty: of all")
    account: str
    orders: int
    unpriced: int = Field(description="不知道到达价或收盘价的 / whose prices are not known; not in the sums")
    filled_share: Decimal | None = Field(description="成交比例，按金额 / filled share, by value")
    cost: CostView
    median_bps: Decimal | None
    p90_bps: Decimal | None


class OrderCostView(View):
    """一笔订单的执行差 / the shortfall of one order."""

    order_id: int
    strategy: str
    account: str
    security: str
    side: Side
    day: date
    received_at: datetime
    wished: int
    filled: int
    decision: Yuan | None = Field(description="策略价 / the strategy's price")
    arrival: Yuan | None = Field(description="信号到达时的价 / the price at the arrival")
    paid: Yuan | None = Field(description="均价 / average")
    close: Yuan | None
    cost: CostView | None = Field(description="空：缺价 / empty: a price is not known")


class ShortfallView(View):
    """一段日子的执行差 / the shortfall of some days."""

    first: date
    last: date
    all: BookCostView
    books: list[BookCostView]
    orders: list[OrderCostView] = Field(description="最贵的在前，最多 limit 笔 / costliest first")


class DayView(View):
    """有委托或成交的一天 / a day with orders or fills."""

    day: date
    orders: int
    fills: int


class DaysView(View):
    """日历 / the calendar."""

    first: date | None = Field(description="最早的一天 / the oldest day with an order")
    days: list[DayView]


class DeedView(View):
    """人做的一件事 / what a person did."""

    deed_id: int
    at: datetime
    who: str
    what: What
    strategy: str
    account: str
    detail: str


class MessageView(View):
    """一条通知 / a notification."""

    outbox_id: int
    created_at: datetime
    kind: str
    text: str
    state: str = Field(description="pending sent failed dropped")
    tries: int


class LogLineView(View):
    """日志的一行 / a line of the log."""

    at: str
    level: str
    event: str
    logger: str
    fields: dict[str, Any]
    exception: str


class HeldView(View):
    """要清的一个持仓 / a book that would be sold out."""

    account: str
    strategy: str
    security: str
    volume: int
    buying: int = Field(description="在途买入：先撤，成交的也卖 / open buys: cancelled; what they bring is sold, too")
    later: int = Field(description="今天买入、今天不能卖的 / bought today: not to be sold before the next day")
    under_way: bool
    followed: bool


class OutlookView(View):
    """清仓会做什么 / what closing out would do."""

    accounts: list[str]
    confirm: str = Field(description="确认时要输入的文字 / what is typed to confirm")
    held: list[HeldView]
    to_cancel: int
    opens_at: dict[str, datetime | None] = Field(description="现在休市的账户何时可卖 / closed accounts: when they open")
    down: dict[str, str] = Field(description="现在不能交易的账户 / accounts that cannot trade now")


class CanceledView(View):
    """撤了几笔 / how many are to end."""

    canceled: int
