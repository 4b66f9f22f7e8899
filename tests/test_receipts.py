"""Receipts go first, but never for ever."""

import asyncio

from jqfollow.receipts import GIVE_WAY_S, NEXT_S, Receipts


async def test_nobody_waits_when_no_message_is_taken_in() -> None:
    receipts, loop = Receipts(), asyncio.get_running_loop()
    began = loop.time()
    await receipts.over()
    with receipts.one():
        pass
    await receipts.over()
    assert loop.time() - began < NEXT_S, "one alone is no burst"


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
    for _ in range(2):
        with receipts.one():
            pass
    began = loop.time()
    await receipts.over()
    assert loop.time() - began >= NEXT_S / 2


async def test_a_flood_holds_work_up_no_longer_than_is_said() -> None:
    receipts, loop = Receipts(), asyncio.get_running_loop()
    with receipts.one():
        began = loop.time()
        await receipts.over()
        assert loop.time() - began >= GIVE_WAY_S * 0.9
