"""What belongs to the zip for Windows alone: the version in use, the one before it, and the end of them all."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click

from jqfollow import __version__
from jqfollow.cli import autostart
from jqfollow.cli.base import Command, Exit, Group, config_option, fail, say, settings_option, words
from jqfollow.cli.stop import stop_all
from jqfollow.meant import no_such
from jqfollow.settings import Settings, load_settings

HOME = "PORTABLE_JQFOLLOW"
"""Set by `jqfollow.cmd`: the folder into which the zip was unpacked. `JQFOLLOW_…` would be a setting."""
_CURRENT = "current.txt"
_EXTRA = "extra"
_CLICKED = ("开始.cmd", "停止.cmd", "回退.cmd", "使用说明.txt")
"""Of the zip, beside what `卸载.cmd` deletes itself when this program has ended; a person's own files stay."""

_VERSION = "可以回退的版本", "version to go back to:"


@click.group(cls=Group)
def portable() -> None:
    """Windows 压缩包版：xtquant、回退、卸载。 / Of the zip for Windows: xtquant, going back, removal."""


@portable.command(cls=Command)
def xtquant() -> None:
    """用 pip 取得 MiniQMT 的接口 xtquant（核对校验值）。 / Fetches MiniQMT's interface, against its hash."""
    home = _home()
    wanted = _version_folder(home, __version__) / "xtquant.txt"
    command = [
        sys.executable,
        "-X",
        "utf8",
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
    ]
    command += ["--upgrade", "--target", str(home / _EXTRA), "-r", str(wanted)]
    if subprocess.run(command, check=False).returncode:  # noqa: S603  # our own pip, and our own list
        fail(
            words(
                "没有取得 xtquant：检查网络，或给 pip 设一个国内镜像后再试",
                "xtquant was not fetched: look at the network, or give pip a mirror",
            )
        )
    say("xtquant 已就绪，重启服务后生效", "xtquant is there; restart the service")


@portable.command(cls=Command)
@click.argument("version", required=False)
@click.option("--yes", is_flag=True, help="不询问 / do not ask")
@config_option
def back(*, config: Path, version: str | None, yes: bool) -> None:
    """回到上一个版本（或指定的版本），账本和配置不动。 / Back to the version before, or to another one."""
    home, settings = _home(), load_settings(config)
    wanted = version or _before(home)
    if wanted is None or not _python(home, wanted).is_file():
        fail(words(*no_such(_VERSION, wanted or "", _versions(home))), Exit.WRONG_USE)
    _try(home, wanted, config)
    if not yes and not click.confirm(words(f"回到 {wanted}？服务会重启", f"back to {wanted}? the service restarts")):
        return
    if not stop_all(settings.data_dir):
        fail(words("服务没有停下：请关闭它的窗口", "the service did not stop: close its window"))
    (home / _CURRENT).write_text(f"{wanted}\r\n", encoding="ascii", newline="")
    say(f"已回到 {wanted}", f"back at {wanted}")
    if not yes:
        subprocess.run([_python(home, wanted), "-X", "utf8", "-m", "jqfollow", "start"], check=False)  # noqa: S603  # ours


def _try(home: Path, version: str, config: Path) -> None:
    """Ends the command when that version cannot read the ledger or the configuration of today."""
    command = [str(_python(home, version)), "-X", "utf8", "-m", "jqfollow", "status", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  # ours
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", errors="replace").strip()
        fail(
            words(
                f"{version} 读不了现在的账本或配置，没有回退：{said}",
                f"{version} cannot read the ledger or the configuration as they are, and nothing was changed: {said}",
            )
        )


@portable.command(cls=Command)
@click.option("--yes", is_flag=True, help="不询问 / do not ask")
@settings_option
def uninstall(*, settings: Settings, yes: bool) -> None:
    """停止并取消自动启动，供 卸载.cmd 使用；配置和数据留着。 / Stops, forgets the log-on; data stays."""
    home = _home()
    if not yes and not click.confirm(words(f"卸载 {home} 里的 jqfollow？", f"remove jqfollow from {home}?")):
        raise click.exceptions.Exit(Exit.FAILED)
    if not stop_all(settings.data_dir):
        fail(words("服务没有停下：请关闭它的窗口", "the service did not stop: close its window"))
    autostart.forget(home)
    for name in _CLICKED:
        (home / name).unlink(missing_ok=True)
    say(
        f"已停止。程序随后删除；你的配置和账本留在 {home}，不要了请自己删除",
        f"stopped. The program is deleted next; configuration and ledger stay in {home}: delete them yourself",
    )


def move_in(config: Path) -> int | None:
    """A newer zip that was unpacked elsewhere: puts this version beside the older one, when a person agrees.

    Returns:
        How its start there ended; `None`: it starts here.
    """
    home = os.environ.get(HOME)
    if not home or config.exists() or not sys.stdin or not sys.stdin.isatty():
        return None
    task = autostart.task()
    there = None if task is None else task.config.parent
    if there is None or there == Path(home).resolve() or not (there / _CURRENT).is_file():
        return None
    if not click.confirm(
        words(f"这台电脑的 jqfollow 在 {there}，升级它？", f"jqfollow stands in {there} already: update it?"),
        default=True,
    ):
        return None
    shutil.copytree(_version_folder(Path(home), __version__), _version_folder(there, __version__), dirs_exist_ok=True)
    for file in [*Path(home).glob("*.cmd"), *Path(home).glob("*.txt")]:
        shutil.copy(file, there / file.name)
    command = [str(_python(there, __version__)), "-X", "utf8", "-m", "jqfollow", "start"]
    around = os.environ | {HOME: str(there), "JQFOLLOW_CONFIG": str(there / "config.toml")}
    return subprocess.run(command, env=around, check=False).returncode  # noqa: S603  # ours


def _home() -> Path:
    home = os.environ.get(HOME)
    if not home or not (Path(home) / _CURRENT).is_file():
        fail(
            words(
                "只用于 Windows 压缩包版：请用解压出来的 jqfollow.cmd 运行",
                "for the zip for Windows alone: run it by the unpacked jqfollow.cmd",
            ),
            Exit.WRONG_USE,
        )
    return Path(home).resolve()


def _version_folder(home: Path, version: str) -> Path:
    return home / "versions" / version


def _python(home: Path, version: str) -> Path:
    return _version_folder(home, version) / "python" / "python.exe"


def _versions(home: Path) -> list[str]:
    return [path.name for path in (home / "versions").iterdir() if _python(home, path.name).is_file()]


def _before(home: Path) -> str | None:
    """The newest one that is older than the one in use."""
    older = [name for name in _versions(home) if _number(name) < _number(__version__)]
    return max(older, key=_number, default=None)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
