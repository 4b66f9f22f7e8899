"""What a corporate action makes of one share. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

ONE = Decimal(1)
_ZERO = Decimal(0)
MOST = Decimal(100)
"""No share ever became so many, and no dividend was so much of a price: a figure beyond is nonsense."""


class NonsenseError(ValueError):
    """A figure that no corporate action has; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One action of one security."""

    security: str
    """QMT symbol."""
    day: date
    """The ex day."""
    bonus: Decimal = _ZERO
    """送: bonus shares for one share."""
    gift: Decimal = _ZERO
    """转: shares out of reserves for one share."""
    ratio: Decimal = ONE
    """Of a split or a merger: what one share or fund unit becomes."""
    cash: Decimal = _ZERO
    """派: yuan a share, before tax."""
    rights: Decimal = _ZERO
    """配: shares that may be subscribed for one share."""
    rights_price: Decimal = _ZERO
    source: str = "hand"
    settled: bool = False
    """A person has set the books already."""

    def __post_init__(self) -> None:
        """Refuses nonsense.

        Raises:
            NonsenseError: a figure that is below zero, not finite or beyond all that ever was.
        """
        figures = {name: getattr(self, name) for name in ("bonus", "gift", "cash", "rights", "rights_price")}
        for name, value in figures.items():
            if not value.is_finite() or not 0 <= value <= MOST * (MOST if name in {"cash", "rights_price"} else 1):
                raise NonsenseError(f"{self.security} {self.day}: {name} = {value}")
        if not self.ratio.is_finite() or not 1 / MOST <= self.ratio <= MOST:
            raise NonsenseError(f"{self.security} {self.day}: ratio = {self.ratio}")

    @property
    def shares(self) -> Decimal:
        """What one share becomes."""
        return (ONE + self.bonus + self.gift) * self.ratio

    @property
    def moves(self) -> bool:
        """Whether it changes a number of shares or brings money."""
        return self.shares != 1 or self.cash > 0

    def reference(self, close: Decimal) -> Decimal:
        """The close of the day before as it counts on the ex day, not rounded; rights left out."""
        return max(close - self.cash, _ZERO) / self.shares


def of_xtdata(symbol: str, index: object, row: Mapping[str, object]) -> Factor:
    """One row of `xtdata.get_divid_factors`: its index is the day, `20240614` with or without a time behind it.

    Its columns: `interest` yuan a share before tax, `stockBonus`, `stockGift`, `allotNum` shares a share,
    `allotPrice` yuan (the vendor's manual, 获取除权数据).

    Raises:
        NonsenseError: no such day, or figures that no action has.
    """
    digits = "".join(sign for sign in str(index) if sign.isdigit())[:8]
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise NonsenseError(f"{symbol}: the day {index!r}") from None
    return Factor(
        security=symbol,
        day=day,
        bonus=_figure(row, "stockBonus"),
        gift=_figure(row, "stockGift"),
        cash=_figure(row, "interest"),
        rights=_figure(row, "allotNum"),
        rights_price=_figure(row, "allotPrice"),
        source="xtdata",
    )


def _figure(row: Mapping[str, object], name: str) -> Decimal:
    """A float of the vendor's, cut to what such figures are told to: six places."""
    try:
        return Decimal(repr(float(str(row[name])))).quantize(Decimal("0.000001")).normalize() + _ZERO
    except (KeyError, ValueError, InvalidOperation):
        raise NonsenseError(f"{name} = {row.get(name)!r}") from None
