"""The parts of which a sealed text is made, checked field by field."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from jqfollow.clock import SHANGHAI
from jqfollow.domain import LostMessage, OrderEnd, OrderProgress, Side, StrategyHolding, UntoldOrder
from jqfollow.market.prices import MOST
from jqfollow.market.securities import UnknownSecurityError, parse_security

MOST_LISTED = 50
"""So many entries have the lists of one message."""

_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOST_YUAN = Decimal(10) ** 12
_MOST_VOLUME = 10**9

# `str()` of JoinQuant's OrderStatus may give the name, the name after a dot, or the number.
_STATUS_NUMBERS = {"0": "open", "1": "filled", "2": "canceled", "3": "rejected", "4": "held", "8": "new"}
_STATUS_NUMBERS["9"] = "pending_cancel"


def decimal(value: object) -> Decimal:
    """A number from 0 to a billion thousands, written as number or text; raises `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError("a number, or a text with a number, is wanted")  # noqa: TRY004 - pydantic wants ValueError
    if not _NUMBER.fullmatch(str(value)):
        raise ValueError("not a number that can be, or negative")
    number = Decimal(str(value))
    if number > _MOST_YUAN:
        raise ValueError("too large")
    return number


def moment(value: object) -> datetime:
    """A time in Shanghai, `2026-01-02 10:50:00`; raises `ValueError`."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError("a time is written 2026-01-02 10:50:00")
    return datetime.fromisoformat(value).replace(tzinfo=SHANGHAI)


def symbol_of(security: str) -> str:
    """The QMT symbol; a security that is not known keeps its text."""
    try:
        return parse_security(security).symbol
    except UnknownSecurityError:
        return security


def _status(value: object) -> object:
    if not isinstance(value, str):
        return value
    name = value.rpartition(".")[2].strip().lower()
    return _STATUS_NUMBERS.get(name, name)


def _day(value: object) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("a day is written 2026-01-02")
    return date.fromisoformat(value)


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("not one line of printable characters")
    return text


Yuan = Annotated[Decimal, BeforeValidator(decimal)]
"""At least 0 and finite; best sent as text, `"10.52"`."""
Price = Annotated[Yuan, Field(le=MOST)]
"""Of one share or bond, yuan."""
Volume = Annotated[int, Field(ge=0, le=_MOST_VOLUME)]
SecurityText = Annotated[str, Field(pattern=r"^[!-~]{1,32}$")]
OrderId = Annotated[str, Field(pattern=r"^[!-~]{1,64}$")]
Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[datetime, BeforeValidator(moment)]
Status = Annotated[
    Literal["new", "open", "filled", "canceled", "rejected", "held", "pending_cancel"], BeforeValidator(_status)
]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,32}$")]
ShortText = Annotated[str, Field(max_length=80), AfterValidator(_one_line)]


class Part(BaseModel):
    """Unknown fields are kept, so that an older service can store what a newer client tells."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")


class OrderPart(Part):
    """A JoinQuant order as it stood when the message was made."""

    order_id: OrderId
    security: SecurityText
    is_buy: bool
    amount: Volume
    filled: Volume
    price: Price | None
    """Average fill price."""
    limit: Annotated[Price, Field(gt=0)] | None = None
    status: Status
    side: Literal["long", "short"]
    action: str | None = Field(default=None, max_length=16)
    add_time: Moment
    style: Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_one_line)] | None = None
    stop: Price | None = None
    refuse: str | None = Field(default=None, pattern=r"^[a-z_]{1,32}$")
    """Why it must not be followed; any value forbids it."""
    pindex: int = Field(default=0, ge=0, le=1000)
    found: bool = False


class PositionPart(Part):
    """The strategy's position in the order's security."""

    amount: Volume
    """Once the order is done."""
    closeable: Volume
    held: Volume | None = None
    """Now; `None`: an older client."""
    locked: Volume = 0
    resting_buy: Volume = 0
    resting_sell: Volume = 0

    def holding(self) -> StrategyHolding | None:
        """As it stands now; `None`: an older client, which tells only what comes after the order."""
        if self.held is None:
            return None
        return StrategyHolding(
            held=self.held,
            closeable=self.closeable,
            locked=self.locked,
            resting_buy=self.resting_buy,
            resting_sell=self.resting_sell,
        )


class HeldPart(Part):
    """One position of a report."""

    amount: Volume
    closeable: Volume
    avg_cost: Price | None = None
    price: Price | None = None
    locked: Volume = 0
    resting_buy: Volume = 0
    resting_sell: Volume = 0

    def holding(self) -> StrategyHolding:
        """The same in the house's words."""
        return StrategyHolding(
            held=self.amount,
            closeable=self.closeable,
            locked=self.locked,
            resting_buy=self.resting_buy,
            resting_sell=self.resting_sell,
            avg_cost=self.avg_cost or None,
            price=self.price or None,
        )


class EndedPart(Part):
    """An order told before that JoinQuant has ended."""

    id: OrderId
    day: Day | None = None
    filled: Volume
    status: Literal["canceled", "rejected"] = "canceled"

    def end(self) -> OrderEnd:
        """The same in the house's words."""
        return OrderEnd(jq_order_id=self.id, day=self.day, filled=self.filled, status=self.status)


class ProgressPart(Part):
    """An order told before of which more is filled than was told."""

    id: OrderId
    day: Day | None = None
    filled: Volume
    status: Literal["filled", "held"]

    def progress(self) -> OrderProgress:
        """The same in the house's words."""
        return OrderProgress(jq_order_id=self.id, day=self.day, filled=self.filled, whole=self.status == "held")


class DroppedPart(Part):
    """A message that will never come."""

    seq: int = Field(ge=1, le=10**9)
    id: OrderId | None = None
    what: ShortText = ""
    proc: Name | None = None

    def lost(self) -> LostMessage:
        """The same in the house's words."""
        return LostMessage(process=self.proc, seq=self.seq, jq_order_id=self.id, what=self.what)


class UntoldPart(Part):
    """An order in JoinQuant's list of which nothing was told."""

    id: OrderId
    security: SecurityText
    is_buy: bool
    amount: Volume
    filled: Volume
    status: Status

    def untold(self) -> UntoldOrder:
        """The same in the house's words."""
        return UntoldOrder(
            jq_order_id=self.id,
            symbol=symbol_of(self.security),
            side=Side.BUY if self.is_buy else Side.SELL,
            amount=self.amount,
            filled=self.filled,
            status=self.status,
        )


class MissingPart(Part):
    """An order that was told and does not stand in JoinQuant's list."""

    id: OrderId
