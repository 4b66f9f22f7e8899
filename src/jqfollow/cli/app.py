"""The command `jqfollow`: each file beside this one has its commands."""

import os
from importlib import import_module

import click
import structlog

from jqfollow import __version__
from jqfollow.cli.base import Group, reading_code
from jqfollow.logs import log_warnings_only, utf8_streams

_FILES = {
    "start": "start",
    "stop": "stop",
    "serve": "serve",
    "tray": "tray",
    "console": "console",
    "demo": "demo.command",
    "client": "client",
    "send": "send",
    "keys": "keys",
    "frp": "frp",
    "fullqmt": "fullqmt",
    "doctor": "doctor.command",
    "status": "status",
    "signals": "queries",
    "orders": "queries",
    "positions": "queries",
    "fills": "queries",
    "explain": "explain",
    "pause": "pauses",
    "resume": "pauses",
    "cancel-all": "closing_out",
    "close-all": "closing_out",
    "export": "export",
    "autostart": "autostart",
    "portable": "portable",
    "account": "account",
    "drift": "drift",
    "shortfall": "shortfall",
    "repair": "repair",
    "book": "book",
    "report": "report",
    "relay": "relay",
    "probe": "probe.command",
    "restored": "restored",
    "config": "config",
    "setup": "setup.command",
}
"""In which file each command is, in the order of the help."""


class _Program(Group):
    """Reads a command's file when the command is named: the service need not read what others need."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's
        """In the order of the help."""
        return list(_FILES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's
        """The command of that name."""
        if cmd_name in _FILES and cmd_name not in self.commands:
            with reading_code():
                module = import_module(f"jqfollow.cli.{_FILES[cmd_name]}")
            self.add_command(getattr(module, cmd_name.replace("-", "_")), cmd_name)
        return self.commands.get(cmd_name)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="jqfollow")
@click.pass_context
def cli(context: click.Context) -> None:
    """聚宽策略跟单：每一笔订单立即跟上，只跟一次。 / Follows each order of a JoinQuant strategy, at once and once.

    退出码 / exit codes: 0 完成 done · 1 失败 failed · 2 用法或配置有误 wrong use or configuration ·
    3 账本损坏 ledger damaged
    """
    log_warnings_only()
    context.call_on_close(structlog.reset_defaults)


def main() -> None:
    """The entry point; what it writes is its owner's alone, wherever it does (Windows: as its folder's access is)."""
    utf8_streams()
    os.umask(0o077)
    cli(prog_name="jqfollow")
