"""`jqfollow doctor`: looks at everything that must be right, and says what to do where it is not."""

from collections.abc import Sequence
from pathlib import Path

import click
import httpx
from rich.text import Text

from jqfollow.cli.base import Command, Exit, config_option, console, json_option, lang, print_json, words
from jqfollow.cli.doctor import fullqmt, machine, miniqmt, parts, relay, tunnel, windows
from jqfollow.cli.doctor.findings import Check, Finding, Level, Surroundings, bad
from jqfollow.cli.doctor.order_test import TestOrder, order_test
from jqfollow.clock import SystemClock
from jqfollow.settings import ConfigError, load_settings

CHECKS: list[Check] = [
    machine.python,
    parts.configuration,
    parts.calendar,
    machine.clock_skew,
    machine.ports,
    machine.data_folder,
    machine.private,
    windows.sleep,
    windows.code_page,
    windows.log_on,
    windows.scanners,
    parts.ledger,
    parts.keys,
    parts.brokers,
    miniqmt.terminals,
    miniqmt.market_data,
    fullqmt.mailboxes,
    parts.paper_cash,
    parts.notify,
    tunnel.tunnel,
    relay.relay,
]
_MARKS = {Level.OK: ("✓", "green"), Level.WARN: ("!", "yellow"), Level.FAIL: ("✗", "bold red")}
_TIMEOUT_S = 5


@click.command(cls=Command)
@click.option("--send-test", is_flag=True, help="给企业微信机器人发一条测试消息 / send a test message to the robots")
@click.option(
    "--order-test", is_flag=True, help="实盘下一笔跌停价委托再撤销（逐笔询问） / places and cancels a real order"
)
@json_option
@config_option
def doctor(*, config: Path, send_test: bool, order_test: bool, as_json: bool) -> None:
    """逐项体检，并给出解决办法；有一项不通过则退出码 1。 / Checks everything; exit code 1 when something fails."""
    found = examine(config, send_test=send_test, checks=[*CHECKS, _order_test] if order_test else None)
    if as_json:
        print_json(found)
    else:
        show(found)
    raise click.exceptions.Exit(Exit.FAILED if any(f.level is Level.FAIL for f in found) else Exit.DONE)


def examine(config: Path, *, send_test: bool, checks: Sequence[Check] | None = None) -> list[Finding]:
    """All findings; a check that breaks is a finding itself."""
    try:
        settings = load_settings(config)
    except ConfigError as error:
        remedy = "改正后再运行 jqfollow doctor", "mend it, then run jqfollow doctor again"
        return [bad("config", str(error), str(error), *remedy)]
    found: list[Finding] = []
    with httpx.Client(trust_env=False, timeout=_TIMEOUT_S) as http:
        around = Surroundings(
            settings=settings, clock=SystemClock(), http=http, send_test=send_test, folder=config.resolve().parent
        )
        for check in CHECKS if checks is None else checks:
            try:
                found += check(around)
            except Exception as error:  # noqa: BLE001  # a check ends here, and the others go on
                name = getattr(check, "__name__", "check")
                zh, en = f"检查中断：{error!r}", f"the check broke: {error!r}"
                found.append(bad(name, zh, en, "请报告这个问题", "please report this"))
    return found


def _order_test(around: Surroundings) -> Sequence[Finding]:
    return order_test(around, _agrees)


def _agrees(order: TestOrder) -> bool:
    zh = (
        f"账户 {order.account}：真实买入 {order.symbol} {order.volume} 股 @ {order.price}（跌停价），随后撤单，下单吗？"
    )
    en = f"account {order.account}: really buy {order.volume} {order.symbol} at {order.price}, and cancel it?"
    return click.confirm(words(zh, en), default=False, err=True)


def show(found: Sequence[Finding]) -> None:
    """Prints findings with their remedies, and how many there are."""
    out, language = console(), lang()
    for finding in found:
        mark, style = _MARKS[finding.level]
        line = Text(f"{mark} ", style=style).append(finding.name, style="bold").append(f"  {finding.text(language)}")
        out.print(line, soft_wrap=True)
        if finding.remedy(language):
            out.print(Text(f"    → {finding.remedy(language)}", style=style), soft_wrap=True)
    counts = {level: sum(f.level is level for f in found) for level in Level}
    summary = words(
        f"{counts[Level.OK]} 项正常，{counts[Level.WARN]} 项提醒，{counts[Level.FAIL]} 项不通过",
        f"{counts[Level.OK]} ok, {counts[Level.WARN]} warnings, {counts[Level.FAIL]} failed",
    )
    out.print(Text(summary, style="bold"), soft_wrap=True)
