"""`jqfollow fullqmt ACCOUNT`: the file that is pasted into the full QMT terminal, and the mailbox's folder."""

from pathlib import Path

import click

from jqfollow.cli.base import Command, Exit, fail, say, settings_option, words
from jqfollow.cli.names import unknown
from jqfollow.domain import BrokerDownError
from jqfollow.settings import FullQmtAccount, Settings
from jqfollow.wire.private_file import write_private


@click.command(cls=Command)
@click.argument("account")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="写到哪个文件 / the file to write")
@click.option(
    "--tick-ms",
    default=200,
    show_default=True,
    type=click.IntRange(50, 1000),
    help="QMT 定时器的周期，毫秒 / period of the terminal's timer",
)
@click.option("--force", is_flag=True, help="覆盖已有文件 / overwrite")
@settings_option
def fullqmt(*, settings: Settings, account: str, output: Path | None, tick_ms: int, force: bool) -> None:
    """生成粘贴进完整版 QMT 的策略文件，并建好信箱。 / Writes the file for the full QMT terminal, and its mailbox."""
    from jqfollow.execution.brokers.fullqmt import folder  # slow: the brokers
    from jqfollow.execution.brokers.fullqmt.script import ScriptError, render_script

    chosen = settings.accounts.get(account)
    if not isinstance(chosen, FullQmtAccount):
        known = [name for name, one in settings.accounts.items() if isinstance(one, FullQmtAccount)]
        raise unknown((' broker = "fullqmt" 的账户', 'account with broker = "fullqmt"'), account, known)
    target = output or Path(f"jqfollow_qmt_{account}.py")
    if target.exists() and not force:
        fail(words(f"{target} 已存在；覆盖请加 --force", f"{target} exists; --force overwrites it"), Exit.WRONG_USE)
    try:
        text = render_script(
            mailbox=chosen.mailbox, account_id=chosen.account_id, account_type=chosen.account_type, tick_ms=tick_ms
        )
        folder.make(chosen.mailbox)
        warning = write_private(target, text)
    except (ScriptError, BrokerDownError) as error:
        fail(str(error))
    except OSError as error:
        fail(words(f"无法写入 {target}：{error.strerror}", f"{target} cannot be written: {error.strerror}"))
    if warning:
        click.secho(warning, err=True, fg="yellow")
    say(
        f"已写入 {target.resolve()}，信箱 {chosen.mailbox} 只有本人能打开。接下来：\n"
        "  1. 打开文件看一遍（不到 200 行），全部复制；\n"
        "  2. QMT →“模型研究”→ 新建策略 → 用它替换全部内容 → 保存；\n"
        "  3. “模型交易”→ 新建策略交易 → 选这个策略和资金账号 → 运行模式选“实盘” → 运行；\n"
        "  4. jqfollow doctor。详见 docs/fullqmt.md。",
        f"{target.resolve()} is written; the mailbox {chosen.mailbox} is yours alone. Then: read the file, paste it\n"
        "into a new strategy of 模型研究, run that in 模型交易 for this account in real mode (实盘), and run\n"
        "jqfollow doctor. More in docs/fullqmt.md.",
    )
