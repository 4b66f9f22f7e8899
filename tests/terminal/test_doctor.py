"""The doctor at a MiniQMT account."""

import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from jqfollow.cli.doctor import miniqmt, order_test
from jqfollow.cli.doctor.findings import Finding, Level, Surroundings
from jqfollow.cli.doctor.miniqmt import PERMISSION_FILE
from jqfollow.cli.doctor.order_test import TestOrder
from jqfollow.cli.doctor.real import SYMBOL
from jqfollow.cli.lock import only_instance
from jqfollow.clock import SHANGHAI, SystemClock
from jqfollow.execution.brokers.miniqmt import native_path
from jqfollow.settings import Settings

from . import native
from .modes import Mode
from .terminal import Terminal


class Clock(SystemClock):
    """Ten o'clock on a Monday, going on."""

    def __init__(self) -> None:
        self.shift = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI) - SystemClock().now()

    def now(self) -> datetime:
        return SystemClock().now() + self.shift


Look = Callable[..., Surroundings]


@pytest.fixture
def look(terminal: Terminal, tmp_path: Path) -> Look:
    native.install()
    terminal.tell("reset", at="2026-03-02T10:00")
    (terminal.path / PERMISSION_FILE).write_bytes(b"")
    for file in terminal.path.glob("down_queue_*"):
        file.unlink()

    def surroundings(**changes: Any) -> Surroundings:
        account = {"broker": "qmt", "qmt_path": str(terminal.path), "account_id": terminal.account} | changes
        settings = Settings.model_validate({"data_dir": str(tmp_path), "accounts": {"main": account}})
        return Surroundings(settings=settings, clock=Clock(), http=httpx.Client(trust_env=False, verify=False))

    return surroundings


def levels(found: Sequence[Finding]) -> dict[str, Level]:
    for finding in found:
        assert finding.zh
        assert finding.en
        assert (finding.level is Level.OK) == (not finding.remedy_zh) == (not finding.remedy_en)
    return {finding.name: finding.level for finding in found}


def test_all_is_well(look: Look) -> None:
    found = [*miniqmt.terminals(look()), *miniqmt.market_data(look())]
    assert levels(found) == {"accounts.main.sessions": Level.OK, "accounts.main": Level.OK, "quotes": Level.OK}
    assert "1,000,000.00" in found[1].zh
    assert "88880001" not in "".join(f.zh + f.en for f in found)


def test_no_permission_file(look: Look, terminal: Terminal) -> None:
    (terminal.path / PERMISSION_FILE).unlink()
    [_, finding] = miniqmt.terminals(look())
    assert finding.level is Level.FAIL
    assert "券商" in finding.remedy_zh


