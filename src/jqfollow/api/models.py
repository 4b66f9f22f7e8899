"""What the console takes and gives: money as text, times with their zone, codes with their sentences."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from jqfollow.domain import AttemptState, OrderState, Side, SignalKind, SignalState, WaitingFor, Wire
from jqfollow.reasons import Reason
from jqfollow.stages import Stage
from jqfollow.vocabulary import Outcome

Yuan = Annotated[Decimal, PlainSerializer(lambda value: format(value, "f"), return_type=str)]
"""Written out in full, as text: `"10.52"`."""
Item = TypeVar("Item")


class View(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


class Problem(View):
    """Every error."""

    status: Literal["error"] = "error"
    error: str = Field(description="代码 / code", examples=["refused"])
    detail: str = Field(description="中文 / English", examples=["没有这个订单 / there is no such order"])


def problem_for(description: str, *, defined: bool = False) -> dict[str, Any]:
    """An error in a document; one of each document's says the shape (`defined`), the others name it.

    A model for each status of each route would slow every start, its shape written out each time the page of the docs.
    """
    if defined:
        return {"description": description, "model": Problem}
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


class Alive(View):
    """The port answers."""

    status: Literal["ok"] = "ok"


class Page(View, Generic[Item]):
    """新的在前 / newest first."""

    items: list[Item]
    next_before_id: int | None = Field(None, description="下一页的 before_id / `before_id` of the next page")


class Why(View):
    """A code with its sentences; empty when there is nothing to explain."""

    reason: Reason | None = None
    why_zh: str = ""
    why_en: str = ""


class StrategyOrderView(View):
    """聚宽的订单 / what the strategy did in JoinQuant."""

    jq_order_id: str
    symbol: str
    side: Side
    amount: int
    filled: int
    price: Yuan | None
    limit: Yuan | None
    status: str
    position_side: str
    day: date
    position_after: int | None
    total_value: Yuan | None


class OrderView(Why):
    """一个账户因一个信号要做的事 / what one account shall do because of one signal."""

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
    avg_price: Yuan | None
    turnover: Yuan
    limit_price: Yuan | None
    state: OrderState
    open: bool
    unknown: bool = Field(description="有结果未知的委托，需要人工核对 / its outcome is unknown: settle it")
    waiting_for: WaitingFor | None
    wait_until: datetime | None
    cancel_reason: Reason | None
    created_at: datetime
    updated_at: datetime


class SignalView(Why):
    """策略的一条消息，和由它而来的订单 / one message of a strategy, and the orders made of it."""

    signal_id: int
    strategy: str
    wire: Wire
    message_id: str
    kind: SignalKind
    run: str
    made_at: datetime
    received_at: datetime
    state: SignalState
    outcome: Outcome = Field(description="已跟、部分、未跟、处理中 / what became of it")
    order: StrategyOrderView | None
    orders: list[OrderView]


class AttemptView(View):
    """一笔在券商端的委托 / one order as placed at the broker."""

    attempt_id: int
    order_id: int
    number: int
    account: str
    day: date
    security: str
    side: Side
    volume: int
    price: Yuan
    remark: str
    broker_order_id: str | None
    state: AttemptState
    filled: int
    message: str
    created_at: datetime
    updated_at: datetime
    cancel_at: datetime | None
    cancels: int
    ended_at: datetime | None


class FillView(View):
    """一笔成交 / one execution."""

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
    price: Yuan
    fee: Yuan
    filled_at: datetime


class VerdictView(View):
    """一条规则的结论 / what one rule said."""

    rule: str
    outcome: str
    zh: str = ""
    en: str = ""


class DecisionView(Why):
    """下单前的全部检查 / all rules' verdicts before an attempt."""

    decision_id: int
    order_id: int
    attempt: int
    made_at: datetime
    outcome: str
    verdicts: list[VerdictView]


class EventView(View):
    """订单历史的一步 / a step in an order's history."""

    event_id: int
    attempt_id: int | None
    at: datetime
    event: str
    before: str
    after: str
    detail: str


class StageView(View):
    """订单走到一步时距信号到达多久 / how long after its message's arrival a stage of an order was over."""

    stage: Stage
    after_ms: float


