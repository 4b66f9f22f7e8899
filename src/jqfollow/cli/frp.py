"""`jqfollow frp`: the two files of a tunnel through which JoinQuant reaches the signals port, and nothing else."""

import json
import secrets
from pathlib import Path

import click

from jqfollow.cli.addresses import check_server, is_near
from jqfollow.cli.base import Command, Exit, fail, say, settings_option, words
from jqfollow.client_files import FRPC
from jqfollow.settings import Settings
from jqfollow.wire.private_file import write_private

FRPS = "frps.toml"
PLACEHOLDER = "YOUR.SERVER.ADDRESS"
_LEAST_TOKEN = 16
_PORT = click.IntRange(1, 65535)


@click.command(cls=Command)
@click.option("--server", default=PLACEHOLDER, help="公网服务器的 IP 或域名 / the public server's address")
@click.option("--server-port", default=7000, show_default=True, type=_PORT, help="frps 的端口 / frps' port")
@click.option("--remote-port", type=_PORT, help="公网上的信号端口，默认同 signals.port / the public signals port")
@click.option("--token", help="两端共用的口令，默认随机生成 / shared by both ends; random by default")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="写到哪个文件夹，默认数据文件夹旁边 / the folder; by default beside the data folder",
)
@click.option("--force", is_flag=True, help="覆盖已有文件 / overwrite")
@settings_option
def frp(
    *,
    settings: Settings,
    server: str,
    server_port: int,
    remote_port: int | None,
    token: str | None,
    output: Path | None,
    force: bool,
) -> None:
    """写出 frps.toml 和 frpc.toml：让聚宽从公网连到信号端口。 / Writes both ends of a tunnel to the signals port."""
    folder = output or settings.data_dir.parent
    remote = remote_port or settings.signals.port
    if server != PLACEHOLDER:
        server = check_server(server)
        if is_near(server):
            told = words(
                f"注意：{server} 是本机或内网的地址，聚宽在公网上连不到它；这里应是公网服务器的地址",
                f"note: {server} is of this machine or a private network, where JoinQuant cannot come",
            )
            click.secho(told, err=True, fg="yellow")
    _check(settings, server_port, remote, token)
    for name in (FRPS, FRPC):
        if (folder / name).exists() and not force:
            fail(
                words(f"{folder / name} 已存在；覆盖请加 --force", f"{folder / name} exists; --force overwrites it"),
                Exit.WRONG_USE,
            )
    shared = token or secrets.token_urlsafe(24)
    local = "127.0.0.1" if settings.signals.host in {"0.0.0.0", "::"} else settings.signals.host  # noqa: S104  # compared
    texts = {
        FRPS: _frps(server_port, remote, shared),
        FRPC: _frpc(server, server_port, remote, shared, local, settings.signals.port),
    }
    for name, text in texts.items():
        try:
            warning = write_private(folder / name, text.encode())
        except OSError as error:
            fail(words(f"无法写入 {folder / name}：{error.strerror}", f"{folder / name}: {error.strerror}"))
        if warning:
            click.secho(warning, err=True, fg="yellow")
    _explain(folder, server, server_port, remote)


def _check(settings: Settings, server_port: int, remote: int, token: str | None) -> None:
    if settings.signals.port == 0:
        raise click.UsageError("signals.port 是 0（随机端口），不能转发 / signals.port is 0, a random port")
    if remote == server_port:
        raise click.BadParameter(
            "不能与 --server-port 相同 / must differ from --server-port", param_hint="--remote-port"
        )
    if token is not None and (len(token) < _LEAST_TOKEN or not token.isascii() or not token.isprintable()):
        raise click.BadParameter(
            f"至少 {_LEAST_TOKEN} 个英文、数字或符号 / at least {_LEAST_TOKEN} ASCII characters", param_hint="--token"
        )


def _frps(server_port: int, remote: int, token: str) -> str:
    return f"""\
# frps：放在公网服务器上（frp 0.52 或更新），运行 frps -c frps.toml
# For the public server. Open ports {server_port} and {remote} in its firewall, no others.
bindPort = {server_port}
auth.method = "token"
auth.token = {json.dumps(token)}
transport.tls.force = true
# 只允许转发信号端口；控制台永远不对外。 / Nothing but the signals port can be forwarded.
allowPorts = [{{ single = {remote} }}]
"""


def _frpc(server: str, server_port: int, remote: int, token: str, local_host: str, local_port: int) -> str:
    return f"""\
# frpc：放在运行 jqfollow 的电脑上（frp 0.52 或更新），运行 frpc -c frpc.toml
# For the machine on which jqfollow runs. Windows: jqfollow autostart install --frpc PATH starts it at log-on.
serverAddr = {json.dumps(server)}
serverPort = {server_port}
# 断网或服务器重启后一直重连，不退出。 / Keeps trying when the server is away at the start.
loginFailExit = false
auth.method = "token"
auth.token = {json.dumps(token)}

[[proxies]]
name = "jqfollow-signals"
type = "tcp"
localIP = {json.dumps(local_host)}
localPort = {local_port}
remotePort = {remote}
"""


def _explain(folder: Path, server: str, server_port: int, remote: int) -> None:
    given = server != PLACEHOLDER
    say(
        f"已写入 {folder / FRPS} 和 {folder / FRPC}（内含口令，不要外传）。只转发信号端口，控制台不对外。\n"
        + ("" if given else f"先把 {FRPC} 里的 {PLACEHOLDER} 换成服务器地址（或用 --server 重新生成）。\n")
        + f"  1. {FRPS} 放到公网服务器：frps -c frps.toml；防火墙/安全组放行 {server_port} 和 {remote}\n"
        f"  2. {FRPC} 留在本机：frpc -c frpc.toml（登录时自动运行：jqfollow autostart install --frpc 路径）\n"
        f"  3. 浏览器打开 http://{server}:{remote}/api/order ，看到 ok 就通了\n"
        f"  4. jqfollow client 策略名 --url http://{server}:{remote}",
        f"{folder / FRPS} and {folder / FRPC} are written; they hold a token: keep them to yourself. Only the signals "
        "port is forwarded.\n"
        + (
            ""
            if given
            else f"First put your server's address for {PLACEHOLDER} in {FRPC} (or run again with --server).\n"
        )
        + f"  1. {FRPS} goes to the public server: frps -c frps.toml; open ports {server_port} and {remote} there\n"
        f"  2. {FRPC} stays here: frpc -c frpc.toml (at log-on: jqfollow autostart install --frpc PATH)\n"
        f"  3. http://{server}:{remote}/api/order says ok when it works\n"
        f"  4. jqfollow client STRATEGY --url http://{server}:{remote}",
    )
