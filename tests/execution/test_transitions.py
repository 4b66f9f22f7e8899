"""What one event changes, against a ledger on disk."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.domain import (
    ATTEMPT_ENDED,
    ATTEMPT_LIVE,
    ORDER_OPEN,
    AttemptState,
    OrderKey,
    OrderReport,
    OrderState,
    Side,
)
from jqfollow.execution import transitions
from jqfollow.execution.lifecycle import Event
from jqfollow.execution.transitions import (
    Moment,
    Names,
    apply_fill,
    apply_order_report,
    carry_odd_rest,
    contradicted,
    end_order,
    find_attempt,
    follow_attempt,
    left_figures,
    missing_fills,
    step_attempt,
    still_wanted,
    wants_no_more,
)
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow, BookRow, OrderRow, OutboxRow
from jqfollow.ledger.store import connect
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from ledger.samples import DAY, NOW, SECURITY, an_attempt, an_order, fill_report, later, new_attempt

S = AttemptState
TOMORROW = DAY + timedelta(days=1)
EXHAUSTED = Refusal(reason=Reason.ATTEMPTS_EXHAUSTED, figures={"attempts": "5", "left": "100"})


def test_names_are_kept_once_and_again_when_they_change() -> None:
    names = Names(securities={"600000.SH": "浦发银行"})
    names.read({"000001.SZ": "平安银行", "600000.SH": "ST浦发"})
    assert names.securities == {"600000.SH": "浦发银行", "000001.SZ": "平安银行"}  # the newest word stands
    assert (names.changed(), names.changed()) == ({"600000.SH": "浦发银行"}, {})
    names.securities["000001.SZ"] = "ST平安"
    assert (names.changed(), names.changed()) == ({"000001.SZ": "ST平安"}, {})


def moment(*, open_day: date = DAY, after_s: float = 1) -> Moment:
    names = Names(titles={"demo": "演示策略"}, securities={SECURITY: "平安银行"})
    return Moment(now=later(after_s), names=names, open_day=open_day)


def key(broker_order_id: str = "b1", *, account: str = "main", day: date = DAY) -> OrderKey:
    return OrderKey(account=account, day=day, broker_order_id=broker_order_id)


def report(attempt: AttemptRow, state: AttemptState, filled: int = 0, **changes: Any) -> OrderReport:
    fields: dict[str, Any] = {
        "broker_order_id": "b1",
        "remark": attempt.remark,
        "symbol": attempt.security,
        "side": attempt.side,
        "volume": attempt.volume,
        "price": attempt.price,
        "state": state,
        "filled": filled,
        "at": NOW,
    }
    return OrderReport(**fields | changes)


class World:
    """One order with its attempts, and what happens to it; `do` runs what is to be done in a transaction."""

    def __init__(self, do: Callable[[Callable[[Tx], Any]], Any]) -> None:
        self.do = do
        self.first: AttemptRow | None = None

    def begin(self, **order: Any) -> AttemptRow:
        self.first = self.do(lambda tx: an_attempt(tx, **order))
        return self.first

    def again(self, volume: int, number: int = 2) -> AttemptRow:
        """The next attempt of the same order."""
        order = self.order
        return self.do(lambda tx: tx.attempts.create(new_attempt(order, number, volume=volume), later(2)))

    def hear(
        self, attempt: AttemptRow, state: AttemptState, filled: int = 0, *, at: Moment | None = None, **changes: Any
    ) -> AttemptRow | None:
        told = report(attempt, state, filled, **changes)
        return self.do(lambda tx: apply_order_report(tx, key(told.broker_order_id), told, at or moment()))

    def fill(self, attempt: AttemptRow, traded_id: str, volume: int, **changes: Any) -> AttemptRow | None:
        told = fill_report(attempt, traded_id, volume=volume, **changes)
        return self.do(lambda tx: apply_fill(tx, key(told.broker_order_id), told, moment()))

    def step(self, attempt: AttemptRow, event: Event, **columns: Any) -> AttemptRow:
        """An event, and what it means for the order."""

        def apply(tx: Tx) -> AttemptRow:
            row = tx.attempts.get(attempt.attempt_id)
            assert row is not None
            after = step_attempt(tx, row, event, moment(), **columns)
            follow_attempt(tx, after, moment())
            return after

        return self.do(apply)

    def ask_cancel(self, attempt: AttemptRow) -> AttemptRow:
        return self.step(attempt, Event.CANCEL_ASKED, cancel_at=later(1))

    def want_end(self, reason: Reason = Reason.CANCELED_BY_USER) -> None:
        order_id = self.order.order_id
        self.do(lambda tx: tx.orders.update(order_id, NOW, cancel_reason=reason))

    @property
    def order(self) -> OrderRow:
        assert self.first is not None
        order_id = self.first.order_id
        row = self.do(lambda tx: tx.orders.get(order_id))
        assert row is not None
        return row

    def attempt(self, number: int = 1) -> AttemptRow:
        return self.attempts()[number - 1]

    def attempts(self) -> list[AttemptRow]:
        order_id = self.order.order_id
        return self.do(lambda tx: tx.attempts.of_order(order_id))

    @property
    def book(self) -> BookRow:
        return self.do(lambda tx: tx.books.get("main", "demo", SECURITY))

    @property
    def messages(self) -> list[OutboxRow]:
        return self.do(lambda tx: tx.outbox.list())

    def history(self) -> list[tuple[str, str, str]]:
        order_id = self.order.order_id
        events = self.do(lambda tx: tx.events.of_order(order_id))
        return [(event.event, event.before, event.after) for event in events]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A ledger on disk, of which no test leaves anything behind: each is one transaction that is taken back."""
    path = tmp_path_factory.mktemp("transitions") / "ledger.db"
    Ledger.open(path).close_now()
    connection = connect(path, mode="rw", busy_timeout_s=1)
    yield connection
    connection.close()


