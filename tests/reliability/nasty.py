"""Values that are in nobody's mind, put into every field of whatever a port takes."""

import copy
import json
from collections.abc import Iterator
from typing import Any

NUMBERS: tuple[Any, ...] = (
    0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**8, 10**9, 10**12, 10**30, 10**400,
    0.1, -0.0, 5e-324, 1e12, 1e15, 1e308,
)  # fmt: skip
TEXTS: tuple[Any, ...] = (
    "", " ", "0", "-1", "1e12", "1e999", "NaN", "Infinity", "1000000", "1000000000000", "0.00000000000000000001",
    "1e-999999999", "1e-400",
    "9" * 400, "1" + "0" * 40, "x" * 5000, "\x00", "a\x00b", "\ud800", "\u202e", "😀", "'; DROP TABLE signals; --",
    "<script>alert(1)</script>", "{0}%s%n", "../../etc/passwd", "CON", "\r\n\r\n", "buy", "held", "canceled",
    "000001.XSHE", "888888.XXXX", "600000.SH", "０００００１.XSHE", "1" * 64, "__proto__",
)  # fmt: skip
TIMES: tuple[Any, ...] = (
    "0001-01-01 00:00:00", "9999-12-31 23:59:59", "2026-02-30 09:30:00", "1969-12-31 23:59:59.999999", "0001-01-01",
    "9999-12-31", "0000-00-00", "2026-13-01", "2100-01-01 00:00:00", "2026-11-25T09:31:00+25:00",
)  # fmt: skip
SHAPES: tuple[Any, ...] = (
    None, True, False, [], {}, [[]], [None] * 60, {"a": 1}, {"": {}}, [{"id": "1"}] * 51,
    json.loads("[" * 400 + "]" * 400),
)  # fmt: skip
ALL = (*NUMBERS, *TEXTS, *TIMES, *SHAPES)


class Gone:
    """Instead of a value: the field is not there."""


def changed(value: Any, with_: tuple[Any, ...] = (*ALL, Gone)) -> Iterator[tuple[str, Any]]:
    """`value` with one of its parts, however deep, changed to each of the nasty values; and what was done."""
    for path in _paths(value):
        for other in with_:
            made = copy.deepcopy(value)
            here = made
            for step in path[:-1]:
                here = here[step]
            if other is Gone:
                del here[path[-1]]
            else:
                here[path[-1]] = other
            yield f"{'.'.join(map(str, path))} = {_short(other)}", made


def _paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if here:
        yield here
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*here, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _paths(inner, (*here, place))


def _short(value: Any) -> str:
    text = "(gone)" if value is Gone else repr(value)
    return text if len(text) < 40 else f"{text[:36]}…"
