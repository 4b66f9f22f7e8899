"""What people ask of the ledger: orders looked for, days, pictures of accounts, marks of what is new."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from jqfollow.domain import Asset, HoldingsPart, OrderState, Position, SignalState
from jqfollow.ledger.changes import Mark
from jqfollow.ledger.deeds import What
from jqfollow.ledger.finding import DayCount, Wanted
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.numbers import AWAY_AT
from jqfollow.ledger.rows import BookingKind, BookRow, NewBooking
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from ledger.samples import DAY, NOW, SECURITY, an_attempt, an_order, fill_report, later, signal

TOMORROW, OTHER = DAY + timedelta(days=1), "600000.SH"
ASSET = Asset(cash=Decimal(1), frozen=Decimal(2), market_value=Decimal(3), total=Decimal(6))
HELD = Position(symbol=SECURITY, volume=1, available=1, avg_cost=Decimal(1), last=None)


def test_orders_are_found_by_all_that_is_wanted_of_them_at_once(ledger: Ledger) -> None:
    def fill(tx: Tx) -> None:
        an_order(tx, "m1")
        an_order(tx, "m2", security=OTHER)
        an_order(tx, "m3", account="paper")
        an_order(tx, "m4", strategy="other")
        an_order(tx, "m5", day=TOMORROW)
        ended = an_order(tx, "m6")
        tx.orders.update(ended.order_id, later(1), state=OrderState.CANCELED, refusal=Refusal(reason=Reason.STALE))

    ledger.write_now(fill)
    for wanted, numbers in (
        (Wanted(), [6, 5, 4, 3, 2, 1]),
        (Wanted(account="main"), [6, 5, 4, 2, 1]),
        (Wanted(strategy="other"), [4]),
        (Wanted(day=DAY), [6, 4, 3, 2, 1]),
        (Wanted(state=OrderState.CANCELED), [6]),
        (Wanted(before_id=3), [2, 1]),
        (Wanted(securities=[OTHER]), [2]),
        (Wanted(securities=[OTHER], ids=[5, 1]), [5, 2, 1]),
        (Wanted(securities=[], ids=[]), []),
        (Wanted(ids=[1, 3, 6], account="main"), [6, 1]),
        (Wanted(account="main", day=DAY, state=OrderState.PENDING_NEW, before_id=4), [2, 1]),
    ):
        found = ledger.read_now(lambda tx, w=wanted: tx.finding.orders(w, 10))
        assert [order.order_id for order in found] == numbers, wanted
    assert [o.order_id for o in ledger.read_now(lambda tx: tx.finding.orders(Wanted(), 2))] == [6, 5]


def test_an_order_is_named_by_its_remark_and_by_its_id_in_joinquant(ledger: Ledger) -> None:
    attempt = ledger.write_now(lambda tx: an_attempt(tx, "m1"))
    ledger.write_now(lambda tx: an_order(tx, "m2"))

    def named(text: str, *strategies: str) -> list[int]:
        return ledger.read_now(lambda tx: tx.finding.named(text, strategies))

    assert named(attempt.remark) == [1]
    assert named("m2", "demo") == named("m2", "other", "demo") == [2]
    assert named("m2", "other") == named("m2") == named("m3", "demo") == []


def test_days_with_orders_or_fills(ledger: Ledger) -> None:
    assert ledger.read_now(lambda tx: tx.finding.first_day()) is None

    def fill(tx: Tx) -> None:
        one = an_attempt(tx, "m1")
        an_order(tx, "m2")
        an_order(tx, "m3", day=TOMORROW)
        tx.fills.add(one, "demo", fill_report(one), DAY)
        tx.fills.add(one, "demo", fill_report(one, "late"), day_after)

    day_after = TOMORROW + timedelta(days=1)
    ledger.write_now(fill)
    days = ledger.read_now(lambda tx: tx.finding.days(DAY, TOMORROW))
    assert days == [DayCount(day=DAY, orders=2, fills=1), DayCount(day=TOMORROW, orders=1, fills=0)]
    assert ledger.read_now(lambda tx: tx.finding.days(TOMORROW, TOMORROW)) == days[1:]
    assert ledger.read_now(lambda tx: tx.finding.days(DAY, DAY)) == days[:1]
    late = [*days[1:], DayCount(day=day_after, orders=0, fills=1)]
    assert ledger.read_now(lambda tx: tx.finding.days(TOMORROW, day_after)) == late
    assert ledger.read_now(lambda tx: tx.finding.first_day()) == DAY


def test_what_an_account_was_worth(ledger: Ledger) -> None:
    day_after = TOMORROW + timedelta(days=1)

    def picture(account: str, day: date, second: float, total: int) -> None:
        worth = replace(ASSET, total=Decimal(total))
        ledger.write_now(lambda tx: tx.snapshots.put(account, day, later(second), worth, [HELD]))

    assert ledger.read_now(lambda tx: (tx.snapshots.newest_at("main"), tx.finding.totals("main"))) == (None, [])
    picture("main", DAY, 1, 11)
    picture("main", DAY, 2, 12)
    picture("main", TOMORROW, 11, 21)
    picture("main", TOMORROW, 12, 22)
    picture("paper", TOMORROW, 13, 99)
    picture("paper", DAY, 3, 98)

    def asked(day: date) -> tuple[Decimal | None, Decimal | None]:
        """The total when a day began, and the last of the days before it."""
        before, last = ledger.read_now(
            lambda tx: (tx.snapshots.before("main", day), tx.snapshots.last_before("main", day))
        )
        return before, None if last is None else last[1].total

    assert asked(DAY) == (11, None), "its first, for want of an earlier one"
    assert asked(TOMORROW) == (12, 12)
    assert asked(day_after) == (22, 22)
    assert ledger.read_now(lambda tx: tx.snapshots.before("none", DAY)) is None
    assert ledger.read_now(lambda tx: tx.snapshots.newest_at("main")) == later(12)
    assert ledger.read_now(lambda tx: tx.finding.totals("main")) == [(DAY, 12), (TOMORROW, 22)]
    last = ledger.read_now(lambda tx: tx.snapshots.last_of_day("paper", DAY))
    assert last is not None
    assert last[1].total == 98
    assert ledger.write_now(lambda tx: tx.snapshots.thin(TOMORROW)) == 1, "of the day itself nothing goes"
    kept = ledger.read_now(lambda tx: tx.snapshots.last_of_day("paper", DAY))
    assert kept == last, "positions, too"


def _order(tx: Tx) -> None:
    tx.orders.update(1, later(9), volume=300)


def _done(tx: Tx, name: str) -> None:
    """A signal that nobody saw before it was done with."""
    tx.signals.finish(tx.signals.record(signal(name)).signal_id, SignalState.FOLLOWED, None)


def _ended(tx: Tx) -> None:
    tx.orders.update(1, later(9), state=OrderState.CANCELED, refusal=Refusal(reason=Reason.STALE))


def _fill(tx: Tx, name: str = "t1") -> None:
    (attempt,) = tx.attempts.of_order(1)
    tx.fills.add(attempt, "demo", fill_report(attempt, name, volume=50), DAY)


def _report(part: int, report: str = "r") -> Callable[[Tx], object]:
    told = HoldingsPart(
        report=report, part=part, parts=2, day=DAY, when="close", cash=None, total_value=None, holdings={}
    )  # fmt: skip
    return lambda tx: tx.reports.add("demo", told, NOW)


_BOOKING = NewBooking(
    account="main", strategy="demo", security=SECURITY, kind=BookingKind.SET, shares=1, who="a", why="b"
)


def _booking(tx: Tx) -> None:
    tx.bookings.add([_BOOKING], NOW)


STEPS: list[tuple[str, Callable[[Tx], object]]] = [
    ("signals", lambda tx: tx.signals.record(signal("s2"))),
    ("signals", lambda tx: _done(tx, "s3")),
    ("orders", _order),
    ("orders", lambda tx: tx.events.add(1, None, NOW, "sized", "", "pending_new")),
    ("orders", lambda tx: tx.decisions.add(1, 1, NOW, "wait", Reason.PAUSED, [])),
    ("orders", lambda tx: tx.decisions.add(1, 2, NOW, "wait", Reason.PAUSED, [])),
    ("orders books", _fill),
    ("orders", _ended),
    ("orders books", lambda tx: _fill(tx, "late")),
    ("books", _booking),
    ("books", _report(1)),
    ("books", _report(2)),
    ("books", _report(1, "another")),
    ("accounts", lambda tx: tx.snapshots.put("main", DAY, NOW, ASSET, [])),
    ("accounts", lambda tx: tx.snapshots.put("main", DAY, later(1), ASSET, [])),
    ("", lambda tx: tx.snapshots.put("paper", DAY, NOW, ASSET, [])),  # an account that nobody looks at
    ("messages", lambda tx: tx.outbox.put("alert", "text", NOW)),
    ("messages", lambda tx: tx.outbox.retry([1], later(5), "no")),
    ("messages", lambda tx: tx.outbox.sent([1], later(6))),
    ("deeds pauses", lambda tx: tx.deeds.add(NOW, "a", What.PAUSE)),
    ("pauses", lambda tx: tx.pauses.pause("demo", "", NOW)),
    ("pauses", lambda tx: tx.pauses.pause("demo", "", NOW, buys=True)),
    ("pauses", lambda tx: tx.pauses.resume("demo", "")),
    ("names", lambda tx: tx.security_names.put({SECURITY: "平安银行"})),
]


def test_a_mark_differs_when_what_it_stands_for_has_changed_and_no_other_does(ledger: Ledger) -> None:
    def marks() -> dict[str, Mark]:
        return ledger.read_now(lambda tx: tx.changes.marks(["main"]))

    ledger.write_now(an_attempt)
    before = marks()
    for number, (names, step) in enumerate(STEPS):
        ledger.write_now(lambda tx, s=step: (s(tx), None)[1])
        after = marks()
        assert {name for name in after if after[name] != before[name]} == set(names.split()), (number, names)
        assert marks() == after
        before = after


def test_books_together_are_what_an_account_should_hold(ledger: Ledger) -> None:
    shares = {("main", "demo", SECURITY): 300, ("main", "other", SECURITY): 200, ("main", "demo", OTHER): 100,
              ("main", "x", OTHER): -100, ("main", "x", "159915.SZ"): 0, ("paper", "demo", SECURITY): 7}  # fmt: skip
    rows = [
        replace(_BOOKING, account=account, strategy=strategy, security=security, shares=volume)
        for (account, strategy, security), volume in shares.items()
    ]
    ledger.write_now(lambda tx: tx.bookings.add(rows, NOW))
    assert ledger.read_now(lambda tx: tx.books.sums("main")) == {SECURITY: 500, OTHER: 0}
    assert ledger.read_now(lambda tx: tx.books.sums("none")) == {}

    def found(**asked: str | bool) -> set[tuple[str, str, str]]:
        books = ledger.read_now(lambda tx: tx.books.list(**asked))  # type: ignore[arg-type]
        assert [_key(book) for book in books] == sorted(_key(book) for book in books)
        return {_key(book) for book in books}

    held = {key for key, volume in shares.items() if volume}
    assert found() == held
    assert found(held_only=False) == set(shares)
    assert found(account="main") == {key for key in held if key[0] == "main"}
    assert found(strategy="demo") == {key for key in held if key[1] == "demo"}
    assert found(account="main", strategy="x", held_only=False) == {key for key in shares if key[1] == "x"}
    some = ledger.read_now(lambda tx: tx.books.of_securities("main", [OTHER, "159915.SZ"]))
    assert [_key(book) for book in some] == [("main", "x", "159915.SZ"), ("main", "demo", OTHER), ("main", "x", OTHER)]
    assert [b.strategy for b in ledger.read_now(lambda tx: tx.books.of_security("main", SECURITY))] == ["demo", "other"]


def _key(book: BookRow) -> tuple[str, str, str]:
    return book.account, book.strategy, book.security


def test_what_is_carried_belongs_to_its_close(ledger: Ledger) -> None:
    def carry(since: int) -> tuple[Decimal, Decimal]:
        return ledger.read_now(lambda tx: tx.books.get("main", "demo", SECURITY)).carry(since)

    def carry_on(since: int, buy: int, sell: int) -> None:
        figures = {"buy": Decimal(buy), "sell": Decimal(sell)}
        ledger.write_now(lambda tx: tx.books.carry_on("main", "demo", SECURITY, since=since, **figures))

    carry_on(0, 1, 2)
    carry_on(0, 3, 4)
    assert carry(0) == (4, 6)
    carry_on(5, 7, 8)
    assert (carry(5), carry(0), carry(6)) == ((7, 8), (0, 0), (0, 0))
    ledger.write_now(lambda tx: tx.books.carry_on("main", "demo", SECURITY, since=5))
    carry_on(3, 90, 90)  # of before that close: nobody asks for it any more
    assert carry(5) == (7, 8)
    ledger.write_now(lambda tx: tx.books.set_carry("main", "demo", SECURITY, buy=Decimal(1)))
    assert carry(5) == (1, 8)
    ledger.write_now(lambda tx: tx.books.set_carry("main", "demo", SECURITY, sell=Decimal(2)))
    assert carry(5) == (1, 2)


def test_books_are_put_away_under_the_moment(ledger: Ledger) -> None:
    def anew(account: str) -> object:
        return ledger.read_now(lambda tx: tx.numbers.begun_anew(account))

    def something(account: str) -> bool:
        return ledger.read_now(lambda tx: tx.numbers.has_something(account))

    assert not something("main")
    ledger.write_now(_booking)
    assert something("main")
    assert not something("paper")
    for second in (0, 1):
        name = f"main@1234-{later(second):{AWAY_AT}}"
        assert ledger.write_now(lambda tx, n=name: tx.numbers.put_books_away("main", n)) == 1
        assert not something("main")
        assert anew("main") == later(second)
        ledger.write_now(_booking)
    ledger.write_now(lambda tx: tx.numbers.put_books_away("main", "main@1234"))  # by hand, without a moment
    assert anew("main") == later(1)
    assert anew("mai") is anew("main2") is None
    ledger.write_now(lambda tx: tx.bookings.add([replace(_BOOKING, account="as-long-as-14A")], NOW))
    assert anew("as-long-as-14") is None, "another account, whose name goes on with a letter"
    ledger.write_now(an_order)
    assert something("main"), "an open order"
    ledger.write_now(_ended)
    assert not something("main")


def test_the_number_behind_a_name(ledger: Ledger) -> None:
    assert ledger.read_now(lambda tx: tx.numbers.get("main")) is None
    ledger.write_now(lambda tx: tx.numbers.set("paper", "0", NOW))
    ledger.write_now(lambda tx: tx.numbers.set("main", "1", NOW))
    ledger.write_now(lambda tx: tx.numbers.set("main", "2", NOW))
    assert ledger.read_now(lambda tx: (tx.numbers.get("main"), tx.numbers.get("paper"))) == ("2", "0")


def test_pauses_of_everything_stand_before_those_of_buys_and_the_widest_first(ledger: Ledger) -> None:
    for strategy, account, buys in (("demo", "main", True), ("", "", True), ("demo", "", False), ("", "", False)):
        ledger.write_now(lambda tx, s=strategy, a=account, b=buys: tx.pauses.pause(s, a, NOW, buys=b))
    listed = ledger.read_now(lambda tx: [(p.buys, p.strategy, p.account) for p in tx.pauses.list()])
    assert listed == [(False, "", ""), (False, "demo", ""), (True, "", ""), (True, "demo", "main")]
    ledger.write_now(lambda tx: tx.pauses.pause("", "", later(5)))
    assert ledger.read_now(lambda tx: tx.pauses.list())[0].since == NOW
    assert ledger.write_now(lambda tx: tx.pauses.resume("demo", "")) == 2


def test_a_deed_that_is_done_once_is_kept_once(ledger: Ledger) -> None:
    def add(once: str | None) -> bool:
        return ledger.write_now(lambda tx: tx.deeds.add(NOW, "a", What.BOOK, once=once))

    assert [add("x"), add("x"), add("y"), add(None), add(None)] == [True, False, True, True, True]
    assert ledger.read_now(lambda tx: (tx.deeds.done("x"), tx.deeds.done("z"))) == (True, False)
    assert [d.deed_id for d in ledger.read_now(lambda tx: tx.deeds.list(limit=9))] == [4, 3, 2, 1]
    assert [d.deed_id for d in ledger.read_now(lambda tx: tx.deeds.list(limit=2, before_id=4))] == [3, 2]


def test_drifts_are_kept_by_book(ledger: Ledger) -> None:
    one, two, three = ("main", "demo", SECURITY), ("paper", "demo", SECURITY), ("main", "demo", OTHER)
    ledger.write_now(lambda tx: tx.kept_drifts.put({one: "1", two: "2", three: "3", ("main", "x", OTHER): "4"}))
    ledger.write_now(lambda tx: tx.kept_drifts.put({two: "5"}))
    ledger.write_now(lambda tx: tx.kept_drifts.drop([one]))
    assert ledger.read_now(lambda tx: tx.kept_drifts.all()) == {two: "5", three: "3", ("main", "x", OTHER): "4"}
    ledger.write_now(lambda tx: tx.kept_drifts.clear())
    assert ledger.read_now(lambda tx: tx.kept_drifts.all()) == {}


def test_a_message_may_be_put_once_and_what_waits_goes_with_the_clock(ledger: Ledger) -> None:
    def put(key: str | None) -> bool:
        return ledger.write_now(lambda tx: tx.outbox.put("alert", "text", NOW, unique_key=key))

    assert [put("k"), put("k"), put(None), put(None)] == [True, False, True, True]
    ledger.write_now(lambda tx: tx.outbox.sent([1], NOW))
    assert put("k") is False, "nor after it was sent"

    def due(second: float) -> list[int]:
        return ledger.read_now(lambda tx: [m.outbox_id for m in tx.outbox.due(later(second), 9)])

    assert due(-1) == []
    assert due(0) == due(1) == [2, 3]
    ledger.write_now(lambda tx: tx.outbox.clock_was_set(timedelta(hours=1)))
    assert due(3599) == []
    assert due(3600) == [2, 3]
    ledger.write_now(lambda tx: tx.outbox.clock_was_set(timedelta(hours=-2)))
    assert due(-3601) == []
    assert due(-3600) == [2, 3]
