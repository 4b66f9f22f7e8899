"""States, kinds, modes, and what is waited for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Side(StrEnum):
    """FIX Side."""

    BUY = "buy"
    SELL = "sell"


class Wire(StrEnum):
    """How a signal came."""

    JQF1 = "jqf1"
    SEED = "seed"
    MANUAL = "manual"
    REPAIR = "repair"
    """Closes a drift, or sells books out, at a person's word."""


MANUAL_RUN = "manual"
"""The run type of what a person orders; a message that tells it is a backtest's."""
REPAIR_RUN = "repair"
"""The run type of what closes a drift at a person's word; a message that tells it is a backtest's."""


CLOSE_RUN = "close"
"""The run type of what sells a whole book at a person's word; a message that tells it is a backtest's."""
RUNS_BY_PERSON = frozenset({MANUAL_RUN, REPAIR_RUN, CLOSE_RUN})


class SignalKind(StrEnum):
    """What a message is about."""

    ORDER = "order"
    POSITIONS = "positions"
    HELLO = "hello"
    NOTICE = "notice"
    """What no order message could take along: ends, losses, differences."""


class SignalState(StrEnum):
    """How far a signal came."""

    RECEIVED = "received"
    """In the ledger, not yet turned into orders."""
    FOLLOWED = "followed"
    """Orders were made of it."""
    RECORDED = "recorded"
    """Nothing is to be done about it; `reason` says why when it was an order."""


class OrderState(StrEnum):
    """FIX OrdStatus of what one account shall do because of one signal."""

    PENDING_NEW = "pending_new"
    """Nothing of it is or was at the broker yet; `waiting_for` says what it waits for."""
    NEW = "new"
    """Being worked, nothing filled."""
    PARTIALLY_FILLED = "partially_filled"
    """Being worked, something filled."""
    FILLED = "filled"
    CANCELED = "canceled"
    """Ended before all was filled: by a person, or after the last attempt."""
    REJECTED = "rejected"
    """Refused with a reason, nothing filled."""
    EXPIRED = "expired"
    """The trading day ended first."""


ORDER_OPEN = frozenset({OrderState.PENDING_NEW, OrderState.NEW, OrderState.PARTIALLY_FILLED})


class AttemptState(StrEnum):
    """FIX OrdStatus of one order as placed at the broker, and `unknown`."""

    PENDING_NEW = "pending_new"
    """On disk, about to be handed to the broker."""
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    PENDING_CANCEL = "pending_cancel"
    CANCELED = "canceled"
    REJECTED = "rejected"
    """The broker proved that it does not hold it, and nothing was filled."""
    UNKNOWN = "unknown"
    """Handed to the broker, and no answer came."""


ATTEMPT_ENDED = frozenset({AttemptState.FILLED, AttemptState.CANCELED, AttemptState.REJECTED})
ATTEMPT_LIVE = frozenset(AttemptState) - ATTEMPT_ENDED


class FollowMode(StrEnum):
    """How a strategy's order is scaled for an account."""

    RATIO = "ratio"
    VALUE = "value"
    SHARES = "shares"
    EQUITY = "equity"


class WaitingFor(StrEnum):
    """Why an order is not at the broker now."""

    SESSION = "session"
    """The next continuous session of the day."""
    CASH = "cash"
    """Sells under way, to pay for a buy."""
    UNKNOWN = "unknown"
    """An attempt of the same account, code and side whose outcome nobody knows."""
    OPPOSITE = "opposite"
    """Orders of the same book that are being ended before it is sold."""
    ODD_LOT = "odd_lot"
    """What is left of a book is no lot while other strategies hold the same code: they sell first."""
    BROKER = "broker"
    """The broker's connection, or a passing refusal."""
    SETTLE = "settle"
    """Money or shares that an own fill or cancel just moved: the counter shows them late."""
    FEED = "feed"
    """Quotes of today, and a feed that runs."""
    HALT = "halt"
    """The end of a halt."""
    CROSSING = "crossing"
    """The end of an order of the same account that it would trade with."""
    NEXT_DAY = "next_day"
    """The next trading day."""
    PAUSE = "pause"
    """The end of a person's pause; of exits only."""


BY_RULE = frozenset(WaitingFor) - {WaitingFor.BROKER}
"""What a person or a rule chose to wait for: meanwhile no signal grows stale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What an order waits for; a value of its own, that no other change of the order touches."""

    what: WaitingFor
    since: datetime
    until: datetime | None = None
    """When it is looked at whatever happened; `None`: when what it waits for comes."""

    def deadline_after(self, deadline: datetime, now: datetime) -> datetime:
        """The order's deadline when the waiting ends `now`: moved by what a rule or a person chose to wait."""
        return deadline + max(now - self.since, timedelta(0)) if self.what in BY_RULE else deadline
