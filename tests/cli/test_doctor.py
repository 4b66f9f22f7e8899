"""`doctor`: each finding with its remedy, and nothing that it touches breaks."""

import importlib.util
import json
import os
import shutil
import socket
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import httpx
import pytest

from jqfollow.cli.doctor import command, machine, miniqmt, parts, vendor, windows
from jqfollow.cli.doctor.findings import Finding, Level, Surroundings
from jqfollow.cli.lock import only_instance
from jqfollow.clock import SHANGHAI
from jqfollow.settings import Settings, load_settings
from jqfollow.wire.keystore import KeyStore
from jqfollow.wire.private_file import private_folder
from ports import free_port

from .conftest import Run
from .story import write_story

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)


class FixedClock:
    def __init__(self, moment: datetime = NOW) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return 0.0


def nobody(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no network", request=request)


def around(
    config: Path,
    text: str | None = None,
    *,
    answer: Callable[[httpx.Request], httpx.Response] = nobody,
    now: datetime = NOW,
) -> Surroundings:
    if text is not None:
        config.write_text(text, encoding="utf-8")
    return Surroundings(
        settings=load_settings(config, {}),
        clock=FixedClock(now),
        http=httpx.Client(transport=httpx.MockTransport(answer)),
    )


def levels(found: Any) -> list[tuple[str, str]]:
    return [(finding.name, finding.level) for finding in found]


@pytest.mark.parametrize(
    ("skew_s", "level"), [(0, "ok"), (-4, "ok"), (6, "warn"), (-30, "warn"), (61, "fail"), (-3600, "fail")]
)
def test_the_clock_against_a_server(config: Path, skew_s: int, level: str) -> None:
    told = format_datetime(NOW - timedelta(seconds=skew_s))
    found = machine.clock_skew(around(config, answer=lambda _: httpx.Response(404, headers={"Date": told})))
    assert levels(found) == [("clock", level)]
    assert f"{skew_s:+d}" in found[0].zh


@pytest.mark.parametrize(
    "answer", [nobody, lambda _: httpx.Response(200), lambda _: httpx.Response(200, headers={"Date": "x"})]
)
def test_the_clock_without_a_network_is_a_warning(config: Path, answer: Callable[..., httpx.Response]) -> None:
    assert levels(machine.clock_skew(around(config, answer=answer))) == [("clock", "warn")]


def test_ports_free_ours_and_somebody_elses(config: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        used, unused = taken.getsockname()[1], free_port()
        text = f"[signals]\nport = {used}\n[console]\nport = {unused}\n"
        theirs = machine.ports(around(config, text))
        assert levels(theirs) == [("signals.port", "fail"), ("console.port", "ok")]
        answer = lambda _: httpx.Response(200, json={"status": "ok"})  # noqa: E731
        assert levels(machine.ports(around(config, answer=answer)))[0] == ("signals.port", "fail")
        with only_instance(config.parent / "data"):
            assert levels(machine.ports(around(config, answer=answer)))[0] == ("signals.port", "ok")


def test_an_open_host_is_pointed_out(config: Path) -> None:
    found = machine.ports(around(config, '[signals]\nhost = "0.0.0.0"\nport = 0\n[console]\nport = 0\n'))
    assert ("signals.host", "warn") in levels(found)


def test_what_a_scanner_and_a_firewall_are_told_names_exact_paths_and_ports(config: Path) -> None:
    python = Path("D:/it's 跟单/python.exe")
    text = '[accounts.main]\nbroker = "qmt"\nqmt_path = "D:/国金 QMT/userdata_mini"\naccount_id = "1"\n'
    frpc = Path("D:/frp 隧道/frpc.exe")
    scanner, wall = windows.advice(around(config, text), python, python.parent, frpc)
    for path in (config.parent / "data", Path("D:/it''s 跟单"), Path("D:/国金 QMT/userdata_mini"), frpc):
        assert f"-ExclusionPath '{path}'" in scanner.zh
    assert "8888" in wall.zh
    assert wall.level is Level.OK
    _, wall = windows.advice(
        around(config, f'[signals]\nhost = "0.0.0.0"\nport = 9999\n{text}'), python, python.parent, None
    )
    assert wall.level is Level.WARN
    assert "localport=9999" in wall.remedy_en
    assert str(python) in wall.remedy_en


def test_disk_and_data_folder(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(config.parent)
    private_folder(config.parent / "data")
    for free, level in ((10**10, "ok"), (10**9, "warn"), (10**6, "fail")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage._replace(free=free))
        assert levels(machine.data_folder(around(config))) == [("data_dir", level)]
    if os.name != "nt":
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10**10))
        (config.parent / "data").chmod(0o755)
        assert levels(machine.private(around(config))) == [("private", "warn")], "others can read it"
    (config.parent / "data").rmdir()
    (config.parent / "data").write_text("a file", encoding="utf-8")
    assert levels(machine.data_folder(around(config))) == [("data_dir", "fail")]


@pytest.mark.parametrize(
    ("now", "level"),
    [(NOW, "ok"), (datetime(2026, 12, 20, tzinfo=SHANGHAI), "warn"), (datetime(2035, 1, 1, tzinfo=SHANGHAI), "fail")],
)
def test_the_calendar(config: Path, now: datetime, level: str) -> None:
    found = parts.calendar(around(config, now=now))
    if level == "warn" and found[0].level is Level.OK:
        pytest.skip("the calendar's package knows the next year by now")
    assert levels(found) == [("calendar", level)]


def test_a_calendar_file_that_cannot_be_used(config: Path) -> None:
    (config.parent / "data").mkdir()
    (config.parent / "data" / "trading_days.toml").write_text("nope = 1", encoding="utf-8")
    assert levels(parts.calendar(around(config))) == [("calendar", "fail")]


def test_the_ledger(config: Path) -> None:
    data = config.parent / "data"
    assert levels(parts.ledger(around(config))) == [("ledger", "ok")]
    write_story(data)
    assert levels(parts.ledger(around(config))) == [("ledger", "ok"), ("unknown", "warn")]
    for path in data.iterdir():
        path.unlink()
    (data / "ledger.sqlite3").write_bytes(b"nonsense" * 1000)
    assert levels(parts.ledger(around(config))) == [("ledger", "fail")]


def test_keys(config: Path) -> None:
    path = config.parent / "data" / "keys.toml"
    assert levels(parts.keys(around(config))) == [("keys", "ok")]
    KeyStore.open(path).ensure(["demo"])
    assert levels(parts.keys(around(config))) == [("keys", "ok")]
    if path.stat().st_mode & 0o077 == 0:  # a system with modes
        path.chmod(0o644)
        assert levels(parts.keys(around(config))) == [("keys", "ok"), ("keys", "warn")]
        assert path.stat().st_mode & 0o077 == 0
    path.write_text("[", encoding="utf-8")
    assert levels(parts.keys(around(config))) == [("keys", "fail")]


QMT = "[accounts.main]\nbroker = 'qmt'\nqmt_path = '{path}'\naccount_id = '8888'\n"


def test_a_real_account_off_windows(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor, "NATIVE", "nowhere")
    monkeypatch.setattr(vendor, "_WINDOWS", False)
    (finding,) = found_of_accounts(around(config, QMT.format(path="x")))
    assert (finding.name, finding.level) == ("accounts.main", Level.FAIL)
    assert "不在这台机器上" in finding.zh


def found_of_accounts(here: Surroundings) -> list[Finding]:
    """Whatever is said of accounts is said once."""
    return [*parts.brokers(here), *miniqmt.terminals(here)]


def test_a_real_account_on_windows(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor, "NATIVE", "nowhere")
    monkeypatch.setattr(vendor, "_WINDOWS", True)
    wheel = config.parent / "site-packages" / "xtquant"
    wheel.mkdir(parents=True)
    spec = ModuleSpec("xtquant", None, is_package=True)
    spec.submodule_search_locations = [str(wheel)]
    specs: list[ModuleSpec | None] = [None]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: specs[0])
    path = config.parent / "userdata_mini"
    here = around(config, QMT.format(path=path))

    def finding() -> Finding:
        (found,) = (f for f in found_of_accounts(here) if f.name == "accounts.main")
        assert found.level is Level.FAIL
        assert found.remedy_zh
        assert found.remedy_en
        return found

    assert "没有安装 xtquant" in finding().zh
    specs[0] = spec
    assert "找不到文件夹" in finding().zh
    (wheel / "xtpythonclient.cp36-win_amd64.pyd").write_bytes(b"")
    (wheel / "xtpythonclient.cp39-win_amd64.pyd").write_bytes(b"")
    assert "支持 3.6、3.9" in finding().zh
    major, minor = sys.version_info[:2]
    (wheel / f"xtpythonclient.cp{major}{minor}-win_amd64.pyd").write_bytes(b"")
    assert "找不到文件夹" in finding().zh
    path.mkdir()
    assert "没有启动过" in finding().zh
    here = around(config, QMT.format(path=config.parent))
    assert "不像 userdata_mini" in finding().zh
    (path / miniqmt.PERMISSION_FILE).write_bytes(b"")
    here = around(config, QMT.format(path=path))
    assert "连不上" in finding().zh  # the wheel's part for this Python is empty


