"""What one event changes in the ledger, in one transaction: attempts, fills, books, orders, history, messages.

Nothing here waits or talks to a broker. Every function takes the transaction that it works in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Unpack, cast

import structlog

from jqfollow.domain import (
    ATTEMPT_LIVE,
    ORDER_OPEN,
    AttemptState,
    FillReport,
    OrderKey,
    OrderReport,
    OrderState,
    Side,
)
from jqfollow.execution.differences import reckon
from jqfollow.execution.lifecycle import REPORTED, Event, contradicts, step
from jqfollow.execution.ours import may_be, whose
from jqfollow.ledger.attempts import AttemptColumns
from jqfollow.ledger.rows import AttemptRow, OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.notify import messages
from jqfollow.notify.figures import SIDE_ZH
from jqfollow.notify.kinds import Kind
from jqfollow.reasons import Reason, Refusal
from jqfollow.vocabulary import ATTEMPT_STATES
from jqfollow.vocabulary import name as word

log = structlog.get_logger(__name__)

_BY_WISH = frozenset(
    {
        Reason.CANCELED_BY_USER,
        Reason.CANCELED_BY_STRATEGY,
        Reason.BACKTEST,
        Reason.NOTHING_TO_SELL,
    }
)
"""Why an exit may end without being done, and nobody need be alerted."""
_ENDS_AS = {
    Reason.DAY_OVER: OrderState.EXPIRED,
}


@dataclass(slots=True)
class Names:
    """What people call things."""

    titles: Mapping[str, str] = field(default_factory=dict)
    """Of strategies."""
    securities: dict[str, str] = field(default_factory=dict)
    """As brokers tell them, by symbol."""

    kept: dict[str, str] = field(default_factory=dict)
    """What the ledger knows of `securities`."""

    def title(self, strategy: str) -> str:
        """The strategy's title, else its name."""
        return self.titles.get(strategy) or strategy

    def read(self, kept: Mapping[str, str]) -> None:
        """What the ledger kept; what a broker told meanwhile stands."""
        self.kept = dict(kept)
        for symbol, name in kept.items():
            self.securities.setdefault(symbol, name)

    def changed(self) -> dict[str, str]:
        """Names to be kept, new ones and those that changed; asked again, only what came since."""
        if self.securities == self.kept:
            return {}
        new = {symbol: name for symbol, name in self.securities.items() if self.kept.get(symbol) != name}
        self.kept = dict(self.securities)
        return new


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When something happens, and how to tell it."""

    now: datetime
    names: Names
    open_day: date
    """The account's first exchange day that is not over."""


def step_attempt(
    tx: Tx, attempt: AttemptRow, event: Event, moment: Moment, *, detail: str = "", **columns: Unpack[AttemptColumns]
) -> AttemptRow:
    """Applies `event`; `columns` are further changes of the attempt's row. A repeated event changes nothing.

    Whatever makes its outcome unknown, people are told, once.
    """
    filled = max(columns.get("reported", attempt.reported), attempt.filled)
    after = step(attempt.state, event, filled=filled)
    # Out of order is no contradiction: a refused order that the broker once listed has its id.
    held = contradicts(attempt.state, event) and attempt.broker_order_id is None
    if held or (attempt.state is AttemptState.REJECTED and filled > 0):
        _alert_contradiction(tx, attempt, event, moment)
    changed = {name: value for name, value in columns.items() if value != getattr(attempt, name)}
    changes = cast("AttemptColumns", changed)
    if after is attempt.state and not changes:
        return attempt
    if after is not attempt.state:
        if after is AttemptState.UNKNOWN:
            _tell_unknown(tx, attempt, moment)
        tx.events.add(attempt.order_id, attempt.attempt_id, moment.now, event, attempt.state, after, detail)
        changes["state"] = after
    return tx.attempts.update(attempt.attempt_id, moment.now, **changes)


