"""Days: market-rules "The trading day", and the user's file."""

import copy
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import chinese_calendar
import pytest

from jqfollow.market.calendar import CalendarError, TradingCalendar, calendar_template, load_calendar

DAY = timedelta(days=1)
LAST = max(chinese_calendar.holidays).year
NEXT = LAST + 1  # 2027 as long as chinese-calendar ends with 2026
NEW_YEAR = date(NEXT, 1, 1)
WEEKDAYS = [day for day in (NEW_YEAR + n * DAY for n in range(365)) if day.weekday() < 5]
CLOSED = frozenset(WEEKDAYS[::25])  # 11 days, spread over the year
PLAIN = TradingCalendar(source="data/trading_days.toml")

# market-rules: "2026: closed …; 10-08 is open".
CLOSED_2026 = {
    (1, 1), (1, 2), (2, 16), (2, 17), (2, 18), (2, 19), (2, 20), (2, 23), (4, 6), (5, 1), (5, 4), (5, 5),
    (6, 19), (9, 25), (10, 1), (10, 2), (10, 5), (10, 6), (10, 7),
}  # fmt: skip


def test_2026_day_by_day() -> None:
    days = [date(2026, 1, 1) + n * DAY for n in range(365)]
    closed = {(day.month, day.day) for day in days if day.weekday() < 5 and not PLAIN.is_trading_day(day)}
    assert closed == CLOSED_2026
    assert PLAIN.is_trading_day(date(2026, 10, 8))
    assert not any(PLAIN.is_trading_day(day) for day in days if day.weekday() >= 5)


def test_a_working_weekend_does_not_trade() -> None:
    worked = date(2026, 2, 14)
    assert chinese_calendar.is_workday(worked)
    assert not PLAIN.is_trading_day(worked)


@pytest.mark.parametrize(
    ("day", "following", "preceding"),
    [
        (date(2026, 9, 30), date(2026, 10, 8), date(2026, 9, 29)),
        (date(2026, 10, 3), date(2026, 10, 8), date(2026, 9, 30)),
        (date(2026, 10, 8), date(2026, 10, 9), date(2026, 9, 30)),
        (date(2026, 2, 15), date(2026, 2, 24), date(2026, 2, 13)),
        (date(2026, 1, 1), date(2026, 1, 5), date(2025, 12, 31)),
    ],
)
def test_neighbours(day: date, following: date, preceding: date) -> None:
    assert PLAIN.next_trading_day(day) == following
    assert PLAIN.previous_trading_day(day) == preceding


def test_past_coverage_it_refuses_and_says_what_to_write_where() -> None:
    day = WEEKDAYS[1]
    for ask in (PLAIN.is_trading_day, lambda _: PLAIN.next_trading_day(date(LAST, 12, 31))):
        with pytest.raises(CalendarError) as caught:
            ask(day)
        for sentence in (caught.value.zh, caught.value.en):
            assert "data/trading_days.toml" in sentence
            assert f"years = [{NEXT}]" in sentence
            assert "closed = [" in sentence
        assert caught.value.zh in str(caught.value)
        assert caught.value.en in str(caught.value)
        assert copy.copy(caught.value).zh == caught.value.zh
    with pytest.raises(CalendarError, match=r"2003-12-31"):
        PLAIN.is_trading_day(date(2003, 12, 31))
    assert PLAIN.last_covered_day() == date(LAST, 12, 31)


def test_the_warning_begins_in_mid_december() -> None:
    assert PLAIN.warning(date(LAST, 12, 14)) is None
    for today in (date(LAST, 12, 15), date(LAST, 12, 31), WEEKDAYS[1]):
        warning = PLAIN.warning(today)
        assert warning is not None
        zh, en = warning
        assert "trading_days.toml" in zh
        assert f"years = [{NEXT}]" in en
    assert TradingCalendar(years=frozenset({NEXT}), closed_days=CLOSED).warning(date(LAST, 12, 31)) is None


def test_a_declared_year_trades_on_weekdays_but_the_closed() -> None:
    calendar = TradingCalendar(years=frozenset({NEXT}), closed_days=CLOSED)
    assert {day for day in WEEKDAYS if not calendar.is_trading_day(day)} == CLOSED
    saturday = next(NEW_YEAR + n * DAY for n in range(7) if (NEW_YEAR + n * DAY).weekday() == 5)
    assert not calendar.is_trading_day(saturday)
    assert calendar.last_covered_day() >= date(NEXT, 12, 31)


