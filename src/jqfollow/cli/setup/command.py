"""`jqfollow setup`: five questions, one write, everything tried, and a first paper order.

Nothing is written before the last question is answered; what is written then goes the way of `config set`.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from jqfollow.cli.base import Command, Exit, config_option, fail, lang, say, words
from jqfollow.cli.client import write_client
from jqfollow.cli.doctor import fullqmt, machine, miniqmt, parts
from jqfollow.cli.doctor.command import examine, show
from jqfollow.cli.doctor.findings import Check, Level
from jqfollow.cli.lock import is_running
from jqfollow.cli.serve import write_default
from jqfollow.cli.setup import questions
from jqfollow.cli.setup.order import first_order, tell_accounts
from jqfollow.cli.start import begin
from jqfollow.cli.stop import stop_all
from jqfollow.domain import Wire
from jqfollow.settings import BrokerName, Config, Settings, default_config, load_settings, local_file, read_config
from jqfollow.settings.toml_file import parse_toml
from jqfollow.setup.answers import (
    AnswerError,
    Answers,
    as_account_id,
    as_name,
    as_ratio,
    as_robot,
    changes,
    of_account,
    paper_account,
    present,
)
from jqfollow.setup.own_file import change_own
from jqfollow.setup.qmt_folder import as_mini
from jqfollow.wire.client_file import module_name

CHECKS: list[Check] = [machine.ports, machine.data_folder, miniqmt.terminals, fullqmt.mailboxes, parts.notify]
"""What the answers lead to; `doctor` looks at the rest, too."""


@click.command(cls=Command)
@click.option("--broker", type=click.Choice([name.value for name in BrokerName]), help="在哪里下单 / where orders go")
@click.option("--account", help="账户的名字 / the account's name")
@click.option("--account-id", help="资金账号 / its number at the broker")
@click.option("--folder", type=click.Path(path_type=Path), help="userdata_mini，或完整版 QMT 的信箱 / or the mailbox")
@click.option("--strategy", help="策略名 / the strategy's name")
@click.option("--ratio", help="跟单比例 / times the strategy's shares")
@click.option("--wecom", help="企业微信机器人的 key / a WeCom robot's key")
@click.option("--url", help="聚宽访问本机的地址，写进客户端文件 / as JoinQuant reaches this machine")
@click.option("--yes", is_flag=True, help="不提问：没给的按现在的值 / asks nothing: what is not given stays")
@click.option("--order/--no-order", default=None, help="最后在模拟盘下第一笔单 / ends with a first paper order")
@click.option("--keep/--stop", default=None, help="之后让服务继续运行 / the service goes on running afterwards")
@config_option
def setup(*, config: Path, yes: bool, url: str | None, order: bool | None, keep: bool | None, **given: object) -> None:
    """一步步设好：问五件事，写好配置，逐项试，下第一笔模拟单。 / A wizard: five questions, then a first paper order."""
    if not yes and not can_ask():
        fail(
            words(
                "这里不能提问：加 --yes，用选项给出答案", "nobody can be asked here: --yes, and the answers as options"
            ),
            2,
        )
    read = _read(config)
    settings = _settings(read)
    answers = _given(settings, given, whole=yes)
    if not yes:
        answers = questions.ask(settings, answers)
        _confirm(answers, config)
    settings = _write(config, answers)
    fine = _try(config, sends=answers.robot != "" and bool(settings.notify.wecom.keys))
    _client(settings, config, answers.strategy, url)
    fine &= _order(settings, config, answers, asks=not yes, order=order, keep=keep)
    _what_next(answers)
    raise click.exceptions.Exit(Exit.DONE if fine else Exit.FAILED)


def can_ask() -> bool:
    """Whether somebody sits there."""
    return bool(sys.stdin and sys.stdin.isatty())


def _read(config: Path) -> Config:
    """The configuration; in an empty folder, what would be written there."""
    return read_config(config, base=None if config.exists() else parse_toml(default_config().decode(), config.name))


def _settings(read: Config) -> Settings:
    if read.settings is None:
        wrong = "\n".join(f"  {mistake.text(lang())}" for mistake in read.mistakes)
        fail(words(f"先改正配置：\n{wrong}", f"mend the configuration first:\n{wrong}"), Exit.WRONG_USE)
    return read.settings


def _given(settings: Settings, given: dict[str, object], *, whole: bool) -> Answers:
    """The options over what stands now."""
    try:
        answers = present(settings)
        if (broker := given["broker"]) is not None:
            answers = of_account(settings, BrokerName(str(broker)), answers)
        if given["account"] is not None:
            answers = replace(answers, account=as_name(str(given["account"])))
        if given["account_id"] is not None:
            answers = replace(answers, account_id=as_account_id(str(given["account_id"])))
        if given["strategy"] is not None:
            answers = questions.of_strategy(replace(answers, strategy=as_name(str(given["strategy"]))), settings)
        if given["ratio"] is not None:
            answers = replace(answers, ratio=as_ratio(str(given["ratio"])))
        if given["wecom"] is not None:
            answers = replace(answers, robot=as_robot(str(given["wecom"])))
        if isinstance(folder := given["folder"], Path):
            answers = replace(
                answers, folder=as_mini(folder) if answers.broker is BrokerName.QMT else folder.absolute()
            )
    except AnswerError as error:
        zh, _, en = str(error).partition(" / ")
        fail(words(zh, en or zh), Exit.WRONG_USE)
    real = answers.broker is not BrokerName.PAPER
    if whole and real and not (answers.account_id and answers.folder):
        fail(
            words("实盘还要 --folder 和 --account-id", "a real account wants --folder and --account-id"), Exit.WRONG_USE
        )
    return answers


def _confirm(answers: Answers, config: Path) -> None:
    robot = {None: words("不变", "as it is"), "": words("无", "none")}.get(answers.robot, words("已填", "given"))
    rows = (
        (words("下单", "broker"), answers.broker.value),
        (
            words("账户", "account"),
            " ".join(filter(None, [answers.account, answers.account_id, str(answers.folder or "")])),
        ),
        (words("策略", "strategy"), answers.strategy),
        (words("比例", "ratio"), f"{answers.ratio:f}"),
        (words("企业微信", "WeCom"), robot),
    )
    click.echo()
    for name, value in rows:
        click.echo(f"  {name}: {value}")
    if not click.confirm(words(f"写入 {local_file(config)}？", f"write it to {local_file(config)}?"), default=True):
        say("什么也没有写", "nothing was written")
        raise click.exceptions.Exit(Exit.FAILED)


def _write(config: Path, answers: Answers) -> Settings:
    write_default(config)
    wanted = changes(answers, _settings(read_config(config)))
    try:
        done = change_own(config, wanted)
    except OSError as error:
        fail(words(f"无法写入 {local_file(config)}：{error.strerror}", f"{local_file(config)}: {error.strerror}"))
    if done.warning:
        click.secho(done.warning, err=True, fg="yellow")
    say(f"已写入 {done.file}", f"written: {done.file}") if wanted else say("配置不变", "nothing to change")
    return load_settings(config)


def _try(config: Path, *, sends: bool) -> bool:
    """Looks at what the answers lead to; whether all of it works."""
    say("\n逐项试一试：", "\nEach is tried:")
    found = examine(config, send_test=sends, checks=CHECKS)
    show(found)
    return not any(one.level is Level.FAIL for one in found)


def _client(settings: Settings, config: Path, strategy: str, url: str | None) -> None:
    """The file for JoinQuant, beside the configuration; it holds the key, and is written anew each time."""
    if settings.strategies[strategy].wire is not Wire.JQF1:
        return
    click.echo()
    target = config.resolve().parent / f"{module_name(strategy)}.py"
    write_client(settings, strategy, target, url, force=True)


def _order(
    settings: Settings, config: Path, answers: Answers, *, asks: bool, order: bool | None, keep: bool | None
) -> bool:
    """The first order, on a paper account whatever the broker is; whether it was filled, or not wanted."""
    account = paper_account(settings, answers.strategy)
    if account is None or order is False or not settings.console.port:
        return True
    ran = is_running(settings.data_dir) is not None
    title = (
        words("重启服务，在模拟盘下第一笔单？", "restart the service, and place a first order on paper?")
        if ran
        else words("启动服务，在模拟盘下第一笔单？", "start the service, and place a first order on paper?")
    )
    click.echo()
    if asks and order is None and not click.confirm(title, default=True):
        return True
    if ran and not stop_all(settings.data_dir):
        fail(
            words("服务没有停下：请关闭它的窗口，再运行一次", "the service did not stop: close its window, then again")
        )
    begin(settings, config.resolve())
    tell_accounts(settings)
    filled = first_order(settings, answers.strategy, account)
    if keep is None:
        keep = ran or (
            asks and click.confirm(words("让服务继续在后台运行？", "let it run on in the background?"), default=True)
        )
    if keep:
        say("服务在后台运行，带任务栏图标；停止：jqfollow stop", "the service runs on; jqfollow stop ends it")
    elif not stop_all(settings.data_dir):
        fail(words("服务没有停下：jqfollow stop", "the service did not stop: jqfollow stop"))
    return filled


def _what_next(answers: Answers) -> None:
    steps: Sequence[tuple[str, str]] = [
        ("jqfollow console --open", "打开控制台 / the dashboard"),
        ("jqfollow frp --server ADDRESS", "让聚宽连得到这台电脑（写上服务器地址） / a way in for JoinQuant"),
        ("jqfollow config show", "每一项的值和来处 / every value, and where it comes from"),
    ]
    if sys.platform == "win32":
        steps = [*steps, ("jqfollow autostart install", "登录 Windows 时自动启动 / starts at log-on")]
    if answers.broker is BrokerName.FULLQMT:
        steps = [(f"jqfollow fullqmt {answers.account}", "粘贴进完整版 QMT 的文件 / the file for the terminal"), *steps]
    say("\n接下来：", "\nNext:")
    for command, what in steps:
        zh, _, en = what.partition(" / ")
        click.echo(f"  {command:34}{zh if lang() == 'zh' else en}")
