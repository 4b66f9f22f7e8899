"""Orders and their attempts: what may change, what cannot be."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from jqfollow.domain import (
    ATTEMPT_ENDED,
    BY_RULE,
    ORDER_OPEN,
    AttemptState,
    FollowMode,
    OrderKey,
    OrderState,
    Side,
    Waiting,
    WaitingFor,
)
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import DayCounts, NewOrder, OrderRow, Terms
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from ledger.samples import (
    DAY,
    NOW,
    SECURITY,
    TERMS,
    an_attempt,
    an_order,
    fill_report,
    later,
    new_attempt,
    new_order,
    signal,
)

NO_CASH = Refusal(reason=Reason.NO_CASH, figures={"needed": "1130", "cash": "5"})


def test_an_order_begins_pending_and_comes_back_as_it_was_made(ledger: Ledger) -> None:
    terms = Terms(
        amount=300, run="sim_trade", mode=FollowMode.RATIO, figure=Decimal("0.5"), made_at=later(-1),
        total_value=Decimal("100000.55"), held_before=200, reference=Decimal("11.1"), account_number="1234",
    )  # fmt: skip

    def make(tx: Tx) -> Any:
        made = new_order(
            tx.signals.record(signal()).signal_id, part=2, limit_price=Decimal("11.05"), closes=True, sized=False,
            terms=terms,
        )  # fmt: skip
        return made, tx.orders.create(made, NOW)

    made, row = ledger.write_now(make)
    assert ledger.read_now(lambda tx: tx.orders.get(row.order_id)) == row
    for name in (
        "signal_id",
        "account",
        "strategy",
        "part",
        "day",
        "security",
        "side",
        "volume",
        "sized",
        "closes",
        "terms",
    ):
        assert getattr(row, name) == getattr(made, name), name
    assert (row.state, row.filled, row.turnover, row.avg_price) == (OrderState.PENDING_NEW, 0, Decimal(0), None)
    assert (row.limit_price, row.created_at, row.updated_at) == (Decimal("11.05"), NOW, NOW)


def test_an_order_is_the_first_part_not_sized_and_closes_nothing_unless_it_says_so(ledger: Ledger) -> None:
    def make(tx: Tx) -> OrderRow:
        number = tx.signals.record(signal()).signal_id
        made = NewOrder(signal_id=number, account="main", strategy="demo", day=DAY, security=SECURITY, side=Side.BUY,
                        terms=TERMS, deadline=later(60), limit_price=None)  # fmt: skip
        return tx.orders.create(made, NOW)

    row = ledger.write_now(make)
    assert (row.part, row.sized, row.volume, row.closes) == (1, False, 0, False)


def test_an_order_takes_typed_changes(ledger: Ledger) -> None:
    order = ledger.write_now(lambda tx: an_order(tx, volume=0, sized=False))
    changed = ledger.write_now(
        lambda tx: tx.orders.update(
            order.order_id,
            later(1),
            sized=True,
            volume=200,
            limit_price=Decimal("11.10"),
            cancel_reason=Reason.CANCELED_BY_USER,
            refusal=NO_CASH,
        )
    )
    assert (changed.sized, changed.volume, changed.limit_price) == (True, 200, Decimal("11.10"))
    assert (changed.cancel_reason, changed.reason, changed.figures) == (
        Reason.CANCELED_BY_USER,
        NO_CASH.reason,
        NO_CASH.figures,
    )
    assert (changed.created_at, changed.updated_at) == (NOW, later(1))
    cleared = ledger.write_now(lambda tx: tx.orders.update(order.order_id, later(2), refusal=None, limit_price=None))
    assert cleared.limit_price is None
    assert (cleared.reason, dict(cleared.figures)) == (None, {})


@pytest.mark.parametrize("column", ["filled", "turnover", "price", "reason", "state = 'filled' --"])
def test_only_known_columns_change(ledger: Ledger, column: str) -> None:
    attempt = ledger.write_now(an_attempt)
    with pytest.raises(TypeError, match="orders has no column"):
        ledger.write_now(lambda tx: tx.orders.update(attempt.order_id, NOW, **{column: 1}))  # type: ignore[misc]
    with pytest.raises(TypeError, match="attempts has no column"):
        ledger.write_now(lambda tx: tx.attempts.update(attempt.attempt_id, NOW, **{column: 1}))  # type: ignore[misc]


@pytest.mark.parametrize("state", sorted(set(OrderState) - ORDER_OPEN))
def test_an_order_that_ends_waits_no_more(ledger: Ledger, state: OrderState) -> None:
    order = ledger.write_now(an_order)
    ledger.write_now(lambda tx: tx.orders.wait(order, NOW, WaitingFor.SESSION, later(9)))
    ended = ledger.write_now(lambda tx: tx.orders.update(order.order_id, NOW, state=state, refusal=NO_CASH))
    assert (ended.state, ended.waiting_for, ended.wait_until) == (state, None, None)
    with pytest.raises(LedgerError, match="impossible"):
        ledger.write_now(lambda tx: tx.orders.wait(ended, NOW, WaitingFor.CASH))


def test_waiting_is_a_value_that_no_other_change_touches(ledger: Ledger) -> None:
    order = ledger.write_now(an_order)
    held = ledger.write_now(lambda tx: tx.orders.wait(order, later(1), WaitingFor.CASH, later(60)))
    assert held.waiting == Waiting(what=WaitingFor.CASH, since=later(1), until=later(60))
    assert (held.updated_at, held.waiting_for, held.wait_until) == (later(1), WaitingFor.CASH, later(60))
    changed = ledger.write_now(
        lambda tx: tx.orders.update(order.order_id, later(5), volume=300, state=OrderState.PARTIALLY_FILLED)
    )
    assert changed.waiting == held.waiting
    longer = ledger.write_now(lambda tx: tx.orders.wait(changed, later(6), WaitingFor.CASH))
    assert longer.waiting == Waiting(what=WaitingFor.CASH, since=later(1))


@pytest.mark.parametrize("what", list(WaitingFor))
def test_what_a_rule_waits_for_moves_the_deadline(ledger: Ledger, what: WaitingFor) -> None:
    order = ledger.write_now(an_order)
    held = ledger.write_now(lambda tx: tx.orders.wait(order, later(10), what))
    assert held.deadline == order.deadline
    held = ledger.write_now(lambda tx: tx.orders.wait(held, later(60), what))
    assert held.deadline == order.deadline, "it goes on"
    on = ledger.write_now(lambda tx: tx.orders.wait(held, later(110), None))
    assert (on.waiting, on.deadline) == (None, order.deadline + timedelta(seconds=100 if what in BY_RULE else 0))
    back = ledger.write_now(lambda tx: tx.orders.wait(tx.orders.wait(on, later(200), what), later(150), None))
    assert back.deadline == on.deadline  # a clock set back moves nothing back


@pytest.mark.parametrize("state", [OrderState.CANCELED, OrderState.REJECTED, OrderState.EXPIRED])
def test_an_order_that_was_not_filled_says_why(ledger: Ledger, state: OrderState) -> None:
    order = ledger.write_now(an_order)
    with pytest.raises(LedgerError, match="impossible"):
        ledger.write_now(lambda tx: tx.orders.update(order.order_id, NOW, state=state))


def test_one_part_of_a_signal_is_one_order_of_an_account(ledger: Ledger) -> None:
    order = ledger.write_now(an_order)
    with pytest.raises(LedgerError, match="impossible"):
        ledger.write_now(lambda tx: tx.orders.create(new_order(order.signal_id), NOW))
    ledger.write_now(lambda tx: tx.orders.create(new_order(order.signal_id, part=2), NOW))
    ledger.write_now(lambda tx: tx.orders.create(new_order(order.signal_id, account="paper"), NOW))
    assert len(ledger.read_now(lambda tx: tx.orders.of_signal(order.signal_id))) == 3


@pytest.mark.parametrize("changes", [{"signal_id": 99}, {"part": 0}, {"volume": -100}, {"limit_price": Decimal("NaN")}])
def test_impossible_orders_are_refused(ledger: Ledger, changes: dict[str, Any]) -> None:
    signal_id = ledger.write_now(lambda tx: tx.signals.record(signal())).signal_id
    with pytest.raises((LedgerError, ValueError)):
        ledger.write_now(lambda tx: tx.orders.create(new_order(**{"signal_id": signal_id, **changes}), NOW))
    assert ledger.read_now(lambda tx: tx.orders.list()) == []


def test_missing_rows(ledger: Ledger) -> None:
    assert ledger.read_now(lambda tx: (tx.orders.get(1), tx.attempts.get(1))) == (None, None)
    with pytest.raises(LedgerError, match="order_id 1"):
        ledger.write_now(lambda tx: tx.orders.update(1, NOW, volume=1))
    for columns in ({"message": "x"}, {"state": AttemptState.NEW}):
        with pytest.raises(LedgerError, match="attempt_id 1"):
            ledger.write_now(lambda tx, columns=columns: tx.attempts.update(1, NOW, **columns))


def test_open_orders_and_the_list(ledger: Ledger) -> None:
    def fill(tx: Tx) -> list[int]:
        orders = [
            an_order(tx, "a"),
            an_order(tx, "b", account="paper"),
            an_order(tx, "c", security="600000.SH"),
            an_order(tx, "d", day=date(2026, 1, 6)),
        ]
        tx.orders.update(orders[3].order_id, NOW, state=OrderState.EXPIRED, refusal=NO_CASH)
        return [order.order_id for order in orders]

    a, b, c, d = ledger.write_now(fill)

    def ids(rows: list[Any]) -> list[int]:
        return [row.order_id for row in rows]

    assert ids(ledger.read_now(lambda tx: tx.orders.open())) == [a, b, c]
    assert ids(ledger.read_now(lambda tx: tx.orders.open("main"))) == [a, c]
    assert ids(ledger.read_now(lambda tx: tx.orders.list())) == [d, c, b, a]
    assert ids(ledger.read_now(lambda tx: tx.orders.list(account="main", day=DAY))) == [c, a]
    assert ids(ledger.read_now(lambda tx: tx.orders.list(state=OrderState.EXPIRED))) == [d]
    assert ids(ledger.read_now(lambda tx: tx.orders.list(security=SECURITY, before_id=d, limit=1))) == [b]


def test_an_attempt_carries_a_remark_of_its_own(ledger: Ledger, path: Any) -> None:
    attempts = [ledger.write_now(lambda tx, name=name: an_attempt(tx, name)) for name in ("a", "b")]
    tag = ledger.read_now(lambda tx: tx.meta.get("remark_tag"))
    assert [attempt.remark for attempt in attempts] == [f"jq{tag}-1", f"jq{tag}-2"]
    assert all(attempt.remark.isascii() and len(attempt.remark) <= 24 for attempt in attempts)
    with Ledger.open(path.with_name("other.db")) as other:
        assert other.write_now(an_attempt).remark != attempts[0].remark
    assert ledger.read_now(lambda tx: tx.attempts.by_remark(attempts[1].remark)) == attempts[1]
    assert ledger.read_now(lambda tx: tx.attempts.by_remark("jq")) is None


def test_remarks_stay_short_for_as_long_as_sqlite_counts(ledger: Ledger) -> None:
    from jqfollow.ledger.attempts import _base36

    assert (_base36(35), _base36(36), _base36(36**3 + 37)) == ("Z", "10", "1011")
    assert len(f"jqABCDE-{_base36(2**63 - 1)}") <= 24
    assert int(_base36(2**63 - 1), 36) == 2**63 - 1


def test_an_attempt_ends_once_and_keeps_its_time(ledger: Ledger) -> None:
    attempt = ledger.write_now(an_attempt)
    update = ledger.write_now(
        lambda tx: tx.attempts.update(
            attempt.attempt_id,
            later(1),
            state=AttemptState.PENDING_CANCEL,
            broker_order_id="b1",
            reported=40,
            message="已报待撤",
            cancel_at=later(1),
            cancels=1,
        )
    )
    assert (update.state, update.broker_order_id, update.reported) == (AttemptState.PENDING_CANCEL, "b1", 40)
    assert (update.message, update.cancel_at, update.cancels, update.done) == ("已报待撤", later(1), 1, 40)
    assert (update.ended_at, update.updated_at) == (None, later(1))
    ended = ledger.write_now(lambda tx: tx.attempts.update(attempt.attempt_id, later(2), state=AttemptState.CANCELED))
    again = ledger.write_now(
        lambda tx: tx.attempts.update(attempt.attempt_id, later(3), state=AttemptState.FILLED, reported=100)
    )
    assert (ended.ended_at, again.ended_at, again.updated_at) == (later(2), later(2), later(3))
    key = OrderKey(account="main", day=DAY, broker_order_id="b1")
    assert again.key == key
    assert ledger.read_now(lambda tx: tx.attempts.by_key(key)) == again
    assert ledger.read_now(lambda tx: tx.attempts.by_key(replace(key, day=date(2026, 1, 6)))) is None


@pytest.mark.parametrize("state", sorted(set(AttemptState) - ATTEMPT_ENDED))
def test_at_most_one_attempt_of_an_order_is_live(ledger: Ledger, state: AttemptState) -> None:
    order = ledger.write_now(an_order)
    first = ledger.write_now(lambda tx: tx.attempts.create(new_attempt(order), NOW))
    ledger.write_now(lambda tx: tx.attempts.update(first.attempt_id, NOW, state=state))
    with pytest.raises(LedgerError, match="impossible"):
        ledger.write_now(lambda tx: tx.attempts.create(new_attempt(order, 2), NOW))
    ledger.write_now(lambda tx: tx.attempts.update(first.attempt_id, NOW, state=AttemptState.REJECTED))
    second = ledger.write_now(lambda tx: tx.attempts.create(new_attempt(order, 2), NOW))
    with pytest.raises(LedgerError, match="impossible"):
        ledger.write_now(lambda tx: tx.attempts.update(first.attempt_id, NOW, state=state))
    assert ledger.read_now(lambda tx: tx.attempts.of_order(order.order_id))[1] == second
    assert [row.number for row in ledger.read_now(lambda tx: tx.attempts.live())] == [2]


def test_nothing_is_placed_beyond_what_an_open_order_has_left(ledger: Ledger) -> None:
    order = ledger.write_now(lambda tx: an_order(tx, volume=300))

    def refused(number: int, **changes: Any) -> None:
        with pytest.raises(LedgerError, match="has left"):
            ledger.write_now(lambda tx: tx.attempts.create(new_attempt(order, number, **changes), NOW))

    refused(1, volume=301)
    refused(1, account="other")
    refused(1, security="600000.SH")
    refused(1, side=Side.SELL)
    first = ledger.write_now(lambda tx: tx.attempts.create(new_attempt(order), NOW))
    # The broker's order says 200, the fills so far say 100: the greater counts.
    ledger.write_now(lambda tx: tx.fills.add(first, "demo", fill_report(first, volume=100), DAY))
    ledger.write_now(lambda tx: tx.attempts.update(first.attempt_id, NOW, state=AttemptState.CANCELED, reported=200))
    refused(2, volume=101)
    second = ledger.write_now(lambda tx: tx.attempts.create(new_attempt(order, 2, volume=100), NOW))
    ledger.write_now(lambda tx: tx.attempts.update(second.attempt_id, NOW, state=AttemptState.REJECTED))
    ledger.write_now(lambda tx: tx.orders.update(order.order_id, NOW, state=OrderState.EXPIRED, refusal=NO_CASH))
    refused(3, volume=100)


@pytest.mark.parametrize(("changes"), [{"volume": 0}, {"volume": -1}, {"number": 0}, {"price": Decimal("Infinity")}])
def test_impossible_attempts_are_refused(ledger: Ledger, changes: dict[str, Any]) -> None:
    order = ledger.write_now(an_order)
    with pytest.raises((LedgerError, ValueError)):
        ledger.write_now(lambda tx: tx.attempts.create(new_attempt(order, **{"number": 1, **changes}), NOW))
    assert ledger.read_now(lambda tx: tx.attempts.of_order(order.order_id)) == []


def test_a_brokers_order_belongs_to_one_attempt(ledger: Ledger) -> None:
    a, b = (ledger.write_now(lambda tx, name=name: an_attempt(tx, name)) for name in ("a", "b"))
    ledger.write_now(lambda tx: tx.attempts.update(a.attempt_id, NOW, broker_order_id="7"))
    with pytest.raises(LedgerError, match="impossible"):
        ledger.write_now(lambda tx: tx.attempts.update(b.attempt_id, NOW, broker_order_id="7"))
    tomorrow = ledger.write_now(lambda tx: an_attempt(tx, "c", day=date(2026, 1, 6)))
    ledger.write_now(lambda tx: tx.attempts.update(tomorrow.attempt_id, NOW, broker_order_id="7"))


def test_live_and_unknown_attempts(ledger: Ledger) -> None:
    a, b, c = (ledger.write_now(lambda tx, name=name: an_attempt(tx, name)) for name in ("a", "b", "c"))
    other = ledger.write_now(lambda tx: an_attempt(tx, "d", account="paper"))
    for attempt in (a, b):
        ledger.write_now(
            lambda tx, attempt=attempt: tx.attempts.update(attempt.attempt_id, NOW, state=AttemptState.UNKNOWN)
        )
    ledger.write_now(lambda tx: tx.attempts.update(c.attempt_id, NOW, state=AttemptState.FILLED))

    def ids(rows: list[Any]) -> list[int]:
        return [row.attempt_id for row in rows]

    assert ids(ledger.read_now(lambda tx: tx.attempts.unknown("main"))) == ids([a, b])
    assert ids(ledger.read_now(lambda tx: tx.attempts.live())) == ids([a, b, other])
    assert ids(ledger.read_now(lambda tx: tx.attempts.live("main"))) == ids([a, b])
    assert ids(ledger.read_now(lambda tx: tx.attempts.list(account="main", day=DAY))) == ids([a, b, c])


def test_counts_of_a_day_never_too_small(ledger: Ledger) -> None:
    assert ledger.read_now(lambda tx: tx.attempts.counts("main", DAY)) == DayCounts()
    part, reported, whole, refused = (
        ledger.write_now(lambda tx, name=name: an_attempt(tx, name, volume=1000)) for name in "abcd"
    )
    ledger.write_now(lambda tx: an_attempt(tx, "other", account="paper"))

    def happen(tx: Tx) -> None:
        # Live: 300 filled at a better price, 700 may still fill at 11.30.
        tx.fills.add(part, "demo", fill_report(part, volume=300, price=Decimal("11.20")), DAY)
        # Ended: the broker says 400 filled, its fills have not come.
        tx.attempts.update(reported.attempt_id, NOW, state=AttemptState.CANCELED, reported=400, cancels=2)
        tx.fills.add(whole, "demo", fill_report(whole, "t2"), DAY)
        tx.attempts.update(whole.attempt_id, NOW, state=AttemptState.FILLED, reported=1000)
        tx.attempts.update(refused.attempt_id, NOW, state=AttemptState.REJECTED, cancels=1)

    ledger.write_now(happen)
    assert ledger.read_now(lambda tx: tx.attempts.counts("main", DAY)) == DayCounts(
        attempts=4,
        cancels=3,
        turnover=300 * Decimal("11.20") + 700 * Decimal("11.30") + 400 * Decimal("11.30") + 1000 * Decimal("11.30"),
    )
