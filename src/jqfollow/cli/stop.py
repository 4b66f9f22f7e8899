"""`jqfollow stop`: ends the service in order from another window, and the tray that would start it again."""

import os
import signal
import sys
import time
from pathlib import Path

import click

from jqfollow.cli.base import Command, fail, say, settings_option, words
from jqfollow.cli.keeper import ask_to_end, is_kept
from jqfollow.cli.lock import is_running
from jqfollow.settings import Settings

PATIENCE_S = 20.0
"""A stop takes ten seconds at most, whatever hangs; the tray looks once a second."""
_LOOK_S = 0.1


@click.command(cls=Command)
@settings_option
def stop(*, settings: Settings) -> None:
    """停止服务和托盘图标（按顺序，等它们结束）。 / Stops the service and the tray icon, and waits for their end."""
    if is_running(settings.data_dir) is None and not is_kept(settings.data_dir):
        say("服务没有运行", "the service does not run")
        return
    if not stop_all(settings.data_dir):
        pid = is_running(settings.data_dir)
        fail(
            words(
                f"服务（进程号 {pid or '?'}）在 {PATIENCE_S:.0f} 秒内没有停下：请关闭它的窗口",
                f"the service (process {pid or '?'}) did not stop within {PATIENCE_S:.0f} s: close its window",
            )
        )
    say("已停止", "stopped")


def stop_all(data_dir: Path, *, patience_s: float = PATIENCE_S) -> bool:
    """Ends tray and service of a data folder; whether both have ended in time."""
    until = time.monotonic() + patience_s
    if is_kept(data_dir):
        ask_to_end(data_dir)
    told: int | None = None
    while time.monotonic() < until:
        kept, pid = is_kept(data_dir), is_running(data_dir)
        if not kept and pid is None:
            return True
        if not kept and pid and pid != told:
            told = pid if ask_to_stop(pid) else None
        time.sleep(_LOOK_S)
    return False


def ask_to_stop(pid: int) -> bool:
    """Tells a service to stop as Ctrl-C would; whether it could be told."""
    if sys.platform == "win32":
        from jqfollow.cli.closing import tell_to_stop

        return tell_to_stop(pid)
    try:
        os.kill(pid, signal.SIGTERM)
    except OSError:
        return False
    return True
