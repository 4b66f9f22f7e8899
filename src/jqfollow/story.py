"""What happened to a signal and its orders, a sentence each, in Chinese or English; pure.

The window of `serve`, its log and `jqfollow explain` tell it in these words.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from jqfollow.domain import AttemptState, OrderState, SignalKind, SignalState
from jqfollow.ledger.rows import AttemptRow, DecisionRow, EventRow, FillRow, OrderRow, SignalRow
from jqfollow.market.securities import UnknownSecurityError, parse_security
from jqfollow.notify.figures import price, security
from jqfollow.notify.texts import cut, one_line
from jqfollow.reasons import Reason, Refusal
from jqfollow.vocabulary import (
    ATTEMPT_STATES,
    EVENTS,
    KINDS,
    OUTCOMES,
    RUNS,
    SIDES,
    UNITS,
    WAITING,
    Lang,
    Outcome,
    Pair,
    name,
    order_outcome,
    say,
)
from jqfollow.wire.messages import LIVE_RUN

_WORDS_BYTES = 300
_SHOWN_BY_FILLS = frozenset({"reported_partially_filled", "reported_filled"})
"""The fills themselves are told."""


def volume(count: int, symbol: str, lang: Lang) -> str:
    """`500 股`, `500 shares`."""
    try:
        code = parse_security(symbol)
        unit = "份" if code.is_fund else "张" if code.is_bond else "股"
    except UnknownSecurityError:
        unit = "股"
    return f"{count:,} {unit if lang == 'zh' else UNITS[unit]}"


def signal_line(signal: SignalRow, *, title: str, named: str | None, lang: Lang) -> str:
    """What came."""
    run = "" if signal.run in {LIVE_RUN, "manual", "repair"} else f" [{name(RUNS, signal.run, lang)}]"
    who = f"{one_line(title) or signal.strategy}{run}"
    told = signal.order
    if told is None or signal.kind is not SignalKind.ORDER:
        kind = name(KINDS, signal.kind, lang)
        return f"{who} {kind}" if lang == "zh" else f"{who}: {kind}"
    at = "" if told.price is None else f" @ {price(told.price)}"
    what = f"{name(SIDES, told.side, lang)} {security(told.symbol, named)} {volume(told.amount, told.symbol, lang)}{at}"
    line = f"信号 #{signal.signal_id} {who} {what}" if lang == "zh" else f"signal #{signal.signal_id} {who}: {what}"
    if signal.state is SignalState.RECORDED and signal.reason is not None:
        why = Refusal(reason=signal.reason, figures=signal.figures).text(lang)
        line += f"；{name(OUTCOMES, Outcome.NOT_FOLLOWED, lang)}：{why}" if lang == "zh" else f"; not followed: {why}"
    return line


_SAID: dict[str, Pair] = {
    "unknown": (
        "结果未知（{event}）：第 {number} 次 {what}，备注 {remark}；不会重发，请核对",
        "outcome unknown ({event}): no. {number}, {what}, remark {remark}; it is not sent again, settle it",
    ),
    "accepted": ("已报 第 {number} 次 {what}，券商编号 {broker}", "placed, no. {number}: {what}, broker's id {broker}"),
    "again": (
        "改价再报 第 {number} 次 {what}，券商编号 {broker}",
        "placed again, no. {number}: {what}, broker's id {broker}",
    ),
    "refused": ("券商拒绝：{words}", "refused by the broker: {words}"),
    "reported_rejected": ("券商拒绝：{words}", "refused by the broker: {words}"),
    "cancel_asked": ("撤单", "cancel asked"),
    "reprice": ("撤单，准备改价再报", "cancel asked, to price it anew"),
    "reported_canceled": ("已撤，成交 {done}", "canceled, {done} filled"),
}


def attempt_line(event: EventRow, attempt: AttemptRow, order: OrderRow, lang: Lang) -> str | None:
    """What happened to an attempt; `None`: its fills tell."""
    if event.event in _SHOWN_BY_FILLS:
        return None
    key = event.event
    if event.after == AttemptState.UNKNOWN:
        key = "unknown"
    elif key == "accepted" and attempt.number > 1:
        key = "again"
    elif key == "cancel_asked" and order.cancel_reason is None:
        key = "reprice"
    words = cut(one_line(event.detail or attempt.message), _WORDS_BYTES)
    if key in _SAID:
        return say(_SAID[key], lang).format(
            event=name(EVENTS, event.event, lang),
            number=attempt.number,
            what=f"{volume(attempt.volume, attempt.security, lang)} @ {price(attempt.price)}",
            remark=attempt.remark,
            broker=attempt.broker_order_id or "-",
            words=words or "-",
            done=f"{attempt.done:,}/{attempt.volume:,}",
        )
    told, state = name(EVENTS, event.event, lang), name(ATTEMPT_STATES, event.after, lang)
    return (told if told == state else f"{told} → {state}") + (f"（{words}）" if words and lang == "zh" else "")


def order_line(order: OrderRow, lang: Lang) -> str:
    """How an order stands, or how it ended."""
    became = order_outcome(order.state, order.filled)
    filled = f"{order.filled:,}/{order.volume:,}" if order.sized else ""
    average = order.avg_price
    at = "" if average is None else (f" 均价 {price(average)}" if lang == "zh" else f" at {price(average)}")
    if became is Outcome.UNDER_WAY:
        state = name(ATTEMPT_STATES, order.state, lang)
        waits = "" if order.waiting_for is None else f" {name(WAITING, order.waiting_for, lang)}"
        return f"{state}{waits} {filled}{at}".rstrip()
    head = f"{name(OUTCOMES, became, lang)} {filled}{at}".rstrip()
    if order.reason is None or order.state is OrderState.FILLED:
        return head
    why = Refusal(reason=order.reason, figures=order.figures).text(lang)
    return f"{head}：{why}" if lang == "zh" else f"{head}: {why}"


def fill_line(fill: FillRow, lang: Lang) -> str:
    """One execution."""
    what = f"{volume(fill.volume, fill.security, lang)} @ {price(fill.price)}"
    if lang == "zh":
        return f"成交 {what}，费用 {fill.fee}"
    return f"filled {what}, fee {fill.fee}"


def decision_line(decision: DecisionRow, lang: Lang) -> str:
    """What the rules said before an attempt."""
    passed = sum(1 for verdict in decision.verdicts if verdict.get("outcome") == "pass")
    told = [_verdict(verdict, lang) for verdict in decision.verdicts if verdict.get("outcome") in {"wait", "refuse"}]
    why = ("；" if lang == "zh" else "; ").join(text for text in told if text)
    match decision.outcome:
        case "place":
            text = f"可以下单，{passed} 条规则通过" if lang == "zh" else f"may be placed, {passed} rules passed"
        case "wait":
            text = f"先等：{why}" if lang == "zh" else f"waits: {why}"
        case _:
            text = f"不下单：{why}" if lang == "zh" else f"not placed: {why}"
    return text


def _verdict(verdict: Mapping[str, Any], lang: Lang) -> str:
    rule, figures = str(verdict.get("rule", "")), verdict.get("figures")
    if rule not in set(Reason):
        return rule
    refusal = Refusal(reason=Reason(rule), figures=figures if isinstance(figures, Mapping) else {})
    return f"{refusal.text(lang)} [{rule}]"


def whose(order: OrderRow, *, title: str, named: str | None, lang: Lang) -> str:
    """`订单 #12 演示策略 → main 买入 平安银行 000001.SZ`."""
    what = f"{name(SIDES, order.side, lang)} {security(order.security, named)}"
    head = "订单" if lang == "zh" else "order"
    return f"{head} #{order.order_id} {one_line(title) or order.strategy} → {order.account} {what}"


def money(yuan: Decimal, lang: Lang) -> str:
    """`1,234.50 元`."""
    return f"{yuan:,.2f} {'元' if lang == 'zh' else 'yuan'}"
