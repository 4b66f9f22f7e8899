"""JSON in which everything is said once and every number is possible; and pydantic's findings in our words."""

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError

from jqfollow.wire.errors import MalformedError

_Number = TypeVar("_Number", int, Decimal)
_MOST_DIGITS = 40
_MOST_MAGNITUDE = 30
_SHOWN = re.compile(r"[a-z_]{1,20}|[0-9]{6}\.[A-Z]{2,4}")
"""A field's name, or a security."""


def loads(raw: bytes | str) -> Any:
    """The value of `raw`, with every number that has a point or an exponent as `Decimal`.

    Raises:
        MalformedError: no JSON (RFC 8259, UTF-8), a key twice in one object, NaN or Infinity, a number of more than
            40 digits or beyond 1e30, half a surrogate pair, or nesting too deep.
    """
    return _loads(raw, parse_int=_bounded(int), parse_float=_bounded(Decimal))


def loads_plain(raw: bytes | str) -> Any:
    """Like `loads`, with numbers as Python reads them: for what comes from anybody and has its bounds in its model.

    No Python code runs for a number, so that a body full of them costs no more than any other.

    Raises:
        MalformedError: as `loads`, whatever its numbers.
    """
    return _loads(raw)


def _loads(raw: bytes | str, **numbers: Callable[[str], object]) -> Any:
    try:
        orjson.loads(raw)  # refuses NaN, invalid UTF-8, lone surrogates and depth bombs, which json lets pass
        return json.loads(raw, object_pairs_hook=_unique, **numbers)  # type: ignore[arg-type]
    except (ValueError, ArithmeticError, RecursionError):
        # `from None`: the vendor's error holds the whole document, and this one may be logged.
        raise MalformedError("消息不是合法的 JSON", "the message is not JSON") from None


def malformed(error: ValidationError) -> MalformedError:
    """The first finding of `error`, with the number that it is about; a text may be anything, and is not shown."""
    found = error.errors()[0]
    value = found["input"]
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return finding(found["loc"], f"{found['msg']} ({value})" if number else found["msg"])


def finding(place: Sequence[int | str], what: str) -> MalformedError:
    """What pydantic found at `place`, in our words."""
    path = ".".join(_part(part) for part in place) or "message"
    return MalformedError(f"字段 {path} 不合要求：{what}", f"field {path}: {what}")


def _part(part: int | str) -> str:
    # A key can be anything that the sender wrote.
    return part if isinstance(part, str) and _SHOWN.fullmatch(part) else "?"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedError("JSON 中同一字段出现两次", "a field stands twice in one JSON object")
    return found


def _bounded(kind: Callable[[str], _Number]) -> Callable[[str], _Number]:
    def parse(text: str) -> _Number:
        number = kind(text) if len(text) <= _MOST_DIGITS else None
        if number is None or abs(Decimal(number).adjusted()) > _MOST_MAGNITUDE:
            raise MalformedError("JSON 中的数字过大", "a number in the JSON is too large")
        return number

    return parse
