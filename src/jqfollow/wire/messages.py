"""What a sealed message says: an order, the positions, hello, or a notice."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError

from jqfollow.clock import FIRST_DAY, to_ms
from jqfollow.domain import (
    HoldingsPart,
    LostMessage,
    News,
    OrderEnd,
    OrderProgress,
    Origin,
    Side,
    SignalKind,
    StrategyHolding,
    StrategyOrder,
    UntoldOrder,
    Wire,
)
from jqfollow.reasons import Reason
from jqfollow.wire.errors import MalformedError
from jqfollow.wire.parts import (
    MOST_LISTED,
    Day,
    DroppedPart,
    EndedPart,
    HeldPart,
    MissingPart,
    Name,
    OrderPart,
    Part,
    PositionPart,
    ProgressPart,
    SecurityText,
    ShortText,
    UntoldPart,
    Yuan,
    decimal,
    moment,
    symbol_of,
)
from jqfollow.wire.strict_json import loads, malformed

LIVE_RUN = "sim_trade"
"""The only run type that is followed for real; any other counts as a backtest."""

_AHEAD = timedelta(days=1)
"""Two clocks around midnight, and one that is minutes off."""
_MOST_MS = 4_102_444_800_000  # 2100-01-01
_LIMIT_STANDS = frozenset({"new", "open", "filled"})  # JoinQuant's `filled` means partly filled
_ENDED = frozenset({"canceled", "rejected"})

_P = TypeVar("_P", bound=Part)
Listed = Annotated[tuple[_P, ...], Field(max_length=MOST_LISTED, strict=False)]


class _Message(Part):
    run: str = Field(pattern=r"^[a-z_]{1,32}$")
    """JoinQuant's run type."""
    made_at: int = Field(ge=0, le=_MOST_MS)
    """Real time, ms."""
    proc: Name | None = None
    seq: int | None = Field(default=None, ge=1, le=10**9)
    ended: Listed[EndedPart] = ()
    progress: Listed[ProgressPart] = ()
    dropped: Listed[DroppedPart] = ()

    @property
    def is_backtest(self) -> bool:
        """Whether the past is being played; so is every run type that is not known to be live."""
        return self.run != LIVE_RUN

    @property
    def origin(self) -> Origin | None:
        """Which message of which process it is; `None`: an older client."""
        return None if self.proc is None or self.seq is None else Origin(process=self.proc, seq=self.seq)

    def ends(self) -> Sequence[OrderEnd]:
        """The orders told before that JoinQuant has ended since the last message; only those end here."""
        return [part.end() for part in self.ended]

    def grown(self) -> Sequence[OrderProgress]:
        """The orders told before of which more is filled there than was told."""
        return [part.progress() for part in self.progress]

    def lost(self) -> Sequence[LostMessage]:
        """The messages that will never come."""
        return [part.lost() for part in self.dropped]

    def days(self) -> Sequence[date]:
        """All JoinQuant days that it names."""
        named = [*(part.day for part in self.ended), *(part.day for part in self.progress)]
        return [day for day in named if day is not None]

    def news(self) -> News:
        """What it tells besides its order, in the house's words."""
        return News(origin=self.origin, ends=self.ends(), progress=self.grown(), lost=self.lost())


_M = TypeVar("_M", bound=_Message)


class OrderMessage(_Message):
    """One order."""

    kind: Literal[SignalKind.ORDER]
    order: OrderPart
    position: PositionPart | None = None
    total_value: Yuan | None = None

    def ends(self) -> Sequence[OrderEnd]:
        """Also the order itself when it has ended: if it was told before, it ends here, too."""
        order = self.order
        if order.status not in _ENDED or any(part.id == order.order_id for part in self.ended):
            return super().ends()
        day = order.add_time.date()
        own = OrderEnd(jq_order_id=order.order_id, day=day, filled=order.filled, status=order.status)
        return [*super().ends(), own]

    def days(self) -> Sequence[date]:
        """Also the order's."""
        return [*super().days(), self.order.add_time.date()]

    def strategy_order(self) -> StrategyOrder:
        """The order in the house's words; a security that is not known keeps its text as symbol."""
        order = self.order
        return StrategyOrder(
            jq_order_id=order.order_id,
            symbol=symbol_of(order.security),
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
            refuse=order.refuse or self._refused_style(),
            style=order.style,
            stop=order.stop or None,
            found=order.found,
            pindex=order.pindex,
            holding=self.position.holding() if self.position else None,
        )

    def _refused_style(self) -> str | None:
        """A stop that has not been triggered, or a style that nobody here knows, is not followed, whoever sent it."""
        order = self.order
        if order.style in {None, "market", "limit"} or order.filled:
            return None
        return Reason.STOP_ORDER if order.style in {"stop_market", "stop_limit"} else Reason.UNKNOWN_STYLE


class PositionsMessage(_Message):
    """All that the strategy holds, before the open or after the close; a large portfolio comes in several parts."""

    kind: Literal[SignalKind.POSITIONS]
    cash: Yuan | None = None
    total_value: Yuan | None = None
    positions: dict[SecurityText, HeldPart]
    part: int = Field(default=1, ge=1, le=1000)
    parts: int = Field(default=1, ge=1, le=1000)
    report: Name | None = None
    day: Day | None = None
    when: Literal["open", "close"] | None = None

    def days(self) -> Sequence[date]:
        """Also that of the report."""
        return [*super().days(), *([] if self.day is None else [self.day])]

    def holdings_part(self) -> HoldingsPart:
        """The part in the house's words."""
        return HoldingsPart(
            report=self.report,
            part=self.part,
            parts=self.parts,
            day=self.day,
            when=self.when,
            cash=self.cash,
            total_value=self.total_value,
            holdings=_holdings(self.positions),
        )

    def news(self) -> News:
        """Also its part of the report."""
        return replace(super().news(), report=self.holdings_part())


