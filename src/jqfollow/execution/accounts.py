"""One account: its broker behind lanes, and whether it can trade now."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import structlog

from jqfollow.clock import SHANGHAI, Clock
from jqfollow.domain import (
    AccountState,
    Asset,
    BrokerDownError,
    BrokerError,
    BrokerEvent,
    BrokerTimeoutError,
    FillReport,
    Instrument,
    OrderKey,
    OrderReport,
    Placed,
    PlaceRequest,
    Position,
    Quote,
)
from jqfollow.execution.brokers.port import Broker, PracticeExchange
from jqfollow.execution.calls import CallLog
from jqfollow.execution.hanging import PlacingCalls
from jqfollow.execution.hours import Hours
from jqfollow.execution.lanes import Lane, Lanes
from jqfollow.failpoints import At, reach
from jqfollow.market.calendar import TradingCalendar
from jqfollow.settings import Account as AccountSettings
from jqfollow.settings import RealAccount

T = TypeVar("T")

Observed = tuple[str, Decimal | None, date]
"""What a practice exchange is told of a strategy's fill: symbol, price, day."""

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT_S = 30.0
DISCONNECT_TIMEOUT_S = 3.0
PLACE_TIMEOUT_S = 5.0
CANCEL_TIMEOUT_S = 5.0
QUERY_TIMEOUT_S = 2.5
MARKET_TIMEOUT_S = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a placing call gave, with what it was about; also when it came too late for its caller."""

    request: PlaceRequest
    placed: Placed | BrokerDownError


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolMarket:
    """What a broker says of one security."""

    quote: Quote | None
    instrument: Instrument | None
    feed_at: datetime | None = None
    """The time of the newest tick of the feed's index; `None`: not told."""


Everything = tuple[Asset, Sequence[Position], Mapping[str, SymbolMarket | Exception]]
"""Money, positions and markets."""


