"""Receipts go first, but never for ever."""

import asyncio

import pytest

from jqfollow.receipts import GIVE_WAY_S, NEXT_S, Receipts


async def test_nobody_waits_when_no_message_is_taken_in() -> None:
    receipts = Receipts()
    with pytest.raises(StopIteration):
        receipts.over().send(None)  # over at its first step
    with receipts.one():
        pass
    with pytest.raises(StopIteration):  # one alone is no burst
        receipts.over().send(None)


async def test_work_waits_for_a_message_that_is_being_taken_in() -> None:
    receipts, order = Receipts(), []

    async def take() -> None:
        with receipts.one():
            order.append("taken in")
            await asyncio.sleep(GIVE_WAY_S / 10)
            order.append("on disk")

    taking = asyncio.create_task(take())
    await asyncio.sleep(0)
    await receipts.over()
    assert order == ["taken in", "on disk"]
    await taking


async def test_in_a_burst_the_next_message_is_waited_for() -> None:
    receipts, loop = Receipts(), asyncio.get_running_loop()
    with receipts.one(), receipts.one():
        last = loop.time()
    await receipts.over()
    assert loop.time() >= last + NEXT_S


async def test_a_flood_holds_work_up_no_longer_than_is_said() -> None:
    receipts, loop = Receipts(), asyncio.get_running_loop()
    with receipts.one():
        began = loop.time()
        await receipts.over()
        assert loop.time() - began >= GIVE_WAY_S * 0.9
