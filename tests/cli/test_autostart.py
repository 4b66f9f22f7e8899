"""`autostart`: what the Task Scheduler is told, on a Task Scheduler that only remembers."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from jqfollow.cli import autostart
from jqfollow.cli.autostart import NAMESPACE, Answer
from jqfollow.cli.start import keeper_command

from .conftest import Run


class Scheduler:
    """Keeps tasks as definitions, like `schtasks`; refuses when told."""

    def __init__(self) -> None:
        self.tasks: dict[str, str] = {}
        self.refuses = ""
        self.page = "utf-8"
        """In which it writes, as the console has it; what that lacks becomes a question mark."""

    def __call__(self, arguments: Sequence[str]) -> Answer:
        what, told = arguments[0], dict(zip(arguments[1::2], arguments[2::2], strict=False))
        name = told["/TN"]
        if self.refuses and what != "/Query":
            return Answer(code=1, text=self.refuses)
        if what == "/Create":
            raw = Path(told["/XML"]).read_bytes()
            assert raw.startswith((b"\xff\xfe", b"\xfe\xff"))  # schtasks reads nothing else
            self.tasks[name] = raw.decode("utf-16")
        elif name not in self.tasks:
            return Answer(code=1, text="ERROR: The system cannot find the file specified.")
        elif what == "/Delete":
            del self.tasks[name]
        text = self.tasks.get(name, "SUCCESS")
        return Answer(code=0, text=text.encode(self.page, errors="replace").decode(self.page))


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> Scheduler:
    scheduler = Scheduler()
    monkeypatch.setattr(autostart, "_runner", scheduler)
    monkeypatch.setenv("USERNAME", "张三")
    monkeypatch.setenv("USERDOMAIN", "家里电脑")
    return scheduler


def text(definition: str, name: str) -> str | None:
    return ET.fromstring(definition.partition("?>")[2]).findtext(f".//{{{NAMESPACE}}}{name}")


def test_it_starts_the_service_at_this_users_log_on(run: Run, scheduler: Scheduler, config: Path) -> None:
    result = run("autostart", "install")
    assert result.exit_code == 0, result.output
    definition = scheduler.tasks["jqfollow"]
    assert definition.startswith('<?xml version="1.0" encoding="UTF-16"?>')
    assert text(definition, "UserId") == "家里电脑\\张三"
    assert text(definition, "LogonType") == "InteractiveToken"
    assert text(definition, "ExecutionTimeLimit") == "PT0S"
    assert text(definition, "MultipleInstancesPolicy") == "IgnoreNew"
    assert text(definition, "WorkingDirectory") == str(config.parent.resolve())
    arguments = text(definition, "Arguments") or ""
    assert arguments.endswith(f'-m jqfollow tray --config "{config.resolve()}"')  # a blank in the name: quoted
    assert "-X utf8" in arguments


def test_frpc_is_started_beside_it(run: Run, scheduler: Scheduler, config: Path) -> None:
    assert run("autostart", "install", "--frpc", "frp 隧道.exe").exit_code == 2
    assert scheduler.tasks == {}
    for name in ("frp 隧道.exe", "frpc.toml"):
        (config.parent / name).touch()
    assert run("autostart", "install", "--frpc", "frp 隧道.exe").exit_code == 0
    arguments = text(scheduler.tasks["jqfollow"], "Arguments") or ""
    assert f'tray --frpc "{config.parent / "frp 隧道.exe"}" --config' in arguments


@pytest.mark.usefixtures("scheduler")
def test_an_update_moves_the_task_to_the_new_version(run: Run, scheduler: Scheduler, config: Path) -> None:
    new = Path("D:/跟单/versions/0.2.0/python/pythonw.exe")
    assert not autostart.refresh(config.resolve(), new), "there is no task"
    run("autostart", "install")
    before = text(scheduler.tasks["jqfollow"], "Arguments")
    assert not autostart.refresh(Path("D:/another/config.toml"), new), "of another folder"
    assert autostart.refresh(config.resolve(), new)
    assert text(scheduler.tasks["jqfollow"], "Command") == str(new)
    assert text(scheduler.tasks["jqfollow"], "Arguments") == before
    assert not autostart.refresh(config.resolve(), new)
    task = autostart.task()
    assert task is not None
    assert (task.config, task.python) == (config.resolve(), new)
    autostart.forget(Path("D:/another"))
    assert list(scheduler.tasks) == ["jqfollow"]
    autostart.forget(config.parent.resolve())
    assert scheduler.tasks == {}


@pytest.mark.parametrize("page", ["cp437", "cp1252", "cp936", "utf-8"])
def test_a_chinese_folder_is_found_again_in_every_code_page(
    run: Run, scheduler: Scheduler, config: Path, page: str
) -> None:
    """By status, start, update, doctor and removal, though the definition comes back with question marks."""
    scheduler.page = page
    for name in ("隧道 frpc.exe", "frpc.toml"):
        (config.parent / name).touch()
    frpc = config.parent.resolve() / "隧道 frpc.exe"
    assert run("autostart", "install", "--frpc", str(frpc)).exit_code == 0
    highest = scheduler.tasks["jqfollow"].replace("LeastPrivilege", "HighestAvailable")
    scheduler.tasks["jqfollow"] = highest  # by a person, in the Task Scheduler
    assert str(frpc) in run("autostart", "status").output
    assert keeper_command(config.resolve())[-4:] == ["--frpc", str(frpc), "--config", str(config.resolve())]
    new = config.parent / "新版" / "pythonw.exe"
    assert autostart.refresh(config.resolve(), new)
    definition = scheduler.tasks["jqfollow"]
    assert text(definition, "Command") == str(new)
    assert text(definition, "UserId") == "家里电脑\\张三"
    assert text(definition, "RunLevel") == "HighestAvailable"
    assert f'--frpc "{frpc}" --config "{config.resolve()}"' in (text(definition, "Arguments") or "")
    assert "--frpc" not in keeper_command(config.parent / "another.toml")
    autostart.forget(config.parent.resolve())
    assert scheduler.tasks == {}


def test_another_ones_task_is_left_alone(run: Run, scheduler: Scheduler, config: Path) -> None:
    scheduler.tasks["jqfollow"] = f'<?xml version="1.0"?><Task xmlns="{NAMESPACE}"/>'
    assert autostart.task() is None
    assert "不是本程序建立的" in run("autostart", "status").output
    assert not autostart.refresh(config.resolve(), config)
    autostart.forget(config.parent)
    assert list(scheduler.tasks) == ["jqfollow"]


def test_install_twice_is_one_task_and_remove_takes_it_away(run: Run, scheduler: Scheduler, config: Path) -> None:
    for _ in range(2):
        assert run("autostart", "install").exit_code == 0
    assert list(scheduler.tasks) == ["jqfollow"]
    status = run("autostart", "status")
    assert status.exit_code == 0
    assert str(config.resolve()) in status.output
    assert run("autostart", "remove").exit_code == 0
    assert scheduler.tasks == {}
    assert run("autostart", "status").exit_code == 1
    assert run("autostart", "remove").exit_code == 0


def test_without_a_configuration_nothing_is_made(run: Run, scheduler: Scheduler, folder: Path) -> None:
    result = run("autostart", "install")
    assert result.exit_code == 2
    assert "config.toml" in result.output
    assert scheduler.tasks == {}


@pytest.mark.usefixtures("config")
def test_the_schedulers_own_words_are_shown(run: Run, scheduler: Scheduler) -> None:
    scheduler.refuses = "错误: 拒绝访问。"
    result = run("autostart", "install")
    assert result.exit_code == 1
    assert "拒绝访问" in result.output


def test_elsewhere_it_says_that_it_is_for_windows(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autostart.sys, "platform", "linux")
    for command in ("install", "remove", "status"):
        result = run("autostart", command)
        assert result.exit_code == 2
        assert "systemd" in result.output


def test_a_name_with_markup_stays_a_name(tmp_path: Path) -> None:
    definition = autostart.task_xml(
        tmp_path / "a & b <c>" / "config.toml", user="x&y", python=Path("C:/Py<thon>/p.exe")
    )
    assert text(definition, "Command") == str(Path("C:/Py<thon>/p.exe"))
    assert text(definition, "UserId") == "x&y"
    assert "a & b <c>" in (text(definition, "Arguments") or "")
    assert autostart.started_by("not xml") is None
