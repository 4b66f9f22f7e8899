"""The life of an attempt: one table, (state, event) -> state.

States are FIX OrdStatus words and `unknown`. A pair that is in neither table is a mistake of the program; a test
walks over all of them.
"""

from enum import StrEnum

from jqfollow.domain import ATTEMPT_ENDED, AttemptState

S = AttemptState


class Event(StrEnum):
    """What can happen to an attempt."""

    ACCEPTED = "accepted"
    """The placing call answered with the broker's id."""
    REFUSED = "refused"
    """The placing call, or a push about it, proved that the broker does not hold it."""
    NOT_SENT = "not_sent"
    """Taken back before the vendor's call was made."""
    NO_ANSWER = "no_answer"
    """The placing call ran past its deadline, or broke."""
    RESTARTED = "restarted"
    """The process began anew and finds it in the ledger."""
    NEW = "reported_new"
    PARTIAL = "reported_partially_filled"
    FILLED = "reported_filled"
    CANCELING = "reported_pending_cancel"
    CANCELED = "reported_canceled"
    REJECTED = "reported_rejected"
    CANCEL_ASKED = "cancel_asked"
    CANCEL_FAILED = "cancel_failed"
    ABSENT = "absent"
    """Proved, or settled by a person, that the broker never held it."""
    DAY_ENDED = "day_ended"
    """The exchange day is over, and the broker's lists of after the close were read."""
    DAY_LOST = "day_lost"
    """Its exchange day went by while nobody looked: the broker lists it no more."""
    RENAMED = "renamed"
    """The broker lists its remark under another id, and its own no more: nobody knows whose that is."""


REPORTED: dict[AttemptState, Event] = {
    S.NEW: Event.NEW,
    S.PARTIALLY_FILLED: Event.PARTIAL,
    S.FILLED: Event.FILLED,
    S.PENDING_CANCEL: Event.CANCELING,
    S.CANCELED: Event.CANCELED,
    S.REJECTED: Event.REJECTED,
}
"""A broker's report of a state, as an event."""

_REPORTS: dict[Event, AttemptState] = {event: state for state, event in REPORTED.items()}

_TABLE: dict[tuple[AttemptState, Event], AttemptState] = {
    # On disk, about to be handed over. A push can come before the call's own answer.
    (S.PENDING_NEW, Event.ACCEPTED): S.NEW,
    (S.PENDING_NEW, Event.REFUSED): S.REJECTED,
    (S.PENDING_NEW, Event.NOT_SENT): S.REJECTED,
    (S.PENDING_NEW, Event.NO_ANSWER): S.UNKNOWN,
    (S.PENDING_NEW, Event.RESTARTED): S.UNKNOWN,
    (S.PENDING_NEW, Event.DAY_LOST): S.UNKNOWN,
    **{(S.PENDING_NEW, event): state for event, state in _REPORTS.items()},
    # Nobody knows. Whatever the broker says settles it; so does the late answer of the call itself.
    (S.UNKNOWN, Event.ACCEPTED): S.NEW,
    (S.UNKNOWN, Event.REFUSED): S.REJECTED,
    (S.UNKNOWN, Event.NOT_SENT): S.REJECTED,
    (S.UNKNOWN, Event.ABSENT): S.REJECTED,
    **{(S.UNKNOWN, event): state for event, state in _REPORTS.items()},
    # Live at the broker.
    (S.NEW, Event.REFUSED): S.REJECTED,  # refused by push, after the call was answered with an id
    (S.NEW, Event.PARTIAL): S.PARTIALLY_FILLED,
    (S.NEW, Event.FILLED): S.FILLED,
    (S.NEW, Event.CANCELING): S.PENDING_CANCEL,
    (S.NEW, Event.CANCELED): S.CANCELED,
    (S.NEW, Event.REJECTED): S.REJECTED,
    (S.NEW, Event.CANCEL_ASKED): S.PENDING_CANCEL,
    (S.NEW, Event.DAY_ENDED): S.CANCELED,
    (S.NEW, Event.DAY_LOST): S.UNKNOWN,
    (S.NEW, Event.RENAMED): S.UNKNOWN,
    (S.PARTIALLY_FILLED, Event.FILLED): S.FILLED,
    (S.PARTIALLY_FILLED, Event.CANCELING): S.PENDING_CANCEL,
    (S.PARTIALLY_FILLED, Event.CANCELED): S.CANCELED,
    (S.PARTIALLY_FILLED, Event.REJECTED): S.CANCELED,  # what is filled cannot be rejected: the rest is over
    (S.PARTIALLY_FILLED, Event.CANCEL_ASKED): S.PENDING_CANCEL,
    (S.PARTIALLY_FILLED, Event.DAY_ENDED): S.CANCELED,
    (S.PARTIALLY_FILLED, Event.DAY_LOST): S.UNKNOWN,
    (S.PARTIALLY_FILLED, Event.RENAMED): S.UNKNOWN,
    (S.PENDING_CANCEL, Event.FILLED): S.FILLED,
    (S.PENDING_CANCEL, Event.CANCELED): S.CANCELED,
    (S.PENDING_CANCEL, Event.REJECTED): S.CANCELED,
    (S.PENDING_CANCEL, Event.CANCEL_FAILED): S.NEW,  # `partially_filled` when something is: see `step`
    (S.PENDING_CANCEL, Event.DAY_ENDED): S.CANCELED,
    (S.PENDING_CANCEL, Event.DAY_LOST): S.UNKNOWN,
    (S.PENDING_CANCEL, Event.RENAMED): S.UNKNOWN,
}

