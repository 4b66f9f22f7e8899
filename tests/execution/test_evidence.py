"""Every pair of (state of an attempt, evidence about it) has its answer, written down below beside `lifecycle`'s table.

The evidence goes through the functions that take it in the service: the desk's for answers and pushes, the reconciler's
for lists and days, the wishes' for people. What contradicts goes to a person.
"""

from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from execution.scene import CLOSED, ID, MORNING, OTHER, VOLUME, S, Scene, later, taken_back
from jqfollow.domain import (
    Accepted,
    AttemptState,
    BrokerDownError,
    BrokerError,
    CancelFailed,
    ManualOrderError,
    PlaceFailed,
    Refused,
    Settlement,
)
from jqfollow.execution.recovery import recover
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason
from ledger.samples import NOW

NAMELESS: dict[str, Any] = {"broker_order_id": "b9", "remark": "程序化交易"}
REFUSED_AGAIN = "[废单] 价格超出范围"


def refusal(*, broker_order_id: str = "", remark: str = "") -> PlaceFailed:
    return PlaceFailed(broker_order_id=broker_order_id, remark=remark, message=REFUSED_AGAIN)


def restart(scene: Scene) -> None:
    calls: Any = SimpleNamespace(
        forgotten=lambda _tx: None, handed_over=lambda _tx, _remark: True, begin=lambda _tx: None
    )
    scene.tx.numbers.set("main", "", NOW)
    recover(scene.tx, {"main": scene.account}, calls, lambda _: scene.moment)


EVIDENCE: dict[str, Callable[[Scene], None]] = {
    # the placing call's own answer, in time or late
    "answer: accepted": lambda s: s.answer(Accepted(broker_order_id=ID)),
    "answer: refused": lambda s: s.answer(Refused(message=REFUSED_AGAIN)),
    "answer: refused, with an id": lambda s: s.answer(Refused(message=REFUSED_AGAIN, broker_order_id=ID)),
    "answer: not sent": lambda s: s.answer(BrokerDownError("未连接")),
    "answer: none": lambda s: s.answer(BrokerError("没有答复")),
    # pushes, in whatever order
    "push: new": lambda s: s.push(s.report(S.NEW)),
    "push: partly filled": lambda s: s.push(s.report(S.PARTIALLY_FILLED, 100)),
    "push: filled": lambda s: s.push(s.report(S.FILLED, VOLUME)),
    "push: cancel pending": lambda s: s.push(s.report(S.PENDING_CANCEL)),
    "push: canceled": lambda s: s.push(s.report(S.CANCELED)),
    "push: canceled, part filled": lambda s: s.push(s.report(S.CANCELED, 100)),
    "push: rejected": lambda s: s.push(s.report(S.REJECTED)),
    "push: a fill of a part": lambda s: s.push(s.fill(100)),
    "push: a fill of all": lambda s: s.push(s.fills()[-1]),
    "push: refused, by remark": lambda s: s.push(
        PlaceFailed(broker_order_id="", remark=s.attempt.remark, message=REFUSED_AGAIN)
    ),
    "push: refused, by id": lambda s: s.push(PlaceFailed(broker_order_id=ID, remark="", message=REFUSED_AGAIN)),
    "push: cancel refused": lambda s: s.push(CancelFailed(broker_order_id=ID, message="不可撤")),
    "push: under another id": lambda s: s.push(s.report(S.FILLED, VOLUME, broker_order_id=OTHER)),
    "push: on other terms": lambda s: s.push(s.report(S.FILLED, VOLUME, symbol="600000.SH")),
    # lists, well after whatever happened
    "list: new": lambda s: s.at(later(60)).lists(s.report(S.NEW)),
    "list: partly filled": lambda s: s.at(later(60)).lists(s.report(S.PARTIALLY_FILLED, 100), fills=(s.fill(100),)),
    "list: filled, its fills": lambda s: s.at(later(60)).lists(s.report(S.FILLED, VOLUME), fills=s.fills()),
    "list: filled, no fills": lambda s: s.at(later(60)).lists(s.report(S.FILLED, VOLUME)),
    "list: canceled": lambda s: s.at(later(60)).lists(s.report(S.CANCELED)),
    "list: rejected": lambda s: s.at(later(60)).lists(s.report(S.REJECTED)),
    "list: its terms, living": lambda s: s.at(later(60)).lists(s.report(S.NEW, **NAMELESS)),
    "list: its terms, filled": lambda s: s.at(later(60)).lists(s.report(S.FILLED, VOLUME, **NAMELESS)),
    "list: its terms, canceled": lambda s: s.at(later(60)).lists(s.report(S.CANCELED, **NAMELESS)),
    "list: its terms, rejected": lambda s: s.at(later(60)).lists(s.report(S.REJECTED, **NAMELESS)),
    "list: its terms, twice": lambda s: s.at(later(60)).lists(
        s.report(S.NEW, **NAMELESS), s.report(S.NEW, **(NAMELESS | {"broker_order_id": "b8"}))
    ),
    "list: its id, no remark": lambda s: s.at(later(60)).lists(s.report(S.NEW, remark="")),
    "list: under another id": lambda s: s.at(later(60)).lists(s.report(S.NEW, broker_order_id=OTHER)),
    "list: under another id, rejected": lambda s: s.at(later(60)).lists(s.report(S.REJECTED, broker_order_id=OTHER)),
    "list: its remark twice": lambda s: s.at(later(60)).lists(s.report(S.NEW), s.report(S.NEW, broker_order_id=OTHER)),
    "list: its remark, other terms": lambda s: s.at(later(60)).lists(s.report(S.NEW, volume=VOLUME + 100)),
    "list: not there": lambda s: s.at(later(60)).lists(),
    "list: not there, a proof": lambda s: proof(s).at(later(60)).lists(),
    # days
    "close: standing": lambda s: s.at(CLOSED).lists(s.report(S.NEW)),
    "close: not there": lambda s: s.at(CLOSED).lists(),
    "next day: list of the day before": lambda s: s.at(MORNING).lists(s.report(S.NEW)),
    "next day: filled, of the day before": lambda s: s.at(MORNING).lists(s.report(S.FILLED, VOLUME), fills=s.fills()),
    "next day: not there": lambda s: s.at(MORNING).lists(),
    "next day: a stranger with its id": lambda s: s.at(MORNING).lists(
        s.report(S.FILLED, VOLUME, remark="", at=MORNING)
    ),
    # the program itself, and people
    "restart": restart,
    "person: not placed": lambda s: s.settle(Settlement(outcome="not_placed")),
    "person: placed": lambda s: s.settle(Settlement(outcome="placed", broker_order_id=ID)),
    "person: over, nothing filled": lambda s: s.settle(Settlement(outcome="ended")),
    "person: over, all filled": lambda s: s.settle(Settlement(outcome="ended", filled=VOLUME, price=Decimal("11.3"))),
    "person: cancel": lambda s: s.wishes.want_end(s.tx, s.attempt.order_id, Reason.CANCELED_BY_USER),
}

