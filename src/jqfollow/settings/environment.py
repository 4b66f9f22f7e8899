"""The environment's part of the configuration: `JQFOLLOW_SIGNALS__PORT` is `signals.port`."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from jqfollow.settings import schema
from jqfollow.settings.explain import ConfigError, unknown_key
from jqfollow.settings.origins import KeyPath, Mistake, Origin

ENV_PREFIX = "JQFOLLOW_"
_OWN_VARIABLES = frozenset({"JQFOLLOW_CONFIG", "JQFOLLOW_LANG", "JQFOLLOW_PYTHON36"})
_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_NAME_BORDERS = re.compile(r"[.\-_]")


def lay_environment_over(
    data: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[dict[str, Any], dict[KeyPath, Origin], list[Mistake]]:
    """`data` with the environment over it, key by key; which variable set what; and what names nothing."""
    merged = _copy(data)
    origins: dict[KeyPath, Origin] = {}
    wrong: list[Mistake] = []
    names = [n for n in environ if n.upper().startswith(ENV_PREFIX) and n.upper() not in _OWN_VARIABLES]
    for name in sorted(names, key=lambda n: (n.count("__"), n)):
        variable = Origin(name=name)
        try:
            path, node = resolve(name[len(ENV_PREFIX) :].split("__"), merged)
        except ConfigError as error:
            wrong.append(Mistake(path=(), origin=variable, what=str(error)))
            continue
        value = as_written(environ[name].strip(), node)
        put(merged, path, value)
        origins.update(dict.fromkeys(_leaves(tuple(path), value), variable))
    return merged, origins, wrong


def _leaves(path: KeyPath, value: object) -> Iterator[KeyPath]:
    if not isinstance(value, Mapping):
        yield path
        return
    for key, inner in value.items():
        yield from _leaves((*path, str(key)), inner)


def resolve(steps: Sequence[str], data: Mapping[str, Any], *, keep_case: bool = False) -> tuple[list[str], schema.Node]:
    """The path of the key that `steps` name, in any case and with `_` for `.` and `-`, and what may stand there.

    Args:
        steps: from the outermost table on.
        data: whose names of accounts and strategies are known.
        keep_case: of names that are new; the environment has but one.

    Raises:
        ConfigError: there is no such key, or several are alike.
    """
    node, here, path = schema.root(), data, list[str]()
    for step in steps:
        known = schema.keys(node)
        if schema.is_map(node):
            alike = [key for key in here if _folded(key) == _folded(step)]
            if len(alike) > 1:
                raise ConfigError(f"{step} 可以指 / may mean {', '.join(alike)}")
            key = alike[0] if alike else (step if keep_case else step.lower())
        elif step.lower() in known:
            key = step.lower()
        else:
            raise ConfigError(unknown_key(step.lower(), node, known))
        below = schema.child(node, key)
        node, path = below if below is not None else {}, [*path, key]
        inner = here.get(key)
        here = inner if isinstance(inner, Mapping) else {}
    return path, node


def _folded(name: str) -> str:
    return _NAME_BORDERS.sub("_", name).casefold()


def as_written(text: str, node: schema.Node) -> object:
    """The environment's text as the type that the key wants; as it is when it cannot be read as such."""
    types = schema.types(node)
    if "boolean" in types:
        return _BOOLEANS.get(text.lower(), text)
    if text[:1] in {"[", "{"} and types & {"array", "object"}:
        return _literal(text)
    if "array" in types:
        return [item for part in re.split("[,，]", text) if (item := part.strip())]
    try:
        if "integer" in types:
            return int(text)
        if types & {"number", "object"}:  # a table is a strategy's `follow`, which may be a bare ratio
            return Decimal(text)
    except (ValueError, InvalidOperation):
        pass
    return text


def _literal(text: str) -> object:
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        pass
    try:
        return tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
    except (ValueError, RecursionError):
        return text


def _copy(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, Mapping) else value for key, value in data.items()}


def put(data: dict[str, Any], path: list[str], value: object) -> None:
    """Sets what stands at `path`, in place; a table is merged with the one that is there, key by key."""
    here = data
    for key in path[:-1]:
        below = here.get(key)
        if not isinstance(below, dict):
            below = here[key] = {}
        here = below
    last = path[-1]
    before = here.get(last)
    if isinstance(value, Mapping) and isinstance(before, dict):
        for key, inner in value.items():
            put(before, [str(key)], inner)
    else:
        here[last] = value
