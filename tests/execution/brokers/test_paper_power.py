"""A loss of power takes nothing from the paper broker that it ever told anybody."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from jqfollow.domain import (
    ATTEMPT_ENDED,
    Accepted,
    AttemptState,
    BrokerDownError,
    BrokerError,
    FillReport,
    OrderReport,
    PlaceRequest,
)
from jqfollow.execution.brokers.paper.journal import Journal, UnsyncedError

from .contract import SYMBOL, Requests, listed
from .disk import Disk, forgetful
from .paper_rig import MONDAY, PaperRig

__all__ = ["forgetful"]
THREADS = 6


@pytest.fixture
def rig(tmp_path: Path, forgetful: Disk) -> Iterator[PaperRig]:
    rig = PaperRig(tmp_path)
    rig.broker.set_market(SYMBOL, prev_close=Decimal(10), last=Decimal(10), depth=1_000_000)
    yield rig
    rig.close()


@dataclass
class Said:
    """What the broker told while it ran."""

    placed: list[tuple[str, PlaceRequest]] = field(default_factory=list)
    canceled: list[str] = field(default_factory=list)
    rows: list[OrderReport] = field(default_factory=list)
    fills: list[FillReport] = field(default_factory=list)

    def so_far(self) -> "Said":
        return Said(list(self.placed), list(self.canceled), list(self.rows), list(self.fills))


def trade(rig: PaperRig, said: Said, random: Random, over: threading.Event, number: int) -> None:
    """A thread of the house: places, cancels, looks, until it is over."""
    make, mine = Requests(made=number * 1_000_000), list[str]()
    while not over.is_set():
        request = make.buy(100 * random.randrange(1, 5), random.choice(["9.90", "10.01", "10.02"]))
        placed = rig.broker.place(request)
        assert isinstance(placed, Accepted)
        said.placed.append((placed.broker_order_id, request))
        mine.append(placed.broker_order_id)
        if random.random() < 0.4:
            order_id = random.choice(mine)
            try:
                rig.broker.cancel(order_id)
            except BrokerError:
                pass
            else:
                said.canceled.append(order_id)
        if random.random() < 0.2:
            said.rows.extend(rig.broker.orders())
            said.fills.extend(rig.broker.fills())


def cut_somewhere(rig: PaperRig, disk: Disk, random: Random) -> tuple[Said, bytes]:
    """What was told before the power was lost, and what the disk had of it."""
    said, over, enough = Said(), threading.Event(), random.randrange(1, 60)
    randoms = [Random(random.random()) for _ in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        runs = [pool.submit(trade, rig, said, randoms[n], over, n + 1) for n in range(THREADS)]
        while len(said.placed) < enough and not any(run.done() for run in runs):
            disk.syncing.wait(0.01)
            disk.syncing.clear()
        told = said.so_far()
        pushed = list(rig._events)
        content = disk.cut(random)
        over.set()
    for run in runs:
        run.result()
    told.rows.extend(e for e in pushed if isinstance(e, OrderReport))
    told.fills.extend(e for e in pushed if isinstance(e, FillReport))
    return told, content


def broken_promises(rig: PaperRig, said: Said) -> list[str]:
    """What the account, opened again, does not know of what it told."""
    rows = {row.broker_order_id: row for row in rig.broker.orders()}
    fills = {fill.traded_id: fill for fill in rig.broker.fills()}
    broken = [f"lost: {order_id}" for order_id, _ in said.placed if order_id not in rows]
    for order_id, request in said.placed:
        row = rows.get(order_id)
        if row is not None and (row.remark, row.volume, row.price) != (request.remark, request.volume, request.price):
            broken.append(f"{order_id} is another order now: {row}")
    broken += [f"lost: {fill}" for fill in said.fills if fills.get(fill.traded_id) != fill]
    for told in said.rows:
        row = rows.get(told.broker_order_id)
        if row is None or row.filled < told.filled or (told.state in ATTEMPT_ENDED and row.state is not told.state):
            broken.append(f"told {told}, is {row}")
    for order_id in said.canceled:
        row = rows.get(order_id)
        if row is None or row.state not in {AttemptState.PENDING_CANCEL, AttemptState.CANCELED, AttemptState.FILLED}:
            broken.append(f"cancel of {order_id} forgotten: {row}")
    placed = rig.broker.place(Requests(made=7).buy(100, "9.90"))
    assert isinstance(placed, Accepted)
    ids = {i for i, _ in said.placed} | {row.broker_order_id for row in said.rows}
    return [*broken, *([f"{placed.broker_order_id} is given again"] if placed.broker_order_id in ids else [])]


def once(rig: PaperRig, disk: Disk, seed: int) -> list[str]:
    random = Random(seed)
    said, content = cut_somewhere(rig, disk, random)
    rig.close()
    rig.path.write_bytes(content)
    rig.open()
    return broken_promises(rig, said)


@pytest.mark.parametrize("seed", range(25))
def test_after_a_loss_of_power_everything_that_was_said_stands(rig: PaperRig, forgetful: Disk, seed: int) -> None:
    assert once(rig, forgetful, seed) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 2000))
def test_a_thousand_losses_of_power(rig: PaperRig, forgetful: Disk, seed: int) -> None:
    assert once(rig, forgetful, seed) == []


def test_without_syncs_promises_are_broken(rig: PaperRig, forgetful: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge above can tell."""
    rig.close()
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "sync", lambda self, upto: None)
        rig.open()
        said, _ = cut_somewhere(rig, forgetful, Random(1))
        kept = forgetful._kept[rig.path.stat().st_ino]
    rig.close()
    rig.path.write_bytes(kept)
    rig.open()
    assert broken_promises(rig, said) != []


