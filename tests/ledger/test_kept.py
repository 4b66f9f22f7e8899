"""What a transaction keeps of its rows is what stands in the file, whatever it does, and whatever is undone."""

import contextlib
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jqfollow.domain import AttemptState, OrderKey, OrderState, WaitingFor
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.orders import OrderColumns
from jqfollow.ledger.rows import AttemptRow, OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from ledger.samples import DAY, an_order, connection_of, fill_report, later, new_attempt, signal

REFUSAL = Refusal(reason=Reason.BROKER_REFUSED, figures={"message": "不行"})
COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "state": st.sampled_from(OrderState),
    "sized": st.booleans(),
    "volume": st.integers(0, 10_000),
    "limit_price": st.none() | st.decimals(1, 100, places=3),
    "reference": st.none() | st.decimals(1, 100, places=3),
    "cancel_reason": st.none() | st.just(Reason.CANCELED_BY_USER),
    "refusal": st.none() | st.just(REFUSAL),
}
WAITS = st.tuples(st.none() | st.sampled_from(WaitingFor), st.none() | st.floats(0, 1e6).map(later))
Act = Callable[[Tx, OrderRow, AttemptRow], Any]


def update_attempt(**columns: Any) -> Act:
    return lambda tx, _, attempt: tx.attempts.update(attempt.attempt_id, later(7.0004), **columns)


ACTS = st.one_of(
    st.fixed_dictionaries({}, optional=COLUMNS).map(
        lambda columns: lambda tx, order, _: tx.orders.update(order.order_id, later(5.0006), **columns)
    ),
    WAITS.map(lambda wait: lambda tx, order, _: tx.orders.wait(tx.orders.get(order.order_id), later(3.3), *wait)),
    st.sampled_from(AttemptState).map(lambda state: update_attempt(state=state)),
    st.builds(
        update_attempt,
        broker_order_id=st.none() | st.sampled_from(["b1", "b2", "坏\ud800"]),
        reported=st.integers(0, 900),
        message=st.text(max_size=5),
        cancel_at=st.none() | st.just(later(9.9999)),
        cancels=st.integers(0, 3),
    ),
    st.integers(1, 9).map(
        lambda n: lambda tx, _, attempt: tx.fills.add(attempt, "demo", fill_report(attempt, f"t{n}", volume=n), DAY)
    ),
    st.just(
        lambda tx, order, attempt: tx.attempts.create(
            new_attempt(order, len(tx.attempts.of_order(order.order_id)) + 1), later(11)
        )
    ),
    st.just(lambda tx, order, _: tx.orders.update(order.order_id, later(4), state=OrderState.NEW)),
)


def seen(tx: Tx, order: OrderRow) -> list[Any]:
    attempts = tx.attempts.of_order(order.order_id)
    return [
        tx.orders.get(order.order_id),
        attempts,
        [tx.attempts.get(attempt.attempt_id) for attempt in attempts],
        [tx.attempts.by_remark(attempt.remark) for attempt in attempts],
        [tx.attempts.by_key(OrderKey(account="main", day=DAY, broker_order_id=name)) for name in ("b1", "b2", "坏?")],
        tx.signals.get(order.signal_id),
    ]


class UndoneError(Exception):
    """To have a savepoint rolled back."""


def test_a_savepoint_undoes_what_is_its_own_and_nothing_else(ledger: Ledger) -> None:
    statements: list[str] = []

    def events(tx: Tx) -> list[str]:
        return [row.event for row in tx.events.of_order(1)]

    def changes_its_mind(tx: Tx) -> None:
        with tx.savepoint():
            tx.events.add(1, None, later(2), "undone", "", "")
            tx.orders.update(1, later(2), volume=700)
            raise UndoneError

    def played(tx: Tx) -> None:
        order = an_order(tx, volume=100)
        tx.events.add(order.order_id, None, later(1), "before", "", "")
        tx.orders.update(order.order_id, later(1), volume=300)
        connection_of(tx).set_trace_callback(statements.append)
        with pytest.raises(UndoneError):
            changes_its_mind(tx)
        with pytest.raises(sqlite3.IntegrityError), tx.savepoint():
            tx.events.add(999, None, later(2), "of no order", "", "")
        with tx.savepoint():
            tx.events.add(order.order_id, None, later(3), "kept", "", "")
        connection_of(tx).set_trace_callback(None)
        found = tx.orders.get(order.order_id)
        assert found is not None
        assert (found.volume, events(tx)) == (300, ["before", "kept"])

    ledger.write_now(played)
    order = ledger.read_now(lambda tx: tx.orders.get(1))
    assert order is not None
    assert (order.volume, ledger.read_now(events)) == (300, ["before", "kept"])
    counts = [statements.count(statement) for statement in ("SAVEPOINT part", "ROLLBACK TO part", "RELEASE part")]
    assert counts == [3, 2, 3]


def test_what_went_wrong_is_told_though_sqlite_has_given_the_whole_transaction_up(ledger: Ledger) -> None:
    def gives_up(tx: Tx) -> None:
        with tx.savepoint():
            connection_of(tx).execute("ROLLBACK")
            raise UndoneError

    def played(tx: Tx) -> None:
        with pytest.raises(UndoneError):
            gives_up(tx)

    with pytest.raises(LedgerError, match="given up"):
        ledger.write_now(played)


