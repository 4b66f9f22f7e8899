import asyncio
import functools
import random
import threading
import time
from collections.abc import AsyncIterator, Callable

import pytest

from jqfollow.domain import BrokerDownError, BrokerTimeoutError
from jqfollow.execution.lanes import Lane, Lanes


class Vendor:
    """A call that blocks until it is let go, and remembers that it was made."""

    def __init__(self, answer: object = "answer") -> None:
        self.answer = answer
        self.made = threading.Event()
        self.let_go = threading.Event()

    def __call__(self) -> object:
        self.made.set()
        assert self.let_go.wait(30), "the test forgot to let the vendor go"
        return self.answer


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  # what is waited for happens on other threads
            await asyncio.sleep(0.001)


@pytest.fixture
async def lanes() -> AsyncIterator[Lanes]:
    lanes = Lanes("main", max_abandoned=2)
    yield lanes
    await lanes.close(5)


async def test_an_answer_comes_through(lanes: Lanes) -> None:
    assert await lanes.call(Lane.QUERY, lambda: 42, timeout_s=5) == 42
    assert lanes.under_way(Lane.QUERY) == 0


@pytest.mark.parametrize("error", [ValueError("no"), StopIteration("odd"), SystemExit(3), KeyboardInterrupt()])
async def test_what_fn_raises_comes_through(lanes: Lanes, error: BaseException) -> None:
    def fn() -> None:
        raise error

    caught: list[BaseException] = []
    try:
        await lanes.call(Lane.PLACE, fn, timeout_s=5)
    except BaseException as raised:  # noqa: BLE001
        caught.append(raised)
    [got] = caught
    assert got is error or got.__cause__ is error  # a coroutine turns StopIteration into RuntimeError
    assert await lanes.call(Lane.PLACE, lambda: "alive", timeout_s=5) == "alive"


async def test_fn_never_runs_on_the_loops_thread(lanes: Lanes) -> None:
    threads = [await lanes.call(lane, threading.current_thread, timeout_s=5) for lane in Lane]
    assert threading.current_thread() not in threads
    assert len(set(threads)) == len(Lane)
    assert all(thread.daemon for thread in threads)


async def test_one_lane_keeps_the_order_of_arrival(lanes: Lanes) -> None:
    made: list[int] = []
    await asyncio.gather(*(lanes.call(Lane.PLACE, lambda n=n: made.append(n), timeout_s=20) for n in range(50)))
    assert made == list(range(50))


async def test_running_past_the_deadline_is_unknown_and_its_late_answer_is_handed_over(lanes: Lanes) -> None:
    vendor = Vendor("order 7")
    late: list[tuple[Lane, object]] = []
    with pytest.raises(BrokerTimeoutError, match="unknown"):
        await lanes.call(Lane.PLACE, vendor, timeout_s=0.1, on_late=lambda lane, got: late.append((lane, got)))
    assert vendor.made.is_set()
    assert lanes.under_way(Lane.PLACE) == lanes.abandoned == 1
    assert await lanes.call(Lane.PLACE, lambda: "next", timeout_s=5) == "next"  # its thread was replaced
    assert not late
    vendor.let_go.set()
    await until(lambda: bool(late))
    assert late == [(Lane.PLACE, "order 7")]
    assert lanes.under_way(Lane.PLACE) == lanes.abandoned == 0


async def test_a_late_error_is_handed_over_too(lanes: Lanes) -> None:
    vendor = Vendor()
    late: list[object] = []

    def fn() -> object:
        vendor()
        raise ValueError("late")

    with pytest.raises(BrokerTimeoutError):
        await lanes.call(Lane.PLACE, fn, timeout_s=0.1, on_late=lambda _lane, got: late.append(got))
    vendor.let_go.set()
    await until(lambda: bool(late))
    assert isinstance(late[0], ValueError)


async def test_queued_past_the_deadline_is_taken_back_and_never_runs(lanes: Lanes) -> None:
    first, second = Vendor(), Vendor()
    waiting = asyncio.create_task(lanes.call(Lane.PLACE, first, timeout_s=20))
    await until(first.made.is_set)
    with pytest.raises(BrokerDownError, match="not sent"):
        await lanes.call(Lane.PLACE, second, timeout_s=0.01)
    first.let_go.set()
    assert await waiting == "answer"
    await lanes.close(5)
    assert not second.made.is_set()


