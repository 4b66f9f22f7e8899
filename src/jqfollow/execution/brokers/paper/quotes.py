"""Where the paper exchange's quotes come from: made here, or asked of somebody who has real ones.

A made market hangs on an anchor (see `account.Market`): the price at which a strategy was filled last. What somebody
wishes or limits an order to moves nothing. Around the anchor the last price moves by up to two ticks with every book, a
book lasts three seconds, five levels a side one tick apart; the same symbol at the same time always shows the same
book. At a limit the market is sealed: at the upper one nobody sells, at the lower one nobody buys, and it does not
move until a fill at another price is told.

The day's reference: the first fill told of a day makes the last price of the day before its previous close if it lies
within the limits that follow, else its price itself is the previous close (a new listing, an ex-rights day, another
backtest). Later on that day a fill outside the limits moves nothing: nobody was filled there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Protocol

from jqfollow.clock import from_ms, to_ms
from jqfollow.domain import Instrument, Level, Phase, Quote
from jqfollow.execution.brokers.paper.account import Market
from jqfollow.execution.brokers.paper.codes import find
from jqfollow.market.lots import lot_rule
from jqfollow.market.prices import MOST, limit_prices, limit_ratio, round_to_tick, tick
from jqfollow.market.securities import Security

BOOK_MS = 3000
LEVELS = 5
_WANDER_TICKS = 2
_LOTS = (20, 180)
"""A made level holds 20 to 199 lots."""
_AUCTIONS = frozenset({Phase.OPENING_AUCTION, Phase.OPENING_AUCTION_LOCKED})
_MOST_REMEMBERED = 8192
_OPEN_AT = time(9, 25)
_LUNCH_AT = time(11, 30)
_CLOSING_AUCTION_AT = time(14, 57)
_CLOSE_AT = time(15, 0)
_MOMENT = timedelta(milliseconds=1)


class QuoteSource(Protocol):
    """Quotes from elsewhere, for practice on real prices. Never called under the exchange's lock; may block."""

    def quote(self, symbol: str) -> Quote | None:
        """The market now; `None`: not known. `at` tells one book from the next.

        Raises:
            BrokerError: not to be had now.
        """
        ...

    def instrument(self, symbol: str) -> Instrument | None:
        """Today's facts; `None`: unknown. Raises like `quote`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """The market of one day, with what follows from it whatever the book."""

    known: Market | None
    """The anchor that it was made from."""
    market: Market
    security: Security
    step: Decimal
    down: Decimal
    up: Decimal
    instrument: Instrument


class SimulatedQuotes:
    """Made markets over the anchors of an account."""

    def __init__(self, markets: Callable[[], Mapping[str, Market]]) -> None:
        """`markets` gives the anchors as they stand; a changed anchor is another object."""
        self._markets = markets
        self._made: dict[str, _Made] = {}
        self._quotes: dict[str, tuple[_Made, tuple[int, Phase], Quote]] = {}
        self._lasts: dict[str, tuple[_Made, int, Decimal]] = {}

    def market(self, symbol: str, day: date) -> Market | None:
        """The anchor on `day`; `None` for what cannot be traded."""
        security = find(symbol)
        if security is None:
            return None
        known = self._markets().get(symbol)
        if known is None:
            made = _made_up(security)
            return Market(day=day, prev_close=made, last=made)
        return known if known.day == day else replace(known, day=day, prev_close=known.last, open=None)

    def anchored(self, symbol: str, price: Decimal, day: date, now: datetime) -> Market | None:
        """The market after a fill at `price`; `None`: it moves nothing (no security, no price, outside the limits)."""
        security = find(symbol)
        market = self.market(symbol, day)
        if security is None or market is None or not price.is_finite() or not 0 < price <= MOST:
            return None
        last = round_to_tick(price, tick(security))
        if last <= 0:
            return None
        known = self._markets().get(symbol)
        if known is not None and known.day == day:
            down, up = _limits(security, known)
            return None if known.pinned or not down <= last <= up else replace(known, last=last, since=now)
        if known is not None:
            down, up = _limits(security, market)
            reference = market.prev_close if down <= last <= up else last
        else:
            reference = last
        return replace(market, prev_close=reference, last=last, since=now, pinned=False, bid=None, ask=None)

    def adjusted(
        self,
        symbol: str,
        day: date,
        now: datetime,
        *,
        last: Decimal | None,
        prev_close: Decimal | None,
        bid: Decimal | None,
        ask: Decimal | None,
        depth: int | None,
        opening: Decimal | None = None,
    ) -> Market:
        """The market with what a person set; raises `ValueError` for what cannot be."""
        security, market = find(symbol), self.market(symbol, day)
        if security is None or market is None:
            raise ValueError(f"{symbol!r} is no symbol that can be traded")
        if last is not None and prev_close is None:
            anchored = self.anchored(symbol, last, day, now)
            market = market if anchored is None else replace(market, prev_close=anchored.prev_close)
        first = opening or market.open or last
        market = replace(
            market, day=day, prev_close=prev_close or market.prev_close, open=first, depth=depth or market.depth
        )
        if last is not None:
            market = replace(market, last=last, since=now, pinned=True, bid=bid, ask=ask)
        _check(security, market)
        return market

    def instrument(self, symbol: str, day: date) -> Instrument | None:
        """The facts of `symbol` on `day`."""
        made = self._of(symbol, day)
        return None if made is None else made.instrument

    def quote(self, symbol: str, day: date, now: datetime, phase: Phase) -> Quote | None:
        """The market of `symbol` at `now`, a time in `phase` of the exchange; the same object while its book lasts."""
        made = self._of(symbol, day)
        if made is None:
            return None
        book = _bucket(now, phase)
        if made.market.suspended or book is None:
            return _without_book(made, now, phase)
        known = self._quotes.get(symbol)
        if known is not None and known[0] is made and known[1] == (book, phase):
            return known[2]
        quote = _book(made, book, phase)
        self._quotes[symbol] = made, (book, phase), quote
        return quote

    def prices(self, day: date, now: datetime, phase: Phase) -> Callable[[str], Decimal | None]:
        """What gives the last price of a symbol at `now`, else its previous close, without making its book."""
        book = None if phase in _AUCTIONS else _bucket(now, phase)

        def price(symbol: str) -> Decimal | None:
            made = self._of(symbol, day)
            if made is None:
                return None
            if made.market.suspended or book is None:
                return made.market.prev_close
            known = self._lasts.get(symbol)
            if known is None or known[0] is not made or known[1] != book:
                self._lasts[symbol] = known = made, book, _touch(made, book)[0]
            return known[2]

        return price

    def _of(self, symbol: str, day: date) -> _Made | None:
        """`None`: the exchange does not know the security."""
        known, made = self._markets().get(symbol), self._made.get(symbol)
        if made is not None and made.known is known and made.market.day == day:
            return made if made.market.quoted else None
        security, market = find(symbol), self.market(symbol, day)
        if security is None or market is None:
            return None
        if len(self._made) >= _MOST_REMEMBERED:
            for cache in (self._made, self._quotes, self._lasts):
                cache.clear()
        self._made[symbol] = made = _make(security, market, known)
        return made if market.quoted else None


def _make(security: Security, market: Market, known: Market | None) -> _Made:
    (down, up), step = _limits(security, market), tick(security)
    instrument = Instrument(
        symbol=security.symbol,
        name=("ST模拟" if market.risk_warning else "模拟") + security.code,
        prev_close=market.prev_close,
        limit_up=up,
        limit_down=down,
        tick=step,
        risk_warning=market.risk_warning,
        suspended=market.suspended,
    )
    return _Made(known=known, market=market, security=security, step=step, down=down, up=up, instrument=instrument)


def _without_book(made: _Made, now: datetime, phase: Phase) -> Quote:
    return Quote(
        symbol=made.security.symbol,
        at=now,
        last=None,
        prev_close=made.market.prev_close,
        bids=(),
        asks=(),
        open=None if phase in _AUCTIONS or made.market.suspended else made.market.open or made.market.prev_close,
        suspended=made.market.suspended,
        phase=phase,
    )


def _book(made: _Made, bucket: int, phase: Phase) -> Quote:
    last, bid, ask = _touch(made, bucket)
    step, down, up = made.step, made.down, made.up
    auction = phase in _AUCTIONS
    if auction:  # the price at which the auction would match now
        bid = ask = last
    shown = 1 if auction else LEVELS
    volumes = _volumes(made, bucket)
    asks = () if last >= up else tuple((ask + i * step, volumes[i]) for i in range(shown))
    bids = () if last <= down else tuple((bid - i * step, volumes[LEVELS + i]) for i in range(shown))
    return Quote(
        symbol=made.security.symbol,
        at=from_ms(bucket * BOOK_MS),
        last=None if auction else last,
        prev_close=made.market.prev_close,
        bids=tuple(Level(price=p, volume=v) for p, v in bids if p >= down),
        asks=tuple(Level(price=p, volume=v) for p, v in asks if p <= up),
        open=None if phase in _AUCTIONS else made.market.open or made.market.prev_close,
        phase=phase,
    )


def _limits(security: Security, market: Market) -> tuple[Decimal, Decimal]:
    """(down, up)."""
    ratio = limit_ratio(security, market.day, risk_warning=market.risk_warning)
    if ratio is None:  # only told of new listings, which nobody tells the simulation
        raise AssertionError(security)
    up, down = limit_prices(market.prev_close, ratio, tick(security))
    return down, up


def _check(security: Security, market: Market) -> None:
    step, (down, up) = tick(security), _limits(security, market)
    named = [p for p in (market.last, market.bid, market.ask) if p is not None]
    if any(p != round_to_tick(p, step) for p in named) or not down <= market.last <= up:
        raise ValueError(
            f"prices lie on the tick {step} and within {down} to {up}; prev_close may be set too: {market}"
        )
    _, bid, ask = _touch(_make(security, market, None), 0)
    if bid >= ask:
        raise ValueError(f"the best bid lies below the best ask: {market}")
    if market.depth is not None and market.depth <= 0:
        raise ValueError(f"a level holds something: {market}")


def _bucket(now: datetime, phase: Phase) -> int | None:
    """The number of the book shown at `now`."""
    book = _book_time(now, phase)
    return None if book is None else to_ms(book) // BOOK_MS


def _book_time(now: datetime, phase: Phase) -> datetime | None:
    """When the book shown at `now` was made; `None`: there is none yet today."""

    def at(moment: time) -> datetime:
        return datetime.combine(now.date(), moment, now.tzinfo)

    match phase:
        case Phase.CONTINUOUS:
            return now
        case Phase.OPENING_AUCTION | Phase.OPENING_AUCTION_LOCKED | Phase.PRE_OPEN:
            return at(_OPEN_AT)
        case Phase.LUNCH:
            return at(_LUNCH_AT) - _MOMENT
        case Phase.CLOSING_AUCTION:
            return at(_CLOSING_AUCTION_AT) - _MOMENT
        case _:
            return at(_CLOSE_AT) if now.time() >= _CLOSE_AT else None


def _touch(made: _Made, bucket: int) -> tuple[Decimal, Decimal, Decimal]:
    """(last, best bid, best ask), the limits not yet applied to the book's far side."""
    market, step, down, up = made.market, made.step, made.down, made.up
    last = market.last
    if market.pinned and down < last < up:
        return last, market.bid or last - step, market.ask or last + step
    dice = _hash(f"{made.security.symbol}/{bucket}")
    fresh = market.since is not None and to_ms(market.since) // BOOK_MS == bucket
    if down < last < up and not fresh:
        moved = last + (dice % (2 * _WANDER_TICKS + 1) - _WANDER_TICKS) * step
        last = moved if down < moved < up else last
    if last >= up or (last > down and dice // 8 % 2):  # the last trade was a sell, into the best bid
        return last, last, last + step
    return last, last - step, last


def _volumes(made: _Made, bucket: int) -> list[int]:
    if made.market.depth is not None:
        return [made.market.depth] * (2 * LEVELS)
    lot = lot_rule(made.security, made.market.day).minimum
    least, spread = _LOTS
    return [lot * (least + _hash(f"{made.security.symbol}/{bucket}/{i}") % spread) for i in range(2 * LEVELS)]


def _made_up(security: Security) -> Decimal:
    """A price for what nobody named one: stocks 5 to 50 yuan, funds 0.8 to 4, bonds 100 to 140."""
    dice = _hash(security.symbol)
    if security.is_bond:
        return Decimal(100_000 + dice % 40_001) / 1000
    if security.is_fund:
        return Decimal(800 + dice % 3201) / 1000
    return Decimal(500 + dice % 4501) / 100


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
