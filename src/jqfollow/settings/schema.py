"""The configuration's JSON schema, walked: which keys there are, and what may stand at each."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, cast

from jqfollow.settings.sections import Settings

Node = Mapping[str, Any]
_KINDS = {
    "boolean": ("true 或 false", "true or false"),
    "string": ("带引号的文字", "a text in quotes"),
    "object": ("一个小节（表）", "a table"),
}
_NUMBERS = {"integer", "number"}


@cache
def _schema() -> dict[str, Any]:
    return Settings.model_json_schema()


def branches(node: Node) -> Iterator[Node]:
    """What may stand at `node`, alternatives one by one, without `null`."""
    if "$ref" in node:
        yield from branches(_schema()["$defs"][node["$ref"].rsplit("/", 1)[-1]])
    elif "anyOf" in node or "oneOf" in node:
        for part in (*node.get("anyOf", ()), *node.get("oneOf", ())):
            yield from branches(part)
    elif node.get("type") != "null":
        yield node


def root() -> Node:
    """The whole configuration."""
    return _schema()


def keys(node: Node) -> list[str]:
    """The keys allowed in the table `node`; empty where any name may stand."""
    return list(dict.fromkeys(key for part in branches(node) for key in part.get("properties", ())))


def is_map(node: Node) -> bool:
    """Is it a table of names, such as `[accounts]`?"""
    return any(isinstance(part.get("additionalProperties"), Mapping) for part in branches(node))


@cache
def paths() -> list[tuple[str, ...]]:
    """Every key that there is, names in tables of names as `NAME`."""
    return list(_paths(root(), ()))


def _paths(node: Node, at: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if at:
        yield at
    if is_map(node) and (inner := child(node, "NAME")) is not None:
        yield from _paths(inner, (*at, "NAME"))
    for key in keys(node):
        if (below := child(node, key)) is not None:
            yield from _paths(below, (*at, key))


def types(node: Node) -> set[str]:
    """JSON's names of the types that may stand at `node`."""
    return {str(part["type"]) for part in branches(node) if "type" in part}


def is_secret(node: Node) -> bool:
    """Must its value not be shown? So for secrets, and for tables and lists, which may hold some."""
    return any(part.get("writeOnly") or part.get("type") in {"object", "array"} for part in branches(node))


def child(node: Node, key: int | str) -> Node | None:
    """What may stand under `key` of the table, or at that place of the list; `None` when nothing may."""
    found: list[Node] = []
    for part in branches(node):
        if isinstance(key, int):
            found += [part["items"]] if isinstance(part.get("items"), Mapping) else []
        elif key in part.get("properties", ()):
            found.append(part["properties"][key])
        elif isinstance(part.get("additionalProperties"), Mapping):
            found.append(part["additionalProperties"])
    if not found:
        return None
    return found[0] if len(found) == 1 else {"anyOf": found}


def locate(location: Sequence[int | str]) -> tuple[list[str], Node | None]:
    """The key's path without pydantic's marks, and what may stand there (`None`: nothing known)."""
    node: Node | None = root()
    path: list[str] = []
    for step in location:
        mapping = cast("Mapping[str, str]", (node or {}).get("discriminator", {}).get("mapping", {}))
        if step in mapping:
            node = {"$ref": mapping[str(step)]}
        elif step != "[key]":
            node = child(node, step) if node is not None else None
            path.append(str(step))
    return path, node


def allowed(node: Node) -> tuple[str, str]:
    """What may stand at `node`, in Chinese and in English."""
    parts = list(branches(node))
    choices = [c for part in parts for c in (*part.get("enum", ()), *([part["const"]] if "const" in part else []))]
    if choices:
        text = " | ".join(f'"{choice}"' for choice in choices)
        return text, text
    if names := keys(node):
        text = ", ".join(names)
        return f"一个小节，可用的键：{text}", f"a table with the keys {text}"
    return _plain(next((part for part in parts if part.get("type") in _NUMBERS), parts[0]))


def _plain(part: Node) -> tuple[str, str]:
    kind = str(part["type"])
    if kind in _NUMBERS:
        return _number(part)
    if kind == "array":
        item_zh, item_en = allowed(part["items"])
        return f"一个数组 […]，每项为 {item_zh}", f"a list […], each item {item_en}"
    if part.get("format") == "time":
        return '"09:00" 这样的时刻', 'a time such as "09:00"'
    if "maxLength" in part:
        low = part.get("minLength", 0)
        return f"{low} 到 {part['maxLength']} 个字符的文字", f"a text of {low} to {part['maxLength']} characters"
    return _KINDS[kind]


def _number(part: Node) -> tuple[str, str]:
    zh, en = ("整数", "a whole number") if part["type"] == "integer" else ("数", "a number")
    bounds = (
        ("minimum", "不小于", "at least"),
        ("exclusiveMinimum", "大于", "over"),
        ("maximum", "不大于", "at most"),
        ("exclusiveMaximum", "小于", "under"),
    )
    given = [
        (f"{word_zh} {part[key]:,.15g}", f"{word_en} {part[key]:,.15g}")
        for key, word_zh, word_en in bounds
        if key in part
    ]
    return "、".join([zh, *(g[0] for g in given)]), ", ".join([en, *(g[1] for g in given)])
