"""How an order ends: by the broker, by us, by a wish, and what is told of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from execution.one_order import EXHAUSTED, TOMORROW, World, moment, world_order
from jqfollow.domain import AttemptState, OrderState, Side
from jqfollow.execution import transitions
from jqfollow.execution.lifecycle import Event
from jqfollow.execution.transitions import carry_odd_rest, end_order, left_figures, still_wanted, wants_no_more
from jqfollow.ledger.rows import OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from ledger.samples import DAY, NOW, SECURITY, an_order

S = AttemptState


@pytest.mark.parametrize(
    ("open_day", "filled", "state", "reason"),
    [
        (DAY, 0, OrderState.CANCELED, Reason.CANCELED_AT_BROKER),
        (DAY, 60, OrderState.CANCELED, Reason.CANCELED_AT_BROKER),
        (TOMORROW, 0, OrderState.EXPIRED, Reason.DAY_OVER),
        (TOMORROW, 60, OrderState.EXPIRED, Reason.DAY_OVER),
    ],
)
def test_canceled_by_nobody_here(world: World, open_day: date, filled: int, state: OrderState, reason: Reason) -> None:
    attempt = world.begin()
    world.hear(attempt, S.NEW)
    if filled:
        world.fill(attempt, "t1", filled)
    world.hear(attempt, S.CANCELED, filled, at=moment(open_day=open_day))
    order = world.order
    assert (order.state, order.reason, order.filled) == (state, reason, filled)
    assert order.figures == {"left": str(100 - filled), "day": "2026-01-05"}
    assert "?" not in Refusal(reason=reason, figures=order.figures).text("zh")
    assert [m.kind for m in world.messages] == ["order_done"]


def test_our_own_cancel_leaves_the_order_open_for_the_next_attempt(world: World) -> None:
    attempt = world.begin(volume=200)
    world.hear(attempt, S.NEW)
    world.fill(attempt, "t1", 100)
    world.ask_cancel(attempt)
    world.hear(attempt, S.CANCELED, 100)
    assert (world.attempt().state, world.order.state) == (S.CANCELED, OrderState.PARTIALLY_FILLED)
    second = world.again(100)
    world.hear(second, S.NEW, broker_order_id="b2")
    world.fill(second, "t9", 100, broker_order_id="b2")
    assert (world.order.state, world.order.filled, world.book.volume) == (OrderState.FILLED, 200, 200)
    assert "共 2 次委托" in world.messages[0].text


def test_a_refused_attempt_leaves_its_order_as_it_was(world: World) -> None:
    attempt = world.begin()
    world.step(attempt, Event.REFUSED, message="可用资金不足")
    assert (world.attempt().state, world.attempt().message) == (S.REJECTED, "可用资金不足")
    assert world.order.state is OrderState.PENDING_NEW
    assert world.messages == []


def test_refused_by_push_after_it_had_its_id_ends_as_rejected(world: World) -> None:
    attempt = world.begin()
    world.step(attempt, Event.ACCEPTED, broker_order_id="b1")
    world.hear(attempt, S.REJECTED, message="未开通权限")
    refusal = Refusal(reason=Reason.BROKER_REFUSED, figures={"message": "未开通权限"})
    assert world.do(lambda tx: end_order(tx, world_order(tx, attempt), refusal, moment())).state is OrderState.REJECTED
    assert [m.kind for m in world.messages] == ["order_refused"]


def test_what_is_filled_cannot_be_rejected(world: World) -> None:
    attempt = world.begin()
    world.fill(attempt, "t1", 40)
    world.hear(attempt, S.REJECTED, 40)
    assert world.attempt().state is S.CANCELED
    assert (world.order.state, world.order.filled) == (OrderState.CANCELED, 40)


@pytest.mark.parametrize(
    ("placed", "reason", "state", "kind"),
    [
        (False, Reason.BROKER_REFUSED, OrderState.REJECTED, "order_refused"),
        (False, Reason.BELOW_LOT, OrderState.REJECTED, "remainder"),
        (True, Reason.BELOW_LOT, OrderState.CANCELED, "order_done"),
        (True, Reason.ATTEMPTS_EXHAUSTED, OrderState.CANCELED, "order_done"),
        (False, Reason.DAY_OVER, OrderState.EXPIRED, "order_done"),
        (True, Reason.DAY_OVER, OrderState.EXPIRED, "order_done"),
    ],
)
def test_how_an_order_ends(world: World, placed: bool, reason: Reason, state: OrderState, kind: str) -> None:
    attempt = world.begin()
    if placed:
        world.hear(attempt, S.NEW)
        world.ask_cancel(attempt)
        world.hear(attempt, S.CANCELED)
    else:
        world.step(attempt, Event.REFUSED)
    figures = {"message": "权限不足", "attempts": "1", **left_figures(world.order)}
    refusal = Refusal(reason=reason, figures=figures)
    ended = world.do(lambda tx: end_order(tx, world_order(tx, attempt), refusal, moment()))
    assert (ended.state, ended.reason, ended.figures) == (state, reason, figures)
    assert [m.kind for m in world.messages] == [kind]
    assert world.do(lambda tx: tx.events.of_order(ended.order_id))[-1].detail == refusal.text("en")
    assert world.do(lambda tx: end_order(tx, ended, EXHAUSTED, moment())) == ended
    assert len(world.messages) == 1


def test_an_exit_that_is_below_a_lot_is_no_remainder(world: World) -> None:
    attempt = world.begin(side=Side.SELL, closes=True)
    world.step(attempt, Event.REFUSED)
    refusal = Refusal(reason=Reason.BELOW_LOT, figures={"wanted": "50"})
    world.do(lambda tx: end_order(tx, world_order(tx, attempt), refusal, moment()))
    assert sorted(m.kind for m in world.messages) == ["alert", "order_refused"]


def test_an_exit_that_is_filled_is_told_like_any_order(world: World) -> None:
    attempt = world.begin(side=Side.SELL, closes=True)
    world.fill(attempt, "t1", 100)
    assert world.order.state is OrderState.FILLED
    assert [m.kind for m in world.messages] == ["order_done"]


def test_what_never_reached_the_broker_is_no_time_it_was_placed(world: World) -> None:
    world.step(world.begin(), Event.REFUSED)
    second = world.again(100)
    world.hear(second, S.NEW)
    world.fill(second, "t1", 100)
    assert "次委托" not in world.messages[0].text


def test_an_order_of_which_something_was_filled_is_not_rejected(world: World) -> None:
    attempt = world.begin()
    world.step(attempt, Event.REFUSED)
    world.fill(attempt, "t1", 40)
    refusal = Refusal(reason=Reason.BROKER_REFUSED, figures={"message": "权限不足"})
    ended = world.do(lambda tx: end_order(tx, world_order(tx, attempt), refusal, moment()))
    assert (ended.state, ended.filled) == (OrderState.CANCELED, 40)


BY_WISH = {Reason.CANCELED_BY_USER, Reason.CANCELED_BY_STRATEGY, Reason.BACKTEST, Reason.NOTHING_TO_SELL}


def ended_for(world: World, reason: Reason, **order: Any) -> list[str]:
    """The alerts about an order that ends for `reason` before anything of it was placed."""

    def end(tx: Tx) -> None:
        row = an_order(tx, **order)
        end_order(tx, row, Refusal(reason=reason, figures=left_figures(row)), moment())

    world.do(end)
    return [message.text for message in world.messages if message.kind == "alert"]


@pytest.mark.parametrize("reason", [*sorted(BY_WISH), Reason.DAY_OVER, Reason.ATTEMPTS_EXHAUSTED, Reason.PRICE_DRIFT])
def test_an_exit_that_is_not_done_is_told_loudly_unless_somebody_wished_it(world: World, reason: Reason) -> None:
    alerts = ended_for(world, reason, side=Side.SELL, closes=True)
    assert len(alerts) == (reason not in BY_WISH)
    assert all("演示策略" in text and SECURITY in text for text in alerts)


@pytest.mark.parametrize("order", [{"side": Side.SELL}, {"side": Side.BUY, "closes": True}, {"side": Side.BUY}])
def test_what_is_no_exit_ends_quietly(world: World, order: dict[str, Any]) -> None:
    assert not ended_for(world, Reason.DAY_OVER, **order)


@pytest.mark.parametrize("reason", [Reason.CANCELED_BY_STRATEGY, Reason.CANCELED_BY_USER])
def test_what_a_strategy_took_back_is_reckoned_with_what_it_had_filled_there(
    world: World, monkeypatch: pytest.MonkeyPatch, reason: Reason
) -> None:
    reckoned: list[tuple[int, str]] = []
    monkeypatch.setattr(
        transitions, "reckon", lambda _tx, signal_id, account, _at: reckoned.append((signal_id, account))
    )
    attempt = world.begin()
    world.hear(attempt, S.NEW)
    world.want_end(reason)
    world.ask_cancel(attempt)
    world.hear(attempt, S.CANCELED)
    assert world.order.reason is reason
    assert reckoned == ([(world.order.signal_id, "main")] if reason is Reason.CANCELED_BY_STRATEGY else [])
    world.fill(attempt, "late", 100)
    assert reckoned[-1:] == [(world.order.signal_id, "main")], "a late fill is reckoned anew"


def test_what_somebody_ended_cancelled_or_paused_meanwhile_is_not_wanted_any_more(world: World) -> None:
    def wanted(change: Callable[[Tx, OrderRow], Any]) -> bool:
        def look(tx: Tx) -> bool:
            seen = an_order(tx, f"m{len(tx.orders.list())}")
            assert still_wanted(tx, seen) == seen
            change(tx, seen)
            return still_wanted(tx, seen) is not None

        return bool(world.do(look))

    assert not wanted(lambda tx, seen: end_order(tx, seen, EXHAUSTED, moment()))
    assert not wanted(lambda tx, seen: tx.orders.update(seen.order_id, NOW, cancel_reason=Reason.CANCELED_BY_USER))
    assert wanted(lambda tx, _: tx.pauses.pause("another", "", NOW))
    assert not wanted(lambda tx, _: tx.pauses.pause("demo", "main", NOW))


def test_an_order_seen_before_another_ended_it_is_not_ended_twice(world: World) -> None:
    seen = world.do(an_order)
    by_user = Refusal(reason=Reason.CANCELED_BY_USER, figures=left_figures(seen))
    world.do(lambda tx: end_order(tx, seen, by_user, moment()))
    ended = world.do(lambda tx: end_order(tx, seen, EXHAUSTED, moment()))
    assert ended.reason is Reason.CANCELED_BY_USER
    assert len(world.messages) == 1


def test_an_order_filled_since_it_was_seen_ends_as_filled(world: World) -> None:
    attempt = world.begin()
    seen = world.order
    world.fill(attempt, "t1", 100)
    assert world.do(lambda tx: end_order(tx, seen, EXHAUSTED, moment())).state is OrderState.FILLED


def test_an_order_is_not_ended_over_a_live_attempt_nor_without_reason(world: World) -> None:
    attempt = world.begin()
    with pytest.raises(ValueError, match="live attempt"):
        world.do(lambda tx: end_order(tx, world_order(tx, attempt), EXHAUSTED, moment()))
    world.step(attempt, Event.REFUSED)
    with pytest.raises(ValueError, match="no reason"):
        world.do(lambda tx: end_order(tx, world_order(tx, attempt), None, moment()))
    assert world.order.state is OrderState.PENDING_NEW


@pytest.mark.parametrize(
    ("volume", "filled", "no_more"), [(1, 1, True), (2, 1, False), (0, 0, False), (100, 101, True)]
)
def test_what_lives_is_wanted_until_all_is_filled(world: World, volume: int, filled: int, no_more: bool) -> None:
    world.begin()
    assert wants_no_more(replace(world.order, volume=volume, filled=filled)) is no_more


@pytest.mark.parametrize("filled", [60, 110])
def test_what_an_ended_order_left_is_not_carried(world: World, filled: int) -> None:
    attempt = world.begin()
    world.fill(attempt, "t1", 60)
    world.want_end()
    world.hear(attempt, S.CANCELED, 60)
    if filled > 60:
        world.fill(attempt, "t2", filled - 60)
    world.do(lambda tx: carry_odd_rest(tx, world_order(tx, attempt)))
    assert (world.order.state, world.book.carry_buy) == (OrderState.CANCELED, 0)


def test_an_order_that_was_never_sized_is_not_filled_by_its_end(world: World) -> None:
    order = world.do(lambda tx: an_order(tx, "unsized", volume=0, sized=False))
    assert not wants_no_more(order)
    wished = world.do(lambda tx: tx.orders.update(order.order_id, NOW, cancel_reason=Reason.CANCELED_BY_USER))
    assert wants_no_more(wished)
    with pytest.raises(ValueError, match="no reason"):
        world.do(lambda tx: end_order(tx, order, None, moment()))
    ended = world.do(lambda tx: end_order(tx, order, EXHAUSTED, moment()))
    assert (ended.state, ended.reason) == (OrderState.REJECTED, EXHAUSTED.reason)