STATES = (
    S.PENDING_NEW,
    S.UNKNOWN,
    S.NEW,
    S.PARTIALLY_FILLED,
    S.PENDING_CANCEL,
    S.FILLED,
    S.CANCELED,
    S.REJECTED,
)
WORDS = {
    S.PENDING_NEW: "pending",
    S.UNKNOWN: "unknown",
    S.NEW: "new",
    S.PARTIALLY_FILLED: "part",
    S.PENDING_CANCEL: "cancel",
    S.FILLED: "filled",
    S.CANCELED: "ended",
    S.REJECTED: "refused",
}

ANSWERS = """
| evidence                            | pending  | unknown | new      | part     | cancel   | filled | ended | refused |
| answer: accepted                    | new      | new     | ·        | ·        | ·        | ·      | ·     | ·!      |
| answer: refused                     | refused  | refused | refused  | ·        | ·        | ·      | ·     | ·       |
| answer: refused, with an id         | refused  | refused | refused  | ·        | ·        | ·      | ·     | ·       |
| answer: not sent                    | refused  | refused | ·        | ·        | ·        | ·      | ·     | ·       |
| answer: none                        | unknown! | ·       | ·        | ·        | ·        | ·      | ·     | ·       |
| push: new                           | new      | new     | ·        | ·        | ·        | ·      | ·     | ·!      |
| push: partly filled                 | part     | part    | part     | ·        | ·        | ·      | ·     | ·!      |
| push: filled                        | filled   | filled  | filled   | filled   | filled   | ·      | ·     | ·!      |
| push: cancel pending                | cancel   | cancel  | cancel   | cancel   | ·        | ·      | ·     | ·!      |
| push: canceled                      | ended    | ended   | ended    | ended    | ended    | ·      | ·     | ·       |
| push: canceled, part filled         | ended    | ended   | ended    | ended    | ended    | ·      | ·     | ·!      |
| push: rejected                      | refused  | refused | refused  | ended    | ended    | ·      | ·     | ·       |
| push: a fill of a part              | part     | part    | part     | ·        | ·        | ·!     | ·     | ·!      |
| push: a fill of all                 | filled   | filled  | filled   | filled   | filled   | ·      | ·     | ·!      |
| push: refused, by remark            | refused  | refused | ·        | ·        | ·        | ·      | ·     | ·       |
| push: refused, by id                | ·        | ·       | refused  | ·        | ·        | ·      | ·     | ·       |
| push: cancel refused                | ·        | ·       | ·        | ·        | new      | ·      | ·     | ·       |
| push: under another id              | filled   | filled  | ·        | ·        | ·        | ·      | ·     | ·!      |
| push: on other terms                | ·        | ·       | ·        | ·        | ·        | ·      | ·     | ·       |
| list: new                           | new      | new     | ·        | ·        | ·        | ·      | ·!    | ·!      |
| list: partly filled                 | part     | part    | part     | ·        | ·        | ·      | ·     | ·!      |
| list: filled, its fills             | filled   | filled  | filled   | filled   | filled   | ·      | ·     | ·!      |
| list: filled, no fills              | filled   | filled  | filled   | filled   | filled   | ·      | ·     | ·!      |
| list: canceled                      | ended    | ended   | ended    | ended    | ended    | ·      | ·     | ·       |
| list: rejected                      | refused  | refused | refused  | ended    | ended    | ·      | ·     | ·       |
| list: its terms, living             | ·        | new     | ·        | ·        | ·        | ·      | ·     | ·       |
| list: its terms, filled             | ·        | filled  | ·        | ·        | ·        | ·      | ·     | ·       |
| list: its terms, canceled           | ·        | ·       | ·        | ·        | ·        | ·      | ·     | ·       |
| list: its terms, rejected           | ·        | ·       | ·        | ·        | ·        | ·      | ·     | ·       |
| list: its terms, twice              | ·        | ·       | ·        | ·        | ·        | ·      | ·     | ·       |
| list: its id, no remark             | ·        | new     | ·        | ·        | ·        | ·      | ·!    | ·       |
| list: under another id              | new      | new     | unknown! | unknown! | unknown! | ·!     | ·!    | ·!      |
| list: under another id, rejected    | refused | refused | unknown! | unknown! | unknown! | ·! | ·! | · |
| list: its remark twice              | ·!       | ·!      | ·!       | ·!       | ·!       | ·!     | ·!    | ·!      |
| list: its remark, other terms       | ·!       | ·!      | ·!       | ·!       | ·!       | ·!     | ·!    | ·!      |
| list: not there                     | ·        | ·       | ·        | ·        | ·        | ·      | ·     | ·       |
| list: not there, a proof            | ·        | refused | ·        | ·        | ·        | ·      | ·     | ·       |
| close: standing                     | ended    | ended   | ended    | ended    | ended    | ·      | ·     | ·       |
| close: not there                    | ·        | ·       | ·        | ·        | ·        | ·      | ·     | ·       |
| next day: list of the day before    | ended    | ended   | ended    | ended    | ended    | ·      | ·     | ·       |
| next day: filled, of the day before | filled   | filled  | filled   | filled   | filled   | ·      | ·     | ·       |
| next day: not there                 | unknown! | ·       | unknown! | unknown! | unknown! | ·      | ·     | ·       |
| next day: a stranger with its id    | unknown! | ·       | unknown! | unknown! | unknown! | ·      | ·     | ·       |
| restart                             | unknown! | ·       | ·        | ·        | ·        | ·      | ·     | ·       |
| person: not placed                  | no       | refused | no       | no       | no       | no     | no    | no      |
| person: placed                      | no       | new     | no       | no       | no       | no     | no    | no      |
| person: over, nothing filled        | no       | ended   | no       | no       | no       | no     | no    | no      |
| person: over, all filled            | no       | filled  | no       | no       | no       | no     | no    | no      |
| person: cancel                      | ·        | ·       | ·        | ·        | ·        | no     | ·     | ·       |
"""
"""`·`: it stays. `!`: a person is told at once. `no`: a person's word that is not taken, with the reason."""


