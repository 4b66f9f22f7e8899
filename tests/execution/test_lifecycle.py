"""The life of an attempt: every pair of state and event, and every way through them."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.domain import ATTEMPT_ENDED, ATTEMPT_LIVE, AttemptState
from jqfollow.execution.lifecycle import _STAYS, _TABLE, REPORTED, Event, contradicts, step

S, E = AttemptState, Event
PAIRS = list(product(AttemptState, Event))
# A broker proves an end by its report, by a proven refusal, or by a proven absence; a day's end needs its lists.
ENDS = {
    E.REFUSED: {S.REJECTED, S.CANCELED}, E.NOT_SENT: {S.REJECTED, S.CANCELED}, E.ABSENT: {S.REJECTED, S.CANCELED},
    E.FILLED: {S.FILLED}, E.CANCELED: {S.CANCELED}, E.REJECTED: {S.REJECTED, S.CANCELED}, E.DAY_ENDED: {S.CANCELED},
}  # fmt: skip


def test_each_pair_stands_in_exactly_one_table() -> None:
    assert set(PAIRS) == _STAYS | set(_TABLE)
    assert not _STAYS & set(_TABLE)
    assert not [pair for pair, after in _TABLE.items() if after is pair[0]], "what stays belongs into the other table"


@pytest.mark.parametrize("filled", [0, 100])
def test_what_has_ended_never_changes(filled: int) -> None:
    for state, event in product(ATTEMPT_ENDED, Event):
        assert step(state, event, filled=filled) is state, (state, event)


def test_only_proof_ends_an_attempt() -> None:
    for state, event in product(ATTEMPT_LIVE, Event):
        after = step(state, event)
        assert after in ATTEMPT_LIVE or after in ENDS.get(event, set()), (state, event)


@pytest.mark.parametrize(("told", "event"), REPORTED.items())
def test_what_a_broker_reports_of_the_unknown_is_so(told: AttemptState, event: Event) -> None:
    assert step(S.UNKNOWN, event) is told
    assert step(S.PENDING_NEW, event) is told


def test_every_state_that_a_broker_can_report_has_its_event() -> None:
    assert set(REPORTED) == set(AttemptState) - {S.PENDING_NEW, S.UNKNOWN}
    assert len(set(REPORTED.values())) == len(REPORTED)


@pytest.mark.parametrize(
    ("path", "filled", "end"),
    [
        ([E.ACCEPTED, E.NEW, E.PARTIAL, E.FILLED], 1, S.FILLED),
        ([E.FILLED, E.ACCEPTED], 1, S.FILLED),  # the push came before the call's own answer
        ([E.NO_ANSWER, E.ACCEPTED], 0, S.NEW),  # the answer came late
        ([E.NO_ANSWER, E.REFUSED], 0, S.REJECTED),
        ([E.NO_ANSWER, E.ABSENT], 0, S.REJECTED),
        ([E.RESTARTED, E.NEW], 0, S.NEW),
        ([E.NOT_SENT], 0, S.REJECTED),
        ([E.ACCEPTED, E.REFUSED], 0, S.REJECTED),
        ([E.ACCEPTED, E.CANCEL_ASKED, E.CANCELED], 0, S.CANCELED),
        ([E.ACCEPTED, E.CANCEL_ASKED, E.NEW, E.PARTIAL], 1, S.PENDING_CANCEL),
        ([E.ACCEPTED, E.CANCEL_ASKED, E.CANCEL_FAILED], 0, S.NEW),
        ([E.ACCEPTED, E.PARTIAL, E.CANCEL_ASKED, E.CANCEL_FAILED], 1, S.PARTIALLY_FILLED),
        ([E.ACCEPTED, E.CANCEL_ASKED, E.FILLED, E.CANCELED], 1, S.FILLED),
        ([E.ACCEPTED, E.DAY_ENDED], 0, S.CANCELED),
        ([E.ACCEPTED, E.DAY_LOST, E.DAY_ENDED], 0, S.UNKNOWN),
        ([E.NO_ANSWER, E.CANCEL_ASKED], 0, S.UNKNOWN),
        ([E.ACCEPTED, E.NO_ANSWER], 0, S.NEW),
        ([E.ACCEPTED, E.ABSENT], 0, S.NEW),  # a list that lags proves nothing of what was accepted
        ([E.ACCEPTED, E.PARTIAL, E.REJECTED], 1, S.CANCELED),
        ([E.ACCEPTED, E.NEW], 1, S.PARTIALLY_FILLED),
        ([E.REJECTED], 1, S.CANCELED),
        ([E.NO_ANSWER, E.ABSENT], 1, S.CANCELED),
    ],
)
def test_lives(path: list[Event], filled: int, end: AttemptState) -> None:
    """`filled` holds from the first event on."""
    state = S.PENDING_NEW
    for event in path:
        state = step(state, event, filled=filled)
    assert state is end


@given(st.lists(st.tuples(st.sampled_from(Event), st.integers(0, 2)), max_size=30))
def test_whatever_happens_in_whatever_order(events: list[tuple[Event, int]]) -> None:
    """An end is for good; what is filled is never told as new or rejected; nothing goes back before the broker."""
    state, filled = S.PENDING_NEW, 0
    for event, more in events:
        filled += more
        after = step(state, event, filled=filled)
        assert after is state or state not in ATTEMPT_ENDED
        assert after is not S.PENDING_NEW or state is S.PENDING_NEW
        if filled and after is not state:
            assert after not in {S.NEW, S.REJECTED}
        state = after


def test_only_a_broker_that_holds_what_was_never_placed_contradicts() -> None:
    found = {(state, event) for state, event in PAIRS if contradicts(state, event)}
    assert found == {(S.REJECTED, event) for event in (E.ACCEPTED, E.NEW, E.PARTIAL, E.FILLED, E.CANCELING)}


def test_a_pair_that_nobody_thought_of_is_loud() -> None:
    with pytest.raises(LookupError):
        step("elsewhere", E.NEW)  # type: ignore[arg-type]
