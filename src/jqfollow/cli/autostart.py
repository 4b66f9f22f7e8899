"""`jqfollow autostart`: the service starts when this user logs on, by Windows' Task Scheduler.

MiniQMT needs a logged-on desktop, so the task runs in it, as this user, without a password stored anywhere.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import click

from jqfollow.cli.base import Command, Exit, Group, config_option, fail, say, words
from jqfollow.cli.tray import frpc_config_of, interpreter
from jqfollow.settings import load_settings

TASK = "jqfollow"
NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What `schtasks` answered."""

    code: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What the task starts: the tray, which keeps the service and `frpc` running. Absolute paths."""

    python: Path
    config: Path
    frpc: Path | None

    @property
    def arguments(self) -> str:
        """After the interpreter."""
        tunnel = ["--frpc", str(self.frpc)] if self.frpc else []
        command = ["-X", "utf8", "-m", "jqfollow", "tray", *tunnel, "--config", str(self.config)]
        return subprocess.list2cmdline(command)

    def __str__(self) -> str:
        return f"{self.python} {self.arguments}"


Runner = Callable[[Sequence[str]], Answer]


def schtasks(arguments: Sequence[str]) -> Answer:
    """Windows' own program; its words are in the console's code page.

    It speaks into a file: a pipe has no end while anything that it left behind holds it.
    """
    with tempfile.TemporaryFile() as said:
        command = ["schtasks", *arguments]
        try:
            done = subprocess.run(  # noqa: S603  # Windows' own, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=_PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            return Answer(code=1, text=str(error))
        said.seek(0)
        raw = said.read()
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else _code_page()
    return Answer(code=done.returncode, text=raw.decode(encoding, errors="replace").strip())


def _code_page() -> str:
    if sys.platform == "win32":
        import ctypes

        return f"cp{ctypes.windll.kernel32.GetOEMCP()}"
    return "utf-8"


_runner: Runner = schtasks


@click.group(cls=Group)
def autostart() -> None:
    """登录 Windows 时自动启动服务（任务计划程序）。 / Starts the service at log-on, by the Task Scheduler."""


@autostart.command(cls=Command)
@click.option(
    "--frpc",
    type=click.Path(dir_okay=False, path_type=Path),
    help="frpc.exe 的位置，同时运行它 / runs this frpc beside the service",
)
@config_option
def install(*, config: Path, frpc: Path | None) -> None:
    """建立或更新任务。 / Makes the task, or makes it anew."""
    _need_windows()
    if not config.is_file():
        fail(
            words(f"没有配置文件 {config.absolute()}", f"there is no configuration {config.absolute()}"),
            Exit.WRONG_USE,
        )
    for path in (frpc, frpc_config_of(load_settings(config))) if frpc is not None else ():
        if not path.is_file():
            fail(words(f"没有文件 {path.absolute()}", f"there is no file {path.absolute()}"), Exit.WRONG_USE)
    python = interpreter(window=False)
    answer = _create(task_xml(config.resolve(), user=_user(), python=python, frpc=frpc and frpc.resolve()))
    if answer.code != 0:
        fail(words(f"建立任务失败：{answer.text}", f"the task could not be made: {answer.text}"))
    say(
        f"已安装：下次登录 Windows 时自动运行 jqfollow tray --config {config.resolve()}；"
        f"现在就启动：schtasks /Run /TN {TASK}",
        f"installed: runs at the next log-on with {config.resolve()}; to start it now: schtasks /Run /TN {TASK}",
    )


@autostart.command(cls=Command)
def remove() -> None:
    """删除任务（不停止正在运行的服务）。 / Removes the task; a running service goes on."""
    _need_windows()
    if not _installed():
        say("没有安装自动启动", "autostart is not installed")
        return
    answer = _runner(["/Delete", "/TN", TASK, "/F"])
    if answer.code != 0:
        fail(words(f"删除任务失败：{answer.text}", f"the task could not be removed: {answer.text}"))
    say("已删除自动启动任务", "removed")


@autostart.command(cls=Command)
def status() -> None:
    """是否已安装，启动什么。 / Whether it is installed, and what it starts."""
    _need_windows()
    answer = _installed()
    if answer is None:
        say("没有安装自动启动（jqfollow autostart install）", "not installed (jqfollow autostart install)")
        raise click.exceptions.Exit(Exit.FAILED)
    shown = started_by(answer) or words("不是本程序建立的任务", "a task that jqfollow did not make")
    say(f"已安装：{shown}", f"installed: {shown}")


def _create(definition: str) -> Answer:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "jqfollow-task.xml"
        file.write_text(definition, encoding="utf-16")
        return _runner(["/Create", "/TN", TASK, "/XML", str(file), "/F"])


def refresh(config: Path, python: Path) -> bool:
    """After an update the task of `config`, where there is one, starts the new version; whether it was changed.

    What a person set in the Task Scheduler, such as the highest privileges, stays.
    """
    if sys.platform != "win32" and _runner is schtasks:
        return False
    definition = _installed() or ""
    root, started = _parsed(definition), started_by(definition)
    if root is None or started is None or started.config != config or started.python == python:
        return False
    new = ET.fromstring(task_xml(config, user=_user(), python=python, frpc=started.frpc).partition("?>")[2])  # noqa: S314  # ours
    for name in ("RegistrationInfo", "Actions"):
        old, fresh = (tree.find(f"{{{NAMESPACE}}}{name}") for tree in (root, new))
        if old is not None and fresh is not None:
            old[:] = fresh[:]
    for user in root.iter(f"{{{NAMESPACE}}}UserId"):
        if "?" in (user.text or ""):  # no user is so called: the console's code page has no such letters
            user.text = _user()
    return _create(_text(root)).code == 0


def task() -> Started | None:
    """What the task starts; `None`: there is no task of ours."""
    if sys.platform != "win32" and _runner is schtasks:
        return None
    return started_by(_installed() or "")


def started_by(definition: str) -> Started | None:
    """What a task's definition starts, whatever the code page in which `schtasks` wrote it; `None`: not ours."""
    root = _parsed(definition)
    try:
        told = json.loads(root.findtext(f".//{{{NAMESPACE}}}Documentation") or "") if root is not None else {}
        frpc = Path(told["frpc"]) if told["frpc"] else None
        return Started(python=Path(told["python"]), config=Path(told["config"]), frpc=frpc)
    except (ValueError, KeyError, TypeError):
        return None


