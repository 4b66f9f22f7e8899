"""Writes the file that goes into JoinQuant."""

import re
from importlib.resources import files

from jqfollow.domain import JqfollowError
from jqfollow.wire.jqf1 import KID_PATTERN, Key

_MOST_BUDGET_S = 60
_MOST_PORT = 65535
_URL = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?")
_LINK_IMPORT = re.compile(r"^from jqfollow\.wire\.joinquant_link import .*\n", re.MULTILINE)
_LINK_START = "class _JqFollowLink:"


class ClientFileError(JqfollowError, ValueError):
    """No client file can be written from what was given; says what and why."""


def render_client(*, url: str, key_text: str, strategy: str, budget_s: float = 10.0, relay_key: str = "") -> str:
    """One Python 3.6 file with address and key in it; secret, like the key.

    `url` is the signals port as JoinQuant reaches it, `http://host:port`; `budget_s` is how long one order of the
    strategy may wait for its signal; `relay_key` (64 hex digits) is wanted by a relay, when `url` is one.

    Raises:
        KeyTextError: `key_text` is no key.
        ClientFileError: another value cannot be used.
    """
    if not re.fullmatch(KID_PATTERN, strategy):
        raise ClientFileError(f"策略名 {strategy!r} 只能用字母、数字与 ._-，最多 64 个 / not a strategy's name")
    if not 1 <= budget_s <= _MOST_BUDGET_S:
        raise ClientFileError(f"budget_s 应在 1 至 {_MOST_BUDGET_S} 秒之间，现为 {budget_s} / budget_s is out of range")
    if relay_key and not re.fullmatch(r"[0-9a-f]{64}", relay_key):
        raise ClientFileError("中继密钥应为 64 位十六进制 / a relay key is 64 hex digits")
    text = _LINK_IMPORT.sub(lambda _: _link(), _source("joinquant_client.py"))
    values: dict[str, str | float] = {
        "JQFOLLOW_URL": _checked_url(url),
        "JQFOLLOW_STRATEGY": strategy,
        "JQFOLLOW_KEY": Key.parse(key_text).text,
        "JQFOLLOW_BUDGET_S": float(budget_s),
        "JQFOLLOW_RELAY_KEY": relay_key,
    }
    for name, value in values.items():
        text = _filled_in(text, name, value)
    return text


def _checked_url(url: str) -> str:
    url = url.strip().rstrip("/").removesuffix("/api/order")
    matched = _URL.fullmatch(url)
    # The address goes into a file that is passed around: only scheme, host and port belong there.
    if not matched or not 0 < int(matched["port"] or 1) <= _MOST_PORT:
        raise ClientFileError("服务地址应写成 http://主机:端口 / the address is written http://host:port")
    return url


def _filled_in(text: str, name: str, value: str | float) -> str:
    filled, count = re.subn(
        rf"^{name} = [^#\n]*?(  #.*)?$", lambda m: f"{name} = {value!r}{m[1] or ''}", text, flags=re.MULTILINE
    )
    if count != 1:
        raise AssertionError(f"the client has {count} lines that set {name}")
    return filled


def _link() -> str:
    source = _source("joinquant_link.py")
    return source[source.index(_LINK_START) :]


def _source(name: str) -> str:
    return files("jqfollow.wire").joinpath(name).read_text(encoding="utf-8")
