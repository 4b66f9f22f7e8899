"""On which days the exchanges trade: weekdays that China works, and what the user adds to that.

The package chinese-calendar knows the State Council's holidays year by year; a trading day is a weekday on which
`is_workday` holds, for the exchanges stay closed on working weekends. It learns a year only in the November before, so
the user's file can name days, or declare a year (`calendar_template` shows how). Past both, nothing is guessed.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import chinese_calendar

from jqfollow.domain import JqfollowError

FILE_NAME: Final = "trading_days.toml"
_FIRST_YEAR = min(chinese_calendar.holidays).year
_LAST_YEAR = max(chinese_calendar.holidays).year
_LAST_POSSIBLE_YEAR = 2199
_LEAST_CLOSED_WEEKDAYS = 10
"""A year had 16 to 23 closed weekdays since 2004: fewer than this is a list that was not finished."""
_WARNING = timedelta(days=17)
"""From 15 December when nothing is known of January."""
_DAY = timedelta(days=1)
_FRIDAY = 4


class CalendarError(JqfollowError):
    """A day that the calendar does not cover, or a file of days that cannot be used.

    Attributes:
        zh: the sentence for people, in Chinese.
        en: the same in English.
    """

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.zh = zh
        self.en = en

    def __str__(self) -> str:
        return f"{self.zh} / {self.en}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingCalendar:
    """The trading days.

    Raises:
        CalendarError: the days given contradict each other or the exchanges' habits.
    """

    open_days: frozenset[date] = frozenset()
    """Days that trade whatever chinese-calendar says; never a weekend."""
    closed_days: frozenset[date] = frozenset()
    """Days that do not trade whatever chinese-calendar says."""
    years: frozenset[int] = frozenset()
    """Years of which `closed_days` names every closed weekday; without effect once chinese-calendar knows them."""
    source: str = ""
    """The user's file, for messages."""

    def __post_init__(self) -> None:
        """Refuses what would trade on a day that nobody meant."""
        if both := sorted(self.open_days & self.closed_days):
            raise self._unusable(f"{both[0]} 同时列为开市和休市", f"{both[0]} is listed as open and as closed")
        if weekend := sorted(day for day in self.open_days if day.weekday() > _FRIDAY):
            raise self._unusable(
                f"open 中的 {weekend[0]} 是周末，交易所周末从不开市",
                f"{weekend[0]} in open is a weekend day, on which the exchanges never trade",
            )
        for year in sorted(self.years):
            self._check_year(year)

    def is_trading_day(self, day: date) -> bool:
        """Whether the exchanges trade on `day`.

        Raises:
            CalendarError: nothing is known of `day`; says which file to write it into, and how.
        """
        known = self._known(day)
        if known is None:
            raise self._uncovered(day)
        return known

    def next_trading_day(self, day: date) -> date:
        """The first trading day after `day`; raises like `is_trading_day`."""
        following = day + _DAY
        while not self.is_trading_day(following):
            following += _DAY
        return following

    def previous_trading_day(self, day: date) -> date:
        """The last trading day before `day`; raises like `is_trading_day`."""
        preceding = day - _DAY
        while not self.is_trading_day(preceding):
            preceding -= _DAY
        return preceding

    def last_covered_day(self) -> date:
        """The last day up to which everything is known."""
        day = date(_LAST_YEAR, 12, 31)
        while self._known(day + _DAY) is not None:
            day += _DAY
        return day

    def warning(self, today: date) -> tuple[str, str] | None:
        """What to tell people (Chinese, English) when the known days run out within 17 days, else `None`.

        That is from 15 December on when the next year is missing.
        """
        last = self.last_covered_day()
        if last - today >= _WARNING:
            return None
        zh, en = self._remedy((last + _DAY).year)
        return (
            f"交易日历只到 {last}，之后将停止交易。{zh}",
            f"the trading calendar ends on {last}; after it nothing is traded. {en}",
        )

    def _known(self, day: date) -> bool | None:
        """Open or closed; `None`: nothing is known of `day`."""
        if isinstance(day, datetime):  # a datetime is a date to Python, and would be found in no set of dates
            raise TypeError(f"a day is meant, not a time: {day!r}")
        if day.weekday() > _FRIDAY or day in self.closed_days:
            return False
        if day in self.open_days:
            return True
        if _FIRST_YEAR <= day.year <= _LAST_YEAR:
            return bool(chinese_calendar.is_workday(day))
        return True if day.year in self.years else None

    def _check_year(self, year: int) -> None:
        if not _FIRST_YEAR <= year <= _LAST_POSSIBLE_YEAR:
            raise self._unusable(f"years 中的 {year} 不像年份", f"{year} in years is no year to trade in")
        listed = sum(1 for day in self.closed_days if day.year == year and day.weekday() <= _FRIDAY)
        if year > _LAST_YEAR and listed < _LEAST_CLOSED_WEEKDAYS:
            raise self._unusable(
                f"years 声明了 {year} 年，但 closed 只列出该年 {listed} 个休市的工作日（周一至周五），"
                f"至少应有 {_LEAST_CLOSED_WEEKDAYS} 个：请把交易所休市安排写全",
                f"years declares {year}, but closed lists {listed} weekdays of it, at least {_LEAST_CLOSED_WEEKDAYS} "
                "are expected: write down all closed days that the exchange announced",
            )

    def _unusable(self, zh: str, en: str) -> CalendarError:
        return CalendarError(f"{self._file} 不能使用：{zh}", f"{self._file} cannot be used: {en}")

    def _uncovered(self, day: date) -> CalendarError:
        zh, en = self._remedy(day.year)
        return CalendarError(
            f"交易日历没有 {day} 的数据，拒绝交易。{zh}",
            f"the trading calendar does not cover {day}, nothing is traded. {en}",
        )

    def _remedy(self, year: int) -> tuple[str, str]:
        lines = f"years = [{year}]", f"closed = [{year}-01-01, …]"
        return (
            f"请升级 chinesecalendar，或按交易所 {year} 年休市安排在 {self._file} 中写入 {lines[0]} 和 {lines[1]}",
            f"Upgrade chinesecalendar, or write {lines[0]} and {lines[1]} as the exchange announced into {self._file}",
        )

    @property
    def _file(self) -> str:
        return self.source or FILE_NAME


