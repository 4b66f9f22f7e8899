"""News that contradict what was known: of an earlier attempt while the next one lives, or of one that had ended."""

from dataclasses import replace

import pytest

from execution.one_order import World, moment
from jqfollow.domain import AttemptState, OrderState
from jqfollow.execution.lifecycle import Event
from jqfollow.execution.transitions import contradicted, follow_attempt, wants_no_more
from jqfollow.ledger.rows import AttemptRow
from jqfollow.reasons import Reason
from ledger.samples import later

S = AttemptState


# -- news of an earlier attempt while the next one lives ---------------------------------------------------------------


def second_attempt(world: World) -> tuple[AttemptRow, AttemptRow]:
    first = world.begin()
    world.hear(first, S.NEW)
    world.ask_cancel(first)
    world.hear(first, S.CANCELED)
    second = world.again(100)
    world.hear(second, S.NEW, broker_order_id="b2")
    return first, second


def test_the_end_of_the_first_attempt_told_again_does_not_end_the_order(world: World) -> None:
    first, second = second_attempt(world)
    world.want_end()
    world.hear(first, S.CANCELED)
    assert world.order.state is OrderState.NEW
    world.ask_cancel(second)
    world.hear(second, S.CANCELED, broker_order_id="b2")
    assert (world.order.state, world.order.reason) == (OrderState.CANCELED, Reason.CANCELED_BY_USER)


def test_a_late_fill_of_the_first_attempt_is_kept_and_the_second_is_not_wanted_any_more(world: World) -> None:
    first, second = second_attempt(world)
    assert not wants_no_more(world.order)
    world.fill(first, "t1", 100)
    assert (world.order.state, world.order.filled, world.book.volume) == (OrderState.PARTIALLY_FILLED, 100, 100)
    assert wants_no_more(world.order)
    world.ask_cancel(second)
    world.hear(second, S.CANCELED, broker_order_id="b2")
    assert (world.order.state, world.order.reason) == (OrderState.FILLED, None)
    assert [m.kind for m in world.messages] == ["order_done"]


def test_both_attempts_filled_is_told_loudly(world: World) -> None:
    first, second = second_attempt(world)
    world.fill(first, "t1", 100)
    for _ in range(2):
        world.fill(second, "t2", 100, broker_order_id="b2")
    assert (world.order.state, world.order.filled, world.book.volume) == (OrderState.FILLED, 200, 200)
    alerts = [m for m in world.messages if m.kind == "alert"]
    assert len(alerts) == 1
    assert "应成交 100" in alerts[0].text
    assert "200" in alerts[0].text


def test_the_first_attempt_missing_fills_holds_the_order_though_the_second_has_ended(world: World) -> None:
    first, second = second_attempt(world)
    world.hear(first, S.CANCELED, 50)
    world.hear(second, S.CANCELED, broker_order_id="b2")
    assert world.order.state is OrderState.NEW
    world.fill(first, "t1", 50)
    assert (world.order.state, world.order.reason) == (OrderState.CANCELED, Reason.CANCELED_AT_BROKER)


def test_a_fill_after_the_order_has_ended_is_still_in_the_book(world: World) -> None:
    attempt = world.begin()
    world.hear(attempt, S.NEW)
    world.hear(attempt, S.CANCELED)
    assert world.order.state is OrderState.CANCELED
    world.fill(attempt, "t1", 40)
    assert (world.order.state, world.order.filled, world.book.volume) == (OrderState.CANCELED, 40, 40)


# -- contradictions ----------------------------------------------------------------------------------------------------


def test_what_was_settled_as_never_placed_and_shows_up_is_told_once(world: World) -> None:
    attempt = world.begin()
    world.step(attempt, Event.NO_ANSWER)
    world.step(attempt, Event.ABSENT)
    assert world.attempt().state is S.REJECTED
    for _ in range(2):
        world.hear(attempt, S.NEW)
        world.fill(attempt, "t1", 100)
    assert (world.attempt().state, world.book.volume) == (S.REJECTED, 100)
    alerts = [m for m in world.messages if m.kind == "alert"]
    assert len(alerts) == 1
    assert attempt.remark in alerts[0].text


def test_a_refused_order_that_the_broker_had_listed_is_no_contradiction_when_old_news_come(world: World) -> None:
    attempt = world.begin()
    world.hear(attempt, S.NEW)
    world.hear(attempt, S.REJECTED, message="废单")
    world.hear(attempt, S.NEW)
    assert world.attempt().state is S.REJECTED
    assert [m.kind for m in world.messages if m.kind == "alert"] == []
    world.hear(attempt, S.NEW, 1)  # but a single share that was filled is one
    assert [m.kind for m in world.messages if m.kind == "alert"] == ["alert"]


def test_the_same_news_again_are_not_written(world: World) -> None:
    attempt = world.begin(volume=300)
    world.hear(attempt, S.PARTIALLY_FILLED, 100, message="部成")
    before = world.attempt()
    world.hear(attempt, S.PARTIALLY_FILLED, 100, message="部成", at=moment(after_s=60))
    assert world.attempt() == before
    world.hear(attempt, S.PARTIALLY_FILLED, 200, message="部成", at=moment(after_s=61))
    assert world.attempt() == replace(before, reported=200, updated_at=later(61))


def test_late_news_of_a_refused_attempt_do_not_make_the_next_one_stand(world: World) -> None:
    first = world.begin()
    world.hear(first, S.REJECTED, message="废单")
    world.again(100)
    world.hear(first, S.REJECTED, message="废单：价格")
    assert (world.order.state, world.attempt(2).state) == (OrderState.PENDING_NEW, S.PENDING_NEW)


def test_an_order_that_is_filled_does_not_wait_for_fills_that_were_never_told(world: World) -> None:
    first = world.begin()
    world.ask_cancel(first)
    world.hear(first, S.CANCELED, 50)
    assert world.order.state is OrderState.NEW
    second = world.again(50)
    world.hear(second, S.NEW, broker_order_id="b2")
    world.fill(second, "t2", 100, broker_order_id="b2")  # more than it was placed for
    assert (world.order.state, world.order.filled) == (OrderState.FILLED, 100)


@pytest.mark.parametrize(("ended", "words"), [(S.REJECTED, "曾被认定未下达"), (S.CANCELED, "已经结束（已撤）")])
def test_what_the_brokers_list_shows_alive_though_it_has_ended_is_told(
    world: World, ended: AttemptState, words: str
) -> None:
    attempt = world.begin()
    world.hear(attempt, ended)
    for _ in range(2):
        world.do(lambda tx: contradicted(tx, world.attempt(), S.NEW, moment()))
    [text] = [m.text for m in world.messages if m.kind == "alert"]
    assert words in text
    assert attempt.remark in text


def test_an_attempt_of_no_order_is_refused(world: World) -> None:
    stray = replace(world.begin(), order_id=99)
    with pytest.raises(LookupError, match="99"):
        world.do(lambda tx: follow_attempt(tx, stray, moment()))


def test_what_shows_up_after_its_follower_was_placed_is_kept(world: World) -> None:
    first = world.begin()
    world.step(first, Event.NO_ANSWER)
    world.step(first, Event.ABSENT)
    second = world.again(100)
    world.hear(second, S.NEW, broker_order_id="b2")
    world.fill(first, "t1", 100)
    assert (world.book.volume, world.order.state) == (100, OrderState.PARTIALLY_FILLED)
    assert wants_no_more(world.order)
