"""What a broker must do to be followed on: ten methods, all blocking, called on threads of `lanes`.

A broker never touches the event loop. Its pushes are plain values of `domain`, given to a sink on whatever thread
they come.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol, runtime_checkable

from jqfollow.domain import (
    Asset,
    BrokerEvent,
    FillReport,
    Instrument,
    OrderReport,
    Placed,
    PlaceRequest,
    Position,
    Quote,
)

EventSink = Callable[[BrokerEvent], None]


INDEX = "000001.SH"
"""The Shanghai composite: ticks every few seconds while the exchange trades."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerTraits:
    """What differs between brokers and matters to the desk."""

    real: bool
    """Real money: no backtests, no manual order without confirmation."""
    absence_is_proof: bool
    """An order that its list does not show was not placed, once no placing call is under way.

    Never so of a terminal, whose list lags.
    """
    always_open: bool = False
    """The practice exchange that never closes."""
    index: str = ""
    """An index whose tick tells whether the feed of quotes runs; '': quotes are never old."""
    settle_s: float = 10
    """So long after an own placing, fill or cancel it may still show the money and shares of before; 0: never."""
    width: int = 4
    """How many orders are handed over side by side; a kill leaves at most so many unknown."""


class Broker(Protocol):
    """One account at one broker."""

    @property
    def traits(self) -> BrokerTraits:
        """Fixed for the life of the object."""
        ...

    def events(self, sink: EventSink) -> None:
        """Pushes go to `sink` from now on; set once, before `connect`."""
        ...

    def connect(self) -> Callable[[], None]:
        """Connects, or connects anew after a loss, and returns what ends the connection.

        Raises:
            BrokerDownError: not possible now; says why, for people.
        """
        ...

    def place(self, request: PlaceRequest) -> Placed:
        """Places a limit order, once.

        Raises:
            BrokerDownError: certainly not placed.
            BrokerError: the outcome is unknown.
        """
        ...

    def cancel(self, broker_order_id: str) -> None:
        """Asks for a cancel; only an `OrderReport` proves the end.

        Raises:
            BrokerError: refused or not asked; says why.
        """
        ...

    def orders(self) -> Sequence[OrderReport]:
        """All of today's orders of the account, other programs' too.

        Raises:
            BrokerError: not known now. An empty answer of a connection that is down is an error, not a list.
        """
        ...

    def fills(self) -> Sequence[FillReport]:
        """All of today's fills of the account; raises like `orders`."""
        ...

    def positions(self) -> Sequence[Position]:
        """What the account holds, without rows of volume 0; raises like `orders`."""
        ...

    def asset(self) -> Asset:
        """The account's money; also the probe of a connection. Raises like `orders`."""
        ...

    def quote(self, symbol: str) -> Quote | None:
        """The market now, `None` when nothing is known of the symbol; raises like `orders`."""
        ...

    def instrument(self, symbol: str) -> Instrument | None:
        """Today's facts of a security, `None` when unknown; raises like `orders`."""
        ...


@runtime_checkable
class PracticeExchange(Protocol):
    """What only a practice broker can do: take its day and its prices from the signals."""

    def observe(self, *, symbol: str, price: Decimal | None, day: date) -> None:
        """A strategy was filled at `price` (yuan; `None`: nothing was) in `symbol` on JoinQuant day `day`.

        The exchange anchors its quotes there, and its day never goes back.
        """
        ...

    def trading_day(self) -> date:
        """The day that the exchange is in."""
        ...
