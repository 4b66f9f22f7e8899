"""What a message in the outbox is about."""

from enum import StrEnum


class Kind(StrEnum):
    """`kind` of an outbox row; the urgent ones go first and are never shortened to their first line."""

    UNKNOWN_OUTCOME = "unknown_outcome"
    ACCOUNT_DOWN = "account_down"
    ALERT = "alert"
    ACCOUNT_UP = "account_up"
    ORDER_DONE = "order_done"
    ORDER_REFUSED = "order_refused"
    ORDER_WAITING = "order_waiting"
    REMAINDER = "remainder"
    """Less than a lot, carried on; one line, sent together with others."""
    SIGNAL_REFUSED = "signal_refused"
    STARTED = "started"
    STOPPED = "stopped"
    HEARTBEAT = "heartbeat"
    SUMMARY = "summary"
    PICTURE = "picture"
    """Its text is the path of a PNG on this machine, which goes out as an image."""


URGENT = frozenset({Kind.UNKNOWN_OUTCOME, Kind.ACCOUNT_DOWN, Kind.ALERT})


def is_urgent(kind: str) -> bool:
    """Whether a row of this kind goes first; a kind that another version wrote does not."""
    return kind in URGENT
