"""What is asked of brokers, and what they say."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from jqfollow.domain.states import AttemptState, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What one account holds of one security."""

    symbol: str
    volume: int
    available: int
    """How much of it the broker lets be sold now (T+1, frozen shares left out)."""
    avg_cost: Decimal
    last: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """An account's money, in yuan."""

    cash: Decimal
    """What can be spent now."""
    frozen: Decimal
    market_value: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRequest:
    """One attempt as it is handed to a broker: always a limit order."""

    attempt_id: int
    remark: str
    """At most 24 ASCII characters, unique to the attempt; comes back with orders and fills."""
    symbol: str
    side: Side
    volume: int
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderKey:
    """What names an order of a broker: its ids are not known to be unique over days."""

    account: str
    day: date
    """The exchange day of the order."""
    broker_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The broker took it and named it."""

    broker_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The broker proved that it did not take it; `message` in its own words."""

    message: str
    broker_order_id: str = ""
    """The name under which its list shows what it refused; '': it told none."""


Placed = Accepted | Refused
"""A placing call that is neither raises `BrokerError`: then the outcome is unknown, unless `BrokerDownError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """What the broker says of one order: a push, or a row of its list."""

    broker_order_id: str
    remark: str
    symbol: str
    side: Side
    volume: int
    price: Decimal
    state: AttemptState
    """Never `UNKNOWN` nor `PENDING_NEW`: a broker's own vague states are read as `NEW`."""
    filled: int
    at: datetime
    """When the broker took it."""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillReport:
    """One execution that the broker reports; may come twice and before its order."""

    traded_id: str
    broker_order_id: str
    remark: str
    symbol: str
    side: Side
    volume: int
    price: Decimal
    at: datetime
    fee: Decimal = Decimal(0)
    """Commission, duty and transfer fee, in yuan; 0 when the broker does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceFailed:
    """A push: the broker refused an order after all."""

    broker_order_id: str
    remark: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelFailed:
    """A push: the broker refused to cancel."""

    broker_order_id: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected:
    """The broker's connection was lost."""

    message: str


BrokerEvent = OrderReport | FillReport | PlaceFailed | CancelFailed | Disconnected
