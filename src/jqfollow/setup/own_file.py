"""A person's own settings, changed key by key in `config.local.toml`: comments stay, and it is whole or as it was."""

import tomllib
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.container import Container, OutOfOrderTableProxy
from tomlkit.items import InlineTable, Item, Table

from jqfollow.settings import Config, ConfigError, local_file, read_config, schema
from jqfollow.settings.environment import as_written, resolve
from jqfollow.settings.local import lay_over
from jqfollow.settings.origins import KeyPath, Mistake, Origin
from jqfollow.settings.toml_file import TomlFile, hint, parse_toml, read_toml
from jqfollow.settings.values import can_be_written_out
from jqfollow.wire.private_file import write_private

_BEGIN = """\
# 自己的设置，逐键盖住旁边的 config.toml；更新程序不会动它。jqfollow config show 看每一项来自哪里。
# Your own settings, laid over config.toml key by key; no update touches them. `jqfollow config show` tells all.

"""
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One key and what shall stand there; `None`: nothing of one's own."""

    path: KeyPath
    value: object | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What a change did."""

    file: Path
    before: Config
    after: Config
    warning: str
    """That others may be able to read the file; else ""."""


def change_from_text(config: Config, key: str, text: str | None) -> Change:
    """What a person typed: `risk.max_order_value`, `200000`; text `None` takes the own value away.

    Raises:
        ConfigError: there is no such key; the ones that may be meant are named.
    """
    try:
        steps = _only_path(tomllib.loads(f"{key.strip()} = 0"))
    except tomllib.TOMLDecodeError:
        raise ConfigError(
            f"{key!r} 不是 risk.max_order_value 这样的键 / is no key such as risk.max_order_value"
        ) from None
    try:
        path, node = resolve(steps, config.values, keep_case=True)
    except ConfigError as error:
        raise ConfigError(f"{key}: {error}{_meant(steps)}") from None
    value = None if text is None else as_written(_unquoted(text.strip()), node)
    numbers = {"number", "integer"}
    if isinstance(value, str) and schema.types(node) & numbers and schema.types(node) <= {*numbers, "string", "null"}:
        zh, en = hint(f"x = {value}")
        raise ConfigError(f"{key}: {value} 不是数{zh} / is no number{en}")
    if isinstance(value, Decimal) and value.is_nan():
        raise ConfigError(f"{key}: {value} 不是数 / is no number")
    return Change(path=tuple(path), value=value)


def change_own(config: Path, changes: Sequence[Change], environ: Mapping[str, str] | None = None) -> Changed:
    """Writes `changes` into the local file of `config`, all of them or none.

    Raises:
        ConfigError: a file cannot be read, or the configuration would have mistakes that it does not have now.
        OSError: not written.
    """
    own_path = local_file(config)
    for _ in range(_TRIES):
        before = read_config(config, environ)
        raw = _bytes(own_path)
        text = edited(raw.decode("utf-8-sig") if _readable(before) else "", changes, read_toml(config))
        after = read_config(config, environ, own=parse_toml(text, own_path.name))
        _refuse_new_mistakes(before, after)
        if _bytes(own_path) != raw:
            continue  # somebody else wrote it meanwhile: on top of that
        warning = "" if text.encode() == raw else write_private(own_path.resolve(), text.encode())
        return Changed(file=own_path, before=before, after=after, warning=warning)
    raise ConfigError(f"{own_path} 正被别的程序反复改写，请稍后再试 / is being written by others: try again")


def edited(text: str, changes: Iterable[Change], base: TomlFile) -> str:
    """The text of a local file with `changes` in it, everything else as it was.

    Raises:
        ConfigError: its tables are laid out so that they cannot be changed by a program.
    """
    windows = "\r\n" in text
    document = tomlkit.parse(text.replace("\r\n", "\n") or _BEGIN)
    wanted = dict(document.unwrap())
    for change in changes:
        for path, value in _as_whole(change, wanted, base.values):
            _apply(wanted, path, value)
            _apply(document, path, None if value is None else _item(value, path))
    written = tomlkit.dumps(document)
    if _plain(tomllib.loads(written, parse_float=Decimal)) != _plain(wanted):
        raise ConfigError("本地配置文件的写法太特别，请手动编辑 / is laid out in a way that only an editor can change")
    return written.replace("\n", "\r\n") if windows else written


def _only_path(values: Mapping[str, Any]) -> list[str]:
    path = []
    here: Any = values
    while isinstance(here, Mapping):
        [(key, here)] = here.items()
        path.append(key)
    return path


def _meant(steps: Sequence[str]) -> str:
    """Where a key of that name stands, when it was looked for at the wrong place."""
    places = [".".join(path) for path in schema.paths() if path[-1] == steps[-1].lower()]
    return f"；这个键在 / it stands at: {', '.join(places)}" if places else ""


def _unquoted(text: str) -> str:
    """What a shell left quoted."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        try:
            return str(tomllib.loads(f"v = {text}")["v"])
        except tomllib.TOMLDecodeError:
            return text[1:-1]
    return text


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _readable(config: Config) -> bool:
    """Whether both files are TOML: else there is nothing to change."""
    unread = [mistake for mistake in config.mistakes if not mistake.path and not _of_environment(mistake.origin)]
    if unread:
        raise ConfigError("\n".join(str(mistake) for mistake in unread))
    return True


