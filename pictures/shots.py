"""Pictures of a real service: its windows, its page, its messages."""

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from api.browser import Browser, Chromium
from e2e.house import House
from pictures.files import shrink
from pictures.terminal import Terminal, page

_JQFOLLOW = [sys.executable, "-m", "jqfollow"]
_MINE = """
[strategies.xiaoshizhi]
title = "小市值轮动"
follow = { paper = 0.5 }
"""
_SIGNALS = (
    ("demo", "000001.XSHE", "buy", "1000", "10.50"),
    ("xiaoshizhi", "600036.XSHG", "buy", "1000", "41.20"),
    ("demo", "510300.XSHG", "buy", "20000", "4.012"),
    ("demo", "300750.XSHE", "buy", "200", "260.10"),
    ("xiaoshizhi", "000651.XSHE", "buy", "1500", "39.85"),
    ("demo", "000001.XSHE", "sell", "400", "10.52"),
    ("xiaoshizhi", "600519.XSHG", "buy", "100", "1488.00"),
    ("demo", "000002.XSHE", "sell", "500", "9.10"),
)
_TABS = ("accounted", "steer")
_SIZES = {"wide": (1366, 768, False), "phone": (390, 844, True)}


@contextmanager
def _serving(folder: Path) -> Iterator[Terminal]:
    """A service with its window, on the ports that a user has; they must be free."""
    terminal = Terminal([*_JQFOLLOW, "serve"], folder)
    try:
        if "按 Ctrl-C 停止" not in terminal.read(60, "按 Ctrl-C 停止"):
            raise RuntimeError(f"the service did not start:\n{terminal.printed}")
        yield terminal
    finally:
        terminal.stop()


def _typed(folder: Path, *words: str, seconds: float = 90) -> str:
    terminal = Terminal([*_JQFOLLOW, *words], folder)
    printed = terminal.read(seconds)
    terminal.stop()
    return f"$ jqfollow {' '.join(words)}\n{printed}"


async def take(images: Path) -> None:
    """The windows and the page of one service, after some orders."""
    with tempfile.TemporaryDirectory() as scratch, closing(Chromium(Path(scratch) / "profile")) as chromium:
        folder = Path(tempfile.gettempdir()) / "跟单"  # its name is seen
        folder.mkdir()
        windows = {}
        with _serving(folder) as window:
            windows["serve"] = "$ jqfollow serve\n" + window.read(1)
        (folder / "config.local.toml").write_text(_MINE, encoding="utf-8")
        with _serving(folder):
            for strategy, security, side, amount, price in _SIGNALS:
                await asyncio.to_thread(_typed, folder, "send", strategy, security, side, amount, "--price", price)
            await asyncio.sleep(3)
            windows["orders"] = _typed(folder, "orders", "--limit", "6")
            windows["doctor"] = _typed(folder, "doctor")
            await _page(folder, images, chromium)
        windows["demo"] = _typed(folder, "demo")
        shutil.rmtree(folder)
        await _windows(windows, images, Path(scratch), chromium)


async def _page(folder: Path, images: Path, chromium: Chromium) -> None:
    token = (folder / "data" / "console.token").read_text(encoding="utf-8").strip()
    async with Browser(chromium) as browser:
        await browser.call("Emulation.setScrollbarsHidden", hidden=True)
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            await browser.call("Emulation.setEmulatedMedia", features=features)
            for name, (width, height, mobile) in _SIZES.items():
                await browser.open(f"http://127.0.0.1:8000/?token={token}", width=width, height=height, mobile=mobile)
                await browser.until("document.querySelectorAll('.signal').length > 3")
                await asyncio.sleep(1.5)
                suffix = "" if scheme == "light" else "-dark"
                _keep(images / f"console-{name}{suffix}.png", await browser.picture())
        await browser.call("Emulation.setEmulatedMedia", features=[])
        for tab in _TABS:
            await browser.open(f"http://127.0.0.1:8000/#{tab}", width=1366, height=768)
            await browser.until(f"!document.querySelector('.view[data-view={tab}]').hidden")
            await asyncio.sleep(1.5)
            _keep(images / f"console-{tab}.png", await browser.picture())
        assert browser.complaints == [], browser.complaints


async def _windows(windows: dict[str, str], images: Path, scratch: Path, chromium: Chromium) -> None:
    async with Browser(chromium) as browser:
        for name, printed in windows.items():
            file = scratch / f"{name}.html"
            file.write_text(page("终端", printed), encoding="utf-8")
            await browser.open(file.as_uri(), width=1100, height=400)
            await browser.until("document.querySelector('section')")
            size = json.loads(
                await browser.eval("JSON.stringify([document.body.offsetWidth, document.body.offsetHeight])")
            )
            await browser.open(file.as_uri(), width=size[0], height=size[1])
            await browser.until("document.querySelector('section')")
            _keep(images / f"guide-{name}.png", await browser.picture())


def _keep(file: Path, picture: bytes) -> None:
    file.write_bytes(picture)
    shrink(file)


async def messages() -> list[str]:
    """What a group would have got on a day."""
    with tempfile.TemporaryDirectory() as scratch:
        strategies = {"demo": {"title": "小市值轮动", "follow": {"paper": 0.5}}}
        async with House(Path(scratch), wecom=True, strategies=strategies) as house:
            now = house.clock.now()
            await house.service.parts.routine.send_heartbeat(now)
            house.market("000001.XSHE", last="10.52")
            house.market("600519.XSHG", last="11.00", prev_close="10.00")
            await house.done(await house.send("demo", "000001.XSHE", "buy", 1000, price="10.52"))
            await house.done(await house.send("demo", "600519.XSHG", "buy", 1000, price="11.00"))
            await house.service.parts.routine.send_summary(now)
            rows = await house.ledger.read(lambda tx: tx.outbox.list())
    wanted = ("heartbeat", "order_done", "order_refused", "summary")
    found = {row.kind: row.text for row in rows}
    return [found[kind] for kind in wanted if kind in found]


def port_is_free(port: int) -> bool:
    """Whether nothing answers there."""
    try:
        httpx.get(f"http://127.0.0.1:{port}/", timeout=2, trust_env=False)
    except httpx.ConnectError:
        return True
    except httpx.HTTPError:
        return False
    return False
