"""`jqfollow account`: what a person decides when another account stands behind a name."""

import click

from jqfollow.cli.base import Command, Exit, fail, say, settings_option, words
from jqfollow.cli.lock import is_running
from jqfollow.cli.names import unknown
from jqfollow.clock import SystemClock
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.tx import Tx
from jqfollow.meant import ACCOUNT
from jqfollow.settings import RealAccount, Settings


@click.command(cls=Command)
@click.argument("name")
@click.option("--same", "decision", flag_value="same", help="同一个账户换了号，持仓照旧 / the same account, renumbered")
@click.option(
    "--new",
    "decision",
    flag_value="new",
    help="另一个账户，从空仓开始；旧持仓留档 / another account: its books begin empty",
)
@settings_option
def account(name: str, *, decision: str | None, settings: Settings) -> None:
    """账户名后面换了资金账号，或模拟账户重来时，由人决定持仓归谁。 / Whose books they are then."""
    known = settings.accounts.get(name)
    if known is None:
        raise unknown(ACCOUNT, name, settings.accounts)
    number = known.account_id if isinstance(known, RealAccount) else ""
    with Ledger.open(settings.ledger_file) as ledger:
        before = ledger.read_now(lambda tx: tx.numbers.get(name))
        anew = decision == "new" and not number  # a practice account whose file was put away
        if not anew and before in {None, number}:
            say(
                f"账户 {name} 的资金账号没有变，不用决定",
                f"account {name} has the number that it had: nothing to decide",
            )
            return
        if anew and is_running(settings.data_dir) is not None:
            fail(
                words("服务正在使用这些持仓，请先停止服务", "the service works with these books: stop it first"),
                Exit.WRONG_USE,
            )
        if decision is None:
            fail(words(*_question(name, before or "", number)), Exit.WRONG_USE)
        moved = ledger.write_now(lambda tx: _decide(tx, name, number, decision, before or ""))
    if decision == "same":
        say("已记下：持仓照旧。重启 jqfollow 后生效", "noted: the books stay as they are. Restart jqfollow")
    else:
        say(
            f"已记下：{moved} 个旧持仓留档，从空仓开始。重启 jqfollow 后生效",
            f"noted: {moved} books put away. Restart jqfollow",
        )


def _question(name: str, before: str, number: str) -> tuple[str, str]:
    was, now = before or "模拟账户", number or "模拟账户"
    zh = f"账户 {name} 原来是 {was}，现在是 {now}。同一个账户用 --same，另一个账户用 --new"
    was, now = before or "a practice account", number or "a practice account"
    return zh, f"account {name} was {was} and is {now}: say --same or --new"


def _decide(tx: Tx, name: str, number: str, decision: str, before: str) -> int:
    now = SystemClock().now()
    moved = (
        tx.numbers.put_books_away(name, f"{name}@{before or 'paper'}-{now:%Y%m%d%H%M%S}") if decision == "new" else 0
    )
    tx.numbers.set(name, number, now)
    return moved
