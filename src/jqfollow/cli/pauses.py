"""`jqfollow pause | resume`: stop and allow new orders, at once, also while the service runs."""

from datetime import datetime

import click

from jqfollow.cli.base import Command, F, say, settings_option
from jqfollow.cli.console_call import whoever
from jqfollow.cli.names import known_account, known_strategy
from jqfollow.cli.status import pause_scope
from jqfollow.clock import SystemClock
from jqfollow.ledger.deeds import What
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import PauseRow
from jqfollow.ledger.tx import Tx
from jqfollow.settings import Settings


def _scope(function: F) -> F:
    function = click.option("--account", help="只限某账户 / of one account only")(function)
    return click.option("--strategy", help="只限某策略 / of one strategy only")(function)


def _checked(settings: Settings, strategy: str | None, account: str | None) -> tuple[str, str]:
    if strategy is not None:
        known_strategy(settings, strategy)
    if account is not None:
        known_account(settings, account)
    return strategy or "", account or ""


@click.command(cls=Command)
@_scope
@click.option("--buys", is_flag=True, help="只停买入，卖出照常 / stop buys only; sells go on")
@settings_option
def pause(*, settings: Settings, strategy: str | None, account: str | None, buys: bool) -> None:
    """暂停：不再下新单，已报的委托照常处理。 / No new orders from now on; those at the broker go on to their end."""
    names = _checked(settings, strategy, account)
    now = SystemClock().now()
    with Ledger.open(settings.ledger_file) as ledger:
        ledger.write_now(lambda tx: _pause(tx, names, now, buys=buys))
    scope = pause_scope(PauseRow(strategy=names[0], account=names[1], since=now, buys=buys))
    say(f"已暂停：{scope}。恢复用 jqfollow resume", f"paused: {scope}; jqfollow resume starts it again")


@click.command(cls=Command)
@_scope
@settings_option
def resume(*, settings: Settings, strategy: str | None, account: str | None) -> None:
    """恢复下单；不带选项则解除全部暂停。 / Allows new orders again; without options, ends every pause."""
    # A pause of a strategy or account that has left the configuration can be ended, too.
    names = strategy or "", account or ""
    with Ledger.open(settings.ledger_file) as ledger:
        standing = ledger.read_now(lambda tx: tx.pauses.list())
        if strategy and all(row.strategy != strategy for row in standing):
            known_strategy(settings, strategy)
        if account and all(row.account != account for row in standing):
            known_account(settings, account)
        ended, left = ledger.write_now(lambda tx: _resume(tx, names))
    say(f"解除了 {ended} 个暂停", f"{ended} pauses ended")
    for row in left:
        say(f"仍然暂停：{pause_scope(row)}", f"still paused: {pause_scope(row)}")


def _pause(tx: Tx, names: tuple[str, str], now: datetime, *, buys: bool) -> None:
    tx.pauses.pause(*names, now, buys=buys)
    what = What.PAUSE_BUYS if buys else What.PAUSE
    tx.deeds.add(now, whoever(), what, strategy=names[0], account=names[1])


def _resume(tx: Tx, names: tuple[str, str]) -> tuple[int, list[PauseRow]]:
    ended = tx.pauses.resume(*names)
    tx.deeds.add(SystemClock().now(), whoever(), What.RESUME, strategy=names[0], account=names[1])
    return ended, tx.pauses.list()
