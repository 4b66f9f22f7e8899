"""`jqfollow close-all | cancel-all`: everything of a strategy or an account is sold, or cancelled, when confirmed."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import click

from jqfollow.cli.base import Command, F, fail, say, settings_option, table, words
from jqfollow.cli.console_call import ask
from jqfollow.cli.figures import number
from jqfollow.cli.names import known_account, known_strategy
from jqfollow.cli.queries import called
from jqfollow.settings import Settings


def _scope(function: F) -> F:
    function = click.option("--account", help="某账户 / of one account")(function)
    return click.option("--strategy", help="某策略 / of one strategy")(function)


def _asked(settings: Settings, strategy: str | None, account: str | None) -> dict[str, str]:
    if strategy is not None:
        known_strategy(settings, strategy)
    if account is not None:
        known_account(settings, account)
    return {name: value for name, value in (("strategy", strategy), ("account", account)) if value is not None}


@click.command("close-all", cls=Command)
@_scope
@click.option("--confirm", metavar="ACCOUNT", help="账户名：不再询问 / the account's name: does not ask")
@settings_option
def close_all(*, settings: Settings, strategy: str | None, account: str | None, confirm: str | None) -> None:
    """清仓：先暂停、撤单，再卖出策略持仓（不动自己的股票）。 / Pauses, cancels, then sells books only."""
    asked = _asked(settings, strategy, account)
    if not asked:
        raise click.UsageError("请用 --strategy 或 --account 指明 / name a --strategy or an --account")
    outlook = ask(settings, "GET", f"/api/close?{urlencode(asked)}")
    _show(outlook, called(settings))
    if confirm is None:
        question = words(f"输入账户名确认（{outlook['confirm']}）", f"type the account's name ({outlook['confirm']})")
        confirm = click.prompt(question, default="", show_default=False)
    if confirm.split() != outlook["confirm"].split():
        fail(words("没有确认，什么也没做", "not confirmed: nothing was done"))
    key = f"cli-{uuid.uuid4()}"
    orders = ask(settings, "POST", "/api/close", {**asked, "confirm": confirm, "key": key})
    say(
        f"已暂停，交出 {len(orders)} 笔清仓订单。结果看 jqfollow orders",
        f"paused; {len(orders)} orders handed over. See jqfollow orders",
    )


@click.command("cancel-all", cls=Command)
@_scope
@click.option("--yes", is_flag=True, help="不再询问 / does not ask")
@settings_option
def cancel_all(*, settings: Settings, strategy: str | None, account: str | None, yes: bool) -> None:
    """撤销全部未完成的订单，不再追单。 / Cancels all open orders, with no further attempt."""
    asked = _asked(settings, strategy, account)
    scope = " · ".join(asked.values()) or words("全部", "everything")
    if not yes and not click.confirm(words(f"撤销全部未完成的订单：{scope}？", f"cancel all open orders: {scope}?")):
        fail(words("没有确认，什么也没做", "not confirmed: nothing was done"))
    count = ask(settings, "POST", "/api/cancel-all", asked)["canceled"]
    say(f"已请求撤单 {count} 笔", f"{count} orders are to end")


def _show(outlook: Mapping[str, Any], name: Callable[[str], str]) -> None:
    columns = words("账户,策略,证券,数量,次日才能卖,备注", "account,strategy,security,volume,next day,note")
    cells = [
        (held["account"], held["strategy"], name(held["security"]), number(held["volume"]), number(held["later"]),
         _note(held))
        for held in outlook["held"]
    ]  # fmt: skip
    table(words("要卖出的策略持仓", "Books that are sold"), columns.split(","), cells, right=(3, 4))
    say(f"要撤的订单：{outlook['to_cancel']}", f"orders to be cancelled: {outlook['to_cancel']}")
    for account, at in outlook["opens_at"].items():
        say(f"{account} 现在休市，开市后卖出：{at or '不详'}", f"{account} is closed; sold from {at or 'nobody knows'}")
    for account, why in outlook["down"].items():
        zh, _, en = why.partition(" / ")
        say(f"{account} 现在不能交易：{zh}", f"{account} cannot trade now: {en or zh}")


def _note(held: Mapping[str, Any]) -> str:
    if not held["followed"]:
        return words("策略不在配置里，不会卖", "its strategy is not configured: not sold")
    if held["under_way"]:
        return words("已在清仓", "under way")
    return words(f"在途买入 {held['buying']}", f"{held['buying']} being bought") if held["buying"] else ""
