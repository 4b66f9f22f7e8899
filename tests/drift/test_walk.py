"""Reports, splits and bookings between the signals; whatever happens, the causes add up to the share."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.domain import REPAIR_RUN, OrderState, Side
from jqfollow.drift.causes import Cause, Drift
from jqfollow.drift.events import Beside, Split, Told, Unfollowed
from jqfollow.drift.walk import drift_of
from jqfollow.ledger.rows import BookingKind, BookingRow, OrderRow
from jqfollow.reasons import Reason

from .test_causes import KEY, NOW, RATIO, order, shares

ONE = Decimal(1)
DAY = date(2026, 3, 3)


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def made(row: OrderRow, minutes: int) -> OrderRow:
    return replace(row, terms=replace(row.terms, made_at=at(minutes)))


def bought(number: int, amount: int, minutes: int = 0, figure: Decimal = ONE) -> OrderRow:
    volume = int(amount * figure)
    return made(order(number, Side.BUY, amount, volume=volume, filled=volume, figure=figure), minutes)


def told(net: int, minutes: int = 60, **more: object) -> Told:
    return Told(**{"at": at(minutes), "net": net, "factor": ONE, "first": False} | more)  # type: ignore[arg-type]


def booking(number: int, kind: BookingKind, volume: int, minutes: int = 90) -> BookingRow:
    return BookingRow(
        booking_id=number, act=number, at=at(minutes), account="main", strategy="demo", security="000001.SZ",
        kind=kind, shares=volume, cost=Decimal(0), carry_buy=Decimal(0), carry_sell=Decimal(0),
        who="wang", why="", undoes=None,
    )  # fmt: skip


def split(factor: str, minutes: int, *, booked: bool = True) -> Split:
    return Split(at=at(minutes), factor=Decimal(factor), booked=booked, day=DAY)


def found(orders: list[OrderRow], book: int, **beside: object) -> Drift:
    return drift_of(*KEY, orders, book, Beside(**beside))  # type: ignore[arg-type]


def test_what_was_held_before_belongs_to_the_target_when_it_is_wanted() -> None:
    first = told(1500, minutes=-5, first=True)
    match = found([bought(1, 500)], 500, told=(first,))
    assert (match.target, match.drift, shares(match)) == (2000, 1500, {Cause.HELD_BEFORE: 1500})
    flat = found([bought(1, 500)], 500, told=(replace(first, wanted_before=False),))
    assert (flat.target, flat.drift, flat.before, flat.lines) == (500, 0, 1500, ())


def test_a_sell_of_what_was_held_before_and_not_wanted_leaves_no_drift() -> None:
    sold = made(order(2, Side.SELL, 400, volume=0, sized=False, state=OrderState.REJECTED,
                      reason=Reason.NOTHING_TO_SELL, figure=ONE), 5)  # fmt: skip
    row = found([sold], 0, told=(told(1500, minutes=-5, first=True, wanted_before=False),))
    assert (row.target, row.drift, row.before, row.lines) == (0, 0, 1100, ())


def test_a_message_that_never_arrived_is_named_and_without_a_gap_nothing_explains_it() -> None:
    lost = found([bought(1, 500)], 500, told=(told(900, gap=True),))
    assert (lost.drift, shares(lost)) == (400, {Cause.NEVER_ARRIVED: 400})
    assert found([bought(1, 500)], 500, told=(told(900),)).unexplained == 400


def test_a_signal_that_was_recorded_only_is_the_cause_of_what_the_report_shows() -> None:
    late = Unfollowed(signal_id=7, shares=300, reason=Reason.STALE)
    row = found([bought(1, 500)], 500, told=(told(800, unfollowed=(late,)),))
    assert [(line.cause, line.shares, line.signal_id, line.reason) for line in row.lines] == [
        (Cause.REFUSED, 300, 7, Reason.STALE)
    ]


def test_a_zero_that_no_signal_sold_needs_a_persons_word() -> None:
    row = found([bought(1, 500)], 500, told=(told(0),))
    assert (row.target, row.drift, row.zero_untold, row.unexplained) == (0, -500, True, -500)
    sold = order(2, Side.SELL, 500, volume=500, filled=500, closes=True, figure=ONE)
    assert not found([bought(1, 500), made(sold, 5)], 0, told=(told(0),)).zero_untold


def test_filled_elsewhere_is_taken_from_the_next_buy() -> None:
    limit = made(order(1, Side.BUY, 1000, volume=1000, filled=700, state=OrderState.CANCELED, figure=ONE,
                       reason=Reason.CANCELED_BY_STRATEGY), 0)  # fmt: skip
    row = found([limit], 700, elsewhere={1: 300})
    assert (row.target, row.drift, shares(row)) == (300, -400, {Cause.FILLED_ELSEWHERE: -400})
    smaller = made(order(2, Side.BUY, 600, volume=200, filled=200, figure=ONE), 5)
    after = found([limit, smaller], 900, elsewhere={1: 300})
    assert (after.target, after.drift, after.lines) == (900, 0, ())


def test_what_rides_on_the_next_signal_makes_up_for_what_was_left() -> None:
    left = order(1, Side.BUY, 1000, volume=1000, filled=400, state=OrderState.EXPIRED, reason=Reason.DAY_OVER,
                 figure=ONE)  # fmt: skip
    more = made(order(2, Side.BUY, 500, volume=1000, filled=1000, figure=ONE), 5)
    row = found([left, more], 1400)
    assert (row.drift, shares(row)) == (100, {Cause.UNFILLED: 100})


def test_a_repair_closes_what_was_open() -> None:
    refused = order(1, Side.BUY, 1000, state=OrderState.REJECTED, reason=Reason.LIMIT_UP, sized=False, figure=ONE)
    repair = made(order(2, Side.BUY, 1000, volume=1000, filled=1000, run=REPAIR_RUN, figure=ONE), 9)
    row = found([refused, repair], 1000)
    assert (row.target, row.drift, row.lines) == (1000, 0, ())


def test_a_split_is_expected_until_the_books_follow() -> None:
    orders, doubled = [bought(1, 300)], split("2", 30, booked=False)
    expected = found(orders, 300, splits=(doubled,), told=(told(600),))
    assert (expected.target, expected.drift) == (600, 300)
    assert [(line.cause, line.day) for line in expected.lines] == [(Cause.CORPORATE, DAY)]
    booked = found(orders, 600, splits=(replace(doubled, booked=True),), told=(told(600),),
                   bookings=(booking(1, BookingKind.SPLIT, 300, 31),))  # fmt: skip
    assert (booked.target, booked.drift, booked.lines) == (600, 0, ())


def test_shares_sold_by_hand_are_missing_from_the_book() -> None:
    row = found([bought(1, 500)], 500, missing=200)
    assert (row.book, row.drift, shares(row)) == (300, 200, {Cause.TRADED_BY_HAND: 200})


def test_what_a_person_adopts_closes_what_was_held_before() -> None:
    row = found([], 1500, told=(told(1500, first=True),), bookings=(booking(1, BookingKind.ADOPT, 1500),))
    assert (row.drift, row.lines) == (0, ())


def test_a_zero_that_no_signal_sold_stays_one_in_the_next_report() -> None:
    twice = (told(0, 20, first=True), told(0, 40))
    assert found([bought(1, 500)], 500, told=twice).zero_untold
    sold = made(order(2, Side.SELL, 500, volume=500, filled=500, figure=ONE, closes=True), 30)
    assert not found([bought(1, 500), sold], 0, told=twice).zero_untold
    assert not found([bought(1, 500)], 500, told=(twice[0], told(500, 40))).zero_untold


def test_a_booking_that_was_taken_back_counts_no_more() -> None:
    mistake, back = booking(1, BookingKind.SET, 300), replace(booking(2, BookingKind.SET, -300), undoes=1)
    assert found([bought(1, 500)], 500, bookings=(mistake, back)).lines == ()


@st.composite
def days(draw: st.DrawFn) -> tuple[list[OrderRow], int, Beside]:
    """Some days of a strategy: refusals, parts, lost messages, hand sales, splits, bookings, two reports."""
    orders: list[OrderRow] = []
    splits: list[Split] = []
    bookings: list[BookingRow] = []
    book = 0
    for number in range(1, draw(st.integers(1, 14)) + 1):
        match draw(st.sampled_from(["order", "order", "order", "split", "booking"])):
            case "order":
                side = draw(st.sampled_from(Side))
                volume = draw(st.integers(0, 2000))
                filled = draw(st.sampled_from([0, volume, volume // 2, volume + 100]))
                state = draw(st.sampled_from([OrderState.NEW, OrderState.CANCELED, OrderState.FILLED]))
                reason = None
                if state is OrderState.CANCELED:
                    reason = draw(st.sampled_from([Reason.NO_CASH, Reason.DAY_OVER, Reason.BELOW_LOT, Reason.PAUSED]))
                sized = filled > 0 or draw(st.booleans())
                run = draw(st.sampled_from(["sim_trade", "sim_trade", REPAIR_RUN]))
                row = order(number, side, draw(st.integers(1, 5000)), volume=volume, filled=filled, state=state,
                            reason=reason, sized=sized, run=run,
                            closes=run != REPAIR_RUN and side is Side.SELL and draw(st.booleans()))  # fmt: skip
                orders.append(made(row, number))
                book += filled if side is Side.BUY else -filled
            case "split":
                factor = draw(st.sampled_from(["2", "1.3", "0.45", "0.5", "1.1"]))
                splits.append(split(factor, number, booked=draw(st.booleans())))
            case "booking":
                row_ = booking(number, draw(st.sampled_from(BookingKind)), draw(st.integers(-900, 900)), number)
                bookings.append(row_)
                book += row_.shares
    first, newest = draw(st.integers(0, 7)), draw(st.integers(8, 15))
    reports = [told(draw(st.integers(0, 5000)), minutes, factor=RATIO, gap=draw(st.booleans()), first=minutes == first,
                    wanted_before=draw(st.booleans()),
                    unfollowed=tuple(Unfollowed(signal_id=99, shares=draw(st.integers(-900, 900)), reason=Reason.STALE)
                                     for _ in range(draw(st.integers(0, 2)))))
               for minutes in (first, newest) if draw(st.booleans())]  # fmt: skip
    elsewhere = {row.signal_id: draw(st.integers(0, 900)) for row in orders if not row.closes and draw(st.booleans())}
    missing = draw(st.sampled_from([0, 0, 100]))
    return orders, book, Beside(told=tuple(reports), splits=tuple(splits), bookings=tuple(bookings),
                                elsewhere=elsewhere, missing=missing)  # fmt: skip


@given(days())
def test_the_causes_add_up_whatever_happened(story: tuple[list[OrderRow], int, Beside]) -> None:
    orders, book, beside = story
    row = drift_of(*KEY, orders, book, beside)
    assert row.drift is not None
    assert sum(line.shares for line in row.lines) == row.drift
    assert row.target == row.drift + row.book + row.working


@given(days(), st.integers(0, 5000))
def test_the_target_is_the_ratio_times_what_the_strategy_holds(
    story: tuple[list[OrderRow], int, Beside], net: int
) -> None:
    orders, book, beside = story
    wanted = tuple(replace(each, wanted_before=True) for each in beside.told)
    orders = [row for row in orders if row.terms.figure == RATIO]
    last = told(net, minutes=100, factor=RATIO)
    row = drift_of(*KEY, orders, book, replace(beside, told=(*wanted, last)))
    assert row.target == pytest.approx(RATIO * net)
    assert sum(line.shares for line in row.lines) == row.drift
