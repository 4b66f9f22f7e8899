"""What a trade costs (market-rules: Settlement and cost)."""

from decimal import ROUND_HALF_UP, Decimal

from jqfollow.domain import Side
from jqfollow.market import lots, prices
from jqfollow.market.securities import Kind, Security

_CENT = Decimal("0.01")
_STAMP_DUTY = Decimal("0.0005")
_TRANSFER_FEE = Decimal("0.00001")


def fee(
    security: Security,
    side: Side,
    volume: int,
    price: Decimal,
    *,
    commission_rate: Decimal = Decimal("0.0003"),
    minimum: Decimal = Decimal(5),
) -> Decimal:
    """Commission, stamp duty and transfer fee in yuan, each rounded half up to 0.01 as it is booked.

    Stamp duty (0.05 %) is paid on sells of stocks, the transfer fee (0.001 %) on both sides of stocks; funds and bonds
    pay commission alone. The least commission is an order's, so give what the whole order traded, not a single fill.

    Args:
        security: what was traded.
        side: buy or sell.
        volume: what was traded in all; nothing traded costs nothing.
        price: the average price, yuan.
        commission_rate: the broker's, as a share of the turnover.
        minimum: the least commission of an order, yuan.

    Raises:
        ValueError: a volume or a price that is negative, no number, or larger than any can be.
    """
    if not 0 <= volume <= lots.MOST or not price.is_finite() or not 0 <= price <= prices.MOST:
        raise ValueError(f"no trade: {volume} at {price}")
    turnover = volume * price
    if not turnover:
        return Decimal("0.00")
    total = max(_to_cent(turnover * commission_rate), _to_cent(minimum))
    if security.kind is Kind.STOCK:
        total += _to_cent(turnover * _TRANSFER_FEE)
        if side is Side.SELL:
            total += _to_cent(turnover * _STAMP_DUTY)
    return total


def _to_cent(yuan: Decimal) -> Decimal:
    return yuan.quantize(_CENT, ROUND_HALF_UP)
