"""The wizard on the page: over its routes, and in a real browser against a real service, up to the first order."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from jqfollow.api.console import console_app
from jqfollow.api.parts import Setup
from jqfollow.ledger import Ledger
from jqfollow.settings import default_config, load_settings, local_file
from jqfollow.wire.client_file import ClientFileError
from ports import free_port

from .browser import Browser, Chromium, installed
from .conftest import TOKEN
from .fakes import FakeClock, FakeDesk, FakeIntake

ANSWERS = {"broker": "paper", "account": "paper", "strategy": "s", "ratio": "0.5"}


class Rig:
    """The console of a folder with the default configuration."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.config = folder / "config.toml"
        self.config.write_bytes(default_config())
        self.restarts = 0
        self.clients: list[str] = []
        app = console_app(
            settings=load_settings(self.config, {}),
            ledger=ledger,
            intake=FakeIntake([]),
            desk=FakeDesk(),
            clock=FakeClock(),
            token=TOKEN,
            setup=Setup(config=self.config, write_client=self._write_client, restart=self._restart),
        )
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://127.0.0.1:8000",
            headers={"authorization": f"Bearer {TOKEN}"},
        )

    def _write_client(self, strategy: str) -> Path | None:
        self.clients.append(strategy)
        if strategy == "nowhere":
            raise PermissionError(13, "Permission denied")
        if strategy == "unreachable":
            raise ClientFileError("服务地址应写成 http://主机:端口 / the address is written http://host:port")
        return self.config.with_name("client.py") if strategy == "s" else None

    def _restart(self) -> None:
        self.restarts += 1


@pytest.fixture
async def rig(tmp_path: Path, ledger: Ledger) -> AsyncIterator[Rig]:
    folder = tmp_path / "跟 单"
    folder.mkdir()
    rig = Rig(folder, ledger)
    async with rig.http:
        yield rig


async def test_it_is_offered_until_there_is_a_strategy_of_ones_own(rig: Rig) -> None:
    now = (await rig.http.get("/api/setup")).json()
    assert (now["wanted"], now["pending"], now["broker"], now["strategy"]) == (True, False, "paper", "my_strategy")
    done = await rig.http.post("/api/setup", json=ANSWERS)
    assert (done.status_code, done.json()["file"]) == (200, str(local_file(rig.config)))
    strategy = load_settings(rig.config, {}).strategies["s"]
    assert {name: str(one.figure) for name, one in strategy.follow.items()} == {"paper": "0.5"}
    now = (await rig.http.get("/api/setup")).json()
    assert (now["wanted"], now["pending"], now["paper"]) == (False, True, "paper")
    again = await rig.http.post("/api/setup", json=ANSWERS | {"ratio": "1"})
    assert (again.status_code, "jqfollow setup" in again.json()["detail"]) == (409, True)


async def test_what_cannot_be_is_refused_and_nothing_is_written(rig: Rig) -> None:
    real = {"broker": "qmt", "account": "main"}
    refused: list[tuple[dict[str, object], str]] = [
        ({"ratio": "0"}, "大于 0"),
        ({"strategy": "我的"}, "名称"),
        (real | {"folder": "D:/x", "account_id": "8-8"}, "资金账号"),
        (real | {"account_id": "8"}, "文件夹"),
        ({"broker": "ib"}, "broker"),
        ({"robot": "short"}, "Webhook"),
        ({"more": 1}, "more"),
    ]
    for change, told in refused:
        done = await rig.http.post("/api/setup", json=ANSWERS | change)
        assert (done.status_code, told in done.json()["detail"]) == (422, True), done.text
    assert not local_file(rig.config).exists()


async def test_the_client_file_is_written_and_its_key_is_not_shown(rig: Rig) -> None:
    done = await rig.http.post("/api/setup/client", json={"strategy": "s"})
    assert done.json() == {"file": str(rig.config.with_name("client.py"))}
    for strategy, why in (
        ("t", "还没有密钥"),
        ("nowhere", "没有写成：Permission denied"),
        ("unreachable", "服务地址应"),
    ):
        refused = await rig.http.post("/api/setup/client", json={"strategy": strategy})
        assert (refused.status_code, why in refused.json()["detail"]) == (409, True)


