"""Whose turn it is: properties of any queue, and the cases that cost money when they are wrong."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jqfollow.domain import FollowMode, OrderState, Side, WaitingFor
from jqfollow.execution.turns import Scene, turns
from jqfollow.ledger.rows import OrderRow, Terms, Waiting

NOW = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
TODAY = date(2026, 1, 5)
MOST = 4
TERMS = Terms(amount=100, run="sim_trade", mode=FollowMode.RATIO, figure=Decimal(1), made_at=NOW, account_number="")
SCENE = Scene(now=NOW, trading_day=TODAY, ready=True, practice=False, rested=lambda _: True, aged=lambda _: NOW)


def order(number: int, side: Side = Side.BUY, **changes: Any) -> OrderRow:
    row = OrderRow(
        order_id=number, signal_id=number, account="main", strategy="demo", part=1, day=TODAY, security="600000.SH",
        side=side, sized=False, volume=0, filled=0, turnover=Decimal(0), terms=TERMS, deadline=NOW, limit_price=None,
        closes=False, state=OrderState.PENDING_NEW, waiting=None, cancel_reason=None, reason=None, figures={},
        created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    return replace(row, **changes)


def waits(what: WaitingFor) -> Waiting:
    return Waiting(what=what, since=NOW - timedelta(seconds=1), until=None)


def chosen(*orders: OrderRow, scene: Scene = SCENE) -> list[int]:
    return [one.order_id for one in turns(orders, (), None, scene, MOST)]


@st.composite
def queues(draw: st.DrawFn) -> list[OrderRow]:
    def one(number: int) -> OrderRow:
        side = draw(st.sampled_from(Side))
        what = draw(st.sampled_from([None, None, *WaitingFor]))
        return order(
            number,
            side,
            strategy=draw(st.sampled_from("ab")),
            security=draw(st.sampled_from(["600000.SH", "000001.SZ", "113001.SH"])),
            closes=side is Side.SELL and draw(st.booleans()),
            sized=draw(st.booleans()),
            waiting=None if what is None else waits(what),
        )

    return [one(number) for number in range(1, draw(st.integers(1, 10)))]


@given(queues(), st.sets(st.integers(1, 10)))
def test_no_order_of_a_round_depends_on_another(queue: list[OrderRow], rested: set[int]) -> None:
    found = turns(queue, (), None, replace(SCENE, rested=rested.__contains__), MOST)
    assert len(found) <= MOST
    assert {one.order_id for one in found} <= rested
    assert max(Counter(one.book for one in found).values(), default=1) == 1
    assert max(Counter((one.security, one.side) for one in found).values(), default=1) == 1
    sides = [one.side for one in found]
    assert sides == sorted(sides, key=lambda side: side is not Side.SELL), "sells first"


@given(queues(), st.sets(st.integers(1, 10)))
def test_nothing_passes_an_earlier_due_order_of_its_book(queue: list[OrderRow], rested: set[int]) -> None:
    scene = replace(SCENE, rested=rested.__contains__)
    found = {one.order_id for one in turns(queue, (), None, scene, len(queue))}
    for one in queue:
        alone = turns([one], (), None, scene, 1)
        passed = [o for o in queue if o.book == one.book and o.order_id > one.order_id and o.order_id in found]
        if alone and passed:
            crossing = [o for o in queue if o.security == one.security and o.waiting_for is WaitingFor.CROSSING]
            assert crossing, "only one that makes way is passed"


def test_a_buy_does_not_pass_a_sell_that_will_empty_its_book() -> None:
    """That sell wipes out what was carried: a buy that was judged before would lose its share of a lot."""
    leaving = order(1, Side.SELL, closes=True, waiting=waits(WaitingFor.OPPOSITE))
    buy = order(2)
    resting = replace(SCENE, rested=lambda number: number != 1)
    assert chosen(leaving, buy, scene=resting) == []
    assert chosen(leaving, buy) == [1]
    assert chosen(replace(leaving, sized=True), buy, scene=resting) == [2], "it has wiped out what it will"
    owed = replace(leaving, waiting=waits(WaitingFor.NEXT_DAY))
    assert chosen(owed, buy, scene=resting) == [2], "what is sold tomorrow holds up nothing today"
    assert chosen(leaving, replace(buy, strategy="other"), scene=resting) == [2], "another's book"
