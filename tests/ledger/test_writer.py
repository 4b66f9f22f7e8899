"""Writing and reading through the ledger's threads: grouped commits, failures, waiters who leave, the end."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, Never

import pytest

from jqfollow.domain import SignalState
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.tx import Tx
from ledger.samples import NOW, Gate, an_order, connection_of, keys, put, signal


async def held(ledger: Ledger) -> tuple[Gate, asyncio.Task[None]]:
    """The writer is in the middle of a transaction until the gate opens."""
    gate = Gate()
    task = asyncio.create_task(ledger.write(gate))
    await gate.reached()
    return gate, task


async def until(condition: Callable[[], bool]) -> None:
    """Lets others run until `condition` holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  a thread makes it true, not a task
            await asyncio.sleep(0)


async def queued(ledger: Ledger, count: int) -> None:
    """As many transactions wait for the writer."""
    assert ledger._writer is not None
    await until(lambda: len(ledger._writer._waiting) >= count)


async def test_a_write_stands_once_it_is_answered(ledger: Ledger) -> None:
    assert await ledger.write(partial(put, key="a")) == "a"
    assert await ledger.read(lambda tx: tx.meta.get("a")) == "x"


async def test_waiting_writes_share_one_commit(ledger: Ledger) -> None:
    statements: list[str] = []
    await ledger.write(lambda tx: connection_of(tx).set_trace_callback(statements.append))
    gate, blocked = await held(ledger)
    writes = [asyncio.create_task(ledger.write(partial(put, key=str(number)))) for number in range(200)]
    await queued(ledger, 200)
    statements.clear()
    gate.opened.set()
    assert await asyncio.gather(*writes) == [str(number) for number in range(200)]
    await blocked
    # One for the gate's own transaction, one for the two hundred that waited for it.
    assert statements.count("COMMIT") == 2
    assert len(keys(ledger)) == 200


async def test_a_group_is_bounded(ledger: Ledger) -> None:
    statements: list[str] = []
    await ledger.write(lambda tx: connection_of(tx).set_trace_callback(statements.append))
    gate, blocked = await held(ledger)
    writes = [asyncio.create_task(ledger.write(partial(put, key=str(number)))) for number in range(300)]
    await queued(ledger, 300)
    statements.clear()
    gate.opened.set()
    await asyncio.gather(blocked, *writes)
    assert statements.count("COMMIT") == 1 + 2


async def test_transactions_run_in_order_and_see_each_other(ledger: Ledger) -> None:
    def count(tx: Tx) -> int:
        number = int(tx.meta.get("n") or 0) + 1
        tx.meta.set("n", str(number))
        return number

    assert await asyncio.gather(*(ledger.write(count) for _ in range(300))) == list(range(1, 301))


async def test_one_that_fails_undoes_itself_alone(ledger: Ledger) -> None:
    def fail(tx: Tx) -> Never:
        put(tx, "bad")
        raise ZeroDivisionError("on purpose")

    def impossible(tx: Tx) -> None:
        put(tx, "worse")
        tx.signals.finish(tx.signals.record(signal()).signal_id, SignalState.RECORDED, None)

    gate, blocked = await held(ledger)
    writes = [ledger.write(partial(put, key="a")), ledger.write(fail), ledger.write(impossible)]
    writes.append(ledger.write(partial(put, key="b")))
    tasks = [asyncio.create_task(write) for write in writes]
    await queued(ledger, 4)
    gate.opened.set()
    a, failed, refused, b = await asyncio.gather(*tasks, return_exceptions=True)
    await blocked
    assert (a, b) == ("a", "b")
    assert isinstance(failed, ZeroDivisionError)
    assert isinstance(refused, LedgerError)
    assert keys(ledger) == {"a", "b"}
    assert ledger.read_now(lambda tx: tx.signals.list()) == []


