"""The doctor follows the tunnel: `frpc.toml`, the public server, and the signals port as JoinQuant sees it."""

import socket
import threading
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from jqfollow.cli.doctor.findings import Finding, Surroundings, bad, ok, warn
from jqfollow.cli.frp import PLACEHOLDER
from jqfollow.cli.lock import is_running
from jqfollow.client_files import FRPC
from jqfollow.settings import Settings

_CONNECT_S = 3.0
_RESOLVE_S = 2.0
"""Offline, a name may take the system a minute: it is waited for so long beyond `_CONNECT_S`."""
_MOST_PORT = 65535
_PATH = "/api/order"
_WELL = {"status": "ok"}


def tunnel(around: Surroundings) -> Sequence[Finding]:
    """What `jqfollow frp` wrote (or a person) leads from the public server to the signals port, and nowhere else."""
    file = _find(around)
    if file is None:
        zh = f"没有 {FRPC}，未检查隧道；聚宽要能从公网连到信号端口"
        return [ok("tunnel", f"{zh}（jqfollow frp 可生成）", f"there is no {FRPC}: no tunnel looked at (jqfollow frp)")]
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8-sig"))
        server, port, forwarded = str(told["serverAddr"]), _port(told.get("serverPort", 7000)), _forwarded(told)
    except (OSError, ValueError, LookupError, TypeError) as error:
        why = f"{type(error).__name__}: {error}"  # not its repr, which may hold the file with its token
        zh, en = f"{file} 读不懂：{why}", f"{file} cannot be used: {why}"
        return [bad("tunnel", zh, en, "jqfollow frp --force 重新生成", "write it anew with jqfollow frp --force")]
    wrong = _wrong(file, server, forwarded, around.settings)
    if wrong is not None:
        return [wrong]
    why = _unreachable(server, port)
    if why:
        return [
            bad(
                "tunnel",
                f"连不上公网服务器 {server}:{port}：{why}",
                f"the public server {server}:{port} cannot be reached: {why}",
                "检查网络、服务器是否开机、frps 是否在运行、防火墙/安全组是否放行",
                "look at the network, the server, frps on it, and its firewall",
            )
        ]
    host = f"[{server}]" if ":" in server else server
    return [_public(around, f"http://{host}:{forwarded[around.settings.signals.port]}{_PATH}")]


def _find(around: Surroundings) -> Path | None:
    data = around.settings.data_dir
    folders = [folder for folder in (around.folder, data.parent, data) if folder is not None]
    return next((folder / FRPC for folder in folders if (folder / FRPC).is_file()), None)


def _forwarded(told: Mapping[str, Any]) -> dict[int, int]:
    """The public port of each local one; raises when what stands there are no ports."""
    proxies: Iterable[Any] = told.get("proxies", ())
    tcp = [proxy for proxy in proxies if proxy["type"] == "tcp"]
    return {_port(proxy["localPort"]): _port(proxy["remotePort"]) for proxy in tcp}


def _port(value: Any) -> int:
    port = int(value)
    if not 0 < port <= _MOST_PORT:
        raise ValueError(f"{port} 不是端口 / is no port")
    return port


def _wrong(file: Path, server: str, forwarded: Mapping[int, int], settings: Settings) -> Finding | None:
    """What in the file itself cannot be right."""
    if server in {PLACEHOLDER, ""}:
        zh, en = f"{file} 里还没有填服务器地址", f"{file} names no server yet"
        return bad(
            "tunnel", zh, en, "把 serverAddr 改成公网服务器的 IP 或域名", "put the server's address at serverAddr"
        )
    if settings.console.port in forwarded:
        return bad(
            "tunnel",
            f"{file} 把控制台端口 {settings.console.port} 转发到了公网",
            f"{file} forwards the console's port {settings.console.port} to the public",
            "立即删除这一段 [[proxies]] 并重启 frpc",
            "remove that [[proxies]] at once, and restart frpc",
        )
    if settings.signals.port not in forwarded:
        return bad(
            "tunnel",
            f"{file} 没有转发信号端口 {settings.signals.port}（转发了 {sorted(forwarded) or '无'}）",
            f"{file} does not forward the signals port {settings.signals.port} (but {sorted(forwarded)})",
            "把 localPort 改成 signals.port，或用 jqfollow frp --force 重新生成",
            "localPort is signals.port; or write it anew with jqfollow frp --force",
        )
    return None


def _unreachable(server: str, port: int) -> str:
    """Why nobody answers there; "" when somebody does."""
    told: list[str] = []

    def connect() -> None:
        try:
            socket.create_connection((server, port), timeout=_CONNECT_S).close()
            told.append("")
        except (OSError, ValueError) as error:  # ValueError: no such thing as this host's name
            told.append(getattr(error, "strerror", None) or str(error))

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(_CONNECT_S + _RESOLVE_S)
    return told[0] if told else "没有回答 / no answer"


def _public(around: Surroundings, address: str) -> Finding:
    """Asks the way that JoinQuant goes."""
    if is_running(around.settings.data_dir) is None:
        zh, en = f"服务没有运行，没有检查 {address}", f"the service does not run: {address} was not asked"
        return warn(
            "tunnel", f"服务器可达；{zh}", f"the server answers; {en}", "启动服务后再检查", "start the service first"
        )
    try:
        answer = around.http.get(address, timeout=_CONNECT_S)
        what = f"{answer.status_code} {answer.text[:60]!r}"
        well = answer.status_code == httpx.codes.OK and answer.json() == _WELL
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return bad(
            "tunnel",
            f"{address} 没有回答：{error}",
            f"{address} does not answer: {error}",
            f"看 frpc 是否在运行、两端口令是否一致；服务器的防火墙/安全组要放行这个端口；{FRPC} 的 localIP 应指向本机",
            f"is frpc running, is the token the same at both ends, is the port open in the server's firewall, "
            f"does localIP of {FRPC} mean this machine?",
        )
    except ValueError:
        well = False
    if well:
        return ok("tunnel", f"{address} 通", f"{address} answers")
    return bad(
        "tunnel",
        f"{address} 回答的不是信号端口：{what}",
        f"{address} is not the signals port: {what}",
        "端口指到了别的程序：核对 remotePort 和 localPort",
        "another program answers there: compare remotePort and localPort",
    )
