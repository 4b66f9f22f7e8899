"""The command `jqfollow`: each file beside this one adds its commands here."""

import os

import click
import structlog

from jqfollow import __version__
from jqfollow.cli.account import account
from jqfollow.cli.autostart import autostart
from jqfollow.cli.base import Group
from jqfollow.cli.book import book
from jqfollow.cli.client import client
from jqfollow.cli.closing_out import cancel_all, close_all
from jqfollow.cli.config import config
from jqfollow.cli.console import console
from jqfollow.cli.demo.command import demo
from jqfollow.cli.doctor.command import doctor
from jqfollow.cli.drift import drift
from jqfollow.cli.explain import explain
from jqfollow.cli.export import export
from jqfollow.cli.frp import frp
from jqfollow.cli.fullqmt import fullqmt
from jqfollow.cli.keys import keys
from jqfollow.cli.pauses import pause, resume
from jqfollow.cli.portable import portable
from jqfollow.cli.probe.command import probe
from jqfollow.cli.queries import fills, orders, positions, signals
from jqfollow.cli.relay import relay
from jqfollow.cli.repair import repair
from jqfollow.cli.report import report
from jqfollow.cli.restored import restored
from jqfollow.cli.send import send
from jqfollow.cli.serve import serve
from jqfollow.cli.setup.command import setup
from jqfollow.cli.shortfall import shortfall
from jqfollow.cli.start import start
from jqfollow.cli.status import status
from jqfollow.cli.stop import stop
from jqfollow.cli.tray import tray
from jqfollow.logs import log_warnings_only, utf8_streams


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="jqfollow")
@click.pass_context
def cli(context: click.Context) -> None:
    """聚宽策略跟单：每一笔订单立即跟上，只跟一次。 / Follows each order of a JoinQuant strategy, at once and once.

    退出码 / exit codes: 0 完成 done · 1 失败 failed · 2 用法或配置有误 wrong use or configuration ·
    3 账本损坏 ledger damaged
    """
    log_warnings_only()
    context.call_on_close(structlog.reset_defaults)


for command in (
    start, stop, serve, tray, console, demo, client, send, keys, frp, fullqmt, doctor, status, signals, orders,
    positions, fills, explain, pause, resume, cancel_all, close_all,
    export, autostart, portable, account, drift, shortfall, repair, book, report,
    relay, probe, restored, config, setup,
):  # fmt: skip
    cli.add_command(command)


def main() -> None:
    """The entry point; what it writes is its owner's alone, wherever it does (Windows: as its folder's access is)."""
    utf8_streams()
    os.umask(0o077)
    cli(prog_name="jqfollow")
