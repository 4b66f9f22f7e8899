"""Drift on the console's page, repaired there; and the report, in a real browser that is asked for nothing else."""

from datetime import timedelta
from pathlib import Path

import pytest

from api.browser import Browser, installed
from jqfollow.costs.page import page
from jqfollow.costs.reading import read_period

from .house import House
from .test_repair import PING_AN, refused_at_the_limit, report

pytestmark = [pytest.mark.slow, pytest.mark.skipif(installed() is None, reason="no Chromium")]


async def test_a_drift_is_seen_and_repaired_in_the_browser(tmp_path: Path) -> None:
    async with House(tmp_path) as house, Browser(tmp_path / "profile") as browser:
        await refused_at_the_limit(house)
        await report(house, S000001_XSHE=1000)
        token = (house.data_dir / "console.token").read_text(encoding="utf-8").strip()
        url = house.service.console_url
        await browser.open(f"{url}/?token={token}")
        await browser.until("document.querySelector('[data-key=tab-holdings]')")
        await browser.eval("document.querySelector('[data-key=tab-holdings]').click()")
        await browser.until("document.querySelector('#drift').innerText.includes('被拒')")
        await browser.eval("document.querySelector('[data-key=pdemo]').click()")
        await browser.until("document.querySelector('dialog form')?.innerText.includes('000001.SZ')")
        await browser.eval("document.querySelector('dialog form').requestSubmit()")
        await browser.until("!document.querySelector('dialog')")
        await house.settled()
        assert (await house.book(PING_AN)).volume == 1000
        await browser.until("document.querySelector('#drift').innerText.includes('没有偏差')")
        assert browser.complaints == []
        assert all(asked.startswith((f"{url}/", "data:", "about:")) for asked in browser.requests)


async def test_the_report_asks_nobody_for_anything(tmp_path: Path) -> None:
    async with House(tmp_path) as house, Browser(tmp_path / "profile") as browser:
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
        assert "最差的十笔" in await browser.eval("document.body.innerText")
        assert browser.complaints == []
        assert [asked for asked in browser.requests if not asked.startswith(("file:", "data:", "about:"))] == []