async def test_a_restart_wants_files_that_are_right(rig: Rig) -> None:
    assert (await rig.http.post("/api/setup/restart")).status_code == 200
    await asyncio.sleep(0.3)
    assert rig.restarts == 1
    local_file(rig.config).write_text("[risk]\nmax_order_value = -1\n", encoding="utf-8")
    refused = await rig.http.post("/api/setup/restart")
    assert (refused.status_code, "config.local.toml:2" in refused.json()["detail"]) == (409, True)
    assert rig.restarts == 1


async def test_without_the_token_nothing_is_told(rig: Rig) -> None:
    for method, path in (("GET", ""), ("POST", ""), ("POST", "/restart"), ("POST", "/client")):
        answer = await rig.http.request(
            method, f"/api/setup{path}", headers={"authorization": "Bearer no"}, json=ANSWERS
        )
        assert answer.status_code == 401
    assert not local_file(rig.config).exists()


# -- in a browser ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(installed() is None or sys.platform == "win32", reason="no Chromium is installed")
async def test_from_nothing_to_a_first_order_in_the_browser(tmp_path: Path, chromium: Chromium) -> None:
    folder = tmp_path / "跟 单"
    folder.mkdir()
    signals, console = free_port(), free_port()
    text = (
        default_config()
        .decode()
        .replace("port = 8888", f"port = {signals}")
        .replace("port = 8000", f"port = {console}")
    )
    (folder / "config.toml").write_text(text, encoding="utf-8")
    served = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "jqfollow", "serve", cwd=folder, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{console}"
        token = folder / "data" / "console.token"
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(60):
            while not token.is_file() or not await answers(http, url):  # noqa: ASYNC110  # of another process
                await asyncio.sleep(0.1)
        async with Browser(chromium) as browser:
            await browser.open(f"{url}/?token={token.read_text(encoding='utf-8').strip()}")
            await browser.until("document.querySelector('#setup form')")
            assert await browser.eval("document.querySelector('#setup [name=folder]').closest('fieldset').hidden")
            fill = "f = document.querySelector('#setup form'); f.strategy.value = {!r}; f.ratio.value = {!r};"
            await browser.eval(fill.format("s", "50%") + "f.requestSubmit()")
            await browser.until("document.querySelector('#setup [role=alert]').textContent.includes('0.5')")
            assert not (folder / "config.local.toml").exists()
            assert browser.complaints == [one for one in browser.complaints if "422" in one], "refused, and told"
            browser.complaints.clear()
            await browser.eval(fill.format("s", "0.5") + "f.requestSubmit()")
            async with asyncio.timeout(60):
                while "设置好了" not in (said := await browser.eval("document.querySelector('#setup').innerText")):
                    assert "没有全部完成" not in said
                    await asyncio.sleep(0.2)
            assert re.search(r"买入 100 份 511880\.XSHG 成交.*\n.*卖出 100 份 511880\.XSHG 成交", said), said
            assert "jqfollow_client_s.py" in said
            assert (folder / "jqfollow_client_s.py").is_file()
            away = [one for one in browser.complaints if "ERR_CONNECTION" not in one and "ERR_EMPTY" not in one]
            assert away == [], "but for the moments of the restart"
            assert all(asked.startswith((f"{url}/", "data:", "about:")) for asked in browser.requests)
            await browser.eval("document.querySelector('#setup button').click()")
            await browser.until("!document.querySelector('#setup') && document.querySelector('.signal')")
        assert load_settings(folder / "config.toml", {}).strategies["s"].follow["paper"].ratio is not None
    finally:
        served.terminate()
        await served.wait()


async def answers(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(f"{url}/healthz")).is_success
    except httpx.HTTPError:
        return False
