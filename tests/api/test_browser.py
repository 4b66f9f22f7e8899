"""The pages in a real browser: nothing from elsewhere, nothing blocked, and they do what they say."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from starlette.types import ASGIApp

from jqfollow.api.server import Server
from jqfollow.clock import SHANGHAI
from jqfollow.domain import OrderState, Side, Wire
from jqfollow.ledger import Ledger, Tx
from jqfollow.reasons import Reason, Refusal

from .browser import Browser, Chromium, installed
from .conftest import TOKEN
from .fakes import FakeDesk
from .world import Story

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=SHANGHAI)
BY_HAND = Refusal(reason=Reason.CANCELED_BY_USER, figures={"left": "100"})
pytestmark = pytest.mark.skipif(installed() is None or sys.platform == "win32", reason="no Chromium is installed")


@pytest.fixture
async def server(
    console_asgi: ASGIApp, ledger: Ledger, desk: FakeDesk, stopping: asyncio.Event
) -> AsyncIterator[Server]:
    desk.rows = lambda: [ledger.read_now(lambda tx: tx.orders.get(1))]  # type: ignore[list-item]
    server = Server(console_asgi, name="console", host="127.0.0.1", port=0)
    await server.start()
    yield server
    stopping.set()
    await server.stop()


@pytest.fixture
def url(server: Server) -> str:
    return server.url


@pytest.fixture
async def browser(chromium: Chromium) -> AsyncIterator[Browser]:
    async with Browser(chromium) as browser:
        yield browser


async def dashboard(browser: Browser, url: str) -> None:
    await browser.open(f"{url}/?token={TOKEN}")
    await browser.until("document.querySelectorAll('.signal').length === 6")


def check_peace(browser: Browser, url: str) -> None:
    assert browser.complaints == []
    assert all(asked.startswith((f"{url}/", "data:", "about:")) for asked in browser.requests)


async def test_the_dashboard_shows_the_day(browser: Browser, url: str) -> None:
    await dashboard(browser, url)
    assert await browser.eval("location.href") == f"{url}/", "the token is gone from the address"
    assert await browser.eval("document.cookie") == "", "no script can read the cookie"
    text = await browser.eval("document.body.innerText")
    for shown in ("结果未知 1", "600519.SH 涨停 1523.50，不追买", "1,004,989.00", "等资金", "MiniQMT 未登录"):
        assert shown in text
    chip = await browser.eval("document.querySelector('#chips .chip:last-child').title")
    for shown in ("已连接", "待取 3", "(+0.3 s)", "时钟快 -1.5 s"):
        assert shown in chip
    assert await browser.eval("document.title") == "⚠1 jqfollow"
    await browser.eval("document.querySelector('#lang').click()")
    await browser.until("document.body.innerText.includes('600519.SH is at its upper limit')")
    check_peace(browser, url)


async def test_a_new_signal_appears_by_itself_and_is_shown_as_text(browser: Browser, url: str, ledger: Ledger) -> None:
    await dashboard(browser, url)
    evil = "<img src=x onerror=document.title='owned'>"

    def tell(tx: Tx) -> None:
        story = Story(tx)
        story.order(story.signal(evil, Side.BUY, 100, "1.00", wire=Wire.SEED), 100)

    await ledger.write(tell)
    await browser.until("document.querySelectorAll('.signal').length === 7")
    assert await browser.eval("document.querySelector('.signal b').textContent") == evil
    assert await browser.eval("document.querySelector('#panel img')") is None
    check_peace(browser, url)


async def test_an_order_tells_why_on_click(browser: Browser, url: str) -> None:
    await dashboard(browser, url)
    await browser.eval("document.querySelector('[data-key=o2]').click()")
    await browser.until("document.querySelector('dialog .steps')")
    assert "风控检查 · 5 通过" in await browser.eval("document.querySelector('dialog').innerText")
    check_peace(browser, url)


async def test_pause_and_resume(browser: Browser, url: str, ledger: Ledger) -> None:
    await dashboard(browser, url)
    await browser.eval("document.querySelector('#pause').click()")
    await browser.until("document.querySelector('#pause').textContent === '恢复跟单'")
    assert await browser.eval("document.querySelector('#state').dataset.mood") == "alarm", "what is worse still shows"
    assert ledger.read_now(lambda tx: len(tx.pauses.list())) == 1
    await browser.eval("document.querySelector('#pause').click()")
    await browser.until("document.querySelector('dialog')")
    assert ledger.read_now(lambda tx: len(tx.pauses.list())) == 1, "it asks first"
    await browser.eval("document.querySelector('dialog form').requestSubmit()")
    await browser.until("document.querySelector('#pause').textContent === '暂停跟单'")
    assert ledger.read_now(lambda tx: tx.pauses.list()) == []
    check_peace(browser, url)


async def test_a_manual_order_is_confirmed_then_placed(browser: Browser, url: str, desk: FakeDesk) -> None:
    await dashboard(browser, url)
    fill = "const f = document.querySelector('#manual'); f.account.value = 'main'; f.security.value = '000001.XSHE';"
    await browser.eval(fill + "f.price.value = '10.5'; f.requestSubmit()")
    await browser.until("document.querySelector('dialog input[name=confirm]')")
    confirm = "document.querySelector('dialog input[name=confirm]').value = {!r};"
    submit = "document.querySelector('dialog form').requestSubmit()"
    await browser.eval(confirm.format("1") + submit)
    await browser.until("document.querySelector('dialog [role=alert]').textContent.includes('实盘账户')")
    assert not desk.placed
    await browser.eval(confirm.format("88888888") + submit)
    await browser.until("document.querySelector('#manual .order')")
    [placed] = desk.placed
    assert (placed.account, placed.security, placed.volume, str(placed.price)) == ("main", "000001.XSHE", 100, "10.5")


async def test_an_unknown_outcome_is_settled_by_a_person(browser: Browser, url: str, desk: FakeDesk) -> None:
    await dashboard(browser, url)
    await browser.eval("document.querySelector('#unknown .danger').click()")
    await browser.eval("document.querySelector('dialog [value=ended]').click()")
    await browser.eval("document.querySelector('dialog [name=filled]').value = '300'")
    await browser.eval("document.querySelector('dialog [name=price]').value = '4.1'")
    await browser.eval("document.querySelector('dialog form').requestSubmit()")
    await browser.until("!document.querySelector('dialog')")
    [(order_id, settlement)] = desk.settled
    assert (order_id, settlement.outcome, settlement.filled, str(settlement.price)) == (4, "ended", 300, "4.1")
    check_peace(browser, url)


async def test_a_lost_service_is_said_plainly(
    browser: Browser, url: str, server: Server, stopping: asyncio.Event
) -> None:
    await dashboard(browser, url)
    stopping.set()
    await server.stop()
    await browser.until("document.querySelector('#state').dataset.mood === 'lost'")
    assert await browser.eval("document.querySelector('link[rel=icon]').href.endsWith('/favicon-alarm.svg')")
    stopping.clear()
    await server.start()
    await browser.until("document.querySelector('#state').dataset.mood === 'alarm'")


async def test_an_order_without_an_answer_is_not_placed_twice(browser: Browser, url: str, desk: FakeDesk) -> None:
    await dashboard(browser, url)
    fill = "var f = document.querySelector('#manual'); f.account.value = 'paper'; f.security.value = '000001.XSHE';"
    await browser.eval(fill + "f.requestSubmit()")
    await browser.until("document.querySelector('dialog .preview').innerText.includes('平安银行')")
    shown = await browser.eval("document.querySelector('dialog').innerText")
    assert "≈ 1,050.00 元 · 占账户 1.0 %" in shown
    await browser.go_offline(offline=True)
    submit = "document.querySelector('dialog form').requestSubmit()"
    await browser.eval(submit)
    await browser.until("document.querySelector('dialog [role=alert]').textContent.includes('不知道是否已下单')")
    await browser.go_offline(offline=False)
    await browser.eval(submit)
    await browser.until("document.querySelector('#manual .order') && !document.querySelector('dialog')")
    await browser.eval(fill + "f.requestSubmit()")
    await browser.until("document.querySelector('dialog .preview').innerText.includes('平安银行')")
    await browser.eval(submit)
    await browser.until("!document.querySelector('dialog')")
    first, second = desk.placed
    assert first.key
    assert second.key
    assert first.key != second.key, "what was answered is over: the same once more is another order"


async def test_an_order_that_is_looked_at_is_live(browser: Browser, url: str, ledger: Ledger) -> None:
    await dashboard(browser, url)
    await browser.eval("document.querySelector('[data-key=o3]').click()")
    await browser.until("document.querySelector('dialog .danger')")
    await ledger.write(lambda tx: tx.orders.update(3, NOW, state=OrderState.CANCELED, refusal=BY_HAND))
    await browser.until("!document.querySelector('dialog .danger')")
    check_peace(browser, url)


async def test_it_fits_a_phone(browser: Browser, url: str) -> None:
    await browser.open(f"{url}/?token={TOKEN}", width=390, height=844, mobile=True)
    await browser.until("document.querySelectorAll('.signal').length === 6")
    assert await browser.eval("document.documentElement.scrollWidth") <= 390


async def test_the_documentation_places_an_order_and_shows_a_signal_without_internet(
    browser: Browser, url: str, desk: FakeDesk
) -> None:
    await browser.open(f"{url}/docs?token={TOKEN}")
    await browser.until("document.querySelectorAll('.opblock').length > 10")
    assert await browser.eval("!!document.querySelector('.btn.authorize')")
    block = "document.querySelector('.opblock-post .opblock-summary-control')"
    await browser.eval(f"{block}.click()")
    # The page may draw itself anew just then, and a click on what is gone is lost.
    answered = "document.querySelector('.opblock-post .live-responses-table .response-col_status')"
    await browser.until(f"{answered} || (document.querySelector('.opblock-post .execute').click(), false)")
    placed = desk.placed[0]
    assert (placed.strategy, placed.account, placed.volume) == ("demo", "paper", 100)

    await browser.eval("document.querySelector('nav [data-shows=signals]').click()")
    await browser.until("document.querySelectorAll('#signals .opblock').length === 2")
    assert await browser.eval("document.querySelector('#console').hidden")
    await browser.eval("document.querySelector('#signals .opblock-post .opblock-summary-control').click()")
    await browser.until("document.querySelector('#signals').innerText.includes('\"box\"')")
    assert not await browser.eval("document.querySelector('#signals .try-out, #signals .execute')")
    check_peace(browser, url)


async def test_without_the_token_the_page_asks_for_it(browser: Browser, url: str) -> None:
    await browser.open(url)
    await browser.until("document.querySelector('input[name=token]')")
    await browser.eval(f"document.querySelector('input[name=token]').value = '{TOKEN}'")
    await browser.eval("document.querySelector('form').requestSubmit()")
    await browser.until("document.querySelectorAll('.signal').length === 6")
