"""Every view and every action of the page, in a real browser, over a house that lived for some days.

One house and one browser for all: nothing is asked of anybody else, nothing is blocked, and no script fails.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from api.browser import Browser, Chromium, installed
from jqfollow.domain import OrderState
from jqfollow.notify.kinds import Kind

from .house import House
from .test_closing_out import AT_HOURS, MOUTAI, PING_AN, VANKE, halt
from .test_repair import report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(installed() is None, reason="no Chromium"),
]

TABS = ("today", "holdings", "accounted", "results", "history", "log", "steer")
SIZES = ((1366, 768, False), (390, 844, True))
SHOTS = os.environ.get("JQFOLLOW_SHOTS")
"""A folder that keeps the pictures, for whoever wants to look."""
STRATEGIES = {
    "demo": {"title": "小市值轮动", "follow": {"paper": 1, "second": 0.5}},
    "etf": {"title": "行业ETF动量", "follow": {"paper": 1}},
}
ACCOUNTS = {**AT_HOURS, "second": {"hours": "exchange", "cash": 2_000_000}}
PRICES = ("10.00", "10.40", "10.10", "10.80", "11.20")
"""From Monday to Friday."""
WEEKEND_S = 3 * 24 * 3600


async def take_pictures(house: House) -> None:
    for account in house.service.parts.accounts.values():
        await house.service.parts.sweeps.take_picture(account, house.clock.now())


async def live(house: House) -> None:
    """Some days, each with a trade, a new price and a picture of the accounts."""
    previous = PRICES[0]
    for number, price in enumerate(PRICES):
        for code in (PING_AN, MOUTAI, VANKE):
            house.market(code, price, prev_close=previous)
        buys = number % 3 != 2
        await house.done(await house.send("demo", PING_AN, "buy" if buys else "sell", 400, price=price))
        await house.done(await house.send("etf", MOUTAI, "buy", 300, price=price))
        await take_pictures(house)
        previous = price
        if number + 1 < len(PRICES):
            house.forward(24 * 3600)
    house.market(VANKE, "12.32", prev_close="11.20")  # at its limit
    await house.done(await house.send("demo", VANKE, "buy", 500, price="12.32"))
    await house.ledger.write(lambda tx: tx.outbox.put(Kind.ALERT, "账户 paper 的磁盘快满了", house.clock.now()))
    await report(house, S000001_XSHE=1300, S000002_XSHE=500)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with House(tmp_path_factory.mktemp("page"), accounts=ACCOUNTS, strategies=STRATEGIES) as house:
        await live(house)
        yield house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(house: House, chromium: Chromium) -> AsyncIterator[Browser]:
    async with Browser(chromium) as browser:
        token = (house.data_dir / "console.token").read_text(encoding="utf-8").strip()
        await browser.open(f"{house.service.console_url}/?token={token}", width=1366, height=768)
        await browser.until("document.querySelectorAll('.signal').length > 5")
        yield browser
        assert browser.complaints == []
        url = house.service.console_url
        assert [asked for asked in browser.requests if not asked.startswith((f"{url}/", "data:", "about:"))] == []


async def click(browser: Browser, where: str) -> None:
    await browser.until(f"document.querySelector({where!r})")
    await browser.eval(f"document.querySelector({where!r}).click()")


async def go(browser: Browser, tab: str) -> None:
    await click(browser, f"[data-key=tab-{tab}]")
    await browser.until(f"!document.querySelector('.view[data-view={tab}]').hidden")


async def shows(browser: Browser, where: str, *texts: str) -> None:
    for text in texts:
        await browser.until(f"document.querySelector({where!r})?.innerText.includes({text!r})")


async def submit(browser: Browser, **fields: str) -> None:
    """Fills and sends the form of the dialog on top, and waits until it has closed."""
    top = "[...document.querySelectorAll('dialog form')].at(-1)"
    await browser.until(top)
    for name, value in fields.items():
        await browser.eval(f"{top}.elements[{name!r}].value = {value!r}")
    before = await browser.eval("document.querySelectorAll('dialog form').length")
    await browser.eval(f"{top}.requestSubmit()")
    await browser.until(f"document.querySelectorAll('dialog form').length < {before}")


async def keep_picture(browser: Browser, name: str) -> None:
    if SHOTS:
        await asyncio.to_thread((Path(SHOTS) / f"{name}.png").write_bytes, await browser.picture())


async def close_dialogs(browser: Browser) -> None:
    await browser.eval("document.querySelectorAll('dialog').forEach((dialog) => dialog.close())")


async def test_today_by_name_filter_and_story(browser: Browser, house: House) -> None:
    await go(browser, "today")
    await shows(browser, "#panel", "demo", "模拟000001 000001.SZ", "涨停")
    await browser.eval(
        "const f = document.querySelector('#filters input'); f.value = '600519'; f.dispatchEvent(new Event('input'))"
    )
    await browser.until("![...document.querySelectorAll('#panel .signal')].some((s) => s.innerText.includes('000001'))")
    await browser.eval(
        "const g = document.querySelector('#filters input'); g.value = ''; g.dispatchEvent(new Event('input'))"
    )
    await click(browser, "#subtabs [data-key=fills]")
    await browser.until("document.querySelectorAll('#panel tbody tr').length > 5")
    await click(browser, "#subtabs [data-key=signals]")
    await click(browser, "#panel .order")
    await shows(browser, "dialog", "经过", "风控检查")
    await close_dialogs(browser)
    order = await house.ledger.read(lambda tx: tx.orders.list(strategy="etf", limit=1)[0])
    await click(browser, f"[data-key=o{order.order_id}]")
    await shows(browser, "dialog", "从信号到达起的用时", "调用券商")
    await close_dialogs(browser)


async def test_what_is_held_and_how_far_off_it_is(browser: Browser, house: House) -> None:
    await go(browser, "holdings")
    await shows(browser, "#positions", "demo · paper", "etf · paper", "000001.SZ")
    filter_ = "document.querySelector('#holdings-filters select[name=strategy]')"
    choose = "{0}.value = {1!r}; {0}.dispatchEvent(new Event('change'))"
    await browser.eval(choose.format(filter_, "etf"))
    await browser.until("!document.querySelector('#positions').innerText.includes('demo')")
    await browser.eval(choose.format(filter_, ""))
    await go(browser, "accounted")
    await shows(browser, "#drift", "000002.SZ", "被拒", "补单")
    await click(browser, "[data-key=pdemo]")
    await browser.until("document.querySelector('dialog')")
    await close_dialogs(browser)


async def test_what_following_cost_by_strategy_and_order(browser: Browser, house: House) -> None:
    await go(browser, "accounted")
    told = await house.get("/api/shortfall")
    assert told["all"]["orders"] > told["all"]["unpriced"]
    await shows(
        browser, "#shortfall", "etf · paper", "demo · second", "合计", f"{Decimal(told['all']['cost']['total']):,.2f}"
    )
    order = next(each for each in told["orders"] if each["cost"])
    await click(browser, f"[data-key=cost{order['order_id']}]")
    await shows(browser, "dialog", "经过", f"{order['order_id']}")
    await close_dialogs(browser)
    choose = "{0}.value = {1!r}; {0}.dispatchEvent(new Event('change'))"
    days, strategy = "#shortfall-span select", "#accounted-filters select[name=strategy]"
    await browser.eval(choose.format(f"document.querySelector('{days}')", "1"))
    await browser.until("!document.querySelector('#shortfall').innerText.includes('03-02')")
    await browser.eval(choose.format(f"document.querySelector('{strategy}')", "etf"))
    await browser.until("!document.querySelector('#shortfall').innerText.includes('demo')")
    await browser.eval(choose.format(f"document.querySelector('{strategy}')", ""))
    await browser.eval(choose.format(f"document.querySelector('{days}')", "30"))
    await shows(browser, "#shortfall", "demo · second", "03-02")


async def test_results_and_curves(browser: Browser, house: House) -> None:
    await go(browser, "results")
    await shows(browser, "#standings", "etf · paper", "demo · second", "最大回撤")
    await browser.until("document.querySelectorAll('.plot canvas').length === 5")
    told = await house.get("/api/results")
    etf = next(one for one in told["standings"] if one["strategy"] == "etf")
    value = f"{Decimal(etf['all']['result']):,.2f}"
    await shows(browser, "#standings", value)


async def test_days_to_go_back_to_and_orders_to_find(browser: Browser, house: House) -> None:
    await go(browser, "history")
    everything = len(await house.ledger.read(lambda tx: tx.orders.list(limit=500)))
    await browser.until(f"document.querySelectorAll('#found .signal').length === {everything}")
    await click(browser, "[data-key='d2026-03-03']")
    await browser.until("document.querySelectorAll('#found h3').length === 1")
    await shows(browser, "#found", "2026-03-03")
    await click(browser, "[data-key='d2026-03-03']")
    await browser.until("document.querySelectorAll('#found h3').length > 1")
    search = "document.querySelector('#search')"
    await browser.eval(f"{search}.q.value = '000002'; {search}.requestSubmit()")
    await browser.until("document.querySelectorAll('#found .signal').length === 2")
    await browser.eval(f"var s = {search}.elements.state; s.value = 'filled'; s.dispatchEvent(new Event('change'))")
    await shows(browser, "#found", "没有符合筛选的记录")
    await browser.eval("s.value = ''; s.dispatchEvent(new Event('change'))")
    await browser.eval(f"{search}.q.value = ''; {search}.requestSubmit()")
    await browser.until(f"document.querySelectorAll('#found .signal').length === {everything}")


async def test_the_log_is_shown(browser: Browser, house: House) -> None:
    folder = house.settings.logs_dir
    folder.mkdir(parents=True, exist_ok=True)
    line = '{"at":"2026-03-02T10:00:00.000+08:00","level":"warning","event":"disk_full","why":"<img src=x>"}\n'
    (folder / "jqfollow-20260302.log").write_text(line, encoding="utf-8")
    await go(browser, "log")
    await shows(browser, "#log", "disk_full", "<img src=x>", "警告")
    assert await browser.eval("document.querySelector('#log img')") is None
    await browser.eval("const q = document.querySelector('#log-search'); q.q.value = 'nothing'; q.requestSubmit()")
    await shows(browser, "#log", "没有符合筛选的记录")
    await browser.eval("const r = document.querySelector('#log-search'); r.q.value = ''; r.requestSubmit()")
    await shows(browser, "#log", "disk_full")


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(("width", "height", "mobile"), SIZES)
async def test_each_view_fits_each_screen(
    browser: Browser, house: House, theme: str, width: int, height: int, mobile: bool
) -> None:
    await browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
    scale = 2 if mobile else 1
    await browser.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile
    )
    for tab in TABS:
        await go(browser, tab)
        await asyncio.sleep(0.4)
        assert await browser.eval("document.documentElement.scrollWidth") <= width, tab
        await keep_picture(browser, f"{tab}-{width}-{theme}")
    await browser.call("Emulation.setDeviceMetricsOverride", width=1366, height=768, deviceScaleFactor=1, mobile=False)


async def test_the_other_language(browser: Browser, house: House) -> None:
    await click(browser, "#lang")
    texts = ("Signals", "Positions", "Opportunity", "Drawdown", "Search", "Warning", "Close out")
    for tab, text in zip(TABS, texts, strict=True):
        await go(browser, tab)
        await shows(browser, f".view[data-view={tab}]", text)
    await click(browser, "#lang")


async def test_what_is_wrong_shows_in_the_head_the_title_and_the_icon(browser: Browser, house: House) -> None:
    await go(browser, "log")
    await shows(browser, "#state", "跟单中")
    house.settings.keys_file.rename(house.settings.keys_file.with_suffix(".away"))
    await shows(browser, "#state", "有故障 1")
    await shows(browser, "#notices", "密钥")
    assert await browser.eval("document.querySelector('#state').dataset.mood") == "down"
    assert await browser.eval("document.title") == "⚠ jqfollow"
    assert await browser.eval("document.querySelector('link[rel=icon]').href.endsWith('/favicon-alarm.svg')")
    house.settings.keys_file.with_suffix(".away").rename(house.settings.keys_file)
    await shows(browser, "#state", "跟单中")
    assert await browser.eval("document.title") == "jqfollow"


async def test_pauses_by_scope_with_a_name_and_resumed(browser: Browser, house: House) -> None:
    await go(browser, "steer")
    await browser.eval(
        "const m = document.querySelector('#me input'); m.value = '王五'; m.dispatchEvent(new Event('change'))"
    )
    await click(browser, "[data-key='pause_buys-etf/']")
    await shows(browser, "#scopes", "已停买入")
    await click(browser, "[data-key='pause_it-/second']")
    await shows(browser, "#notices", "second")
    pauses = await house.ledger.read(lambda tx: tx.pauses.list())
    assert {(p.strategy, p.account, p.buys) for p in pauses} == {("etf", "", True), ("", "second", False)}
    await shows(browser, "#deeds", "王五", "停买入", "暂停")
    for key in ("resume_it-etf/", "resume_it-/second"):
        await click(browser, f"[data-key='{key}']")
        await submit(browser)
    await house.until(lambda tx: not tx.pauses.list())


async def test_all_open_orders_are_cancelled(browser: Browser, house: House) -> None:
    resting = await house.send("etf", MOUTAI, "buy", 100, limit="10.50")
    await house.in_state(resting, OrderState.NEW)
    await go(browser, "steer")
    await click(browser, "[data-key='cancel_all-etf/']")
    await submit(browser)
    [order] = await house.done(resting)
    assert order.state is OrderState.CANCELED
    await shows(browser, "#deeds", "全部撤单")


async def test_a_message_is_sent_again(browser: Browser, house: House) -> None:
    await go(browser, "steer")
    await shows(browser, "#messages", "磁盘快满了")
    count = len([m for m in await house.get("/api/messages") if "磁盘" in m["text"]])
    message = next(m for m in await house.get("/api/messages") if "磁盘" in m["text"])
    await click(browser, f"[data-key=again-{message['outbox_id']}]")
    await submit(browser)
    await house.until(lambda tx: sum("磁盘" in m.text for m in tx.outbox.list()) == count + 1)
    await shows(browser, "#deeds", "重发通知")


async def test_a_strategy_is_closed_out_after_its_account_was_typed(browser: Browser, house: House) -> None:
    house.forward(WEEKEND_S)
    for code in (PING_AN, MOUTAI, VANKE):
        house.market(code, "11.20", prev_close="11.20")
    await take_pictures(house)
    halt(house, MOUTAI)
    await go(browser, "steer")
    await click(browser, "[data-key='close_all-etf/']")
    await shows(browser, "dialog", "600519.SH", "输入账户名确认", "paper")
    await keep_picture(browser, "close-1366")
    top = "document.querySelector('dialog form')"
    await browser.eval(f"{top}.elements.confirm.value = 'etf'; {top}.requestSubmit()")
    await shows(browser, "dialog [role=alert]", "请输入账户名确认")
    refused = [told for told in browser.complaints if "409" in told and told.endswith("/api/close")]
    assert len(refused) == 1
    browser.complaints.remove(refused[0])  # the browser notes what the service refuses
    assert not await house.ledger.read(lambda tx: tx.pauses.list())
    # Pressed twice, as by an impatient finger.
    await browser.eval(f"{top}.elements.confirm.value = 'paper'; {top}.requestSubmit(); {top}.requestSubmit()")
    await shows(browser, "dialog", "已交出的清仓订单： 1")
    await close_dialogs(browser)
    closing = [order for order in await house.ledger.read(lambda tx: tx.orders.open()) if order.closes]
    assert len(closing) == 1
    await click(browser, "[data-key='close_all-etf/']")
    await shows(browser, "dialog", "已在清仓")
    await close_dialogs(browser)
    house.market(MOUTAI, "11.20", suspended=False)
    await house.sweep(3)
    await house.settled()
    assert (await house.book(MOUTAI, strategy="etf")).volume == 0
    await shows(browser, "#deeds", "王五", "清仓")


async def test_a_log_out_is_seen_by_every_tab(browser: Browser, house: House) -> None:
    await go(browser, "steer")
    here = {"url": house.service.console_url, "browserContextId": browser.context}
    other = (await browser.call("Target.createTarget", **here))["targetId"]

    async def both_are(title: str) -> None:
        for _ in range(600):  # a tab that nobody sees asks every fifteen seconds
            pages = (await browser.call("Target.getTargets"))["targetInfos"]
            if (
                sum(page["title"].endswith(title) for page in pages if page.get("browserContextId") == browser.context)
                == 2
            ):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(pages)

    await house.ledger.write(lambda tx: tx.pauses.pause("", "", house.clock.now()))
    await both_are("⏸ jqfollow")  # the other one lives, too
    await click(browser, "[data-key=logout]")
    await shows(browser, "dialog", "所有标签页")
    await browser.eval("document.querySelector('dialog form').requestSubmit()")
    await both_are("jqfollow 控制台")
    await browser.call("Target.closeTarget", targetId=other)
    refused = [told for told in browser.complaints if "401" in told]
    assert refused, "the browser notes that the page is refused"
    for told in refused:
        browser.complaints.remove(told)
    token = (house.data_dir / "console.token").read_text(encoding="utf-8").strip()
    form = "document.querySelector('form')"
    await browser.eval(f"{form}.token.value = {token!r}; {form}.requestSubmit()")
    await browser.until("document.querySelector('#tabs button')")
    await house.ledger.write(lambda tx: tx.pauses.resume("", ""))
