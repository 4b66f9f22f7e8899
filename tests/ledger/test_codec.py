"""How values stand in the ledger, and how they come back."""

from decimal import Decimal
from typing import Any

import pytest

from jqfollow.clock import to_ms
from jqfollow.domain import Side
from jqfollow.ledger.codec import day_text, decimal, figures, maybe, refusal_columns, stored, to_json
from jqfollow.reasons import Reason, Refusal
from ledger.samples import DAY, NOW

BROKEN = b"\xce\xde".decode("ascii", "surrogateescape")
"""Bytes that no text has, as a broker's interface hands them over."""


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (True, 1),
        (False, 0),
        (7, 7),
        ("成交", "成交"),
        (f"坏{BROKEN}", "坏??"),
        (Side.BUY, "buy"),
        (Decimal("1E+3"), "1000"),
        (Decimal("11.30"), "11.30"),
        (NOW, to_ms(NOW)),
        (DAY, "2026-01-05"),
    ],
)
def test_what_a_value_is_kept_as(value: Any, kept: Any) -> None:
    assert (stored(value), type(stored(value))) == (kept, type(kept))


@pytest.mark.parametrize("value", [1.5, b"x", object(), [1]])
def test_what_has_no_place_in_the_ledger(value: Any) -> None:
    with pytest.raises(TypeError, match="no place"):
        stored(value)


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_no_amount(value: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        stored(Decimal(value))


def test_a_time_needs_its_zone_and_is_no_day() -> None:
    with pytest.raises(ValueError, match="without zone"):
        stored(NOW.replace(tzinfo=None))
    with pytest.raises(TypeError, match="a time, not a day"):
        day_text(NOW)
    assert day_text(DAY) == "2026-01-05"


def test_what_is_not_there_comes_back_as_nothing() -> None:
    assert (decimal(None), maybe(Side, None), figures(None)) == (None, None, {})
    assert (decimal("11.30"), maybe(Side, "sell"), figures('{"a":"1"}')) == (Decimal("11.30"), Side.SELL, {"a": "1"})


@pytest.mark.parametrize(
    ("refusal", "columns"),
    [
        (None, {"reason": None, "figures": None}),
        (Refusal(reason=Reason.STALE), {"reason": "stale", "figures": None}),
        (Refusal(reason=Reason.STALE, figures={"age_s": "75"}), {"reason": "stale", "figures": '{"age_s":"75"}'}),
    ],
)
def test_how_a_refusal_is_kept(refusal: Refusal | None, columns: dict[str, Any]) -> None:
    assert refusal_columns(refusal) == columns


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"为什么": "资金不足", "needed": Decimal("1130.00")}, '{"为什么":"资金不足","needed":"1130.00"}'),
        ({"message": f"坏{BROKEN}", "at": Decimal(1)}, '{"message": "坏??", "at": "1"}'),
        ([2**70], "[1180591620717411303424]"),
    ],
)
def test_json_for_people_whatever_it_holds(value: Any, text: str) -> None:
    assert to_json(value) == text
