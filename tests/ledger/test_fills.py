"""Fills, and the books that are their sums."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import structlog

from jqfollow.domain import Side
from jqfollow.ledger.books import moved
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import BookRow
from jqfollow.ledger.tx import Tx
from ledger.samples import DAY, NOW, SECURITY, an_attempt, fill_report


def book(ledger: Ledger, strategy: str = "demo") -> BookRow:
    return ledger.read_now(lambda tx: tx.books.get("main", strategy, SECURITY))


def test_a_fill_moves_attempt_order_and_book_in_one_go(ledger: Ledger) -> None:
    attempt = ledger.write_now(lambda tx: an_attempt(tx, volume=1000))
    first = fill_report(attempt, volume=300, price=Decimal("11.305"), fee=Decimal("5.01"))
    second = fill_report(attempt, "t2", volume=700, price=Decimal("11.29"))
    assert ledger.write_now(lambda tx: tx.fills.add(attempt, "demo", first, DAY))
    assert ledger.write_now(lambda tx: tx.fills.add(attempt, "demo", second, DAY))
    order = ledger.read_now(lambda tx: tx.orders.get(attempt.order_id))
    after = ledger.read_now(lambda tx: tx.attempts.get(attempt.attempt_id))
    turnover = 300 * Decimal("11.305") + 700 * Decimal("11.29")
    assert order is not None
    assert after is not None
    assert (order.filled, order.turnover, order.avg_price) == (1000, turnover, turnover / 1000)
    assert (after.filled, after.done) == (1000, 1000)
    assert book(ledger) == BookRow(
        account="main", strategy="demo", security=SECURITY, volume=1000, cost=turnover + Decimal("5.01")
    )
    rows = ledger.read_now(lambda tx: tx.fills.of_order(order.order_id))
    assert rows == ledger.read_now(lambda tx: tx.fills.of_attempt(attempt.attempt_id))
    assert [(row.traded_id, row.volume, row.price, row.fee, row.filled_at) for row in rows] == [
        ("t1", 300, Decimal("11.305"), Decimal("5.01"), NOW),
        ("t2", 700, Decimal("11.29"), Decimal(0), NOW),
    ]


@pytest.mark.parametrize("changes", [{}, {"volume": 50}, {"price": Decimal("11.31")}])
def test_a_repeated_fill_changes_nothing_and_is_logged_where_it_differs(
    ledger: Ledger, changes: dict[str, Any]
) -> None:
    for account, broker_order_id in (("paper", "b1"), ("main", "before")):  # numbers of a fill come again elsewhere
        other = ledger.write_now(lambda tx, a=account: an_attempt(tx, a, account=a))
        report = fill_report(other, broker_order_id=broker_order_id, volume=10)
        ledger.write_now(lambda tx, o=other, r=report: tx.fills.add(o, "demo", r, DAY))
    attempt = ledger.write_now(an_attempt)

    def all_of_it(tx: Tx) -> object:
        return tx.orders.get(attempt.order_id), tx.attempts.get(attempt.attempt_id), tx.fills.list(), tx.books.list()

    assert ledger.write_now(lambda tx: tx.fills.add(attempt, "demo", fill_report(attempt), DAY))
    before = ledger.read_now(all_of_it)
    with structlog.testing.capture_logs() as lines:
        assert not ledger.write_now(lambda tx: tx.fills.add(attempt, "demo", fill_report(attempt, **changes), DAY))
    assert before == ledger.read_now(all_of_it)
    told = [(line["first"], line["again"]) for line in lines if line["event"] == "fill_reported_differently"]
    again = fill_report(attempt, **changes)
    was = (attempt.attempt_id, attempt.volume, attempt.price)
    assert told == ([(was, (attempt.attempt_id, again.volume, again.price))] if changes else [])


def test_a_fill_that_another_attempt_has_is_told_and_not_added(ledger: Ledger) -> None:
    first, second, third = (ledger.write_now(lambda tx, n=name: an_attempt(tx, n)) for name in "abc")
    ledger.write_now(lambda tx: tx.fills.add(third, "demo", fill_report(third), DAY.replace(day=4)))
    ledger.write_now(lambda tx: tx.fills.add(first, "demo", fill_report(first), DAY))
    with structlog.testing.capture_logs() as lines:
        assert not ledger.write_now(lambda tx: tx.fills.add(second, "demo", fill_report(second), DAY))
    assert [line["first"][0] for line in lines] == [first.attempt_id]


def test_another_day_or_brokers_order_is_another_fill(ledger: Ledger) -> None:
    for number, (day, broker_order_id) in enumerate([(DAY, "b1"), (DAY, "b2"), (date(2026, 1, 6), "b1")]):
        attempt = ledger.write_now(lambda tx, number=number: an_attempt(tx, f"m{number}"))
        report = fill_report(attempt, broker_order_id=broker_order_id, volume=10)
        assert ledger.write_now(
            lambda tx, attempt=attempt, report=report, day=day: tx.fills.add(attempt, "demo", report, day)
        )
        # A terminal that names its orders anew tells the same trades of the same order under another id.
        again = replace(report, broker_order_id="b9")
        assert not ledger.write_now(
            lambda tx, attempt=attempt, report=again, day=day: tx.fills.add(attempt, "demo", report, day)
        )
    # More than was asked for is a fact too, if it comes to that.
    assert ledger.write_now(lambda tx: tx.fills.add(attempt, "demo", fill_report(attempt, "t9", volume=5000), DAY))
    given = fill_report(attempt, "t10", volume=1, price=Decimal(0))
    assert ledger.write_now(lambda tx: tx.fills.add(attempt, "demo", given, DAY))
    assert book(ledger).volume == 5031


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol": "600000.SH"},
        {"side": Side.SELL},
        {"volume": 0},
        {"volume": -100},
        {"price": Decimal("NaN")},
        {"price": Decimal(-1)},
        {"fee": Decimal("sNaN")},
    ],
)
def test_what_is_no_fill_of_this_attempt_is_refused_whole(ledger: Ledger, changes: dict[str, Any]) -> None:
    attempt = ledger.write_now(an_attempt)
    with pytest.raises(ValueError, match=r"fill|amount"):
        ledger.write_now(lambda tx: tx.fills.add(attempt, "demo", fill_report(attempt, **changes), DAY))
    assert ledger.read_now(lambda tx: (tx.fills.list(), tx.books.list(held_only=False))) == ([], [])


def test_a_fill_without_its_order_is_refused_whole(ledger: Ledger) -> None:
    from dataclasses import replace

    attempt = replace(ledger.write_now(an_attempt), order_id=99)
    with pytest.raises(LedgerError, match="order_id 99"):
        ledger.write_now(lambda tx: tx.fills.add(attempt, "demo", fill_report(attempt), DAY))
    assert ledger.read_now(lambda tx: (tx.fills.list(), tx.books.list(held_only=False))) == ([], [])


def test_selling_takes_its_share_of_the_cost(ledger: Ledger) -> None:
    buy = ledger.write_now(lambda tx: an_attempt(tx, "buy", volume=300))
    bought = fill_report(buy, price=Decimal(10), fee=Decimal(5))
    ledger.write_now(lambda tx: tx.fills.add(buy, "demo", bought, DAY))
    sell = ledger.write_now(lambda tx: an_attempt(tx, "sell", side=Side.SELL, volume=300))
    sold = fill_report(sell, "t2", volume=100, price=Decimal(12), fee=Decimal(7))
    ledger.write_now(lambda tx: tx.fills.add(sell, "demo", sold, DAY))
    assert (book(ledger).volume, book(ledger).cost) == (200, Decimal("2003.3333"))
    ledger.write_now(lambda tx: tx.fills.add(sell, "demo", fill_report(sell, "t3", volume=200), DAY))
    assert (book(ledger).volume, book(ledger).cost) == (0, Decimal(0))
    assert ledger.read_now(lambda tx: tx.books.list()) == []
    assert len(ledger.read_now(lambda tx: tx.books.list(held_only=False))) == 1


@pytest.mark.parametrize(
    ("held", "cost", "side", "volume", "expected"),
    [
        (0, "0", Side.BUY, 100, (100, "1005")),
        (100, "900", Side.BUY, 100, (200, "1905")),
        (-50, "0", Side.BUY, 100, (50, "502.5")),
        (-200, "0", Side.BUY, 100, (-100, "0")),
        (100, "900", Side.SELL, 150, (-50, "0")),
        (-50, "0", Side.SELL, 50, (-100, "0")),
        (300, "100", Side.SELL, 100, (200, "66.6667")),
        (101, "1010", Side.SELL, 100, (1, "10")),
        (-99, "0", Side.BUY, 100, (1, "10.05")),
        (-100, "0", Side.BUY, 100, (0, "0")),
        (100, "1000", Side.SELL, 100, (0, "0")),
    ],
)
def test_how_a_book_moves(held: int, cost: str, side: Side, volume: int, expected: tuple[int, str]) -> None:
    attempt: Any = type("Attempt", (), {"remark": "r", "security": "s", "side": side, "volume": volume, "price": 0})
    report = fill_report(attempt, price=Decimal(10), fee=Decimal(5))
    after, worth = moved(held, Decimal(cost), report)
    assert (after, worth) == (expected[0], Decimal(expected[1]))
    exact = fill_report(attempt, price=Decimal("1.2345678"))
    if side is Side.BUY and held >= 0:
        assert moved(held, Decimal(0), exact) == (after, volume * Decimal("1.2345678"))


def test_the_strategies_of_one_account_have_books_of_their_own(ledger: Ledger) -> None:
    for strategy in ("demo", "other"):
        attempt = ledger.write_now(lambda tx, strategy=strategy: an_attempt(tx, strategy, strategy=strategy))
        report = fill_report(attempt, f"of {strategy}")
        ledger.write_now(
            lambda tx, attempt=attempt, strategy=strategy, report=report: tx.fills.add(attempt, strategy, report, DAY)
        )
    assert [row.strategy for row in ledger.read_now(lambda tx: tx.books.list(account="main"))] == ["demo", "other"]
    assert [row.volume for row in ledger.read_now(lambda tx: tx.books.list(strategy="other"))] == [100]
    assert ledger.read_now(lambda tx: tx.books.list(account="none")) == []
    none = book(ledger, "third")
    assert none == BookRow(account="main", strategy="third", security=SECURITY)
    assert (none.volume, none.cost, none.carry_buy, none.carry_sell, none.carry_since) == (0, 0, 0, 0, 0)


def test_what_is_carried_on_leaves_the_book_alone(ledger: Ledger) -> None:
    ledger.write_now(lambda tx: tx.books.set_carry("main", "demo", SECURITY, buy=Decimal("49.5")))
    attempt = ledger.write_now(an_attempt)
    ledger.write_now(lambda tx: tx.fills.add(attempt, "demo", fill_report(attempt), DAY))
    ledger.write_now(lambda tx: tx.books.set_carry("main", "demo", SECURITY, sell=Decimal("0.25")))
    row = book(ledger)
    assert (row.volume, row.carry_buy, row.carry_sell) == (100, Decimal("49.5"), Decimal("0.25"))
    ledger.write_now(lambda tx: tx.books.set_carry("main", "demo", SECURITY, buy=Decimal(0)))
    assert (book(ledger).carry_buy, book(ledger).carry_sell) == (Decimal(0), Decimal("0.25"))
    with pytest.raises(ValueError, match="amount"):
        ledger.write_now(lambda tx: tx.books.set_carry("main", "demo", SECURITY, buy=Decimal("Infinity")))


def test_what_was_bought_today(ledger: Ledger) -> None:
    buy = ledger.write_now(lambda tx: an_attempt(tx, "buy", volume=500))
    sell = ledger.write_now(lambda tx: an_attempt(tx, "sell", side=Side.SELL, volume=500))
    tomorrow = date(2026, 1, 6)
    for attempt, traded_id, volume, day in ((buy, "a", 100, DAY), (buy, "b", 200, DAY), (sell, "c", 50, DAY)):
        report = fill_report(attempt, traded_id, volume=volume)
        ledger.write_now(lambda tx, attempt=attempt, report=report, day=day: tx.fills.add(attempt, "demo", report, day))
    assert ledger.read_now(lambda tx: tx.fills.bought_on("main", "demo", SECURITY, DAY)) == 300
    assert ledger.read_now(lambda tx: tx.fills.bought_on("main", "demo", SECURITY, tomorrow)) == 0
    assert ledger.read_now(lambda tx: tx.fills.bought_on("main", "other", SECURITY, DAY)) == 0
    newest = ledger.read_now(lambda tx: tx.fills.list(account="main", strategy="demo", security=SECURITY, day=DAY))
    assert [row.traded_id for row in newest] == ["c", "b", "a"]
    assert ledger.read_now(lambda tx: tx.fills.list(day=tomorrow)) == []
    assert [
        row.traded_id for row in ledger.read_now(lambda tx: tx.fills.list(before_id=newest[0].fill_id, limit=1))
    ] == ["b"]