def test_listed_days_win_over_the_package() -> None:
    shut, reopened = date(2026, 3, 3), date(2026, 10, 7)
    calendar = TradingCalendar(closed_days=frozenset({shut}), open_days=frozenset({reopened}))
    assert not calendar.is_trading_day(shut)
    assert calendar.is_trading_day(reopened)
    assert calendar.next_trading_day(date(2026, 3, 2)) == date(2026, 3, 4)


def test_days_listed_one_by_one_cover_themselves() -> None:
    first, second, third = WEEKDAYS[:3]
    calendar = TradingCalendar(closed_days=frozenset({first}), open_days=frozenset({second}))
    assert calendar.next_trading_day(date(LAST, 12, 31)) == second
    assert second <= calendar.last_covered_day() < third
    with pytest.raises(CalendarError):
        calendar.is_trading_day(third)


def test_a_year_that_the_package_has_learnt_needs_no_list() -> None:
    calendar = TradingCalendar(years=frozenset({2026}))
    assert not calendar.is_trading_day(date(2026, 10, 7))


def test_a_time_is_no_day() -> None:
    with pytest.raises(TypeError, match="a day is meant"):
        PLAIN.is_trading_day(datetime(2026, 3, 2, 10, 0, tzinfo=UTC))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "数据 目录"
    folder.mkdir()
    return folder / "trading_days.toml"


def test_without_a_file_the_package_alone(file: Path) -> None:
    assert load_calendar(file) == TradingCalendar(source=str(file))
    with pytest.raises(CalendarError, match="数据 目录"):
        load_calendar(file).is_trading_day(WEEKDAYS[1])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_as_a_windows_editor_writes_it(file: Path, encoding: str) -> None:
    closed = ",\r\n  ".join(str(day) for day in sorted(CLOSED))
    text = f"# 休市\r\nyears = [{NEXT}]\r\nclosed = [\r\n  {closed},\r\n]\r\nopen = [2026-10-07]\r\n"
    file.write_bytes(text.encode(encoding))
    assert load_calendar(file) == TradingCalendar(
        years=frozenset({NEXT}), closed_days=CLOSED, open_days=frozenset({date(2026, 10, 7)}), source=str(file)
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"closed = [2026-13-01]", "TOML"),
        (b"closed = 2026-03-03]", "TOML"),
        (b"years = [" + b"1" * 5000 + b"]", "TOML"),
        ("closed = []  # 休市".encode("gbk"), "UTF-8"),
        (b"close = [2026-03-03]", "'close'"),
        (b'closed = ["2026-03-03"]', "without quotes"),
        (b"closed = [2026-03-03T00:00:00]", "list of dates"),
        (b"closed = 2026-03-03", "list of dates"),
        (b"open = [20260303]", "list of dates"),
        (b"open = [2026-03-07]", "weekend"),
        (b"open = [2026-03-03]\nclosed = [2026-03-03]", "open and as closed"),
        (b"years = 2027", "list of years"),
        (b"years = [true]", "list of years"),
        (b'years = ["2027"]', "list of years"),
        (b"years = [27]", "no year"),
        (b"years = [9999]", "no year"),
        (f"years = [{NEXT}]".encode(), "lists 0 weekdays"),
        (f"years = [{NEXT}]\nclosed = [{WEEKDAYS[0]}]".encode(), "lists 1 weekdays"),
    ],
)
def test_bad_content_is_told(file: Path, content: bytes, told: str) -> None:
    file.write_bytes(content)
    with pytest.raises(CalendarError) as caught:
        load_calendar(file)
    assert told in str(caught.value)
    for sentence in (caught.value.zh, caught.value.en):
        assert str(file) in sentence
        assert len(sentence) < len(str(file)) + 400


def test_a_folder_is_no_file(file: Path) -> None:
    with pytest.raises(CalendarError, match="cannot be read"):
        load_calendar(file.parent)


def test_the_template_changes_nothing_and_its_examples_are_toml(file: Path) -> None:
    template = calendar_template()
    file.write_text(template, encoding="utf-8")
    assert load_calendar(file) == TradingCalendar(source=str(file))
    starts = ("# closed", "#     ", "# ]", "# open", "# years")
    lines = [line[2:] for line in template.splitlines() if line.startswith(starts)]
    assert tomllib.loads("\n".join(lines)) == {"closed": [NEW_YEAR], "open": [], "years": [NEXT]}