def apply_order_report(tx: Tx, key: OrderKey, report: OrderReport, moment: Moment) -> AttemptRow | None:
    """Applies a broker's report of the order `key`; `None` when the order is not ours."""
    attempt = find_attempt(tx, key, report.remark)
    if attempt is None or not may_be(attempt, report):
        return None
    # What is told as filled is filled to the end, even where the figure beside it lags: nothing is bought twice.
    told = attempt.volume if report.state is AttemptState.FILLED else min(report.filled, attempt.volume)
    columns: AttemptColumns = {"reported": max(attempt.reported, told)}
    if attempt.broker_order_id is None:
        columns["broker_order_id"] = report.broker_order_id
    if report.message:
        columns["message"] = report.message
    after = step_attempt(tx, attempt, REPORTED[report.state], moment, detail=report.message, **columns)
    if after is not attempt:
        follow_attempt(tx, after, moment)
    return after


def apply_fill(tx: Tx, key: OrderKey, report: FillReport, moment: Moment) -> AttemptRow | None:
    """Writes a fill and what it changes; `None` when it is of no attempt of ours (or of none that is known yet)."""
    attempt = find_attempt(tx, key, report.remark)
    if attempt is None or attempt.security != report.symbol or attempt.side is not report.side or report.volume <= 0:
        return None
    if attempt.broker_order_id is None:
        attempt = tx.attempts.update(attempt.attempt_id, moment.now, broker_order_id=report.broker_order_id)
    order = _order(tx, attempt.order_id)
    if not tx.fills.add(attempt, order.strategy, report, attempt.day):
        return attempt
    if order.state not in ORDER_OPEN:
        _alert_late_fill(tx, order, report, moment)
    attempt = _reread(tx, attempt)
    event = Event.FILLED if attempt.filled >= attempt.volume else Event.PARTIAL
    after = step_attempt(tx, attempt, event, moment, detail=f"{report.volume} @ {report.price}")
    order = follow_attempt(tx, after, moment)
    if order.state not in ORDER_OPEN:
        reckon(tx, order.signal_id, order.account, moment.now)
    if order.filled > order.volume:
        _alert_overfilled(tx, order, moment)
    return after


def find_attempt(tx: Tx, key: OrderKey, remark: str) -> AttemptRow | None:
    """The attempt that a report of the order `key` with `remark` is about; see `ours.whose`."""
    named = tx.attempts.by_remark(remark.strip()) if remark.strip() else None
    return whose(key, named, tx.attempts.by_key(key))


def follow_attempt(tx: Tx, attempt: AttemptRow, moment: Moment) -> OrderRow:
    """Brings the order's own state up to its attempts', and ends it when nothing is left to be done.

    News may be of an earlier attempt than the last: the order stays open while any attempt lives or misses fills.
    """
    order = _order(tx, attempt.order_id)
    if order.state not in ORDER_OPEN:
        return order
    attempts = tx.attempts.of_order(order.order_id)
    last = attempts[-1]
    state = OrderState.NEW
    if order.filled:
        state = OrderState.PARTIALLY_FILLED
    elif last.state in {AttemptState.PENDING_NEW, AttemptState.REJECTED}:
        state = order.state
    if state is not order.state:
        tx.events.add(order.order_id, None, moment.now, "order", order.state, state)
        order = tx.orders.update(order.order_id, moment.now, state=state)
    all_filled = order.filled >= order.volume
    if any(a.state in ATTEMPT_LIVE or (missing_fills(a) and not all_filled) for a in attempts):
        return order
    refusal = _why_over(order, last, moment)
    return end_order(tx, order, refusal, moment) if all_filled or refusal is not None else order


def _why_over(order: OrderRow, last: AttemptRow, moment: Moment) -> Refusal | None:
    """Why no further attempt follows the `last` one, which has ended; `None`: one may."""
    if order.cancel_reason is not None:
        return Refusal(reason=order.cancel_reason, figures=left_figures(order))
    if last.state is AttemptState.CANCELED and last.cancel_at is None:
        # Nobody here asked for it.
        reason = Reason.DAY_OVER if last.day < moment.open_day else Reason.CANCELED_AT_BROKER
        return Refusal(reason=reason, figures=left_figures(order))
    return None


