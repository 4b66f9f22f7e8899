"""How values stand in the ledger: times as milliseconds, days as ISO dates, money as decimal texts."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar, overload

import orjson

from jqfollow.clock import to_ms
from jqfollow.reasons import Refusal

Stored = str | int | None
"""What SQLite keeps; never a float."""

_E = TypeVar("_E", bound=StrEnum)


def stored(value: StrEnum | Decimal | datetime | date | bool | int | str | None) -> Stored:
    """The one way in: `value` as SQLite keeps it.

    Raises:
        TypeError: a float, or another type that has no place in the ledger.
        ValueError: a decimal that is not finite, or a time without zone.
    """
    match value:
        case None | int():
            return None if value is None else int(value)
        case StrEnum():
            return value.value
        case str():
            # A broker's words may hold bytes that no text has; they must not keep a fact out of the ledger.
            return value.encode("utf-8", "replace").decode("utf-8")
        case Decimal():
            if not value.is_finite():
                raise ValueError(f"{value} is not an amount")
            return format(value, "f")
        case datetime():
            return to_ms(value)
        case date():
            return value.isoformat()
        case _:
            raise TypeError(f"{value!r} ({type(value).__name__}) has no place in the ledger")


def day_text(day: date) -> str:
    """The exchange day as text.

    Raises:
        TypeError: a time was given where a day is meant.
    """
    if isinstance(day, datetime):
        raise TypeError(f"{day!r} is a time, not a day")
    return day.isoformat()


@overload
def decimal(text: str) -> Decimal: ...
@overload
def decimal(text: None) -> None: ...
def decimal(text: str | None) -> Decimal | None:
    """The decimal that `text` holds."""
    return None if text is None else Decimal(text)


def refusal_columns(refusal: Refusal | None) -> dict[str, Stored]:
    """The columns `reason` and `figures`."""
    if refusal is None:
        return {"reason": None, "figures": None}
    return {"reason": stored(refusal.reason), "figures": to_json(dict(refusal.figures)) if refusal.figures else None}


def figures(text: str | None) -> Mapping[str, str]:
    """The figures of a reason."""
    return {} if text is None else json.loads(text)


def to_json(value: Any) -> str:
    """JSON for people to read in the file; what JSON does not know stands as its text."""
    try:
        return orjson.dumps(value, default=str).decode()
    except orjson.JSONEncodeError:  # bytes that no text has, or an integer beyond 64 bits
        return str(stored(json.dumps(value, ensure_ascii=False, default=str)))


def maybe(kind: type[_E], text: str | None) -> _E | None:
    """The member of `kind` named `text`."""
    return None if text is None else kind(text)
