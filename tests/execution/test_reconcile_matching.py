"""Which row of the broker's list is which attempt whose outcome nobody knows."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.domain import AttemptState, OrderKey, OrderReport, Side
from jqfollow.execution.ours import AFTER, BEFORE, OURS, Ours, match_unknown, may_be, whose
from jqfollow.ledger.rows import AttemptRow
from notify.rows import AT, attempt


def unknown(attempt_id: int = 1, remark: str = "jqABCDE-1", **changes: Any) -> AttemptRow:
    return attempt(attempt_id=attempt_id, remark=remark, **changes)


def report(broker_order_id: str = "b1", remark: str = "jqABCDE-1", **changes: Any) -> OrderReport:
    row = OrderReport(
        broker_order_id=broker_order_id,
        remark=remark,
        symbol="000001.SZ",
        side=Side.BUY,
        volume=500,
        price=Decimal("12.34"),
        state=AttemptState.NEW,
        filled=0,
        at=AT,
    )
    return replace(row, **changes)


def matched(attempts: list[AttemptRow], reports: list[OrderReport], *taken: str) -> dict[int, str]:
    found = match_unknown(attempts, reports, taken)
    return {attempt_id: row.broker_order_id for attempt_id, row in found.items()}


def test_the_remark_names_it_whenever_and_at_whatever_price_it_stands() -> None:
    other = report("b2", "jqABCDE-2")
    mine = report(price=Decimal("12.30"), at=AT + timedelta(hours=3), remark=" jqABCDE-1 ")
    assert matched([unknown()], [other, mine]) == {1: "b1"}


@pytest.mark.parametrize(
    "change", [{"symbol": "600000.SH"}, {"side": Side.SELL}, {"volume": 400}], ids=["code", "side", "volume"]
)
def test_a_remark_on_other_terms_is_somebodys_copy(change: dict[str, Any]) -> None:
    assert matched([unknown()], [report(**change)]) == {}
    assert matched([unknown()], [report(**change), report("b2", "")]) == {}


def test_one_remark_on_two_orders_names_neither() -> None:
    assert matched([unknown()], [report("b1"), report("b2")]) == {}


def test_the_remark_of_another_attempt_may_begin_like_ours() -> None:
    """Attempt 1 is `-1`, attempt 71 is `-1Z`."""
    first, later = unknown(1, "jqABCDE-1"), unknown(71, "jqABCDE-1Z")
    assert matched([first, later], [report("b1", "jqABCDE-1")]) == {1: "b1"}
    assert matched([later], [report("b1", "jqABCDE-1")]) == {}
    both = [report("b1", "jqABCDE-1"), report("b71", "jqABCDE-1Z")]
    assert matched([first, later], both) == {1: "b1", 71: "b71"}


def test_the_refused_order_before_it_looks_the_same_and_is_another() -> None:
    """Were it taken for ours, it would be placed once more while ours is on its way."""
    refused = report("b1", "jqABCDE-1", state=AttemptState.REJECTED)
    assert matched([unknown(2, "jqABCDE-2")], [refused]) == {}


@pytest.mark.parametrize("remark", ["", "  ", "jqABCD", "策略交易"])
def test_a_remark_that_was_dropped_cut_or_rewritten_leaves_the_terms(remark: str) -> None:
    assert matched([unknown()], [report(remark=remark)]) == {1: "b1"}


@pytest.mark.parametrize(
    "change",
    [
        {"symbol": "600000.SH"},
        {"side": Side.SELL},
        {"volume": 400},
        {"price": Decimal("12.35")},
        {"at": AT - BEFORE - timedelta(milliseconds=1)},
        {"at": AT + AFTER + timedelta(milliseconds=1)},
    ],
    ids=["code", "side", "volume", "price", "early", "late"],
)
def test_terms_must_all_fit(change: dict[str, Any]) -> None:
    assert matched([unknown()], [report(remark="", **change)]) == {}


@pytest.mark.parametrize("at", [AT - BEFORE, AT, AT + AFTER])
def test_clocks_may_differ_a_little(at: Any) -> None:
    assert matched([unknown()], [report(remark="", at=at, price=Decimal("12.340"))]) == {1: "b1"}


def test_terms_decide_only_where_one_fits_one() -> None:
    assert matched([unknown()], [report("b1", ""), report("b2", "")]) == {}
    assert matched([unknown(1), unknown(2, "jqABCDE-2")], [report("b1", "")]) == {}
    assert matched([unknown()], [report("b1", ""), report("b2", "")], "b2") == {1: "b1"}
    two = [unknown(1), unknown(2, "jqABCDE-2", volume=400)]
    assert matched(two, [report("b1", ""), report("b2", "", volume=400)]) == {1: "b1", 2: "b2"}, "each by its own"
    assert matched(two, [report("b1", ""), report("b2", ""), report("b3", "", volume=400)]) == {2: "b3"}


def test_what_is_taken_is_not_ours() -> None:
    assert matched([unknown()], [report("b1")], "b1") == {}
    assert matched([unknown()], [report("b1", "")], "b1") == {}


def test_nothing_is_made_of_nothing() -> None:
    assert matched([], [report()]) == {}
    assert matched([unknown()], []) == {}


IDS = ["1", "2", "1Z"]
rows = st.builds(
    report,
    st.sampled_from(["b1", "b2", "b3", "b4"]),
    st.sampled_from(["", "other", *(f"jqABCDE-{i}" for i in IDS), "jqZZZZZ-1"]),
    volume=st.sampled_from([500, 400]),
    price=st.sampled_from([Decimal("12.34"), Decimal("12.35")]),
    at=st.sampled_from([AT, AT + timedelta(hours=1)]),
)


@given(
    st.lists(rows, max_size=5, unique_by=lambda row: row.broker_order_id),
    st.sets(st.sampled_from(IDS)),
    st.sets(st.sampled_from(["b1", "b2"])),
)
def test_each_report_is_one_attempt_and_its_own(reports: list[OrderReport], ids: set[str], taken: set[str]) -> None:
    attempts = [unknown(IDS.index(name) + 1, f"jqABCDE-{name}") for name in sorted(ids)]
    found = match_unknown(attempts, reports, taken)
    by_id = {row.attempt_id: row for row in attempts}
    used = [row.broker_order_id for row in found.values()]
    assert len(used) == len(set(used))
    assert not taken & set(used)
    for attempt_id, row in found.items():
        mine = by_id[attempt_id]
        assert (row.symbol, row.side, row.volume) == (mine.security, mine.side, mine.volume)
        assert row.remark == mine.remark or (not OURS.fullmatch(row.remark) and row.price == mine.price)
    for order in list(permutations(reports))[:6]:
        assert match_unknown(attempts[::-1], order, taken) == found


def test_a_remark_of_another_account_names_nothing_here() -> None:
    elsewhere = attempt(remark="jqABCDE-1", account="other", broker_order_id=None)
    here = OrderKey(account="main", day=AT.date(), broker_order_id="b1")
    assert whose(here, elsewhere, None) is None
    assert whose(replace(here, account="other"), elsewhere, None) is elsewhere


def test_remark_and_key_of_two_attempts_name_neither() -> None:
    key = OrderKey(account="main", day=AT.date(), broker_order_id="b1")
    named, keyed = unknown(1, broker_order_id=None), unknown(2, "jqABCDE-2", broker_order_id="b1")
    assert whose(key, named, keyed) is None
    assert whose(key, named, None) == whose(key, named, named) == named
    assert whose(key, None, keyed) == keyed


def test_a_remark_on_two_rows_names_none_that_has_no_id_yet() -> None:
    nameless, known = unknown(1, broker_order_id=None), unknown(2, "jqABCDE-2", broker_order_id="b2")
    rows = [report("b1"), report("b9"), report("b2", "jqABCDE-2"), report("b8", "jqABCDE-2")]

    def found(reports: list[OrderReport], attempt: AttemptRow, broker_order_id: str) -> AttemptRow | None:
        key = OrderKey(account=attempt.account, day=attempt.day, broker_order_id=broker_order_id)
        return Ours([nameless, known], reports).find(key, f" {attempt.remark} ")

    assert found(rows, nameless, "b1") is None
    assert found(rows[:1], nameless, "b1") == nameless
    assert found(rows, known, "b2") == known
    assert found(rows, known, "b8") is None  # its own id is another
    assert Ours([nameless]).named(" jqABCDE-1 ") == nameless


@pytest.mark.parametrize(
    ("known", "change", "may"),
    [
        ("b1", {}, True),
        ("b1", {"volume": 400}, True),  # a broker may tell what is left of it
        ("b1", {"symbol": "600000.SH"}, False),
        ("b1", {"side": Side.SELL}, False),
        (None, {}, True),
        (None, {"volume": 400}, False),
        (None, {"side": Side.SELL}, False),
    ],
)
def test_what_a_report_must_agree_in(known: str | None, change: dict[str, Any], may: bool) -> None:
    assert may_be(unknown(broker_order_id=known), report(**change)) is may


def test_a_call_may_arrive_two_minutes_late_and_clocks_differ_by_seconds() -> None:
    assert (timedelta(seconds=5), timedelta(minutes=2)) == (BEFORE, AFTER)