def wants_no_more(order: OrderRow) -> bool:
    """Whether what still lives of the order is to be cancelled: by somebody's wish, or because all is filled."""
    return order.cancel_reason is not None or 0 < order.volume <= order.filled


def missing_fills(attempt: AttemptRow) -> bool:
    """Whether the broker says that more is filled than its fills have told."""
    return attempt.reported > attempt.filled


def still_wanted(tx: Tx, order: OrderRow) -> OrderRow | None:
    """The order as it is now, unless somebody has ended, cancelled or paused it since `order` was read."""
    now = _order(tx, order.order_id)
    wanted = now.state in ORDER_OPEN and now.cancel_reason is None
    return now if wanted and not any(pause.stops(now) for pause in tx.pauses.list()) else None


def end_order(tx: Tx, order: OrderRow, refusal: Refusal | None, moment: Moment) -> OrderRow:
    """Ends an order: all filled, or for the reason of `refusal`. Ending twice changes nothing.

    Raises:
        ValueError: an attempt of it lives, or there is no reason to end it.
    """
    order = _order(tx, order.order_id)  # its reader may have seen it before others changed it
    if order.state not in ORDER_OPEN:
        return order
    attempts = tx.attempts.of_order(order.order_id)
    if any(attempt.state in ATTEMPT_LIVE for attempt in attempts):
        raise ValueError(f"order {order.order_id} has a live attempt")
    placed = [attempt for attempt in attempts if attempt.broker_order_id is not None]
    if order.volume and order.filled >= order.volume:
        state, refusal = OrderState.FILLED, None
    elif refusal is None:
        raise ValueError(f"order {order.order_id} is not filled and has no reason to end")
    else:
        stood = order.filled or any(attempt.state is not AttemptState.REJECTED for attempt in placed)
        fallback = OrderState.CANCELED if stood else OrderState.REJECTED
        state = _ENDS_AS.get(refusal.reason, fallback)
    tx.events.add(order.order_id, None, moment.now, "order", order.state, state, refusal.text("en") if refusal else "")
    order = tx.orders.update(order.order_id, moment.now, state=state, refusal=refusal)
    if order.cancel_reason is Reason.CANCELED_BY_STRATEGY:
        reckon(tx, order.signal_id, order.account, moment.now)
    title = moment.names.title(order.strategy)
    name = moment.names.securities.get(order.security, "")
    if order.closes and order.side is Side.SELL and refusal is not None and refusal.reason not in _BY_WISH:
        text = (
            f"策略 {title} 在账户 {order.account} 清仓 {order.security} 没有卖完（订单 #{order.order_id}），请人工处理"
        )
        tx.outbox.put(Kind.ALERT, messages.alert(text), moment.now, unique_key=f"exit-undone-{order.order_id}")
    if state is OrderState.REJECTED and order.reason is Reason.BELOW_LOT and not order.closes:
        tx.outbox.put(Kind.REMAINDER, messages.remainder(order, title=title, name=name), moment.now)
    elif state is OrderState.REJECTED:
        tx.outbox.put(Kind.ORDER_REFUSED, messages.order_refused(order, title=title, name=name), moment.now)
    else:
        text = messages.order_done(order, title=title, name=name, attempts=len(placed))
        tx.outbox.put(Kind.ORDER_DONE, text, moment.now)
    return order


def carry_odd_rest(tx: Tx, order: OrderRow) -> None:
    """What is left of a buy below one lot, after odd fills, is rounding: it is carried on."""
    order = _order(tx, order.order_id)
    left = order.volume - order.filled
    if order.side is Side.BUY and left > 0 and order.state in ORDER_OPEN:
        since = tx.orders.carries_since(order)
        tx.books.carry_on(order.account, order.strategy, order.security, since=since, buy=Decimal(left))


