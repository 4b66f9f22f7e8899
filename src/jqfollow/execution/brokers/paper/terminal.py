"""The way to the small exchange, with all that a real terminal does to its callers.

Calls block, pushes come on a thread of their own and in any order relative to the answers, the connection can be lost
while the market goes on. One lock guards the exchange. Outside it quotes from elsewhere are asked, what is to be said
is synced, and it is said: as many callers as there are wait for one sync together.
"""

import threading
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Literal, TypeVar

import structlog

from jqfollow.clock import Clock
from jqfollow.domain import BrokerDownError, BrokerError, BrokerEvent, Disconnected
from jqfollow.execution.brokers.paper.exchange import Exchange, Look, View
from jqfollow.execution.brokers.paper.faults import Faults
from jqfollow.execution.brokers.paper.journal import JournalError
from jqfollow.execution.brokers.paper.pushes import PushThread
from jqfollow.execution.brokers.paper.quotes import QuoteSource
from jqfollow.execution.brokers.paper.worth import Price
from jqfollow.execution.brokers.port import BrokerTraits, EventSink
from jqfollow.market.calendar import TradingCalendar

_log = structlog.get_logger(__name__)
_PULSE_S = 0.2
T = TypeVar("T")


class Terminal:
    """Threads, connection, file and time of one practice account; `PaperBroker` adds what can be asked of it."""

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
        self._traits = traits or BrokerTraits(
            settle_s=0, real=False, absence_is_proof=True, always_open=hours == "always", width=16
        )
        self._sink: EventSink = _nobody
        self._lock = threading.RLock()
        self._exchange: Exchange | None = None
        self._pushes: PushThread | None = None
        self._connected = False
        self._connection = 0

    @property
    def traits(self) -> BrokerTraits:
        """Fixed for the life of the object."""
        return self._traits

    def events(self, sink: EventSink) -> None:
        """Pushes go to `sink`, on a thread of this broker's own."""
        self._sink = sink

    def connect(self) -> Callable[[], None]:
        """Opens the file and starts the market; what it returns stops both and closes the file.

        Anew after a loss, the market went on meanwhile, and the end of the lost connection ends nothing any more.

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
                        sync=self._exchange.journal.sync,
                        pulse=self._beat,
                        pulse_s=self._pulse_s,
                    )
                self._connected = True
                self._connection += 1
                mine = self._connection
            self._catch_up()
        return lambda: self._end(mine)

    def advance(self) -> None:
        """Lets happen what the time since the last call brought."""
        with self._lock:
            waiting = [] if self._exchange is None else list(self._exchange.account.standing.queues)
        look = self._look(waiting)
        with self._lock:
            if self._exchange is not None:
                self._exchange.advance(look, self._clock.now())

    def drop(self, message: str) -> None:
        """Loses the connection, as a terminal that is closed; the exchange goes on, its pushes are lost."""
        with self._lock:
            if self._connected and self._pushes is not None:
                self._pushes.put([Disconnected(message=message)], 0)
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

    def _answer(self, ask: Callable[[Exchange], T]) -> T:
        """What `ask` answers, or raises, under the lock, once everything that it rests on is on the disk.

        Raises:
            BrokerDownError: not connected, or it cannot be written: nothing was done.
            UnsyncedError: it was done, and the disk does not promise to keep it.
            BrokerError: what `ask` raises.
        """
        refusal: BrokerError | None = None
        with self._lock:
            exchange = self._up()
            try:
                answer = ask(exchange)
            except JournalError:
                raise
            except BrokerError as error:
                refusal = error
            written = exchange.journal.written
        exchange.journal.sync(written)
        if refusal is not None:
            raise refusal
        return answer

    def _look(self, symbols: Sequence[str]) -> Look:
        """The market of `symbols`; real quotes are asked now, so never call this under the lock."""
        if self._quotes is None:
            return self._simulated
        views = {symbol: (self._quotes.quote(symbol), self._quotes.instrument(symbol)) for symbol in set(symbols)}
        known = {s: (q, i) for s, (q, i) in views.items() if q is not None and i is not None}
        return known.get

    def _simulated(self, symbol: str) -> View | None:
        return self._open().look(symbol, self._clock.now())

    def _prices(self) -> Price | None:
        """Real prices of what is held, asked now, so never call this under the lock; `None`: the simulated ones."""
        if self._quotes is None:
            return None
        with self._lock:
            held = [] if self._exchange is None else list(self._exchange.account.holdings)
        quotes = {symbol: self._quotes.quote(symbol) for symbol in held}
        return {symbol: quote.last or quote.prev_close for symbol, quote in quotes.items() if quote is not None}.get

    def _emit(self, events: Sequence[BrokerEvent], written: int) -> None:
        if self._connected and self._pushes is not None:
            self._pushes.put(events, written)

    def _beat(self) -> None:
        with self._lock:
            exchange = self._exchange
            if exchange is None:
                return
            exchange.heal()
        self.advance()
        exchange.journal.sync(exchange.journal.written)

    def _catch_up(self) -> None:
        """A beat; without quotes from elsewhere what stands goes on standing, until the next."""
        try:
            self._beat()
        except BrokerError as error:
            _log.warning("paper.not_advanced", account=self._name, error=str(error))

    def _end(self, connection: int) -> None:
        with self._lock:
            if connection != self._connection:
                return
            exchange, pushes = self._exchange, self._pushes
            self._exchange = self._pushes = None
            self._connected = False
        if pushes is not None:
            pushes.stop()
        if exchange is not None:
            exchange.journal.close()


def _nobody(_: BrokerEvent) -> None:
    """The sink before there is one."""
