"""Hours: market-rules "The trading day"."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jqfollow.clock import SHANGHAI
from jqfollow.domain import Phase
from jqfollow.market.sessions import accepts_cancels, accepts_orders, day_end, next_session, phase_at

DAY = date(2026, 3, 2)
MICROSECOND = timedelta(microseconds=1)


def at(text: str) -> datetime:
    return datetime.combine(DAY, time.fromisoformat(text), SHANGHAI)


# (begins, phase): holds from that very moment to the last microsecond before the next row.
TABLE = [
    ("00:00", Phase.CLOSED),
    ("09:15", Phase.OPENING_AUCTION),
    ("09:20", Phase.OPENING_AUCTION_LOCKED),
    ("09:25", Phase.PRE_OPEN),
    ("09:30", Phase.CONTINUOUS),
    ("11:30", Phase.LUNCH),
    ("13:00", Phase.CONTINUOUS),
    ("14:57", Phase.CLOSING_AUCTION),
    ("15:00", Phase.CLOSED),
    ("15:05", Phase.AFTER_HOURS),
    ("15:30", Phase.CLOSED),
]


@pytest.mark.parametrize(("row", "begins", "phase"), [(n, *row) for n, row in enumerate(TABLE)])
def test_boundaries_are_exact(row: int, begins: str, phase: Phase) -> None:
    assert phase_at(at(begins)) is phase
    assert phase_at(at(begins).astimezone(UTC)) is phase
    if row:
        assert phase_at(at(begins) - MICROSECOND) is TABLE[row - 1][1]


def test_the_last_moment_of_the_day() -> None:
    assert phase_at(at("23:59:59.999999")) is Phase.CLOSED


# (phase, orders, orders with join_auction, cancels)
@pytest.mark.parametrize(
    ("phase", "orders", "in_auction", "cancels"),
    [
        (Phase.CLOSED, False, False, False),
        (Phase.OPENING_AUCTION, False, True, True),
        (Phase.OPENING_AUCTION_LOCKED, False, True, False),
        (Phase.PRE_OPEN, False, False, False),
        (Phase.CONTINUOUS, True, True, True),
        (Phase.LUNCH, False, False, False),
        (Phase.CLOSING_AUCTION, False, True, False),
        (Phase.AFTER_HOURS, False, False, False),
    ],
)
def test_what_each_phase_takes(phase: Phase, orders: bool, in_auction: bool, cancels: bool) -> None:
    assert accepts_orders(phase, join_auction=False) is orders
    assert accepts_orders(phase, join_auction=True) is in_auction
    assert accepts_cancels(phase) is cancels


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("00:00", "09:30"),
        ("09:29:59.999999", "09:30"),
        ("09:30", "09:30"),
        ("10:17:03", "10:17:03"),
        ("11:29:59.999999", "11:29:59.999999"),
        ("11:30", "13:00"),
        ("12:59:59", "13:00"),
        ("13:00", "13:00"),
        ("14:56:59.999999", "14:56:59.999999"),
        ("14:57", None),
        ("15:05", None),
        ("23:59:59", None),
    ],
)
def test_next_session(moment: str, expected: str | None) -> None:
    assert next_session(at(moment)) == (None if expected is None else at(expected))


def test_the_day_is_shanghais() -> None:
    late_in_utc = datetime(2026, 3, 1, 16, 30, tzinfo=UTC)  # 00:30 of the 2nd in Shanghai
    assert next_session(late_in_utc) == at("09:30")


def test_the_day_ends_at_three() -> None:
    assert day_end(DAY) == datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


@settings(deadline=None)
@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(SHANGHAI)))  # noqa: DTZ001 (zoned here)
def test_next_session_is_the_nearest(moment: datetime) -> None:
    following = next_session(moment)
    if following is None:
        assert moment.time() >= time(14, 57)
    else:
        assert phase_at(following) is Phase.CONTINUOUS
        assert following >= moment
        assert following.date() == moment.date()
        assert following == moment or phase_at(following - MICROSECOND) is not Phase.CONTINUOUS


@pytest.mark.parametrize("function", [phase_at, next_session])
def test_a_time_without_zone_is_refused(function: Callable[[datetime], object]) -> None:
    with pytest.raises(ValueError, match="without zone"):
        function(datetime(2026, 3, 2, 10, 0))  # noqa: DTZ001 (that is the point)
