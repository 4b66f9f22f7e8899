"""What stands in books, and what strategies said of themselves, asked for one account, strategy, security or time."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from jqfollow.clock import to_ms
from jqfollow.domain import HoldingsPart, OrderState, Origin, SignalKind, SignalState, StrategyHolding
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.marks import DriftDay
from jqfollow.ledger.reports import Stamp
from jqfollow.ledger.rows import BookingKind, NewBooking, OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from ledger.samples import DAY, NOW, SECURITY, TERMS, an_order, later, new_order, signal, strategy_order

TOMORROW, OTHER, EMPTY = DAY + timedelta(days=1), "600000.SH", "510300.SH"


def booked(ledger: Ledger, shares: int, **of: str) -> None:
    row = NewBooking(
        account="main", strategy="demo", security=SECURITY, kind=BookingKind.SET,
        shares=shares, cost=Decimal(shares), who="a", why="b",
    )  # fmt: skip
    changed = replace(row, **of)  # type: ignore[arg-type]
    ledger.write_now(lambda tx: tx.bookings.add([changed], NOW))


class TestBooks:
    @pytest.fixture(autouse=True)
    def _books(self, ledger: Ledger) -> None:
        booked(ledger, 300)
        booked(ledger, 200, strategy="other")
        booked(ledger, 50, security=OTHER)
        booked(ledger, 7, security=EMPTY)
        booked(ledger, -7, security=EMPTY)
        booked(ledger, 900, account="paper")

    def test_sums_of_an_account(self, ledger: Ledger) -> None:
        assert ledger.read_now(lambda tx: tx.books.sums("main")) == {SECURITY: 500, OTHER: 50}
        assert ledger.read_now(lambda tx: tx.books.sums("paper")) == {SECURITY: 900}

    def test_whose(self, ledger: Ledger) -> None:
        def keys(rows: object) -> list[tuple[str, str, str]]:
            return [(b.account, b.strategy, b.security) for b in rows]  # type: ignore[attr-defined]

        every = [
            ("main", "demo", SECURITY), ("main", "demo", OTHER), ("main", "other", SECURITY),
            ("paper", "demo", SECURITY),
        ]  # fmt: skip
        empty = ("main", "demo", EMPTY)
        assert ledger.read_now(lambda tx: keys(tx.books.list())) == every
        assert ledger.read_now(lambda tx: set(keys(tx.books.list(held_only=False)))) == {*every, empty}
        assert ledger.read_now(lambda tx: keys(tx.books.list(account="paper"))) == every[3:]
        assert ledger.read_now(lambda tx: keys(tx.books.list(strategy="other"))) == every[2:3]
        of = ledger.read_now(lambda tx: keys(tx.books.of_security("main", SECURITY)))
        assert sorted(of) == [every[0], every[2]]
        of = ledger.read_now(lambda tx: keys(tx.books.of_securities("main", [OTHER, EMPTY])))
        assert set(of) - {empty} == {every[1]}

    def test_what_is_carried_on_belongs_to_the_time_after_a_close(self, ledger: Ledger) -> None:
        def carry(since: int, buy: str = "0", sell: str = "0") -> tuple[str, str, int]:
            def do(tx: Tx) -> tuple[str, str, int]:
                tx.books.carry_on("main", "demo", SECURITY, since=since, buy=Decimal(buy), sell=Decimal(sell))
                book = tx.books.get("main", "demo", SECURITY)
                return str(book.carry_buy), str(book.carry_sell), book.carry_since

            return ledger.write_now(do)

        assert carry(0, "0.5") == ("0.5", "0", 0)
        assert carry(0, "0.25", "3") == ("0.75", "3", 0)
        assert carry(5, "1") == ("1", "0", 5), "what was carried before the close is gone with it"
        assert carry(4, "9", "9") == ("1", "0", 5), "a later close has been judged"
        assert carry(5, sell="2") == ("1", "2", 5)
        ledger.write_now(lambda tx: tx.books.set_carry("main", "demo", SECURITY, buy=Decimal(8)))
        assert carry(5) == ("8", "2", 5)
        ledger.write_now(lambda tx: tx.books.set_carry("main", "demo", SECURITY, sell=Decimal(0)))
        assert carry(5) == ("8", "0", 5)
        assert ledger.read_now(lambda tx: tx.books.get("main", "demo", SECURITY).volume) == 300
        assert ledger.read_now(lambda tx: tx.books.get("main", "other", SECURITY).carry_buy) == 0


def closing(tx: Tx, name: str, *, run: str = "sim_trade", seconds: float = 0, **of: object) -> OrderRow:
    return an_order(tx, name, terms=replace(TERMS, run=run, made_at=later(seconds)), **of)


def test_closes_of_a_book(ledger: Ledger) -> None:
    def fill(tx: Tx) -> list[OrderRow]:
        of_book = [closing(tx, "m1", closes=True, seconds=1), closing(tx, "m2", seconds=2)]
        others = [{"account": "paper"}, {"strategy": "other"}, {"security": OTHER}]
        for n, of in enumerate(others):
            closing(tx, f"o{n}", closes=True, seconds=50, **of)
        return [*of_book, closing(tx, "m3", closes=True, seconds=3, run="by_hand"), closing(tx, "m4", seconds=4)]

    one, two, three, four = ledger.write_now(fill)
    key = ("main", "demo", SECURITY)
    asked = ledger.read_now(lambda tx: [tx.orders.carries_since(order) for order in (one, two, three, four)])
    assert asked == [one.signal_id, one.signal_id, three.signal_id, three.signal_id]
    besides: tuple[tuple[str, ...], ...] = ((), ("by_hand",), ("by_hand", "sim_trade"))
    last = ledger.read_now(lambda tx: [tx.orders.last_close(*key, besides=runs) for runs in besides])
    assert last == [later(3), later(1), None]
    first = ledger.write_now(lambda tx: closing(tx, "m0", strategy="third"))
    assert ledger.read_now(lambda tx: tx.orders.carries_since(first)) == 0
    ledger.write_now(lambda tx: tx.orders.create(new_order(four.signal_id, part=2, closes=True), NOW))
    assert ledger.read_now(lambda tx: tx.orders.carries_since(four)) == three.signal_id, "a part is no close before it"


def test_orders_of_a_book_since_a_moment_with_all_that_are_open(ledger: Ledger) -> None:
    def fill(tx: Tx) -> None:
        for n in range(4):
            order = closing(tx, f"m{n}", seconds=n)
            if n in {0, 2}:
                tx.orders.update(
                    order.order_id, later(9), state=OrderState.CANCELED, refusal=Refusal(reason=Reason.STALE)
                )
        for n, of in enumerate(({"account": "paper"}, {"strategy": "other"}, {"security": OTHER})):
            closing(tx, f"o{n}", seconds=9, **of)

    ledger.write_now(fill)

    def numbers(seconds: float | None) -> list[int]:
        since = None if seconds is None else later(seconds)
        return [
            o.order_id for o in ledger.read_now(lambda tx: tx.orders.of_book("main", "demo", SECURITY, since=since))
        ]

    assert numbers(None) == [1, 2, 3, 4]
    assert numbers(0) == [1, 2, 3, 4]
    assert numbers(2) == [2, 3, 4], "open, though it was made before"
    assert numbers(3) == [2, 4]


def test_gaps_are_told_once_and_what_never_comes_is_remembered(ledger: Ledger) -> None:
    def arrived(strategy: str, seq: int, seconds: float) -> None:
        origin = Origin(process="p", seq=seq)
        ledger.write_now(lambda tx: tx.processes.arrived(strategy, origin, later(seconds), later(seconds)))

    def untold(seconds: float) -> list[tuple[str, int, int, int]]:
        gaps = ledger.read_now(lambda tx: tx.processes.untold_gaps(later(seconds)))
        return [(g.strategy, g.first, g.last, g.count) for g in gaps]

    arrived("demo", 1, 0)
    arrived("demo", 4, 20)
    arrived("demo", 6, 30)
    arrived("other", 3, 10)
    assert untold(9) == []
    assert untold(20) == [("other", 1, 2, 2), ("demo", 2, 3, 2)], "the oldest first"
    told = ledger.read_now(lambda tx: tx.processes.gaps("demo"))
    assert [(g.before, g.after, g.since, g.told) for g in told] == [
        (NOW, later(20), later(20), False), (later(20), later(30), later(30), False),
    ]  # fmt: skip
    ledger.write_now(lambda tx: tx.processes.told_gap(told[0]))
    assert untold(99) == [("other", 1, 2, 2), ("demo", 5, 5, 1)]
    assert [g.told for g in ledger.read_now(lambda tx: tx.processes.gaps("demo"))] == [True, False]
    arrived("demo", 2, 0)
    arrived("demo", 5, 0)
    arrived("demo", 5, 0)
    left = ledger.read_now(lambda tx: tx.processes.gaps("demo"))
    assert [(g.first, g.last, g.told) for g in left] == [(3, 3, True)], "what is left of a gap that was told is told"
    for seconds in (7, 5, 7):
        ledger.write_now(lambda tx, s=seconds: tx.processes.note_lost("demo", later(s)))  # type: ignore[misc]
    ledger.write_now(lambda tx: tx.processes.note_lost("other", later(6)))
    assert ledger.read_now(lambda tx: tx.processes.lost("demo")) == [later(5), later(7)]


class TestProcesses:
    @pytest.fixture(autouse=True)
    def _ledger(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def arrived(self, process: str, seq: int, made: datetime, strategy: str = "demo") -> None:
        origin = Origin(process=process, seq=seq)
        self.ledger.write_now(lambda tx: tx.processes.arrived(strategy, origin, made, made))

    def gaps(self, strategy: str = "demo") -> list[tuple[str, int, int]]:
        found = self.ledger.read_now(lambda tx: tx.processes.gaps(strategy))
        return [(gap.process, gap.first, gap.last) for gap in found]

    def test_of_those_that_began_later_the_newest_is_named(self) -> None:
        for process, seq, seconds in (("p", 1, 1), ("twin", 1, 1), ("q", 1, 5), ("r", 1, 8), ("p", 2, 20), ("q", 2, 3)):
            self.arrived(process, seq, later(seconds))
        self.arrived("elsewhere", 1, later(9), "other")

        def since(seconds: float, process: str = "p") -> str | None:
            return self.ledger.read_now(lambda tx: tx.processes.started_since("demo", process, later(seconds)))

        assert [since(seconds) for seconds in (30, 8.001, 8, 3.001, 3)] == ["r", "r", "q", "q", None]
        assert since(30, "r") is None

    def test_a_gap_is_divided_by_each_message_that_comes_and_closed_by_the_last(self) -> None:
        self.arrived("p", 1, NOW)
        self.arrived("p", 7, later(1))
        left = []
        for seq in (2, 6, 4, 3, 5):
            self.arrived("p", seq, later(2))
            left.append([gap[1:] for gap in self.gaps()])
        assert left == [[(3, 6)], [(3, 5)], [(3, 3), (5, 5)], [(5, 5)], []]
        self.ledger.write_now(lambda tx: tx.processes.settle("demo", Origin(process="p", seq=99)))

    def test_who_was_silent_for_more_than_thirty_days_is_forgotten_when_another_begins(self) -> None:
        day = timedelta(days=1)
        for process, strategy in (("silent", "demo"), ("known", "demo"), ("silent", "other")):
            self.arrived(process, 1, NOW if process == "silent" else later(1), strategy)
        self.arrived("new", 1, later(1) + 30 * day)
        for process, strategy in (("silent", "demo"), ("known", "demo"), ("silent", "other")):
            self.arrived(process, 3, later(1) + 30 * day, strategy)
        assert sorted(self.gaps()) == [("known", 2, 2), ("silent", 1, 2)]
        assert self.gaps("other") == [("silent", 2, 2)]


def test_reports_by_when_they_were_made(ledger: Ledger) -> None:
    def add(name: str | None, seconds: float, total: int | None, *, strategy: str = "demo", day: date | None = DAY,
            when: str | None = "close", price: int | None = None, parts: int = 1) -> None:  # fmt: skip
        one = StrategyHolding(held=1, closeable=1, price=None if price is None else Decimal(price))
        held = {SECURITY: one, OTHER: replace(one, price=Decimal(999))}
        part = HoldingsPart(
            report=name, part=1, parts=parts, day=day, when=when, cash=None,
            total_value=None if total is None else Decimal(total), holdings=held,
        )  # fmt: skip
        ledger.write_now(lambda tx: tx.reports.add(strategy, part, later(seconds)))

    def price() -> object:
        return ledger.read_now(lambda tx: tx.reports.newest_price("demo", SECURITY))

    assert price() is None
    add("half", 5, 0, price=99, parts=2)
    add("b", 20, 2, price=12)
    add("a", 10, 1, price=11)
    add("c", 30, 3, strategy="other", price=99)
    add("d", 40, 4, price=99, parts=2)
    assert price() == (later(20), Decimal(12)), "of the strategy's newest whole one, whatever came last"
    for strategy, process, seq in (("demo", "p", 3), ("demo", "q", 2), ("other", "z", 9)):
        origin = Origin(process=process, seq=seq)
        ledger.write_now(lambda tx, s=strategy, o=origin: tx.processes.arrived(s, o, NOW, NOW))  # type: ignore[misc]
    for strategy, seconds in (("demo", 0), ("other", 0), ("other", 1)):
        ledger.write_now(lambda tx, s=strategy, at=seconds: tx.processes.note_lost(s, later(at)))  # type: ignore[misc]
    numbers = {"first_at": to_ms(later(10)), "newest_at": to_ms(later(20)), "report_id": 3}
    assert ledger.read_now(lambda tx: tx.reports.stamp("demo")) == Stamp(**numbers, lost="p:1-2,q:1-1/1")
    add("e", 50, 5, when="open", day=TOMORROW)
    assert price() is None, "the newest names none"
    newest, first = ledger.read_now(
        lambda tx: (tx.reports.newest("demo", security=OTHER), tx.reports.first("demo", security=SECURITY))
    )
    assert newest is not None
    assert first is not None
    assert (newest.made_at, set(newest.holdings), newest.cash) == (later(50), {OTHER}, None)
    assert (first.made_at, set(first.holdings)) == (later(10), {SECURITY})
    add(None, 60, None)
    add(None, 70, 7, day=None, when=None)
    assert ledger.read_now(lambda tx: tx.reports.totals("demo")) == [(DAY, Decimal(7))], "the last after a close"
    add("f", 80, 8, day=TOMORROW)
    assert ledger.read_now(lambda tx: tx.reports.totals("demo")) == [(DAY, Decimal(7)), (TOMORROW, Decimal(8))]


def test_how_far_books_were_off_by_the_last_look_of_each_day(ledger: Ledger) -> None:
    one = DriftDay(day=DAY, account="main", strategy="demo", missing=Decimal("1.5"), excess=Decimal(2))
    rows = [one, replace(one, account="paper"), replace(one, strategy="other"), replace(one, day=TOMORROW)]
    last = replace(one, missing=Decimal(0), excess=Decimal(9))
    for row in (rows[3], *rows[:3], last):
        ledger.write_now(lambda tx, drift=row: tx.marks.put_drift(drift))  # type: ignore[misc]
    found = ledger.read_now(lambda tx: tx.marks.drift_days(DAY, TOMORROW))
    assert found[3:] == rows[3:]
    assert {(d.account, d.strategy): d for d in found[:3]} == {
        ("main", "demo"): last, ("paper", "demo"): rows[1], ("main", "other"): rows[2],
    }  # fmt: skip
    assert ledger.read_now(lambda tx: tx.marks.drift_days(TOMORROW, TOMORROW)) == rows[3:]
    assert ledger.read_now(lambda tx: len(tx.marks.drift_days(DAY, DAY))) == 3


def test_a_days_mark_differs_when_an_order_or_a_price_of_it_has_changed(ledger: Ledger) -> None:
    def marks() -> dict[date, tuple[object, ...]]:
        return ledger.read_now(lambda tx: tx.marks.marks_of_days(DAY, TOMORROW))

    order = ledger.write_now(lambda tx: an_order(tx, "m1"))
    ledger.write_now(lambda tx: an_order(tx, "beside"))
    ledger.write_now(lambda tx: an_order(tx, "m2", day=TOMORROW))
    seen = [marks()]
    for step in (
        lambda tx: tx.marks.arrived(order.order_id, Decimal(1)),
        lambda tx: tx.marks.closed(order.order_id, Decimal(1)),
        lambda tx: tx.orders.update(order.order_id, later(1)),
        lambda tx: tx.orders.update(order.order_id, later(1), volume=200),
        lambda tx: an_order(tx, "m3"),
    ):
        ledger.write_now(step)
        seen.append(marks())
        assert seen[-1][DAY] not in [before[DAY] for before in seen[:-1]]
        assert seen[-1][TOMORROW] == seen[0][TOMORROW]
    assert list(ledger.read_now(lambda tx: tx.marks.marks_of_days(DAY, DAY))) == [DAY]


class TestSignals:
    def told(self, tx: Tx, name: str, **of: object) -> int:
        day = of.pop("day", DAY)
        order = strategy_order(jq_order_id="7", day=day)
        return tx.signals.record(signal(name, order=order, **of)).signal_id

    def test_what_a_strategy_holds_by_its_newest_word(self, ledger: Ledger) -> None:
        def say(amounts: dict[str, int], seconds: float, strategy: str = "demo") -> dict[str, int]:
            ledger.write_now(lambda tx: tx.signals.set_positions(strategy, amounts, later(seconds)))
            return ledger.read_now(lambda tx: tx.signals.positions("demo"))

        assert list(say({OTHER: 200, SECURITY: 100}, 5).items()) == [(SECURITY, 100), (OTHER, 200)], "by code"
        assert say({OTHER: 7}, 4) == {SECURITY: 100, OTHER: 200}, "older"
        assert say({OTHER: 300}, 5) == {OTHER: 300}, "of the same moment, what came last"
        assert say({SECURITY: 1}, 9, "other") == {OTHER: 300}
        ledger.write_now(lambda tx: tx.signals.set_position("demo", SECURITY, 50, later(9), live=False))
        assert ledger.read_now(lambda tx: tx.signals.position("demo", SECURITY, live=False)) == 50
        assert ledger.read_now(lambda tx: tx.signals.position("demo", SECURITY)) == 0
        assert say({}, 9) == {}
        assert ledger.read_now(lambda tx: tx.signals.position("demo", SECURITY, live=False)) == 50
        assert ledger.read_now(lambda tx: tx.signals.position("demo", EMPTY)) is None

    def test_counts_and_days(self, ledger: Ledger) -> None:
        def fill(tx: Tx) -> None:
            self.told(tx, "a", received_at=later(-1))
            self.told(tx, "b", received_at=NOW)
            self.told(tx, "c", strategy="other", received_at=later(1), day=TOMORROW)
            refused = self.told(tx, "d", received_at=later(1))
            tx.signals.finish(refused, SignalState.RECORDED, Refusal(reason=Reason.STALE))
            self.told(tx, "e", received_at=later(-1), day=DAY - timedelta(days=1))

        assert ledger.read_now(lambda tx: (tx.signals.newest_id(), tx.signals.newest_day(["demo"]))) == (0, None)
        ledger.write_now(fill)
        assert ledger.read_now(lambda tx: tx.signals.counts_since(NOW)) == {
            ("demo", "received"): 1, ("demo", "recorded"): 1, ("other", "received"): 1,
        }  # fmt: skip
        asked: tuple[list[str], ...] = (["demo"], ["other", "demo"], ["nobody"], [])
        days = ledger.read_now(lambda tx: [tx.signals.newest_day(strategies) for strategies in asked])
        assert days == [DAY, TOMORROW, None, None]
        assert ledger.read_now(lambda tx: tx.signals.newest_id()) == 5
        assert ledger.read_now(lambda tx: tx.signals.received_at([1, 3])) == {1: later(-1), 3: later(1)}
        assert ledger.read_now(lambda tx: [s.signal_id for s in tx.signals.received()]) == [1, 2, 3, 5]

    def test_the_last_order_of_a_live_run_on_the_last_day_with_any(self, ledger: Ledger) -> None:
        def fill(tx: Tx) -> None:
            self.told(tx, "a", made_at=later(4))
            self.told(tx, "b", made_at=later(3))
            self.told(tx, "c", made_at=later(20), run="simple_backtest")
            self.told(tx, "d", made_at=later(30), day=DAY - timedelta(days=1))
            self.told(tx, "e", made_at=later(40), strategy="other", day=TOMORROW)
            tx.signals.record(signal("f", made_at=later(50), kind=SignalKind.POSITIONS, order=None))

        ledger.write_now(fill)
        strategies = ("demo", "other", "none")
        made = ledger.read_now(lambda tx: [tx.signals.last_order_made(strategy) for strategy in strategies])
        assert made == [later(4), later(40), None]

    def test_by_the_beginning_of_their_names(self, ledger: Ledger) -> None:
        def fill(tx: Tx) -> None:
            for name in ("ab", "aa-2", "aa-1", "aa-", "aa", "aa."):
                self.told(tx, name)
            self.told(tx, "aa-9", strategy="other")

        ledger.write_now(fill)
        assert ledger.read_now(lambda tx: tx.signals.named("demo", "aa-")) == [2, 3, 4]

    def test_of_a_day_in_shanghai(self, ledger: Ledger) -> None:
        midnight = NOW.replace(hour=0)

        def fill(tx: Tx) -> None:
            for n, ms in enumerate((-1, 0, 1, 86_399_999, 86_400_000)):
                self.told(tx, f"m{n}", received_at=midnight + timedelta(milliseconds=ms))

        ledger.write_now(fill)
        assert ledger.read_now(lambda tx: [s.signal_id for s in tx.signals.list(day=DAY)]) == [4, 3, 2]
        assert ledger.read_now(lambda tx: [s.signal_id for s in tx.signals.list(limit=2, before_id=3)]) == [2, 1]
