"""What can go wrong in the simulated terminal, by name. A mode holds until it is cleared, if it does not say `once`."""

from enum import StrEnum


class Mode(StrEnum):
    # -- placing
    NO_ANSWER = "no_answer"
    """Orders are taken and never answered."""
    LATE_ANSWER = "late_answer"
    """Orders are taken; answers wait for `release`."""
    MINUS_ONE = "minus_one"
    """Once: -1 without a reason, ever; not taken."""
    MINUS_ONE_TAKEN = "minus_one_taken"
    """Once: -1 because the counter did not answer in time, and taken all the same."""
    LATE_REASON = "late_reason"
    """Refusals are answered with -1, and their reason waits for `release`."""
    REFUSED_BY_PUSH = "refused_by_push"
    """Refused orders get an id first; then comes the push."""
    REFUSED_LISTED = "refused_listed"
    """Refusals are answered with -1 and told with an id, under which the order is listed as rejected."""
    LOST_BEFORE = "lost_before"
    """Once: the connection is lost before an order arrives."""
    LOST_AFTER = "lost_after"
    """Once: the connection is lost after an order was taken, before its answer."""
    # -- remarks
    REMARK_TRUNCATED = "remark_truncated"
    """To 8 characters."""
    REMARK_REWRITTEN = "remark_rewritten"
    """The broker puts its own words there."""
    # -- pushes
    PUSHES_TWICE = "pushes_twice"
    PUSHES_REVERSED = "pushes_reversed"
    """Those that placing brings: the fill before its order, the end before the beginning, all before the answer."""
    PUSHES_FIRST = "pushes_first"
    """Orders are answered only when all their pushes are out."""
    PUSHES_DROPPED = "pushes_dropped"
    REPLAY = "replay"
    """Whoever subscribes gets all orders and fills of the day pushed again."""
    # -- lists and questions
    LIST_LAGS = "list_lags"
    """Orders and fills younger than 6 s are not listed."""
    EMPTY = "empty"
    """Questions are answered as a terminal without its counter does: no asset, empty lists."""
    QUERY_HANGS = "query_hangs"
    """Questions are never answered."""
    MARKET_HANGS = "market_hangs"
    """Questions about the market are never answered."""
    # -- the connection and the native layer
    LOGGED_OUT = "logged_out"
    """Connecting and subscribing are answered with -1."""
    SILENT_LOSS = "silent_loss"
    """A lost connection is not told by `on_disconnected`."""
    CONNECT_HANGS = "connect_hangs"
    STOP_HANGS = "stop_hangs"
    CALLS_HANG = "calls_hang"
    """Every native call hangs until the mode is cleared; it goes on then."""


ONCE = frozenset({Mode.MINUS_ONE, Mode.MINUS_ONE_TAKEN, Mode.LOST_BEFORE, Mode.LOST_AFTER})
NATIVE = frozenset({Mode.CONNECT_HANGS, Mode.STOP_HANGS, Mode.CALLS_HANG, Mode.SILENT_LOSS})
"""Played by the native layer in the service's own process."""
PORT_FILE = "terminal.json"
"""In the folder `userdata_mini`: where the running terminal listens."""
LAG_S = 6.0