def _of_environment(origin: Origin | None) -> bool:
    return origin is not None and origin.line is None and origin.name.upper().startswith("JQFOLLOW_")


def _refuse_new_mistakes(before: Config, after: Config) -> None:
    known = {_key(mistake) for mistake in before.mistakes}
    new = [mistake for mistake in after.mistakes if _key(mistake) not in known]
    if new:
        raise ConfigError("\n".join(f"{'.'.join(mistake.path)}: {mistake.what}" for mistake in new))


def _key(mistake: Mistake) -> tuple[KeyPath, str]:
    return mistake.path, mistake.what


def _as_whole(change: Change, own: Mapping[str, Any], base: Mapping[str, Any]) -> list[tuple[KeyPath, object | None]]:
    """Who follows a strategy is taken as a whole from the own file: what stood there before comes along."""
    match change.path:
        case ("strategies", name, "follow", _, *_):
            at = ("strategies", name, "follow")
            before = _get(lay_over(base, own), at)
            if _get(own, at) is None and isinstance(before, Mapping):
                return [(at, deepcopy(dict(before))), (change.path, change.value)]
    return [(change.path, change.value)]


def _get(data: Mapping[str, Any], path: KeyPath) -> Any:
    here: Any = data
    for key in path:
        here = here.get(key) if isinstance(here, Mapping) else None
    return here


def _apply(document: Any, path: KeyPath, value: object | None) -> None:
    """Sets or takes away what stands at `path`, in the document's tables or in plain ones alike."""
    here = document
    for number, key in enumerate(path[:-1]):
        below = here.get(key)
        if not isinstance(below, Mapping):
            if value is None:
                return
            if key in here:
                del here[key]
            here[key] = _table_under(here, path[: number + 1], last=number == len(path) - 2)
        here = here[key]
    if value is None:
        here.pop(path[-1], None)
    else:
        here[path[-1]] = value


def _table_under(parent: object, path: KeyPath, *, last: bool) -> MutableMapping[str, Any]:
    """A new table: plain in plain ones, one line where it must be, without a header where it holds tables alone."""
    if not isinstance(parent, Container | Table | InlineTable | OutOfOrderTableProxy):
        return {}
    return tomlkit.inline_table() if isinstance(parent, InlineTable) else _table_at(path, last=last)


def _table_at(path: KeyPath, *, last: bool) -> InlineTable | Table:
    """Who follows is one line."""
    return tomlkit.inline_table() if "follow" in path else tomlkit.table(is_super_table=not last)


def _item(value: object, path: KeyPath = ("follow",)) -> Item:
    """`value` as TOML; decimals keep their digits, Windows paths need no doubled backslashes."""
    match value:
        case Decimal():
            plain = value.is_finite() and can_be_written_out(value)
            return tomlkit.value(format(value, "f") if plain else str(value).lower().replace("infinity", "inf"))
        case str() if "\\" in value and not set(value) & {"'", "\n"}:
            return tomlkit.string(value, literal=True)
        case Mapping():
            table = _table_at(path, last=True)
            for key, inner in value.items():
                table[key] = _item(inner)
            return table
        case list() | tuple() | set() | frozenset():
            array = tomlkit.array()
            for inner in value:
                array.append(_item(inner))
            return array
        case _:
            return tomlkit.item(value)


def _plain(value: object) -> object:
    """Comparable: empty tables left out, numbers by their worth."""
    if isinstance(value, Mapping):
        return {key: plain for key, inner in value.items() if (plain := _plain(inner)) != {}}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    return Decimal(str(value)) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else value
