"""Writes the file that goes into JoinQuant."""

import hashlib
import re
from importlib.resources import files

from jqfollow.domain import JqfollowError
from jqfollow.wire.jqf1 import KID_PATTERN, Key

_MOST_BUDGET_S = 60
_MOST_PORT = 65535
_URL = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?")
_PART = re.compile(r"^from jqfollow\.wire\.(?P<name>joinquant_[a-z]+) import .*\n", re.MULTILINE)
_CLASS_START = "class _JqFollow"


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
    text = _with_parts(_source("joinquant_client.py"))
    text = text.replace("JQFOLLOW_MODULE", module_name(strategy)).replace('"JQFOLLOW_NAME"', repr(strategy))
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


def probe_text() -> str:
    """A strategy that prints what only JoinQuant's platform knows; it holds no key and calls no service."""
    return _source("joinquant_probe.py")


def module_name(strategy: str) -> str:
    """What the file is called in the research root, without `.py`: all of a user's strategies share that folder.

    Another strategy has another name, though `-` and `.` are none that a module may have.
    """
    plain = re.sub(r"[^A-Za-z0-9_]", "_", strategy)
    if plain != strategy:
        plain += "_" + hashlib.sha256(strategy.encode()).hexdigest()[:4]
    return f"jqfollow_client_{plain}"


def _checked_url(url: str) -> str:
    url = url.strip().rstrip("/").removesuffix("/api/order")
    matched = _URL.fullmatch(url)
    # The address goes into a file that is passed around: only scheme, host and port belong there.
    if not matched or (matched["port"] and not 0 < int(matched["port"]) <= _MOST_PORT):
        raise ClientFileError("服务地址应写成 http://主机:端口 / the address is written http://host:port")
    return url


def _filled_in(text: str, name: str, value: str | float) -> str:
    filled, count = re.subn(
        rf"^{name} = [^#\n]*?(  #.*)?$", lambda m: f"{name} = {value!r}{m[1] or ''}", text, flags=re.MULTILINE
    )
    if count != 1:
        raise AssertionError(f"the client has {count} lines that set {name}")
    return filled


def _with_parts(source: str) -> str:
    """`source` with the classes that it imports from the other parts of the client in the place of the imports."""

    def classes(found: re.Match[str]) -> str:
        part = _source(f"{found['name']}.py")
        imports = "".join(imported[0] for imported in _PART.finditer(part))
        return _with_parts(imports) + part[part.index(_CLASS_START) :] + "\n\n"

    return _PART.sub(classes, source)


def _source(name: str) -> str:
    return files("jqfollow.wire").joinpath(name).read_text(encoding="utf-8")
