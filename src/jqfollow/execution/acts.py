"""What is done about an order: the last value of a step."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from jqfollow.domain import (
    Waiting,
    WaitingFor,
)
from jqfollow.execution.papers import Papers
from jqfollow.execution.sizing import Sized
from jqfollow.ledger.rows import AttemptRow
from jqfollow.reasons import Refusal
from jqfollow.risk.gate import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Nothing can be said yet: how much is left is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The order ends without a look at the market."""

    refusal: Refusal
    missing_fills: bool = False
    """The broker reported more than its fills told: a person is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """A rule refuses it."""

    refusal: Refusal
    decision: Decision
    sized: Sized | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A rule has it wait."""

    what: WaitingFor
    until: datetime | None
    decision: Decision
    crosses: AttemptRow | None = None
    """A live attempt of the account that is to be cancelled for it."""

    def goes_on(self, waiting: Waiting | None) -> bool:
        """Whether the order waits so already."""
        return waiting is not None and (waiting.what, waiting.until) == (self.what, self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An attempt goes out."""

    papers: Papers
    volume: int
    price: Decimal
    cost: Decimal
    """Of a buy, fees included, yuan."""
    sized: Sized | None
    """Of a first attempt: the order's volume and its parts."""
    decision: Decision
    guarded: bool
    """The price guard holds its price: the market is beyond."""
    owed: int = 0
    """What of it was bought today, and is sold when the next day begins."""
    reference: Decimal | None
    """What the guard measures from, from now on; `None`: nothing yet."""


Step = Stay | End | Refuse | Wait | Place