async def test_the_thread_looks_at_the_deadline_once_more(lanes: Lanes) -> None:
    """The loop is busy when the turn comes late: its own timer has not fired yet."""
    first = Vendor()
    second = Vendor()
    waiting = asyncio.create_task(lanes.call(Lane.PLACE, first, timeout_s=20))
    await until(first.made.is_set)
    late = asyncio.create_task(lanes.call(Lane.PLACE, second, timeout_s=0.002))
    await asyncio.sleep(0)
    time.sleep(0.004)  # noqa: ASYNC251  # the loop is held on purpose, past the second's deadline
    first.let_go.set()
    time.sleep(0.004)  # noqa: ASYNC251  # the thread meets the second while the loop cannot take it back
    assert await waiting == "answer"
    with pytest.raises(BrokerDownError):
        await late
    assert not second.made.is_set()


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan"), float("-inf")])
async def test_no_time_left_is_not_sent(lanes: Lanes, timeout_s: float) -> None:
    vendor = Vendor()
    with pytest.raises(BrokerDownError):
        await lanes.call(Lane.PLACE, vendor, timeout_s=timeout_s)
    assert lanes.under_way(Lane.PLACE) == 0
    assert not vendor.made.is_set()


async def test_a_hung_lane_holds_up_no_other(lanes: Lanes) -> None:
    vendor = Vendor()
    waiting = asyncio.create_task(lanes.call(Lane.QUERY, vendor, timeout_s=20))
    await until(vendor.made.is_set)
    assert await lanes.call(Lane.PLACE, lambda: "placed", timeout_s=5) == "placed"
    vendor.let_go.set()
    await waiting


async def test_too_many_hang_then_calls_are_turned_away_until_one_returns(lanes: Lanes) -> None:
    vendors = [Vendor(), Vendor()]
    for vendor in vendors:
        with pytest.raises(BrokerTimeoutError):
            await lanes.call(Lane.QUERY, vendor, timeout_s=0.1)
    turned_away = Vendor()
    with pytest.raises(BrokerDownError, match="2 calls hang"):
        await lanes.call(Lane.QUERY, turned_away, timeout_s=20)
    assert await lanes.call(Lane.PLACE, lambda: "placed", timeout_s=5) == "placed"
    vendors[0].let_go.set()
    await until(lambda: lanes.abandoned == 1)
    assert await lanes.call(Lane.QUERY, lambda: "back", timeout_s=5) == "back"
    vendors[1].let_go.set()
    await until(lambda: lanes.abandoned == 0)
    assert not turned_away.made.is_set()


async def test_the_last_thread_that_hangs_sends_the_queue_back(lanes: Lanes) -> None:
    vendors = [Vendor(), Vendor()]
    queued = Vendor()
    with pytest.raises(BrokerTimeoutError):
        await lanes.call(Lane.PLACE, vendors[0], timeout_s=0.1)
    second = asyncio.create_task(lanes.call(Lane.PLACE, vendors[1], timeout_s=0.1))
    third = asyncio.create_task(lanes.call(Lane.PLACE, queued, timeout_s=600))
    with pytest.raises(BrokerTimeoutError):
        await second
    with pytest.raises(BrokerDownError, match="certainly not sent"):
        await third
    for vendor in vendors:
        vendor.let_go.set()
    await until(lambda: lanes.abandoned == 0)
    assert not queued.made.is_set()


async def test_cancelled_in_the_queue_never_runs(lanes: Lanes) -> None:
    first, second = Vendor(), Vendor()
    waiting = asyncio.create_task(lanes.call(Lane.PLACE, first, timeout_s=20))
    await until(first.made.is_set)
    cancelled = asyncio.create_task(lanes.call(Lane.PLACE, second, timeout_s=20))
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    first.let_go.set()
    await waiting
    assert await lanes.call(Lane.PLACE, lambda: "next", timeout_s=5) == "next"
    assert not second.made.is_set()


