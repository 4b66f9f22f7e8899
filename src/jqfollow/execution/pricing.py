"""At which price an attempt goes out. Pure; always a limit price that the exchange takes."""

from dataclasses import dataclass
from decimal import Decimal

from jqfollow.domain import Instrument, Level, Phase, Quote, Side
from jqfollow.market.prices import cage_bound, ceil_to_tick, floor_to_tick
from jqfollow.market.securities import Security
from jqfollow.settings import PriceMode

ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRequest:
    """What a price is made of. All prices in yuan."""

    security: Security
    side: Side
    volume: int
    quote: Quote
    instrument: Instrument
    phase: Phase
    mode: PriceMode
    slippage_ticks: int
    forced: bool
    """Price across the opposite side."""
    signal_price: Decimal | None
    max_drift: Decimal
    """The greatest distance from `signal_price`, as a share of it."""
    limit_price: Decimal | None
    """Never worse than this; the price itself, when given."""
    named_by_person: bool
    """A person's price is placed as it is, to the tick, or refused, never moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """A price, or what is in its way."""

    price: Decimal | None
    """`None`: the market names no price."""
    bound: Decimal | None = None
    """The bound that the price breaks: the exchange would refuse it."""
    guarded: bool = False
    """The distance from the strategy's price holds it: the market is beyond."""


def attempt_price(request: PriceRequest) -> Priced:
    """The price of the next attempt.

    The wished price by `mode`, slippage in the direction of the trade, then brought within what holds: the distance
    from the strategy's price, the price cage in continuous trading, the day's limits, and the limit of the order.
    A limit order's wish is its limit. A bound that contradicts another (the cage's bound beyond the day's limit) gives
    a price that is reported with the `bound` that it breaks.
    """
    tick = request.instrument.tick
    buy = request.side is Side.BUY
    if request.limit_price is not None:
        price = floor_to_tick(request.limit_price, tick) if buy else ceil_to_tick(request.limit_price, tick)
    else:
        wish = _market_wish(request)
        if wish is None:
            return Priced(price=None)
        price = ceil_to_tick(wish, tick) if buy else floor_to_tick(wish, tick)
    worst = _worst_permitted(request)
    guard = _guard(request)
    guarded = guard is not None and guard == worst and (price > guard if buy else price < guard)
    if worst is not None and (price > worst if buy else price < worst):
        if request.named_by_person:
            return Priced(price=price, bound=worst)
        price = worst
    far = request.instrument.limit_down if buy else request.instrument.limit_up
    if far is not None and (price < far if buy else price > far):
        # Beyond the other end of the day's band no price may be named at all.
        return Priced(price=price, bound=far)
    return Priced(price=price, guarded=guarded) if price > 0 else Priced(price=None)


def guard_price(side: Side, reference: Decimal, max_drift: Decimal, tick: Decimal) -> Decimal:
    """The worst price, on the tick, that the greatest distance from the strategy's price lets an order name."""
    if side is Side.BUY:
        return floor_to_tick(reference * (ONE + max_drift), tick)
    return ceil_to_tick(reference * (ONE - max_drift), tick)


def market_price(quote: Quote, side: Side) -> Decimal | None:
    """What the market asks now: the last price, else the opposite side's best, else the own side's."""
    opposite, own = (quote.asks, quote.bids) if side is Side.BUY else (quote.bids, quote.asks)
    return next((p for p in (quote.last, _best(opposite), _best(own)) if p), None)


def at_limit(quote: Quote, instrument: Instrument, side: Side) -> Decimal | None:
    """The day's limit at which the market stands against `side` (a buy at limit-up, a sell at limit-down), or `None`.

    It does when the last price is there, or when nobody offers and the best of the own side is there, whatever traded
    last.
    """
    limit = instrument.limit_up if side is Side.BUY else instrument.limit_down
    if limit is None:
        return None
    opposite, own = (quote.asks, quote.bids) if side is Side.BUY else (quote.bids, quote.asks)
    stands = [quote.last, _best(own) if _best(opposite) is None else None]
    there = (p >= limit if side is Side.BUY else p <= limit for p in stands if p)
    return limit if any(there) else None


def _market_wish(request: PriceRequest) -> Decimal | None:
    quote = request.quote
    buy = request.side is Side.BUY
    opposite, own = (quote.asks, quote.bids) if buy else (quote.bids, quote.asks)
    last = market_price(quote, request.side)
    if request.forced:
        wish = _through(opposite, request.volume) or last
    else:
        match request.mode:
            case PriceMode.LATEST:
                wish = last
            case PriceMode.OWN:
                wish = _best(own) or last
            case PriceMode.PEER:
                wish = _best(opposite) or last
            case PriceMode.SIGNAL:
                wish = request.signal_price or last
    if wish is None:
        return None
    slip = request.slippage_ticks * request.instrument.tick
    return wish + slip if buy else max(wish - slip, request.instrument.tick)


def _through(levels: tuple[Level, ...], volume: int) -> Decimal | None:
    """The price at which the book, as far as it is seen, takes all of `volume`."""
    seen = 0
    price = None
    for level in levels:
        price = level.price
        seen += level.volume
        if seen >= volume:
            break
    return price


def _worst_permitted(request: PriceRequest) -> Decimal | None:
    """The highest price of a buy, the lowest of a sell, by all rules together; on the tick."""
    buy = request.side is Side.BUY
    tick = request.instrument.tick
    bounds = [request.instrument.limit_up if buy else request.instrument.limit_down]
    if request.phase is Phase.CONTINUOUS:
        bounds.append(cage_bound(request.side, request.security, request.quote, tick))
    bounds.append(_guard(request))
    given = [bound for bound in bounds if bound is not None]
    if not given:
        return None
    return min(given) if buy else max(given)


def _guard(request: PriceRequest) -> Decimal | None:
    if request.signal_price is None or request.limit_price is not None:
        return None
    return guard_price(request.side, request.signal_price, request.max_drift, request.instrument.tick)


def _best(levels: tuple[Level, ...]) -> Decimal | None:
    return next((level.price for level in levels if level.volume > 0 and level.price > 0), None)
