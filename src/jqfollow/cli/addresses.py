"""Addresses that a person types: a wrong one is refused by name, with what to write instead."""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import click

from jqfollow.settings import Settings

_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_][A-Za-z0-9_-]{0,62}(\.[A-Za-z0-9_-]{1,63})*\.?")
_WITH_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:/\s\[\]]+):(?P<port>\d{1,5})")


def check_server(server: str, port_option: str = "--server-port") -> str:
    """The host of a public server, without scheme, port and path.

    Raises:
        click.BadParameter: it is none; the message says what to write.
    """
    hint = "--server"
    bare = server.strip()
    if "://" in bare:
        bare = bare.partition("://")[2]
    bare = bare.partition("/")[0]
    with_port = _WITH_PORT.fullmatch(bare)
    host = with_port["host"].strip("[]") if with_port else bare.strip("[]")
    if not _is_host(host):
        raise click.BadParameter(f"{server!r} 不是 IP 或域名 / is neither an IP nor a name", param_hint=hint)
    if with_port:
        instead = f"--server {host} {port_option} {with_port['port']}"
        raise click.BadParameter(
            f"{server!r} 带了端口，请写成 {instead} / holds a port: write {instead}", param_hint=hint
        )
    if bare != server.strip():
        raise click.BadParameter(
            f"{server!r} 只写地址本身：--server {host} / the address alone: --server {host}", param_hint=hint
        )
    return host


def check_url(settings: Settings, url: str, public_port: int | None) -> str:
    """The address of a signals port, `http://host:port`.

    Args:
        settings: name the ports of this machine.
        url: what was typed.
        public_port: the one that the tunnel's file names; `None`: there is no tunnel.

    Raises:
        click.BadParameter: it is none, or leads elsewhere; the message says what to write.
    """
    hint = "--url"
    text = url.strip().rstrip("/").removesuffix("/api/order")
    port = public_port or settings.signals.port or 8888
    if "://" not in text and _is_host(_WITH_PORT.sub(r"\g<host>", text).strip("[]")):
        instead = f"http://{text}" if _WITH_PORT.fullmatch(text) else f"http://{text}:{port}"
        raise click.BadParameter(f"{url!r} 缺少 http://，请写成 {instead} / write {instead}", param_hint=hint)
    parts = urlsplit(text)
    found = _port(parts)
    if parts.scheme not in {"http", "https"} or not _is_host(parts.hostname or "") or found == -1:
        raise click.BadParameter(
            f"{url!r} 不是地址，应像 http://1.2.3.4:{port} / is no address such as http://1.2.3.4:{port}",
            param_hint=hint,
        )
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    if found is None:
        instead = f"{parts.scheme}://{host}:{443 if parts.scheme == 'https' else port}"
        raise click.BadParameter(
            f"{url!r} 没有端口，请写成 {instead}（信号端口在公网上的号码） / holds no port: write {instead}",
            param_hint=hint,
        )
    if found == settings.console.port and found not in {public_port, settings.signals.port}:
        instead = f"{parts.scheme}://{host}:{port}"
        raise click.BadParameter(
            f"{found} 是控制台的端口，聚宽要连的是信号端口：{instead} / {found} is the console's port, "
            f"JoinQuant talks to the signals port: {instead}",
            param_hint=hint,
        )
    return text


def is_near(host: str) -> bool:
    """Whether `host` is of this machine or of a private network: JoinQuant is on neither."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host.rstrip(".")


def _port(parts: SplitResult) -> int | None:
    """-1: it is none."""
    try:
        return -1 if parts.port == 0 else parts.port
    except ValueError:
        return -1


def _is_host(host: str) -> bool:
    try:
        return not ip_address(host).is_unspecified
    except ValueError:
        return bool(_NAME.fullmatch(host)) and not re.fullmatch(r"[\d.]+", host)
