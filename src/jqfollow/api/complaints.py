"""What is wrong with a request's fields, in Chinese and English."""

from collections.abc import Mapping
from typing import Any

from jqfollow.vocabulary import Pair, half

_ZH = {
    "missing": "缺少这一项",
    "extra_forbidden": "没有这一项",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应不大于 {le}",
    "multiple_of": "应为 {multiple_of} 的倍数",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符",
    "string_pattern_mismatch": "格式不对（{pattern}）",
    "literal_error": "应为 {expected}",
    "enum": "应为 {expected}",
    "finite_number": "应为有限的数",
    "decimal_max_digits": "最多 {max_digits} 位数字",
    "decimal_max_places": "最多 {decimal_places} 位小数",
    "decimal_whole_digits": "整数部分最多 {whole_digits} 位",
    "json_invalid": "不是 JSON",
}
_TYPES = {
    "int": "应为整数",
    "decimal": "应为数字",
    "float": "应为数字",
    "string": "应为文字",
    "bool": "应为 true 或 false",
    "date": "应为日期，如 2026-03-02",
    "datetime": "应为时间",
    "list": "应为数组",
    "model": "应为对象",
    "dict": "应为对象",
}


def complaint(found: Mapping[str, Any]) -> Pair:
    """One of pydantic's findings; what a model of ours says is in both languages already."""
    kind, told = str(found["type"]), str(found["msg"]).removeprefix("Value error, ")
    if kind == "value_error":
        return half(told, "zh"), half(told, "en")
    zh = _ZH.get(kind) or next((words for start, words in _TYPES.items() if kind.startswith(f"{start}_")), "值不对")
    context = {**(found.get("ctx") or {})}
    if "expected" in context:
        context["expected"] = str(context["expected"]).replace(" or ", "、").replace(", ", "、")
    return zh.format_map(context), told
