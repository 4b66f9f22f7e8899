"""What a ledger answers: whoever writes, whoever waits for the next commit, whoever closes it."""

import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.watched import Trouble
from ledger.samples import keys, put


def test_before_its_first_commit_none_has_failed(ledger: Ledger) -> None:
    assert (ledger.commits, ledger.commit_failed) == (0, False)


async def test_only_a_commit_wakes_who_waits_for_one(ledger: Ledger) -> None:
    went_wrong: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: went_wrong.append(context))
    await ledger.write(lambda tx: put(tx, "before"))
    since = ledger.commits
    waiters = [asyncio.create_task(ledger.committed(since, within_s=60)) for _ in range(2)]
    await asyncio.sleep(0)
    await ledger.read(lambda tx: tx.meta.get("before"))
    for _ in range(5):  # a future, who waits for it, and the task around
        await asyncio.sleep(0)
    assert not any(waiter.done() for waiter in waiters)
    await ledger.write(lambda tx: put(tx, "after"))
    await asyncio.gather(*waiters)
    await ledger.committed(since, within_s=60)  # long past: answered at once
    await ledger.committed(ledger.commits, within_s=0)
    assert went_wrong == []
    assert not ledger.commit_failed


def test_a_ledger_that_is_only_read_commits_nothing(ledger: Ledger) -> None:
    with Ledger.open(ledger.path, read_only=True) as reader:
        assert (reader.commits, reader.commit_failed) == (0, False)
        ledger.write_now(lambda tx: put(tx, "mark"))
        assert reader.commits == 0
    assert ledger.commits == 1


async def test_what_may_be_lost_is_not_taken(ledger: Ledger) -> None:
    ledger.trouble = Trouble(zh="账本没了", en="it is gone")
    for call in (ledger.write(partial(put, key="a")), ledger.write_all([partial(put, key="a")])):
        with pytest.raises(LedgerError) as caught:
            await call
        assert (caught.value.zh, caught.value.en) == ("账本没了", "it is gone")
    assert keys(ledger) == set()
    for trouble in (Trouble(zh="慢", en="it is slow", lost=False), None):
        ledger.trouble = trouble
        assert await ledger.write(partial(put, key=str(trouble))) == str(trouble)


async def test_nothing_to_write_is_no_commit(ledger: Ledger) -> None:
    assert await ledger.write_all([]) == []
    assert await ledger.write_all([partial(put, key="a"), partial(put, key="b")]) == ["a", "b"]
    assert ledger.commits == 1


def test_each_event_loop_has_its_own_answers(ledger: Ledger) -> None:
    for key in "ab":
        assert asyncio.run(asyncio.wait_for(ledger.write(partial(put, key=key)), 10)) == key  # type: ignore[arg-type]


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open cannot be asked for there")
async def test_a_closed_ledger_holds_no_file(path: Path) -> None:
    def held() -> list[str]:
        return [file.path for file in psutil.Process().open_files() if Path(file.path).parent == path.parent]

    ledger = Ledger.open(path)
    await ledger.write(partial(put, key="a"))
    await ledger.read(lambda tx: tx.meta.get("a"))
    await ledger.version()
    assert held()
    await ledger.close()
    assert held() == []
