"""What can go wrong in the emulated terminal, by name. A mode holds until it is cleared."""

from enum import StrEnum


class Mode(StrEnum):
    # -- placing
    NO_ANSWER = "no_answer"
    """Placed orders are shown by nothing: no callback, and the list lags by 6 s."""
    ERROR_ONLY = "error_only"
    """A refused order leaves no row: only `orderError_callback`, without id or remark."""
    DIALOG_ONLY = "dialog_only"
    """A refused order leaves nothing at all but a dialog, during which everything stands still until the mode ends."""
    PASSORDER_RAISES = "passorder_raises"
    """`passorder` raises although the order went out."""
    # -- rows and lists
    EMPTY_ID = "empty_id"
    """A row is shown with its remark and without an id, until the mode ends."""
    REFUSED_WITHOUT_ID = "refused_without_id"
    """A refused order's row never gets an id."""
    LIST_LAGS = "list_lags"
    """Orders and fills younger than 6 s are not listed."""
    LIST_SLOW = "list_slow"
    """Each list takes a second."""
    EMPTY = "empty"
    """The counter is away: every list is empty, the account's too."""
    ORDERS_EMPTY = "orders_empty"
    """Orders and fills come back empty, the account does not."""
    POSITIONS_STILL = "positions_still"
    """Positions stay as they were when the mode began."""
    # -- pushes
    PUSHES_TWICE = "pushes_twice"
    PUSHES_REVERSED = "pushes_reversed"
    PUSHES_DROPPED = "pushes_dropped"
    REPLAY = "replay"
    """All orders and fills of the day are pushed again when the mode begins."""
    # -- the rest
    LOGGED_OUT = "logged_out"
    """Like `EMPTY`; the terminal asks for a login."""
    DIALOG = "dialog"
    """A modal dialog: the one thread stands still until the mode ends."""
    CANCEL_FALSE = "cancel_false"
    """`cancel` cancels and answers False."""
    UNSUBSCRIBED = "unsubscribed"
    """`get_full_tick` answers {} for a code that was not subscribed in this run."""


ACCOUNT = "88880001"
LAG_S = 6.0
