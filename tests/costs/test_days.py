"""What books brought by day: sums that must come out, whatever was traded."""

from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from jqfollow.clock import SHANGHAI
from jqfollow.costs.days import book_days
from jqfollow.domain import Side
from jqfollow.ledger.rows import BookingKind, BookingRow, FillRow

FIRST = date(2026, 3, 2)
SECURITIES = ("000001.SZ", "510300.SH")
PRICES = st.decimals("0.01", 100, places=2)


def fill(number: int, day: date, side: Side, volume: int, price: Decimal, security: str = "000001.SZ") -> FillRow:
    return FillRow(
        fill_id=number, attempt_id=1, account="a", strategy="s", day=day, broker_order_id="1", traded_id=str(number),
        security=security, side=side, volume=volume, price=price, fee=Decimal("5.00"),
        filled_at=datetime(day.year, day.month, day.day, 10, tzinfo=SHANGHAI) + timedelta(seconds=number),
    )  # fmt: skip


def booking(day: date, kind: BookingKind, shares: int, cost: str) -> BookingRow:
    return BookingRow(
        booking_id=1, act=1, at=datetime(day.year, day.month, day.day, 9, tzinfo=SHANGHAI), account="a", strategy="s",
        security="000001.SZ", kind=kind, shares=shares, cost=Decimal(cost), carry_buy=Decimal(0), carry_sell=Decimal(0),
        who="", why="", undoes=None,
    )  # fmt: skip


MOVES = st.tuples(st.integers(0, 4), st.sampled_from(Side), st.integers(1, 5), PRICES, st.sampled_from(SECURITIES))


@given(st.lists(MOVES, max_size=15), st.dictionaries(st.integers(0, 5), st.tuples(PRICES, PRICES), max_size=6))
def test_results_add_up_to_what_was_paid_out_and_is_held(
    moves: list[tuple[int, Side, int, Decimal, str]], seen: dict[int, tuple[Decimal, Decimal]]
) -> None:
    moves.sort(key=lambda move: move[0])
    fills = [fill(n, FIRST + timedelta(days=move[0]), *move[1:]) for n, move in enumerate(moves)]
    prices = {FIRST + timedelta(days=day): dict(zip(SECURITIES, of, strict=True)) for day, of in seen.items()}
    days = book_days("a", "s", fills, [], prices)
    assert [row.day for row in days] == sorted({*prices, *(row.day for row in fills)})
    paid_out, volumes = Decimal(0), Counter[str]()
    for row in fills:
        sign = 1 if row.side is Side.BUY else -1
        paid_out -= sign * row.volume * row.price + row.fee
        volumes[row.security] += sign * row.volume
    if days:
        last = days[-1]
        assert last.total == sum(row.result for row in days) == paid_out + last.value
        assert {symbol: held.volume for symbol, held in last.held.items()} == {s: v for s, v in volumes.items() if v}
        assert last.total == last.floating + sum(row.realised for row in days)


def test_what_people_book_is_no_result_and_a_dividend_is() -> None:
    bookings = [booking(FIRST, BookingKind.ADOPT, 100, "1000")]
    (adopted,) = book_days("a", "s", [], bookings, {FIRST: {"000001.SZ": Decimal(10)}})
    assert (adopted.result, adopted.cost, adopted.value, adopted.idle) == (0, 1000, 1000, False)
    bookings.append(booking(FIRST + timedelta(days=1), BookingKind.DIVIDEND, 0, "-30"))
    days = book_days("a", "s", [], bookings, {FIRST: {"000001.SZ": Decimal(10)}})
    assert [row.result for row in days] == [0, 30]


def test_days_on_which_nothing_was_held_are_idle() -> None:
    assert book_days("a", "s", [], [], {FIRST: {"000001.SZ": Decimal(10)}})[0].idle
