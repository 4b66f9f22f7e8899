"""Which securities the paper exchange knows."""

from functools import lru_cache

from jqfollow.market.securities import Security, UnknownSecurityError, parse_security

_MOST_REMEMBERED = 16_384


@lru_cache(_MOST_REMEMBERED)
def find(symbol: str) -> Security | None:
    """The security, `None` for what cannot be traded or is not written as a QMT symbol."""
    try:
        security = parse_security(symbol)
    except UnknownSecurityError:
        return None
    return security if security.symbol == symbol else None
