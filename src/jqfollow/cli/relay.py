"""`jqfollow relay`: the public server that stores signals for PCs that sleep; and the PC's end of it."""

import asyncio
import sys
from pathlib import Path

import click
from rich.console import Console

from jqfollow.cli.base import Exit, Group, fail, json_option, print_json, say, settings_option, table, words
from jqfollow.cli.lock import only_instance
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.logs import logging_to
from jqfollow.relay.errors import RelayError
from jqfollow.relay.ticket import TICKET, Ticket
from jqfollow.settings import RealAccount, Settings
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
        folder, lines = config.folder(file), Console(stderr=True)
        # A second one would end the first one's engine, taking it for what a killed relay left behind.
        with only_instance(folder), stoppable(), logging_to(folder / "logs", console=lines, name="relay"):
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
        _has_come_along(settings, ticket)
    except BaseException:
        if old is None:
            target.unlink()
        else:
            write_private(target, old)
        raise
    if ticket is not None:
        say(f"已加入中继 {ticket.url}，重启 jqfollow serve 生效", f"Joined {ticket.url}: restart jqfollow serve")


def _has_come_along(settings: Settings, ticket: Ticket | None) -> None:
    """An account that was moved here came with the data folder that knows what is under way on it."""
    for number in ticket.moved if ticket else ():
        names = [n for n, one in settings.accounts.items() if isinstance(one, RealAccount) and one.account_id == number]
        try:
            with Ledger.open(settings.ledger_file, read_only=True) as ledger:
                known = ledger.read_now(lambda tx, names=names: [tx.numbers.get(name) for name in names])  # type: ignore[misc]
        except LedgerError:
            known = []
        if number not in known:
            fail(
                words(
                    f"账户 {number} 是从另一台电脑搬来的，而这里的账本没有它的记录：请先把那台电脑的数据文件夹整个搬来",
                    f"account {number} came from another PC, and the ledger here knows nothing of it: bring that PC's "
                    f"data folder over first",
                ),
                Exit.WRONG_USE,
            )


@relay.command()
@click.argument("account")
@click.argument("to")
@click.option("--stopped", is_flag=True, help="原电脑已停，数据已搬来 / the other is stopped, its data brought over")
@click.pass_obj
def move(file: Path, account: str, to: str, *, stopped: bool) -> None:
    """把一个账户交给另一台电脑。 / Gives an account to another PC."""
    from jqfollow.relay.book import Book
    from jqfollow.relay.config import load_relay_config
    from jqfollow.relay.monitor import look

    if not stopped:
        fail(
            words(
                "两台电脑同时做一个账户会下两次单：先停掉原电脑并把它的数据文件夹搬来，再加 --stopped",
                "two PCs on one account trade twice: stop the other, bring its data folder over, then add --stopped",
            ),
            Exit.WRONG_USE,
        )
    config = load_relay_config(file)
    folder = config.folder(file)
    book = Book.open(folder)
    moved = book.moved(account, to)
    try:
        seen = look(config, book)
    except RelayError:
        seen = None  # the relay is stopped: then nobody is connected
    for pc in seen.pcs if seen else ():
        if account in pc.accounts and pc.connections:
            fail(
                words(
                    f"电脑 {pc.pc} 还连着：先停掉它的 jqfollow serve 再搬账户 {account}",
                    f"{pc.pc} is still connected: stop jqfollow serve there before account {account} is moved",
                )
            )
    moved.save(folder)
    say(
        f"账户 {account} 已归 {to}，两台电脑的旧凭据都已作废：请为两台重新写（jqfollow relay pc），"
        f"新凭据要在带着原数据文件夹的电脑上导入",
        f"Account {account} belongs to {to}; both PCs' files are revoked: write them again (jqfollow relay pc), and "
        f"join where the old PC's data folder is",
    )


@relay.command()
@click.argument("name")
@click.pass_obj
def remove(file: Path, name: str) -> None:
    """去掉一台电脑，它的凭据立即作废。 / Takes a PC away; its file opens nothing any more."""
    from jqfollow.relay.book import Book
    from jqfollow.relay.config import load_relay_config

    folder = load_relay_config(file).folder(file)
    Book.open(folder).without(name).save(folder)
    say(f"电脑 {name} 已去掉，凭据作废，还没取走的信号不再留给它", f"{name} is taken away, its file revoked")


@relay.command()
@click.argument("strategy")
@click.pass_obj
def seed(file: Path, strategy: str) -> None:
    """让原版客户端也能经中继（弱）；给出它的地址。 / Lets the original client in (weak); prints its address."""
    from jqfollow.relay.book import Book
    from jqfollow.relay.config import load_relay_config
    from jqfollow.relay.words import seed_mac

    config = load_relay_config(file)
    folder = config.folder(file)
    book = Book.open(folder).with_seed(strategy)
    book.save(folder)
    key = book.relay_key(strategy) or b""
    click.echo(f"{config.order_url}/{strategy}.{seed_mac(key, strategy)}/api/order")
    say(
        "弱：知道这个地址的人都能往中继里存，原版客户端的加密也可被破解；能换就换 jqfollow client 生成的文件",
        "Weak: whoever knows this address can store, and the original client's scheme is broken",
    )


@relay.command()
@json_option
@click.pass_obj
def status(file: Path, *, as_json: bool) -> None:
    """这台服务器上的中继：哪些电脑连着，各存着多少。 / Which PCs are connected, and what waits for each."""
    from jqfollow.relay.book import Book
    from jqfollow.relay.config import load_relay_config
    from jqfollow.relay.monitor import look

    config = load_relay_config(file)
    seen = look(config, Book.open(config.folder(file)))
    if as_json:
        print_json(seen)
        return
    title = words(
        f"存着 {seen.messages} 条，{seen.bytes / 2**20:.1f} / {seen.most_bytes / 2**20:.0f} MB",
        f"{seen.messages} messages, {seen.bytes / 2**20:.1f} of {seen.most_bytes / 2**20:.0f} MB",
    )
    columns = words("电脑,连接,待取,上次,账户,策略", "PC,connected,waiting,last,accounts,strategies")
    cells = [
        (
            pc.pc,
            str(pc.connections) + (" !" if pc.connections > 1 else ""),
            str(pc.waiting),
            f"{pc.last_at:%m-%d %H:%M:%S}" if pc.last_at else "",
            " ".join(pc.accounts),
            " ".join(pc.strategies),
        )
        for pc in seen.pcs
    ]
    table(title, columns.split(","), cells, right=(1, 2))


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