def load_calendar(path: Path) -> TradingCalendar:
    """The calendar with what the user wrote into the TOML file at `path`; without the file, chinese-calendar alone.

    All keys are optional: `closed` and `open`, lists of dates, which win over chinese-calendar; `years`, a list of
    years of which every weekday trades that `closed` does not name. See `calendar_template`.

    Raises:
        CalendarError: the file cannot be read, or not be used; says why.
    """
    source = str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")  # Notepad likes to begin with a mark
    except FileNotFoundError:
        return TradingCalendar(source=source)
    except (OSError, UnicodeDecodeError) as error:
        raise _bad(
            source, f"读不出来（{error}），应为 UTF-8 文本", f"it cannot be read as UTF-8 text ({error})"
        ) from error
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a ValueError also for a number of thousands of digits
        raise _bad(source, f"不是正确的 TOML（{error}）", f"it is no valid TOML ({error})") from error
    if unknown := sorted(table.keys() - {"open", "closed", "years"}):
        raise _bad(
            source,
            f"不认识的键 {unknown[0]!r}，可用 open、closed、years",
            f"unknown key {unknown[0]!r}; open, closed and years are known",
        )
    return TradingCalendar(
        open_days=_dates(source, table, "open"),
        closed_days=_dates(source, table, "closed"),
        years=_years(source, table),
        source=source,
    )


def calendar_template() -> str:
    """A commented file for the user to fill in; as it stands it changes nothing."""
    return f"""\
# 交易日例外。平时不需要：节假日来自 chinesecalendar（已知到 {_LAST_YEAR} 年）。
# Exceptions to the trading days; normally not needed: holidays come from chinesecalendar (known up to {_LAST_YEAR}).
# 改后重启生效。日期不加引号。 / Takes effect after a restart. Dates are written without quotes.

# 临时休市：这些日子不交易（周末不必写）。 / These days do not trade (weekends need not be listed).
# closed = [
#     {_LAST_YEAR + 1}-01-01,  # 元旦 / New Year
# ]

# 照常开市：这些日子交易，即使 chinesecalendar 认为放假。 / These days trade, whatever chinesecalendar says.
# open = []

# chinesecalendar 还没有的年份：该年所有工作日（周一至周五）都交易，closed 所列除外；
# 因此 closed 要照交易所的休市安排写全（每年约 16 至 20 天）。
# Years that chinesecalendar does not know yet: every weekday trades that closed does not list;
# so closed must list all days of the exchange's announcement (about 16 to 20 a year).
# years = [{_LAST_YEAR + 1}]
"""


def _bad(source: str, zh: str, en: str) -> CalendarError:
    return CalendarError(f"{source} 不能使用：{zh}", f"{source} cannot be used: {en}")


def _dates(source: str, table: Mapping[str, object], key: str) -> frozenset[date]:
    values = table.get(key, [])
    if isinstance(values, list) and all(type(value) is date for value in values):
        return frozenset(values)
    example = f"{key} = [{_LAST_YEAR + 1}-01-01, {_LAST_YEAR + 1}-02-08]"
    raise _bad(
        source,
        f"{key} 应为日期的列表，日期不加引号，如 {example}；现在是 {_shown(values)}",
        f"{key} is a list of dates without quotes, like {example}; it is {_shown(values)}",
    )


def _years(source: str, table: Mapping[str, object]) -> frozenset[int]:
    values = table.get("years", [])
    if isinstance(values, list) and all(type(value) is int for value in values):
        return frozenset(values)
    raise _bad(
        source,
        f"years 应为年份的列表，如 years = [{_LAST_YEAR + 1}]；现在是 {_shown(values)}",
        f"years is a list of years, like years = [{_LAST_YEAR + 1}]; it is {_shown(values)}",
    )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "…"  # noqa: PLR2004 (a line's worth)
