"""Cards 01 to 17 of docs/acceptance.md at the adapter: what a desk is told, and what the terminal really did."""

from pathlib import Path

import pytest

from execution.brokers.contract import SYMBOL, Requests, accepted, listed, pushed_fills, quiet, wait_state
from jqfollow.domain import (
    Accepted,
    AttemptState,
    BrokerDownError,
    BrokerError,
    BrokerTimeoutError,
    Disconnected,
    FillReport,
    OrderReport,
    PlaceFailed,
    Refused,
)
from jqfollow.execution.lanes import Lane, Lanes

from .modes import Mode
from .qmt_rig import QmtRig, told, until
from .terminal import Terminal

DEADLINE_S = 0.25


# -- placing


async def test_01_no_answer(rig: QmtRig, make: Requests, lanes: Lanes) -> None:
    rig.go_wrong(Mode.NO_ANSWER)
    request = make.buy(100, "9.90")
    with pytest.raises(BrokerTimeoutError):
        await lanes.call(Lane.PLACE, lambda: rig.broker.place(request), timeout_s=DEADLINE_S)
    [order] = rig.terminal.orders()
    assert order["remark"] == request.remark
    assert [o.remark for o in rig.broker.orders()] == [request.remark]


async def test_02_late_answer(rig: QmtRig, make: Requests, lanes: Lanes) -> None:
    rig.go_wrong(Mode.LATE_ANSWER)
    request, late = make.buy(100, "9.90"), list[object]()
    with pytest.raises(BrokerTimeoutError):
        await lanes.call(
            Lane.PLACE,
            lambda: rig.broker.place(request),
            timeout_s=DEADLINE_S,
            on_late=lambda _, answer: late.append(answer),
        )
    assert rig.terminal.tell("release") == 1
    await until(lambda: bool(late))
    [order] = rig.terminal.orders()
    assert late == [Accepted(broker_order_id=order["id"])]


async def test_02b_an_answer_later_than_the_adapter_waits(terminal: Terminal, tmp_path: Path) -> None:
    rig = QmtRig(terminal, tmp_path, answer_timeout_s=0.1)
    quiet(rig, SYMBOL)
    rig.go_wrong(Mode.LATE_ANSWER, Mode.REMARK_REWRITTEN)
    request = Requests().buy(100, "9.90")
    with pytest.raises(BrokerTimeoutError):
        rig.broker.place(request)
    terminal.tell("release")
    rig.pushes()  # the answer is in by then
    assert [o.remark for o in rig.broker.orders()] == [request.remark]  # the late answer told whose it is
    rig.close()


def test_03_minus_one_without_a_reason(rig: QmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.MINUS_ONE)
    with pytest.raises(BrokerError, match="unknown") as caught:
        rig.broker.place(make.buy(100, "9.90"))
    assert not isinstance(caught.value, BrokerDownError)  # that would mean: certainly not placed
    assert rig.terminal.orders() == []


def test_04_minus_one_with_the_terminals_reason(rig: QmtRig, make: Requests) -> None:
    request = make.sell(100, "9.99")
    placed = rig.broker.place(request)
    assert isinstance(placed, Refused)
    assert "不足" in placed.message
    assert rig.terminal.orders() == []
    failed = rig.wait(told(PlaceFailed, request.remark), "the push")
    assert failed == PlaceFailed(broker_order_id="", remark=request.remark, message=placed.message)


def test_05_the_reason_of_a_minus_one_comes_late(rig: QmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.LATE_REASON)
    request = make.sell(100, "9.99")
    with pytest.raises(BrokerError, match="unknown"):
        rig.broker.place(request)
    rig.terminal.tell("release")
    assert rig.wait(told(PlaceFailed, request.remark), "the reason, by push")


def test_06_minus_one_because_the_counter_was_slow_and_taken_all_the_same(rig: QmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.MINUS_ONE_TAKEN)
    request = make.buy(100, "9.90")
    with pytest.raises(BrokerError, match="unknown"):
        rig.broker.place(request)
    assert [o.remark for o in rig.broker.orders()] == [request.remark]
    assert not [e for e in rig.pushes() if isinstance(e, PlaceFailed)]


def test_07_refused_by_push_only(rig: QmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.REFUSED_BY_PUSH)
    request = make.sell(100, "9.99")
    order_id = accepted(rig, request)
    failed = rig.wait(told(PlaceFailed, request.remark), "the refusal")
    assert (failed.broker_order_id, failed.remark) == (order_id, request.remark)
    assert wait_state(rig, order_id, AttemptState.REJECTED).filled == 0


# -- remarks