async def test_a_commit_that_fails_fails_the_whole_group_and_nothing_stands(ledger: Ledger) -> None:
    def dangling(tx: Tx) -> None:
        # Foreign keys are looked at when the commit comes: it is the commit that fails.
        connection_of(tx).execute("PRAGMA defer_foreign_keys = ON")
        tx.events.add(99, None, NOW, "x", "", "")

    gate, blocked = await held(ledger)
    tasks = [asyncio.create_task(ledger.write(fn)) for fn in (partial(put, key="a"), dangling, partial(put, key="b"))]
    await queued(ledger, 3)
    gate.opened.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    await blocked
    assert [type(outcome) for outcome in outcomes] == [LedgerError] * 3
    assert len({id(outcome) for outcome in outcomes}) == 3
    assert keys(ledger) == set()
    assert await ledger.write(partial(put, key="c")) == "c"


@pytest.mark.parametrize("swallowed", [False, True])
async def test_a_full_disk_fails_the_group_and_passes(ledger: Ledger, swallowed: bool) -> None:
    def limit_size(tx: Tx) -> None:
        pages = connection_of(tx).execute("PRAGMA page_count").fetchone()[0]
        connection_of(tx).execute(f"PRAGMA max_page_count = {pages}")

    def grow(tx: Tx) -> None:
        try:
            tx.meta.set("big", "x" * 1_000_000)
        except sqlite3.Error:
            if not swallowed:
                raise

    await ledger.write(limit_size)
    gate, blocked = await held(ledger)
    tasks = [asyncio.create_task(ledger.write(fn)) for fn in (partial(put, key="a"), grow)]
    await queued(ledger, 2)
    gate.opened.set()
    small, big = await asyncio.gather(*tasks, return_exceptions=True)
    await blocked
    assert isinstance(big, LedgerError)
    if not swallowed:
        assert "full" in big.en
        assert "磁盘" in big.zh
    # SQLite may give up the whole transaction then; what was answered stands, what was refused does not.
    assert keys(ledger) == ({"a"} if small == "a" else set())
    await ledger.write(lambda tx: connection_of(tx).execute("PRAGMA max_page_count = 1000000").fetchone() and None)
    await ledger.write(grow)
    assert "big" in keys(ledger)


async def test_when_sqlite_gives_the_transaction_up_the_group_fails(ledger: Ledger) -> None:
    """As it does by itself when the disk fails within a transaction."""

    def give_up(tx: Tx) -> None:
        connection_of(tx).execute("ROLLBACK")

    gate, blocked = await held(ledger)
    tasks = [asyncio.create_task(ledger.write(fn)) for fn in (partial(put, key="a"), give_up, partial(put, key="b"))]
    await queued(ledger, 3)
    gate.opened.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    await blocked
    assert [type(outcome) for outcome in outcomes] == [LedgerError] * 3
    assert keys(ledger) == set()
    assert await ledger.write(partial(put, key="c")) == "c"


async def test_a_waiter_that_leaves_does_not_stop_the_transaction(ledger: Ledger) -> None:
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    gate, blocked = await held(ledger)
    leaving = asyncio.create_task(ledger.write(partial(put, key="a")))
    failing = asyncio.create_task(ledger.write(lambda tx: 1 / 0))
    await queued(ledger, 2)
    leaving.cancel()
    failing.cancel()
    gate.opened.set()
    outcomes = await asyncio.gather(leaving, failing, blocked, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError, asyncio.CancelledError, type(None)]
    await ledger.write(partial(put, key="b"))
    assert keys(ledger) == {"a", "b"}
    assert complaints == []


def test_a_loop_that_has_ended_is_not_woken(ledger: Ledger) -> None:
    gate = Gate()

    async def leave() -> None:
        task = asyncio.create_task(ledger.write(gate))
        await gate.reached()
        later = asyncio.create_task(ledger.write(partial(put, key="a")))
        await queued(ledger, 1)
        task.cancel()
        later.cancel()
        await asyncio.gather(task, later, return_exceptions=True)

    asyncio.run(leave())
    gate.opened.set()
    ledger.write_now(partial(put, key="b"))
    assert keys(ledger) == {"a", "b"}