def proof(scene: Scene) -> Scene:
    scene.account.proof = True
    return scene


def urgent(tx: Tx) -> int:
    return sum(message.kind in {"alert", "unknown_outcome"} for message in tx.outbox.list())


def answer(connection: Any, state: AttemptState, evidence: Callable[[Scene], None]) -> str:
    with taken_back(connection) as scene:
        scene.begin(state)
        assert scene.row.state is state
        before = urgent(scene.tx)
        try:
            evidence(scene)
        except ManualOrderError:
            return "no"
        after, told = scene.row.state, urgent(scene.tx) > before
        return ("·" if after is state else WORDS[after]) + ("!" if told else "")


ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in ANSWERS.strip().splitlines()]


def test_every_evidence_has_an_answer_for_every_state() -> None:
    assert ROWS[0][1:] == [WORDS[state] for state in STATES]
    assert set(STATES) == set(AttemptState)
    assert [row[0] for row in ROWS[1:]] == list(EVIDENCE)


@pytest.mark.parametrize("row", ROWS[1:], ids=lambda row: row[0])
def test_the_answer_is_the_written_one(connection: Any, row: list[str]) -> None:
    assert [answer(connection, state, EVIDENCE[row[0]]) for state in STATES] == row[1:]


def test_only_proof_ends_an_attempt_and_only_one_that_names_it() -> None:
    """What may let a next attempt go out: read off the table, so that nobody changes it without a thought."""
    ends = {"ended", "refused"}
    proofs = {row[0] for row in ROWS[1:] if ends & {cell.strip("!") for cell in row[1:]}}
    assert not [name for name in proofs if "its terms" in name or "stranger" in name]
    assert not [name for name in proofs if name in {"list: not there", "next day: not there", "answer: none"}]
    # To an attempt without an id its remark is a name; one that has an id goes by that.
    named = [row for row in ROWS[1:] if "another id" in row[0]]
    assert not [row[0] for row in named if ends & {cell.strip("!") for cell in row[3:6]}]
