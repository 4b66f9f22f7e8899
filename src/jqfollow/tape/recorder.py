"""Records the market around each order, a second at a time, beside everything that trades.

It asks only while nobody waits for a quote, and for few securities at once: an order's own question is never behind it
for longer than those take. What it misses is missing on the tape, and nowhere else.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import structlog

from jqfollow.domain import ORDER_OPEN, RUNS_BY_PERSON, Quote
from jqfollow.execution.accounts import Account, SymbolMarket
from jqfollow.execution.lanes import Lane
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import OrderRow
from jqfollow.ledger.seldom import Seldom
from jqfollow.ledger.tx import Tx
from jqfollow.market.sessions import day_end
from jqfollow.tape.lines import Begun, Done, Line, Seen, append, path_of
from jqfollow.wire.messages import LIVE_RUN

log = structlog.get_logger(__name__)

AFTER = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
"""When an order that has ended is looked at once more."""
MOST_AT_ONCE = 20
CLOSES_AT_ONCE = 200
"""After the close, when no order waits for a quote."""
MOST_WATCHED = 300
"""Of what comes beyond it nothing is recorded: a tape costs no order anything."""
_RUNS = frozenset({LIVE_RUN, *RUNS_BY_PERSON})
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_FLUSH_EVERY = timedelta(seconds=30)
_MARK_EVERY = timedelta(minutes=1)
_MOST_KEPT = 20_000
"""Lines that wait for a disk that takes none; then the oldest go."""


@dataclass(slots=True, kw_only=True)
class _Watched:
    """An order on the tape."""

    order: OrderRow
    due: list[datetime] = field(default_factory=list)
    """After its end: when it is looked at."""
    seen_at: datetime | None = None
    over: bool = False

    def is_due(self, now: datetime) -> bool:
        """Whether it is looked at."""
        return self.seen_at is None or not self.due or self.due[0] <= now


class Recorder:
    """Called every second, and at the end of the service."""

    def __init__(self, *, ledger: Ledger, accounts: Mapping[str, Account], folder: Path) -> None:
        """`folder`: of the tapes; `accounts`: those whose broker answers for quotes at once."""
        self._ledger = ledger
        self._accounts = accounts
        self._folder = folder
        self._watched: dict[int, _Watched] = {}
        self._last: int | None = None
        self._lines: list[tuple[date, Line]] = []
        self._flushed: datetime | None = None
        self._marked: datetime | None = None
        self._seldom = Seldom(ledger)

    async def look(self, now: datetime) -> None:
        """One second's turn."""
        if self._seldom.due():
            last = self._last
            watched = [order_id for order_id, each in self._watched.items() if not each.due]
            self._last, found = await self._ledger.read(lambda tx: _orders(tx, last, watched))
            self._take(found, now)
        for account in self._accounts.values():
            await self._ask(account, now)
        self._forget(now)
        closed = now >= day_end(now.date()) and (self._marked is None or now - self._marked >= _MARK_EVERY)
        if closed:
            self._marked = now
            await self._mark_closes()
        if self._flushed is None or not timedelta(0) <= now - self._flushed < _FLUSH_EVERY:
            self._flushed = now
            await self.flush()

    def _take(self, found: Sequence[OrderRow], now: datetime) -> None:
        """New orders begin, and those that have ended are looked at three times more."""
        for order in found:
            watched = self._watched.get(order.order_id)
            if watched is None:
                if order.terms.run not in _RUNS or len(self._watched) >= MOST_WATCHED:
                    continue
                watched = self._watched[order.order_id] = _Watched(order=order)
                self._put(now, Begun(order_id=order.order_id, at=order.created_at, security=order.security,
                                     side=order.side, decision=order.terms.reference))  # fmt: skip
            ended = order.state not in ORDER_OPEN
            if ended and not watched.due:
                watched.due = [order.updated_at + later for later in AFTER]
                self._put(now, Done(order_id=order.order_id, at=order.updated_at, wished=order.volume,
                                    filled=order.filled, paid=order.avg_price))  # fmt: skip
            watched.order = order

    async def _ask(self, account: Account, now: datetime) -> None:
        """Looks at what is due, those first that were not looked at for longest."""
        if not account.ready or account.lanes.under_way(Lane.MARKET):
            return
        due = [each for each in self._watched.values() if each.order.account == account.name and each.is_due(now)]
        due.sort(key=lambda each: each.seen_at or _LONG_AGO)
        symbols = list(dict.fromkeys(each.order.security for each in due))[:MOST_AT_ONCE]
        markets = await account.markets(symbols) if symbols else {}
        arrived: list[tuple[int, Decimal]] = []
        for each in due:
            market = markets.get(each.order.security)
            if not isinstance(market, SymbolMarket) or market.quote is None:
                continue
            self._put(now, Seen(order_id=each.order.order_id, at=now, quote=market.quote))
            price = _price(market.quote)
            if each.seen_at is None and price is not None:
                arrived.append((each.order.order_id, price))
            each.seen_at = now
        if arrived:
            await self._ledger.write(partial(_arrived, known=arrived))

    def _forget(self, now: datetime) -> None:
        """What was looked at for the last time, or should have been."""
        for each in list(self._watched.values()):
            while each.due and each.due[0] <= now and (each.seen_at or _LONG_AGO) >= each.due[0]:
                each.due.pop(0)
                each.over = not each.due
            if each.over or (each.due and now - each.due[-1] > AFTER[0]):
                del self._watched[each.order.order_id]

    async def _mark_closes(self) -> None:
        """After the close: the close of every order of the day that has none yet."""
        for account in self._accounts.values():
            day = account.hours.trading_day()
            waiting = await self._ledger.read(partial(_without_close, day=day))
            own = [(order_id, security) for order_id, name, security in waiting if name == account.name]
            if not own or not account.ready or account.lanes.under_way(Lane.MARKET):
                continue
            markets = await account.markets(list(dict.fromkeys(security for _, security in own))[:CLOSES_AT_ONCE])
            quotes = {s: m.quote for s, m in markets.items() if isinstance(m, SymbolMarket) and m.quote is not None}
            known = [(n, quotes[s].last) for n, s in own if s in quotes and quotes[s].last]
            await self._ledger.write(partial(_closed, known=known))

    def _put(self, now: datetime, line: Line) -> None:
        self._lines.append((now.date(), line))
        del self._lines[: max(len(self._lines) - _MOST_KEPT, 0)]

    async def flush(self) -> None:
        """Writes what is kept; a disk that takes nothing is tried again later."""
        lines, self._lines = self._lines, []
        by_day: dict[date, list[Line]] = {}
        for day, line in lines:
            by_day.setdefault(day, []).append(line)
        for day, of_day in by_day.items():
            try:
                await asyncio.to_thread(append, path_of(self._folder, day), of_day)
            except OSError as error:
                log.warning("tape_not_written", error=str(error), lines=len(of_day))
                self._lines = [*((day, line) for line in of_day), *self._lines]


def _orders(tx: Tx, last: int | None, watched: Sequence[int]) -> tuple[int, list[OrderRow]]:
    """New orders since `last`, at first those that are open, and what became of those that are watched.

    Before them the greatest number that there is.
    """
    newest = tx.orders.newest()
    new = tx.orders.open() if last is None else tx.orders.newer_than(last)
    known = tx.orders.some(watched)
    found = {order.order_id: order for order in (*new, *known)}
    return newest, list(found.values())


def _without_close(tx: Tx, day: date) -> list[tuple[int, str, str]]:
    return tx.marks.without_close(day)


def _arrived(tx: Tx, known: Sequence[tuple[int, Decimal]]) -> None:
    for order_id, price in known:
        tx.marks.arrived(order_id, price)


def _closed(tx: Tx, known: Sequence[tuple[int, Decimal | None]]) -> None:
    for order_id, price in known:
        if price is not None:
            tx.marks.closed(order_id, price)


def _price(quote: Quote) -> Decimal | None:
    return quote.last or quote.prev_close
