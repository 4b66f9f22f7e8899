"""How much may be bought or sold in one order (market-rules: Quantity).

Two families of rules. In *lots* (`step == minimum`: main board, ChiNext, funds, bonds) a holding is whole lots and an
odd part, which is sold alone or together with whole lots and never split. In *increments* (`step == 1`: STAR, BSE) any
volume from the minimum up is fine, and only a holding that is below the minimum as a whole is odd: it is sold in one
order. Where the sources disagree the narrower reading stands: convertible bonds go in tens, and of 250 STAR shares
the 50 over the minimum cannot be sold alone.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from jqfollow.domain import Board, Side
from jqfollow.market.dated import in_force
from jqfollow.market.securities import Security

MOST: Final = 10**12
"""No volume is taken for more than this: more than any company has shares, and small enough to count with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LotRule:
    """What one order of a security may hold; all in its own unit.

    The broker's numbers win over the table: `dataclasses.replace(rule, max_limit=…)`.

    Raises:
        ValueError: numbers under which some volume could be neither split nor sold.
    """

    minimum: int
    step: int
    max_limit: int
    """Most per limit order."""
    max_market: int | None
    """Most per market order; `None`: no market orders. (ST and delisting stocks take none either.)"""
    remainder_below: int
    """The odd-remainder unit: what is left of a holding under it goes in one order."""
    unit_zh: str

    def __post_init__(self) -> None:
        """Refuses numbers that cannot work."""
        if self.minimum < 1 or self.step not in {1, self.minimum}:
            raise ValueError(f"a lot's step is 1 or its minimum: {self}")
        if self.max_limit < 2 * self.minimum:
            raise ValueError(f"the most per order is at least twice the minimum: {self}")
        if self.remainder_below != self.minimum:
            raise ValueError(f"what is below the minimum can only be sold as an odd remainder: {self}")


def _rule(minimum: int, step: int, max_limit: int, max_market: int | None, unit_zh: str) -> LotRule:
    return LotRule(
        minimum=minimum,
        step=step,
        max_limit=max_limit,
        max_market=max_market,
        remainder_below=minimum,
        unit_zh=unit_zh,
    )


_SINCE = date(2025, 1, 1)
_RULES: dict[Board, tuple[tuple[date, LotRule], ...]] = {
    Board.MAIN: ((_SINCE, _rule(100, 100, 1_000_000, 1_000_000, "股")),),
    Board.CHINEXT: ((_SINCE, _rule(100, 100, 300_000, 150_000, "股")),),
    Board.STAR: ((_SINCE, _rule(200, 1, 100_000, 50_000, "股")),),
    Board.BSE: ((_SINCE, _rule(100, 1, 1_000_000, 1_000_000, "股")),),
    Board.FUND: ((_SINCE, _rule(100, 100, 1_000_000, 1_000_000, "份")),),
    Board.BOND: ((_SINCE, _rule(10, 10, 1_000_000, None, "张")),),
}


def lot_rule(security: Security, day: date) -> LotRule:
    """The rule that holds for `security` on `day`."""
    return in_force(_RULES[security.board], day)


def buyable(volume: Decimal | int, rule: LotRule) -> int:
    """The greatest volume not above `volume` that may be bought, 0 when there is none.

    The most per order is left to `split`. NaN, infinities and what is not positive give 0.
    """
    whole = _whole(volume)
    return 0 if whole < rule.minimum else whole - whole % rule.step


def sellable(volume: Decimal | int, holding: int, rule: LotRule) -> int:
    """The greatest volume not above `volume` that may be sold, 0 when there is none.

    Args:
        volume: what shall be sold; NaN, infinities and what is not positive give 0.
        holding: what the account can sell of it now, over all strategies: the exchange knows no books.
        rule: the rule of the day; its most per order is left to `split`.
    """
    most = min(_whole(volume), max(holding, 0))
    whole = most - most % rule.step if most >= rule.minimum else 0
    odd = _odd_part(holding, rule)
    with_odd = most - (most - odd) % rule.minimum if 0 < odd <= most else 0
    return max(whole, with_odd)


def valid_buy(volume: int, rule: LotRule) -> bool:
    """Whether one limit order may buy `volume`."""
    return 0 < volume <= rule.max_limit and buyable(volume, rule) == volume


def valid_sell(volume: int, holding: int, rule: LotRule) -> bool:
    """Whether one limit order may sell `volume` out of `holding` (see `sellable`)."""
    return 0 < volume <= rule.max_limit and sellable(volume, holding, rule) == volume


def split(volume: int, side: Side, holding: int, rule: LotRule) -> tuple[int, ...]:
    """`volume` as the volumes of single orders, in the order in which to place them.

    Each is valid given what earlier ones leave of `holding`, none is over the most per order, together they are
    `volume`. Without a volume there are no parts.

    Args:
        volume: as `buyable` or `sellable` gave it.
        side: buy or sell.
        holding: as for `sellable`; nothing to do with a buy.
        rule: the rule of the day.

    Raises:
        ValueError: `volume` may not be bought or sold in any number of orders.
    """
    permitted = buyable(volume, rule) if side is Side.BUY else sellable(volume, holding, rule)
    if permitted != volume:
        raise ValueError(f"cannot {side} {volume} of a holding of {holding}: {permitted} is the most below it ({rule})")
    largest = rule.max_limit - rule.max_limit % rule.step
    parts: list[int] = []
    rest = volume
    while rest > rule.max_limit:
        part = largest
        if rest - part < rule.minimum:  # never leave for the last order less than an order may hold
            part = rest - rule.minimum
            part -= part % rule.step
        parts.append(part)
        rest -= part
    if rest:
        parts.append(rest)
    return tuple(parts)


def _odd_part(holding: int, rule: LotRule) -> int:
    if rule.step == rule.minimum:
        return holding % rule.remainder_below
    return holding if holding < rule.remainder_below else 0


def _whole(volume: Decimal | int) -> int:
    if isinstance(volume, Decimal) and not volume.is_finite():
        return 0
    if volume <= 0:
        return 0
    return MOST if volume >= MOST else int(volume)
