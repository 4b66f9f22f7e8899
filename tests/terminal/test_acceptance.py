"""The numbered cards of docs/acceptance.md on the whole service: signal to ledger, the terminal as judge."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jqfollow.domain import AttemptState, OrderState, WaitingFor
from jqfollow.ledger.rows import AttemptRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason

from .house import ACCOUNT, START, QmtHouse, hurry
from .modes import Mode
from .terminal import Terminal

CODE = "600000.XSHG"
DAY = date.fromisoformat(START[:10])
BUY = {"security": CODE, "side": "buy", "amount": 1000, "price": "10.00"}


@pytest.fixture
async def house(terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[QmtHouse]:
    hurry(monkeypatch)
    terminal.tell("reset", at=START, pulse_s=0.02, cash="10000000")
    async with QmtHouse(tmp_path, terminal) as house:
        house.market(CODE)
        yield house


async def buy(house: QmtHouse, **changes: Any) -> int:
    told = BUY | changes
    return await house.send("demo", told["security"], told["side"], told["amount"], price=told["price"])


async def attempt_in(house: QmtHouse, state: AttemptState) -> AttemptRow:
    def find(tx: Tx) -> AttemptRow | None:
        return next((a for a in tx.attempts.list(account=ACCOUNT, day=DAY) if a.state is state), None)

    return await house.until(find)


SETTLES_BY_ITSELF = [
    pytest.param([], id="00-all_well"),
    pytest.param([Mode.NO_ANSWER], id="01-no_answer"),
    pytest.param([Mode.MINUS_ONE_TAKEN], id="06-minus_one_taken"),
    pytest.param([Mode.REMARK_TRUNCATED, Mode.PUSHES_FIRST], id="08-remark_truncated"),
    pytest.param([Mode.REMARK_REWRITTEN, Mode.PUSHES_FIRST], id="08-remark_rewritten"),
    pytest.param([Mode.NO_ANSWER, Mode.REMARK_REWRITTEN], id="08-remark_rewritten_without_an_answer"),
    pytest.param([Mode.LOST_AFTER], id="11-lost_after"),
    pytest.param([Mode.LOST_AFTER, Mode.SILENT_LOSS], id="12-lost_silently"),
    pytest.param([Mode.PUSHES_TWICE], id="14-pushes_twice"),
    pytest.param([Mode.PUSHES_REVERSED], id="15-pushes_reversed"),
    pytest.param([Mode.REPLAY, Mode.LOST_AFTER], id="16-replay"),
    pytest.param([Mode.PUSHES_DROPPED], id="17-pushes_dropped"),
    pytest.param([Mode.LIST_LAGS, Mode.PUSHES_DROPPED], id="18-list_lags"),
    pytest.param([Mode.STOP_HANGS, Mode.LOST_AFTER], id="23-stop_hangs"),
]


@pytest.mark.parametrize("modes", SETTLES_BY_ITSELF)
async def test_filled_once_and_the_ledger_agrees(house: QmtHouse, modes: list[Mode]) -> None:
    house.go_wrong(*modes)
    signal_id = await buy(house)
    if Mode.LIST_LAGS in modes:
        await house.until(lambda tx: tx.attempts.list(account=ACCOUNT, day=DAY))
        await asyncio.to_thread(house.terminal.tell, "clock_at", forward_s=6)
    [order] = await house.agreed()
    await house.sweep()
    [told] = await house.done(signal_id, timeout_s=20)
    assert (told.state, told.filled) == (OrderState.FILLED, 1000)
    assert (order["state"], order["filled"]) == ("filled", 1000)
    book = await house.book(CODE, account=ACCOUNT)
    assert book.volume == 1000


async def test_02_a_late_answer_settles_what_was_unknown(house: QmtHouse) -> None:
    house.go_wrong(Mode.LATE_ANSWER, Mode.PUSHES_DROPPED, Mode.LIST_LAGS)
    await buy(house)
    await attempt_in(house, AttemptState.UNKNOWN)
    assert await asyncio.to_thread(house.terminal.tell, "release") == 1
    found = await attempt_in(house, AttemptState.NEW)
    assert found.broker_order_id
    house.go_wrong()
    assert len(await house.agreed()) == 1


@pytest.mark.parametrize(
    "modes", [pytest.param([Mode.MINUS_ONE], id="03-minus_one"), pytest.param([Mode.LOST_BEFORE], id="10-lost_before")]
)
async def test_unknown_until_a_person_looks(house: QmtHouse, modes: list[Mode]) -> None:
    house.go_wrong(*modes)
    first = await buy(house)
    attempt = await attempt_in(house, AttemptState.UNKNOWN)
    await house.ready()
    second = await buy(house, amount=500)  # of the same code and side: it waits

    def waits(tx: Tx) -> bool:
        return any(order.waiting_for is WaitingFor.UNKNOWN for order in tx.orders.of_signal(second))

    await house.until(waits)
    for _ in range(5):
        await house.sweep(after_s=5)
    assert await asyncio.to_thread(house.terminal.orders) == []
    assert await house.ledger.read(waits)
    answer = await house.console("POST", f"/api/orders/{attempt.order_id}/settle", json={"outcome": "not_placed"})
    assert answer.status_code == 200, answer.text
    await house.sweep()
    await house.done(first, second, timeout_s=20)
    orders = await house.agreed()
    assert sum(order["filled"] for order in orders) <= 1500


async def test_04_a_refusal_in_the_counters_words(house: QmtHouse) -> None:
    signal_id = await buy(house, amount=100, price="10.00")
    await house.done(signal_id)
    house.market(CODE, suspended=True)
    await asyncio.to_thread(house.terminal.tell, "market", symbol="600000.SH", last="10.00", suspended=False)
    sold = await house.send("demo", CODE, "sell", 100, price="10.00")  # T+1: nothing can be sold today
    await house.until(lambda tx: [o for o in tx.orders.of_signal(sold) if o.waiting_for is WaitingFor.NEXT_DAY])
    assert len(await asyncio.to_thread(house.terminal.orders)) == 1


async def test_05_the_reason_of_a_minus_one_comes_late(house: QmtHouse) -> None:
    house.go_wrong(Mode.LATE_REASON)
    await asyncio.to_thread(house.terminal.tell, "refuse", message="[COUNTER] 权限不足")
    signal_id = await buy(house)
    await attempt_in(house, AttemptState.UNKNOWN)
    await asyncio.to_thread(house.terminal.tell, "release")
    [order] = await house.done(signal_id)
    assert (order.state, order.filled) == (OrderState.REJECTED, 0)
    assert "权限不足" in str(dict(order.figures))
    assert await asyncio.to_thread(house.terminal.orders) == []


async def test_07_refused_by_push_only(house: QmtHouse) -> None:
    house.go_wrong(Mode.REFUSED_BY_PUSH)
    await asyncio.to_thread(house.terminal.tell, "refuse", message="[COUNTER] 权限不足")
    [order] = await house.done(await buy(house))
    assert (order.reason, order.filled) == (Reason.BROKER_REFUSED, 0)
    [attempt] = await house.attempts(order)
    assert attempt.state is AttemptState.REJECTED


async def test_19_empty_lists_while_the_counter_is_away_prove_nothing(house: QmtHouse) -> None:
    house.market(CODE, bid="9.99", ask="10.01", depth=100)
    await buy(house, amount=5000)
    await attempt_in(house, AttemptState.PARTIALLY_FILLED)
    house.market(CODE, last="10.06", prev_close="10.00")  # nobody sells at our price any more
    await house.agreed()
    before = await house.ledger.read(lambda tx: tx.attempts.live(ACCOUNT))
    house.go_wrong(Mode.EMPTY)
    await house.ready(is_ready=False)
    await house.sweep(after_s=60)
    assert await house.ledger.read(lambda tx: tx.attempts.live(ACCOUNT)) == before
    assert 0 < before[0].filled < 5000
    house.go_wrong()
    await house.ready()
    await house.agreed()


async def test_21_questions_hang_then_it_goes_on_by_itself(house: QmtHouse) -> None:
    house.go_wrong(Mode.QUERY_HANGS)
    await house.ready(is_ready=False)
    signal_id = await buy(house)
    assert await asyncio.to_thread(house.terminal.orders) == []
    house.go_wrong()
    await house.ready()
    [order] = await house.done(signal_id, timeout_s=20)
    assert order.state is OrderState.FILLED
    while house.service.parts.accounts[ACCOUNT].lanes.abandoned:  # noqa: ASYNC110  # vendor threads end by themselves
        await asyncio.sleep(0.01)
    await house.agreed()
