"""What one event changes, against a ledger on disk."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.one_order import TOMORROW, World, key, taken_back
from jqfollow.domain import ATTEMPT_ENDED, ATTEMPT_LIVE, ORDER_OPEN, AttemptState, OrderState, Side
from jqfollow.execution.lifecycle import Event
from jqfollow.execution.transitions import Names, carry_odd_rest, find_attempt, missing_fills
from jqfollow.reasons import Reason
from ledger.samples import SECURITY, an_attempt

S = AttemptState


def test_names_are_kept_once_and_again_when_they_change() -> None:
    names = Names(securities={"600000.SH": "浦发银行"})
    names.read({"000001.SZ": "平安银行", "600000.SH": "ST浦发"})
    assert names.securities == {"600000.SH": "浦发银行", "000001.SZ": "平安银行"}  # the newest word stands
    assert (names.changed(), names.changed()) == ({"600000.SH": "浦发银行"}, {})
    names.securities["000001.SZ"] = "ST平安"
    assert (names.changed(), names.changed()) == ({"000001.SZ": "ST平安"}, {})


# -- an order's ordinary life ------------------------------------------------------------------------------------------


def test_accepted_filled_in_two_parts_and_done(world: World) -> None:
    attempt = world.begin(volume=300)
    world.step(attempt, Event.ACCEPTED, broker_order_id="b1")
    assert (world.order.state, world.attempt().broker_order_id) == (OrderState.NEW, "b1")
    world.fill(attempt, "t1", 100, price=Decimal("11.20"), fee=Decimal(5))
    assert (world.order.state, world.order.filled) == (OrderState.PARTIALLY_FILLED, 100)
    assert world.messages == []
    world.fill(attempt, "t2", 200, price=Decimal("11.30"), fee=Decimal("0.06"))
    assert world.attempt().state is S.FILLED
    order = world.order
    assert (order.state, order.filled, order.reason, order.turnover) == (OrderState.FILLED, 300, None, Decimal(3380))
    assert (world.book.volume, world.book.cost) == (300, Decimal("3385.06"))
    assert [m.kind for m in world.messages] == ["order_done"]
    assert "平安银行" in world.messages[0].text
    assert "演示策略" in world.messages[0].text
    assert world.history() == [
        ("accepted", "pending_new", "new"),
        ("order", "pending_new", "new"),
        ("reported_partially_filled", "new", "partially_filled"),
        ("order", "new", "partially_filled"),
        ("reported_filled", "partially_filled", "filled"),
        ("order", "partially_filled", "filled"),
    ]


def test_a_fill_may_come_before_the_order_and_before_the_answer(world: World) -> None:
    attempt = world.begin()
    world.fill(attempt, "t1", 40)
    assert (world.attempt().state, world.attempt().broker_order_id) == (S.PARTIALLY_FILLED, "b1")
    world.hear(attempt, S.NEW)
    world.step(attempt, Event.ACCEPTED)
    assert (world.attempt().state, world.order.state) == (S.PARTIALLY_FILLED, OrderState.PARTIALLY_FILLED)
    world.fill(attempt, "t2", 60)
    world.hear(attempt, S.FILLED, 100)
    assert (world.attempt().state, world.order.state, world.book.volume) == (S.FILLED, OrderState.FILLED, 100)


def test_everything_told_twice_changes_nothing(world: World) -> None:
    attempt = world.begin(volume=200)
    for _ in range(2):
        world.hear(attempt, S.NEW)
        world.fill(attempt, "t1", 100)
        world.hear(attempt, S.PARTIALLY_FILLED, 100)
        world.fill(attempt, "t2", 100)
        world.hear(attempt, S.FILLED, 200)
    assert (world.order.filled, world.book.volume, world.order.state) == (200, 200, OrderState.FILLED)
    assert len(world.messages) == 1
    before = world.history()
    world.hear(attempt, S.FILLED, 200)
    world.hear(attempt, S.NEW)
    assert world.history() == before


def test_a_sell_empties_its_book_and_takes_the_cost_away(world: World) -> None:
    world.fill(world.begin(), "t1", 100, price=Decimal(10))
    sell = world.do(lambda tx: an_attempt(tx, "m2", side=Side.SELL))
    world.fill(sell, "t2", 60, broker_order_id="b2", price=Decimal(12))
    assert (world.book.volume, world.book.cost) == (40, Decimal(400))
    world.fill(sell, "t3", 40, broker_order_id="b2", price=Decimal(12))
    assert (world.book.volume, world.book.cost) == (0, Decimal(0))


# -- fills that the reports promise ------------------------------------------------------------------------------------


def test_an_order_told_as_filled_waits_for_its_fills(world: World) -> None:
    attempt = world.begin()
    world.hear(attempt, S.FILLED, 100)
    assert (world.attempt().state, world.order.state) == (S.FILLED, OrderState.NEW)
    assert missing_fills(world.attempt())
    world.fill(attempt, "t1", 60)
    assert world.order.state is OrderState.PARTIALLY_FILLED
    world.fill(attempt, "t2", 40)
    assert (world.order.state, world.book.volume) == (OrderState.FILLED, 100)
    assert not missing_fills(world.attempt())


def test_filled_is_believed_though_the_figure_beside_it_lags(world: World) -> None:
    attempt = world.begin()
    world.hear(attempt, S.FILLED, 0)
    assert world.attempt().done == 100
    assert missing_fills(world.attempt())
    with pytest.raises(Exception, match="beyond what its open order has left"):
        world.again(100)


@pytest.mark.parametrize("told_first", [True, False])
def test_a_canceled_attempt_holds_its_order_open_until_its_fills_have_come(world: World, told_first: bool) -> None:
    attempt = world.begin(volume=300)
    world.hear(attempt, S.NEW)
    world.want_end()
    world.ask_cancel(attempt)
    if told_first:
        world.hear(attempt, S.CANCELED, 200)
        assert (world.attempt().state, world.order.state) == (S.CANCELED, OrderState.NEW)
        world.fill(attempt, "t1", 100)
        assert world.order.state in ORDER_OPEN
        world.fill(attempt, "t2", 100)
    else:
        world.fill(attempt, "t1", 100)
        world.fill(attempt, "t2", 100)
        world.hear(attempt, S.CANCELED, 200)
    order = world.order
    assert (order.state, order.filled, order.reason) == (OrderState.CANCELED, 200, Reason.CANCELED_BY_USER)
    assert order.figures["left"] == "100"
    assert len(world.messages) == 1


def test_a_report_beyond_the_volume_or_behind_an_earlier_one_is_cut(world: World) -> None:
    attempt = world.begin()
    world.hear(attempt, S.PARTIALLY_FILLED, 70)
    world.hear(attempt, S.PARTIALLY_FILLED, 30)
    assert world.attempt().reported == 70
    world.hear(attempt, S.PARTIALLY_FILLED, 900)
    assert world.attempt().reported == 100


# -- whose report it is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"remark": "", "broker_order_id": "other"},
        {"remark": "jqAAAAA-7", "broker_order_id": "other"},
        {"symbol": "600000.SH"},
        {"side": Side.SELL},
    ],
)
def test_a_report_or_fill_of_something_else_is_not_ours(world: World, changes: dict[str, Any]) -> None:
    attempt = world.begin()
    assert world.hear(attempt, S.FILLED, 100, **changes) is None
    assert world.fill(attempt, "t1", 100, **changes) is None
    assert (world.attempt(), world.book.volume) == (attempt, 0)


def test_a_fill_of_no_volume_is_no_fill(world: World) -> None:
    attempt = world.begin()
    assert world.fill(attempt, "t1", 0) is None
    assert world.attempt() == attempt
    world.fill(attempt, "t1", 1)
    assert (world.attempt().filled, world.book.volume) == (1, 1)


def test_another_account_has_remarks_of_its_own(world: World) -> None:
    attempt = world.begin()
    found = world.do(lambda tx: find_attempt(tx, key(account="other"), attempt.remark))
    assert found is None


def test_a_copy_of_our_remark_is_not_our_order(world: World) -> None:
    attempt = world.begin()
    world.hear(attempt, S.NEW)
    assert world.hear(attempt, S.FILLED, 100, broker_order_id="b2") is None
    assert world.fill(attempt, "t1", 100, broker_order_id="b2") is None
    assert world.attempt().state is S.NEW


def test_the_brokers_id_is_enough_when_it_drops_the_remark(world: World) -> None:
    attempt = world.begin()
    world.hear(attempt, S.NEW)
    world.fill(attempt, "t1", 100, remark="")
    assert world.order.state is OrderState.FILLED


def test_ids_begin_anew_each_day(world: World) -> None:
    attempt = world.begin()
    world.hear(attempt, S.NEW)
    assert world.do(lambda tx: find_attempt(tx, key(day=TOMORROW), "")) is None
    assert world.do(lambda tx: find_attempt(tx, key(day=TOMORROW), attempt.remark)) is not None


def test_the_brokers_words_are_kept(world: World) -> None:
    attempt = world.begin()
    world.hear(attempt, S.REJECTED, message="[废单] 价格超出范围")
    assert world.attempt().message == "[废单] 价格超出范围"
    world.hear(attempt, S.REJECTED, message="")
    assert world.attempt().message == "[废单] 价格超出范围"


# -- the odd rest ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "filled", "carried"),
    [
        (Side.BUY, 60, "90.5"),
        (Side.BUY, 99, "51.5"),
        (Side.BUY, 100, "50.5"),
        (Side.BUY, 110, "50.5"),  # more than was asked for
        (Side.SELL, 60, "50.5"),
    ],
)
def test_the_odd_rest_of_a_buy_is_carried_on(world: World, side: Side, filled: int, carried: str) -> None:
    attempt = world.begin(side=side)
    world.do(lambda tx: tx.books.set_carry("main", "demo", SECURITY, buy=Decimal("50.5")))
    seen = world.order
    world.fill(attempt, "t1", filled)
    world.do(lambda tx: carry_odd_rest(tx, seen))
    assert world.book.carry_buy == Decimal(carried)


# -- whatever comes, in whatever order ---------------------------------------------------------------------------------

told = st.one_of(
    st.tuples(st.just("fill"), st.integers(1, 4)),
    st.tuples(st.sampled_from([S.NEW, S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.REJECTED]), st.sampled_from([0, 50])),
    st.tuples(st.sampled_from([Event.ACCEPTED, Event.REFUSED, Event.NO_ANSWER, Event.CANCEL_ASKED]), st.just(0)),
)


@given(news=st.lists(st.tuples(st.booleans(), told), max_size=16))
def test_whatever_comes_nothing_is_lost_nor_counted_twice(connection: Any, news: list[tuple[bool, Any]]) -> None:
    """News of the first and of the second attempt, mixed: nothing raises, and the book is the sum of the fills."""
    with taken_back(connection) as world:
        play(world, news)


def play(world: World, news: list[tuple[bool, Any]]) -> None:
    attempts = [world.begin(volume=200)]
    fills: set[tuple[int, int]] = set()
    for of_second, (what, figure) in news:
        first = world.attempt()
        may_follow = first.state in ATTEMPT_ENDED and not missing_fills(first) and world.order.state in ORDER_OPEN
        if of_second and len(attempts) == 1 and may_follow:
            attempts.append(world.again(200 - first.done))
        number = len(attempts) if of_second else 1
        attempt, broker_id = attempts[number - 1], f"b{number}"
        was_open = world.order.state in ORDER_OPEN
        if what == "fill":
            fills.add((number, figure))
            world.fill(attempt, f"t{figure}", 50, broker_order_id=broker_id)
        elif isinstance(what, Event):
            world.step(attempt, what)
        else:
            world.hear(attempt, what, figure, broker_order_id=broker_id)
        order = world.order
        assert order.filled == world.book.volume == 50 * len(fills)
        assert was_open or order.state not in ORDER_OPEN
        live = [row for row in world.attempts() if row.state in ATTEMPT_LIVE]
        assert order.state in ORDER_OPEN or not live
        if order.filled >= 200:
            assert live or order.state not in ORDER_OPEN
