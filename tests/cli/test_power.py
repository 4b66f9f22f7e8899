"""Sleep: what the power plan leaves open, what a start and the doctor say of it."""

import dataclasses
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import jqfollow.service
from jqfollow.cli import power
from jqfollow.cli.autostart import Started
from jqfollow.cli.doctor import windows
from jqfollow.cli.doctor.findings import Finding, Level
from jqfollow.cli.power import LID, PowerPlan, caution, read_plan, threats
from jqfollow.settings import Settings

from .conftest import Run
from .test_serve import Announce, announcement

NEVER = PowerPlan(
    sleep_mains_s=0, sleep_battery_s=0, hibernate_mains_s=0, hibernate_battery_s=0, lid_mains=0, lid_battery=0
)
SECONDS = st.none() | st.integers(0, 2**32 - 1)
ACTION = st.none() | st.integers(0, 9)
PLANS = st.builds(
    PowerPlan,
    sleep_mains_s=SECONDS,
    sleep_battery_s=SECONDS,
    hibernate_mains_s=SECONDS,
    hibernate_battery_s=SECONDS,
    lid_mains=ACTION,
    lid_battery=ACTION,
    has_lid=st.booleans(),
    has_battery=st.booleans(),
    on_battery=st.booleans(),
)


def test_a_plan_that_never_sleeps_is_no_threat() -> None:
    laptop = dataclasses.replace(NEVER, has_lid=True, has_battery=True)
    assert threats(laptop) == []
    assert caution(laptop) is None
    assert caution(None) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"lid_mains": 1, "has_lid": True},
            ("合上盖子会睡眠", "/setacvalueindex scheme_current sub_buttons lidaction 0"),
        ),
        ({"lid_battery": 2, "has_lid": True, "has_battery": True}, ("合上盖子会休眠", "/setdcvalueindex")),
        ({"sleep_battery_s": 900, "has_battery": True}, ("15 分钟会睡眠", "/change standby-timeout-dc 0")),
        ({"hibernate_battery_s": 10800, "has_battery": True}, ("180 分钟会休眠", "/change hibernate-timeout-dc 0")),
        ({"on_battery": True}, ("正在用电池", "")),
    ],
)
def test_each_way_into_sleep_is_told_with_its_cure(change: dict[str, int], words: tuple[str, str]) -> None:
    plan = dataclasses.replace(NEVER, **change)
    (threat,) = threats(plan)
    assert words[0] in threat.zh
    assert words[1] in " ".join(threat.commands)
    told = caution(plan)
    assert told is not None
    assert words[0] in told[0]
    (finding,) = windows.judged_sleep(plan)
    assert finding.level is Level.WARN
    assert words[1] in finding.remedy_zh


def test_the_idle_timer_on_mains_is_held_off_while_it_runs() -> None:
    plan = dataclasses.replace(NEVER, sleep_mains_s=1800)
    assert caution(plan) is None
    (finding,) = windows.judged_sleep(plan)
    assert "服务运行时会被阻止" in finding.zh
    assert "standby-timeout-ac 0" in finding.remedy_en


def test_what_windows_does_not_tell_is_not_called_well() -> None:
    (finding,) = windows.judged_sleep(PowerPlan())
    assert finding.level is Level.WARN
    (finding,) = windows.judged_sleep(NEVER)
    assert finding.level is Level.OK


def test_a_desktop_has_no_lid_and_no_battery() -> None:
    plan = PowerPlan(lid_mains=1, lid_battery=1, sleep_battery_s=900, hibernate_battery_s=900)
    assert threats(plan) == []


@given(plan=PLANS)
def test_whatever_windows_tells_is_judged(plan: PowerPlan) -> None:
    found = threats(plan)
    assert [t.held for t in found] == sorted(t.held for t in found)
    assert (caution(plan) is None) == all(t.held for t in found)
    assert all(t.zh and t.en for t in found)
    assert len(LID) == 4


@pytest.mark.skipif(sys.platform != "win32", reason="asks Windows")
def test_windows_tells_its_plan() -> None:
    assert read_plan() is not None


def test_a_start_says_that_the_computer_may_sleep(run: Run, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = dataclasses.replace(NEVER, lid_mains=1, has_lid=True)
    monkeypatch.setattr(power, "read_plan", lambda: plan)

    def part(settings: Settings, *, announce: Announce, **_: object) -> int:
        announce(announcement(None))
        return 0

    monkeypatch.setattr(jqfollow.service, "serve", part)
    assert "合上盖子会睡眠" in run("serve").output
    log = next((config.parent / "data" / "logs").iterdir()).read_text(encoding="utf-8")
    assert "computer_may_sleep" in log


@pytest.mark.parametrize(("ansi", "output"), [(936, 936), (65001, 65001), (1252, 437), (936, 65001), (1252, 0)])
def test_the_code_page_is_told(ansi: int, output: int) -> None:
    pages = windows.CodePages(ansi=ansi, oem=output or 437, output=output)
    (on_screen,) = windows.judged_code_page(pages, out_is_console=True)
    assert on_screen.level is Level.OK
    assert str(ansi) in on_screen.zh
    (piped,) = windows.judged_code_page(pages, out_is_console=False)
    assert (piped.level is Level.WARN) == (output not in {0, 65001})


def test_the_task_at_log_on(tmp_path: Path) -> None:
    def judged(folder: Path | None, frpc: Path | None = None) -> Finding:
        task = folder and Started(python=Path("p.exe"), config=folder / "config.toml", frpc=frpc)
        (found,) = windows.judged_log_on(task, Path("D:/跟单"))
        return found

    here = Path("D:/跟单")
    assert judged(here).level is Level.OK
    assert judged(None).level is Level.WARN
    assert "E:" in judged(Path("E:/old")).zh
    frpc = tmp_path / "frpc.exe"
    assert str(frpc) in judged(here, frpc).zh
    frpc.touch()
    assert judged(here, frpc).level is Level.OK
