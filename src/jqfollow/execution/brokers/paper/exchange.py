"""The small exchange: takes orders, matches them against a book, ends them with the day. Not thread-safe.

An order that meets the book when it is placed takes level by level at the levels' prices. What is left stands, and
trades at its own price when a later book reaches it; what was taken of a book is gone until the next one. Orders of
the account never meet each other. A call auction (9:25, 15:00) matches what was there before it at one price.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Literal

from jqfollow.clock import to_ms
from jqfollow.domain import (
    Accepted,
    AttemptState,
    BrokerError,
    BrokerEvent,
    CancelFailed,
    Instrument,
    Level,
    Phase,
    Placed,
    PlaceRequest,
    Quote,
    Refused,
    Side,
)
from jqfollow.execution.brokers.paper import counter, facts
from jqfollow.execution.brokers.paper.account import Market, PaperAccount
from jqfollow.execution.brokers.paper.actions import facts_of_day
from jqfollow.execution.brokers.paper.codes import find
from jqfollow.execution.brokers.paper.facts import Fact
from jqfollow.execution.brokers.paper.faults import Faults
from jqfollow.execution.brokers.paper.lag import Lag
from jqfollow.execution.brokers.paper.matching import executed, meets, opposite, sweep
from jqfollow.execution.brokers.paper.memory import Memory
from jqfollow.execution.brokers.paper.order import PaperOrder
from jqfollow.execution.brokers.paper.quotes import SimulatedQuotes
from jqfollow.execution.brokers.paper.worth import Price, Worth
from jqfollow.market.calendar import CalendarError, TradingCalendar
from jqfollow.market.securities import Security
from jqfollow.market.sessions import accepts_cancels, phase_at

View = tuple[Quote, Instrument]
Look = Callable[[str], View | None]
"""The market of a symbol; `None` when nothing is known of it."""
_AUCTIONS = ((time(9, 25), Phase.OPENING_AUCTION), (time(15, 0), Phase.CLOSING_AUCTION))
_FIRST_ID = 10_000_000
_DAY_OVER = counter.words(160001, "交易日结束，未成交部分自动撤销")


class Exchange:
    """One account and its market, kept in a journal."""

    def __init__(
        self,
        *,
        path: Path,
        cash: Decimal,
        hours: Literal["always", "exchange"],
        calendar: TradingCalendar,
        faults: Faults,
        now: datetime,
        emit: Callable[[Sequence[BrokerEvent], int], None],
    ) -> None:
        """Opens the file at `path`, or makes it with `cash` yuan in it; raises `JournalError`.

        Args:
            path: of the account's file.
            cash: yuan of a new account.
            hours: as in `PaperBroker`.
            calendar: the trading days of `hours="exchange"`.
            faults: what goes wrong.
            now: the time.
            emit: takes pushes, and how much of the journal must be synced before they may be told.
        """
        self._always = hours == "always"
        self._folder = path.parent
        self._calendar = calendar
        self._trading: tuple[date, bool] | None = None
        self._faults = faults
        self._emit = emit
        # The ledger knows orders by their numbers: those of a new account begin above all that one put away has given.
        self.account = PaperAccount(money=cash, day=now.date(), number=to_ms(now))
        self.lag = Lag(self.account, faults)
        self._memory = Memory(path, self.account, self.lag)
        self.journal = self._memory.journal
        self.day_written = 0
        """How much of the journal must be synced before the day may be told."""
        self.simulated = SimulatedQuotes(lambda: self.account.markets)
        self.worth = Worth(self.account, self.lag)
        self._exhausted: dict[str, Quote] = {}
        """By symbol, the quote at which nothing that stands trades any more."""

    def _commit(self, now: datetime, *what: Fact) -> None:
        """Writes facts as one line, makes them true, and has them told once they are synced."""
        for symbol in filter(None, map(self._memory.symbol, what)):
            self._exhausted.pop(symbol, None)
        events = self._memory.commit(now, what)
        self._emit(events, self.journal.written)

    def heal(self) -> None:
        """Writes the file anew after the disk refused to sync it."""
        if self.journal.ailing:
            self._memory.compact()

    # -- time

    def phase(self, now: datetime) -> Phase:
        """The phase of the exchange day."""
        if self._always:
            return Phase.CONTINUOUS
        return phase_at(now) if self._trades(now.date()) else Phase.CLOSED

    def _trades(self, day: date) -> bool:
        if self._trading is None or self._trading[0] != day:
            try:
                self._trading = day, self._calendar.is_trading_day(day)
            except CalendarError:  # nothing is guessed: closed
                self._trading = day, False
        return self._trading[1]

    def keep_day(self, now: datetime) -> None:
        """Begins the next day when its time has come."""
        today = now.date()
        if today > self.account.day and (self.account.live if self._always else self._trades(today)):
            self._begin(now, today, live=True)

    def observe(self, symbol: str, price: Decimal | None, day: date, now: datetime) -> bool:
        """A strategy was filled at `price` on `day` (`None`: nothing was filled); whether that moved the market."""
        self.keep_day(now)
        if self._always:
            first = not self.account.observed
            if day > self.account.day or first:
                self._begin(now, day, live=day >= now.date(), observed=True)
        market = None if price is None else self.simulated.anchored(symbol, price, self.account.day, now)
        if market is None or market == self.account.markets.get(symbol):
            return False
        self.set_market(symbol, market, now)
        return True

    def _begin(self, now: datetime, day: date, *, live: bool, observed: bool | None = None) -> None:
        observed = self.account.observed if observed is None else observed
        began = facts.DayBegan(day=day, live=live, observed=observed)
        if day == self.account.day:
            self._commit(now, began)
            self.day_written = self.journal.written
            return
        over = (
            facts.Moved(broker_order_id=order.broker_order_id, state=AttemptState.CANCELED, message=_DAY_OVER)
            for order in self.account.open_orders()
        )
        given = facts_of_day(self._folder, self.account, day, self._calendar)
        self._commit(now, *over, began, *given)
        self.day_written = self.journal.written
        self.lag.forget()
        self._exhausted.clear()
        self._memory.compact()

    # -- the market

    def look(self, symbol: str, now: datetime) -> View | None:
        """The simulated market."""
        day = self.account.day
        quote = self.simulated.quote(symbol, day, now, self.phase(now))
        instrument = self.simulated.instrument(symbol, day)
        return None if quote is None or instrument is None else (quote, instrument)

    def what_is_left(self, quote: Quote) -> Quote:
        """`quote` without what was taken of it."""
        return replace(quote, asks=self._opposite(quote, Side.BUY), bids=self._opposite(quote, Side.SELL))

    def _opposite(self, quote: Quote, side: Side) -> tuple[Level, ...]:
        return opposite(quote, side, self.account.taken.get(quote.symbol))

    def set_market(self, symbol: str, market: Market, now: datetime) -> None:
        """Puts `market` in the place of what was made."""
        self._commit(now, facts.MarketSet(symbol=symbol, market=market))

    def prices(self, now: datetime) -> Price:
        """The simulated last prices."""
        return self.simulated.prices(self.account.day, now, self.phase(now))

    def record(self, fact: facts.MoneySet | facts.HoldingSet, now: datetime) -> None:
        """What a person set."""
        self._commit(now, fact)

    # -- orders

    def place(self, request: PlaceRequest, look: Look, now: datetime) -> Placed:
        """Takes an order and matches it, or refuses it: all of it is written, or nothing."""
        self.keep_day(now)
        security, view = find(request.symbol), look(request.symbol)
        message = self._faults.next_refusal() or self._judge(request, security, view, now)
        number = self.account.number + 1
        placed = facts.Placed(
            broker_order_id=str(_FIRST_ID + number),
            number=number,
            request=replace(request, remark=counter.remark(self._faults.remark(request.remark))),
            at=now,
            reserve=Decimal(0),
        )
        if message is not None:
            if not self._faults.refuse_by_push or security is None or not counter.readable(request):
                return Refused(message=message)
            self._commit(now, replace(placed, state=AttemptState.REJECTED, message=message))
            return Accepted(broker_order_id=placed.broker_order_id)
        if security is None or view is None:
            raise AssertionError(request)
        placed = replace(placed, reserve=counter.reserve(request, security))
        fills: list[facts.Filled] = []
        if not self._resting(request.symbol, now):
            fills = self._match(facts.placed(placed), view[0], now, first=number + 1, takes=True)
        self._commit(now, placed, *fills)
        return Accepted(broker_order_id=placed.broker_order_id)

    def _judge(self, request: PlaceRequest, security: Security | None, view: View | None, now: datetime) -> str | None:
        symbol = request.symbol
        if security is None or view is None:
            return counter.unknown(symbol)
        held = self.account.holdings.get(symbol)
        books = counter.Books(
            day=self.account.day,
            phase=self.phase(now),
            quote=self.what_is_left(view[0]),
            instrument=view[1],
            cash=self.account.cash - sum(self.lag.money(now)),
            available=self.account.available(symbol) - self.lag.shares(symbol, now)[1],
            unsettled=self.account.unsettled(symbol),
            bought_today=self.account.standing.buying.get(symbol, 0) + (held.bought_today if held else 0),
        )
        return counter.refusal(request, security, books)

    def cancel(self, broker_order_id: str, now: datetime) -> None:
        """Asks for the end of an order; raises `BrokerError` in the counter's words."""
        self.keep_day(now)
        order = self.account.orders.get(broker_order_id)
        if order is None:
            raise BrokerError(counter.words(150001, "没有此委托", 委托编号=broker_order_id))
        if not order.open:
            raise BrokerError(counter.words(150002, "委托已结束，不能撤单", 状态=order.state))
        if order.state is AttemptState.PENDING_CANCEL:
            raise BrokerError(counter.words(150003, "委托正在撤单", 委托编号=broker_order_id))
        phase = self.phase(now)
        if not accepts_cancels(phase):
            raise BrokerError(counter.words(150004, "当前时间不允许撤单", 阶段=phase))
        refused = self._faults.next_cancel_refusal()
        if refused is not None:
            self._emit([CancelFailed(broker_order_id=broker_order_id, message=refused)], self.journal.written)
        if refused is not None or self._faults.ignore_cancels:
            return
        asked = facts.Moved(broker_order_id=broker_order_id, state=AttemptState.PENDING_CANCEL)
        self._commit(now, asked, *([] if self._faults.slow_cancels else [_canceled(broker_order_id)]))

    def _end_canceled(self, now: datetime) -> None:
        if self.account.standing.canceling:
            self._commit(now, *map(_canceled, sorted(self.account.standing.canceling)))

    # -- matching

    def advance(self, look: Look, now: datetime) -> None:
        """Lets happen what the time brought: the day's change, auctions, trades of what stands, ends of cancels."""
        self.keep_day(now)
        if not self._always and self._trades(now.date()):
            for at, auction in _AUCTIONS:
                self._hold_auction(datetime.combine(now.date(), at, now.tzinfo), auction, look, now)
        if self.phase(now) is Phase.CONTINUOUS:  # else every look would be in vain
            for symbol in list(self.account.standing.queues):
                self.trade(symbol, look, now)
        self._end_canceled(now)

    def trade(self, symbol: str, look: Look, now: datetime) -> None:
        """Trades what stands in one symbol: the first of each queue, until one of them finds nothing."""
        view = look(symbol)
        if view is None or self._exhausted.get(symbol) is view[0] or self._resting(symbol, now):
            return
        quote, traded = view[0], False
        for side in Side:
            turn = 0
            while turn < len(queue := self.account.standing.queue(symbol, side)):
                order = self.account.orders[str(queue[turn][1])]
                fills = self._match(order, quote, now, first=self.account.number + 1, takes=False)
                if not fills:
                    break
                self._commit(now, *fills)
                traded = True
                turn += self.account.orders[order.broker_order_id].open
        if not traded:
            self._exhausted[symbol] = quote

    def _resting(self, symbol: str, now: datetime) -> bool:
        """Whether nothing trades in `symbol` now."""
        return self.phase(now) is not Phase.CONTINUOUS or symbol in self._faults.halted

    def _match(self, order: PaperOrder, quote: Quote, now: datetime, *, first: int, takes: bool) -> list[facts.Filled]:
        """What an order trades with `quote`; `takes`: at the levels' prices, else at its own. `first`: of the fills."""
        most = order.left if self._faults.max_fill is None else min(order.left, self._faults.max_fill)
        fills: list[facts.Filled] = []
        for level in sweep(order, self._opposite(quote, order.side), most):
            price = level.price if takes else order.price
            order, fill = _execute(order, level.volume, price, quote, now, number=first + len(fills))
            fills.append(replace(fill, level=level.price))
        return fills

    def _hold_auction(self, moment: datetime, auction: Phase, look: Look, now: datetime) -> None:
        """Matches the orders from before `moment` at one price, once a day."""
        if now < moment or auction in self.account.auctions:
            return
        fills: list[facts.Filled] = []
        for symbol, sides in self.account.standing.queues.items():
            view = look(symbol)
            if view is None or view[0].last is None or symbol in self._faults.halted:
                continue
            quote, price = view[0], view[0].last
            for side, queue in sides.items():
                pool = sum(level.volume for level in self._opposite(quote, side))
                for _, order_number in queue:
                    order = self.account.orders[str(order_number)]
                    volume = min(pool, order.left)
                    if not volume or not meets(order, price):
                        break
                    if order.at < moment:
                        pool -= volume
                        number = self.account.number + 1 + len(fills)
                        fills.append(_execute(order, volume, price, quote, now, number=number)[1])
        self._commit(now, *fills, facts.AuctionHeld(auction=auction))


def _canceled(broker_order_id: str) -> facts.Moved:
    return facts.Moved(broker_order_id=broker_order_id, state=AttemptState.CANCELED, message="已撤")


def _execute(
    order: PaperOrder, volume: int, price: Decimal, quote: Quote, now: datetime, *, number: int
) -> tuple[PaperOrder, facts.Filled]:
    order, report = executed(order, volume, price, at=now, traded_id=str(_FIRST_ID + number))
    return order, facts.Filled(report=report, number=number, level=price, book_at=quote.at)
