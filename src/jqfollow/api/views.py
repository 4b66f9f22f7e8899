"""From the ledger's rows to what the console shows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal

from jqfollow.api import models
from jqfollow.domain import ORDER_OPEN, AttemptState
from jqfollow.ledger.rows import AttemptRow, BookRow, DecisionRow, EventRow, FillRow, OrderRow, SignalRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from jqfollow.stages import OrderStages
from jqfollow.vocabulary import order_outcome, signal_outcome

_CENT_OF_CENT = Decimal("0.0001")


def unknown_attempts(tx: Tx) -> list[AttemptRow]:
    """All attempts whose outcome nobody knows, oldest first."""
    return [attempt for attempt in tx.attempts.live() if attempt.state is AttemptState.UNKNOWN]


def order_view(order: OrderRow, unknown: Collection[int]) -> models.OrderView:
    """`unknown`: the orders with an attempt of unknown outcome."""
    return models.OrderView(
        **_why(order.reason, order.figures),
        order_id=order.order_id,
        signal_id=order.signal_id,
        account=order.account,
        strategy=order.strategy,
        part=order.part,
        day=order.day,
        security=order.security,
        side=order.side,
        sized=order.sized,
        volume=order.volume,
        filled=order.filled,
        avg_price=_rounded(order.avg_price),
        turnover=order.turnover,
        limit_price=order.limit_price,
        state=order.state,
        open=order.state in ORDER_OPEN,
        unknown=order.order_id in unknown,
        waiting_for=order.waiting_for,
        wait_until=order.wait_until,
        cancel_reason=order.cancel_reason,
        created_at=order.created_at,
        updated_at=order.updated_at,
    )


def signal_view(signal: SignalRow, orders: Sequence[OrderRow], unknown: Collection[int]) -> models.SignalView:
    """A message with the orders made of it."""
    told = signal.order
    return models.SignalView(
        **_why(signal.reason, signal.figures),
        signal_id=signal.signal_id,
        strategy=signal.strategy,
        wire=signal.wire,
        message_id=signal.message_id,
        kind=signal.kind,
        run=signal.run,
        made_at=signal.made_at,
        received_at=signal.received_at,
        state=signal.state,
        outcome=signal_outcome(signal.state, [order_outcome(order.state, order.filled) for order in orders]),
        order=None if told is None else models.StrategyOrderView(**asdict(told)),
        orders=[order_view(order, unknown) for order in orders],
    )


def attempt_view(attempt: AttemptRow) -> models.AttemptView:
    """One order as placed at the broker."""
    fields = asdict(attempt)
    del fields["reported"]
    return models.AttemptView(**fields | {"filled": attempt.done})


def fill_view(fill: FillRow) -> models.FillView:
    """One execution."""
    return models.FillView(**asdict(fill))


def decision_view(decision: DecisionRow) -> models.DecisionView:
    """All rules' verdicts; the sentence of the deciding one is the decision's own."""
    verdicts = [verdict_view(verdict) for verdict in decision.verdicts]
    decisive = next((v for v in verdicts if decision.reason is not None and v.rule == decision.reason), None)
    return models.DecisionView(
        reason=decision.reason,
        why_zh=decisive.zh if decisive else "",
        why_en=decisive.en if decisive else "",
        decision_id=decision.decision_id,
        order_id=decision.order_id,
        attempt=decision.attempt,
        made_at=decision.made_at,
        outcome=decision.outcome,
        verdicts=verdicts,
    )


def event_view(event: EventRow) -> models.EventView:
    """A step in an order's history."""
    fields = asdict(event)
    del fields["order_id"]
    return models.EventView(**fields)


def book_view(book: BookRow, last: Decimal | None) -> models.BookView:
    """`last`: the price in the account's latest snapshot."""
    value = None if last is None else last * book.volume
    return models.BookView(
        account=book.account,
        strategy=book.strategy,
        security=book.security,
        volume=book.volume,
        cost=book.cost,
        avg_cost=_rounded(book.cost / book.volume) if book.volume else None,
        last=last,
        value=value,
        profit=None if value is None else value - book.cost,
        carry_buy=book.carry_buy,
        carry_sell=book.carry_sell,
    )


def order_detail(tx: Tx, order: OrderRow) -> models.OrderDetail:
    """An order with its whole history."""
    unknown = {attempt.order_id for attempt in unknown_attempts(tx)}
    signal = tx.signals.get(order.signal_id)
    siblings = tx.orders.of_signal(order.signal_id)
    return models.OrderDetail(
        order=order_view(order, unknown),
        signal=None if signal is None else signal_view(signal, siblings, unknown),
        attempts=[attempt_view(attempt) for attempt in tx.attempts.of_order(order.order_id)],
        fills=[fill_view(fill) for fill in tx.fills.of_order(order.order_id)],
        decisions=[decision_view(decision) for decision in tx.decisions.of_order(order.order_id)],
        events=[event_view(event) for event in tx.events.of_order(order.order_id)],
        stages=stage_views(tx.latencies.of_order(order.order_id)),
    )


def stage_views(stages: OrderStages | None) -> list[models.StageView]:
    """In the order of an order's way."""
    after = {} if stages is None else stages.after_us
    return [models.StageView(stage=stage, after_ms=microseconds / 1000) for stage, microseconds in after.items()]


def verdict_view(verdict: Mapping[str, object]) -> models.VerdictView:
    """What one rule said; a sentence where it let nothing go."""
    rule, outcome = str(verdict.get("rule", "")), str(verdict.get("outcome", ""))
    figures = verdict.get("figures")
    texts = ("", "")
    if outcome not in {"pass", "skip"} and rule in set(Reason):
        texts = _sentences(Reason(rule), figures if isinstance(figures, Mapping) else {})
    return models.VerdictView(rule=rule, outcome=outcome, zh=texts[0], en=texts[1])


def _why(reason: Reason | None, figures: Mapping[str, str]) -> dict[str, Reason | str]:
    if reason is None:
        return {}
    zh, en = _sentences(reason, figures)
    return {"reason": reason, "why_zh": zh, "why_en": en}


def _sentences(reason: Reason, figures: Mapping[str, str]) -> tuple[str, str]:
    refusal = Refusal(reason=reason, figures=figures)
    return refusal.text("zh"), refusal.text("en")


def _rounded(price: Decimal | None) -> Decimal | None:
    return None if price is None else price.quantize(_CENT_OF_CENT)
