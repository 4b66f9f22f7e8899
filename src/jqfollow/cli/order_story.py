"""Everything about one order, and its story in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from jqfollow.cli.base import lang, words
from jqfollow.clock import SHANGHAI
from jqfollow.domain import FollowMode
from jqfollow.ledger.rows import AttemptRow, DecisionRow, EventRow, FillRow, OrderRow, SignalRow
from jqfollow.ledger.tx import Tx
from jqfollow.notify.figures import price
from jqfollow.settings import Settings
from jqfollow.stages import BEFORE, OrderStages, Stage
from jqfollow.story import attempt_line, decision_line, fill_line, money, order_line, signal_line, volume, whose
from jqfollow.vocabulary import MODES, Pair, name, say

_STAGES: dict[Stage, Pair] = {
    Stage.RECEIVED: ("收到请求", "received"),
    Stage.OPENED: ("解密验证", "opened and proved"),
    Stage.COMMITTED: ("信号落盘", "on the disk"),
    Stage.ACKNOWLEDGED: ("答复聚宽", "acknowledged"),
    Stage.KNOWN: ("读账本", "ledger looked up"),
    Stage.SIZED: ("行情、资金、数量", "quotes, money, volume"),
    Stage.JUDGED: ("定价与风控", "priced and judged"),
    Stage.INTENDED: ("意图落盘", "intent on the disk"),
    Stage.CALLED: ("交给券商", "handed to the broker"),
    Stage.ANSWERED: ("券商答复", "broker answered"),
    Stage.FILLED: ("首笔成交", "first fill"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStory:
    """One order with all that belongs to it."""

    order: OrderRow
    attempts: list[AttemptRow]
    fills: list[FillRow]
    decisions: list[DecisionRow]
    events: list[EventRow]
    stages: OrderStages | None
    """`None`: not measured."""
    siblings: list[int]
    """All orders of its signal."""
    signal: SignalRow | None
    names: Mapping[str, str]
    """Of securities."""


def order_story(tx: Tx, order_id: int) -> OrderStory | None:
    """The story of an order; `None` when there is no such order."""
    order = tx.orders.get(order_id)
    if order is None:
        return None
    return OrderStory(
        order=order,
        attempts=tx.attempts.of_order(order_id),
        fills=tx.fills.of_order(order_id),
        decisions=tx.decisions.of_order(order_id),
        events=tx.events.of_order(order_id),
        stages=tx.latencies.of_order(order_id),
        signal=tx.signals.get(order.signal_id),
        names=tx.security_names.all(),
        siblings=[row.order_id for row in tx.orders.of_signal(order.signal_id)],
    )


def signal_told(settings: Settings, signal: SignalRow, names: Mapping[str, str]) -> str:
    """What came, in a sentence."""
    title = settings.strategies[signal.strategy].title if signal.strategy in settings.strategies else ""
    named = names.get(signal.order.symbol) if signal.order else None
    return signal_line(signal, title=title, named=named, lang=lang())


def story_lines(settings: Settings, story: OrderStory) -> list[str]:
    """What came, what was known, what happened and how long it took, a line each."""
    order, language = story.order, lang()
    title = settings.strategies[order.strategy].title if order.strategy in settings.strategies else ""
    head = whose(order, title=title, named=story.names.get(order.security), lang=language)
    lines = [head, f"  {words('结局', 'end')}  {order_line(order, language)}"]
    if story.fills:
        fees = sum((fill.fee for fill in story.fills), Decimal(0))
        what = f"{money(order.turnover, language)}{words('，费用 ', ', fees ')}{money(fees, language)}"
        lines.append(f"  {words('金额', 'value')}  {what}")
    lines += ["", words("来的是什么", "What came"), *_came(settings, story)]
    lines += ["", words("当时知道什么", "What was known"), *_known(story)]
    lines += ["", words("经过", "What happened"), *_happened(story)]
    if story.stages is not None and story.stages.after_us:
        lines += ["", words("每一步用时", "How long each step took"), *_spent(story.stages)]
    return [*lines, ""]


def _came(settings: Settings, story: OrderStory) -> list[str]:
    signal = story.signal
    if signal is None:
        return [words("  信号已不在账本里", "  the signal stands in the ledger no more")]
    after_s = (signal.received_at - signal.made_at).total_seconds()
    made, came = _clock(signal.made_at), _clock(signal.received_at)
    lines = [
        f"  {signal_told(settings, signal, story.names)}",
        words(
            f"  聚宽 {made} 产生，本机 {came} 收到（{after_s:.2f} 秒后），消息 {signal.message_id}",
            f"  made at {made}, received at {came} ({after_s:.2f} s later), message {signal.message_id}",
        ),
    ]
    if signal.order is not None:
        told = signal.order
        holds = "-" if told.position_after is None else f"{told.position_after:,}"
        lines.append(
            words(
                f"  聚宽订单 {told.jq_order_id}；聚宽在它之后持有 {holds}",
                f"  JoinQuant order {told.jq_order_id}; JoinQuant holds {holds} after it",
            )
        )
    if len(story.siblings) > 1:
        others = ", ".join(f"#{number}" for number in story.siblings if number != story.order.order_id)
        lines.append(words(f"  同一信号还有订单 {others}", f"  other orders of the same signal: {others}"))
    return lines


def _known(story: OrderStory) -> list[str]:
    order, terms, language = story.order, story.order.terms, lang()
    how = "-" if terms.mode is None else f"{name(MODES, terms.mode, language)} {terms.figure}"
    rest = "" if terms.mode is not FollowMode.RATIO else words("，余数结转", ", the remainder is carried on")
    sized = volume(order.volume, order.security, language) if order.sized else words("没有算出数量", "not sized")
    lines = [
        words(
            f"  跟单方式 {how}{rest}；聚宽数量 {terms.amount:,} → 这里 {sized}",
            f"  followed by {how}{rest}; {terms.amount:,} there → {sized} here",
        )
    ]
    if terms.reference is not None:
        lines.append(words(f"  参考价 {price(terms.reference)}", f"  reference price {price(terms.reference)}"))
    if order.limit_price is not None:
        lines.append(words(f"  限价 {price(order.limit_price)}", f"  limit {price(order.limit_price)}"))
    if order.closes:
        lines.append(words("  这是清仓：整本卖出", "  it closes the position: the whole book is sold"))
    lines.append(
        words(
            f"  最晚 {_clock(order.deadline)} 前要下第一笔",
            f"  the first attempt had to go out by {_clock(order.deadline)}",
        )
    )
    return lines


def _happened(story: OrderStory) -> list[str]:
    language, order = lang(), story.order
    attempts = {attempt.attempt_id: attempt for attempt in story.attempts}
    placed = {event.attempt_id: event.at for event in story.events if event.event == "accepted"}
    told: list[tuple[datetime, int, int, str]] = []
    for n, decision in enumerate(story.decisions):
        head = words(f"规则 第 {decision.attempt} 次：", f"rules, no. {decision.attempt}: ")
        told.append((decision.made_at, 0, n, head + decision_line(decision, language)))
    for n, event in enumerate(story.events):
        if event.attempt_id is not None:
            text = attempt_line(event, attempts[event.attempt_id], order, language)
        elif event.after in {"new", "partially_filled"}:
            text = None
        else:
            text = words("订单结束：", "the order ends: ") + order_line(order, language)
        if text is not None:
            told.append((event.at, 1 if event.attempt_id is not None else 3, n, text))
    for n, fill in enumerate(story.fills):
        at = max(fill.filled_at, placed.get(fill.attempt_id, fill.filled_at))
        number = words(f"，成交编号 {fill.traded_id}", f", trade {fill.traded_id}")
        told.append((at, 2, n, fill_line(fill, language) + number))
    return [f"  {_clock(at)}  {text}" for at, _, _, text in sorted(told)] or [words("  还没有", "  nothing yet")]


def _spent(stages: OrderStages) -> list[str]:
    after = stages.after_us
    return [
        f"  {at / 1000:>10,.2f} ms  (+{(at - after.get(BEFORE[stage], 0)) / 1000:,.2f})  {say(_STAGES[stage], lang())}"
        if stage in BEFORE
        else f"  {at / 1000:>10,.2f} ms  {say(_STAGES[stage], lang())}"
        for stage, at in after.items()
    ]


def _clock(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%m-%d %H:%M:%S.%f}"[:-3]
