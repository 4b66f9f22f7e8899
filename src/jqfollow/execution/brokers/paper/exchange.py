"""The small exchange: takes orders, matches them against a book, ends them with the day. Not thread-safe.

An order that meets the book when it is placed takes level by level at the levels' prices. What is left stands, and
trades at its own price when a later book reaches it; what was taken of a book is gone until the next one. Orders of
the account never meet each other. A call auction (9:25, 15:00) matches what was there before it at one price.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Literal

import structlog

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
from jqfollow.execution.brokers.paper.account import Market, PaperAccount, PaperOrder
from jqfollow.execution.brokers.paper.facts import Fact, apply, decode, encode
from jqfollow.execution.brokers.paper.faults import Faults
from jqfollow.execution.brokers.paper.journal import Journal, JournalDamagedError, JournalError
from jqfollow.execution.brokers.paper.matching import by_priority, executed, meets, opposite, sweep
from jqfollow.execution.brokers.paper.quotes import SimulatedQuotes, find
from jqfollow.market.calendar import CalendarError, TradingCalendar
from jqfollow.market.sessions import accepts_cancels, phase_at
from jqfollow.market.settlement import settles_same_day

_log = structlog.get_logger(__name__)

View = tuple[Quote, Instrument]
Look = Callable[[str], View | None]
"""The market of a symbol; `None` when nothing is known of it."""
_AUCTIONS = ((time(9, 25), Phase.OPENING_AUCTION), (time(15, 0), Phase.CLOSING_AUCTION))
_FIRST_ID = 10_000_000
_DAY_OVER = counter.words(160001, "交易日结束，未成交部分自动撤销")


@contextmanager
def _later() -> Iterator[None]:
    """What was asked is written down already: when the rest cannot be written now, `advance` does it another time."""
    try:
        yield
    except JournalError as error:
        _log.warning("paper.later", error=str(error))


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
        emit: Callable[[Sequence[BrokerEvent]], None],
    ) -> None:
        """Opens the file at `path`, or makes it with `cash` yuan in it; raises `JournalError`."""
        self._always = hours == "always"
        self._calendar = calendar
        self._faults = faults
        self._emit = emit
        self.account = PaperAccount(money=cash, day=now.date())
        self.simulated = SimulatedQuotes(lambda: self.account.markets)
        self._journal = Journal(path)
        if self._journal.payloads:
            self._replay(path)
        else:
            self._journal.append(encode([facts.Snapshot(account=self.account)]))
        self._journal.forget()
        self.sync = self._journal.sync
        self.close = self._journal.close

    def _replay(self, path: Path) -> None:
        for number, payload in enumerate(self._journal.payloads, start=1):
            try:
                for fact in decode(payload):
                    apply(self.account, fact)
            except (ValueError, LookupError) as error:
                self._journal.close()
                raise JournalDamagedError(
                    f"模拟账户文件 {path} 第 {number} 行读不懂（可能由更新的版本写成）/ "
                    f"line {number} makes no sense: {error}"
                ) from error

    def _commit(self, *what: Fact) -> None:
        """Writes facts as one line, makes them true, and tells of them."""
        self._journal.append(encode(list(what)))
        self._emit([event for fact in what for event in apply(self.account, fact)])

    # -- time

    def phase(self, now: datetime) -> Phase:
        """The phase of the exchange day."""
        if self._always:
            return Phase.CONTINUOUS
        return phase_at(now) if self._trades(now.date()) else Phase.CLOSED

    def _trades(self, day: date) -> bool:
        try:
            return self._calendar.is_trading_day(day)
        except CalendarError:  # nothing is guessed: closed
            return False

    def keep_day(self, now: datetime) -> None:
        """Begins the next day when its time has come."""
        today = now.date()
        if today > self.account.day and (self.account.live if self._always else self._trades(today)):
            self._begin(today, live=True)

    def observe(self, symbol: str, price: Decimal | None, day: date, now: datetime) -> None:
        """A signal or a person named `price` on `day`."""
        self.keep_day(now)
        if self._always:
            first = not self.account.observed
            if day > self.account.day or first:
                self._begin(day, live=day >= now.date(), observed=True)
        if price is not None:
            market = self.simulated.anchored(symbol, price, self.account.day, now)
            if market is not None and market != self.account.markets.get(symbol):
                self._commit(facts.MarketSet(symbol=symbol, market=market))

    def _begin(self, day: date, *, live: bool, observed: bool | None = None) -> None:
        observed = self.account.observed if observed is None else observed
        if day == self.account.day:
            self._commit(facts.DayBegan(day=day, live=live, observed=observed))
            return
        over = [
            facts.Moved(broker_order_id=o.broker_order_id, state=AttemptState.CANCELED, message=_DAY_OVER)
            for o in self.account.open_orders()
        ]
        self._commit(*over, facts.DayBegan(day=day, live=live, observed=observed))
        self._journal.rewrite([encode([facts.Snapshot(account=self.account)])])

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

    def available(self, symbol: str) -> int:
        """What can be sold of a holding now."""
        held = self.account.holdings.get(symbol)
        if held is None:
            return 0
        return held.volume - self.unsettled(symbol) - self.account.frozen_shares(symbol)

    def unsettled(self, symbol: str) -> int:
        """What of a holding cannot be sold today (T+1)."""
        held, security = self.account.holdings.get(symbol), find(symbol)
        if held is None or security is None or settles_same_day(security):
            return 0
        return held.bought_today

    def set_market(self, symbol: str, market: Market) -> None:
        """Puts `market` in the place of what was made."""
        self._commit(facts.MarketSet(symbol=symbol, market=market))

    def record(self, fact: facts.MoneySet | facts.HoldingSet) -> None:
        """What a person set."""
        self._commit(fact)

    # -- orders

    def place(self, request: PlaceRequest, look: Look, now: datetime) -> Placed:
        """Takes an order and matches it, or refuses it."""
        self.keep_day(now)
        security, view = find(request.symbol), look(request.symbol)
        message = self._faults.next_refusal() or self._judge(request, view, now)
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
            self._commit(replace(placed, state=AttemptState.REJECTED, message=message))
            return Accepted(broker_order_id=placed.broker_order_id)
        if security is None or view is None:
            raise AssertionError(request)
        self._commit(replace(placed, reserve=counter.reserve(request, security)))
        if self.phase(now) is Phase.CONTINUOUS:
            with _later():
                self._match(placed.broker_order_id, view[0], now, takes=True)
        return Accepted(broker_order_id=placed.broker_order_id)

    def _judge(self, request: PlaceRequest, view: View | None, now: datetime) -> str | None:
        security, symbol = find(request.symbol), request.symbol
        if security is None or view is None:
            return counter.unknown(symbol)
        held = self.account.holdings.get(symbol)
        buying = sum(o.left for o in self.account.open_orders() if o.symbol == symbol and o.side is Side.BUY)
        books = counter.Books(
            day=self.account.day,
            phase=self.phase(now),
            quote=self.what_is_left(view[0]),
            instrument=view[1],
            cash=self.account.cash,
            available=self.available(symbol),
            unsettled=self.unsettled(symbol),
            bought_today=buying + (held.bought_today if held else 0),
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
            self._emit([CancelFailed(broker_order_id=broker_order_id, message=refused)])
        if refused is not None or self._faults.ignore_cancels:
            return
        self._commit(facts.Moved(broker_order_id=broker_order_id, state=AttemptState.PENDING_CANCEL))
        if not self._faults.slow_cancels:
            with _later():
                self._end_canceled()

    def _end_canceled(self) -> None:
        asked = [o for o in self.account.open_orders() if o.state is AttemptState.PENDING_CANCEL]
        if asked:
            self._commit(
                *(
                    facts.Moved(broker_order_id=o.broker_order_id, state=AttemptState.CANCELED, message="已撤")
                    for o in asked
                )
            )

    # -- matching

    def advance(self, look: Look, now: datetime) -> None:
        """Lets happen what the time brought: the day's change, auctions, trades of what stands, ends of cancels."""
        self.keep_day(now)
        if not self._always and self._trades(now.date()):
            for at, auction in _AUCTIONS:
                self._hold_auction(datetime.combine(now.date(), at, now.tzinfo), auction, look, now)
        if self.phase(now) is Phase.CONTINUOUS:
            for order in by_priority(self.account.open_orders()):
                view = look(order.symbol)
                if view is not None:
                    self._match(order.broker_order_id, view[0], now, takes=False)
        self._end_canceled()

    def _match(self, broker_order_id: str, quote: Quote, now: datetime, *, takes: bool) -> None:
        """Trades an order with `quote`; `takes`: at the levels' prices, else at its own."""
        order = self.account.orders[broker_order_id]
        most = order.left if self._faults.max_fill is None else min(order.left, self._faults.max_fill)
        fills: list[facts.Filled] = []
        for level in sweep(order, self._opposite(quote, order.side), most):
            price = level.price if takes else order.price
            order, fill = self._execute(order, level.volume, price, quote, now, nth=len(fills) + 1)
            fills.append(replace(fill, level=level.price))
        if fills:
            self._commit(*fills)

    def _hold_auction(self, moment: datetime, auction: Phase, look: Look, now: datetime) -> None:
        """Matches the orders from before `moment` at one price, once a day."""
        there = [order for order in self.account.open_orders() if order.at < moment]
        if now < moment or auction in self.account.auctions or not there:
            return
        fills: list[facts.Filled] = []
        pools: dict[tuple[str, Side], int] = {}
        for order in by_priority(there):
            view = look(order.symbol)
            if view is None or view[0].last is None:
                continue
            quote, price, whose = view[0], view[0].last, (order.symbol, order.side)
            pool = pools.setdefault(whose, sum(level.volume for level in self._opposite(quote, order.side)))
            volume = min(pool, order.left)
            if volume and meets(order, price):
                pools[whose] -= volume
                fills.append(self._execute(order, volume, price, quote, now, nth=len(fills) + 1)[1])
        self._commit(*fills, facts.AuctionHeld(auction=auction))

    def _execute(
        self, order: PaperOrder, volume: int, price: Decimal, quote: Quote, now: datetime, *, nth: int
    ) -> tuple[PaperOrder, facts.Filled]:
        """The `nth` execution of one change."""
        number = self.account.number + nth
        order, report = executed(order, volume, price, at=now, traded_id=str(_FIRST_ID + number))
        return order, facts.Filled(report=report, number=number, level=price, book_at=quote.at)
