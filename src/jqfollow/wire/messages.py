"""What a sealed message says: an order, the positions after the close, or hello."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from jqfollow.clock import SHANGHAI, to_ms
from jqfollow.domain import Side, SignalKind, StrategyOrder
from jqfollow.market.securities import UnknownSecurityError, parse_security
from jqfollow.wire.errors import MalformedError
from jqfollow.wire.strict_json import loads, malformed

LIVE_RUN = "sim_trade"
"""The only run type that is followed for real; any other counts as a backtest."""

_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?")
_MOST_YUAN = Decimal(10) ** 12
_MOST_VOLUME = 10**9
_MOST_MS = 4_102_444_800_000  # 2100-01-01

# `str()` of JoinQuant's OrderStatus may give the name, the name after a dot, or the number.
_STATUS_NUMBERS = {"0": "open", "1": "filled", "2": "canceled", "3": "rejected", "4": "held", "8": "new"}
_STATUS_NUMBERS["9"] = "pending_cancel"
_LIMIT_STANDS = frozenset({"new", "open", "filled"})  # JoinQuant's `filled` means partly filled


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError("a number, or a text with a number, is wanted")  # noqa: TRY004 - pydantic wants ValueError
    if not _NUMBER.fullmatch(str(value)):
        raise ValueError("not a number that can be, or negative")
    number = Decimal(str(value))
    if number > _MOST_YUAN:
        raise ValueError("too large")
    return number


def _status(value: object) -> object:
    if not isinstance(value, str):
        return value
    name = value.rpartition(".")[2].strip().lower()
    return _STATUS_NUMBERS.get(name, name)


def _moment(value: object) -> datetime:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError("a time is written 2026-01-02 10:50:00")
    return datetime.fromisoformat(value).replace(tzinfo=SHANGHAI)


Yuan = Annotated[Decimal, BeforeValidator(_decimal)]
"""At least 0 and finite; best sent as text, `"10.52"`."""
Volume = Annotated[int, Field(ge=0, le=_MOST_VOLUME)]
SecurityText = Annotated[str, Field(pattern=r"^[!-~]{1,32}$")]


class _Part(BaseModel):
    # Unknown fields are kept, so that an older service can store what a newer client tells.
    model_config = ConfigDict(strict=True, frozen=True, extra="allow")


class OrderPart(_Part):
    """A JoinQuant order as it stood when the message was made."""

    order_id: str = Field(pattern=r"^[!-~]{1,64}$")
    security: SecurityText
    is_buy: bool
    amount: Volume
    filled: Volume
    price: Yuan | None
    """Average fill price."""
    limit: Annotated[Yuan, Field(gt=0)] | None = None
    status: Annotated[
        Literal["new", "open", "filled", "canceled", "rejected", "held", "pending_cancel"],
        BeforeValidator(_status),
    ]
    side: Literal["long", "short"]
    action: str | None = Field(default=None, max_length=16)
    add_time: Annotated[datetime, BeforeValidator(_moment)]


class PositionPart(_Part):
    """The strategy's position in the order's security, after the order."""

    amount: Volume
    closeable: Volume


class HeldPart(PositionPart):
    """One position after the close."""

    avg_cost: Yuan | None = None
    price: Yuan | None = None


class _Message(_Part):
    run: str = Field(pattern=r"^[a-z_]{1,32}$")
    """JoinQuant's run type."""
    made_at: int = Field(ge=0, le=_MOST_MS)
    """Real time, ms."""

    @property
    def is_backtest(self) -> bool:
        """Whether the past is being played; so is every run type that is not known to be live."""
        return self.run != LIVE_RUN


_M = TypeVar("_M", bound=_Message)


