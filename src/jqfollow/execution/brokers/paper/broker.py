"""The paper broker: the small exchange of `exchange.py` behind the port of a real broker."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

import structlog

from jqfollow.domain import (
    Accepted,
    Asset,
    FillReport,
    Instrument,
    OrderReport,
    Placed,
    PlaceRequest,
    Position,
    Quote,
    Refused,
)
from jqfollow.execution.brokers.paper.account import Holding
from jqfollow.execution.brokers.paper.facts import HoldingSet, MoneySet
from jqfollow.execution.brokers.paper.terminal import Terminal

_log = structlog.get_logger(__name__)
ListRow = TypeVar("ListRow", OrderReport, FillReport)


class PaperBroker(Terminal):
    """One practice account. Thread-safe; implements `Broker` and `PracticeExchange`.

    With `hours="always"` the exchange never closes. Its day is the clock's until a signal names one; the first day
    that a signal names counts even if it is past (a backtest), after that only newer ones, and while the day is the
    clock's it goes on with the clock. With `hours="exchange"` phases and days are those of clock and calendar.

    The file at `path` is the account's memory and wins over `cash`, which only begins a new file.
    """

    def place(self, request: PlaceRequest) -> Placed:
        """Places a limit order; the same request twice makes two orders, as at a real broker."""
        with self.faults.around("place"):
            look = self._look([request.symbol])
            placed = self._answer(lambda exchange: exchange.place(request, look, self._clock.now()))
            if isinstance(placed, Refused):
                return placed
            return Accepted(broker_order_id=self.faults.told_id(placed.broker_order_id))

    def cancel(self, broker_order_id: str) -> None:
        """Asks for a cancel; raises `BrokerError` in the counter's words."""
        with self.faults.around("cancel"):
            own = self.faults.own_id(broker_order_id)
            self._answer(lambda exchange: exchange.cancel(own, self._clock.now()))

    def orders(self) -> Sequence[OrderReport]:
        """All of today's orders, rejected ones of late refusals too."""
        with self.faults.around("orders"):
            return self._listed(self._answer(lambda exchange: list(exchange.account.standing.rows.values())))

    def fills(self) -> Sequence[FillReport]:
        """All of today's fills, oldest first."""
        with self.faults.around("fills"):
            return self._listed(self._answer(lambda exchange: list(exchange.account.fills)))

    def _listed(self, rows: list[ListRow]) -> list[ListRow]:
        if self.faults.list_lag_s:
            youngest = self._clock.now() - timedelta(seconds=self.faults.list_lag_s)
            rows = [row for row in rows if row.at <= youngest]
        return self.faults.told(rows)

    def positions(self) -> Sequence[Position]:
        """What the account holds."""
        with self.faults.around("positions"):
            prices, now = self._prices(), self._clock.now()
            return self._answer(lambda exchange: exchange.worth.positions(prices or exchange.prices(now), now))

    def asset(self) -> Asset:
        """The account's money; holdings at the last price, else the previous close, else at cost."""
        with self.faults.around("asset"):
            prices, now = self._prices(), self._clock.now()
            return self._answer(lambda exchange: exchange.worth.asset(prices or exchange.prices(now), now))

    def quote(self, symbol: str) -> Quote | None:
        """The market now, without what this account took of the book."""
        with self.faults.around("quote"):
            look = self._look([symbol])
            with self._lock:
                exchange, view = self._up(), look(symbol)
                quote = None if view is None else exchange.what_is_left(view[0])
            return self.faults.seen(symbol, quote)

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
        """A strategy was filled in `symbol` at `price` (`None`: not, or not yet) on `day`.

        Anchors the quotes there and begins the day; a limit, or what somebody wishes, is no price to be told here.
        Before the first `connect` there is nothing to anchor.
        """
        with self._lock:
            exchange, now = self._exchange, self._clock.now()
            if exchange is None:
                _log.warning("paper.observed_while_closed", account=self._name)
                return
            if exchange.observe(symbol, price, day, now) and self._quotes is None:
                exchange.trade(symbol, self._simulated, now)

    def trading_day(self) -> date:
        """The day that the exchange is in."""
        with self._lock:
            exchange = self._exchange
            if exchange is None:
                return self._clock.now().date()
            exchange.keep_day(self._clock.now())
            day, written = exchange.account.day, exchange.day_written
        exchange.journal.sync(written)
        return day

    # -- what a person or a test may do

    def set_market(
        self,
        symbol: str,
        *,
        last: Decimal | None = None,
        prev_close: Decimal | None = None,
        bid: Decimal | None = None,
        ask: Decimal | None = None,
        depth: int | None = None,
        opening: Decimal | None = None,
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
            opening: the day's first price; the first `last` of the day when not given.
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
                symbol,
                exchange.account.day,
                now,
                last=last,
                prev_close=prev_close,
                bid=bid,
                ask=ask,
                depth=depth,
                opening=opening,
            )
            market = replace(
                market,
                suspended=market.suspended if suspended is None else suspended,
                risk_warning=market.risk_warning if risk_warning is None else risk_warning,
                quoted=market.quoted if quoted is None else quoted,
            )
            exchange.set_market(symbol, market, now)
        self.advance()

    def set_money(self, yuan: Decimal) -> None:
        """Sets all the account's money, frozen part included; raises `BrokerDownError` before the first `connect`."""
        with self._lock:
            self._open().record(MoneySet(money=yuan), self._clock.now())

    def set_holding(self, symbol: str, volume: int, *, cost: Decimal, bought_today: int = 0) -> None:
        """Sets a holding, at `cost` yuan a share; raises `BrokerDownError` before the first `connect`."""
        with self._lock:
            holding = Holding(volume=volume, bought_today=bought_today, cost=cost * volume)
            self._open().record(HoldingSet(symbol=symbol, holding=holding), self._clock.now())