def forget(folder: Path) -> None:
    """Removes the task, when it is the one of `folder`."""
    started = task()
    if started is not None and started.config.parent == folder:
        _runner(["/Delete", "/TN", TASK, "/F"])


def _installed() -> str | None:
    """The task's definition; `None` when there is no task."""
    answer = _runner(["/Query", "/TN", TASK, "/XML"])
    return answer.text if answer.code == 0 else None


def _need_windows() -> None:
    if sys.platform != "win32" and _runner is schtasks:
        fail(
            words(
                "自动启动只用于 Windows；Linux 请用 systemd 运行 jqfollow serve",
                "autostart is for Windows; on Linux let systemd run jqfollow serve",
            ),
            Exit.WRONG_USE,
        )


def _user() -> str:
    name = os.environ.get("USERNAME") or os.environ.get("USER") or ""
    domain = os.environ.get("USERDOMAIN") or ""
    return f"{domain}\\{name}" if domain else name


def task_xml(config: Path, *, user: str, python: Path, frpc: Path | None = None) -> str:
    r"""The task: at `user`'s log-on, in their desktop, one instance, restarted a minute after it failed, never killed.

    It starts the tray, which keeps the service and `frpc` running.

    Args:
        config: absolute; its folder is the working directory.
        user: `DOMAIN\name`.
        python: the interpreter in which jqfollow is installed.
        frpc: the tunnel's program, absolute.
    """
    started = Started(python=python, config=config, frpc=frpc)
    root = ET.Element("Task", {"version": "1.2", "xmlns": NAMESPACE})
    # `schtasks` writes a definition in the console's code page, which loses a Chinese path on an English Windows.
    told = json.dumps({"python": str(python), "config": str(config), "frpc": str(frpc or "")}, ensure_ascii=True)
    about = {"Description": "jqfollow：登录时启动聚宽跟单服务 / follows JoinQuant strategies", "Documentation": told}
    _tree(root, "RegistrationInfo", about)
    trigger = ET.SubElement(ET.SubElement(root, "Triggers"), "LogonTrigger")
    _leaves(trigger, {"Enabled": "true", "UserId": user, "Delay": "PT15S"})
    principal = ET.SubElement(ET.SubElement(root, "Principals"), "Principal", {"id": "Author"})
    _leaves(principal, {"UserId": user, "LogonType": "InteractiveToken", "RunLevel": "LeastPrivilege"})
    settings = ET.SubElement(root, "Settings")
    _leaves(
        settings,
        {
            "MultipleInstancesPolicy": "IgnoreNew",
            "DisallowStartIfOnBatteries": "false",
            "StopIfGoingOnBatteries": "false",
            "StartWhenAvailable": "true",
            "ExecutionTimeLimit": "PT0S",
            "Priority": "5",
        },
    )
    _tree(settings, "RestartOnFailure", {"Interval": "PT1M", "Count": "255"})
    actions = ET.SubElement(root, "Actions", {"Context": "Author"})
    _tree(
        actions,
        "Exec",
        {"Command": str(python), "Arguments": started.arguments, "WorkingDirectory": str(config.parent)},
    )
    return _text(root)


def _text(root: ET.Element) -> str:
    ET.register_namespace("", NAMESPACE)
    return '<?xml version="1.0" encoding="UTF-16"?>\n' + ET.tostring(root, encoding="unicode")


def _leaves(parent: ET.Element, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        ET.SubElement(parent, name).text = text


def _tree(parent: ET.Element, name: str, texts: dict[str, str]) -> None:
    _leaves(ET.SubElement(parent, name), texts)


def _parsed(definition: str) -> ET.Element | None:
    try:
        return ET.fromstring(definition.partition("?>")[2] or definition)  # noqa: S314  # of this machine's own scheduler
    except ET.ParseError:
        return None
