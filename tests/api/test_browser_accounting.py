"""Drift, repairs and books on the page, in a real browser at a whole service: looked at, decided, carried out."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from e2e.house import House
from e2e.test_repair import MOUTAI, book, refused_at_the_limit, report
from jqfollow.drift.reading import COUNTER_LAGS

from .browser import Browser, Chromium, installed
from .test_browser import check_peace

pytestmark = pytest.mark.skipif(installed() is None or sys.platform == "win32", reason="no Chromium is installed")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    follow = {"follow": {"paper": 1}}
    async with House(tmp_path / "house", strategies={"demo": follow, "other": follow}) as house:
        yield house


@pytest.fixture
async def browser(chromium: Chromium) -> AsyncIterator[Browser]:
    async with Browser(chromium) as browser:
        yield browser


async def opened(browser: Browser, house: House, tab: str) -> None:
    token = (house.data_dir / "console.token").read_text(encoding="utf-8").strip()
    await browser.open(f"{house.service.console_url}/?token={token}")
    await click(browser, f"[data-key=tab-{tab}]")


async def shows(browser: Browser, *texts: str, where: str = "document.body") -> None:
    for text in texts:
        await browser.until(f"{where}.innerText.includes({text!r})")


async def click(browser: Browser, selector: str) -> None:
    """On the page once no dialog stands before it, or in the dialog."""
    free = "true" if selector.startswith("dialog") else "!document.querySelector('dialog[open]')"
    await browser.until(f"{free} && (it => it && (it.click(), true))(document.querySelector({selector!r}))")


async def submit(browser: Browser, **fields: str) -> None:
    """Fills the dialog's form in and sends it."""
    await browser.until("document.querySelector('dialog[open] form')")
    for name, value in fields.items():
        await browser.eval(f"document.querySelector('dialog[open] form').elements.{name}.value = {value!r}")
    await browser.eval("document.querySelector('dialog[open] form').requestSubmit()")


SIGNED = {"who": "王", "why": "核对"}


async def test_a_drift_is_shown_with_its_causes_decided_about_and_closed(browser: Browser, house: House) -> None:
    await refused_at_the_limit(house)
    await report(house, S000001_XSHE=1000)
    house.forward(3 * 3600)
    await opened(browser, house, "accounted")
    await shows(browser, "000001.SZ", "1000 被拒", "涨停", "3 小时前", "没有持仓报告")
    await click(browser, "[data-key=pdemo]")
    await shows(
        browser, "买入", "1,000 @ 10.50", "风控检查", "买入约需", where="document.querySelector('dialog[open]')"
    )
    assert not await house.ledger.read(lambda tx: tx.orders.open()), "to look is to do nothing"
    await submit(browser)
    await house.until(lambda tx: tx.books.get("paper", "demo", "000001.SZ").volume == 1000)
    await shows(browser, "没有偏差")

    house.forward(1)
    await report(house, S600519_XSHG=0)  # a zero that no signal sold waits for a person's word
    await shows(browser, "1000", "无法解释")
    await click(browser, "[data-key=pdemo]")
    await shows(browser, "没有可下的委托", "需要人确认", where="document.querySelector('dialog[open]')")
    for word in ("zero", "unexplained"):
        await click(browser, f"dialog[open] input[data-word={word}]:not(:checked)")
        await browser.until(f"document.querySelector('dialog[open] input[data-word={word}]:checked')")
    await shows(browser, "今天不能卖（T+1 或冻结）", where="document.querySelector('dialog[open]')")
    check_peace(browser, house.service.console_url)


async def test_books_are_changed_beside_what_they_concern_and_taken_back(browser: Browser, house: House) -> None:
    house.market(MOUTAI, "10.00")
    await house.done(await house.send("other", MOUTAI, "buy", 1000, price="10.00"))
    house.forward(COUNTER_LAGS.seconds + 5)
    assert (await book(house, "set", account="paper", strategy="other", security=MOUTAI, shares=700)).status_code == 200
    await house.service.parts.sweeps.take_picture(house.service.parts.accounts["paper"], house.clock.now())
    await opened(browser, house, "holdings")
    await shows(browser, "不属于任何策略 300")

    await click(browser, "[data-key='apaper/600519.SH']")
    await submit(browser, strategy="demo", shares="300", **SIGNED)
    await house.until(lambda tx: tx.books.get("paper", "demo", "600519.SH").volume == 300)
    await browser.until("!document.body.innerText.includes('不属于任何策略')")

    await click(browser, "[data-key=tab-accounted]")
    await shows(browser, "300 人工改账")
    await click(browser, "[data-key='bpaper/demo/600519.SH']")
    await click(browser, "dialog[open] [value=move]")
    await submit(browser, taker="other", shares="301", **SIGNED)
    await shows(browser, "只有 600519.SH 300，不能移出 301", where="document.querySelector('dialog[open]')")
    await submit(browser, shares="200")
    await house.until(lambda tx: tx.books.get("paper", "other", "600519.SH").volume == 900)

    await click(browser, "[data-key='bpaper/demo/600519.SH']")
    await submit(browser, shares="50", **SIGNED)
    await house.until(lambda tx: tx.books.get("paper", "demo", "600519.SH").volume == 50)

    await click(browser, "#drift [data-key=acts]")
    await click(browser, "dialog[open] [data-key=u3]")
    await submit(browser, **SIGNED)
    await house.until(lambda tx: tx.books.get("paper", "demo", "600519.SH").volume == 250)
    await click(browser, "#drift [data-key=acts]")
    await shows(browser, "已撤销", "王 · 核对", where="document.querySelector('dialog[open]')")
    assert not await browser.eval("document.querySelector('dialog[open] [data-key=u3]')")
    [refused] = browser.complaints
    assert "409" in refused
