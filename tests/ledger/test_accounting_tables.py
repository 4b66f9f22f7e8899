"""Tables beside orders that money hangs on: each answers for its own account, strategy, security and day alone."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from jqfollow.clock import to_ms
from jqfollow.domain import FollowMode, HoldingsPart, Origin, Side, SignalState, StrategyHolding
from jqfollow.ledger import news
from jqfollow.ledger.corporate import ActionRow, ActionState
from jqfollow.ledger.elsewhere import JqState
from jqfollow.ledger.holdings import OwnLine
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import CLOSE_RUN, BookingKind, NewBooking, PauseRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from ledger.samples import (
    DAY,
    NOW,
    SECURITY,
    TERMS,
    an_attempt,
    an_order,
    connection_of,
    fill_report,
    later,
    new_attempt,
    signal,
    strategy_order,
)

TOMORROW, OTHER = DAY + timedelta(days=1), "600000.SH"


def a_booking(shares: int, **changes: object) -> NewBooking:
    booking = NewBooking(
        account="main",
        strategy="demo",
        security=SECURITY,
        kind=BookingKind.SET,
        shares=shares,
        cost=Decimal(10) * shares,
        who="console",
        why="by hand",
    )
    return replace(booking, **changes)  # type: ignore[arg-type]


def book(tx: Tx) -> tuple[int, Decimal, Decimal, Decimal]:
    found = tx.books.get("main", "demo", SECURITY)
    return found.volume, found.cost, found.carry_buy, found.carry_sell


def test_a_booking_adds_to_its_book_and_comes_back_as_it_was_written(ledger: Ledger) -> None:
    first = a_booking(300, carry_buy=Decimal("0.25"), carry_sell=Decimal("0.5"))
    back = a_booking(-100, cost=Decimal(-1000), undoes=1)
    others = [a_booking(7, account="paper"), a_booking(8, strategy="other"), a_booking(9, security=OTHER)]
    assert ledger.write_now(lambda tx: tx.bookings.add([first, *others], NOW)) == 1
    assert ledger.read_now(book) == (300, Decimal(3000), Decimal("0.25"), Decimal("0.5"))
    assert not ledger.read_now(lambda tx: tx.bookings.is_undone(1))
    assert ledger.write_now(lambda tx: tx.bookings.add([back], later(1))) == 2
    assert ledger.read_now(book) == (200, Decimal(2000), Decimal("0.25"), Decimal("0.5"))
    assert ledger.read_now(lambda tx: (tx.bookings.is_undone(1), tx.bookings.is_undone(2))) == (True, False)
    written = ledger.read_now(lambda tx: tx.bookings.of_book("main", "demo", SECURITY))
    assert [replace(first, undoes=None), back] == [
        NewBooking(**{name: getattr(row, name) for name in NewBooking.__slots__})
        for row in written  # type: ignore[attr-defined]
    ]
    assert [(row.act, row.at) for row in written] == [(1, NOW), (2, later(1))]
    assert [row.booking_id for row in ledger.read_now(lambda tx: tx.bookings.since("main", NOW))] == [5]
    assert [row.booking_id for row in ledger.read_now(lambda tx: tx.bookings.newest_acts(1))] == [5]
    assert [row.booking_id for row in ledger.read_now(lambda tx: tx.bookings.newer_than(4))] == [5]
    assert len(ledger.read_now(lambda tx: tx.bookings.list(account="main"))) == 4
    assert len(ledger.read_now(lambda tx: tx.bookings.list(strategy="other"))) == 1
    with pytest.raises(ValueError, match="without a booking"):
        ledger.write_now(lambda tx: tx.bookings.add([], NOW))


def test_a_book_that_is_booked_away_cost_nothing(ledger: Ledger) -> None:
    ledger.write_now(lambda tx: tx.bookings.add([a_booking(100), a_booking(-100, cost=Decimal(-900))], NOW))
    assert ledger.read_now(book) == (0, Decimal(0), Decimal(0), Decimal(0))
    ledger.write_now(lambda tx: tx.bookings.add([a_booking(1)], NOW))
    assert ledger.read_now(book) == (1, Decimal(10), Decimal(0), Decimal(0))


def test_a_pause_stops_all_but_what_is_closed_out_since_it_began(ledger: Ledger) -> None:
    terms = replace(TERMS, run=CLOSE_RUN, made_at=NOW)
    order = ledger.write_now(lambda tx: an_order(tx, side=Side.SELL, terms=terms))
    assert not PauseRow(strategy="", account="", since=NOW).stops(order)
    assert not PauseRow(strategy="", account="", since=later(-1)).stops(order)
    assert PauseRow(strategy="", account="", since=later(1)).stops(order)
    assert PauseRow(strategy="demo", account="main", since=later(-1)).stops(replace(order, terms=TERMS))
    assert not PauseRow(strategy="", account="", since=later(1), buys=True).stops(order)
    assert PauseRow(strategy="", account="", since=later(1), buys=True).stops(replace(order, side=Side.BUY))


@pytest.mark.parametrize(
    ("strategy", "account", "buys", "words", "covered"),
    [
        ("", "", False, "全部策略 · 全部账户", {("s", "a"), ("s", "b"), ("t", "a"), ("t", "b")}),
        ("s", "", False, "s · 全部账户", {("s", "a"), ("s", "b")}),
        ("", "b", True, "全部策略 · b（只停买入）", {("s", "b"), ("t", "b")}),
        ("t", "a", True, "t · a（只停买入）", {("t", "a")}),
    ],
)
def test_what_a_pause_covers_and_how_people_read_it(
    strategy: str, account: str, buys: bool, words: str, covered: set[tuple[str, str]]
) -> None:
    pause = PauseRow(strategy=strategy, account=account, since=NOW, buys=buys)
    assert pause.scope_zh == words
    for side in (None, Side.BUY, Side.SELL):
        found = {(s, a) for s in "st" for a in "ab" if pause.covers(s, a, side)}
        assert found == (covered if side is Side.BUY or not buys else set())


def test_how_an_order_stands_at_joinquant(ledger: Ledger) -> None:
    def tell(tx: Tx, state: JqState, filled: int, day: date = DAY, **of: object) -> None:
        of = {"strategy": "demo", "jq_order_id": "7", "signal_id": None, **of}
        tx.elsewhere.tell(day=day, state=state, filled=filled, at=NOW, **of)  # type: ignore[arg-type]

    order = ledger.write_now(an_order)
    ledger.write_now(lambda tx: tell(tx, JqState.RESTING, 100, signal_id=order.signal_id))
    assert ledger.read_now(lambda tx: tx.elsewhere.rests(order.signal_id))
    ledger.write_now(lambda tx: tell(tx, JqState.ENDED, 300))
    ledger.write_now(lambda tx: tell(tx, JqState.RESTING, 200))  # late
    ledger.write_now(lambda tx: tell(tx, JqState.FILLED, 900, TOMORROW))
    ledger.write_now(lambda tx: tell(tx, JqState.FILLED, 900, TOMORROW + timedelta(days=1), strategy="other"))
    ledger.write_now(lambda tx: tell(tx, JqState.FILLED, 900, TOMORROW + timedelta(days=1), jq_order_id="8"))
    known = ledger.read_now(lambda tx: tx.elsewhere.get("demo", "7", DAY))
    assert known is not None
    assert (known.state, known.filled, known.signal_id) == (JqState.ENDED, 300, order.signal_id)
    assert not ledger.read_now(lambda tx: tx.elsewhere.rests(order.signal_id))
    assert not ledger.read_now(lambda tx: tx.elsewhere.rests(99))
    assert ledger.read_now(lambda tx: tx.elsewhere.latest_day("demo", "7")) == TOMORROW
    assert ledger.read_now(lambda tx: tx.elsewhere.latest_day("demo", "9")) is None
    assert ledger.read_now(lambda tx: tx.elsewhere.get("demo", "7", TOMORROW + timedelta(days=1))) is None


def test_a_word_about_an_order_is_of_its_strategy_its_id_and_its_day(ledger: Ledger) -> None:
    one = {"strategy": "demo", "jq_order_id": "7", "day": DAY}
    for n, other in enumerate(({"strategy": "other"}, {"jq_order_id": "8"}, {"day": TOMORROW}, {})):
        ledger.write_now(
            lambda tx, n=n, of={**one, **other}: tx.elsewhere.tell(  # type: ignore[misc]
                state=JqState.RESTING, filled=n, signal_id=None, at=later(n), **of
            )
        )
    known = ledger.read_now(lambda tx: tx.elsewhere.get("demo", "7", DAY))
    assert known is not None
    assert (known.jq_order_id, known.day, known.filled, known.signal_id) == ("7", DAY, 3, None)
    for seconds in (9, 1):
        ledger.write_now(
            lambda tx, at=seconds: tx.elsewhere.tell(  # type: ignore[misc]
                state=JqState.RESTING, filled=3, signal_id=None, at=later(at), **one
            )
        )
    told = ledger.read_now(
        lambda tx: connection_of(tx).execute("SELECT told_at FROM jq_orders WHERE filled = 3").fetchall()
    )
    assert [row["told_at"] for row in told] == [to_ms(later(9))]


def test_differences_are_those_of_one_book(ledger: Ledger) -> None:
    one = {"account": "main", "strategy": "demo", "security": SECURITY}
    others = ({"account": "paper"}, {"strategy": "other"}, {"security": OTHER}, {}, {})
    signals = [ledger.write_now(lambda tx, n=n: an_order(tx, f"m{n}")).signal_id for n in range(len(others))]
    for signal_id, other in zip(reversed(signals), reversed(others), strict=True):
        ledger.write_now(
            lambda tx, s=signal_id, of={**one, **other}: tx.elsewhere.expect_difference(s, elsewhere=1, at=NOW, **of)  # type: ignore[misc]
        )
    ledger.write_now(
        lambda tx: tx.elsewhere.expect_difference(
            signals[3], "main", strategy="demo", security=SECURITY, elsewhere=2, at=later(1)
        )
    )
    of_book = ledger.read_now(lambda tx: tx.elsewhere.differences("main", "demo", SECURITY))
    assert [(d.signal_id, d.elsewhere, d.at) for d in of_book] == [(signals[3], 2, later(1)), (signals[4], 1, NOW)]

    def every(**of: str) -> list[int]:
        return [d.signal_id for d in ledger.read_now(lambda tx: tx.elsewhere.all_differences(**of))]

    assert every() == signals
    assert every(account="main") == signals[1:]
    assert every(strategy="other") == signals[1:2]
    assert every(account="paper", strategy="other") == []


def test_what_one_signal_leaves_behind_in_one_account(ledger: Ledger) -> None:
    orders = [ledger.write_now(lambda tx, n=n: an_order(tx, n, account="main")) for n in ("m1", "m2")]
    one, two = (order.signal_id for order in orders)
    for signal_id, account in ((one, "main"), (one, "paper"), (two, "main")):
        ledger.write_now(
            lambda tx, s=signal_id, a=account: tx.elsewhere.expect_difference(
                s, a, strategy="demo", security=SECURITY, elsewhere=300, at=NOW
            )
        )
    ledger.write_now(lambda tx: tx.elsewhere.set_shares(one, "main", Decimal("1.5"), later(1)))
    every = ledger.read_now(lambda tx: tx.elsewhere.all_differences())
    assert [(d.signal_id, d.account, d.shares, d.at) for d in every] == [
        (one, "main", Decimal("1.5"), later(1)), (one, "paper", None, NOW), (two, "main", None, NOW),
    ]  # fmt: skip
    assert {d.elsewhere for d in every} == {300}
    of_book = ledger.read_now(lambda tx: tx.elsewhere.differences("main", "demo", SECURITY))
    assert [d.signal_id for d in of_book] == [one, two]
    assert [d.account for d in ledger.read_now(lambda tx: tx.elsewhere.all_differences(account="paper"))] == ["paper"]
    assert ledger.read_now(lambda tx: tx.elsewhere.all_differences(strategy="other")) == []
    assert ledger.read_now(lambda tx: tx.elsewhere.difference(two, "paper")) is None
    assert ledger.read_now(lambda tx: tx.elsewhere.difference(one, "main")) == every[0]


def test_what_an_account_held_when_the_day_began(ledger: Ledger) -> None:
    ledger.write_now(lambda tx: tx.holdings.put_opening("paper", DAY, {SECURITY: 900}))
    assert ledger.read_now(lambda tx: tx.holdings.opening("main", DAY, SECURITY)) is None
    ledger.write_now(lambda tx: tx.holdings.put("main", DAY, "open", NOW, []))
    ledger.write_now(lambda tx: tx.holdings.put_opening("main", DAY, {SECURITY: 1}))  # the morning was looked at
    assert ledger.read_now(lambda tx: tx.holdings.opening("main", DAY, SECURITY)) == 0
    ledger.write_now(lambda tx: tx.holdings.put_opening("main", TOMORROW, {SECURITY: 100, OTHER: 200}))
    ledger.write_now(lambda tx: tx.holdings.put("main", TOMORROW, "open", later(9), []))
    found = [
        ledger.read_now(lambda tx, d=day, s=security: tx.holdings.opening("main", d, s))
        for day in (DAY, TOMORROW, TOMORROW + timedelta(days=1))
        for security in (SECURITY, OTHER, "159915.SZ")
    ]
    assert found == [0, 0, 0, 100, 200, 0, None, None, None]
    ledger.write_now(lambda tx: tx.holdings.put_opening("third", DAY, {SECURITY: 5}))
    ledger.write_now(lambda tx: tx.holdings.put_opening("third", DAY, {OTHER: 6}))  # looked at anew
    for account in ("paper", "third"):
        ledger.write_now(lambda tx, a=account: tx.holdings.put(a, DAY, "open", NOW, []))  # type: ignore[misc]
    held = [
        ledger.read_now(lambda tx, a=account, s=security: tx.holdings.opening(a, DAY, s))
        for account in ("paper", "third")
        for security in (SECURITY, OTHER)
    ]
    assert held == [900, 0, 0, 6]


def test_what_an_account_holds_beyond_its_books(ledger: Ledger) -> None:
    line = OwnLine(security=SECURITY, volume=-100, by_hand=50, day=DAY)
    assert ledger.read_now(lambda tx: (tx.holdings.lines("main"), tx.holdings.last_check("main"))) == (None, None)
    ledger.write_now(lambda tx: tx.holdings.put("main", DAY, "open", NOW, [line, replace(line, security=OTHER)]))
    assert ledger.read_now(lambda tx: tx.holdings.lines("paper")) is None
    ledger.write_now(lambda tx: tx.holdings.put("paper", DAY, "close", later(99), []))
    ledger.write_now(lambda tx: tx.holdings.put("main", DAY, "close", later(5), [line]))
    assert ledger.read_now(lambda tx: tx.holdings.lines("main")) == {SECURITY: line}
    assert ledger.read_now(lambda tx: tx.holdings.lines("paper")) == {}
    own = replace(line, volume=7)
    ledger.write_now(lambda tx: tx.holdings.put("paper", DAY, "close", later(99), [own]))
    assert ledger.read_now(lambda tx: (tx.holdings.lines("main"), tx.holdings.lines("paper"))) == (
        {SECURITY: line}, {SECURITY: own},
    )  # fmt: skip
    ledger.write_now(lambda tx: tx.holdings.put("third", DAY, "open", NOW, [replace(line, security=OTHER), line]))
    lines = ledger.read_now(lambda tx: tx.holdings.lines("third"))
    assert lines is not None
    assert list(lines) == [SECURITY, OTHER]  # people look a code up in their order
    assert ledger.read_now(lambda tx: tx.holdings.last_check("main")) == later(5)
    asked = [(account, day, s) for account in ("main", "paper") for day in (DAY, TOMORROW) for s in ("open", "close")]
    checked = [key for key in asked if ledger.read_now(lambda tx, k=key: tx.holdings.checked(*k))]
    assert checked == [("main", DAY, "open"), ("main", DAY, "close"), ("paper", DAY, "close")]


def test_a_corporate_action_as_it_stands_now(ledger: Ledger) -> None:
    action = ActionRow(
        account="main",
        security=SECURITY,
        day=DAY,
        factor=Decimal("1.3"),
        cash=Decimal("0.25"),
        arrives=TOMORROW,
        held=1000,
        state=ActionState.EXPECTED,
        act=None,
        source="xtdata",
        updated_at=NOW,
    )
    others = [replace(action, **{k: v}) for k, v in (("account", "paper"), ("security", OTHER), ("day", TOMORROW))]  # type: ignore[arg-type]
    act = ledger.write_now(lambda tx: tx.bookings.add([a_booking(300)], NOW))
    for one in (action, *others):
        ledger.write_now(lambda tx, one=one: tx.corporate.put(one))
    now = replace(
        action,
        factor=Decimal("1.4"),
        cash=Decimal("0.3"),
        arrives=DAY,
        held=900,
        state=ActionState.BOOKED,
        act=act,
        source="file",
        updated_at=later(1),
    )
    ledger.write_now(lambda tx: tx.corporate.put(now))
    assert ledger.read_now(lambda tx: tx.corporate.get("main", SECURITY, DAY)) == now
    assert ledger.read_now(lambda tx: tx.corporate.get("paper", SECURITY, TOMORROW)) is None
    assert ledger.read_now(lambda tx: tx.corporate.of_security("main", SECURITY)) == [now, others[2]]
    assert ledger.read_now(lambda tx: tx.corporate.list()) == [now, others[1], others[0], others[2]]
    assert ledger.read_now(lambda tx: tx.corporate.list("paper")) == [others[0]]


def test_the_price_around_the_newest_order_of_a_book(ledger: Ledger) -> None:
    def an_order_of(tx: Tx, message_id: str, **of: object) -> int:
        terms = replace(TERMS, mode=FollowMode.RATIO, reference=Decimal(str(of.pop("reference"))))
        return an_order(tx, message_id, terms=terms, **of).order_id

    first = ledger.write_now(lambda tx: an_order_of(tx, "m1", reference="11"))
    second = ledger.write_now(lambda tx: an_order_of(tx, "m2", reference="12"))
    for n, other in enumerate(({"account": "paper"}, {"strategy": "other"}, {"security": OTHER})):
        ledger.write_now(lambda tx, n=n, o=other: an_order_of(tx, f"o{n}", reference="99", **o))
    ask = lambda tx: tx.marks.newest_of_book("main", "demo", SECURITY)  # noqa: E731
    assert ledger.read_now(ask) == (NOW, Decimal(12))
    ledger.write_now(lambda tx: tx.marks.arrived(second, Decimal(13)))
    ledger.write_now(lambda tx: tx.marks.arrived(second, Decimal(99)))
    assert ledger.read_now(ask) == (NOW, Decimal(13))
    ledger.write_now(lambda tx: tx.marks.closed(second, Decimal(99)))
    ledger.write_now(lambda tx: tx.marks.closed(second, Decimal(14)))
    assert ledger.read_now(ask) == (NOW, Decimal(14))
    assert ledger.read_now(lambda tx: tx.marks.newest_of_book("main", "nobody", SECURITY)) is None
    assert {n for n, *_ in ledger.read_now(lambda tx: tx.marks.without_close(DAY))} == {first, 3, 4, 5}
    assert ledger.read_now(lambda tx: tx.marks.without_close(TOMORROW)) == []
    marks = ledger.read_now(lambda tx: tx.marks.of_days(DAY, DAY))
    assert [(m.order_id, m.arrival, m.close) for m in marks.values()] == [(second, Decimal(13), Decimal(14))]
    assert ledger.read_now(lambda tx: tx.marks.of_days(TOMORROW, TOMORROW)) == {}


def test_what_was_not_followed_and_why(ledger: Ledger) -> None:
    def recorded(tx: Tx, name: str, reason: Reason | None = Reason.PAUSED, **of: object) -> int:
        order = strategy_order(jq_order_id=name, symbol=of.pop("symbol", SECURITY))
        one = tx.signals.record(signal(name, order=order, **of)).signal_id
        if reason is not None:
            tx.signals.finish(one, SignalState.RECORDED, Refusal(reason=reason, figures={}))
        return one

    first = ledger.write_now(lambda tx: recorded(tx, "a", made_at=later(3)))
    second = ledger.write_now(lambda tx: recorded(tx, "b", made_at=later(1), symbol=OTHER))
    for n, of in enumerate(
        (
            {"strategy": "other"}, {"run": "simple_backtest"}, {"made_at": NOW}, {"made_at": later(4)},
            {"reason": Reason.STALE}, {"reason": None},
        )
    ):  # fmt: skip
        ledger.write_now(lambda tx, n=n, of=of: recorded(tx, f"x{n}", **{"made_at": later(3), **of}))

    def asked(security: str | None = None) -> list[int]:
        rows = ledger.read_now(
            lambda tx: tx.signals.recorded_only(
                "demo", NOW, later(3), run="sim_trade", besides={Reason.STALE}, security=security
            )
        )
        return [row.signal_id for row in rows]

    assert (asked(), asked(SECURITY), asked("none")) == ([second, first], [first], [])
    assert ledger.read_now(lambda tx: tx.signals.last_order_made("demo")) == later(4)
    assert ledger.read_now(lambda tx: tx.signals.last_order_made("nobody")) is None
    assert ledger.read_now(lambda tx: tx.signals.strategies_recorded(first, [])) == {"demo", "other"}
    assert ledger.read_now(lambda tx: tx.signals.strategies_recorded(99, [first])) == {"demo"}
    assert ledger.read_now(lambda tx: tx.signals.strategies_recorded(7, [])) == set(), (
        "the last one is not looked at yet"
    )


def test_messages_that_are_missing_of_a_process(ledger: Ledger) -> None:
    def arrived(seq: int, process: str = "p", strategy: str = "demo", days: int = 0) -> None:
        made = NOW + timedelta(days=days, seconds=seq)
        ledger.write_now(lambda tx: tx.processes.arrived(strategy, Origin(process=process, seq=seq), made, made))

    def missing() -> list[tuple[int, int, bool]]:
        return [(g.first, g.last, g.before is None) for g in ledger.read_now(lambda tx: tx.processes.gaps("demo"))]

    arrived(1)
    arrived(2)
    assert missing() == []
    arrived(6)
    assert missing() == [(3, 5, False)]
    arrived(4)
    arrived(6)
    arrived(1, strategy="other")
    assert sorted(missing()) == [(3, 3, False), (5, 5, False)]
    arrived(2, process="q")
    assert sorted(missing()) == [(1, 1, True), (3, 3, False), (5, 5, False)]
    asked = [(process, at) for process in ("p", "q") for at in (2, 3)]
    found = [
        ledger.read_now(lambda tx, p=p, at=at: tx.processes.started_since("demo", p, later(at))) for p, at in asked
    ]
    assert found == [None, "q", None, None]
    # Silent for 30 days it is known, for 31 it is not: its next message has no gap before it that it knows of.
    arrived(1, process="r", days=29)
    arrived(7, days=29)
    assert (1, 6, True) not in missing()
    arrived(7, process="s", days=59)
    arrived(9, days=59)
    assert (8, 8, False) in missing()
    arrived(1, process="t", days=91)
    arrived(9, days=91)
    assert (1, 8, True) in missing()


def test_a_report_counts_once_when_all_its_parts_are_there(ledger: Ledger) -> None:
    def part(number: int, of: int, holdings: dict[str, StrategyHolding], report: str = "r1") -> HoldingsPart:
        return HoldingsPart(report=report, part=number, parts=of, day=DAY, when="close", cash=Decimal(5),
                            total_value=Decimal(1000), holdings=holdings)  # fmt: skip

    def add(one: HoldingsPart, seconds: float = 0) -> bool:
        whole = ledger.write_now(lambda tx: tx.reports.add("demo", one, later(seconds)))
        if whole is not None:
            assert ledger.read_now(lambda tx: tx.reports.newest("demo")) == whole
        return whole is not None

    one = {SECURITY: StrategyHolding(held=300, closeable=200, resting_buy=100, resting_sell=50, price=Decimal(11))}
    two = {OTHER: StrategyHolding(held=7, closeable=7)}
    assert not add(part(1, 2, one))
    assert not add(part(1, 2, one))
    assert not add(part(2, 3, two))  # another report's
    assert not add(part(1, 2, one)), "which does not count"
    assert not add(part(3, 2, two))
    assert ledger.read_now(lambda tx: (tx.reports.newest("demo"), tx.reports.newest_nets("demo"))) == (None, {})
    assert ledger.read_now(lambda tx: (tx.reports.first("demo"), tx.reports.newest_made("demo"))) == (None, None)
    assert add(part(2, 2, two))
    assert not add(part(2, 2, two))
    assert ledger.read_now(lambda tx: tx.reports.newest_nets("demo")) == {SECURITY: 350, OTHER: 7}
    assert not add(part(2, 2, two, "r2"), 9)
    assert add(part(1, 2, {}, "r2"), 5)
    assert ledger.read_now(lambda tx: tx.reports.newest_nets("demo")) == {OTHER: 7}
    newest, first = ledger.read_now(lambda tx: (tx.reports.newest("demo"), tx.reports.first("demo")))
    assert newest is not None
    assert first is not None
    assert (newest.made_at, newest.holdings) == (later(9), two)
    assert (first.made_at, first.holdings) == (NOW, one | two)
    assert list(first.holdings) == [SECURITY, OTHER]  # people look a code up in their order
    assert (first.day, first.session, first.cash, first.total_value) == (DAY, "close", Decimal(5), Decimal(1000))
    assert ledger.read_now(lambda tx: tx.reports.newest_made("demo")) == later(9)
    assert ledger.read_now(lambda tx: tx.reports.totals("demo")) == [(DAY, Decimal(1000))]
    stamp = ledger.read_now(lambda tx: tx.reports.stamp("demo"))
    assert stamp is not None
    assert (stamp.first_at, stamp.newest_at, stamp.lost) == (to_ms(NOW), to_ms(later(9)), "/0")
    assert ledger.read_now(lambda tx: tx.reports.stamp("other")) is None


def test_a_message_ends_when_every_robot_is_done_with_it(ledger: Ledger) -> None:
    for n in range(3):
        ledger.write_now(lambda tx, n=n: tx.outbox.put("fill", str(n), later(n)))
    ids = [row.outbox_id for row in ledger.read_now(lambda tx: tx.deliveries.due("a", 9))]
    ledger.write_now(lambda tx: tx.deliveries.done("a", {ids[0]: "", ids[1]: "45009"}, later(1)))
    ledger.write_now(lambda tx: tx.deliveries.done("b", {ids[0]: "93000"}, later(2)))
    ledger.write_now(lambda tx: tx.deliveries.done("a", {ids[0]: "late"}, later(3)))
    assert [row.outbox_id for row in ledger.read_now(lambda tx: tx.deliveries.due("b", 9))] == ids[1:]
    assert ledger.write_now(lambda tx: tx.deliveries.close(["a", "b"], "nobody")) == 1
    assert ledger.write_now(lambda tx: tx.deliveries.close(["a"], "nobody")) == 1
    assert ledger.write_now(lambda tx: tx.deliveries.close([], "nobody")) == 1
    rows = ledger.read_now(lambda tx: tx.outbox._c.execute("SELECT * FROM outbox ORDER BY outbox_id").fetchall())
    assert [(row["state"], row["sent_at"], row["error"]) for row in rows] == [
        ("sent", to_ms(later(1)), "93000"), ("failed", None, "45009"), ("failed", None, "nobody"),
    ]  # fmt: skip


def test_a_message_was_sent_when_the_first_robot_had_it_and_says_what_went_wrong_last(ledger: Ledger) -> None:
    for n in range(4):
        ledger.write_now(lambda tx, n=n: tx.outbox.put("fill", str(n), NOW))
    told = {
        1: [("a", 5, ""), ("b", 3, ""), ("c", 6, "first"), ("d", 8, "last"), ("e", 7, "between")],
        2: [("a", 1, ""), ("b", 2, ""), ("c", 1, ""), ("d", 1, ""), ("e", 1, "")],
        3: [("a", 9, "last"), ("b", 8, "x"), ("c", 7, "x"), ("d", 6, "x"), ("e", 5, "x")],
        4: [("a", 0, ""), ("b", 99, "another's"), ("c", 0, ""), ("d", 0, "")],
    }
    for number, answers in told.items():
        for robot, at, error in answers:
            ledger.write_now(lambda tx, r=robot, e={number: error}, at=at: tx.deliveries.done(r, e, later(at)))  # type: ignore[misc]
    assert ledger.write_now(lambda tx: tx.deliveries.close("abcde", "nobody")) == 3
    rows = ledger.read_now(lambda tx: connection_of(tx).execute("SELECT * FROM outbox ORDER BY outbox_id").fetchall())
    assert [(row["state"], row["sent_at"], row["error"]) for row in rows] == [
        ("sent", to_ms(later(3)), "last"), ("sent", to_ms(later(1)), ""), ("failed", None, "last"),
        ("pending", None, ""),
    ]  # fmt: skip
    assert ledger.write_now(lambda tx: tx.deliveries.drop()) == 1
    states = [row.state for row in ledger.read_now(lambda tx: tx.outbox.list())]
    assert states == ["dropped", "failed", "sent", "sent"]


def test_what_a_robot_is_not_done_with_comes_by_kind_and_age(ledger: Ledger) -> None:
    for kind in ("fill", "alert", "fill", "alert"):
        ledger.write_now(lambda tx, k=kind: tx.outbox.put(k, k, NOW))
    ledger.write_now(lambda tx: tx.deliveries.done("b", {2: ""}, NOW))

    def due(robot: str, limit: int = 9, *first: str) -> list[int]:
        return [m.outbox_id for m in ledger.read_now(lambda tx: tx.deliveries.due(robot, limit, first=first))]

    assert due("a") == [1, 2, 3, 4]
    assert due("a", 9, "alert") == [2, 4, 1, 3]
    assert due("a", 1, "alert") == [2]
    assert due("b", 9, "alert") == [4, 1, 3]


def looked(ledger: Ledger, read: news.Read) -> list[news.Newly]:
    """Looks until nothing is new, nine at most."""
    looks: list[news.Newly] = []
    for _ in range(9):
        new = ledger.read_now(lambda tx: tx.news.since(looks[-1].read if looks else read))
        if new is None:
            break
        looks.append(new)
    return looks


def test_more_news_than_one_look_takes_come_in_order_and_none_twice(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "_MOST", 3)
    order = ledger.write_now(an_order)
    read = ledger.read_now(lambda tx: tx.news.now())

    def more(tx: Tx) -> None:
        attempt = tx.attempts.create(new_attempt(order), NOW)
        for n in range(1, 8):
            tx.events.add(order.order_id, None, later(n), str(n), "", "")
            tx.decisions.add(order.order_id, n, later(n), "wait" if n < 6 else "place", None, [])
            if n < 6:
                tx.fills.add(attempt, "demo", fill_report(attempt, str(n), volume=10 + n), DAY)
            if n < 5:
                tx.signals.record(signal(f"new {n}"))

    ledger.write_now(more)
    looks = looked(ledger, read)
    told = [
        ([s.message_id for s in look.signals], [e.event for e in look.events], [f.volume for f in look.fills],
         [w.attempt for w in look.waits]) for look in looks
    ]  # fmt: skip
    assert told == [
        (["new 1", "new 2", "new 3"], ["1", "2", "3"], [11, 12, 13], [1, 2, 3]),
        (["new 4"], ["4", "5", "6"], [14, 15], [4, 5]),
        ([], ["7"], [], []),
    ]


def test_one_look_takes_two_thousand_of_a_kind(ledger: Ledger) -> None:
    order = ledger.write_now(an_order)
    read = ledger.read_now(lambda tx: tx.news.now())
    ledger.write_now(
        lambda tx: [tx.events.add(order.order_id, None, NOW, str(n), "", "") for n in range(2001)] and None
    )
    assert [len(look.events) for look in looked(ledger, read)] == [2000, 1]


def test_news_come_with_the_attempts_and_orders_that_they_are_about(ledger: Ledger) -> None:
    attempts = [ledger.write_now(lambda tx, n=name: an_attempt(tx, n)) for name in "abcd"]
    step, filled, waits, _ = attempts
    read = ledger.read_now(lambda tx: tx.news.now())

    def more(tx: Tx) -> None:
        tx.events.add(step.order_id, step.attempt_id, NOW, "accepted", "", "new")
        tx.fills.add(filled, "demo", fill_report(filled), DAY)
        tx.decisions.add(waits.order_id, 1, NOW, "wait", Reason.PAUSED, [])

    ledger.write_now(more)
    new = ledger.read_now(lambda tx: tx.news.since(read))
    assert new is not None
    everything = ledger.read_now(lambda tx: tx.news.since(news.Read()))
    assert everything is not None
    kinds = (everything.signals, everything.events, everything.fills, everything.waits)
    assert [len(rows) for rows in kinds] == [4, 1, 1, 1]
    assert {n: row.filled for n, row in new.attempts.items()} == {step.attempt_id: 0, filled.attempt_id: 100}
    assert {n: row.filled for n, row in new.orders.items()} == {
        step.order_id: 0, filled.order_id: 100, waits.order_id: 0,
    }  # fmt: skip


def test_what_is_new_is_told_once(ledger: Ledger) -> None:
    order = ledger.write_now(an_order)
    ledger.write_now(lambda tx: tx.events.add(order.order_id, None, NOW, "sized", "", "pending_new"))
    begin = ledger.read_now(lambda tx: tx.news.now())
    assert ledger.read_now(lambda tx: tx.news.since(begin)) is None
    ledger.write_now(lambda tx: tx.events.add(order.order_id, None, later(1), "waits", "", ""))
    ledger.write_now(lambda tx: tx.decisions.add(order.order_id, 1, NOW, "wait", Reason.PAUSED, []))
    ledger.write_now(lambda tx: tx.decisions.add(order.order_id, 2, NOW, "place", None, []))
    new = ledger.read_now(lambda tx: tx.news.since(begin))
    assert new is not None
    assert ([e.event for e in new.events], [d.attempt for d in new.waits], new.signals, new.fills) == (
        ["waits"], [1], (), (),
    )  # fmt: skip
    assert new.orders == {order.order_id: order}
    assert ledger.read_now(lambda tx: tx.news.since(new.read)) is None
    ledger.write_now(lambda tx: tx.signals.record(signal("alone")))
    [alone] = looked(ledger, new.read)
    assert ([s.message_id for s in alone.signals], alone.events, alone.fills, alone.waits) == (["alone"], (), (), ())
