"""Everything about one order: its attempts, every rule's verdict, its history, its fills."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jqfollow.cli.base import table, words
from jqfollow.cli.figures import moment, number, word
from jqfollow.ledger.rows import AttemptRow, DecisionRow, EventRow, FillRow, OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.stages import BEFORE, OrderStages
from jqfollow.vocabulary import ATTEMPT_STATES, DECISIONS, EVENTS


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
    )


def show_story(story: OrderStory) -> None:
    """Prints what follows the order itself."""
    columns = words(
        "次,时间,数量,价格,成交,状态,券商编号,备注,券商的话",
        "no,at,volume,price,filled,state,broker id,remark,message",
    )
    attempts = [
        (
            str(row.number),
            moment(row.created_at),
            number(row.volume),
            number(row.price),
            number(row.done),
            word(ATTEMPT_STATES, row.state),
            row.broker_order_id or "",
            row.remark,
            row.message,
        )
        for row in story.attempts
    ]
    table(words("委托", "Attempts"), columns.split(","), attempts, right=(0, 2, 3, 4))
    columns = words("编号,时间,数量,价格,费用,成交编号", "id,at,volume,price,fee,trade id")
    fills = [
        (str(row.fill_id), moment(row.filled_at), number(row.volume), number(row.price), number(row.fee), row.traded_id)
        for row in story.fills
    ]
    table(words("成交", "Fills"), columns.split(","), fills, right=(0, 2, 3, 4))
    columns = words("次,时间,结果,原因,各条规则", "no,at,outcome,reason,rules")
    decisions = [
        (str(row.attempt), moment(row.made_at), word(DECISIONS, row.outcome), row.reason or "", _verdicts(row.verdicts))
        for row in story.decisions
    ]
    table(words("判断", "Decisions"), columns.split(","), decisions, right=(0,))
    columns = words("时间,事件,之前,之后,说明", "at,event,before,after,detail")
    events = [
        (
            moment(row.at),
            word(EVENTS, row.event),
            word(ATTEMPT_STATES, row.before),
            word(ATTEMPT_STATES, row.after),
            row.detail,
        )
        for row in story.events
    ]
    table(words("经过", "History"), columns.split(","), events)
    if story.stages is not None:
        after = story.stages.after_us
        spent = {stage: at - after.get(BEFORE[stage], 0) for stage, at in after.items()}
        stages = [(stage.value, f"{after[stage] / 1000:,.2f}", f"{spent[stage] / 1000:,.2f}") for stage in after]
        columns = words("步骤,距到达 ms,用时 ms", "stage,after ms,took ms")
        table(words("用时", "Time"), columns.split(","), stages, right=(1, 2))


def _verdicts(verdicts: tuple[Mapping[str, Any], ...]) -> str:
    """The rules that had something to say; how many let it pass."""
    passed = [verdict for verdict in verdicts if verdict.get("outcome") in {"pass", "skip"}]
    lines = [
        f"{verdict.get('rule')}: {verdict.get('outcome')} "
        + " ".join(f"{key}={value}" for key, value in (verdict.get("figures") or {}).items())
        for verdict in verdicts
        if verdict not in passed
    ]
    return "\n".join([*lines, words(f"{len(passed)} 条通过", f"{len(passed)} passed")])
