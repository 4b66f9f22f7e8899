"""The wizard's questions: each offers what stands now, and asks again until the answer can be."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import click

from jqfollow.cli.base import say, words
from jqfollow.domain import Wire
from jqfollow.settings import BrokerName, Settings
from jqfollow.setup import qmt_folder
from jqfollow.setup.answers import (
    AnswerError,
    Answers,
    as_account_id,
    as_name,
    as_ratio,
    as_robot,
    of_account,
)

T = TypeVar("T")
_BROKERS = (
    (BrokerName.PAPER, "模拟盘：自带的小交易所，不动用真实资金", "paper: a small exchange of its own, no real money"),
    (BrokerName.QMT, "MiniQMT（极简模式）实盘", "MiniQMT, real money"),
    (BrokerName.FULLQMT, "完整版 QMT 实盘（没有 MiniQMT 权限时）", "the full QMT terminal, real money"),
)
_NONE = "-"


def ask(settings: Settings, before: Answers) -> Answers:
    """Asks the five things and offers what is `before`; nothing is written."""
    say(
        "方括号里是现在的值，直接回车就保留；Ctrl-C 随时退出，什么也不写。\n",
        "What stands now is in brackets: Enter keeps it. Ctrl-C ends it at any time, and nothing is written.\n",
    )
    broker = _broker(before.broker)
    answers = of_account(settings, broker, before)
    answers = _account(answers)
    strategy = _until(words("3/5 策略名（英文、数字、. _ -）", "3/5 the strategy's name"), answers.strategy, as_name)
    answers = of_strategy(replace(answers, strategy=strategy), settings)
    ratio = _until(
        words("4/5 跟单比例（0.5 为一半）", "4/5 ratio (0.5: half of its shares)"), _plain(answers.ratio), as_ratio
    )
    return replace(answers, ratio=ratio, robot=before.robot if before.robot is not None else _robot(settings))


def _broker(now: BrokerName) -> BrokerName:
    say("1/5 在哪里下单？", "1/5 Where are orders placed?")
    for number, (name, zh, en) in enumerate(_BROKERS, start=1):
        click.echo(f"  {number}  {name.value:8}{words(zh, en)}")
    default = next(str(number) for number, (name, *_) in enumerate(_BROKERS, start=1) if name is now)

    def chosen(text: str) -> BrokerName:
        for number, (name, *_) in enumerate(_BROKERS, start=1):
            if text.strip().lower() in {str(number), name.value}:
                return name
        raise AnswerError("请输入 1、2 或 3 / 1, 2 or 3")

    return _until(words("选择", "choose"), default, chosen)


def _account(answers: Answers) -> Answers:
    if answers.broker is BrokerName.QMT:
        answers = replace(answers, folder=_mini(answers.folder))
    elif answers.broker is BrokerName.FULLQMT:
        title = words("2/5 信箱：本机上一个单独的文件夹（完整路径）", "2/5 the mailbox: a folder of its own, absolute")
        default = str(answers.folder or Path.home() / "jqfollow-mailbox")
        answers = replace(answers, folder=_until(title, default, Path))
    if answers.broker is not BrokerName.PAPER:
        title = words("2/5 资金账号", "2/5 the account's number")
        answers = replace(answers, account_id=_until(title, answers.account_id or None, as_account_id))
    title = words("2/5 给账户起个名字", "2/5 a name for the account")
    return replace(answers, account=_until(title, answers.account, as_name))


def _mini(now: Path | None) -> Path:
    """MiniQMT's folder: one of those found, or typed."""
    found = [folder for folder in qmt_folder.find() if folder != now]
    choices = [*([now] if now else []), *found]
    if choices:
        say("2/5 MiniQMT 的文件夹，找到：", "2/5 MiniQMT's folder; found:")
        for number, folder in enumerate(choices, start=1):
            click.echo(f"  {number}  {folder}")
    else:
        say(
            "2/5 没有找到 MiniQMT 的文件夹 userdata_mini，请输入完整路径",
            "2/5 userdata_mini was not found: type its path",
        )

    def chosen(text: str) -> Path:
        text = text.strip().strip("\"'")
        if text.isdigit() and 0 < int(text) <= len(choices):
            return choices[int(text) - 1]
        path = qmt_folder.as_mini(Path(text))
        if not path.is_dir() and not click.confirm(
            words(f"没有文件夹 {path}，仍然用它？", f"there is no folder {path}: use it?")
        ):
            raise AnswerError("请再输入一次 / once more")
        return path

    return _until(words("编号或完整路径", "its number, or a path"), "1" if choices else None, chosen)


def of_strategy(answers: Answers, settings: Settings) -> Answers:
    """What is offered as ratio, now that the strategy is known."""
    known = settings.strategies.get(answers.strategy)
    if known is not None and known.wire is Wire.SEED:
        say(
            f"  {answers.strategy} 用原版客户端，接下来不生成客户端文件",
            f"  {answers.strategy} keeps the original client",
        )
    follow = known.follow.get(answers.account) if known is not None else None
    return replace(answers, ratio=follow.ratio) if follow is not None and follow.ratio is not None else answers


def _robot(settings: Settings) -> str | None:
    keys = len(settings.notify.wecom.keys)
    title = words("5/5 企业微信群机器人的 key 或 Webhook 地址", "5/5 key or webhook address of a WeCom group robot")
    if keys:
        title += words(f"（已有 {keys} 个，回车保留，输入 - 去掉）", f" ({keys} are set: Enter keeps, - removes)")
    else:
        title += words("（没有就直接回车）", " (Enter: none)")
    text = _until(title, "", lambda text: text if text.strip() == _NONE else as_robot(text), show_default=False)
    return "" if text.strip() == _NONE else (text or (None if keys else ""))


def _until(title: str, default: str | None, read: Callable[[str], T], *, show_default: bool = True) -> T:
    """Asks until the answer can be read."""
    while True:
        text = click.prompt(title, default=default, show_default=show_default, type=str)
        try:
            return read(text)
        except AnswerError as error:
            zh, _, en = str(error).partition(" / ")
            click.secho(f"  {words(zh, en or zh)}", fg="yellow")


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
