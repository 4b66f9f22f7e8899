"""`jqfollow relay`: the public server that stores signals for PCs that sleep; and the PC's end of it."""

import asyncio
import sys
from pathlib import Path

import click

from jqfollow.cli.base import Exit, Group, fail, say, settings_option, words
from jqfollow.relay.ticket import TICKET, Ticket
from jqfollow.settings import Settings
from jqfollow.wire.private_file import write_private

_FILE = "relay.toml"


def _extra() -> None:
    try:
        import nats  # noqa: F401
        import nkeys  # noqa: F401
    except ModuleNotFoundError:
        fail(words('缺少依赖：pip install "jqfollow[relay]"', 'missing: pip install "jqfollow[relay]"'), Exit.WRONG_USE)


@click.group(cls=Group, invoke_without_command=True)
@click.option("--relay-config", "file", default=_FILE, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--public", default="127.0.0.1", help="第一次启动时写进 relay.toml 的公网地址 / this server's address")
@click.pass_context
def relay(context: click.Context, file: Path, public: str) -> None:
    """中继：公网服务器存下信号，电脑关机也不丢。 / Stores signals on a public server until each PC has them."""
    _extra()
    context.obj = file
    if context.invoked_subcommand is None:
        _serve(file, public)


def _serve(file: Path, public: str) -> None:
    from jqfollow.cli.serve import stoppable
    from jqfollow.relay.config import DEFAULT, load_relay_config
    from jqfollow.relay.server import Relay

    if not file.exists():
        file.write_text(DEFAULT.replace("{public}", public), encoding="utf-8")
        say(f"已写入 {file}", f"{file} is written")
    config = load_relay_config(file)

    async def run() -> None:
        server = Relay(config, config.folder(file))
        await server.start()
        say(
            f"中继已启动：聚宽发到 http://{config.public}:{config.port}/api/order ，"
            f"电脑连 tls://{config.public}:{config.engine_port}；防火墙只放行这两个端口。"
            "加一台电脑：jqfollow relay pc 名称",
            f"The relay runs: JoinQuant sends to http://{config.public}:{config.port}/api/order, PCs come to "
            f"tls://{config.public}:{config.engine_port}. Add a PC: jqfollow relay pc NAME",
        )
        try:
            await server.run()
        finally:
            await server.stop()

    try:
        with stoppable():
            asyncio.run(run())
    except KeyboardInterrupt:
        say("中继已停止", "The relay has stopped")


@relay.command()
@click.argument("name")
@click.option("--strategy", "strategies", multiple=True, required=True, help="跟哪些策略 / the strategies it follows")
@click.option("--account", "accounts", multiple=True, help="这台电脑独有的券商账号 / broker accounts that are its own")
@click.option("--websocket", is_flag=True, help="走 wss（relay.toml 的 websocket_port） / by websocket")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="凭据写到哪里 / where the file goes")
@click.pass_obj
def pc(
    file: Path,
    name: str,
    strategies: tuple[str, ...],
    accounts: tuple[str, ...],
    websocket: bool,
    output: Path | None,
) -> None:
    """为一台电脑写出凭据文件；再写一次，旧的就作废。 / Writes a PC's file; written again, the old one is revoked."""
    from jqfollow.relay.book import Book
    from jqfollow.relay.config import load_relay_config
    from jqfollow.relay.issue import ticket_for

    config = load_relay_config(file)
    folder = config.folder(file)
    book, seed = Book.open(folder).with_pc(name, accounts, strategies)
    ticket = ticket_for(name, seed, book=book, config=config, folder=folder, websocket=websocket)
    target = output or Path(f"relay-{name}.json")
    write_private(target, ticket.model_dump_json(indent=1).encode())
    book.save(folder)
    say(
        f"已写入 {target}（内含密钥）：复制到那台电脑，运行 jqfollow relay join {target.name} 。",
        f"{target} is written; it holds a secret. On the PC: jqfollow relay join {target.name}",
    )


@relay.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@settings_option
def join(source: Path, *, settings: Settings) -> None:
    """在电脑上导入凭据，重启 serve 生效。 / Imports a PC's file; serve uses it from its next start on."""
    from jqfollow.relay.pc import load_ticket

    target = settings.data_dir / TICKET
    old = target.read_bytes() if target.exists() else None
    write_private(target, source.read_bytes())
    try:
        ticket: Ticket | None = load_ticket(settings)
    except BaseException:
        if old is None:
            target.unlink()
        else:
            write_private(target, old)
        raise
    if ticket is not None:
        say(f"已加入中继 {ticket.url}，重启 jqfollow serve 生效", f"Joined {ticket.url}: restart jqfollow serve")


@relay.command()
@click.argument("account")
@click.argument("to")
@click.option("--stopped", is_flag=True, help="原电脑已停，数据已搬来 / the other is stopped, its data brought over")
@click.pass_obj
def move(file: Path, account: str, to: str, *, stopped: bool) -> None:
    """把一个账户交给另一台电脑。 / Gives an account to another PC."""
    from jqfollow.relay.book import Book
    from jqfollow.relay.config import load_relay_config

    if not stopped:
        fail(
            words(
                "两台电脑同时做一个账户会下两次单：先停掉原电脑并把它的数据文件夹搬来，再加 --stopped",
                "two PCs on one account trade twice: stop the other, bring its data folder over, then add --stopped",
            ),
            Exit.WRONG_USE,
        )
    folder = load_relay_config(file).folder(file)
    Book.open(folder).moved(account, to).save(folder)
    say(
        f"账户 {account} 已归 {to}；请为两台电脑重新写凭据（jqfollow relay pc）",
        f"Account {account} belongs to {to}; write both PCs' files again (jqfollow relay pc)",
    )


@relay.command()
@click.pass_obj
def unit(file: Path) -> None:
    """打印 systemd 单元。 / Prints a systemd unit."""
    here = file.resolve()
    click.echo(f"""\
[Unit]
Description=jqfollow relay
After=network-online.target

[Service]
WorkingDirectory={here.parent}
ExecStart="{Path(sys.argv[0]).resolve()}" relay --relay-config "{here}"
Restart=always
RestartSec=2
KillMode=mixed
KillSignal=SIGINT

[Install]
WantedBy=multi-user.target""")
