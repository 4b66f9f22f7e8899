"""`jqfollow client STRATEGY`: the file that goes into JoinQuant; `--probe`: a strategy that looks at the platform."""

from pathlib import Path
from urllib.parse import urlsplit

import click

from jqfollow.cli.addresses import check_url, is_near
from jqfollow.cli.base import Command, Exit, fail, say, settings_option, words
from jqfollow.cli.keys import open_keys
from jqfollow.cli.names import known_strategy
from jqfollow.client_files import client_text, public_port
from jqfollow.domain import Wire
from jqfollow.settings import Settings
from jqfollow.wire.client_file import ClientFileError, module_name, probe_text
from jqfollow.wire.private_file import write_private

PROBE = "jqfollow_probe.py"


@click.command(cls=Command)
@click.argument("strategy", required=False)
@click.option("--url", help="聚宽访问本服务的地址 http://公网主机:端口 / as JoinQuant reaches the signals port")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="写到哪个文件 / the file to write")
@click.option("--force", is_flag=True, help="覆盖已有文件 / overwrite")
@click.option("--probe", is_flag=True, help="改为写出探针策略，看聚宽平台本身 / a strategy that looks at the platform")
@settings_option
def client(
    *, settings: Settings, strategy: str | None, url: str | None, output: Path | None, force: bool, probe: bool
) -> None:
    """生成放进聚宽的客户端文件，地址和密钥已填好。 / Writes the file for JoinQuant, address and key filled in."""
    if probe:
        if strategy or url:
            raise click.UsageError(
                words("--probe 不含密钥，不用写策略和地址", "--probe holds no key: it takes no strategy and no --url")
            )
        target = output or Path(PROBE)
        _write(target, probe_text(), force=force)
        _explain_probe(target)
        return
    if strategy is None:
        raise click.UsageError(words("请写上策略名，或用 --probe", "name a strategy, or use --probe"))
    known_strategy(settings, strategy)
    if settings.strategies[strategy].wire is not Wire.JQF1:
        fail(
            words(
                f'策略 {strategy} 用的是 wire = "seed"，即原版客户端；改为 wire = "jqf1" 后才能生成新客户端',
                f'strategy {strategy} uses wire = "seed", the original client; set wire = "jqf1" for this one',
            ),
            Exit.WRONG_USE,
        )
    target = output or Path(f"{module_name(strategy)}.py")
    _may_write(target, force=force)
    write_client(settings, strategy, target, url, force=force)


def write_client(settings: Settings, strategy: str, target: Path, url: str | None, *, force: bool) -> None:
    """Writes the file for a `jqf1` strategy, and says what becomes of it."""
    if url is not None:
        url = check_url(settings, url, public_port(settings))
    (key, *_) = open_keys(settings).keys(strategy)
    try:
        text, address = client_text(settings, strategy, key.text, url)
    except ClientFileError as error:
        raise click.BadParameter(str(error)) from None
    _write(target, text, force=force)
    _explain(target, strategy, address)


def _may_write(target: Path, *, force: bool) -> None:
    if target.exists() and not force:
        fail(words(f"{target} 已存在；覆盖请加 --force", f"{target} exists; --force overwrites it"), Exit.WRONG_USE)


def _write(target: Path, text: str, *, force: bool) -> None:
    _may_write(target, force=force)
    try:
        warning = write_private(target, text.encode())
    except OSError as error:
        fail(words(f"无法写入 {target}：{error.strerror}", f"{target} cannot be written: {error.strerror}"))
    if warning:
        click.secho(warning, err=True, fg="yellow")


def _explain_probe(target: Path) -> None:
    say(
        f"已写入 {target.resolve()}（不含密钥，不连任何服务）。全部复制，贴成一个新的聚宽策略，新建“按分钟”的模拟交易，"
        "跑两天，把日志里 [probe] 开头的行抄下来，对照 docs/acceptance.md 最后一节。",
        f"{target.resolve()} is written; it holds no key and calls no service. Paste all of it as a new strategy into\n"
        "JoinQuant, run it as a simulation by the minute for two days, and take the lines that begin with [probe] to\n"
        "the last section of docs/acceptance.md.",
    )


def _explain(target: Path, strategy: str, address: str) -> None:
    module = module_name(strategy)
    line = f'{module}.install(globals(), context, "{strategy}")'
    say(
        f"已写入 {target.resolve()}（内含密钥，不要外传）。服务地址 {address}\n"
        "接下来，二选一：\n"
        "  1. 打开文件，全部复制，粘贴到聚宽策略代码的最上方；或\n"
        f"  2. 以 {module}.py 为名上传到聚宽研究根目录，并在策略中写\n"
        f"         import {module}\n"
        "         def process_initialize(context):\n"
        f"             {line}\n"
        "     研究根目录由你的所有策略共用：每个策略用自己的文件，名字和策略名都不要改。\n"
        "然后在聚宽新建模拟交易；日志出现“[jqfollow] 已连接服务”就通了。",
        f"{target.resolve()} is written; it holds the key: keep it to yourself. Address: {address}\n"
        f"Then either paste all of it above the strategy's code in JoinQuant, or upload it as {module}.py into\n"
        "the research root, which all your strategies share, and write in the strategy:\n"
        f"    import {module}\n"
        "    def process_initialize(context):\n"
        f"        {line}",
    )
    if is_near(urlsplit(address).hostname or ""):
        say(
            f"注意：{address} 只能在本机或内网访问，聚宽连不到。用 jqfollow frp 建立公网通道，"
            f"再运行 jqfollow client {strategy} --url http://公网地址:端口 --force",
            f"Note: JoinQuant cannot reach {address}. Make a way in with jqfollow frp, then run "
            f"jqfollow client {strategy} --url http://public-address:port --force",
        )
