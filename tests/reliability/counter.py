"""A counter in memory for the model: takes orders, keeps the true record, and says of it what a rule wants it to say.

Its clock is its own: no step of the PC's clock is one of the exchange's. Nothing happens by itself: orders trade, and
pushes and late answers arrive, when the model says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from jqfollow.domain import (
    ATTEMPT_ENDED,
    Accepted,
    Asset,
    AttemptState,
    BrokerDownError,
    BrokerError,
    BrokerEvent,
    BrokerTimeoutError,
    FillReport,
    Instrument,
    Level,
    OrderReport,
    Placed,
    PlaceRequest,
    Position,
    Quote,
    Refused,
    Side,
)
from jqfollow.execution.brokers.port import BrokerTraits, EventSink
from jqfollow.execution.lanes import Lane

S = AttemptState
T = TypeVar("T")
PRICE, TICK = Decimal("10.000"), Decimal("0.001")
DEPTH = 10_000_000
REWRITTEN = "程序化交易"


class Answer(StrEnum):
    """What becomes of a placing call."""

    PROMPT = "prompt"
    """Taken, and answered."""
    LATE = "late"
    """Taken; the answer comes after its deadline, or never."""
    LOST = "lost"
    """Not taken, and nobody says so."""
    REFUSED = "refused"
    """Not taken, with proof."""
    DOWN = "down"
    """Certainly not taken."""
    DIES_BEFORE = "dies before"
    """The process dies in the call, and nothing was taken."""
    DIES_AFTER = "dies after"
    """The process dies in the call, and it was taken."""


class DiedError(BaseException):
    """The process ends here: nothing of it goes on."""


@dataclass(slots=True)
class Order:
    """As the counter has it."""

    number: int
    request: PlaceRequest
    at: datetime
    filled: int = 0
    ended: AttemptState | None = None

    @property
    def left(self) -> int:
        """What may still trade."""
        return 0 if self.ended else self.request.volume - self.filled

    @property
    def state(self) -> AttemptState:
        if self.ended is not None:
            return self.ended
        return S.FILLED if not self.left else S.PARTIALLY_FILLED if self.filled else S.NEW


@dataclass(eq=False)
class Counter:
    """See the module; a `Broker`."""

    now: Callable[[], datetime]
    traits: BrokerTraits = field(default_factory=lambda: BrokerTraits(real=True, absence_is_proof=False, settle_s=0))
    answers: list[Answer] = field(default_factory=list)
    """What becomes of the next placing calls; then they are prompt."""
    fills_at_once: bool = True
    """Whether an order that meets the market trades as it is taken."""
    cancels_at_once: bool = True
    remarks: bool = True
    """Whether it tells an order's remark as it was given."""
    up: bool = True
    book: list[Order] = field(default_factory=list)
    trades: list[tuple[Order, FillReport]] = field(default_factory=list)
    outgoing: list[BrokerEvent] = field(default_factory=list)
    """Pushes that have not arrived anywhere."""
    canceling: list[Order] = field(default_factory=list)
    hung: bool = False
    """Whether the call that just returned is one whose answer came too late."""

    # -- what a broker is asked

    def events(self, sink: EventSink) -> None:
        """The model brings pushes itself."""

    def connect(self) -> Callable[[], None]:
        self._up()
        return lambda: None

    def place(self, request: PlaceRequest) -> Placed:
        answer = self.answers.pop(0) if self.answers else Answer.PROMPT
        if answer is Answer.DOWN or not self.up:
            raise BrokerDownError("未连接")
        if answer is Answer.DIES_BEFORE:
            raise DiedError
        if answer is Answer.LOST:
            raise BrokerError("没有答复")
        if answer is Answer.REFUSED:
            return Refused(message="[COUNTER] 系统繁忙，请稍后重试")
        order = Order(number=1000 + len(self.book), request=request, at=self.now())
        self.book.append(order)
        self._push(order)
        if self.fills_at_once:
            self.trade(order, order.request.volume)
        if answer is Answer.DIES_AFTER:
            raise DiedError
        self.hung = answer is Answer.LATE
        return Accepted(broker_order_id=str(order.number))

    def cancel(self, broker_order_id: str) -> None:
        self._up()
        order = next((o for o in self.book if str(o.number) == broker_order_id), None)
        if order is None or not order.left:
            raise BrokerError("[COUNTER] 委托已结束，不能撤单")
        if self.cancels_at_once:
            self.end(order)
        else:
            self.canceling.append(order)

    def orders(self) -> Sequence[OrderReport]:
        self._up()
        return [self._report(order) for order in self.book]

    def fills(self) -> Sequence[FillReport]:
        self._up()
        return [fill for _, fill in self.trades]

    def positions(self) -> Sequence[Position]:
        self._up()
        held: dict[str, int] = {}
        for _, fill in self.trades:
            held[fill.symbol] = held.get(fill.symbol, 0) + (fill.volume if fill.side is Side.BUY else -fill.volume)
        selling = {
            s: sum(o.left for o in self.book if o.request.symbol == s and o.request.side is Side.SELL) for s in held
        }
        return [
            Position(symbol=s, volume=v, available=v - selling[s], avg_cost=PRICE, last=PRICE)
            for s, v in held.items()
            if v
        ]

    def asset(self) -> Asset:
        self._up()
        return Asset(cash=Decimal(10**9), frozen=Decimal(0), market_value=Decimal(0), total=Decimal(10**9))

    def quote(self, symbol: str) -> Quote | None:
        self._up()
        return Quote(
            symbol=symbol,
            at=self.now(),
            last=PRICE,
            prev_close=PRICE,
            bids=(Level(price=PRICE - TICK, volume=DEPTH),),
            asks=(Level(price=PRICE + TICK, volume=DEPTH),),
        )

    def instrument(self, symbol: str) -> Instrument | None:
        self._up()
        return Instrument(
            symbol=symbol, name="", prev_close=PRICE, limit_up=PRICE * 12 / 10, limit_down=PRICE * 8 / 10, tick=TICK
        )

    def _up(self) -> None:
        if not self.up:
            raise BrokerDownError("未连接")

    # -- what happens there

    def trade(self, order: Order, most: int) -> None:
        """An order trades as far as it meets the market."""
        request = order.request
        meets = request.price > PRICE if request.side is Side.BUY else request.price < PRICE
        volume = min(most, order.left)
        if not meets or volume <= 0:
            return
        order.filled += volume
        fill = FillReport(
            traded_id=f"t{len(self.trades)}",
            broker_order_id=str(order.number),
            remark=self._shown(request.remark),
            symbol=request.symbol,
            side=request.side,
            volume=volume,
            price=request.price,
            at=self.now(),
        )
        self.trades.append((order, fill))
        self.outgoing.append(fill)
        self._push(order)

    def end(self, order: Order) -> None:
        """What is left of an order is canceled."""
        if order.left:
            order.ended = S.CANCELED
            self._push(order)

    def _push(self, order: Order) -> None:
        self.outgoing.append(self._report(order))

    def _report(self, order: Order) -> OrderReport:
        request = order.request
        return OrderReport(
            broker_order_id=str(order.number),
            remark=self._shown(request.remark),
            symbol=request.symbol,
            side=request.side,
            volume=request.volume,
            price=request.price,
            state=order.state,
            filled=order.filled,
            at=order.at,
        )

    def _shown(self, remark: str) -> str:
        return remark if self.remarks else REWRITTEN

    def alive(self) -> list[Order]:
        return [order for order in self.book if order.state not in ATTEMPT_ENDED]


@dataclass(eq=False)
class InlineLanes:
    """In place of an account's threads: a call is made at once, and one that hangs has its answer kept."""

    counter: Counter
    late: list[Callable[[], None]] = field(default_factory=list)
    """Answers that nobody waits for any more."""
    abandoned: int = 0

    async def call(
        self,
        lane: Lane,
        fn: Callable[[], T],
        *,
        timeout_s: float,
        on_late: Callable[[Lane, T | BaseException], None] | None = None,
    ) -> T:
        del timeout_s
        value = fn()
        hung, self.counter.hung = self.counter.hung, False
        if hung and on_late is not None:
            tell = on_late
            self.late.append(lambda: tell(lane, value))
            raise BrokerTimeoutError("没有答复")
        return value

    def under_way(self, lane: Lane) -> int:
        return len(self.late) if lane is Lane.PLACE else 0

    async def close(self, timeout_s: float) -> None:
        """Nothing runs."""


def idle_client() -> Any:
    """No robot is there to be told."""

    class Client:
        async def aclose(self) -> None:
            """Nothing is open."""

    return Client()