@contextmanager
def taken_back(connection: Any) -> Iterator[World]:
    tx = Tx(connection)

    def do(fn: Callable[[Tx], Any]) -> Any:
        """All or nothing, like a transaction of the writer."""
        connection.execute("SAVEPOINT step")
        try:
            return fn(tx)
        except BaseException:
            connection.execute("ROLLBACK TO step")
            raise
        finally:
            connection.execute("RELEASE step")

    connection.execute("BEGIN IMMEDIATE")
    try:
        yield World(do)
    finally:
        connection.execute("ROLLBACK")


@pytest.fixture
def world(connection: Any) -> Iterator[World]:
    with taken_back(connection) as world:
        yield world


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


# -- ends --------------------------------------------------------------------------------------------------------------


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


def world_order(tx: Tx, attempt: AttemptRow) -> OrderRow:
    order = tx.orders.get(attempt.order_id)
    assert order is not None
    return order


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


@pytest.mark.parametrize(
    ("volume", "filled", "no_more"), [(1, 1, True), (2, 1, False), (0, 0, False), (100, 101, True)]
)
def test_what_lives_is_wanted_until_all_is_filled(world: World, volume: int, filled: int, no_more: bool) -> None:
    world.begin()
    assert wants_no_more(replace(world.order, volume=volume, filled=filled)) is no_more


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


def test_an_order_that_was_never_sized_is_not_filled_by_its_end(world: World) -> None:
    order = world.do(lambda tx: an_order(tx, "unsized", volume=0, sized=False))
    assert not wants_no_more(order)
    wished = world.do(lambda tx: tx.orders.update(order.order_id, NOW, cancel_reason=Reason.CANCELED_BY_USER))
    assert wants_no_more(wished)
    with pytest.raises(ValueError, match="no reason"):
        world.do(lambda tx: end_order(tx, order, None, moment()))
    ended = world.do(lambda tx: end_order(tx, order, EXHAUSTED, moment()))
    assert (ended.state, ended.reason) == (OrderState.REJECTED, EXHAUSTED.reason)
