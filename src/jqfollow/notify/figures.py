"""Money, prices, securities and sides as Chinese readers expect them; pure."""

from decimal import Decimal

from jqfollow.domain import Side
from jqfollow.market.securities import UnknownSecurityError, parse_security
from jqfollow.notify.texts import one_line
from jqfollow.vocabulary import SIDES, say

SIDE_ZH = {side: say(SIDES[side], "zh") for side in Side}
_LEAST_PLACES = 2


def money(yuan: Decimal) -> str:
    """`1,234,567.80`."""
    return f"{yuan:,.2f}"


def signed(yuan: Decimal) -> str:
    """`+1,234.50`, for gains and losses."""
    return f"{yuan:+,.2f}"


def percent(ratio: Decimal) -> str:
    """`+1.25%` of a ratio such as 0.0125."""
    return f"{ratio * 100:+.2f}%"


def price(yuan: Decimal) -> str:
    """At least two and at most four places: `12.30`, `1.234`, `12.3367`."""
    whole, _, places = f"{yuan:.4f}".partition(".")
    return f"{whole}.{places.rstrip('0').ljust(_LEAST_PLACES, '0')}"


def volume(count: int, symbol: str) -> str:
    """`1,500 股`, `100 份` of a fund, `10 张` of a bond; shares when the symbol is not known."""
    try:
        security = parse_security(symbol)
    except UnknownSecurityError:
        return f"{count:,} 股"
    return f"{count:,} {'份' if security.is_fund else '张' if security.is_bond else '股'}"


def security(symbol: str, name: str | None) -> str:
    """`平安银行 000001.SZ`, the symbol alone when the name is not known."""
    return one_line(f"{name or ''} {symbol}")
