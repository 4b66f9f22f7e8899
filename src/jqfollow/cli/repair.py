"""`jqfollow repair`: the orders that would close a strategy's drift, and, when a person confirms them, those orders."""

import getpass
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import click

from jqfollow.cli.base import Command, json_option, print_json, say, settings_option, table, words
from jqfollow.cli.console_call import ask
from jqfollow.cli.figures import number, word
from jqfollow.cli.names import known_account, known_strategy
from jqfollow.cli.queries import called
from jqfollow.settings import Settings
from jqfollow.vocabulary import SIDES

_OUTCOMES_ZH = {"place": "可下单", "wait": "先等", "refuse": "不会下", "end": "不会下", "": "未知"}


@click.command(cls=Command)
@click.argument("strategy")
@click.option("--account", help="只限某账户 / of one account only")
@click.option("--security", help="只限某证券 / of one security only")
@click.option("--dry-run", is_flag=True, help="只看计划，不问也不下单 / shows the plan, asks and orders nothing")
@click.option(
    "--word",
    "said",
    multiple=True,
    type=click.Choice(["unexplained", "zero"]),
    help="人已核对：unexplained 原因不明的也补；zero 报告为零、没有卖出信号的也卖 / what a person has decided",
)
@click.option("--confirm", "plan", metavar="PLAN", help="直接确认刚看过的计划编号 / confirms a plan that was looked at")
@json_option
@settings_option
def repair(
    strategy: str,
    *,
    settings: Settings,
    account: str | None,
    security: str | None,
    dry_run: bool,
    said: tuple[str, ...],
    plan: str | None,
    as_json: bool,
) -> None:
    """把策略的偏差补上：先列出订单，确认后才下单。 / Closes a drift: shows the orders, places them when confirmed."""
    known_strategy(settings, strategy)
    if account is not None:
        known_account(settings, account)
    if plan is None:
        asked = {"strategy": strategy, "account": account, "security": security, "words": list(said)}
        proposal = ask(settings, "POST", "/api/repair/plan", asked)
        if as_json:
            print_json(proposal)
        else:
            _show(proposal, called(settings))
        if dry_run or as_json or not _has_something(proposal):
            return
        question = words(f"执行计划 {proposal['plan']}？（一分钟内有效）", f"carry out plan {proposal['plan']}?")
        if not click.confirm(question, default=False):
            say("没有下单", "nothing was ordered")
            return
        plan = str(proposal["plan"])
    body = {"strategy": strategy, "plan": plan, "who": getpass.getuser()[:64] or "cli"}
    orders = ask(settings, "POST", "/api/repair", body)
    if as_json:
        print_json(orders)
        return
    say(
        f"已交给服务：{len(orders)} 笔。结果看 jqfollow orders",
        f"handed over: {len(orders)} orders. See jqfollow orders",
    )


def _has_something(proposal: Mapping[str, Any]) -> bool:
    return bool(proposal["items"]) or any(kept["off_book"] for kept in proposal["kept"])


def _show(proposal: Mapping[str, Any], name: Callable[[str], str]) -> None:
    if proposal["items"]:
        columns = words(
            "账户,证券,方向,数量,价格,金额,偏差,结论", "account,security,side,volume,price,yuan,drift,verdict"
        )
        cells = [_item(item, name) for item in proposal["items"]]
        title = words(f"计划 {proposal['plan']}（先卖后买）", f"Plan {proposal['plan']} (sells first)")
        table(title, columns.split(","), cells, right=(3, 4, 5, 6), spare=(7, 0, 6))
    else:
        say("没有可下的订单", "nothing can be ordered")
    if proposal["kept"]:
        columns = words("账户,证券,偏差,原因", "account,security,drift,why")
        kept = proposal["kept"]
        cells = [(k["account"], name(k["security"]), _shares(k["shares"]), words(k["zh"], k["en"])) for k in kept]
        table(words("不处理的", "Left as they are"), columns.split(","), cells, right=(2,), spare=(3,))
    for money in proposal["money"]:
        cash, sells, buys = (number(Decimal(money[key])) for key in ("cash", "sells_bring", "buys_need"))
        say(
            f"{money['account']}：现金 {cash}，卖出约得 {sells}，买入约需 {buys}",
            f"{money['account']}: cash {cash}, sells bring about {sells}, buys need about {buys}",
        )


def _item(item: Mapping[str, Any], name: Callable[[str], str]) -> tuple[str, ...]:
    why = words(item["zh"], item["en"])
    verdict = words(_OUTCOMES_ZH[item["outcome"]], item["outcome"] or "not known")
    if item["off_book"]:
        why += words(f"；先从账上减去 {item['off_book']}", f"; {item['off_book']} leave the book first")
    passed = sum(said["outcome"] == "pass" for said in item["verdicts"])
    if passed:
        verdict += words(f"（{passed} 条规则通过）", f" ({passed} rules pass)")
    others = [words(v["zh"], v["en"]) for v in item["verdicts"] if v["outcome"] not in {"pass", "skip"}]
    why = "; ".join(dict.fromkeys(filter(None, [why, *others])))
    return (
        item["account"],
        name(item["security"]),
        word(SIDES, item["side"]),
        number(item["volume"]),
        number(Decimal(item["price"])),
        number(Decimal(item["yuan"])),
        _shares(item["drift"]),
        f"{verdict} {why}".strip(),
    )


def _shares(text: str | None) -> str:
    return number(None if text is None else Decimal(text))
