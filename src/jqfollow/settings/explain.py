"""What is wrong with a configuration, for people: each key's path, what stands there and what is allowed."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from jqfollow.domain import JqfollowError
from jqfollow.meant import closest
from jqfollow.settings import schema
from jqfollow.settings.origins import Mistake, Origins, origin_of

_SHOWN = 40
_OF_A_NAME = 3
_MOVED = {
    ("strategies", key): f"已移到 [strategies.NAME.risk] {key} / stands in [strategies.NAME.risk] now"
    for key in ("max_order_value", "max_daily_orders")
}
_MISSING = frozenset({"missing", "union_tag_not_found"})
_WRONG_TYPE = ("_type", "_parsing", "_from_float")


class ConfigError(JqfollowError):
    """The configuration cannot be used; the message names each key, what is wrong and what is allowed."""


def explain(error: ValidationError, origins: Origins, *, whole: bool = True) -> list[Mistake]:
    """All that is wrong by itself; what only does not fit together is `misfits`'.

    Args:
        error: pydantic's finding.
        origins: where the values stand, by the key's path.
        whole: everything could be read; else what is missing may only not have been readable.
    """
    items = error.errors(include_url=False)
    return [_mistake(item, origins) for item in items if item["loc"] and (whole or item["type"] not in _MISSING)]


def unknown_key(key: str, node: schema.Node, known: Sequence[str] | None = None) -> str:
    """Says that a table has no such key, which one may be meant and which there are."""
    names = schema.keys(node) if known is None else known
    close = closest(key, names)
    hint_zh, hint_en = (f"，是不是 {close}？", f", did you mean {close}?") if close else ("；", ";")
    allowed = ", ".join(names)
    return f"没有这个配置项{hint_zh}可用：{allowed} / unknown key{hint_en} allowed: {allowed}"


def _mistake(item: Mapping[str, Any], origins: Origins) -> Mistake:
    kind, location = str(item["type"]), item["loc"]
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        location = (*location, str(item["ctx"]["discriminator"]).strip("'"))
    path, node = schema.locate(location)
    return Mistake(path=tuple(path), origin=origin_of(tuple(path), origins), what=_what(kind, item, node, path))


def _what(kind: str, item: Mapping[str, Any], node: schema.Node | None, path: list[str]) -> str:
    if kind == "value_error":
        return str(item["msg"]).removeprefix("Value error, ")
    if kind == "extra_forbidden":
        parent = schema.locate(item["loc"][:-1])[1]
        moved = _MOVED.get((path[0], path[-1]), "") if len(path) == _OF_A_NAME else ""
        return moved or unknown_key(path[-1], parent if parent is not None else {})
    if node is None:
        return str(item["msg"])
    zh, en = schema.allowed(node)
    if kind in _MISSING:
        return f"缺少这一项，应为 {zh} / is missing, expected: {en}"
    value = item["ctx"]["tag"] if kind == "union_tag_invalid" else item["input"]
    shown = "" if schema.is_secret(node) else f" {_shown(value)}"
    if kind.endswith(_WRONG_TYPE):
        type_zh, type_en = _type_of(value)
        return f"写成了{type_zh}{shown}，应为 {zh} / is {type_en}{shown}, expected: {en}"
    return f"不能是{shown or '这个值'}，应为 {zh} / is{shown or ' not possible'}, expected: {en}"


def _type_of(value: object) -> tuple[str, str]:
    kinds: tuple[tuple[type | tuple[type, ...], str, str], ...] = (
        (bool, "布尔值", "a boolean"),
        (str, "文字", "a text"),
        (int, "整数", "a whole number"),
        ((float, Decimal), "小数", "a decimal number"),
        (Mapping, "表", "a table"),
        ((list, tuple), "数组", "a list"),
    )
    return next(((zh, en) for kind, zh, en in kinds if isinstance(value, kind)), ("日期或时间", "a date or time"))


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value[:_SHOWN]}{"…" if len(value) > _SHOWN else ""}"'
    return str(value)[:_SHOWN] if isinstance(value, int | float | Decimal) else ""
