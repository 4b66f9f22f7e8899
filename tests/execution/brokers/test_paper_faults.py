"""Everything that can go wrong goes wrong as asked."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from jqfollow.domain import (
    Accepted,
    AttemptState,
    BrokerDownError,
    BrokerError,
    BrokerEvent,
    BrokerTimeoutError,
    CancelFailed,
    Disconnected,
    FillReport,
    OrderReport,
    Refused,
)
from jqfollow.execution.brokers.paper.faults import Call, Pushes
from jqfollow.execution.brokers.paper.journal import JournalDamagedError, JournalError

from .contract import SYMBOL, Requests, fills_of, listed
from .paper_rig import PaperRig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[PaperRig]:
    rig = PaperRig(tmp_path)
    rig.broker.set_market(SYMBOL, prev_close=Decimal(10), last=Decimal(10), depth=10_000)
    yield rig
    rig.close()


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def place(rig: PaperRig, volume: int, price: str) -> str:
    placed = rig.broker.place(Requests().buy(volume, price))
    assert isinstance(placed, Accepted)
    return placed.broker_order_id


def kinds(events: list[BrokerEvent]) -> list[str]:
    return [e.state.value if isinstance(e, OrderReport) else type(e).__name__ for e in events]


def test_a_call_hangs_before_it_does_anything(rig: PaperRig, thread: ThreadPoolExecutor) -> None:
    gate = rig.faults.hang("place")
    call = thread.submit(place, rig, 100, "9.90")
    assert gate.wait_arrived(5)
    assert rig.broker.orders() == []
    gate.release()
    assert call.result(5) == rig.broker.orders()[0].broker_order_id


def test_a_call_answers_late_what_it_did(rig: PaperRig, thread: ThreadPoolExecutor) -> None:
    gate = rig.faults.hang("place", after=True)
    call = thread.submit(place, rig, 100, "9.90")
    assert gate.wait_arrived(5)
    (order,) = rig.broker.orders()  # it stands, is pushed, can be canceled, and nobody has the answer
    assert kinds(rig.pushes()) == ["new"]
    rig.broker.cancel(order.broker_order_id)
    gate.release()
    assert call.result(5) == order.broker_order_id


def test_an_error_after_the_order_stands(rig: PaperRig) -> None:
    rig.faults.fail("place", BrokerTimeoutError("没有应答"), after=True)
    with pytest.raises(BrokerTimeoutError):
        rig.broker.place(Requests().buy(100, "9.90"))
    assert len(rig.broker.orders()) == 1


def test_an_error_before_anything_was_done_as_often_as_asked(rig: PaperRig) -> None:
    rig.faults.fail("place", BrokerError("系统繁忙"), times=2)
    for _ in range(2):
        with pytest.raises(BrokerError):
            rig.broker.place(Requests().buy(100, "9.90"))
    assert rig.broker.orders() == []
    place(rig, 100, "9.90")


@pytest.mark.parametrize("call", ["orders", "fills", "positions", "asset", "quote", "instrument", "cancel", "connect"])
def test_every_call_can_fail(rig: PaperRig, call: Call) -> None:
    order_id = place(rig, 100, "9.90")
    calls: dict[str, Callable[[], object]] = {
        "quote": lambda: rig.broker.quote(SYMBOL),
        "instrument": lambda: rig.broker.instrument(SYMBOL),
        "cancel": lambda: rig.broker.cancel(order_id),
    }
    do = calls.get(call) or getattr(rig.broker, call)
    rig.faults.fail(call, BrokerDownError("断线"))
    with pytest.raises(BrokerDownError):
        do()
    do()


def test_orders_are_refused_with_the_words_given(rig: PaperRig) -> None:
    rig.faults.refuse("[COUNTER][1][系统繁忙]", times=2)
    make = Requests()
    answers = [rig.broker.place(make.buy(100, "9.90")) for _ in range(3)]
    assert answers[:2] == [Refused(message="[COUNTER][1][系统繁忙]")] * 2
    assert isinstance(answers[2], Accepted)


@pytest.mark.parametrize("after", [False, True])
def test_the_connection_is_lost_around_an_order(rig: PaperRig, after: bool) -> None:
    rig.faults.lose_connection("place", after=after)
    with pytest.raises(BrokerError) as caught:
        rig.broker.place(Requests().buy(100, "9.90"))
    assert isinstance(caught.value, BrokerDownError) is not after
    with pytest.raises(BrokerDownError):
        rig.broker.asset()
    assert kinds(rig.pushes())[-1] == "Disconnected"
    rig.broker.connect()
    assert len(rig.broker.orders()) == int(after)


def test_without_connection_the_market_goes_on_and_its_pushes_are_lost(rig: PaperRig) -> None:
    order_id = place(rig, 100, "9.90")
    rig.broker.drop("断线")
    rig.broker.drop("断线")  # told once
    rig.broker.set_market(SYMBOL, last=Decimal("9.80"))
    assert kinds(rig.pushes()) == ["new", "Disconnected"]
    rig.broker.connect()
    assert listed(rig, order_id).state is AttemptState.FILLED
    assert isinstance(rig.pushes()[-1], Disconnected)


def test_the_end_of_a_lost_connection_ends_not_the_next(rig: PaperRig) -> None:
    rig.broker.drop("断线")
    end = rig.broker.connect()
    rig.close()  # the first connection's end
    assert rig.broker.asset().total == 1_000_000
    end()
    with pytest.raises(BrokerDownError):
        rig.broker.asset()
    end()


NORMAL = ["new", "FillReport", "partially_filled", "FillReport", "filled"]


@pytest.mark.parametrize(
    ("pushes", "told"),
    [
        (Pushes.NORMAL, NORMAL),
        (Pushes.TWICE, [*NORMAL, *NORMAL]),
        (Pushes.REVERSED, NORMAL[::-1]),
        (Pushes.DROPPED, []),
    ],
)
def test_pushes_come_as_asked(rig: PaperRig, pushes: Pushes, told: list[str]) -> None:
    rig.broker.set_market(SYMBOL, last=Decimal(10), depth=100)
    rig.faults.pushes = pushes
    place(rig, 200, "10.02")
    assert kinds(rig.pushes()) == told


def test_a_fill_can_come_before_its_order(rig: PaperRig) -> None:
    rig.faults.pushes_held = True
    place(rig, 200, "10.02")
    assert not rig.broker.flush(0.001)
    rig.faults.pushes = Pushes.REVERSED
    rig.faults.pushes_held = False
    assert kinds(rig.pushes()) == ["filled", "FillReport", "new"]


def test_the_lists_can_lag(rig: PaperRig) -> None:
    rig.faults.list_lag_s = 2.0
    place(rig, 200, "10.02")
    assert rig.broker.orders() == []
    assert rig.broker.fills() == []
    rig.clock.forward(2)
    assert len(rig.broker.orders()) == len(rig.broker.fills()) == 1


def test_a_clock_that_goes_back_hides_no_order(rig: PaperRig) -> None:
    order_id = place(rig, 200, "10.02")
    rig.clock.forward(-7200)
    assert listed(rig, order_id).filled == 200
    assert len(rig.broker.fills()) == 1


def test_fills_come_in_parts_odd_ones_too(rig: PaperRig) -> None:
    rig.faults.max_fill = 37
    order_id = place(rig, 100, "10.02")
    assert listed(rig, order_id).state is AttemptState.PARTIALLY_FILLED
    rig.broker.advance()
    rig.broker.advance()
    assert [f.volume for f in fills_of(rig, order_id)] == [37, 37, 26]
    assert sum(f.fee for f in fills_of(rig, order_id)) == Decimal("5.01")  # the least commission is the order's


def test_a_cancel_can_be_ignored(rig: PaperRig) -> None:
    order_id = place(rig, 100, "9.90")
    rig.faults.ignore_cancels = True
    rig.broker.cancel(order_id)
    rig.broker.advance()
    assert listed(rig, order_id).state is AttemptState.NEW


def test_a_cancel_can_be_refused_by_push(rig: PaperRig) -> None:
    order_id = place(rig, 100, "9.90")
    rig.faults.refuse_cancel("已申报，不能撤单")
    rig.broker.cancel(order_id)
    assert rig.pushes()[-1] == CancelFailed(broker_order_id=order_id, message="已申报，不能撤单")
    rig.broker.cancel(order_id)
    assert listed(rig, order_id).state is AttemptState.CANCELED


def test_an_order_can_be_filled_while_it_is_canceled(rig: PaperRig) -> None:
    order_id = place(rig, 100, "9.90")
    rig.faults.slow_cancels = True
    rig.broker.cancel(order_id)
    assert listed(rig, order_id).state is AttemptState.PENDING_CANCEL
    with pytest.raises(BrokerError, match="正在撤单"):
        rig.broker.cancel(order_id)
    rig.restart()  # the exchange remembers that it was asked
    rig.broker.drop("…")
    rig.broker.connect()
    assert listed(rig, order_id).state is AttemptState.CANCELED

    second = place(rig, 100, "9.90")
    rig.broker.cancel(second)
    rig.broker.set_market(SYMBOL, last=Decimal("9.80"))
    assert listed(rig, second).state is AttemptState.FILLED
    assert kinds(rig.pushes())[-3:] == ["pending_cancel", "FillReport", "filled"]


def test_a_remark_can_come_back_rewritten(rig: PaperRig) -> None:
    rig.faults.remark = lambda text: "broker"
    order_id = place(rig, 100, "10.01")
    assert listed(rig, order_id).remark == "broker"
    assert [f.remark for f in fills_of(rig, order_id)] == ["broker"]


def test_a_sink_that_fails_stops_no_push(rig: PaperRig) -> None:
    told: list[BrokerEvent] = []

    def sink(event: BrokerEvent) -> None:
        told.append(event)
        raise RuntimeError("the loop is closed")

    rig.close()
    rig.open()
    rig.close()
    rig.broker.events(sink)
    end = rig.broker.connect()
    place(rig, 100, "10.01")
    assert rig.broker.flush()
    assert len(told) == 3
    end()


def test_the_connection_can_be_ended_from_its_own_push(rig: PaperRig) -> None:
    ended = threading.Event()
    rig.close()

    def sink(_: BrokerEvent) -> None:
        end()
        ended.set()

    rig.broker.events(sink)
    end = rig.broker.connect()
    place(rig, 100, "9.90")
    assert ended.wait(5)


def test_the_pulse_moves_the_market(tmp_path: Path) -> None:
    rig = PaperRig(tmp_path, pulse_s=0.001)
    rig.broker.set_market(SYMBOL, prev_close=Decimal(10), last=Decimal(10), depth=10_000)
    rig.faults.max_fill = 100
    rig.broker.place(Requests().buy(300, "10.01"))

    def three(events: list[BrokerEvent]) -> bool | None:
        return len([e for e in events if isinstance(e, FillReport)]) == 3 or None

    rig.wait(three, "three fills, by the pulse alone")
    rig.close()


def test_when_the_file_cannot_be_written_nothing_was_done(rig: PaperRig, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id = place(rig, 100, "9.90")
    exchange = rig.broker._exchange
    assert exchange is not None

    def full(payload: bytes) -> None:
        raise JournalError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(exchange.journal, "append", full)
        for price in ("9.80", "10.01"):  # one that stands, and one that is filled at once: whole or not at all
            with pytest.raises(BrokerDownError):
                rig.broker.place(Requests().buy(100, price))
        with pytest.raises(BrokerDownError):
            rig.broker.cancel(order_id)
        assert [o.state for o in rig.broker.orders()] == [AttemptState.NEW]
        assert rig.broker.fills() == []
    rig.broker.cancel(order_id)
    assert listed(rig, order_id).state is AttemptState.CANCELED


def test_a_damaged_file_stops_this_account_and_says_so(rig: PaperRig) -> None:
    place(rig, 100, "9.90")
    rig.close()
    lines = rig.path.read_bytes().splitlines(keepends=True)
    for damage in ([b"x" + lines[0], *lines[1:]], [b"c0ffee00 {}\n", *lines]):
        rig.path.write_bytes(b"".join(damage))
        with pytest.raises(JournalDamagedError, match="模拟账户文件"):
            rig.broker.connect()
        assert b"".join(damage) == rig.path.read_bytes()  # left as found
        with pytest.raises(BrokerDownError):
            rig.broker.orders()
        rig.broker.observe(symbol=SYMBOL, price=Decimal(10), day=rig.broker.trading_day())


def test_a_file_of_a_newer_version_is_not_misread(rig: PaperRig) -> None:
    exchange = rig.broker._exchange
    assert exchange is not None
    exchange.journal.append(b'[{"kind":"dividend"}]')
    rig.close()
    with pytest.raises(JournalDamagedError, match="makes no sense"):
        rig.broker.connect()


def test_the_file_wins_over_the_configured_cash(rig: PaperRig) -> None:
    rig._cash = Decimal(5)
    rig.restart()
    assert rig.broker.asset().cash == 1_000_000