class Stop(BaseException):
    pass


@pytest.mark.parametrize("error", [Stop("now"), SystemExit(3), StopIteration(), GeneratorExit()])
async def test_whatever_a_transaction_raises_reaches_its_waiter_and_nobody_else(
    ledger: Ledger, error: BaseException
) -> None:
    def fail(tx: Tx) -> Never:
        put(tx, "bad")
        raise error

    for call in (ledger.write, ledger.read):
        with pytest.raises(LedgerError) as caught:
            await call(fail)
        assert caught.value.__cause__ is not None
    await ledger.write(partial(put, key="b"))
    assert keys(ledger) == {"b"}


async def test_a_read_that_failed_leaves_no_connection_behind(ledger: Ledger) -> None:
    used: list[sqlite3.Connection] = []

    def fail(tx: Tx) -> Never:
        used.append(connection_of(tx))
        raise ValueError("no answer")

    with pytest.raises(ValueError, match="no answer") as caught:
        await ledger.read(fail)
    assert caught.value.__cause__ is None
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        used[0].execute("SELECT 1")
    kept = await ledger.read(connection_of)
    assert kept is not used[0]
    assert await ledger.read(connection_of) is kept, "one that answered is used again"


async def test_three_read_at_once_and_who_comes_later_waits(ledger: Ledger) -> None:
    opened = threading.Event()
    reads = [asyncio.create_task(ledger.read(lambda _: opened.wait(10))) for _ in range(5)]
    await asyncio.sleep(0)
    assert sum(thread.name.startswith("ledger-read") for thread in threading.enumerate()) == 3
    opened.set()
    assert all(await asyncio.gather(*reads))


async def test_a_coroutine_function_is_no_transaction(ledger: Ledger) -> None:
    async def wrong(tx: Tx) -> None:
        put(tx, "a")

    for call in (ledger.write, ledger.read):
        with pytest.raises(TypeError, match="coroutine"):
            await call(wrong)


async def test_a_transaction_cannot_wait_for_another(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError, match="wait"):
        await ledger.write(lambda tx: ledger.write_now(partial(put, key="a")))


async def test_a_transaction_is_not_used_from_elsewhere(ledger: Ledger) -> None:
    stolen = await ledger.write(lambda tx: tx)
    with pytest.raises(sqlite3.ProgrammingError, match="thread"):
        stolen.meta.set("a", "b")


async def test_reads_see_one_moment_and_never_wait_for_the_writer(ledger: Ledger) -> None:
    await ledger.write(partial(put, key="a", value="1"))
    first_look, second_look = threading.Event(), threading.Event()

    def look_twice(tx: Tx) -> tuple[str | None, str | None]:
        before = tx.meta.get("a")
        first_look.set()
        assert second_look.wait(10)
        return before, tx.meta.get("a")

    reading = asyncio.create_task(ledger.read(look_twice))
    assert await asyncio.to_thread(first_look.wait, 10)
    await ledger.write(partial(put, key="a", value="2"))
    gate, blocked = await held(ledger)
    # The writer is busy, one reader sits on an old moment: others read what was committed last.
    assert await ledger.read(lambda tx: tx.meta.get("a")) == "2"
    second_look.set()
    assert await reading == ("1", "1")
    gate.opened.set()
    await blocked


async def test_reads_while_it_is_written(ledger: Ledger) -> None:
    """Both halves of each transaction, or none, whenever one looks."""

    def pair(number: int, tx: Tx) -> None:
        tx.meta.set("left", str(number))
        tx.meta.set("right", str(number))

    async def write_many() -> None:
        for number in range(200):
            await ledger.write(partial(pair, number))

    async def read_many() -> int:
        seen = set()
        while not writing.done():
            left, right = await ledger.read(lambda tx: (tx.meta.get("left"), tx.meta.get("right")))
            assert left == right
            seen.add(left)
        return len(seen)

    writing = asyncio.create_task(write_many())
    assert await read_many() > 1
    await writing