def test_a_folder_that_the_natives_would_misread(look: Look, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(native_path, "code_page", lambda: "cp1252")
    monkeypatch.setattr(native_path, "short_path", lambda _: "")
    folder = tmp_path / "国金QMT交易端" / "userdata_mini"
    folder.mkdir(parents=True)
    found = miniqmt.terminals(look(qmt_path=str(folder)))
    assert levels(found) == {"accounts.main": Level.FAIL}
    assert "cp1252" in found[0].zh
    assert not list(folder.iterdir())


def test_logged_out(look: Look, terminal: Terminal) -> None:
    terminal.mode(Mode.LOGGED_OUT)
    assert levels(miniqmt.terminals(look()))["accounts.main"] is Level.FAIL


def test_a_wrong_account(look: Look) -> None:
    assert levels(miniqmt.terminals(look(account_id="99999999")))["accounts.main"] is Level.FAIL


def test_many_session_files(look: Look, terminal: Terminal) -> None:
    for number in range(20):
        (terminal.path / f"down_queue_{number}").write_bytes(b"")
    assert levels(miniqmt.terminals(look()))["accounts.main.sessions"] is Level.WARN


def test_large_session_files(look: Look, terminal: Terminal) -> None:
    file = terminal.path / "down_queue_1"
    file.touch()
    try:
        os.truncate(file, 3 * 2**30)  # a hole: nothing is written
    except OSError:
        pytest.skip("no room for a large file")
    found = miniqmt.terminals(look())
    file.unlink()
    assert levels(found)["accounts.main.sessions"] is Level.WARN
    assert "3072 MiB" in found[0].zh


def test_a_running_service_is_not_disturbed(look: Look, tmp_path: Path, terminal: Terminal) -> None:
    terminal.mode(Mode.LOGGED_OUT)  # a connection would be told so
    with only_instance(tmp_path):
        assert levels(miniqmt.terminals(look()))["accounts.main"] is Level.OK
        [finding] = order_test.order_test(look(), lambda _: True)
    assert finding.level is Level.WARN
    assert terminal.record()["received"] == []


def test_no_quotes(look: Look) -> None:
    native.use_market(None)
    assert levels(miniqmt.market_data(look())) == {"quotes": Level.FAIL}


def test_a_clock_that_is_wrong(look: Look) -> None:
    around = look()
    assert isinstance(around.clock, Clock)
    around.clock.shift -= timedelta(minutes=5)
    [finding] = miniqmt.market_data(around)
    assert finding.level is Level.WARN
    assert "Windows" in finding.remedy_zh


def test_a_trading_day_whose_quotes_are_of_another_day(look: Look, terminal: Terminal) -> None:
    around = look()
    terminal.tell("reset", at="2026-02-27T15:30", hours="exchange")
    [finding] = miniqmt.market_data(around)
    assert finding.level is Level.WARN, finding
    assert "trading_days.toml" in finding.remedy_zh


def test_a_calendar_that_thinks_that_the_exchange_is_closed(look: Look, tmp_path: Path) -> None:
    (tmp_path / "trading_days.toml").write_text("closed = [2026-03-02]\n", encoding="utf-8")
    [finding] = miniqmt.market_data(look())
    assert finding.level is Level.WARN, finding
    assert "休市" in finding.zh


def test_it_orders_only_when_told_and_cancels_again(
    look: Look, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_test, "_POLL_S", 0.05)
    monkeypatch.setattr(order_test, "_WAIT_S", 1.5)
    asked: list[TestOrder] = []

    def agrees(order: TestOrder) -> bool:
        asked.append(order)
        return len(asked) > 1

    [finding] = order_test.order_test(look(), agrees)
    assert (finding.level, terminal.orders()) == (Level.OK, [])
    [finding] = order_test.order_test(look(), agrees)
    assert finding.level is Level.OK, finding
    [order] = terminal.orders()
    assert (order["symbol"], order["volume"], order["state"], order["filled"]) == (SYMBOL, 100, "canceled", 0)
    assert order["remark"].startswith("jqdoctor-")
    assert str(asked[0].price) == order["price"]


def test_a_test_order_that_is_refused(look: Look, terminal: Terminal) -> None:
    terminal.tell("refuse", message="[COUNTER] 权限不足")
    [finding] = order_test.order_test(look(), lambda _: True)
    assert finding.level is Level.FAIL
    assert "权限不足" in finding.zh


def test_a_test_order_without_an_answer_names_its_remark(look: Look, terminal: Terminal) -> None:
    terminal.mode(Mode.LOST_AFTER)
    [finding] = order_test.order_test(look(), lambda _: True)
    assert finding.level is Level.FAIL
    [order] = terminal.orders()
    assert order["remark"] in finding.zh


def test_out_of_hours_nothing_is_ordered(look: Look, terminal: Terminal) -> None:
    around = look()
    assert isinstance(around.clock, Clock)
    around.clock.shift += timedelta(hours=6)
    [finding] = order_test.order_test(around, lambda _: True)
    assert finding.level is Level.WARN
    assert terminal.orders() == []


def test_without_a_real_account_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": str(tmp_path), "accounts": {"paper": {"broker": "paper"}}})
    around = Surroundings(settings=settings, clock=Clock(), http=httpx.Client(trust_env=False, verify=False))
    assert miniqmt.terminals(around) == miniqmt.market_data(around) == []