def left_figures(order: OrderRow) -> dict[str, str]:
    """The figures of sentences about what an order leaves unfilled."""
    return {"left": str(order.volume - order.filled), "day": order.day.isoformat()}


def _order(tx: Tx, order_id: int) -> OrderRow:
    order = tx.orders.get(order_id)
    if order is None:
        raise LookupError(f"no order {order_id}")
    return order


def _reread(tx: Tx, attempt: AttemptRow) -> AttemptRow:
    row = tx.attempts.get(attempt.attempt_id)
    if row is None:
        raise LookupError(f"no attempt {attempt.attempt_id}")
    return row


def contradicted(tx: Tx, attempt: AttemptRow, told: AttemptState, moment: Moment) -> None:
    """The broker's list says that what has ended lives: a person must look, for another attempt may live beside it."""
    if attempt.state is AttemptState.REJECTED:
        _alert_contradiction(tx, attempt, REPORTED[told], moment)
        return
    log.error("broker_holds_what_has_ended", attempt_id=attempt.attempt_id, remark=attempt.remark, report=told)
    text = (
        f"严重：委托 {attempt.remark}（{attempt.account} {attempt.security} {SIDE_ZH[attempt.side]} {attempt.volume}）"
        f"已经结束（{_zh(attempt.state)}），但券商的委托列表仍显示它有效（{_zh(told)}）。请立即在交易终端核对。"
    )
    tx.outbox.put(Kind.ALERT, messages.alert(text), moment.now, unique_key=f"contradiction-{attempt.attempt_id}")


def _tell_unknown(tx: Tx, attempt: AttemptRow, moment: Moment) -> None:
    order = _order(tx, attempt.order_id)
    title, name = moment.names.title(order.strategy), moment.names.securities.get(order.security, "")
    text = messages.unknown_outcome(order, attempt, title=title, name=name)
    tx.outbox.put(Kind.UNKNOWN_OUTCOME, text, moment.now, unique_key=f"unknown-{attempt.attempt_id}")


def _alert_contradiction(tx: Tx, attempt: AttemptRow, event: Event, moment: Moment) -> None:
    log.error("broker_holds_what_was_rejected", attempt_id=attempt.attempt_id, remark=attempt.remark, report=event)
    text = (
        f"严重：委托 {attempt.remark}（{attempt.account} {attempt.security} {SIDE_ZH[attempt.side]} {attempt.volume}）"
        "曾被认定未下达，但券商现在报告它存在。请立即在交易终端核对。"
    )
    tx.outbox.put(Kind.ALERT, messages.alert(text), moment.now, unique_key=f"contradiction-{attempt.attempt_id}")


def _alert_overfilled(tx: Tx, order: OrderRow, moment: Moment) -> None:
    log.error("filled_beyond_the_order", order_id=order.order_id, filled=order.filled, volume=order.volume)
    text = (
        f"严重：订单 #{order.order_id}（{order.account} {order.security} {SIDE_ZH[order.side]}）应成交 {order.volume}，"
        f"券商实际成交 {order.filled}。请立即在交易终端核对。"
    )
    tx.outbox.put(
        Kind.ALERT, messages.alert(text), moment.now, unique_key=f"overfilled-{order.order_id}-{order.filled}"
    )


def _alert_late_fill(tx: Tx, order: OrderRow, report: FillReport, moment: Moment) -> None:
    text = (
        f"订单 #{order.order_id}（{order.account} {order.security} {SIDE_ZH[order.side]}）结束并通知之后又成交 "
        f"{report.volume} @ {report.price}，已记入账本"
    )
    key = f"late-fill-{order.order_id}-{report.traded_id}"
    tx.outbox.put(Kind.ALERT, messages.alert(text), moment.now, unique_key=key)


def _zh(state: AttemptState) -> str:
    return word(ATTEMPT_STATES, state, "zh")
