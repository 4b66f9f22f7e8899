"""The plan never goes beyond a target or a book, and keeps what it must not touch."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.accounting.plan import Hindrance, Item, Plan, ReportAge, Scene, Word, make_plan
from jqfollow.domain import Position, Side
from jqfollow.drift.causes import Cause, Drift, Line

DAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
CODE = "000001.SZ"
REPORT = ReportAge(made_at=NOW - timedelta(hours=1), day=DAY, last_order_at=NOW - timedelta(hours=2))


def row(target: int | str, book: int, cause: Cause = Cause.REFUSED, **more: Any) -> Drift:
    drift = Decimal(target) - book
    lines = (Line(cause=cause, shares=drift),) if drift else ()
    known = {"account": "main", "strategy": "demo", "security": CODE, "working": Decimal(0), "lines": lines}
    return Drift(**known | {"target": Decimal(target), "book": book} | more)


def scene(held: int = 0, available: int | None = None, **more: Any) -> Scene:
    position = Position(symbol=CODE, volume=held, available=held if available is None else available,
                        avg_cost=Decimal(10))  # fmt: skip
    known: dict[str, Any] = {"account": "main", "connected": True, "day": DAY, "positions": {CODE: position},
                             "prices": {CODE: Decimal(10)}}  # fmt: skip
    return Scene(**known | more)


def plan(of: Drift, where: Scene, *words: Word, report: ReportAge = REPORT) -> Plan:
    return make_plan("demo", [of], {"main": where}, report, today=DAY, words=words, made_at=NOW)


def only(of: Plan) -> Item:
    [item] = of.items
    return item


def kept(of: Plan) -> Hindrance:
    assert not of.items
    [one] = of.kept
    return one.why


@pytest.mark.parametrize(
    ("report", "why"),
    [
        (ReportAge(made_at=None, day=None, last_order_at=None), Hindrance.NO_REPORT),
        (replace(REPORT, day=DAY - timedelta(days=1)), Hindrance.OLD_REPORT),
        (replace(REPORT, last_order_at=NOW), Hindrance.ORDER_SINCE),
    ],
)
def test_without_a_whole_report_of_today_nothing_is_ordered(report: ReportAge, why: Hindrance) -> None:
    assert kept(plan(row(1000, 0), scene(), report=report)) is why


@pytest.mark.parametrize(
    ("of", "where", "why"),
    [
        (row(1000, 0), scene(connected=False), Hindrance.NOT_CONNECTED),
        (row(1000, 0), scene(unknown={CODE}), Hindrance.UNKNOWN_OUTCOME),
        (row(1000, 0), scene(open_books={("demo", CODE)}), Hindrance.UNDER_WAY),
        (row(1000, 0, working=Decimal(100)), scene(), Hindrance.UNDER_WAY),
        (row(1000, -100), scene(), Hindrance.BELOW_ZERO),
        (row(1000, 0, Cause.UNEXPLAINED), scene(), Hindrance.NEEDS_WORD),
        (row(0, 500, zero_untold=True), scene(500), Hindrance.NEEDS_WORD),
        (row(99, 0), scene(), Hindrance.BELOW_LOT),
        (row(0, 500), scene(500, available=0), Hindrance.NOT_SELLABLE),
        (row(0, 500), scene(500, bought_today={("demo", CODE): 500}), Hindrance.NOT_SELLABLE),
        (row(0, 500), Scene(account="main", connected=True, day=DAY), Hindrance.NOT_SELLABLE),
        (row(1000, 0), scene(prices={}), Hindrance.NO_PRICE),
        (row(1000, 0, security="ABC"), scene(), Hindrance.UNKNOWN_SECURITY),
        (Drift(account="main", strategy="demo", security=CODE, target=None, book=5, working=Decimal(0), lines=()),
         scene(), Hindrance.NO_TARGET),
        (replace(row(1000, 500), lines=(Line(cause=Cause.CORPORATE, shares=Decimal(500), day=DAY),)), scene(500),
         Hindrance.EXPECTED),
    ],
)  # fmt: skip
def test_what_a_plan_must_not_touch(of: Drift, where: Scene, why: Hindrance) -> None:
    assert kept(plan(of, where)) is why


def test_a_persons_word_lets_it_go() -> None:
    assert only(plan(row(1000, 0, Cause.UNEXPLAINED), scene(), Word.UNEXPLAINED)).volume == 1000
    assert only(plan(row(0, 550, zero_untold=True), scene(550), Word.ZERO)).volume == 550


def test_the_persons_own_shares_are_not_sold() -> None:
    assert only(plan(row(0, 500), scene(5000))).volume == 500


def test_the_key_names_everything_that_it_was_made_of() -> None:
    first = plan(row(1000, 0), scene())
    assert first.key == plan(row(1000, 0), scene()).key
    others = [
        plan(row(1100, 0), scene()), plan(row(1000, 0, missing=1), scene()), plan(row(1000, 0), scene(100)),
        plan(row(1000, 0), scene(), report=replace(REPORT, made_at=NOW - timedelta(minutes=1))),
        plan(row(1000, 0), scene(), Word.ZERO), replace(first, made_at=NOW + timedelta(seconds=1)),
    ]  # fmt: skip
    assert len({first.key, *(other.key for other in others)}) == 1 + len(others)


@pytest.mark.parametrize(("seconds", "over"), [(-1, True), (0, False), (60, False), (61, True)])
def test_a_plan_is_good_for_a_minute(seconds: int, over: bool) -> None:
    assert plan(row(1000, 0), scene()).is_over(NOW + timedelta(seconds=seconds)) is over


@given(
    st.sampled_from(["000001.SZ", "300750.SZ", "688981.SH", "920002.BJ", "510300.SH", "113050.SH"]),
    st.decimals(0, 3_000_000, places=2), st.integers(0, 3_000_000), st.integers(0, 3_000_000), st.integers(0, 5000),
)  # fmt: skip
def test_never_beyond_the_target_nor_the_book(
    code: str, target: Decimal, book: int, own: int, bought_today: int
) -> None:
    of = row(str(target), book, security=code)
    held = Position(symbol=code, volume=book + own, available=max(book + own - bought_today, 0), avg_cost=Decimal(1))
    where = scene(positions={code: held}, prices={code: Decimal(1)}, bought_today={("demo", code): bought_today})
    for item in plan(of, where).items:
        assert sum(item.parts) == item.volume > 0
        after = book + (item.volume if item.side is Side.BUY else -item.volume)
        assert min(book, target) <= after <= max(book, target)
        if item.side is Side.SELL:
            assert item.volume <= min(max(book - bought_today, 0), held.available)
        assert (item.left >= 0) is (item.side is Side.BUY) or item.left == 0
