"""Implementation shortfall of one order, in four parts that add up to it. Pure.

After A. F. Perold, "The Implementation Shortfall: Paper versus Reality" (Journal of Portfolio Management 14, 1988):
what the order would have brought at the price of the decision, less what it brought. + is cost, on both sides.
"""

from dataclasses import dataclass
from decimal import Decimal

from jqfollow.domain import Side

_BPS = Decimal(10_000)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """An order as its cost sees it. Yuan and shares."""

    side: Side
    wished: int
    """What was to be traded."""
    filled: int
    turnover: Decimal
    """Of what was filled."""
    decision: Decimal
    """The strategy's own price."""
    arrival: Decimal
    """The price when the signal arrived."""
    close: Decimal | None
    """Of the day; needed only where something was not filled."""
    fees: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """Yuan; the parts add up to `total`."""

    delay: Decimal
    """From the strategy's price to the one when the signal arrived, of all that was wished."""
    trading: Decimal
    """From there to the average paid, of what was filled."""
    opportunity: Decimal
    """From there to the close, of what was not."""
    fees: Decimal
    paper: Decimal
    """What all that was wished was worth at the strategy's price."""

    @property
    def total(self) -> Decimal:
        """All four."""
        return self.delay + self.trading + self.opportunity + self.fees

    @property
    def bps(self) -> Decimal:
        """Of `paper`, in hundredths of a per cent."""
        return self.total / self.paper * _BPS


def shortfall(trade: Trade) -> Shortfall | None:
    """The cost of an order; `None`: nothing was wished, a price is none, or the close of what is left is not known."""
    left = max(trade.wished - trade.filled, 0)
    known = trade.decision > 0 and trade.arrival > 0 and trade.wished > 0
    if not known or (left and not trade.close):
        return None
    wished = trade.wished if left else trade.filled  # what was filled beyond the wish counts like it
    sign = 1 if trade.side is Side.BUY else -1
    return Shortfall(
        delay=sign * wished * (trade.arrival - trade.decision),
        trading=sign * (trade.turnover - trade.filled * trade.arrival),
        opportunity=sign * left * ((trade.close or trade.arrival) - trade.arrival),
        fees=trade.fees,
        paper=wished * trade.decision,
    )
