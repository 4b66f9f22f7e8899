"""What one share becomes: by the vendor's rows, by a file kept by hand; nonsense is refused with its figures."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.corporate.factors import Factor, NonsenseError, of_xtdata
from jqfollow.corporate.handkept import FILE_NAME, ActionsFileError, load_actions
from jqfollow.corporate.matching import Seen, Shown, arrives, jumped, shown
from jqfollow.market.calendar import TradingCalendar

DAY = date(2026, 6, 12)
ROW = {"interest": 0.1, "stockBonus": 0.3, "stockGift": 0.0, "allotNum": 0.0, "allotPrice": 0.0, "dr": 1.31}


def test_a_row_of_the_vendor() -> None:
    found = of_xtdata("000001.SZ", "20260612", ROW)
    assert (found.day, found.shares, found.cash) == (DAY, Decimal("1.3"), Decimal("0.1"))
    assert of_xtdata("000001.SZ", "20260612000000", ROW | {"stockGift": 0.7}).shares == 2


@pytest.mark.parametrize(
    "row",
    [ROW | {"stockBonus": float("nan")}, ROW | {"stockGift": -0.1}, ROW | {"interest": 1e9}, {},
     ROW | {"allotNum": "x"}, ROW | {"stockGift": float("inf")}],
)  # fmt: skip
def test_nonsense_of_the_vendor_is_no_factor(row: dict[str, object]) -> None:
    with pytest.raises(NonsenseError):
        of_xtdata("000001.SZ", "20260612", row)
    with pytest.raises(NonsenseError):
        of_xtdata("000001.SZ", "tomorrow", ROW)


def write(folder: Path, text: str) -> Path:
    path = folder / FILE_NAME
    path.write_text(text, encoding="utf-8")
    return path


def test_the_file_kept_by_hand(tmp_path: Path) -> None:
    assert load_actions(tmp_path / FILE_NAME) == []
    text = """
        [[action]]
        security = "000001.XSHE"
        day = 2026-06-12
        bonus = 0.3
        cash = 0.1
        [[action]]
        security = "510300.XSHG"
        day = 2026-06-10
        ratio = 0.5
    """
    first, second = load_actions(write(tmp_path, text))
    assert (first.security, first.shares) == ("510300.SH", Decimal("0.5"))
    assert (second.security, second.shares, second.cash) == ("000001.SZ", Decimal("1.3"), Decimal("0.1"))


@pytest.mark.parametrize(
    "text",
    [
        "action = 1",
        "[[action]]\nsecurity = '000001.XSHE'",
        "[[action]]\nsecurity = '000001.XSHE'\nday = 2026-06-12T00:00:00",
        "[[action]]\nsecurity = 'ABC'\nday = 2026-06-12",
        "[[action]]\nsecurity = '000001.XSHE'\nday = 2026-06-12\nbonus = -1",
        "[[action]]\nsecurity = '000001.XSHE'\nday = 2026-06-12\nbonus = '0.3'",
        "[[action]]\nsecurity = '000001.XSHE'\nday = 2026-06-12\nbonus = nan",
        "[[action]]\nsecurity = '000001.XSHE'\nday = 2026-06-12\nratio = 0",
        "[[action]]\nsecurity = '000001.XSHE'\nday = 2026-06-12\nbonos = 0.3",
        "[[action]]\nsecurity = '000001.XSHE'\nday = 2026-06-12\nsettled = 1",
        2 * "[[action]]\nsecurity = '000001.XSHE'\nday = 2026-06-12\nbonus = 0.3\n",
        "[other]",
        "\x00",
    ],
)
def test_a_file_with_nonsense_counts_for_nothing(tmp_path: Path, text: str) -> None:
    with pytest.raises(ActionsFileError):
        load_actions(write(tmp_path, text))


@pytest.mark.parametrize(
    ("before", "traded", "now", "factor", "how"),
    [
        (1000, 0, 2000, "2", Shown.WHOLE),
        (1000, -400, 1600, "2", Shown.WHOLE),  # a sale on the ex day
        (101, 0, 146, "1.45", Shown.WHOLE),
        (101, 0, 147, "1.45", Shown.WHOLE),
        (1000, 0, 1000, "2", Shown.NOTHING),
        (1000, -1000, 0, "2", Shown.NOTHING),
        (1000, 0, 1999, "2", Shown.OTHER),
        (1000, 0, 1100, "2", Shown.OTHER),
        (1001, 0, 500, "0.5", Shown.WHOLE),
    ],
)
def test_what_an_account_shows(before: int, traded: int, now: int, factor: str, how: Shown) -> None:
    assert shown(Seen(before=before, traded=traded, now=now), Decimal(factor)) is how


def test_shanghai_brings_bonus_shares_a_day_later() -> None:
    calendar = TradingCalendar()
    bonus = Factor(security="600519.SH", day=DAY, bonus=Decimal("0.3"))
    assert arrives(bonus, calendar) == date(2026, 6, 15)
    assert arrives(Factor(security="600519.SH", day=DAY, cash=Decimal(1)), calendar) == DAY
    assert arrives(Factor(security="000001.SZ", day=DAY, gift=Decimal(1)), calendar) == DAY
    assert arrives(Factor(security="510300.SH", day=DAY, ratio=Decimal("0.5")), calendar) == DAY


@given(st.decimals(1, 1000, places=2), st.decimals(0, 3, places=2), st.decimals(0, 1, places=2))
def test_the_previous_close_jumps_with_the_factor(close: Decimal, bonus: Decimal, cash: Decimal) -> None:
    factor = Factor(security="000001.SZ", day=DAY, bonus=bonus, cash=min(cash, close / 2))
    due = factor.reference(close)
    assert jumped(due, close, factor)
    assert not jumped(due * 2, close, factor)
