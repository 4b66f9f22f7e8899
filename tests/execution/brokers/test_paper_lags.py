"""A counter and a feed that lag, halt and renumber, as real ones do, when they are asked to."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.domain import Accepted, AttemptState, BrokerError, FillReport, OrderReport, PlaceRequest, Refused, Side

from .contract import OTHER, SYMBOL, Requests, listed, quiet
from .paper_rig import PaperRig

BOND = "113002.SH"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[PaperRig]:
    rig = PaperRig(tmp_path)
    quiet(rig, SYMBOL)
    yield rig
    rig.close()


@pytest.fixture
def make() -> Requests:
    return Requests()


def place(rig: PaperRig, request: PlaceRequest) -> str:
    placed = rig.broker.place(request)
    assert isinstance(placed, Accepted), placed
    return placed.broker_order_id


def held(rig: PaperRig, symbol: str = SYMBOL) -> tuple[int, int]:
    return next(((p.volume, p.available) for p in rig.broker.positions() if p.symbol == symbol), (0, 0))


class TestMoney:
    def test_what_a_sell_brought_comes_late(self, rig: PaperRig, make: Requests) -> None:
        rig.broker.set_money(Decimal(1000))
        rig.hold(SYMBOL, 1000)
        rig.faults.money_lag_s = 3
        place(rig, make.sell(500, "9.99"))
        early = rig.broker.asset()
        assert (early.cash, early.frozen) == (1000, 0)
        assert early.total == early.cash + early.frozen + early.market_value
        refused = rig.broker.place(make.buy(400, "10.01"))  # the counter itself does not know it yet
        assert isinstance(refused, Refused)
        assert "资金" in refused.message
        rig.clock.forward(2.9)
        assert rig.broker.asset().cash == 1000
        rig.clock.forward(0.1)
        assert Decimal(5980) < rig.broker.asset().cash < Decimal(5995)
        place(rig, make.buy(400, "10.01"))

    def test_what_a_cancel_freed_comes_late_and_looks_frozen_till_then(self, rig: PaperRig, make: Requests) -> None:
        before = rig.broker.asset()
        rig.faults.money_lag_s = 3
        order_id = place(rig, make.buy(1000, "9.90"))
        standing = rig.broker.asset()
        assert standing.frozen > 9900  # what goes is gone at once
        rig.broker.cancel(order_id)
        assert rig.broker.asset() == standing
        rig.clock.forward(3)
        assert rig.broker.asset() == before

    def test_what_a_buy_takes_is_gone_at_once(self, rig: PaperRig, make: Requests) -> None:
        rig.faults.money_lag_s = 3
        place(rig, make.buy(1000, "10.05"))  # filled at 10.01: what was kept back for the rest comes later
        early = rig.broker.asset()
        rig.clock.forward(3)
        late = rig.broker.asset()
        assert late.cash - early.cash == early.frozen >= 40
        assert early.total == late.total
        assert late.frozen == 0

    def test_without_the_fault_everything_is_there(self, rig: PaperRig, make: Requests) -> None:
        rig.hold(SYMBOL, 1000)
        rig.faults.money_lag_s = 30
        place(rig, make.sell(500, "9.99"))
        rig.faults.money_lag_s = 0
        assert rig.broker.asset().cash > 1_004_000


class TestShares:
    def test_what_was_bought_comes_late(self, rig: PaperRig, make: Requests) -> None:
        rig.broker.set_market(BOND, prev_close=Decimal(100), last=Decimal(100), depth=1000)
        rig.faults.shares_lag_s = 3
        place(rig, make.buy(20, "100.001", symbol=BOND))
        assert held(rig, BOND) == (0, 0)
        assert isinstance(rig.broker.place(make.sell(20, "99.999", symbol=BOND)), Refused)
        rig.clock.forward(3)
        assert held(rig, BOND) == (20, 20)
        place(rig, make.sell(20, "99.999", symbol=BOND))
        assert held(rig, BOND) == (0, 0)  # what goes is gone at once

    def test_what_a_cancel_freed_comes_late(self, rig: PaperRig, make: Requests) -> None:
        rig.hold(SYMBOL, 1000)
        rig.hold(OTHER, 700)
        rig.faults.shares_lag_s = 3
        rig.broker.cancel(place(rig, make.sell(400, "10.05")))
        assert (held(rig), held(rig, OTHER)) == ((1000, 600), (700, 700))
        refused = rig.broker.place(make.sell(1000, "9.99"))
        assert isinstance(refused, Refused)
        assert "不足" in refused.message
        rig.clock.forward(3)
        assert held(rig) == (1000, 1000)

    def test_a_day_brings_all_of_it(self, rig: PaperRig, make: Requests) -> None:
        rig.faults.shares_lag_s = rig.faults.money_lag_s = 10**6
        place(rig, make.buy(100, "10.01"))
        place(rig, make.buy(100, "9.90"))
        rig.clock.forward(86_400)
        assert held(rig) == (100, 100)
        assert rig.broker.asset().frozen == 0


@given(
    orders=st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 9), st.sampled_from(["9.99", "10.01", "10.05"]))),
    lag_s=st.integers(1, 20),
    steps=st.lists(st.integers(0, 7), min_size=1),
)
def test_a_lag_only_holds_back(
    tmp_path_factory: pytest.TempPathFactory, orders: list[tuple[Side, int, str]], lag_s: int, steps: list[int]
) -> None:
    """What is told is never more than there is, never below zero, and all of it in the end."""
    rig, make = PaperRig(tmp_path_factory.mktemp("lag")), Requests()
    quiet(rig, SYMBOL)
    rig.hold(SYMBOL, 2000)
    rig.faults.money_lag_s = rig.faults.shares_lag_s = lag_s
    for n, (side, lots, price) in enumerate(orders):
        placed = rig.broker.place(make(side, 100 * lots, price))
        rig.clock.forward(steps[n % len(steps)])
        if isinstance(placed, Accepted) and n % 3 == 0:
            _cancel_if_open(rig, placed.broker_order_id)
        told, shares = rig.broker.asset(), held(rig)
        rig.faults.money_lag_s = rig.faults.shares_lag_s = 0
        true, there = rig.broker.asset(), held(rig)
        rig.faults.money_lag_s = rig.faults.shares_lag_s = lag_s
        assert 0 <= told.cash <= true.cash
        assert told.frozen >= true.frozen
        assert told.total <= true.total
        assert 0 <= shares[0] <= there[0]
        assert 0 <= shares[1] <= there[1]
    rig.clock.forward(lag_s)
    told, shares = rig.broker.asset(), held(rig)
    rig.faults.money_lag_s = rig.faults.shares_lag_s = 0
    assert (rig.broker.asset(), held(rig)) == (told, shares)
    rig.close()


def _cancel_if_open(rig: PaperRig, broker_order_id: str) -> None:
    if listed(rig, broker_order_id).state is not AttemptState.FILLED:
        rig.broker.cancel(broker_order_id)


def test_a_feed_that_stopped_tells_what_was(rig: PaperRig, make: Requests) -> None:
    standing = place(rig, make.buy(100, "9.90"))
    before = rig.broker.quote(SYMBOL)
    rig.faults.feed_stopped_at = rig.clock.now()
    assert rig.broker.quote(SYMBOL) == before
    rig.clock.forward(600)
    rig.broker.set_market(SYMBOL, last=Decimal("9.80"))
    assert rig.broker.quote(SYMBOL) == before
    assert listed(rig, standing).state is AttemptState.FILLED  # the exchange goes on
    unseen = rig.broker.quote(OTHER)  # of what was not asked for before
    assert unseen is not None
    assert unseen.at == rig.faults.feed_stopped_at
    rig.faults.feed_stopped_at = None
    now = rig.broker.quote(SYMBOL)
    assert now is not None
    assert before is not None
    assert (now.last, now.at > before.at) == (Decimal("9.80"), True)


def test_in_a_halt_orders_rest(rig: PaperRig, make: Requests) -> None:
    rig.faults.halted.add(SYMBOL)
    quote, instrument = rig.broker.quote(SYMBOL), rig.broker.instrument(SYMBOL)
    assert quote is not None
    assert instrument is not None
    assert (quote.suspended, quote.last, quote.bids, quote.asks) == (True, None, (), ())
    assert not instrument.suspended  # only for a while, not for the day
    first, second = place(rig, make.buy(100, "10.01")), place(rig, make.buy(100, "10.01"))
    rig.clock.forward(60)
    rig.broker.advance()
    assert rig.broker.fills() == []
    rig.broker.cancel(second)
    assert listed(rig, second).state is AttemptState.CANCELED
    rig.faults.halted.clear()
    rig.broker.advance()
    assert listed(rig, first).state is AttemptState.FILLED


def test_orders_can_come_back_under_other_numbers(rig: PaperRig, make: Requests) -> None:
    old = [place(rig, make.buy(100, "9.90")), place(rig, make.buy(100, "10.01"))]
    rig.pushes()
    rig.faults.renumbered = 5000
    rows = rig.broker.orders()
    assert [row.broker_order_id for row in rows] == [str(int(i) + 5000) for i in old]
    assert [fill.broker_order_id for fill in rig.broker.fills()] == [rows[1].broker_order_id]
    with pytest.raises(BrokerError, match="没有此委托"):
        rig.broker.cancel(old[0])
    before = len(rig.pushes())
    rig.broker.cancel(rows[0].broker_order_id)
    fresh = place(rig, make.buy(100, "10.01"))
    told = rig.pushes()[before:]
    assert [type(e) for e in told] == [OrderReport, OrderReport, OrderReport, FillReport, OrderReport]
    ids = [e.broker_order_id for e in told if isinstance(e, OrderReport | FillReport)]
    assert ids == [rows[0].broker_order_id] * 2 + [fresh] * 3
    assert fresh == rig.broker.orders()[-1].broker_order_id


@pytest.mark.parametrize("after", [False, True])
def test_all_placings_hang_until_they_are_let_go(rig: PaperRig, make: Requests, after: bool) -> None:
    gate = rig.faults.hang("place", after=after, times=None)
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(place, rig, make.buy(100, "9.90")) for _ in range(3)]
        assert gate.wait_arrived(5)
        assert not any(call.done() for call in calls)
        gate.release()
        assert len({call.result(5) for call in calls}) == 3
    place(rig, make.buy(100, "9.90"))
    assert len(rig.broker.orders()) == 4