@given(st.lists(st.tuples(ACTS, st.booleans()), max_size=12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_kept_is_what_stands(ledger: Ledger, acts: list[tuple[Act, bool]]) -> None:
    number = ledger.read_now(lambda tx: len(tx.signals.list(limit=1000)))

    def played(tx: Tx) -> None:
        order = an_order(tx, f"m{number}", volume=1000, sized=True)
        attempt = tx.attempts.create(new_attempt(order), later(1))
        for act, undone in acts:
            with contextlib.suppress(Exception), tx.savepoint():
                act(tx, order, attempt)
                if undone:
                    raise UndoneError
            kept = seen(tx, order)
            tx.undone()
            assert kept == seen(tx, order)
        raise UndoneError

    with pytest.raises(UndoneError):
        ledger.write_now(played)


def test_every_column_that_changes_is_tried() -> None:
    assert set(OrderColumns.__annotations__) == set(COLUMNS)


def test_pauses_and_the_next_number_are_not_older_than_what_was_done(ledger: Ledger) -> None:
    def played(tx: Tx) -> None:
        assert tx.pauses.active("demo", "main") is None
        tx.pauses.pause("demo", "main", later(0))
        assert tx.pauses.active("demo", "main") is not None
        with contextlib.suppress(UndoneError), tx.savepoint():
            order = an_order(tx, "m1")
            tx.attempts.create(new_attempt(order), later(1))
            raise UndoneError
        order = an_order(tx, "m1")
        assert tx.attempts.create(new_attempt(order), later(1)).attempt_id == 1
        tx.pauses.resume("demo", "main")
        assert tx.pauses.active("demo", "main") is None

    ledger.write_now(played)


def test_what_was_read_is_not_read_again(ledger: Ledger) -> None:
    statements: list[str] = []

    def made(tx: Tx) -> AttemptRow:
        attempt = tx.attempts.create(new_attempt(an_order(tx)), later(1))
        return tx.attempts.update(attempt.attempt_id, later(2), broker_order_id="b1")

    def played(tx: Tx) -> list[Any]:
        connection_of(tx).set_trace_callback(statements.append)
        asks: list[Callable[[], Any]] = [
            lambda: tx.orders.get(attempt.order_id),
            lambda: tx.attempts.of_order(attempt.order_id)[0],
            lambda: tx.attempts.get(attempt.attempt_id),
            lambda: tx.attempts.by_remark(attempt.remark),
            lambda: tx.attempts.by_key(OrderKey(account="main", day=DAY, broker_order_id="b1")),
            tx.pauses.list,
        ]
        found = [ask() for ask in asks * 2]
        connection_of(tx).set_trace_callback(None)
        assert found[:6] == found[6:]
        assert found[1:5] == [attempt] * 4
        return found

    attempt = ledger.write_now(made)
    ledger.read_now(played)
    assert [statement.split(" WHERE")[0] for statement in statements] == [
        "SELECT * FROM orders", "SELECT * FROM attempts", statements[2],
    ]  # fmt: skip
    assert "FROM pauses" in statements[2]


def test_whatever_changes_of_a_kept_row_is_written_once(ledger: Ledger) -> None:
    statements: list[str] = []

    def played(tx: Tx) -> None:
        order = an_order(tx, volume=1000)
        attempt = tx.attempts.create(new_attempt(order), later(1))
        connection_of(tx).set_trace_callback(statements.append)
        for columns in (
            {"state": OrderState.NEW}, {"sized": True}, {"volume": 900}, {"limit_price": Decimal(9)},
            {"cancel_reason": Reason.CANCELED_BY_USER}, {"refusal": REFUSAL},
        ):  # fmt: skip
            order = tx.orders.update(order.order_id, later(2), **columns)  # type: ignore[arg-type]
        for what in (WaitingFor.CASH, WaitingFor.SESSION, None):
            order = tx.orders.wait(order, later(3), what, later(9) if what else None)
        tx.fills.add(attempt, "demo", fill_report(attempt, volume=1), DAY)
        tx.attempts.update(attempt.attempt_id, later(4), state=AttemptState.CANCELED, cancels=1, reported=1)
        tx.flush()
        connection_of(tx).set_trace_callback(None)

    ledger.write_now(played)
    for table in ("orders", "attempts"):
        assert sum(statement.startswith(f"UPDATE {table} ") for statement in statements) == 1


def test_a_change_that_is_still_to_be_written_is_not_lost_by_one_that_is_written_at_once(ledger: Ledger) -> None:
    def played(tx: Tx) -> None:
        order = tx.orders.update(an_order(tx).order_id, later(1), volume=900)
        begun = tx.orders.begin_day(order, DAY.replace(day=6), later(2))
        assert (begun.volume, begun.day) == (900, DAY.replace(day=6))

    ledger.write_now(played)


def test_a_kept_row_that_somebody_took_away_is_not_written(ledger: Ledger) -> None:
    def played(tx: Tx) -> None:
        order = an_order(tx)
        connection_of(tx).execute("DELETE FROM orders")
        tx.orders.update(order.order_id, later(1), volume=7)

    with pytest.raises(LedgerError, match="orders has no row with order_id 1"):
        ledger.write_now(played)


def test_a_new_attempt_is_the_last_of_its_order(ledger: Ledger) -> None:
    def played(tx: Tx) -> None:
        order = an_order(tx, volume=1000)
        for number in (1, 2):
            attempt = tx.attempts.create(new_attempt(order, number), later(1))
            assert [row.number for row in tx.attempts.of_order(order.order_id)] == list(range(1, number + 1))
            tx.attempts.update(attempt.attempt_id, later(1), state=AttemptState.REJECTED)

    ledger.write_now(played)


def test_a_message_is_kept_as_it_was_written(ledger: Ledger) -> None:
    def played(tx: Tx) -> None:
        recorded = tx.signals.record(signal("m1", made_at=later(0.00049)))
        kept = tx.signals.get(recorded.signal_id)
        tx.undone()
        assert kept == tx.signals.get(recorded.signal_id)

    ledger.write_now(played)
