"""One order with its attempts, in a ledger on disk: what the tests of transitions tell it, and what it has become."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from jqfollow.domain import AttemptState, OrderKey, OrderReport
from jqfollow.execution.lifecycle import Event
from jqfollow.execution.transitions import Moment, Names, apply_fill, apply_order_report, follow_attempt, step_attempt
from jqfollow.ledger.rows import AttemptRow, BookRow, OrderRow, OutboxRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from ledger.samples import DAY, NOW, SECURITY, an_attempt, fill_report, later, new_attempt

TOMORROW = DAY + timedelta(days=1)
EXHAUSTED = Refusal(reason=Reason.ATTEMPTS_EXHAUSTED, figures={"attempts": "5", "left": "100"})


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


def world_order(tx: Tx, attempt: AttemptRow) -> OrderRow:
    order = tx.orders.get(attempt.order_id)
    assert order is not None
    return order
