"""The report of a day, in a real browser that is asked for nothing else."""

from datetime import timedelta
from pathlib import Path

import pytest

from api.browser import Browser, Chromium, installed
from jqfollow.costs.reading import read_period

from .house import House
from .test_repair import PING_AN, refused_at_the_limit

pytestmark = [pytest.mark.slow, pytest.mark.skipif(installed() is None, reason="no Chromium")]


async def test_the_report_asks_nobody_for_anything(tmp_path: Path, chromium: Chromium) -> None:
    from jqfollow.costs.page import page  # draws: a slow import

    async with House(tmp_path) as house, Browser(chromium) as browser:
        await house.service.parts.recorder.look(house.clock.now())
        await refused_at_the_limit(house)
        await house.done(await house.send("demo", PING_AN, "buy", 500, price="10.50"))
        await house.service.parts.recorder.look(house.clock.now())
        house.forward(timedelta(hours=5, minutes=30).total_seconds())
        await house.service.parts.recorder.look(house.clock.now())
        await house.service.parts.watch.look(house.clock.now())
        today = house.clock.now().date()
        period = await house.ledger.read(lambda tx: read_period(tx, house.settings, today, today))
        assert [order.cost is not None for order in period.orders] == [True, True]
        file = tmp_path / "跟单 报告.html"
        file.write_text(page(period, titles={}), encoding="utf-8")
        await browser.open(file.as_uri())
        await browser.until("document.querySelectorAll('svg').length === 6")
        text = await browser.eval("document.body.innerText")
        for shown in ("最差的十笔", "000001.SZ", "执行差", "主要是", "报 500 @ 10.51"):
            assert shown in text
        assert await browser.eval("document.documentElement.scrollWidth <= innerWidth")
        assert browser.complaints == []
        assert [asked for asked in browser.requests if not asked.startswith(("file:", "data:", "about:"))] == []


async def test_the_evening_message_has_three_figures_and_a_picture(tmp_path: Path) -> None:
    async with House(tmp_path, wecom=True) as house:
        await house.service.parts.recorder.look(house.clock.now())
        await refused_at_the_limit(house)
        await house.done(await house.send("demo", PING_AN, "buy", 500, price="10.50"))
        await house.service.parts.recorder.look(house.clock.now())
        house.forward(timedelta(hours=5, minutes=30).total_seconds())
        await house.service.parts.recorder.look(house.clock.now())
        await house.service.parts.watch.look(house.clock.now())
        await house.service.parts.routine.send_summary(house.clock.now())
        text = await house.told("日终汇总")
        assert "成交比例 32.3% · 执行差" in text
        assert "偏差 缺 10,500 元、多 0 元" in text
        await house.told("image/PNG")
