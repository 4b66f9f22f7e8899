"""Who waits for the next commit is told of a commit, and of nothing else."""

import asyncio
from typing import Any

from jqfollow.ledger.ledger import Ledger
from ledger.samples import put


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