@pytest.mark.parametrize("mode", [Mode.REMARK_TRUNCATED, Mode.REMARK_REWRITTEN])
def test_08_the_remark_comes_back_changed(rig: QmtRig, make: Requests, mode: Mode) -> None:
    rig.go_wrong(mode, Mode.PUSHES_FIRST)  # pushes overtake the answer that names the order
    request = make.buy(100, "10.01")
    order_id = accepted(rig, request)
    assert {f.remark for f in pushed_fills(rig, order_id, 100)} == {request.remark}
    assert wait_state(rig, order_id, AttemptState.FILLED).remark == request.remark
    assert {e.remark for e in rig.pushes() if isinstance(e, OrderReport | FillReport)} == {request.remark}
    assert listed(rig, order_id).remark == request.remark
    rig.restart()  # a new process knows no ids: the desk finds it by its terms
    row = listed(rig, order_id)
    assert row.remark != request.remark
    assert (row.symbol, row.side, row.volume, row.price) == (SYMBOL, request.side, 100, request.price)


def test_09_other_peoples_pushes_are_not_taken_for_ours(rig: QmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.REMARK_REWRITTEN)
    manual = rig.terminal.tell("manual", symbol=SYMBOL, side="buy", volume=200, price="9.80")
    rig.wait(lambda events: next((e for e in events if getattr(e, "broker_order_id", "") == manual), None), "manual")
    order_id = accepted(rig, make.buy(100, "9.90"))
    assert listed(rig, manual).remark == "程序化交易"
    assert listed(rig, order_id).remark == "jqtest0-1"


# -- the connection is lost around a placing call


def test_10_lost_before_the_request(rig: QmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.LOST_BEFORE)
    request = make.buy(100, "9.90")
    with pytest.raises(BrokerError, match=r"unknown|lost") as caught:
        rig.broker.place(request)
    assert not isinstance(caught.value, BrokerDownError)
    assert rig.wait(lambda events: next((e for e in events if isinstance(e, Disconnected)), None), "the loss")
    rig.broker.connect()
    assert rig.terminal.orders() == []
    assert list(rig.broker.orders()) == []  # proved: between two good answers


def test_11_lost_after_the_request(rig: QmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.LOST_AFTER)
    request = make.buy(100, "9.90")
    with pytest.raises(BrokerError) as caught:
        rig.broker.place(request)
    assert not isinstance(caught.value, BrokerDownError)
    rig.broker.connect()
    assert [o.remark for o in rig.broker.orders()] == [request.remark]


def test_12_a_loss_that_nobody_tells(terminal: Terminal, tmp_path: Path) -> None:
    rig = QmtRig(terminal, tmp_path, fresh_s=0)
    quiet(rig, SYMBOL)
    rig.go_wrong(Mode.SILENT_LOSS)
    terminal.tell("drop")
    with pytest.raises(BrokerDownError):  # it asks before it sends: certainly not sent
        rig.broker.place(Requests().buy(100, "9.90"))
    with pytest.raises(BrokerError):
        rig.broker.orders()
    rig.close()


def test_13_a_loss_that_nobody_tells_right_after_an_answer(terminal: Terminal, tmp_path: Path) -> None:
    rig = QmtRig(terminal, tmp_path, fresh_s=1000)
    quiet(rig, SYMBOL)
    rig.go_wrong(Mode.SILENT_LOSS)
    terminal.tell("drop")
    with pytest.raises(BrokerError) as caught:  # -1 of the native layer alone: no proof
        rig.broker.place(Requests().buy(100, "9.90"))
    assert not isinstance(caught.value, BrokerDownError) or "未发送" in str(caught.value)
    assert terminal.orders() == []
    rig.close()


# -- pushes


def test_14_pushes_twice(rig: QmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.PUSHES_TWICE)
    order_id = accepted(rig, make.buy(300, "10.01"))
    wait_state(rig, order_id, AttemptState.FILLED)
    fills = [e for e in rig.pushes() if isinstance(e, FillReport)]
    assert len(fills) == 2
    assert fills[0] == fills[1]  # the desk tells them apart from two fills by `traded_id`


def test_15_the_fill_before_its_order(rig: QmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.PUSHES_REVERSED)
    order_id = accepted(rig, make.buy(300, "10.01"))
    wait_state(rig, order_id, AttemptState.FILLED)
    mine = [e for e in rig.pushes() if isinstance(e, FillReport | OrderReport)]
    assert [getattr(e, "state", "fill") for e in mine][-1] is AttemptState.NEW
    assert any(isinstance(e, FillReport) for e in mine[:-1])
    assert {e.broker_order_id for e in mine} == {order_id}


def test_16_the_whole_day_is_pushed_again_after_a_reconnect(rig: QmtRig, make: Requests) -> None:
    order_id = accepted(rig, make.buy(300, "10.01"))
    first = pushed_fills(rig, order_id, 300)
    rig.go_wrong(Mode.REPLAY)
    rig.lose_connection()
    before = len(rig._events)
    rig.broker.connect()
    again = [e for e in rig.pushes()[before:] if isinstance(e, FillReport)]
    assert again == first


def test_17_nothing_is_pushed_then_the_lists_tell(rig: QmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.PUSHES_DROPPED)
    order_id = accepted(rig, make.buy(300, "10.01"))
    assert listed(rig, order_id).state is AttemptState.FILLED
    assert [f.volume for f in rig.broker.fills()] == [300]