class Account:
    """One account of the configuration.

    Broker calls go through `lanes` with deadlines; pushes are put into `pushes` on the event loop.
    """

    def __init__(
        self,
        *,
        name: str,
        settings: AccountSettings,
        broker: Broker,
        clock: Clock,
        calendar: TradingCalendar,
        calls: CallLog,
    ) -> None:
        self.name = name
        self.settings = settings
        self.broker = broker
        self.exchange = broker if isinstance(broker, PracticeExchange) else None
        """The broker when it is an exchange to practise on, which works in this process."""
        self.traits = broker.traits
        self.lanes = Lanes(name, width={Lane.PLACE: self.traits.width, Lane.CANCEL: 2, Lane.QUERY: 2})
        self.pushes: asyncio.Queue[BrokerEvent] = asyncio.Queue()
        self.late_answers: asyncio.Queue[Answer] = asyncio.Queue()
        self.unreturned: set[int] = set()
        """Attempts whose placing calls have not returned, or whose answers are not written: they may be there."""
        self.wake = asyncio.Event()
        self.arrived = False
        """Whether orders came since the round under way began."""
        self.others_wait = True
        """Whether the last round left orders of which nothing is at the broker."""
        self.idle = asyncio.Event()
        """No round is under way."""
        self.idle.set()
        self.lost = asyncio.Event()
        """See `set_lost`; cleared when the connection is made anew."""
        self.traded = False
        """Whether something was filled since the last picture of the account."""
        self.tried = False
        """Whether a connection was made, or could not be made."""
        self.ready = False
        self.barred: tuple[str, str] | None = None
        """Why nothing of it trades until a person decides, in both languages."""
        self.why_zh = "启动中"
        self.why_en = "starting"
        self._clock = clock
        self.hours = Hours(always_open=self.traits.always_open, clock=clock, calendar=calendar)
        self._calls = calls
        self._placed: deque[float] = deque()
        self.placing_calls = PlacingCalls(clock=clock)
        self._loop = asyncio.get_running_loop()
        broker.events(self._push)

    def _push(self, event: BrokerEvent) -> None:
        """On whatever thread the broker speaks."""
        self._hand_over(self.pushes.put_nowait, event)

    def _late(self, lane: Lane, outcome: Answer | BaseException) -> None:
        """An answer to a placing call that its caller no longer waits for."""
        log.warning("late_answer", account=self.name, lane=lane, outcome=type(outcome).__name__)
        if isinstance(outcome, Answer):
            self.placing_calls.answered()
            self.late_answers.put_nowait(outcome)

    def _hand_over(self, put: Callable[[Any], None], value: object) -> None:
        try:
            self._loop.call_soon_threadsafe(put, value)
        except RuntimeError:  # the loop is closed: the next start reconciles
            log.warning("event_after_stop", account=self.name, kind=type(value).__name__)

    def state(self) -> AccountState:
        """For people, and for the answer to `hello`."""
        return AccountState(
            account=self.name,
            broker=self.settings.broker,
            real=self.traits.real,
            ready=self.ready,
            why_zh="" if self.ready else self.why_zh,
            why_en="" if self.ready else self.why_en,
        )

    @property
    def number(self) -> str:
        """The account's number at its broker: its books belong to it; empty of a practice account."""
        return self.settings.account_id if isinstance(self.settings, RealAccount) else ""

    def key(self, broker_order_id: str, at: datetime | None = None) -> OrderKey:
        """The key of an order that the broker tells of; `at`: when it took it, as it says.

        A list may still be of the day before; an order that is of no known hour is of today.
        """
        day = self.hours.trading_day()
        if at is not None and not self.traits.always_open:
            day = min(day, at.astimezone(SHANGHAI).date())
        return OrderKey(account=self.name, day=day, broker_order_id=broker_order_id)

    def set_ready(self) -> None:
        """Reconciled: trading may begin, unless a person has to decide first."""
        if self.barred is not None:
            self.set_down(*self.barred)
            return
        self.ready = self.tried = True
        self.wake.set()

    def set_down(self, zh: str, en: str) -> None:
        """No trading until `set_ready`."""
        self.ready, self.tried = False, True
        self.why_zh, self.why_en = zh, en

    def set_lost(self, zh: str, en: str) -> None:
        """Like `set_down`, by the broker's own word: the connection is made anew at once."""
        self.set_down(zh, en)
        self.lost.set()

    def placed_now(self) -> None:
        """An order or a cancel goes out: it counts for `turn_in_s`."""
        self._placed.append(self._clock.monotonic())

    def turn_in_s(self, most_per_s: int) -> float:
        """Seconds until another order may go out, when at most so many orders and cancels do in any second."""
        now = self._clock.monotonic()
        while self._placed and self._placed[0] <= now - 1:
            self._placed.popleft()
        return 0.0 if len(self._placed) < most_per_s else self._placed[-most_per_s] + 1 - now

    async def room(self, most_per_s: int) -> int:
        """How many orders may go out side by side now, at most `most_per_s` in any second; waits until one may."""
        while True:
            wait_s = self.turn_in_s(most_per_s)
            if wait_s <= 0:
                return min(self.placing_calls.width(self.traits.width), most_per_s - len(self._placed))
            await asyncio.sleep(wait_s)

    # -- the broker, through lanes: each raises as `Broker` says, and `BrokerTimeoutError` past its deadline ----------

    async def _call(
        self,
        lane: Lane,
        fn: Callable[[], T],
        *,
        timeout_s: float,
        on_late: Callable[[Lane, T | BaseException], None] | None = None,
    ) -> T:
        """The one door: whatever else an adapter raises is a broker's trouble, and proves nothing about an order."""

        def called() -> T:
            reach(At.CALL_BEFORE, fn)
            try:
                return fn()
            finally:
                reach(At.CALL_AFTER, fn)

        try:
            return await self.lanes.call(lane, called, timeout_s=timeout_s, on_late=on_late)
        except BrokerError:
            raise
        except Exception as error:
            log.exception("adapter_failed", account=self.name, lane=lane)
            raise BrokerError(f"{self.name} {lane}: {type(error).__name__}: {error}") from error

    async def connect(self) -> Callable[[], None]:
        """Connects; gives what ends the connection. One that is made when nobody waits any more is ended at once."""
        turn, made, wanted = threading.Lock(), list[Callable[[], None]](), True

        def call() -> Callable[[], None]:
            end = self.broker.connect()
            with turn:
                if wanted:
                    made.append(end)
                    return end
            log.warning("connected_too_late", account=self.name)
            end()
            raise BrokerDownError(f"{self.name}: 连接太迟 / connected too late")

        try:
            return await self._call(Lane.QUERY, call, timeout_s=CONNECT_TIMEOUT_S)
        except BaseException:
            with turn:
                wanted = False
            for end in made:  # the answer and a cancellation came at once
                threading.Thread(target=end, name=f"{self.name}-end", daemon=True).start()
            raise

    async def disconnect(self, end: Callable[[], None]) -> None:
        """Ends a connection; a broker that does not let go is left to its thread."""
        try:
            await self._call(Lane.QUERY, end, timeout_s=DISCONNECT_TIMEOUT_S)
        except BrokerError as error:
            log.warning("disconnect_failed", account=self.name, error=str(error))

    async def place(self, request: PlaceRequest, began: Callable[[], None] | None = None) -> Placed:
        """Hands one attempt to the broker, once; `began` is called on its thread just before.

        It stands in `unreturned` until whoever gets the answer has written it.
        """

        def call() -> Answer:
            self._calls.calling(request.remark)
            reach(At.CALL_LOGGED, self.place)
            if began is not None:
                began()
            try:
                return Answer(request=request, placed=self.broker.place(request))
            except BrokerDownError as error:
                return Answer(request=request, placed=error)
            except BaseException:
                self.unreturned.discard(request.attempt_id)  # it has returned: nothing is on its way from here
                raise

        self.unreturned.add(request.attempt_id)
        try:
            answer = await self._call(Lane.PLACE, call, timeout_s=PLACE_TIMEOUT_S, on_late=self._late)
        except BrokerDownError:
            raise
        except BrokerError:
            self.placing_calls.unanswered()
            raise
        self.placing_calls.answered()
        if isinstance(answer.placed, BrokerDownError):
            raise answer.placed
        return answer.placed

    async def cancel(self, broker_order_id: str) -> None:
        """Asks for a cancel; one that has to go waits for no turn, but takes one."""
        self.placed_now()
        await self._call(Lane.CANCEL, lambda: self.broker.cancel(broker_order_id), timeout_s=CANCEL_TIMEOUT_S)

    async def orders(self) -> Sequence[OrderReport]:
        """Today's orders."""
        return await self._call(Lane.QUERY, self.broker.orders, timeout_s=QUERY_TIMEOUT_S)

    async def fills(self) -> Sequence[FillReport]:
        """Today's fills."""
        return await self._call(Lane.QUERY, self.broker.fills, timeout_s=QUERY_TIMEOUT_S)

    async def positions(self) -> Sequence[Position]:
        """What the account holds."""
        return await self._call(Lane.QUERY, self.broker.positions, timeout_s=QUERY_TIMEOUT_S)

    async def asset(self) -> Asset:
        """The account's money."""
        return await self._call(Lane.QUERY, self.broker.asset, timeout_s=QUERY_TIMEOUT_S)

    async def markets(self, symbols: Sequence[str]) -> Mapping[str, SymbolMarket | Exception]:
        """The market now and today's facts of several securities; what cannot be had of one is its own trouble.

        Asked one after the other in one turn of the lane; what is not reached in time raises `BrokerTimeoutError`.
        """
        found: dict[str, SymbolMarket | Exception] = {}
        late: BrokerError = BrokerTimeoutError(f"{self.name}: 行情太慢 / quotes come too slowly")
        try:
            await self._call(Lane.MARKET, lambda: self._look_at(symbols, found), timeout_s=MARKET_TIMEOUT_S)
        except BrokerError as error:
            late = error
        return {symbol: found.get(symbol, late) for symbol in symbols}

    def _look_at(self, symbols: Sequence[str], found: dict[str, SymbolMarket | Exception]) -> None:
        """On a lane: fills `found` until half of the time is over."""
        enough = self._clock.monotonic() + MARKET_TIMEOUT_S / 2
        feed_at = self._feed_at()
        for symbol in symbols:
            if self._clock.monotonic() > enough:
                return
            try:
                quote, instrument = self.broker.quote(symbol), self.broker.instrument(symbol)
            except Exception as error:  # noqa: BLE001  # one security's trouble stays its own: its order gets it
                found[symbol] = error
            else:
                found[symbol] = SymbolMarket(quote=quote, instrument=instrument, feed_at=feed_at)

    def _feed_at(self) -> datetime | None:
        """On the market's lane: when the feed's index last ticked; an index that is not told says nothing."""
        if not self.traits.index:
            return None
        try:
            tick = self.broker.quote(self.traits.index)
        except BrokerError:
            return None
        return tick.at if tick else None

    async def instrument(self, symbol: str) -> Instrument | None:
        """Today's facts of a security."""
        return await self._call(Lane.MARKET, lambda: self.broker.instrument(symbol), timeout_s=MARKET_TIMEOUT_S)

    async def everything(self, symbols: Sequence[str]) -> Everything:
        """Money, positions and markets, asked side by side; raises `BrokerError` without money or positions."""
        return await asyncio.gather(self.asset(), self.positions(), self.markets(symbols))

    async def observe(self, exchange: PracticeExchange, told: Sequence[Observed], symbols: Sequence[str]) -> Everything:
        """Tells the practice exchange at which prices strategies were filled, and on which day; like `everything` then.

        All in one turn of a lane: the exchange works in this process, so that turns cost more than answers. Its day
        counts from then on, whatever it does not answer.
        """
        markets: dict[str, SymbolMarket | Exception] = {}
        days: list[date] = []

        def call() -> tuple[Asset, Sequence[Position]]:
            for symbol, price, day in told:
                exchange.observe(symbol=symbol, price=price, day=day)
            days.append(exchange.trading_day())
            self._look_at(symbols, markets)
            return self.broker.asset(), self.broker.positions()

        try:
            asset, positions = await self._call(Lane.QUERY, call, timeout_s=QUERY_TIMEOUT_S)
        finally:
            for day in days:
                self.hours.learn(day)
        return asset, positions, markets

    async def learn_day(self) -> None:
        """Reads a practice exchange's day, after it was connected."""
        if self.traits.always_open and self.exchange is not None:
            self.hours.learn(await self._call(Lane.QUERY, self.exchange.trading_day, timeout_s=QUERY_TIMEOUT_S))

    def placing(self) -> bool:
        """Whether a placing call is under way, one that nobody waits for any more included."""
        return self.lanes.under_way(Lane.PLACE) > 0