async def test_a_read_cannot_write(ledger: Ledger) -> None:
    with pytest.raises(LedgerError):
        await ledger.read(partial(put, key="a"))
    assert keys(ledger) == set()


async def test_closing_runs_what_waits_and_refuses_the_rest(path: Path) -> None:
    ledger = Ledger.open(path)
    gate, blocked = await held(ledger)
    writes = [asyncio.create_task(ledger.write(partial(put, key=str(number)))) for number in range(50)]
    await queued(ledger, 50)
    closing = asyncio.create_task(ledger.close())
    await until(lambda: ledger._readers._threads._shutdown)
    gate.opened.set()
    await closing
    await asyncio.gather(blocked, *writes)
    for call in (ledger.write, ledger.read):
        with pytest.raises(LedgerError, match="closed"):
            await call(partial(put, key="late"))
    await ledger.close()
    assert not path.with_name("ledger.db-wal").exists()
    with Ledger.open(path) as again:
        assert len(keys(again)) == 50


def test_too_many_waiting_writes_are_refused_at_once(ledger: Ledger) -> None:
    assert ledger._writer is not None
    gate = Gate()
    done: list[None] = []
    waiting: list[Future[Any]] = [ledger._writer.submit(gate)]
    assert gate.entered.wait(10)
    waiting += [ledger._writer.submit(lambda _: done.append(None)) for _ in range(10_000)]
    with pytest.raises(LedgerError, match="10000 transactions wait"):
        ledger._writer.submit(partial(put, key="more"))
    gate.opened.set()
    for future in waiting:
        future.result()
    assert len(done) == 10_000
    assert keys(ledger) == set()


def test_what_was_handed_over_cannot_be_taken_back(ledger: Ledger) -> None:
    assert ledger._writer is not None
    gate = Gate()
    ledger._writer.submit(gate)
    assert gate.entered.wait(10)
    waiting = ledger._writer.submit(partial(put, key="a"))
    assert not waiting.cancel()
    gate.opened.set()
    assert waiting.result() == "a"


async def test_who_fails_in_company_is_run_once_more_and_who_fails_alone_is_not(ledger: Ledger) -> None:
    runs: list[str] = []

    def fail(tx: Tx) -> Never:
        runs.append("fails")
        raise ZeroDivisionError

    def well(tx: Tx) -> None:
        runs.append("well")

    with pytest.raises(ZeroDivisionError):
        await ledger.write(fail)
    assert runs == ["fails"]
    await ledger.write_all([fail, well])
    assert runs == ["fails", "fails", "fails", "well"]


def test_a_program_ends_whoever_still_has_a_ledger_open(ledger: Ledger) -> None:
    writers = [thread for thread in threading.enumerate() if thread.name == "ledger-writer"]
    assert writers
    assert all(thread.daemon for thread in writers)


async def test_what_is_inserted_later_is_undone_with_its_transaction(ledger: Ledger) -> None:
    order = await ledger.write(an_order)

    def note(tx: Tx, event: str, *, fails: bool = False) -> int:
        tx.events.add(order.order_id, None, NOW, event, "a", "b")
        if fails:
            raise ValueError(event)
        return len(tx.events.of_order(order.order_id))

    outcomes = await ledger.write_all(
        [partial(note, event="one"), partial(note, event="two", fails=True), partial(note, event="three")]
    )
    assert [str(outcome) for outcome in outcomes] == ["1", "two", "2"]
    events = await ledger.read(lambda tx: tx.events.of_order(order.order_id))
    assert [event.event for event in events] == ["one", "three"]


async def test_a_row_that_cannot_be_inserted_later_fails_its_own_transaction(ledger: Ledger) -> None:
    def impossible(tx: Tx) -> None:
        tx.events.add(999, None, NOW, "x", "a", "b")

    first, second, third = await ledger.write_all([partial(put, key="a"), impossible, partial(put, key="b")])
    assert (first, third) == ("a", "b")
    assert isinstance(second, LedgerError)
    assert keys(ledger) == {"a", "b"}
