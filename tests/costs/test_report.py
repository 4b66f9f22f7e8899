"""The page of a period: its figures, and that it asks nobody for anything."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from jqfollow.costs.figures import OrderCost, Try, figures, quantile
from jqfollow.costs.reading import DayResult, Period
from jqfollow.costs.shortfall import Trade, shortfall
from jqfollow.domain import Side
from jqfollow.ledger.marks import DriftDay
from jqfollow.reasons import Reason, Refusal

LIMIT_UP = Refusal(reason=Reason.LIMIT_UP, figures={"security": "000001.SZ", "limit": "11.00"})
DAY, NEXT = date(2026, 3, 2), date(2026, 3, 3)


def order(number: int, day: date, *, filled: int = 1000, paid: str = "10.10", name: str = "demo") -> OrderCost:
    cost = shortfall(
        Trade(side=Side.BUY, wished=1000, filled=filled, turnover=Decimal(paid) * filled, decision=Decimal(10),
              arrival=Decimal("10.05"), close=Decimal("10.50"), fees=Decimal(5))
    )  # fmt: skip
    at = datetime(day.year, day.month, day.day, 2, 0, tzinfo=UTC)
    return OrderCost(
        order_id=number, signal_id=number, account="main", strategy=name, security="000001.SZ", side=Side.BUY, day=day,
        received_at=at, wished=1000, filled=filled,
        paid=Decimal(paid) if filled else None, decision=Decimal(10), arrival=Decimal("10.05"), close=Decimal("10.50"),
        cost=cost, fills=((3.0, filled // 2), (40.0, filled - filled // 2)) if filled else (), cancels=1,
        tries=(Try(at=at, volume=1000, price=Decimal("10.08"), filled=filled // 2, canceled=True, message=""),
               Try(at=at, volume=500, price=Decimal("10.10"), filled=filled - filled // 2, canceled=True, message="")),
        why=None if filled == 1000 else LIMIT_UP,
    )  # fmt: skip


PERIOD = Period(
    first=DAY,
    last=NEXT,
    orders=(order(1, DAY), order(2, DAY, filled=500), order(3, NEXT, filled=0, name='<script>"')),
    results=(DayResult(day=DAY, account="main", strategy="demo", real=Decimal(-50), own=Decimal(20)),
             DayResult(day=NEXT, account="main", strategy="demo", real=Decimal(70), own=None)),
    accounts=((DAY, "main", Decimal(1_000_000)), (NEXT, "main", Decimal(1_000_020))),
    drift=(DriftDay(day=DAY, account="main", strategy="demo", missing=Decimal(5000), excess=Decimal(100)),),
)  # fmt: skip


def test_figures_are_weighted_with_median_and_p90_beside() -> None:
    found = figures(PERIOD.orders)
    assert found.filled_share == Decimal("0.5")
    assert found.parts.total == (100 + 5) + (50 + 25 + 225 + 5) + (50 + 450 + 5)
    assert found.parts.bps == found.parts.total / 30_000 * 10_000
    assert (found.median_bps, found.p50_s, found.attempts, found.cancels) == (305, 40.0, 6, 3)


@pytest.mark.parametrize(("q", "value"), [(0, 1), (0.5, "2.5"), (0.9, "3.7"), (1, 4)])
def test_quantiles(q: float, value: str) -> None:
    assert quantile([Decimal(n) for n in (4, 1, 3, 2)], q) == Decimal(value)
    assert quantile([], q) is None


def test_the_page_asks_nobody_and_runs_nothing() -> None:
    from jqfollow.costs.page import page  # draws: a slow import

    text = page(PERIOD, titles={"demo": "演示 <b>"}, names={"000001.SZ": "平安<银行>"})
    assert "<script" not in text
    assert "演示 &lt;b&gt;" in text
    assert not re.search(r"(src|href)=[\"'](?!#)", text.replace('xlink:href="#', "xlink:href=#"))
    assert set(re.findall(r"https?://[^\"' )<]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert text.count("<svg") == 6
    for told in ("#3", "10:00:00 报 1,000 @ 10.08：没有成交，撤单", "000001.SZ 涨停 11.00，不追买",
                 "主要是机会：450 元", "平安&lt;银行&gt;", "&lt;script&gt;"):  # fmt: skip
        assert told in text, "the worst has its story"
    every = text[text.index("<details>") :]
    assert [f"#{number}<" in every for number in (1, 2, 3, 4)] == [True, True, True, False]
    for figure in ("10.00", "10.05", "10.50", ">305<", ">50<", ">25<", ">225<"):
        assert figure in every, "each order has its prices and its parts"


def test_what_the_books_brought_is_beside_the_strategys_own_on_the_days_told_of_both() -> None:
    from jqfollow.costs.page import page

    text = page(PERIOD, titles={})
    assert "实盘收益；比例 × 策略 20，差 -70" in text
    assert "<b>20 元</b>" in text
    assert "偏差，2026-03-02：缺 5,000、多 100" in text


def test_a_period_without_anything(tmp_path: Path) -> None:
    empty = Period(first=DAY, last=NEXT, orders=(), results=(), accounts=(), drift=())
    from jqfollow.costs.page import page

    (tmp_path / "报告.html").write_text(page(empty, titles={}), encoding="utf-8")
