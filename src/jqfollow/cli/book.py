"""`jqfollow book set | move | adopt | undo | list`: a person changes what strategies' books hold."""

import getpass
from collections.abc import Mapping
from typing import Any

import click

from jqfollow.accounting.books import acts_of
from jqfollow.cli.base import Command, F, Group, json_option, print_json, say, settings_option, table, words
from jqfollow.cli.console_call import ask
from jqfollow.cli.figures import moment, number
from jqfollow.cli.names import known_account, known_strategy
from jqfollow.cli.queries import called, read
from jqfollow.ledger.rows import BookingKind
from jqfollow.settings import Settings

_KINDS_ZH = {
    BookingKind.SET: "设定",
    BookingKind.MOVE: "移动",
    BookingKind.ADOPT: "认领",
    BookingKind.HAND: "券商端卖出",
    BookingKind.SPLIT: "送转拆分",
    BookingKind.DIVIDEND: "分红",
}


@click.group(cls=Group)
def book() -> None:
    """改账：与券商持仓核对后写入，写明谁、何时、为何，可撤销。 / Changes books, checked, signed, and undoable."""


def _signed(function: F) -> F:
    function = click.option("--why", required=True, help="为什么，写进账本 / why; it is kept")(function)
    return click.option("--who", default=getpass.getuser, help="谁；默认系统用户名 / by default the system's user")(
        function
    )


def _known(settings: Settings, account: str, *strategies: str) -> None:
    known_account(settings, account)
    for strategy in strategies:
        known_strategy(settings, strategy)


@book.command("set", cls=Command)
@click.argument("account")
@click.argument("strategy")
@click.argument("security")
@click.argument("shares", type=click.IntRange(0, 10**10))
@_signed
@settings_option
def set_(settings: Settings, *, account: str, strategy: str, security: str, shares: int, who: str, why: str) -> None:
    """策略在账户里的持仓从现在起是 SHARES 股。 / The strategy's book holds SHARES from now on."""
    _known(settings, account, strategy)
    asked = {"account": account, "strategy": strategy, "security": security, "shares": shares, "who": who, "why": why}
    _tell(settings, [ask(settings, "POST", "/api/books/set", asked)])


@book.command(cls=Command)
@click.argument("account")
@click.argument("security")
@click.argument("giver")
@click.argument("taker")
@click.argument("shares", type=click.IntRange(1, 10**10))
@_signed
@settings_option
def move(
    settings: Settings, *, account: str, security: str, giver: str, taker: str, shares: int, who: str, why: str
) -> None:
    """把 SHARES 股从策略 GIVER 的账移到 TAKER 的账。 / Moves shares from one strategy's book to another's."""
    _known(settings, account, giver, taker)
    asked = {"account": account, "security": security, "giver": giver, "taker": taker, "shares": shares, "who": who,
             "why": why}  # fmt: skip
    _tell(settings, [ask(settings, "POST", "/api/books/move", asked)])


@book.command(cls=Command)
@click.argument("account")
@click.argument("strategy")
@click.argument("security", required=False)
@click.argument("shares", type=click.IntRange(1, 10**10), required=False)
@_signed
@settings_option
def adopt(
    settings: Settings, *, account: str, strategy: str, security: str | None, shares: int | None, who: str, why: str
) -> None:
    """认领账户里不属于任何策略的股；不写证券则按持仓报告认领缺的。 / Adopts shares that no book holds."""
    if (security is None) != (shares is None):
        raise click.UsageError("SECURITY 和 SHARES 要一起写 / SECURITY and SHARES go together")
    _known(settings, account, strategy)
    asked = {"account": account, "strategy": strategy, "security": security, "shares": shares or 0, "who": who,
             "why": why}  # fmt: skip
    _tell(settings, ask(settings, "POST", "/api/books/adopt", asked))


@book.command(cls=Command)
@click.argument("act", type=click.IntRange(1, 2**63 - 1))
@_signed
@settings_option
def undo(settings: Settings, *, act: int, who: str, why: str) -> None:
    """撤销改账 ACT（编号见 book list）。 / Takes the act back; see book list for its number."""
    _tell(settings, [ask(settings, "POST", "/api/books/undo", {"act": act, "who": who, "why": why})])


@book.command("list", cls=Command)
@json_option
@settings_option
def list_(settings: Settings, *, as_json: bool) -> None:
    """改账记录。 / Everything that was changed by a person or a corporate action."""
    acts = read(settings, lambda tx: acts_of(tx.bookings.list()))
    if as_json:
        print_json(acts)
        return
    columns = words(
        "编号,时间,账户,策略,证券,种类,股数,谁,为何", "act,at,account,strategy,security,kind,shares,who,why"
    )
    name = called(settings)
    cells = [
        (
            f"{act.act}{words('（已撤销）', ' (undone)') if act.undone else ''}",
            moment(row.at),
            row.account,
            row.strategy,
            name(row.security),
            words(_KINDS_ZH[row.kind], row.kind),
            number(row.shares),
            row.who,
            row.why,
        )
        for act in acts
        for row in act.bookings
    ]
    table(words("改账记录", "Changes of books"), columns.split(","), cells, right=(6,), spare=(8, 7, 2))


def _tell(settings: Settings, acts: list[Mapping[str, Any]]) -> None:
    if not acts:
        say("没有可认领的", "there is nothing to adopt")
        return
    name = called(settings)
    for act in acts:
        for row in act["bookings"]:
            figures = f"{row['account']} {row['strategy']} {name(row['security'])} {row['shares']:+d}"
            say(f"改账 {act['act']}：{figures}", f"act {act['act']}: {figures}")
