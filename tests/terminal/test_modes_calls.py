"""Cards 18 to 34 of docs/acceptance.md at the adapter: what a desk is told, and what the terminal really did."""

import asyncio
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from execution.brokers.contract import SYMBOL, Requests, accepted, listed, quiet
from jqfollow.domain import (
    AttemptState,
    BrokerDownError,
    BrokerTimeoutError,
    Disconnected,
)
from jqfollow.execution.brokers.miniqmt.broker import QmtBroker
from jqfollow.execution.brokers.miniqmt.sessions import POOL_SIZE
from jqfollow.execution.lanes import Lane, Lanes

from .modes import Mode
from .qmt_rig import QmtRig, until
from .terminal import Terminal

DEADLINE_S = 0.25


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