class HelloMessage(_Message):
    """A strategy's process has started."""

    kind: Literal[SignalKind.HELLO]
    note: str | None = Field(default=None, max_length=200)
    client: Name | None = None
    """Version of the client's file."""
    frequency: str | None = Field(default=None, max_length=16)
    as_module: bool | None = None
    watches: bool | None = None
    """Whether it looks at open orders every minute."""
    unreached: Annotated[tuple[ShortText, ...], Field(max_length=20, strict=False)] = ()
    """What holds an order function that the client cannot reach."""

    def news(self) -> News:
        """Also what the client cannot reach."""
        return replace(super().news(), unreached=self.unreached)


class NoticeMessage(_Message):
    """What no order message could take along."""

    kind: Literal[SignalKind.NOTICE]
    day: Day | None = None
    note: str | None = Field(default=None, max_length=200)
    holdings: dict[SecurityText, HeldPart] = Field(default={})
    untold: Listed[UntoldPart] = ()
    missing: Listed[MissingPart] = ()

    def days(self) -> Sequence[date]:
        """Also that of its lists."""
        return [*super().days(), *([] if self.day is None else [self.day])]

    def holdings_now(self) -> Mapping[str, StrategyHolding]:
        """How the securities of `ended` and `progress` stand now, by symbol."""
        return _holdings(self.holdings)

    def untold_orders(self) -> Sequence[UntoldOrder]:
        """Orders of the day of which nothing was told."""
        return [part.untold() for part in self.untold]

    def news(self) -> News:
        """Also how securities stand, and what JoinQuant's list of the day has more or less than was told."""
        return replace(
            super().news(),
            holdings=self.holdings_now(),
            untold=self.untold_orders(),
            missing=[part.id for part in self.missing],
        )


def _holdings(parts: Mapping[str, HeldPart]) -> Mapping[str, StrategyHolding]:
    return {symbol_of(security): part.holding() for security, part in parts.items()}


Message = OrderMessage | PositionsMessage | HelloMessage | NoticeMessage
_KINDS: dict[object, type[OrderMessage | PositionsMessage | HelloMessage | NoticeMessage]] = {
    "order": OrderMessage,
    "positions": PositionsMessage,
    "hello": HelloMessage,
    "notice": NoticeMessage,
}


def parse_text(text: str) -> Message:
    """The message that a `jqf1` box held.

    Raises:
        MalformedError: not of a known kind and shape, or with an impossible number.
    """
    value = loads(text)
    kind = _KINDS.get(value["kind"]) if isinstance(value, dict) and isinstance(value.get("kind"), str) else None
    if kind is None:
        raise MalformedError(
            "kind 应为 order、positions、hello 或 notice", "kind is none of order, positions, hello, notice"
        )
    return _validated(kind, value | {"kind": SignalKind(value["kind"])})


def refuse_impossible_days(message: Message, today: date) -> None:
    """No exchange traded on a day before the first or after tomorrow: it would be some account's trading day for good.

    Raises:
        MalformedError: the message names one.
    """
    wrong = next((day for day in message.days() if not FIRST_DAY <= day <= today + _AHEAD), None)
    if wrong is not None:
        raise MalformedError(f"日期 {wrong} 不可能：今天是 {today}", f"day {wrong} cannot be: today is {today}")


def read_again(wire: Wire, text: str) -> Message | None:
    """What a recorded text told; `None`: an order by a person's word, which is no message.

    Raises:
        MalformedError: the text is of another version.
    """
    match wire:
        case Wire.JQF1:
            return parse_text(text)
        case Wire.SEED:
            return seed_message(loads(text))
        case Wire.MANUAL | Wire.REPAIR:
            return None


def seed_message(fields: Mapping[str, str]) -> OrderMessage:
    """The order that the original client's fields tell; its run is live when it was added on the day it was sent.

    It does not tell a limit from a market order: one that is still open is marked to be refused.

    Raises:
        MalformedError: a field is missing or impossible.
    """
    for name in _SEED_FIELDS:
        if name not in fields:
            raise MalformedError(f"缺少字段 {name}", f"field {name} is missing")
    try:
        sent = moment(fields["时间戳"])
        added = moment(fields["订单添加时间"])
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
    message = _validated(
        OrderMessage,
        {
            "kind": SignalKind.ORDER,
            "run": LIVE_RUN if added.date() == sent.date() else "backtest",
            "made_at": to_ms(sent),
            "order": order,
        },
    )
    if message.order.status not in _SEED_OPEN:
        return message
    refused = message.order.model_copy(update={"refuse": str(Reason.SEED_OPEN_ORDER)})
    return message.model_copy(update={"order": refused})


_SEED_FIELDS = (
    "状态", "订单添加时间", "买卖", "下单数量", "已经成交", "股票代码", "订单ID", "平均成交价格", "多空", "时间戳",
)  # fmt: skip
_SEED_OPEN = frozenset({"new", "open", "filled", "pending_cancel"})


def _whole(text: str) -> int:
    number = decimal(text.strip())
    if number != number.to_integral_value():
        raise ValueError("not a whole number")
    return int(number)


def _validated(kind: type[_M], value: dict[str, Any]) -> _M:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise malformed(error) from None