class OrderDetail(View):
    """订单的来龙去脉 / an order with its whole history."""

    order: OrderView
    signal: SignalView | None
    attempts: list[AttemptView]
    fills: list[FillView]
    decisions: list[DecisionView]
    events: list[EventView]
    stages: list[StageView]
    """空：没有测到，例如程序重启过 / empty: not measured, as after a restart."""


class BookView(View):
    """一个策略在一个账户里的持仓 / what one strategy holds in one account."""

    account: str
    strategy: str
    security: str
    volume: int
    cost: Yuan
    avg_cost: Yuan | None
    last: Yuan | None
    value: Yuan | None
    profit: Yuan | None
    carry_buy: Yuan
    carry_sell: Yuan


class BrokerPositionView(View):
    """账户里的持仓，来自最近一次快照 / what the account holds by its latest snapshot."""

    account: str
    security: str
    volume: int
    available: int
    avg_cost: Yuan
    last: Yuan | None
    booked: int = Field(description="其中属于各策略的 / how much of it the strategies' books hold")
    taken_at: datetime


class PositionsView(View):
    """策略账与券商账 / the strategies' books, and the brokers' accounts."""

    items: list[BookView]
    broker: list[BrokerPositionView]


class AssetView(View):
    """资金，元 / money, in yuan."""

    cash: Yuan
    frozen: Yuan
    market_value: Yuan
    total: Yuan
    taken_at: datetime


class AccountView(View):
    """一个账户 / one account."""

    account: str
    broker: str
    real: bool
    account_id: str = Field(description="只显示末四位 / its last four characters")
    ready: bool
    why_zh: str
    why_en: str
    paused: bool
    asset: AssetView | None
    day: date
    attempts: int
    cancels: int
    turnover: Yuan


class StrategyView(View):
    """一个策略 / one strategy."""

    strategy: str
    title: str
    wire: Wire
    backtest: str
    follow: dict[str, str] = Field(examples=[{"paper": "ratio 1.0"}])
    paused: bool


class PauseView(View):
    """一个暂停；空为全部 / what is paused; empty means all."""

    strategy: str
    account: str
    since: datetime
    buys: bool = Field(default=False, description="只停买入 / buys only")


class NoticeView(View):
    """需要人知道的事 / what people should know."""

    level: Literal["info", "warning", "error"]
    zh: str
    en: str


class PreviewView(View):
    """下单之前 / before an order is placed; null: not known now."""

    security: str
    name: str | None
    last: Decimal | None
    limit_up: Decimal | None
    limit_down: Decimal | None
    cash: Decimal | None
    total: Decimal | None


class UnknownView(View):
    """结果未知的委托 / an attempt whose outcome is unknown."""

    attempt: AttemptView
    order: OrderView


class RelayView(View):
    """与中继的连接 / the line to the relay."""

    connected: bool
    since: datetime
    waiting: int = Field(description="中继里还存着几条 / messages that the relay still holds for this PC")
    last_at: datetime | None = Field(description="上一条信号 / the last message")
    lag_s: float | None = Field(description="它在中继里停了几秒 / how long the relay had kept it")
    ahead_s: float = Field(description="中继时钟快几秒 / the relay's clock minus this PC's")


class StatusView(View):
    """现在的样子 / how things stand."""

    version: str
    now: datetime
    started_at: datetime
    paused: bool = Field(description="全部暂停 / everything is paused")
    accounts: list[AccountView]
    strategies: list[StrategyView]
    pauses: list[PauseView]
    open_orders: int
    unknown: list[UnknownView]
    outbox_pending: int
    notices: list[NoticeView]
    relay: RelayView | None = Field(description="没有加入中继时为空 / null: no relay was joined")


class ChangesView(View):
    """自上次以来的变化 / what has changed since."""

    at: str = Field(description="下次提问时带上 / to be sent with the next question")
    parts: list[str] = Field(
        description="变了的：signals orders books accounts messages pauses deeds names state / what has changed"
    )


class PausesView(View):
    """现有的暂停 / what is paused now."""

    pauses: list[PauseView]
