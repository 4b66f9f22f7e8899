"""The doctor looks at Windows: sleep, code page, start at log-on, what a virus scanner or a firewall must let pass."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jqfollow.cli import autostart, power
from jqfollow.cli.doctor.findings import Finding, Surroundings, ok, warn
from jqfollow.cli.portable import HOME
from jqfollow.settings import FullQmtAccount, QmtAccount

LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePages:
    """Of this Windows and of the console in which the command runs; 0: no console."""

    ansi: int
    oem: int
    output: int


def sleep(_: Surroundings) -> Sequence[Finding]:
    """Every way into sleep that the power plan leaves open."""
    plan = power.read_plan()
    return judged_sleep(plan) if plan is not None else []


def judged_sleep(plan: power.PowerPlan) -> Sequence[Finding]:
    """What is found of a plan."""
    found = power.threats(plan)
    if not found and not plan.told:
        zh, en = "Windows 没有告诉电源计划，会不会睡眠不知道", "Windows does not tell its power plan"
        return [warn("sleep", zh, en, "看“设置 → 系统 → 电源”", "look at Settings, System, Power")]
    if not found:
        return [ok("sleep", "电源计划不会让电脑睡眠", "the power plan sends the computer to no sleep")]
    return [
        warn(
            "sleep",
            threat.zh + ("（服务运行时会被阻止）" if threat.held else ""),
            threat.en + (" (held off while the service runs)" if threat.held else ""),
            f"在命令行运行：{'，再运行 '.join(threat.commands)}" if threat.commands else "插上电源",
            f"run: {', then '.join(threat.commands)}" if threat.commands else "plug it in",
        )
        for threat in found
    ]


def code_page(_: Surroundings) -> Sequence[Finding]:
    """What the old programs of this Windows take for text."""
    if sys.platform == "win32":
        import ctypes

        kernel32 = ctypes.WinDLL("kernel32")
        pages = CodePages(ansi=kernel32.GetACP(), oem=kernel32.GetOEMCP(), output=kernel32.GetConsoleOutputCP())
        return judged_code_page(pages, out_is_console=bool(sys.stdout and sys.stdout.isatty()))
    return []


def judged_code_page(pages: CodePages, *, out_is_console: bool) -> Sequence[Finding]:
    """What is found of code pages.

    What jqfollow writes is right with each of them: Python hands a console Unicode, files and pipes get UTF-8.
    """
    shown = f"ANSI {pages.ansi}, OEM {pages.oem}, {'console' if pages.output else 'no console'} {pages.output or ''}"
    zh = f"代码页 {shown.strip()}：屏幕用 Unicode，文件和管道用 UTF-8"
    en = f"code pages {shown.strip()}: the screen gets Unicode, files and pipes UTF-8"
    utf8 = 65001
    if not out_is_console and pages.output not in {0, utf8}:
        return [
            warn(
                "code page",
                zh,
                en,
                "输出接到管道或文件时是 UTF-8；要在这个窗口里看，先运行 chcp 65001",
                "a pipe or a file gets UTF-8; to read it in this window run chcp 65001 first",
            )
        ]
    return [ok("code page", zh, en)]


def log_on(around: Surroundings) -> Sequence[Finding]:
    """Whether it starts by itself, and whether the task still leads to this configuration."""
    if sys.platform == "win32":
        return judged_log_on(autostart.task(), around.folder)
    return []


def judged_log_on(task: autostart.Started | None, folder: Path | None) -> Sequence[Finding]:
    """What is found of the task at log-on."""
    install_zh, install_en = "运行 jqfollow autostart install", "run jqfollow autostart install"
    if task is None:
        zh, en = "登录 Windows 时不会自动启动", "it does not start at log-on"
        return [warn("autostart", zh, en, install_zh, install_en)]
    there = task.config.parent
    if folder is not None and there != folder:
        zh, en = f"自动启动的是另一个文件夹 {there}", f"what starts at log-on stands in another folder, {there}"
        return [warn("autostart", zh, en, install_zh, install_en)]
    if task.frpc is not None and not task.frpc.is_file():
        zh, en = f"自动启动的 {task.frpc} 不见了", f"{task.frpc}, which starts at log-on, is gone"
        cure_zh, cure_en = (
            "看杀毒软件的隔离区并加入信任，或换个位置再 autostart install --frpc",
            "look at the scanner's quarantine",
        )
        return [warn("autostart", zh, en, cure_zh, cure_en)]
    return [ok("autostart", "登录 Windows 时自动启动", "it starts at log-on")]


def scanners(around: Surroundings) -> Sequence[Finding]:
    """What a person tells Windows Defender and the firewall, by its exact name."""
    if sys.platform == "win32":
        task, home = autostart.task(), os.environ.get(HOME)
        python = Path(sys.executable)
        program = Path(home).resolve() if home else python.parent  # of the zip the whole: an update brings a new folder
        return advice(around, python, program, None if task is None else task.frpc)
    return []


def advice(around: Surroundings, python: Path, program: Path, frpc: Path | None) -> Sequence[Finding]:
    """Exact paths and ports; whether they are needed nobody but Windows' administrator can ask.

    Args:
        around: the configuration.
        python: the interpreter, which is what a firewall sees.
        program: the folder in which it stands.
        frpc: the tunnel's program, which scanners like to take for a tool of thieves.
    """
    settings = around.settings
    folders = [settings.data_dir.resolve(), program, *([frpc] if frpc else [])]
    for account in settings.accounts.values():
        if isinstance(account, QmtAccount):
            folders.append(Path(account.qmt_path))
        elif isinstance(account, FullQmtAccount):
            folders.append(Path(account.mailbox))
    exclusions = "; ".join(f"Add-MpPreference -ExclusionPath {_quoted(folder)}" for folder in dict.fromkeys(folders))
    found = [
        ok(
            "defender",
            f"若 Defender 拖慢或隔离了它，在管理员 PowerShell 里运行：{exclusions}",
            f"should Defender slow or quarantine it, run as administrator in PowerShell: {exclusions}",
        )
    ]
    host, port = settings.signals.host, settings.signals.port
    if host in LOCAL:
        zh = f"两个端口（{port}、{settings.console.port}）只在本机，防火墙不用放行；弹窗问时选“取消”"
        en = f"both ports ({port}, {settings.console.port}) are of this machine: nothing to open, refuse if asked"
        return [*found, ok("firewall", zh, en)]
    rule = (
        f'netsh advfirewall firewall add rule name="jqfollow {port}" dir=in action=allow protocol=TCP '
        f'localport={port} program="{python}"'
    )
    zh, en = f"信号端口 {port} 对外：防火墙要放行它", f"the signals port {port} is open to others: the firewall decides"
    return [*found, warn("firewall", zh, en, f"管理员运行：{rule}", f"as administrator: {rule}")]


def _quoted(path: Path) -> str:
    """As PowerShell takes it literally."""
    return "'" + str(path).replace("'", "''") + "'"