def test_a_day_that_was_told_lasts(rig: PaperRig, forgetful: Disk) -> None:
    rig.broker.place(Requests().buy(100, "10.01"))
    for n in range(1, 20):
        rig.broker.observe(symbol=SYMBOL, price=Decimal(10), day=MONDAY + timedelta(days=n))
        told, cash = rig.broker.trading_day(), rig.broker.asset().cash
        content = forgetful.cut(Random(n))
        rig.close()
        rig.path.write_bytes(content)
        rig.open()
        assert (rig.broker.trading_day(), rig.broker.asset().cash) == (told, cash)


class TestOneSyncServesAll:
    """While a sync lasts others write; the next one is for all of them."""

    def test_many_callers_share_it(self, rig: PaperRig, forgetful: Disk) -> None:
        exchange = rig.broker._exchange
        assert exchange is not None
        rig.broker.asset()
        forgetful.before_sync, before, written = threading.Event(), forgetful.syncs, exchange.journal.written
        forgetful.syncing.clear()
        make = Requests()
        with ThreadPoolExecutor(16) as pool:
            first = pool.submit(rig.broker.place, make.buy(100, "10.01"))
            assert forgetful.syncing.wait(5)
            others = [pool.submit(rig.broker.place, make.buy(100, "10.01")) for _ in range(15)]
            while exchange.journal.written < written + 16:
                threading.Event().wait(0.001)
            # Nobody was answered, nothing pushed, and neither quotes nor the lock wait for the disk.
            assert not any(call.done() for call in (first, *others))
            assert rig._events == []
            assert rig.broker.quote(SYMBOL) is not None
            rig.broker.observe(symbol=SYMBOL, price=Decimal(10), day=MONDAY)
            forgetful.before_sync.set()
            placed = [call.result(5) for call in (first, *others)]
        assert forgetful.syncs - before == 2
        assert len({p.broker_order_id for p in placed if isinstance(p, Accepted)}) == 16
        assert sum(isinstance(e, FillReport) for e in rig.pushes()) == 16

    def test_a_question_waits_for_what_it_would_tell(self, rig: PaperRig, forgetful: Disk) -> None:
        rig.broker.asset()
        forgetful.before_sync = threading.Event()
        forgetful.syncing.clear()
        with ThreadPoolExecutor(2) as pool:
            placing = pool.submit(rig.broker.place, Requests().buy(100, "9.90"))
            assert forgetful.syncing.wait(5)
            asking = pool.submit(rig.broker.orders)
            assert not asking.done()
            forgetful.before_sync.set()
            assert isinstance(placing.result(5), Accepted)
            assert len(asking.result(5)) == 1


def test_a_disk_that_refuses_leaves_the_outcome_unknown(rig: PaperRig, forgetful: Disk) -> None:
    rig.broker.asset()
    forgetful.error = OSError("Input/output error")
    with pytest.raises(UnsyncedError) as caught:
        rig.broker.place(Requests().buy(100, "10.01"))
    assert not isinstance(caught.value, BrokerDownError)  # it may well stand
    with pytest.raises(UnsyncedError):  # nor is it told in another way
        rig.broker.orders()
    assert not rig.broker.flush(0.05)
    with pytest.raises(BrokerDownError, match="Input/output"):  # certainly not placed
        rig.broker.place(Requests().buy(100, "10.01"))
    forgetful.error = None
    with pytest.raises(UnsyncedError):  # a sync that succeeds later proves nothing about what was dropped
        rig.broker.orders()
    rig.broker.connect()  # or the next pulse: the file is written anew
    (order,) = rig.broker.orders()
    assert order.state is AttemptState.FILLED
    assert [type(e) for e in rig.pushes()] == [OrderReport, FillReport, OrderReport]
    content = forgetful.cut(Random(1))
    rig.close()
    rig.path.write_bytes(content)
    rig.open()
    assert listed(rig, order.broker_order_id) == order


def test_what_a_killed_process_left_is_synced_before_it_is_told(tmp_path: Path, forgetful: Disk) -> None:
    rig = PaperRig(tmp_path)
    exchange = rig.broker._exchange
    assert exchange is not None
    rig.broker.place(Requests().buy(100, "9.90"))
    rig.close()
    before = forgetful.syncs
    rig.open()
    assert forgetful.syncs > before
    rig.close()