async def test_cancelled_while_running_stays_under_way_and_its_answer_is_late(lanes: Lanes) -> None:
    vendor = Vendor()
    late: list[object] = []
    task = asyncio.create_task(
        lanes.call(Lane.PLACE, vendor, timeout_s=20, on_late=lambda _lane, got: late.append(got))
    )
    await until(vendor.made.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert lanes.under_way(Lane.PLACE) == 1
    vendor.let_go.set()
    await until(lambda: bool(late))
    assert late == ["answer"]
    assert lanes.under_way(Lane.PLACE) == 0


async def test_cancelled_while_running_then_hanging_is_replaced_at_its_deadline(lanes: Lanes) -> None:
    vendor = Vendor()
    task = asyncio.create_task(lanes.call(Lane.PLACE, vendor, timeout_s=0.05))
    await until(vendor.made.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: lanes.abandoned == 1)
    assert await lanes.call(Lane.PLACE, lambda: "next", timeout_s=5) == "next"
    vendor.let_go.set()
    await until(lambda: lanes.abandoned == 0)


async def test_close_leaves_a_hung_call_behind_and_says_what_became_of_each() -> None:
    lanes = Lanes("main")
    hung, queued = Vendor(), Vendor()
    running = asyncio.create_task(lanes.call(Lane.PLACE, hung, timeout_s=600))
    waiting = asyncio.create_task(lanes.call(Lane.PLACE, queued, timeout_s=600))
    await until(hung.made.is_set)
    async with asyncio.timeout(10):
        await lanes.close(0.02)
    with pytest.raises(BrokerTimeoutError):
        await running
    with pytest.raises(BrokerDownError):
        await waiting
    with pytest.raises(BrokerDownError, match="stopping"):
        await lanes.call(Lane.QUERY, lambda: 1, timeout_s=5)
    hung.let_go.set()
    await until(lambda: lanes.abandoned == 0)
    assert not queued.made.is_set()


async def test_close_waits_for_a_call_that_ends_in_time() -> None:
    lanes = Lanes("main")
    vendor = Vendor()
    running = asyncio.create_task(lanes.call(Lane.CANCEL, vendor, timeout_s=600))
    await until(vendor.made.is_set)
    closing = asyncio.create_task(lanes.close(600))
    await asyncio.sleep(0)
    vendor.let_go.set()
    await closing
    assert await running == "answer"
    await lanes.close(600)  # again: nothing to wait for


def test_a_call_that_hangs_does_not_hold_up_a_closed_loop() -> None:
    vendor = Vendor()

    async def abandon() -> None:
        lanes = Lanes("main")
        with pytest.raises(BrokerTimeoutError):
            await lanes.call(Lane.PLACE, vendor, timeout_s=0.1)

    asyncio.run(abandon())
    before = threading.active_count()
    vendor.let_go.set()  # answers into a loop that is gone: nothing may be raised on the thread
    for thread in threading.enumerate():
        if thread.name == "main-place":
            thread.join(10)
    assert threading.active_count() < before


class Storm:
    """Deadlines, cancellations and answers race; keeps what was done and what was told of it."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.lanes = Lanes("main", max_abandoned=10_000)
        self.made: list[int] = []
        self.late: set[int] = set()
        self.told: dict[int, str] = {}

    def vendor_call(self, n: int, busy_s: float) -> int:
        self.made.append(n)
        if busy_s:
            time.sleep(busy_s)
        return n

    async def one(self, n: int) -> None:
        fn = functools.partial(self.vendor_call, n, self.rng.choice([0, 0, 0.0003, 0.001]))
        lane = self.rng.choice([Lane.PLACE, Lane.QUERY])
        timeout_s = self.rng.choice([1e-6, 0.0005, 0.002, 0.01, 0.05])
        try:
            assert await self.lanes.call(lane, fn, timeout_s=timeout_s, on_late=lambda _, got: self.late.add(got)) == n
            self.told[n] = "answered"
        except BrokerDownError:
            self.told[n] = "not sent"
        except BrokerTimeoutError:
            self.told[n] = "unknown"
        except asyncio.CancelledError:
            self.told[n] = "cancelled"

    async def rage(self) -> None:
        tasks = []
        for n in range(200):
            tasks.append(asyncio.create_task(self.one(n)))
            if self.rng.random() < 0.3:
                await asyncio.sleep(self.rng.choice([0, 0.0005]))
            if self.rng.random() < 0.2:
                self.rng.choice(tasks).cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.lanes.close(20)
        await until(lambda: self.lanes.abandoned == 0)


@pytest.mark.parametrize("seed", range(8))
async def test_what_is_told_is_true_of_what_was_done(seed: int) -> None:
    storm = Storm(seed)
    await storm.rage()
    made = set(storm.made)
    assert len(made) == len(storm.made)  # nothing runs twice
    said = {what: {n for n, told in storm.told.items() if told == what} for what in set(storm.told.values())}
    assert not said.get("not sent", set()) & made
    assert said.get("answered", set()) | said.get("unknown", set()) <= made
    expected_late = said.get("unknown", set()) | (said.get("cancelled", set()) & made)
    await until(lambda: len(storm.late) >= len(expected_late))
    assert storm.late == expected_late
