"""Cards 01 to 34 of docs/acceptance.md at the adapter: what a desk is told, and what the terminal really did."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from execution.brokers.contract import SYMBOL, Requests, accepted, listed, pushed_fills, quiet, wait_state
from jqfollow.domain import (
    Accepted,
    AttemptState,
    BrokerDownError,
    BrokerError,
    BrokerEvent,
    BrokerTimeoutError,
    Disconnected,
    FillReport,
    OrderReport,
    PlaceFailed,
    Refused,
)
from jqfollow.execution.brokers.qmt import QmtBroker
from jqfollow.execution.brokers.qmt_sessions import POOL_SIZE
from jqfollow.execution.lanes import Lane, Lanes

from .modes import Mode
from .qmt_rig import QmtRig
from .terminal import Terminal

DEADLINE_S = 0.25


@pytest.fixture
def make(rig: QmtRig) -> Requests:
    quiet(rig, SYMBOL)
    return Requests()


@pytest.fixture
async def lanes() -> AsyncIterator[Lanes]:
    lanes = Lanes("main")
    yield lanes
    await lanes.close(1)


def told(kind: type[BrokerEvent], remark: str) -> Callable[[list[BrokerEvent]], BrokerEvent | None]:
    return lambda events: next((e for e in events if isinstance(e, kind) and getattr(e, "remark", "") == remark), None)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  # what is waited for happens on other threads
            await asyncio.sleep(0.002)


async def in_threads(fn: Callable[..., object], *args: object) -> object:
    return await asyncio.get_running_loop().run_in_executor(None, fn, *args)


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


# -- lists


def test_18_the_list_lags_six_seconds(rig: QmtRig, make: Requests) -> None:
    rig.go_wrong(Mode.LIST_LAGS)
    order_id = accepted(rig, make.buy(100, "9.90"))
    assert list(rig.broker.orders()) == []
    assert not rig.broker.traits.absence_is_proof
    rig.terminal.tell("clock_at", forward_s=6)
    assert listed(rig, order_id).state is AttemptState.NEW


def test_19_empty_lists_of_a_terminal_without_its_counter(rig: QmtRig, make: Requests) -> None:
    accepted(rig, make.buy(300, "10.01"))
    rig.go_wrong(Mode.EMPTY)
    for question in (rig.broker.orders, rig.broker.fills, rig.broker.positions, rig.broker.asset):
        with pytest.raises(BrokerDownError):
            question()
    rig.go_wrong()
    assert len(rig.broker.orders()) == 1


def test_20_orders_of_other_programs_are_listed_with_their_own_remark(rig: QmtRig, make: Requests) -> None:
    other = rig.terminal.tell("manual", symbol=SYMBOL, side="buy", volume=200, price="9.80", remark="手工")
    ours = accepted(rig, make.buy(100, "9.90"))
    assert {o.broker_order_id: o.remark for o in rig.broker.orders()} == {other: "手工", ours: "jqtest0-1"}


# -- calls that hang


async def test_21_questions_hang_and_a_new_connection_sets_their_threads_free(rig: QmtRig, lanes: Lanes) -> None:
    rig.go_wrong(Mode.QUERY_HANGS)
    for _ in range(3):
        with pytest.raises(BrokerTimeoutError):
            await lanes.call(Lane.QUERY, rig.broker.asset, timeout_s=0.05)
    assert lanes.abandoned == 3
    rig.go_wrong()
    await lanes.call(Lane.QUERY, rig.broker.connect, timeout_s=20)
    await until(lambda: lanes.abandoned == 0)
    assert (await lanes.call(Lane.QUERY, rig.broker.asset, timeout_s=5)).cash == Decimal(1_000_000)


async def test_22_every_native_call_hangs(rig: QmtRig, make: Requests, lanes: Lanes) -> None:
    rig.go_wrong(Mode.CALLS_HANG)
    running, queued = make.buy(100, "9.90"), make.buy(200, "9.90")
    outcomes = await asyncio.gather(
        lanes.call(Lane.PLACE, lambda: rig.broker.place(running), timeout_s=DEADLINE_S),
        lanes.call(Lane.PLACE, lambda: rig.broker.place(queued), timeout_s=DEADLINE_S / 2),
        lanes.call(Lane.QUERY, rig.broker.asset, timeout_s=DEADLINE_S),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [BrokerTimeoutError, BrokerDownError, BrokerTimeoutError]
    assert rig.terminal.orders() == []
    rig.go_wrong()  # they go on: what was running arrives after all, what was queued never does
    await until(lambda: lanes.abandoned == 0)
    assert [o["remark"] for o in rig.terminal.orders()] == [running.remark]


async def test_23_stop_hangs_when_connecting_anew(rig: QmtRig, lanes: Lanes) -> None:
    rig.go_wrong(Mode.STOP_HANGS)
    await lanes.call(Lane.QUERY, rig.broker.connect, timeout_s=20)
    assert rig.broker.hung == 1
    assert rig.broker.asset().cash == Decimal(1_000_000)
    rig.go_wrong()
    await until(lambda: rig.broker.hung == 0)


def test_24_connecting_hangs_then_goes_on_with_another_session(terminal: Terminal, tmp_path: Path) -> None:
    rig = QmtRig(terminal, tmp_path, connect=False, connect_timeout_s=0.2)
    terminal.mode(Mode.CONNECT_HANGS)
    with pytest.raises(BrokerDownError, match="hangs"):
        rig.broker.connect()
    assert rig.broker.hung == 1
    terminal.mode()
    rig.broker._connect_timeout_s = 10
    rig.broker.connect()
    assert rig.broker.asset().cash == Decimal(1_000_000)
    rig.close()
    asyncio.run(until(lambda: rig.broker.hung == 0))


def test_24b_when_too_much_hangs_no_session_id_is_used_up(terminal: Terminal, tmp_path: Path) -> None:
    rig = QmtRig(terminal, tmp_path, connect=False, connect_timeout_s=0.05)
    rig.broker._threads._max_hung = 1
    terminal.mode(Mode.CONNECT_HANGS)
    with pytest.raises(BrokerDownError, match="hangs"):
        rig.broker.connect()
    for _ in range(2 * POOL_SIZE):
        with pytest.raises(BrokerDownError, match="restart"):
            rig.broker.connect()
    assert sum(session.taken for session in rig.broker._sessions._sessions) == 1
    terminal.mode()
    asyncio.run(until(lambda: not any(session.taken for session in rig.broker._sessions._sessions)))  # ended, late


async def test_25_quotes_hang(rig: QmtRig, make: Requests) -> None:
    assert rig.broker.quote(SYMBOL)
    rig.go_wrong(Mode.MARKET_HANGS)
    rig.broker._quotes._timeout_s = 0.1
    with pytest.raises(BrokerTimeoutError):
        rig.broker.quote(SYMBOL)
    assert rig.broker.asset().cash == Decimal(1_000_000)  # trading goes on
    rig.go_wrong()
    rig.broker._quotes._load().disconnect()  # the terminal is restarted: the vendor's request ends
    rig.broker._quotes._timeout_s = 5
    assert rig.broker.quote(SYMBOL)
    await until(lambda: rig.broker.hung == 0)


# -- the terminal's day


def test_26_logged_out_then_logged_in(terminal: Terminal, tmp_path: Path) -> None:
    rig = QmtRig(terminal, tmp_path, connect=False)
    terminal.mode(Mode.LOGGED_OUT)
    with pytest.raises(BrokerDownError, match="登录"):
        rig.broker.connect()
    with pytest.raises(BrokerDownError):
        rig.broker.place(Requests().buy(100, "9.90"))
    terminal.mode()
    rig.broker.connect()
    assert rig.broker.asset().cash == Decimal(1_000_000)
    rig.close()


def test_27_a_wrong_account_number(terminal: Terminal, tmp_path: Path) -> None:
    rig = QmtRig(terminal, tmp_path, connect=False, account_id="12345678")
    with pytest.raises(BrokerDownError, match="account_id"):
        rig.broker.connect()
    rig.close()


def test_28_the_terminal_is_restarted_in_the_morning(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        rig = QmtRig(terminal, tmp_path)
        quiet(rig, SYMBOL)
        standing = accepted(rig, Requests().buy(100, "9.90"))
        terminal.stop()
        rig.wait(lambda events: next((e for e in events if isinstance(e, Disconnected)), None), "the loss")
        with pytest.raises(BrokerDownError):
            rig.broker.connect()
        terminal.start()
        rig.broker.connect()
        assert listed(rig, standing).state is AttemptState.NEW
        rig.close()


def test_29_many_reconnects_use_few_session_ids(rig: QmtRig, terminal: Terminal) -> None:
    for session in rig.broker._sessions._sessions:
        session.used_at = None  # rested
    for _ in range(2 * POOL_SIZE):
        rig.broker.connect()
        for session in rig.broker._sessions._sessions:
            session.used_at = None
    files = {int(path.name.removeprefix("down_queue_")) for path in terminal.path.glob("down_queue_*")}
    assert len(files & set(rig.broker._sessions.numbers)) <= POOL_SIZE
    assert set(rig.broker._sessions.numbers) & files


async def test_30_the_event_loop_is_never_touched(rig: QmtRig, lanes: Lanes, make: Requests) -> None:
    loop, policy = asyncio.get_running_loop(), asyncio.get_event_loop_policy()
    await lanes.call(Lane.QUERY, rig.broker.connect, timeout_s=20)
    await lanes.call(Lane.PLACE, lambda: rig.broker.place(make.buy(100, "9.90")), timeout_s=20)
    assert asyncio.get_running_loop() is loop
    assert asyncio.get_event_loop_policy() is policy
    assert threading.get_ident() not in rig.push_threads()


# -- what is handed over


@pytest.fixture
def credit(terminal: Terminal, tmp_path: Path) -> Iterator[QmtRig]:
    rig = QmtRig(terminal, tmp_path, account_type="CREDIT")
    yield rig
    rig.close()


def test_31_a_credit_account_makes_collateral_trades(credit: QmtRig) -> None:
    quiet(credit, SYMBOL)
    credit.hold(SYMBOL, 100)
    make = Requests()
    accepted(credit, make.buy(100, "9.90"))
    accepted(credit, make.sell(100, "10.05"))
    sent = credit.terminal.record()["received"]
    assert [(row["m_nAccountType"], row["m_nOrderType"]) for row in sent] == [(3, 23), (3, 24)]


def test_32_what_reaches_the_terminal_is_a_limit_order_in_its_own_units(rig: QmtRig, make: Requests) -> None:
    bond = "113050.SH"
    rig.terminal.tell("market", symbol=bond, last="123.456", bid="123.455", ask="123.457", depth=1000)
    request = make.buy(10, "123.400", symbol=bond)
    accepted(rig, request)
    [sent] = rig.terminal.record()["received"]
    assert (sent["m_strStockCode"], sent["m_nOrderVolume"], sent["m_dPrice"]) == (bond, 10, 123.4)
    assert (sent["m_nPriceType"], sent["m_nOrderType"], sent["m_nAccountType"]) == (11, 23, 2)
    assert sent["m_strOrderRemark"] == request.remark
    assert listed(rig, rig.broker.orders()[0].broker_order_id).price == Decimal("123.4")


@pytest.mark.parametrize(
    "change",
    [
        *({"remark": remark} for remark in ("", "x" * 25, "备注")),
        *({"volume": volume} for volume in (0, -100)),
        *({"price": Decimal(price)} for price in ("0", "-1", "NaN", "Infinity")),
    ],
)
def test_33_what_no_terminal_should_see_is_not_sent(rig: QmtRig, make: Requests, change: dict[str, object]) -> None:
    from dataclasses import replace

    with pytest.raises(BrokerDownError):
        rig.broker.place(replace(make.buy(100, "9.90"), **change))
    assert rig.terminal.record()["received"] == []


def test_34_before_connect_everything_says_so(terminal: Terminal, tmp_path: Path) -> None:
    broker: QmtBroker = QmtRig(terminal, tmp_path, connect=False).broker
    for call in (
        broker.orders,
        broker.fills,
        broker.positions,
        broker.asset,
        lambda: broker.cancel("1"),
        lambda: broker.place(Requests().buy(100, "9.90")),
    ):
        with pytest.raises(BrokerDownError, match="not connected"):
            call()
