"""The paper broker: the small exchange of `exchange.py` behind the port of a real one.

Everything that a real terminal does to its callers happens here: calls block, pushes come on a thread of their own
and in any order relative to the answers, the connection can be lost while the market goes on. One lock guards the
exchange; quotes from elsewhere are asked, and pushes delivered, outside it.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal

import structlog

from jqfollow.clock import Clock
from jqfollow.domain import (
    Asset,
    BrokerDownError,
    BrokerEvent,
    Disconnected,
    FillReport,
    Instrument,
    OrderReport,
    Placed,
    PlaceRequest,
    Position,
    Quote,
)
from jqfollow.execution.brokers.account import Holding
from jqfollow.execution.brokers.exchange import Exchange, Look
from jqfollow.execution.brokers.facts import HoldingSet, MoneySet
from jqfollow.execution.brokers.faults import Faults
from jqfollow.execution.brokers.port import BrokerTraits, EventSink
from jqfollow.execution.brokers.pushes import PushThread
from jqfollow.execution.brokers.quotes import QuoteSource
from jqfollow.market.calendar import TradingCalendar

_log = structlog.get_logger(__name__)
_PULSE_S = 0.2
_COST_STEP = Decimal("0.0001")


class PaperBroker:
    """One practice account. Thread-safe; implements `Broker` and `PracticeExchange`.

    With `hours="always"` the exchange never closes. Its day is the clock's until a signal names one; the first day
    that a signal names counts even if it is past (a backtest), after that only newer ones, and while the day is the
    clock's it goes on with the clock. With `hours="exchange"` phases and days are those of clock and calendar.

    The file at `path` is the account's memory and wins over `cash`, which only begins a new file.
    """

    def __init__(
        self,
        *,
        name: str,
        path: Path,
        clock: Clock,
        cash: Decimal,
        hours: Literal["always", "exchange"],
        calendar: TradingCalendar,
        quotes: QuoteSource | None = None,
        faults: Faults | None = None,
        pulse_s: float | None = _PULSE_S,
        traits: BrokerTraits | None = None,
    ) -> None:
        """Touches nothing before `connect`.

        Args:
            name: of the account; stands in errors, logs and thread names.
            path: of its file; made when missing.
            clock: what tells the time.
            cash: yuan to begin with.
            hours: see above.
            calendar: the trading days of `hours="exchange"`.
            quotes: real quotes; `None`: simulated ones.
            faults: what goes wrong; `None`: nothing.
            pulse_s: how often the market moves by itself; `None`: only by `advance`, for tests.
            traits: what it says of itself; `None`: the truth.
        """
        self.faults = Faults() if faults is None else faults
        self.faults.on_drop = self.drop
        self._name = name
        self._path = path
        self._clock = clock
        self._cash = cash
        self._hours = hours
        self._calendar = calendar
        self._quotes = quotes
        self._pulse_s = pulse_s
        self._traits = traits or BrokerTraits(real=False, absence_is_proof=True, always_open=hours == "always")
        self._sink: EventSink = _nobody
        self._lock = threading.RLock()
        self._exchange: Exchange | None = None
        self._pushes: PushThread | None = None
        self._connected = False

    # -- Broker

    @property
    def traits(self) -> BrokerTraits:
        """Fixed for the life of the object."""
        return self._traits

    def events(self, sink: EventSink) -> None:
        """Pushes go to `sink`, on a thread of this broker's own."""
        self._sink = sink

    def connect(self) -> Callable[[], None]:
        """Opens the file and starts the market; what it returns stops both and closes the file.

        Raises:
            BrokerDownError: the file is damaged or cannot be opened (`JournalError`).
        """
        with self.faults.around("connect"):
            with self._lock:
                if self._exchange is None:
                    self._exchange = Exchange(
                        path=self._path,
                        cash=self._cash,
                        hours=self._hours,
                        calendar=self._calendar,
                        faults=self.faults,
                        now=self._clock.now(),
                        emit=self._emit,
                    )
                if self._pushes is None:
                    self._pushes = PushThread(
                        name=f"paper-{self._name}",
                        sink=self._sink,
                        faults=self.faults,
                        pulse=self._beat,
                        pulse_s=self._pulse_s,
                    )
                self._connected = True
            self.advance()
        return self._end

    def place(self, request: PlaceRequest) -> Placed:
        """Places a limit order; the same request twice makes two orders, as at a real broker."""
        with self.faults.around("place"):
            look = self._look([request.symbol])
            with self._lock:
                return self._up().place(request, look, self._clock.now())

    def cancel(self, broker_order_id: str) -> None:
        """Asks for a cancel; raises `BrokerError` in the counter's words."""
        with self.faults.around("cancel"), self._lock:
            self._up().cancel(broker_order_id, self._clock.now())

    def orders(self) -> Sequence[OrderReport]:
        """All of today's orders, rejected ones of late refusals too."""
        with self.faults.around("orders"), self._lock:
            exchange, newest = self._up(), self._clock.now() - timedelta(seconds=self.faults.list_lag_s)
            return [order.report() for order in exchange.account.orders.values() if order.at <= newest]

    def fills(self) -> Sequence[FillReport]:
        """All of today's fills, oldest first."""
        with self.faults.around("fills"), self._lock:
            exchange, newest = self._up(), self._clock.now() - timedelta(seconds=self.faults.list_lag_s)
            return [fill for fill in exchange.account.fills if fill.at <= newest]

    def positions(self) -> Sequence[Position]:
        """What the account holds."""
        with self.faults.around("positions"):
            look = self._look(self._held())
            with self._lock:
                exchange = self._up()
                return [
                    Position(
                        symbol=symbol,
                        volume=held.volume,
                        available=exchange.available(symbol),
                        avg_cost=(held.cost / held.volume).quantize(_COST_STEP),
                        last=_value(look, symbol),
                    )
                    for symbol, held in sorted(exchange.account.holdings.items())
                    if held.volume
                ]

    def asset(self) -> Asset:
        """The account's money; holdings at the last price, else the previous close, else at cost."""
        with self.faults.around("asset"):
            look = self._look(self._held())
            with self._lock:
                account = self._up().account
                worth = Decimal(0)
                for symbol, held in account.holdings.items():
                    price = _value(look, symbol)
                    worth += held.cost if price is None else held.volume * price
                frozen = account.frozen
                return Asset(
                    cash=account.money - frozen, frozen=frozen, market_value=worth, total=account.money + worth
                )

    def quote(self, symbol: str) -> Quote | None:
        """The market now, without what this account took of the book."""
        with self.faults.around("quote"):
            look = self._look([symbol])
            with self._lock:
                exchange, view = self._up(), look(symbol)
                return None if view is None else exchange.what_is_left(view[0])

    def instrument(self, symbol: str) -> Instrument | None:
        """Today's facts."""
        with self.faults.around("instrument"):
            look = self._look([symbol])
            with self._lock:
                self._up()
                view = look(symbol)
                return None if view is None else view[1]

    # -- PracticeExchange

    def observe(self, *, symbol: str, price: Decimal | None, day: date) -> None:
        """Anchors the quotes and begins the day; before the first `connect` there is nothing to anchor."""
        with self._lock:
            if self._exchange is None:
                _log.warning("paper.observed_while_closed", account=self._name)
                return
            self._exchange.observe(symbol, price, day, self._clock.now())
        self.advance()

    def trading_day(self) -> date:
        """The day that the exchange is in."""
        with self._lock:
            if self._exchange is None:
                return self._clock.now().date()
            self._exchange.keep_day(self._clock.now())
            return self._exchange.account.day

    # -- what a person or a test may do

    def advance(self) -> None:
        """Lets happen what the time since the last call brought."""
        with self._lock:
            waiting = [] if self._exchange is None else [o.symbol for o in self._exchange.account.open_orders()]
        look = self._look(waiting)
        with self._lock:
            if self._exchange is not None:
                self._exchange.advance(look, self._clock.now())

    def set_market(
        self,
        symbol: str,
        *,
        last: Decimal | None = None,
        prev_close: Decimal | None = None,
        bid: Decimal | None = None,
        ask: Decimal | None = None,
        depth: int | None = None,
        suspended: bool | None = None,
        risk_warning: bool | None = None,
        quoted: bool | None = None,
    ) -> None:
        """Sets the simulated market of `symbol`, for good; what is `None` stays as it is. Matches what stands.

        Args:
            symbol: a QMT symbol of something that can be traded.
            last: the last price, which stays exactly there until a signal names another price on a later day.
            prev_close: of today; decides the limits.
            bid: best bid, and
            ask: best ask, of a market whose `last` is set; one tick away from it when not given.
            depth: the volume of each level.
            suspended: no trading, no book.
            risk_warning: ST.
            quoted: `False`: the exchange does not know the security.

        Raises:
            BrokerDownError: before the first `connect`.
            ValueError: no such security, or prices that no market can have.
        """
        with self._lock:
            exchange, now = self._open(), self._clock.now()
            exchange.keep_day(now)
            market = exchange.simulated.adjusted(
                symbol, exchange.account.day, now, last=last, prev_close=prev_close, bid=bid, ask=ask, depth=depth
            )
            market = replace(
                market,
                suspended=market.suspended if suspended is None else suspended,
                risk_warning=market.risk_warning if risk_warning is None else risk_warning,
                quoted=market.quoted if quoted is None else quoted,
            )
            exchange.set_market(symbol, market)
        self.advance()

    def set_money(self, yuan: Decimal) -> None:
        """Sets all the account's money, frozen part included; raises `BrokerDownError` before the first `connect`."""
        with self._lock:
            self._open().record(MoneySet(money=yuan))

    def set_holding(self, symbol: str, volume: int, *, cost: Decimal, bought_today: int = 0) -> None:
        """Sets a holding, at `cost` yuan a share; raises `BrokerDownError` before the first `connect`."""
        with self._lock:
            holding = Holding(volume=volume, bought_today=bought_today, cost=cost * volume)
            self._open().record(HoldingSet(symbol=symbol, holding=holding))

    def drop(self, message: str) -> None:
        """Loses the connection, as a terminal that is closed; the exchange goes on, its pushes are lost."""
        with self._lock:
            if self._connected and self._pushes is not None:
                self._pushes.put([Disconnected(message=message)])
            self._connected = False

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Waits until all pushes so far were delivered; whether they were."""
        with self._lock:
            pushes = self._pushes
        return pushes is None or pushes.flush(timeout_s)

    # -- inside

    def _open(self) -> Exchange:
        if self._exchange is None:
            raise BrokerDownError(f"模拟账户 {self._name} 未连接 / is not connected")
        return self._exchange

    def _up(self) -> Exchange:
        if not self._connected:
            raise BrokerDownError(f"模拟账户 {self._name} 未连接 / is not connected")
        exchange = self._open()
        exchange.keep_day(self._clock.now())
        return exchange

    def _held(self) -> list[str]:
        with self._lock:
            return [] if self._exchange is None else list(self._exchange.account.holdings)

    def _look(self, symbols: Sequence[str]) -> Look:
        """The market of `symbols`; real quotes are asked now, so never call this under the lock."""
        if self._quotes is None:
            return lambda symbol: self._open().look(symbol, self._clock.now())
        views = {symbol: (self._quotes.quote(symbol), self._quotes.instrument(symbol)) for symbol in set(symbols)}
        known = {s: (q, i) for s, (q, i) in views.items() if q is not None and i is not None}
        return known.get

    def _emit(self, events: Sequence[BrokerEvent]) -> None:
        if self._connected and self._pushes is not None:
            self._pushes.put(events)

    def _beat(self) -> None:
        self.advance()
        with self._lock:
            if self._exchange is not None:
                self._exchange.sync()

    def _end(self) -> None:
        with self._lock:
            exchange, pushes = self._exchange, self._pushes
            self._exchange = self._pushes = None
            self._connected = False
        if pushes is not None:
            pushes.stop()
        if exchange is not None:
            exchange.close()


def _nobody(_: BrokerEvent) -> None:
    """The sink before there is one."""


def _value(look: Look, symbol: str) -> Decimal | None:
    view = look(symbol)
    return None if view is None else view[0].last or view[0].prev_close