_STAYS: frozenset[tuple[AttemptState, Event]] = frozenset(
    [
        # A final state never goes back, whatever comes late or twice.
        *((state, event) for state in ATTEMPT_ENDED for event in Event),
        # Only what the broker knows can be cancelled, or end with the day.
        *((S.PENDING_NEW, e) for e in (Event.CANCEL_ASKED, Event.CANCEL_FAILED, Event.ABSENT, Event.DAY_ENDED)),
        *((S.UNKNOWN, e) for e in (Event.CANCEL_ASKED, Event.CANCEL_FAILED, Event.DAY_ENDED, Event.DAY_LOST)),
        *((S.UNKNOWN, e) for e in (Event.NO_ANSWER, Event.RESTARTED, Event.RENAMED)),
        (S.PENDING_NEW, Event.RENAMED),  # it has no id yet
        # The broker's own report came first; what the call says afterwards adds nothing.
        *(
            (state, event)
            for state in (S.NEW, S.PARTIALLY_FILLED, S.PENDING_CANCEL)
            for event in (Event.ACCEPTED, Event.NOT_SENT, Event.NO_ANSWER, Event.RESTARTED, Event.ABSENT, Event.NEW)
        ),
        (S.PARTIALLY_FILLED, Event.REFUSED),
        (S.PENDING_CANCEL, Event.REFUSED),
        # Out of order, or once more.
        (S.PARTIALLY_FILLED, Event.PARTIAL),
        (S.PENDING_CANCEL, Event.PARTIAL),
        (S.PENDING_CANCEL, Event.CANCELING),
        (S.PENDING_CANCEL, Event.CANCEL_ASKED),
        (S.NEW, Event.CANCEL_FAILED),
        (S.PARTIALLY_FILLED, Event.CANCEL_FAILED),
    ]
)


_HOLDS = frozenset({Event.ACCEPTED, Event.NEW, Event.PARTIAL, Event.FILLED, Event.CANCELING})


def step(state: AttemptState, event: Event, *, filled: int = 0) -> AttemptState:
    """The state after `event`; `filled` is how much of the attempt is filled by now.

    Raises:
        LookupError: the pair is in neither table.
    """
    pair = (state, event)
    after = state if pair in _STAYS else _TABLE[pair]
    if filled > 0:
        if after is S.NEW:
            return S.PARTIALLY_FILLED
        if after is S.REJECTED and state is not S.REJECTED:
            return S.CANCELED
    return after


def contradicts(state: AttemptState, event: Event) -> bool:
    """Whether the broker says that it holds what was settled as never placed: people must be told."""
    return state is S.REJECTED and event in _HOLDS
