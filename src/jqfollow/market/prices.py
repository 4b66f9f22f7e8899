"""Ticks, daily limits and the price cage (market-rules: Price, Price cage).

Where the broker gives a limit or a tick, the broker's number wins: a code does not tell everything (see `limit_ratio`).
All in yuan; a price that is NaN, infinite, negative or beyond `MOST` is refused with `ValueError`.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from jqfollow.domain import Board, Level, Quote, Side
from jqfollow.market.dated import in_force
from jqfollow.market.securities import Market, Security

MOST: Final = Decimal(10**9)
"""No price is above this; keeps arithmetic exact within the default decimal context."""

_CENT = Decimal("0.01")
_MIL = Decimal("0.001")


def tick(security: Security) -> Decimal:
    """The least step of its price: 0.01 for stocks, 0.001 for funds, REITs and convertible bonds."""
    return _MIL if security.is_fund or security.is_bond else _CENT


def floor_to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """The greatest multiple of `tick` not above `price`."""
    _check(price, tick)
    return price // tick * tick


def ceil_to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """The least multiple of `tick` not below `price`."""
    floor = floor_to_tick(price, tick)
    return floor if floor == price else floor + tick


def round_to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """The multiple of `tick` nearest to `price`, the upper one from the middle on (四舍五入)."""
    floor = floor_to_tick(price, tick)
    return floor + tick if price >= floor + tick / 2 else floor


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ratio:
    ordinary: Decimal
    risk_warning: Decimal


def _ratio(ordinary: str, risk_warning: str | None = None) -> _Ratio:
    return _Ratio(ordinary=Decimal(ordinary), risk_warning=Decimal(risk_warning or ordinary))


_SINCE = date(2025, 1, 1)
_RATIOS: dict[Board, tuple[tuple[date, _Ratio], ...]] = {
    Board.MAIN: ((_SINCE, _ratio("0.10", "0.05")), (date(2026, 7, 6), _ratio("0.10"))),
    Board.CHINEXT: ((_SINCE, _ratio("0.20")),),
    Board.STAR: ((_SINCE, _ratio("0.20")),),
    Board.BSE: ((_SINCE, _ratio("0.30")),),
    Board.FUND: ((_SINCE, _ratio("0.10")),),
    Board.BOND: ((_SINCE, _ratio("0.20")),),
}
_STAR_FUNDS = ((_SINCE, _ratio("0.20")),)
_STAR_FUND_PREFIXES = ("588", "589")
_DAYS_WITHOUT_LIMIT = {Board.MAIN: 5, Board.CHINEXT: 5, Board.STAR: 5, Board.BSE: 1}


def limit_ratio(
    security: Security,
    day: date,
    *,
    risk_warning: bool,
    listed_days: int | None = None,
) -> Decimal | None:
    """How far the price may go from the reference on `day`, as a share of it; `None`: as far as it likes.

    What a code cannot tell is left to the broker's own limits: funds on ChiNext (20 %) have codes of 159 like all
    others and get 10 % here, only funds on STAR are known (588, 589); a stock in its delisting period has no limit on
    its first day; first days of convertible bonds and REITs have wider bands. In all these the narrower is given here.

    Args:
        security: what is traded.
        day: a trading day.
        risk_warning: ST or *ST; matters on the main board only.
        listed_days: 1 on the first trading day after the IPO; `None`, or what cannot be: long ago.
    """
    if listed_days is not None and 1 <= listed_days <= _DAYS_WITHOUT_LIMIT.get(security.board, 0):
        return None
    star_fund = security.is_fund and security.market is Market.SH and security.code.startswith(_STAR_FUND_PREFIXES)
    ratio = in_force(_STAR_FUNDS if star_fund else _RATIOS[security.board], day)
    return ratio.risk_warning if risk_warning else ratio.ordinary


def limit_prices(reference: Decimal, ratio: Decimal, tick: Decimal) -> tuple[Decimal, Decimal]:
    """The limits of a day, (up, down): reference x (1 ± ratio), rounded half up to the tick.

    Both are at least one tick away from the reference, and the lower one is at least one tick.

    Args:
        reference: the ex-rights previous close that the broker gives; rounded to the tick first, which takes off what
            a vendor's float left on it.
        ratio: as from `limit_ratio`, 0 to 1.
        tick: the least step of the price.

    Raises:
        ValueError: the reference is below half a tick, or the ratio is not between 0 and 1.
    """
    close = round_to_tick(reference, tick)
    if close < tick:
        raise ValueError(f"a reference price of {reference} is no price")
    if not ratio.is_finite() or not 0 <= ratio <= 1:
        raise ValueError(f"a limit ratio lies between 0 and 1: {ratio}")
    up = max(round_to_tick(close * (1 + ratio), tick), close + tick)
    down = min(round_to_tick(close * (1 - ratio), tick), close - tick)
    return up, max(down, tick)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cage:
    ratio: Decimal
    ticks: int = 0
    yuan: Decimal = Decimal(0)


_TWO_PERCENT_OR_TEN_TICKS = _Cage(ratio=Decimal("0.02"), ticks=10)
_CAGES = {
    Board.MAIN: _TWO_PERCENT_OR_TEN_TICKS,
    Board.CHINEXT: _TWO_PERCENT_OR_TEN_TICKS,
    Board.STAR: _Cage(ratio=Decimal("0.02")),
    Board.BSE: _Cage(ratio=Decimal("0.05"), yuan=Decimal("0.1")),
}


def cage_bound(side: Side, security: Security, quote: Quote, tick: Decimal) -> Decimal | None:
    """The highest price of a buy, the lowest of a sell, that the exchange takes in continuous trading.

    Stocks only: funds have no cage, and for convertible bonds no source names one. `None` also when the quote names no
    price to measure from. The daily limits hold besides; the phase is the caller's to look at.
    """
    cage = _CAGES.get(security.board)
    reference = _cage_reference(side, quote)
    if cage is None or reference is None:
        return None
    distance = max(reference * cage.ratio, cage.ticks * tick, cage.yuan)
    if side is Side.BUY:
        return floor_to_tick(reference + distance, tick)
    return max(ceil_to_tick(max(reference - distance, Decimal(0)), tick), tick)


def _cage_reference(side: Side, quote: Quote) -> Decimal | None:
    ask, bid = _best(quote.asks), _best(quote.bids)
    opposite, own = (ask, bid) if side is Side.BUY else (bid, ask)
    return next((p for p in (opposite, own, quote.last, quote.prev_close) if p is not None and _is_price(p)), None)


def _best(levels: tuple[Level, ...]) -> Decimal | None:
    """The first level that holds anything: some feeds fill the book up with levels of 0."""
    return next((level.price for level in levels if level.volume > 0 and _is_price(level.price)), None)


def _is_price(price: Decimal) -> bool:
    return price.is_finite() and 0 < price <= MOST


def _check(price: Decimal, tick: Decimal) -> None:
    if not price.is_finite() or not 0 <= price <= 2 * MOST:
        raise ValueError(f"not a price: {price}")
    if not tick.is_finite() or tick <= 0:
        raise ValueError(f"a tick is positive: {tick}")
