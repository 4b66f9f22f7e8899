"""What the signals port works with, and how it comes to its route: in the request's scope, as the console's `parts`."""

from dataclasses import dataclass

from starlette.types import Scope

from jqfollow.api.clocks import ClockWatch
from jqfollow.api.limits import MinuteLimit
from jqfollow.api.opening import Opener
from jqfollow.api.reception import Reception

ENTRY = "jqfollow.entry"
"""Key in a request's scope: the port's `Entry`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The way of a message through one port."""

    opener: Opener
    reception: Reception
    junk: MinuteLimit
    """How much that is not usable is answered in full."""
    clocks: ClockWatch | None = None
    """Hears of authentic, stale messages."""


def entry_of(scope: Scope) -> Entry:
    """The port's that the request came in by."""
    entry = scope[ENTRY]
    assert isinstance(entry, Entry)  # noqa: S101 - the port has set it
    return entry
