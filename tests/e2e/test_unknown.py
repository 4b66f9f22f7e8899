"""Placing calls whose answer does not come: nothing is doubled, the same code and side waits, people are told."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from jqfollow.domain import AttemptState, BrokerError, OrderState, PlaceRequest, WaitingFor
from jqfollow.execution import accounts
from jqfollow.execution.brokers.paper.faults import Pushes
from jqfollow.execution.brokers.port import BrokerTraits
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.rows import AttemptRow, OrderRow

from .house import House, arrived

CODE = "000001.XSHE"
SYMBOL = "000001.SZ"
DOUBTFUL = {"paper": BrokerTraits(real=False, absence_is_proof=False, always_open=True)}
"""An account at whose broker only a list that shows an order proves something, as at a terminal."""
LOST = BrokerError("没有答复")


@pytest.fixture(autouse=True)
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "PLACE_TIMEOUT_S", 0.15)


async def unknown(house: House) -> AttemptRow:
    return await house.until(lambda tx: next(iter(tx.attempts.unknown("paper")), None))


async def buy(house: House, amount: int = 1000, **more: Any) -> int:
    return await house.send("demo", CODE, "buy", amount, **({"price": "10.00"} | more))


def held(house: House) -> int:
    return sum(position.volume for position in house.brokers["paper"].positions())


async def only(house: House, signal_id: int) -> OrderRow:
    return await house.until(lambda tx: next(iter(tx.orders.of_signal(signal_id)), None))


async def test_an_answer_that_was_lost_is_found_in_the_list(tmp_path: Path) -> None:
    async with House(tmp_path, traits=DOUBTFUL, wecom=True) as house:
        house.market(CODE)
        house.faults["paper"].pushes = Pushes.DROPPED
        house.faults["paper"].fail("place", LOST, after=True)
        signal_id = await buy(house)
        await unknown(house)
        await house.sweep()
        [order] = await house.done(signal_id)
        assert (order.filled, held(house), len(await house.attempts(order))) == (1000, 1000, 1)
        await house.told("【急】委托结果未知", "1,000 股")


async def test_an_order_that_never_arrived_is_placed_again_where_the_list_proves_it(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE)
        house.faults["paper"].fail("place", LOST)
        signal_id = await buy(house)
        await house.until(lambda tx: [a for a in tx.attempts.of_order(1) if a.state != "pending_new"])
        await house.sweep()
        await house.sweep(after_s=2)
        [order] = await house.done(signal_id)
        assert [a.state for a in await house.attempts(order)] == [AttemptState.REJECTED, AttemptState.FILLED]
        assert (order.filled, held(house)) == (1000, 1000)


async def test_where_a_list_proves_nothing_it_stays_unknown_and_the_same_side_waits(tmp_path: Path) -> None:
    async with House(tmp_path, traits=DOUBTFUL) as house:
        house.market(CODE)
        house.faults["paper"].fail("place", LOST)
        await buy(house)
        await unknown(house)
        second = await buy(house, 300)
        other = await house.send("demo", "600000.XSHG", "buy", 100, price="10.00")
        await house.done(other)
        for _ in range(3):
            await house.sweep(after_s=100)
        order = await only(house, second)
        assert (order.state, order.waiting_for) == (OrderState.PENDING_NEW, WaitingFor.UNKNOWN)
        assert held(house) == 100
        assert len((await house.get("/api/status"))["unknown"]) == 1


async def test_a_late_answer_settles_it(tmp_path: Path) -> None:
    async with House(tmp_path, traits=DOUBTFUL) as house:
        house.market(CODE)
        house.faults["paper"].pushes = Pushes.DROPPED
        gate = house.faults["paper"].hang("place")
        signal_id = await buy(house)
        attempt = await unknown(house)
        gate.release()
        await house.until(lambda tx: tx.attempts.of_order(attempt.order_id)[0].broker_order_id)
        await house.sweep()
        [order] = await house.done(signal_id)
        assert (order.filled, held(house), len(await house.attempts(order))) == (1000, 1000, 1)


async def test_a_late_refusal_settles_it_and_lets_the_next_attempt_begin(tmp_path: Path) -> None:
    async with House(tmp_path, traits=DOUBTFUL) as house:
        house.market(CODE)
        house.faults["paper"].refuse("[COUNTER][140001][委托价格超过涨停价]")
        gate = house.faults["paper"].hang("place")
        signal_id = await buy(house)
        await unknown(house)
        gate.release()
        await house.until(lambda tx: not tx.attempts.unknown("paper"))
        await house.sweep(after_s=2)
        [order] = await house.done(signal_id)
        assert (order.filled, held(house), len(await house.attempts(order))) == (1000, 1000, 2)


async def test_absence_proves_nothing_while_the_call_may_still_be_made(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE)
        gate = house.faults["paper"].hang("place")
        signal_id = await buy(house)
        attempt = await unknown(house)
        for _ in range(3):
            await house.sweep(after_s=100)
        assert (await house.attempts(await only(house, signal_id)))[0].state is AttemptState.UNKNOWN
        gate.release()
        [order] = await house.done(signal_id)
        assert (order.filled, held(house)) == (1000, 1000)
        assert [a.attempt_id for a in await house.attempts(order)] == [attempt.attempt_id]


@pytest.mark.parametrize("came_through", [True, False])
@pytest.mark.parametrize("doubtful", [True, False])
async def test_a_restart_finds_what_was_about_to_be_handed_over(
    tmp_path: Path, came_through: bool, doubtful: bool
) -> None:
    async with House(tmp_path, traits=DOUBTFUL if doubtful else None) as house:
        house.market(CODE)
        gate = house.faults["paper"].hang("place", after=came_through)
        signal_id = await buy(house)
        await arrived(gate)  # its intent stands; the fill may have ended it already
        await house.crash()
        await house.start()
        if came_through or not doubtful:
            await house.sweep(after_s=2)
            [order] = await house.done(signal_id)
            assert (order.filled, held(house)) == (1000, 1000)
            assert len(await house.attempts(order)) == (1 if came_through else 2)
        else:
            assert (await unknown(house)).volume == 1000
            assert held(house) == 0


async def test_a_person_says_that_it_was_not_placed(tmp_path: Path) -> None:
    async with House(tmp_path, traits=DOUBTFUL) as house:
        house.market(CODE)
        house.faults["paper"].fail("place", LOST)
        signal_id = await buy(house)
        attempt = await unknown(house)
        await settle(house, attempt, {"outcome": "not_placed"})
        await house.sweep(after_s=2)
        [order] = await house.done(signal_id)
        assert (order.filled, held(house)) == (1000, 1000)
        again = await house.console("POST", f"/api/orders/{order.order_id}/settle", json={"outcome": "not_placed"})
        assert again.status_code in {404, 409, 422}


@pytest.mark.parametrize("told", [{"outcome": "not_placed"}, {"outcome": "ended"}])
async def test_a_person_cannot_end_what_is_still_on_its_way(tmp_path: Path, told: dict[str, str]) -> None:
    """The terminal does not show it yet, and the call that hangs may still bring it there."""
    async with House(tmp_path, traits=DOUBTFUL) as house:
        house.market(CODE)
        gate = house.faults["paper"].hang("place")
        signal_id = await buy(house)
        attempt = await unknown(house)
        refused = await house.console("POST", f"/api/orders/{attempt.order_id}/settle", json=told)
        assert refused.status_code in {409, 422}
        assert attempt.remark in refused.text
        gate.release()
        [order] = await house.done(signal_id)
        assert (order.filled, held(house)) == (1000, 1000)
        assert len(await house.attempts(order)) == 1
        assert house.service.parts.accounts["paper"].unreturned == set()


async def test_nor_what_has_arrived_and_cannot_be_written_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with House(tmp_path, traits=DOUBTFUL, pulse_s=None) as house:
        house.market(CODE)
        house.faults["paper"].pushes = Pushes.DROPPED
        gate = house.faults["paper"].hang("place")
        signal_id = await buy(house)
        attempt = await unknown(house)
        kept = threading.Event()

        def full(*_: object, **__: object) -> Any:
            kept.set()
            raise LedgerError("the disk is full", "磁盘已满")

        with monkeypatch.context() as patched:
            patched.setattr(house.service.parts.desk, "_answered", full)
            gate.release()
            assert await asyncio.to_thread(kept.wait, 10)
            path = f"/api/orders/{attempt.order_id}/settle"
            refused = await house.console("POST", path, json={"outcome": "not_placed"})
            assert refused.status_code in {409, 422}
        await house.sweep(after_s=2)
        [order] = await house.done(signal_id)
        assert (order.filled, held(house), len(await house.attempts(order))) == (1000, 1000, 1)


async def test_a_person_names_the_brokers_order(tmp_path: Path) -> None:
    async with House(tmp_path, traits=DOUBTFUL) as house:
        house.market(CODE)
        faults = house.faults["paper"]
        faults.pushes, faults.remark = Pushes.DROPPED, lambda _: ""
        faults.list_lag_s = 500
        faults.fail("place", LOST, after=True)
        signal_id = await buy(house)
        attempt = await unknown(house)
        house.forward(300)  # too late for a match by terms: the broker's time and ours are told apart
        faults.list_lag_s = 0
        [report] = house.brokers["paper"].orders()
        faults.list_lag_s = 500
        await settle(house, attempt, {"outcome": "placed", "broker_order_id": report.broker_order_id})
        faults.list_lag_s = 0
        await house.sweep()
        [order] = await house.done(signal_id)
        assert (order.filled, held(house), len(await house.attempts(order))) == (1000, 1000, 1)


async def test_a_person_says_how_it_ended(tmp_path: Path) -> None:
    async with House(tmp_path, traits=DOUBTFUL) as house:
        house.market(CODE)
        house.faults["paper"].fail("place", LOST)
        signal_id = await buy(house)
        attempt = await unknown(house)
        bad = {"outcome": "ended", "filled": 1100, "price": "10.02"}
        assert (await house.console("POST", f"/api/orders/{attempt.order_id}/settle", json=bad)).status_code >= 400
        await settle(house, attempt, {"outcome": "ended", "filled": 400, "price": "10.02"})
        [order] = await house.done(signal_id)
        assert (order.state, order.filled, str(order.avg_price)) == (OrderState.CANCELED, 400, "10.02")
        assert (await house.book(CODE)).volume == 400


async def settle(house: House, attempt: AttemptRow, settlement: dict[str, Any]) -> None:
    answer = await house.console("POST", f"/api/orders/{attempt.order_id}/settle", json=settlement)
    assert answer.status_code == 200, answer.text


async def test_two_orders_that_look_alike_are_not_matched_by_their_terms(tmp_path: Path) -> None:
    async with House(tmp_path, traits=DOUBTFUL) as house:
        house.market(CODE)
        faults = house.faults["paper"]
        faults.pushes, faults.remark = Pushes.DROPPED, lambda _: ""
        faults.fail("place", LOST, after=True)
        signal_id = await buy(house)
        attempt = await unknown(house)
        by_hand = PlaceRequest(
            attempt_id=0,
            remark="",
            symbol=attempt.security,
            side=attempt.side,
            volume=attempt.volume,
            price=attempt.price,
        )
        house.brokers["paper"].place(by_hand)  # a person buys the same in the terminal
        for _ in range(3):
            await house.sweep()
        assert (await house.attempts(await only(house, signal_id)))[0].state is AttemptState.UNKNOWN
