"""A long read gives way to who trades, and an urgent one waits for no other."""

import asyncio
import threading
from pathlib import Path

import pytest

from jqfollow.ledger import Ledger, pace
from jqfollow.ledger.pace import LIVELY_S, REST_S, WORK_S, Pace


class Time:
    """A clock that goes on while somebody sleeps, and by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.rested: list[float] = []
        monkeypatch.setattr(pace, "monotonic", lambda: self.now)
        monkeypatch.setattr(pace, "sleep", self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.rested.append(seconds)
        self.now += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


def test_a_long_read_works_and_rests_by_turns_while_somebody_trades(time: Time) -> None:
    committed_at = time.now
    paced = Pace(lambda: committed_at)
    for _ in range(5):
        paced.breathe()
    assert time.rested == [], "nothing was worked off yet"
    time.now += 2 * WORK_S
    paced.breathe()
    paced.breathe()
    assert time.rested == [REST_S]
    committed_at = time.now
    time.now += 2 * LIVELY_S
    paced.breathe()
    assert time.rested == [REST_S], "the last commit is long ago: nobody trades"
    committed_at = time.now
    time.now += 2 * WORK_S
    paced.breathe()
    assert time.rested == [REST_S, REST_S]


@pytest.mark.parametrize("many", [0, 1, 31, 32, 33, 100])
def test_nothing_is_left_out_and_it_breathes_before_each_piece(time: Time, many: int) -> None:
    paced = Pace(lambda: time.now)
    time.now += 2 * WORK_S
    seen = []
    for row in paced.through(range(many)):
        seen.append(row)
        time.now += 2 * WORK_S / 32
    assert seen == list(range(many))
    assert len(time.rested) == -(-many // 32)


async def test_an_urgent_read_waits_for_no_other_and_never_rests(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        await ledger.write(lambda tx: tx.meta.set("known", "yes"))
        held = threading.Event()
        others = [asyncio.ensure_future(ledger.read(lambda _: held.wait(30))) for _ in range(10)]
        try:
            assert await asyncio.wait_for(ledger.read(lambda tx: tx.meta.get("known"), urgent=True), 20) == "yes"
            assert not any(other.done() for other in others)
            rows = list(range(3))
            assert await ledger.read(lambda tx: tx.unhurried(rows) is rows, urgent=True)
        finally:
            held.set()
        assert all(await asyncio.gather(*others))
        assert await ledger.read(lambda tx: list(tx.unhurried(rows))) == rows
