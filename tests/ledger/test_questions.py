"""Each question to the ledger is answered by its own account, strategy, security, day, side and state, and by no other.

In each world there is one row that is asked for, and beside it one that differs from it in one thing only.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from execution.scene import opened
from jqfollow.domain import AttemptState, OrderKey, OrderState, Side, SignalState, WaitingFor
from jqfollow.ledger.rows import AttemptRow, BookingKind, NewBooking, OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from ledger.samples import (
    DAY,
    NOW,
    SECURITY,
    TERMS,
    fill_report,
    later,
    new_attempt,
    new_order,
    signal,
    strategy_order,
)  # fmt: skip

A, State = AttemptState, OrderState
NEXT, BEFORE = DAY + timedelta(days=1), DAY - timedelta(days=1)
OTHER_CODE = "600000.SH"
REFUSAL = Refusal(reason=Reason.STALE, figures={"age_s": "75", "max_age_s": "60"})


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    connection = opened(tmp_path_factory.mktemp("questions"))
    yield connection
    connection.close()


@pytest.fixture
def tx(connection: Any) -> Iterator[Tx]:
    connection.execute("BEGIN IMMEDIATE")
    yield Tx(connection)
    connection.execute("ROLLBACK")


class Makes:
    """Rows with what a test says of them; the rest is as everywhere."""

    def __init__(self, tx: Tx) -> None:
        self.tx = tx
        self._number = 0

    def read_anew(self) -> None:
        """What is asked from now on is read from the file."""
        self.tx.attempts._flush()
        self.tx.attempts._kept.forget()

    def order(self, state: OrderState = State.PENDING_NEW, at_s: float = 0, **changes: Any) -> OrderRow:
        self._number += 1
        told = signal(
            f"m{self._number}",
            order=strategy_order(jq_order_id=str(self._number)),
            strategy=changes.get("strategy", "demo"),
        )
        signal_id = self.tx.signals.record(told).signal_id
        order = self.tx.orders.create(new_order(signal_id, **changes), later(at_s))
        if state is State.PENDING_NEW:
            return order
        return self.tx.orders.update(
            order.order_id, later(at_s), state=state, refusal=REFUSAL if state in ENDED else None
        )

    def attempt(self, state: AttemptState = A.NEW, at_s: float = 0, **changes: Any) -> AttemptRow:
        of_attempt = {name: changes.pop(name) for name in ("day", "price") if name in changes}
        attempt = self.tx.attempts.create(new_attempt(self.order(**changes), **of_attempt), later(at_s))
        return (
            attempt if state is A.PENDING_NEW else self.tx.attempts.update(attempt.attempt_id, later(at_s), state=state)
        )

    def fill(self, volume: int = 100, *, fill_day: date = DAY, at_s: float = 0, **changes: Any) -> AttemptRow:
        attempt = self.attempt(A.NEW, at_s, volume=volume, **changes)
        report = fill_report(
            attempt, f"t{attempt.attempt_id}", broker_order_id=f"b{attempt.attempt_id}", volume=volume, at=later(at_s)
        )
        self.tx.attempts.update(attempt.attempt_id, later(at_s), broker_order_id=report.broker_order_id)
        assert self.tx.fills.add(attempt, changes.get("strategy", "demo"), report, fill_day)
        return attempt


ENDED = {State.CANCELED, State.REJECTED, State.EXPIRED}


@pytest.fixture
def makes(tx: Tx) -> Makes:
    return Makes(tx)


def ids(rows: Iterable[Any]) -> list[int]:
    return [row.attempt_id if isinstance(row, AttemptRow) else row.order_id for row in rows]


def others(*names: str) -> list[dict[str, Any]]:
    """What a row may differ in, one thing at a time."""
    values = {"account": "other", "strategy": "other", "security": OTHER_CODE, "side": Side.SELL, "day": NEXT}
    return [{name: values[name]} for name in names]


class TestAttempts:
    def only(self, makes: Makes, ask: Callable[[Tx], Iterable[Any]], state: AttemptState, *differ: str) -> None:
        """`ask` gives the two that are as asked for, oldest first, and none that differs."""
        wanted = [makes.attempt(state), makes.attempt(state)]
        for other in others(*differ):
            makes.attempt(state, **other)
        assert ids(ask(makes.tx)) == ids(wanted)

    def test_live(self, makes: Makes) -> None:
        self.only(makes, lambda tx: tx.attempts.live("main"), A.UNKNOWN, "account")
        for state in (A.FILLED, A.CANCELED, A.REJECTED):
            makes.attempt(state)
        assert len(makes.tx.attempts.live("main")) == 2
        everywhere = makes.tx.attempts.live()
        assert ids(everywhere) == sorted(ids(everywhere))
        assert len(everywhere) == 3

    def test_unknown(self, makes: Makes) -> None:
        makes.attempt(A.NEW)
        makes.attempt(A.PENDING_NEW)
        self.only(makes, lambda tx: tx.attempts.unknown("main"), A.UNKNOWN, "account")

    def test_of_a_day(self, makes: Makes) -> None:
        self.only(makes, lambda tx: tx.attempts.list(account="main", day=DAY), A.CANCELED, "account", "day")

    def test_moved(self, makes: Makes) -> None:
        makes.attempt(A.NEW, at_s=-0.001)
        self.only(makes, lambda tx: tx.attempts.moved("main", DAY, NOW), A.FILLED, "account", "day")

    def test_missing_fills(self, makes: Makes) -> None:
        for attempt in [makes.attempt(A.FILLED, **other) for other in ({}, {}, *others("account", "day"))]:
            makes.tx.attempts.update(attempt.attempt_id, NOW, reported=100)
        makes.attempt(A.FILLED)
        assert ids(makes.tx.attempts.missing_fills("main", DAY)) == [1, 2]

    def test_without_answer(self, makes: Makes) -> None:
        early = [makes.attempt(A.PENDING_NEW, at_s=-1), makes.attempt(A.PENDING_NEW, at_s=-2)]
        makes.attempt(A.PENDING_NEW, at_s=0)
        makes.attempt(A.UNKNOWN, at_s=-1)
        makes.attempt(A.PENDING_NEW, at_s=-1, account="other")
        assert ids(makes.tx.attempts.without_answer("main", NOW)) == ids(early)

    def test_by_key(self, makes: Makes) -> None:
        for n, other in enumerate(({}, *others("account", "day"))):
            attempt = makes.attempt(**other)
            makes.tx.attempts.update(attempt.attempt_id, NOW, broker_order_id="b1")
            makes.read_anew()
            found = makes.tx.attempts.by_key(OrderKey(account="main", day=DAY, broker_order_id="b1"))
            assert found is not None
            assert found.attempt_id == attempt.attempt_id - n

    def test_listed(self, makes: Makes) -> None:
        attempts = [makes.attempt() for _ in range(3)]
        for n, attempt in enumerate(attempts):
            makes.tx.attempts.update(attempt.attempt_id, NOW, broker_order_id=f"b{n}")
        apart = [makes.attempt(**other) for other in others("account", "day")]
        for attempt in apart:
            makes.tx.attempts.update(attempt.attempt_id, NOW, broker_order_id="b0")
        remarks = [attempt.remark for attempt in (attempts[2], *apart)]
        assert ids(makes.tx.attempts.listed("main", DAY, remarks, ["b0"])) == ids([attempts[0], attempts[2]])
        assert ids(makes.tx.attempts.listed("main", DAY, [], ["b1"])) == ids([attempts[1]])
        assert makes.tx.attempts.listed("main", DAY, [], []) == []

    def test_spending(self, makes: Makes) -> None:
        makes.attempt(volume=300, price=Decimal("2.5"))
        for other in others("account", "strategy", "side"):
            makes.attempt(**other)
        makes.attempt(A.FILLED)
        assert makes.tx.attempts.spending("main", "demo") == 750
        [attempt] = [a for a in makes.tx.attempts.live("main") if a.volume == 300]
        makes.tx.attempts.update(attempt.attempt_id, NOW, reported=100)
        assert makes.tx.attempts.spending("main", "demo") == 500

    @pytest.mark.parametrize("turnover", [False, True])
    def test_counts_of_a_strategy(self, makes: Makes, turnover: bool) -> None:
        makes.fill(200)
        makes.attempt(volume=300)
        makes.attempt(A.REJECTED)
        for other in others("account", "strategy", "day"):
            makes.fill(100, **other)
        counts = makes.tx.attempts.counts_of("main", DAY, "demo", turnover=turnover)
        assert counts.attempts == 3
        assert counts.turnover == (Decimal("11.3") * 500 if turnover else 0)

    def test_counts_of_an_account(self, makes: Makes) -> None:
        makes.fill(200)
        told = makes.attempt(A.CANCELED, volume=300)
        for cancels in (1, 2):
            makes.tx.attempts.update(told.attempt_id, NOW, reported=100, cancels=cancels)
        makes.tx.attempts.update(told.attempt_id, NOW, state=A.CANCELED)
        for other in others("account", "day"):
            makes.tx.attempts.update(makes.fill(100, **other).attempt_id, NOW, cancels=1)
        makes.attempt(day=NEXT)
        counts = makes.tx.attempts.counts("main", DAY)
        assert (counts.attempts, counts.cancels, counts.turnover) == (2, 2, Decimal("11.3") * 300)
        assert makes.tx.attempts.counts("main", DAY, ahead=False).turnover == Decimal("11.3") * 200
        nothing = makes.tx.attempts.counts("main", BEFORE)
        assert (nothing.attempts, nothing.cancels, nothing.turnover) == (0, 0, 0)

    def test_of_orders(self, makes: Makes) -> None:
        first, second, third = makes.attempt(A.REJECTED), makes.attempt(), makes.attempt()
        order = makes.tx.orders.get(first.order_id)
        assert order is not None
        again = makes.tx.attempts.create(new_attempt(order, 2), NOW)
        found = makes.tx.attempts.of_orders([third.order_id, first.order_id])
        assert {order_id: ids(rows) for order_id, rows in found.items()} == {
            third.order_id: ids([third]), first.order_id: ids([first, again]),
        }  # fmt: skip
        makes.read_anew()
        assert ids(makes.tx.attempts.of_order(first.order_id)) == ids([first, again])
        assert ids(makes.tx.attempts.of_order(second.order_id)) == ids([second])


class TestTheClockWasSet:
    """By a minute: what counts seconds goes with it, of what lives, and of what has changed since."""

    STEP = timedelta(minutes=1)

    def test_attempts(self, makes: Makes) -> None:
        live = makes.attempt()
        makes.tx.attempts.update(live.attempt_id, NOW, cancel_at=later(5))
        ended, before, other = (
            makes.attempt(A.FILLED),
            makes.attempt(A.FILLED, at_s=-1),
            makes.attempt(A.FILLED, account="other"),
        )
        yesterdays, old = (makes.attempt(A.FILLED, day=DAY - timedelta(days=days)) for days in (1, 2))
        makes.tx.attempts.clock_was_set(self.STEP, NOW, ["main"])

        def times(attempt: AttemptRow) -> tuple[Any, ...]:
            row = makes.tx.attempts.get(attempt.attempt_id)
            assert row is not None
            return row.created_at, row.updated_at, row.cancel_at, row.ended_at

        assert times(live) == (later(60), later(60), later(65), None)
        assert times(ended) == (NOW, later(60), None, later(60))
        assert times(before) == (later(-1), later(-1), None, later(-1))
        assert times(other) == times(old) == (NOW, NOW, None, NOW)
        assert times(yesterdays) == times(ended)

    def test_orders(self, makes: Makes) -> None:
        cash, session = makes.order(), makes.order()
        makes.tx.orders.wait(cash, NOW, WaitingFor.CASH, later(10))
        makes.tx.orders.wait(session, NOW, WaitingFor.SESSION, later(10))
        ended, before = makes.order(State.CANCELED), makes.order(State.CANCELED, at_s=-1)
        yesterdays = makes.order(State.CANCELED, day=BEFORE)
        old = makes.order(State.CANCELED, day=DAY - timedelta(days=2))
        makes.tx.orders.clock_was_set(self.STEP, NOW)

        def row(order: OrderRow) -> OrderRow:
            row = makes.tx.orders.get(order.order_id)
            assert row is not None
            return row

        waiting = row(cash).waiting
        assert waiting is not None
        assert (row(cash).updated_at, waiting.since, waiting.until) == (later(60), later(60), later(70))
        assert row(session).wait_until == later(10)
        moved = [row(o).updated_at for o in (ended, yesterdays, before, old)]
        assert moved == [later(60), later(60), later(-1), NOW]


class TestOrders:
    def test_open(self, makes: Makes) -> None:
        wanted = [makes.order(), makes.order(State.NEW), makes.order(State.PARTIALLY_FILLED)]
        for state in ENDED:
            makes.order(state)
        other = makes.order(account="other")
        assert ids(makes.tx.orders.open("main")) == ids(wanted)
        assert ids(makes.tx.orders.open()) == ids([*wanted, other])

    def test_owed(self, makes: Makes) -> None:
        def waits(what: WaitingFor, **changes: Any) -> OrderRow:
            return makes.tx.orders.wait(makes.order(**changes), NOW, what)

        owed = waits(WaitingFor.NEXT_DAY)
        waits(WaitingFor.SESSION)
        makes.order()
        waits(WaitingFor.NEXT_DAY, account="other")
        waits(WaitingFor.NEXT_DAY, day=NEXT)
        assert ids(makes.tx.orders.owed("main", NEXT)) == [owed.order_id]
        assert makes.tx.orders.owed("main", DAY) == []
        begun = makes.tx.orders.begin_day(owed, NEXT, later(9))
        assert (begun.day, begun.waiting, begun.updated_at) == (NEXT, None, later(9))
        assert makes.tx.orders.owed("main", NEXT) == []
        makes.read_anew()
        assert makes.tx.orders.get(owed.order_id) == begun

    def test_brought_later(self, makes: Makes) -> None:
        first = makes.tx.orders.get(makes.fill(100).order_id)
        sell = makes.order(side=Side.SELL)
        makes.fill(200)
        makes.fill(300)
        for other in others("account", "strategy", "security"):
            makes.fill(1000, **other)
        assert first is not None
        assert makes.tx.orders.brought_later(sell) == 500
        assert makes.tx.orders.brought_later(first) == 400, "not its own, nor what is being sold"

        makes.fill(120, side=Side.SELL)
        assert makes.tx.orders.brought_later(sell) == 380, "a later sell takes of it"
        part = makes.tx.orders.create(new_order(first.signal_id, part=2, volume=1000), NOW)
        attempt = makes.tx.attempts.create(new_attempt(part, volume=1000), NOW)
        makes.tx.fills.add(attempt, "demo", fill_report(attempt, "t", broker_order_id="b", volume=1000, at=NOW), DAY)
        assert makes.tx.orders.brought_later(sell) == 380, "a part of an earlier buy is not later"
        assert makes.tx.orders.brought_later(first) == 280, "nor is it later than the part before it"
        under_way = makes.tx.orders.update(makes.order(side=Side.SELL).order_id, NOW, volume=300, sized=True)
        assert makes.tx.orders.brought_later(sell) == 80
        makes.tx.orders.update(under_way.order_id, NOW, state=State.CANCELED, refusal=REFUSAL)
        assert makes.tx.orders.brought_later(sell) == 380
        makes.fill(1000, side=Side.SELL)
        assert makes.tx.orders.brought_later(sell) == 0
        makes.fill(50, side=Side.SELL, closes=True)
        makes.fill(400)
        assert makes.tx.orders.brought_later(sell) == 900, "what it would have sold is sold"

    def test_last_sell(self, makes: Makes) -> None:
        def sold(at_s: float, *, ends: bool = True, **changes: Any) -> None:
            bought = makes.fill(100, **{**changes, "side": Side.BUY})
            assert bought.side is Side.BUY
            attempt = makes.fill(100, at_s=at_s, **{"side": Side.SELL, **changes})
            if ends:
                makes.tx.attempts.update(attempt.attempt_id, later(at_s), state=A.FILLED)
                makes.tx.orders.update(attempt.order_id, later(at_s), state=State.FILLED)

        assert makes.tx.orders.last_sell("main", "demo", DAY) is None
        sold(5)
        sold(3)
        for other in others("account", "strategy"):
            sold(20, **other)
        sold(30, ends=False)
        makes.order(State.CANCELED, at_s=40, side=Side.SELL)
        assert makes.tx.orders.last_sell("main", "demo", DAY) == later(5)
        assert makes.tx.orders.last_sell("main", "demo", NEXT) is None

    def test_of_a_book(self, makes: Makes) -> None:
        early = TERMS
        wanted = [makes.order(terms=early), makes.order(State.CANCELED)]
        for other in others("account", "strategy", "security"):
            makes.order(**other)
        assert ids(makes.tx.orders.of_book("main", "demo", SECURITY)) == ids(wanted)
        assert ids(makes.tx.orders.of_book("main", "demo", SECURITY, since=NOW)) == ids(wanted)
        assert ids(makes.tx.orders.of_book("main", "demo", SECURITY, since=later(1))) == ids(wanted[:1]), "it is open"

    def test_of_days_and_of_strategies(self, makes: Makes) -> None:
        days = [makes.order(day=day) for day in (BEFORE, DAY, NEXT)]
        other = makes.order(strategy="other")
        orders = makes.tx.orders
        assert ids(orders.of_days(DAY, NEXT)) == ids([*days[1:], other])
        assert ids(orders.of_days(BEFORE, DAY, strategy="demo")) == ids(days[:2])
        assert ids(orders.history(strategy="demo")) == ids(days)
        assert ids(orders.history(account="other")) == []
        assert ids(orders.history(account="main")) == ids([*days, other])
        assert ids(orders.newer_than(days[0].order_id)) == ids([*days[1:], other])
        newer = {(row.account, row.strategy, row.security) for row in [*days[1:], other]}
        assert orders.books_since(days[0].order_id) == newer
        assert orders.books_since(other.order_id) == set()
        assert ids(orders.some([other.order_id, days[0].order_id])) == ids([days[0], other])
        assert orders.newest() == other.order_id

    def test_the_volume_of_all_parts(self, makes: Makes) -> None:
        order = makes.order(volume=300)
        makes.tx.orders.create(new_order(order.signal_id, part=2, volume=200), NOW)
        elsewhere = makes.tx.orders.create(new_order(order.signal_id, account="other", volume=1000), NOW)
        makes.order(volume=5000)
        assert makes.tx.orders.wanted_volume("main", order.signal_id) == 500
        assert ids(makes.tx.orders.of_signal(order.signal_id))[::2] == ids([order, elsewhere])


class TestLists:
    """The newest hundred, unless more are asked for."""

    def test_the_newest_hundred(self, makes: Makes) -> None:
        for _ in range(101):
            makes.fill(1)
        for table in (makes.tx.signals, makes.tx.orders, makes.tx.fills):
            assert len(table.list()) == 100
            assert len(table.list(limit=200)) == 101
            assert table.list(limit=0) == []
            with pytest.raises(ValueError, match="must not be negative"):
                table.list(limit=-1)


class TestFills:
    def test_bought_on(self, makes: Makes) -> None:
        makes.fill(100)
        makes.fill(200)
        for other in others("account", "strategy", "security"):
            makes.fill(1000, **other)
        makes.fill(1000, fill_day=NEXT)
        makes.fill(50, side=Side.SELL)
        assert makes.tx.fills.bought_on("main", "demo", SECURITY, DAY) == 300

    def test_sold_on(self, makes: Makes) -> None:
        makes.fill(5000)
        makes.fill(100, side=Side.SELL)
        for other in others("account", "security"):
            makes.fill(1000, **other)
            makes.fill(1000, side=Side.SELL, **other)
        makes.fill(1000, fill_day=NEXT, side=Side.SELL)
        assert makes.tx.fills.sold_on("main", SECURITY, DAY) == 100

    def test_net(self, makes: Makes) -> None:
        makes.fill(1000)
        makes.fill(300, side=Side.SELL, at_s=10)
        makes.fill(40, strategy="other", fill_day=NEXT, at_s=20)
        for other in others("account", "security"):
            makes.fill(5000, **other)
        net = makes.tx.fills.net
        assert net("main", SECURITY) == 740
        assert net("main", SECURITY, strategy="demo") == 700
        assert net("main", SECURITY, after=NOW) == -260
        assert net("main", SECURITY, since=NEXT) == 40
        assert net("main", SECURITY, before=NEXT) == 700

    def test_what_moved(self, makes: Makes) -> None:
        first = makes.fill(100, at_s=-1)
        makes.fill(100, security=OTHER_CODE)
        makes.fill(100, account="other", security="300750.SZ")
        assert makes.tx.fills.moved_since("main", NOW) == {OTHER_CODE}
        assert makes.tx.fills.moved_since("main", later(-1)) == {OTHER_CODE, SECURITY}
        [fill] = makes.tx.fills.of_attempt(first.attempt_id)
        assert makes.tx.fills.books_since(fill.fill_id) == {
            ("main", "demo", OTHER_CODE), ("other", "demo", "300750.SZ"),
        }  # fmt: skip
        assert ids_of(makes.tx.fills.of_order(first.order_id)) == [fill.fill_id]

    def test_as_they_came(self, makes: Makes) -> None:
        one = makes.fill(100, fill_day=NEXT)
        apart = makes.fill(100)
        for n in (1, 2):
            report = fill_report(one, f"again {n}", broker_order_id="b", volume=n)
            makes.tx.fills.add(one, "demo", report, NEXT)
        for other in others("account", "strategy"):
            makes.fill(100, **other)
        fills = makes.tx.fills
        of_one = fills.of_attempt(one.attempt_id)
        assert [fill.volume for fill in of_one] == [100, 1, 2]
        assert fills.of_order(one.order_id) == of_one
        assert fills.of_orders([apart.order_id, one.order_id, 99]) == {
            apart.order_id: fills.of_attempt(apart.attempt_id), one.order_id: of_one, 99: [],
        }  # fmt: skip
        assert fills.of_book_days("main", "demo", after=DAY) == of_one
        assert ids_of(fills.of_book_days("main", "demo")) == [1, 2, 3, 4]
        assert fills.of_book_days("main", "third") == []
        assert fills.days_since(2) == {("main", "demo", NEXT), ("other", "demo", DAY), ("main", "other", DAY)}
        assert fills.newest() == 6


def ids_of(fills: Iterable[Any]) -> list[int]:
    return [fill.fill_id for fill in fills]


class TestBookings:
    NEW = NewBooking(account="main", strategy="demo", security=SECURITY, kind=BookingKind.SET, shares=100,
                     who="a person", why="it was so")  # fmt: skip

    def booked(self, tx: Tx, *, at_s: float = 0, **changes: Any) -> int:
        return tx.bookings.add([replace(self.NEW, **changes)], later(at_s))

    def test_what_was_booked_is_told_as_it_was(self, tx: Tx) -> None:
        numbers = {"shares": 300, "cost": Decimal("3390.5"), "carry_buy": Decimal("0.5"), "carry_sell": Decimal("0.25")}
        [row] = tx.bookings.of_act(self.booked(tx, **numbers))
        assert {name: getattr(row, name) for name in numbers} == numbers
        assert (row.account, row.strategy, row.security, row.kind) == ("main", "demo", SECURITY, BookingKind.SET)
        assert (row.who, row.why, row.undoes, row.at) == ("a person", "it was so", None, NOW)
        book = tx.books.get("main", "demo", SECURITY)
        assert (book.volume, book.cost, book.carry_buy, book.carry_sell) == tuple(numbers.values())
        undone = self.booked(tx, shares=-300, undoes=row.booking_id)
        assert tx.bookings.of_act(undone)[0].undoes == row.booking_id
        assert tx.bookings.is_undone(row.act)
        assert not tx.bookings.is_undone(undone)

    def test_whose(self, tx: Tx) -> None:
        first, second = self.booked(tx), self.booked(tx, at_s=1)
        apart = [self.booked(tx, **other) for other in others("account", "strategy", "security")]
        assert [first, second, *apart] == [1, 2, 3, 4, 5]

        def acts(rows: Iterable[Any]) -> list[int]:
            return [row.act for row in rows]

        assert acts(tx.bookings.of_book("main", "demo", SECURITY)) == [1, 2]
        together = tx.bookings.add(
            [self.NEW, replace(self.NEW, shares=-100, strategy="third"), replace(self.NEW, shares=7)], later(-9)
        )
        assert [row.shares for row in tx.bookings.of_act(together)] == [100, -100, 7]
        assert {(row.cost, row.carry_buy, row.carry_sell) for row in tx.bookings.of_act(together)} == {(0, 0, 0)}
        assert [row.shares for row in tx.bookings.newest_acts(1)] == [100, -100, 7]
        assert acts(tx.bookings.list()) == [1, 2, 3, 4, 5, 6, 6, 6]
        assert acts(tx.bookings.list(account="main")) == [1, 2, 4, 5, 6, 6, 6]
        assert acts(tx.bookings.list(strategy="other")) == [4]
        assert acts(tx.bookings.since("main", NOW)) == [2]
        assert acts(tx.bookings.since("main", later(-1))) == [1, 2, 4, 5]
        assert acts(tx.bookings.newest_acts(3, account="main")) == [4, 5, 6, 6, 6]
        newest = tx.bookings.newest()
        assert acts(tx.bookings.newer_than(newest - 4)) == [5, 6, 6, 6]


class TestSignals:
    def told(self, tx: Tx, name: str, jq_order_id: str = "1", *, state: SignalState | None = None, day: date = DAY,
             **changes: Any) -> int:  # fmt: skip
        number = tx.signals.record(
            signal(name, order=strategy_order(jq_order_id=jq_order_id, day=day), **changes)
        ).signal_id
        if state is not None:
            tx.signals.finish(number, state, None if state is SignalState.FOLLOWED else REFUSAL)
        return number

    def test_the_first_that_was_followed(self, tx: Tx) -> None:
        first = self.told(tx, "a", state=SignalState.FOLLOWED)
        self.told(tx, "b", "2", state=SignalState.FOLLOWED)
        self.told(tx, "c", day=NEXT, state=SignalState.FOLLOWED)
        self.told(tx, "a", strategy="other", state=SignalState.FOLLOWED)
        again = self.told(tx, "d")

        def found(strategy: str, jq_order_id: str, day: date, before: int) -> int | None:
            row = tx.signals.first_follow(strategy, jq_order_id, day, before)
            return None if row is None else row.signal_id

        assert found("demo", "1", DAY, again) == first
        assert found("demo", "1", DAY, first) is None
        assert found("demo", "3", DAY, again) is None
        assert [row.signal_id for row in tx.signals.of_jq_order("demo", "1", DAY)] == [first, again]

    def test_what_was_not_followed_before_is_none(self, tx: Tx) -> None:
        self.told(tx, "a", state=SignalState.RECORDED)
        assert tx.signals.first_follow("demo", "1", DAY, 10_000) is None

    def test_what_is_still_to_be_looked_at(self, tx: Tx) -> None:
        waiting = [self.told(tx, "a"), self.told(tx, "b", "2")]
        self.told(tx, "c", "3", state=SignalState.FOLLOWED)
        self.told(tx, "d", "4", state=SignalState.RECORDED)
        assert [row.signal_id for row in tx.signals.received()] == waiting

    def test_names(self, tx: Tx) -> None:
        here = [self.told(tx, "demo-h-1"), self.told(tx, "demo-h-2", "2")]
        self.told(tx, "demo-i-1", "3")
        self.told(tx, "demo-g", "4")
        self.told(tx, "demo-h-1", strategy="other")
        assert tx.signals.named("demo", "demo-h-") == here
        assert tx.signals.knows("demo", "demo-g")
        assert not tx.signals.knows("other", "demo-g")

    def test_what_a_strategy_holds(self, tx: Tx) -> None:
        for strategy, code, amount, live in (
            ("demo", SECURITY, 300, True), ("demo", OTHER_CODE, 0, True), ("demo", "300750.SZ", 50, False),
            ("other", "300750.SZ", 70, True),
        ):  # fmt: skip
            tx.signals.set_position(strategy, code, amount, NOW, live=live)
        assert tx.signals.positions("demo") == {SECURITY: 300}
        assert tx.signals.position("demo", OTHER_CODE) == 0
        assert tx.signals.position("demo", "300750.SZ") is None
        assert tx.signals.position("demo", "300750.SZ", live=False) == 50
        tx.signals.set_position("demo", SECURITY, 100, later(-1))
        assert tx.signals.position("demo", SECURITY) == 300, "an older message changes nothing"
        tx.signals.set_positions("demo", {OTHER_CODE: 20}, later(1))
        assert tx.signals.positions("demo") == {OTHER_CODE: 20}
        assert (tx.signals.position("demo", "300750.SZ", live=False), tx.signals.positions("other")) == (
            50, {"300750.SZ": 70},
        )  # fmt: skip
        tx.signals.set_positions("demo", {}, NOW)
        assert tx.signals.positions("demo") == {OTHER_CODE: 20}, "nor does an older list"
