"""How figures, times and reasons are written for people."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from jqfollow.cli.base import lang, words
from jqfollow.reasons import Reason, Refusal

_SIDES = {"buy": ("买", "buy"), "sell": ("卖", "sell")}


def why(reason: Reason | None, figures: Mapping[str, str]) -> str:
    """The sentence of a reason in the language of the output; "" without one."""
    return "" if reason is None else Refusal(reason=reason, figures=figures).text(lang())


def number(value: Decimal | int | None) -> str:
    """A figure for people; "" when there is none."""
    if value is None:
        return ""
    text = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def moment(at: datetime) -> str:
    """A time for people."""
    return f"{at:%m-%d %H:%M:%S}"


def side(value: str) -> str:
    """`buy` or `sell` in the language of the output."""
    return words(*_SIDES[value])
