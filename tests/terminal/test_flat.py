"""Hours without MiniQMT: each failed connect gives back all that it took.

python -m pytest -n0 -m slow -s tests/terminal/test_flat.py        (-s shows the figures)
"""

import gc
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import pytest

from jqfollow.clock import SHANGHAI, SystemClock
from jqfollow.domain import BrokerDownError
from jqfollow.execution.brokers.miniqmt.broker import QmtBroker
from jqfollow.execution.brokers.miniqmt.sessions import POOL_SIZE, SessionPool

from . import native
from .terminal import Terminal

TRIES = 300
SETTLED = 50
"""By then caches are filled and pools are full."""
MOST_GROWTH_MIB = 8


class Hours(SystemClock):
    """A quarter of a minute goes by between two tries."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 9, 30, tzinfo=SHANGHAI)

    def now(self) -> datetime:
        return self.at


@pytest.mark.slow
@pytest.mark.timeout(1800)  # the real natives take 3 s to say no
def test_three_hundred_failed_connects_leave_nothing_behind(tmp_path: Path) -> None:
    if sys.platform != "win32":  # there the vendor's own natives are asked; run this file alone
        native.install()
    folder = tmp_path / "userdata_mini"
    folder.mkdir()
    clock = Hours()
    broker = QmtBroker(
        name="main",
        path=folder,
        account_id="88880001",
        sessions=SessionPool(tmp_path / "sessions.json", clock),
        clock=clock,
    )
    process = psutil.Process()

    def held() -> tuple[int, int, int, int, float]:
        gc.collect()
        if sys.platform == "win32":
            from windows.wine import handles as count
        else:
            count = process.num_fds
        objects = sum(str(type(thing).__module__).startswith("xtquant") for thing in gc.get_objects())
        maps = len(process.memory_maps(grouped=False))
        return threading.active_count(), count(), maps, objects, process.memory_info().rss / 2**20

    for tried in range(TRIES):
        clock.at += timedelta(seconds=15)
        with pytest.raises(BrokerDownError):
            broker.connect()
        if tried == SETTLED:
            threads, handles, maps, objects, memory = held()
    threads_after, handles_after, maps_after, objects_after, memory_after = held()
    print(  # noqa: T201
        f"\nafter {SETTLED} and {TRIES} failed connects: threads {threads}, {threads_after}; handles {handles}, "
        f"{handles_after}; maps {maps}, {maps_after}; objects {objects}, {objects_after}; "
        f"MiB {memory:.1f}, {memory_after:.1f}"
    )
    assert threads_after <= threads
    assert handles_after <= handles + 2
    assert maps_after <= maps + 20, f"{maps} → {maps_after}"
    assert objects_after <= objects + 10
    assert memory_after <= memory + MOST_GROWTH_MIB, f"{memory:.1f} → {memory_after:.1f} MiB"
    assert broker.hung == 0


@pytest.mark.skipif(sys.platform == "win32", reason="the vendor's own natives may be there")
def test_the_traders_that_were_refused_try_again_and_end_when_one_is_let_in(tmp_path: Path) -> None:
    native.install()
    terminal = Terminal(tmp_path)
    terminal.path.mkdir(parents=True)
    clock = Hours()
    pool = SessionPool(tmp_path / "sessions.json", clock)
    broker = QmtBroker(name="main", path=terminal.path, account_id=terminal.account, sessions=pool, clock=clock)
    before = set(native.clients())
    for _ in range(4 * POOL_SIZE):
        clock.at += timedelta(seconds=15)
        with pytest.raises(BrokerDownError):
            broker.connect()
    made = set(native.clients()) - before
    assert len(made) == POOL_SIZE
    with terminal:
        clock.at += timedelta(seconds=15)
        end = broker.connect()
        assert broker.asset().cash > 0
        assert set(native.clients()) - before == made, "it is one of those that had been refused"
        assert sum(client.ended for client in made) == POOL_SIZE - 1
        end()
    assert all(client.ended for client in made)
    assert broker.hung == 0
