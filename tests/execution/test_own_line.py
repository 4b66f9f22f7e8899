"""The account's own line: what people are told of it, and what explains itself."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.execution.own_line import Difference, compare
from jqfollow.ledger.holdings import OwnLine

DAY = date(2026, 3, 2)
CODE = "600000.SH"


def line(volume: int, by_hand: int = 0, day: date = DAY) -> dict[str, OwnLine]:
    return {CODE: OwnLine(security=CODE, volume=volume, by_hand=by_hand, day=day)}


def told(held: int, booked: int, before: dict[str, OwnLine] | None, **more: dict[str, int]) -> list[Difference]:
    by_hand, over = more.get("by_hand", {}), more.get("booked_over", {})
    return compare({CODE: held} if held else {}, {CODE: booked} if booked else {}, by_hand, over, before, DAY)[1]


def difference(held: int, booked: int, change: int) -> list[Difference]:
    return [Difference(security=CODE, held=held, booked=booked, change=change)]


@pytest.mark.parametrize(
    ("held", "booked", "before", "more", "wanted"),
    [
        (1500, 1000, None, {}, []),  # the first look: a person's own
        (800, 1000, None, {}, difference(800, 1000, 0)),  # less than the books is told at once
        (1500, 1000, line(500), {}, []),
        (1520, 1000, line(500), {}, difference(1520, 1000, 20)),  # bonus shares, or a lost fill
        (1000, 1000, line(500), {}, difference(1000, 1000, -500)),  # transferred out
        (1700, 1000, line(500), {"by_hand": {CODE: 200}}, []),  # bought by hand
        (1700, 1000, line(700, 200), {"by_hand": {CODE: 200}}, []),  # counted in the morning already
        (1900, 1000, line(700, 200), {"by_hand": {CODE: 400}}, []),
        (1700, 1000, line(500, 300, DAY - timedelta(days=1)), {"by_hand": {CODE: 200}}, []),  # of another day
        (1500, 1500, line(500), {"booked_over": {CODE: 500}}, []),  # put into a book by a person
        (1520, 1500, line(500), {"booked_over": {CODE: 500}}, difference(1520, 1500, 20)),
        (0, 0, line(500), {"by_hand": {CODE: -500}}, []),
        (500, 0, {}, {}, difference(500, 0, 500)),  # a security that was never there
        (0, 300, line(0), {}, difference(0, 300, -300)),
    ],
)
def test_what_is_told(
    held: int, booked: int, before: dict[str, OwnLine] | None, more: dict[str, Any], wanted: list[Difference]
) -> None:
    assert told(held, booked, before, **more) == wanted


figures = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(-500, 500))
volumes = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 1000))


@given(volumes, volumes, figures)
def test_a_second_look_at_the_same_tells_only_what_is_missing(
    held: dict[str, int], booked: dict[str, int], by_hand: dict[str, int]
) -> None:
    lines, _ = compare(held, booked, by_hand, {}, None, DAY)
    again, found = compare(held, booked, by_hand, {}, {row.security: row for row in lines}, DAY)
    assert again == lines
    assert all(d.short and d.change == 0 for d in found)


@given(volumes, volumes, figures, figures)
def test_trades_by_hand_and_fills_of_ours_explain_themselves(
    held: dict[str, int], booked: dict[str, int], by_hand: dict[str, int], fills: dict[str, int]
) -> None:
    lines, _ = compare(held, booked, {}, {}, None, DAY)
    after, more = Counter(held), Counter(booked)
    for code, volume in by_hand.items():
        after[code] += volume
    for code, volume in fills.items():
        after[code] += volume
        more[code] += volume
    _, found = compare(after, more, by_hand, {}, {row.security: row for row in lines}, DAY)
    assert all(d.change == 0 for d in found)
