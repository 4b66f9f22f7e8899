"""One order of the day."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from jqfollow.domain import ATTEMPT_ENDED, AttemptState, OrderReport, Side

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperOrder:
    """One order of the day."""

    broker_order_id: str
    remark: str
    symbol: str
    side: Side
    volume: int
    price: Decimal
    at: datetime
    state: AttemptState
    reserve: Decimal
    """The fee kept back for it at its placing, yuan."""
    filled: int = 0
    turnover: Decimal = _ZERO
    fee: Decimal = _ZERO
    message: str = ""

    @property
    def open(self) -> bool:
        """Whether it can still trade."""
        return self.state not in ATTEMPT_ENDED

    @property
    def left(self) -> int:
        """What is not filled."""
        return self.volume - self.filled

    @property
    def frozen(self) -> Decimal:
        """The money that it keeps back, yuan."""
        if not self.open or self.side is Side.SELL:
            return _ZERO
        return self.left * self.price + max(self.reserve - self.fee, _ZERO)

    def report(self) -> OrderReport:
        """What the broker says of it."""
        return OrderReport(
            broker_order_id=self.broker_order_id,
            remark=self.remark,
            symbol=self.symbol,
            side=self.side,
            volume=self.volume,
            price=self.price,
            state=self.state,
            filled=self.filled,
            at=self.at,
            message=self.message,
        )
