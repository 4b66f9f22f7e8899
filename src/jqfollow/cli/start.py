"""`jqfollow start`: what a double click does. The service and its icon begin, and the dashboard opens."""

import json
import subprocess
import time
from datetime import datetime
from pathlib import Path

import click
import httpx

from jqfollow import __version__
from jqfollow.api.token import FILE_NAME, load_or_create_token
from jqfollow.cli import autostart
from jqfollow.cli.base import Command, config_option, fail, say, words
from jqfollow.cli.console import console_url, link_to
from jqfollow.cli.keeper import alone, is_kept
from jqfollow.cli.lock import is_running
from jqfollow.cli.portable import move_in
from jqfollow.cli.serve import write_default
from jqfollow.cli.stop import stop_all
from jqfollow.cli.tray import LOG, interpreter
from jqfollow.clock import SystemClock
from jqfollow.settings import Settings, load_settings

PATIENCE_S = 180.0
"""A first start under a virus scanner may take so long."""
_LOOK_S = 0.2


@click.command(cls=Command)
@click.option("--no-browser", is_flag=True, help="不打开浏览器 / do not open the browser")
@config_option
def start(*, config: Path, no_browser: bool) -> None:
    """在后台启动服务和托盘图标，打开控制台。 / Starts service and icon in the background, opens the dashboard."""
    if (code := move_in(config)) is not None:
        raise click.exceptions.Exit(code)
    write_default(config)
    settings, config = load_settings(config), config.resolve()
    if not settings.console.port:
        fail(words("console.port = 0：请写定一个端口", "console.port = 0: set a port"), 2)
    _make_way(settings)
    begun = is_running(settings.data_dir) is None
    begin(settings, config)
    if begun:
        say("服务已在后台启动", "the service runs in the background")
    else:
        say("服务已在运行", "the service runs already")
    autostart.refresh(config, interpreter(window=False))
    if not no_browser:
        click.launch(link_to(settings))
        say("已在浏览器中打开控制台", "the dashboard is opened in the browser")


def _make_way(settings: Settings) -> None:
    """Another version that still runs ends in order first: nothing is lost by a restart."""
    running = _running_version(settings)
    if running in {None, __version__}:
        return
    say(f"正在运行的是 {running}，换成 {__version__}……", f"{running} runs, {__version__} takes over …")
    if not stop_all(settings.data_dir):
        fail(words(f"{running} 没有停下：请关闭它的窗口", f"{running} did not stop: close its window"))


def _running_version(settings: Settings) -> str | None:
    """Of the service that answers on our console's port and takes our token."""
    if is_running(settings.data_dir) is None or not (settings.data_dir / FILE_NAME).is_file():
        return None
    token = load_or_create_token(settings.data_dir).text
    try:
        answer = httpx.get(
            f"{console_url(settings)}/api/status",
            headers={"Authorization": f"Bearer {token}"},
            timeout=5,
            trust_env=False,
        )
        return str(answer.json()["version"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None


def begin(settings: Settings, config: Path) -> None:
    """Starts the keeper, which starts the service or takes over the one that runs.

    Where the service cannot be started, its own words end the command.
    """
    if not is_kept(settings.data_dir):
        nowhere = subprocess.DEVNULL
        command = keeper_command(config)
        keeper = subprocess.Popen(command, cwd=config.parent, stdin=nowhere, stdout=nowhere, stderr=nowhere, **alone())  # noqa: S603  # our own interpreter
        keeper.returncode = 0  # nobody waits for it: it lives on
    began, until = SystemClock().now(), time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if _answers(settings):
            return
        if said := _why_it_ended(settings.logs_dir, began, for_good=True):
            fail(words("服务没有启动：", "the service did not start: ") + said)
        time.sleep(_LOOK_S)
    seconds, said = f"{PATIENCE_S:.0f}", _why_it_ended(settings.logs_dir, began, for_good=False)
    where = said or settings.logs_dir
    fail(words(f"{seconds} 秒内没有启动：{where}", f"it did not start within {seconds} s: {where}"))


def keeper_command(config: Path) -> list[str]:
    """The tray, with the frpc that the task at log-on starts: a stop or an update does not cost the tunnel."""
    task = autostart.task()
    frpc = ["--frpc", str(task.frpc)] if task is not None and task.config == config and task.frpc is not None else []
    python = str(interpreter(window=False))
    return [python, "-X", "utf8", "-m", "jqfollow", "tray", *frpc, "--config", str(config)]


def _why_it_ended(logs: Path, since: datetime, *, for_good: bool) -> str:
    """What the service said when it ended, or `for_good` only, by the keeper's log; empty when it did not."""
    for file in sorted(logs.glob(f"{LOG}-*.log"), reverse=True)[:1]:
        for text in reversed(file.read_text(encoding="utf-8").splitlines()):
            line = json.loads(text)
            if datetime.fromisoformat(line["at"]) < since:
                return ""
            if line["event"] == "ended" and not (for_good and "again_in_s" in line):
                return "\n".join(line["said"]) or str(logs)
    return ""


def _answers(settings: Settings) -> bool:
    if is_running(settings.data_dir) is None:
        return False
    try:
        return httpx.get(f"{console_url(settings)}/healthz", timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False