def test_a_paper_account_on_real_quotes_needs_the_vendor(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor, "NATIVE", "nowhere")
    monkeypatch.setattr(vendor, "_WINDOWS", False)
    here = around(config, "[accounts.p]\nbroker='paper'\nquotes='xtdata'\n[accounts.q]\nbroker='paper'\n")
    assert levels(parts.brokers(here)) == [("accounts.p", "fail"), ("accounts.q", "ok"), ("accounts", "ok")]
    assert levels(miniqmt.market_data(here)) == []


def test_the_command(run: Run, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def quiet(_: Surroundings) -> list[Finding]:
        return [Finding(name="thing", level=Level.WARN, zh="事", en="matter", remedy_zh="做", remedy_en="do")]

    def broken(_: Surroundings) -> list[Finding]:
        raise RuntimeError("oops")

    monkeypatch.setattr(command, "CHECKS", [quiet])
    good = run("doctor")
    assert (good.exit_code, "→ 做" in good.output) == (0, True)
    assert "→ do" in run("doctor", "--lang", "en").output
    monkeypatch.setattr(command, "CHECKS", [broken, quiet])
    failed = run("doctor", "--json")
    assert failed.exit_code == 1
    assert [(f["name"], f["level"]) for f in json.loads(failed.stdout)] == [("broken", "fail"), ("thing", "warn")]


def test_a_wrong_configuration_is_the_only_finding(run: Run, config: Path) -> None:
    config.write_text("[signals]\nport = true", encoding="utf-8")
    result = run("doctor", "--json")
    assert result.exit_code == 1
    (finding,) = json.loads(result.stdout)
    assert "signals.port" in finding["zh"]


def test_sense_and_money(config: Path) -> None:
    text = "[accounts.p]\nbroker='paper'\ncash=0\n[strategies.a]\n"
    text += "[strategies.b]\nwire='seed'\nsecret='hunter2'\nfollow={p=1}\n"
    here = around(config, text)
    found = parts.configuration(here)
    assert levels(found) == [("config", "ok"), ("strategies.a", "warn"), ("strategies.b", "warn")]
    assert "hunter2" not in str(found)
    mail = parts.notify(around(config, "[notify.mail]\nurls=['mailtos://me:hunter2@smtp.qq.com:465?to=a@qq.com']"))
    assert levels(mail) == [("notify", "ok")]
    assert "hunter2" not in str(mail)
    wrong = parts.notify(around(config, "[notify.mail]\nurls=['nonsense://hunter2hunter2']"))
    assert levels(wrong) == [("notify", "fail")]
    assert "hunter2" not in str(wrong)
    open_house = parts.configuration(around(config, "[signals]\nhost='0.0.0.0'\n"))
    assert ("signals.host", "warn") in levels(open_house)
    assert levels(parts.paper_cash(here)) == [("accounts.p.cash", "warn")]
    assert levels(parts.configuration(around(config, ""))) == [("config", "ok"), ("strategies", "warn")]
    assert isinstance(here.settings, Settings)


def test_robots(config: Path) -> None:
    assert levels(parts.notify(around(config))) == [("notify", "warn")]
    found = parts.notify(around(config, "[notify.wecom]\nkeys=['hunter2hunter2']"))
    assert levels(found) == [("notify", "ok")]
    assert "hunter2" not in str(found)
    mail = parts.notify(around(config, "[notify.mail]\nurls=['mailtos://me:hunter2@smtp.qq.com:465?to=a@qq.com']"))
    assert levels(mail) == [("notify", "ok")]
    assert "hunter2" not in str(mail)
    wrong = parts.notify(around(config, "[notify.mail]\nurls=['nonsense://hunter2hunter2']"))
    assert levels(wrong) == [("notify", "fail")]
    assert "hunter2" not in str(wrong)