class OrderMessage(_Message):
    """One order."""

    kind: Literal[SignalKind.ORDER]
    order: OrderPart
    position: PositionPart | None = None
    total_value: Yuan | None = None

    def strategy_order(self) -> StrategyOrder:
        """The order in the house's words; a security that is not known keeps its text as symbol."""
        order = self.order
        try:
            symbol = parse_security(order.security).symbol
        except UnknownSecurityError:
            symbol = order.security
        return StrategyOrder(
            jq_order_id=order.order_id,
            symbol=symbol,
            side=Side.BUY if order.is_buy else Side.SELL,
            amount=order.amount,
            filled=order.filled,
            price=order.price or None,
            limit=order.limit if order.status in _LIMIT_STANDS else None,
            status=order.status,
            position_side=order.side,
            day=order.add_time.date(),
            position_after=self.position.amount if self.position else None,
            total_value=self.total_value,
        )


class PositionsMessage(_Message):
    """What the strategy holds after the close; a large portfolio comes in several parts."""

    kind: Literal[SignalKind.POSITIONS]
    cash: Yuan | None = None
    total_value: Yuan | None = None
    positions: dict[SecurityText, HeldPart]
    part: int = Field(default=1, ge=1, le=1000)
    parts: int = Field(default=1, ge=1, le=1000)


class HelloMessage(_Message):
    """A strategy's process has started."""

    kind: Literal[SignalKind.HELLO]
    note: str | None = Field(default=None, max_length=200)


Message = OrderMessage | PositionsMessage | HelloMessage
_KINDS: dict[object, type[OrderMessage | PositionsMessage | HelloMessage]] = {
    "order": OrderMessage,
    "positions": PositionsMessage,
    "hello": HelloMessage,
}


def parse_text(text: str) -> Message:
    """The message that a `jqf1` box held.

    Raises:
        MalformedError: not of a known kind and shape, or with an impossible number.
    """
    value = loads(text)
    kind = _KINDS.get(value["kind"]) if isinstance(value, dict) and isinstance(value.get("kind"), str) else None
    if kind is None:
        raise MalformedError("kind 应为 order、positions 或 hello", "kind is none of order, positions, hello")
    return _validated(kind, value | {"kind": SignalKind(value["kind"])})


def seed_message(fields: Mapping[str, str]) -> OrderMessage:
    """The order that the original client's fields tell; its run is live when it was added on the day it was sent.

    Raises:
        MalformedError: a field is missing or impossible.
    """
    for name in _SEED_FIELDS:
        if name not in fields:
            raise MalformedError(f"缺少字段 {name}", f"field {name} is missing")
    try:
        sent = _moment(fields["时间戳"])
        added = _moment(fields["订单添加时间"])
        amount, filled = _whole(fields["下单数量"]), _whole(fields["已经成交"])
        is_buy = {"true": True, "false": False}[fields["买卖"].strip().lower()]
    except (KeyError, ValueError):
        raise MalformedError(
            "时间戳、订单添加时间、下单数量、已经成交或买卖不合要求",
            "one of the fields 时间戳, 订单添加时间, 下单数量, 已经成交, 买卖 is impossible",
        ) from None
    price = fields["平均成交价格"].strip()
    order = {
        "order_id": fields["订单ID"],
        "security": fields["股票代码"],
        "is_buy": is_buy,
        "amount": amount,
        "filled": filled,
        "price": None if price.lower() in {"", "nan", "none"} else price,
        "status": fields["状态"],
        "side": fields["多空"].rpartition(".")[2].lower(),
        "add_time": fields["订单添加时间"],
    }
    run = LIVE_RUN if added.date() == sent.date() else "backtest"
    return _validated(
        OrderMessage,
        {"kind": SignalKind.ORDER, "run": run, "made_at": to_ms(sent), "order": order},
    )


_SEED_FIELDS = (
    "状态", "订单添加时间", "买卖", "下单数量", "已经成交", "股票代码", "订单ID", "平均成交价格", "多空", "时间戳",
)  # fmt: skip


def _whole(text: str) -> int:
    number = _decimal(text.strip())
    if number != number.to_integral_value():
        raise ValueError("not a whole number")
    return int(number)


def _validated(kind: type[_M], value: dict[str, Any]) -> _M:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise malformed(error) from None
