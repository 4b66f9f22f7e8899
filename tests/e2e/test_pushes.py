"""Pushes that come twice, in the wrong order, or not at all, and connections that come and go."""

from pathlib import Path

import pytest

from jqfollow.domain import AttemptState, OrderState
from jqfollow.execution import supervisor
from jqfollow.execution.brokers.paper.faults import Pushes

from .house import House

CODE = "000001.XSHE"


@pytest.mark.parametrize("pushes", [Pushes.TWICE, Pushes.REVERSED])
async def test_repeated_and_disordered_pushes_change_nothing(tmp_path: Path, pushes: Pushes) -> None:
    async with House(tmp_path, execution={"price": "own", "force_after": 2}) as house:
        house.market(CODE, last="10.00")
        house.faults["paper"].pushes = pushes
        house.faults["paper"].max_fill = 300
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        await house.in_state(signal_id, OrderState.NEW)
        await house.sweep(after_s=31)
        [order] = await house.done(signal_id)
        assert (order.filled, (await house.book(CODE)).volume) == (1000, 1000)
        fills = await house.fills(order)
        assert sum(fill.volume for fill in fills) == 1000
        [position] = house.brokers["paper"].positions()
        assert position.volume == 1000


async def test_lost_pushes_are_made_up_for_by_the_lists(tmp_path: Path) -> None:
    async with House(tmp_path, execution={"price": "own", "force_after": 2}) as house:
        house.market(CODE, last="10.00")
        house.faults["paper"].pushes = Pushes.DROPPED
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        order = await house.in_state(signal_id, OrderState.NEW)
        await house.sweep(after_s=31)  # cancelled, and nobody tells
        await house.sweep()
        await house.until(lambda tx: len(tx.attempts.of_order(order.order_id)) == 2)
        await house.sweep()
        [order] = await house.done(signal_id)
        assert (order.filled, [a.state for a in await house.attempts(order)]) == (
            1000,
            [AttemptState.CANCELED, AttemptState.FILLED],
        )


async def test_fills_that_come_after_the_order_was_told_as_filled_are_waited_for(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE, last="10.00")
        house.faults["paper"].pushes_held = True
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        await house.until(lambda tx: [a for a in tx.attempts.live("paper") if a.broker_order_id])
        assert (await house.book(CODE)).volume == 0
        house.faults["paper"].pushes_held = False
        [order] = await house.done(signal_id)
        assert (order.filled, (await house.book(CODE)).volume) == (1000, 1000)


async def test_what_happened_while_the_connection_was_lost_is_found_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "PROBE_EVERY_S", 0.02)
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.02,))
    async with House(tmp_path) as house:
        house.market(CODE, last="10.00")
        resting = await house.send("demo", CODE, "buy", 1000, limit="9.90")
        await house.in_state(resting, OrderState.NEW)
        house.brokers["paper"].drop("券商终端退出")
        house.market(CODE, last="9.80", prev_close="10.00")
        [order] = await house.done(resting)
        assert order.filled == 1000
        [order] = await house.done(await house.send("demo", CODE, "buy", 100, price="9.80"))
        assert order.filled == 100


async def test_a_restart_takes_up_what_rests_at_the_broker(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE, last="10.00")
        resting = await house.send("demo", CODE, "buy", 1000, limit="9.90")
        await house.in_state(resting, OrderState.NEW)
        await house.restart()
        house.market(CODE, last="9.80", prev_close="10.00")
        [order] = await house.done(resting)
        assert (order.filled, len(await house.attempts(order))) == (1000, 1)
