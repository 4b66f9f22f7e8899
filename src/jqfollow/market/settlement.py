"""When what was bought can be sold (market-rules: Settlement and cost)."""

from jqfollow.market.securities import Market, Security

_SAME_DAY_FUNDS = ("511", "513", "518")
"""Shanghai: bond and money funds, cross-border funds, gold funds."""


def settles_same_day(security: Security) -> bool:
    """Whether what is bought today can be sold today (T+0).

    True for convertible bonds and for those ETFs whose code tells it: 511, 513 and 518 in Shanghai. Bond, money, gold,
    commodity and cross-border funds in Shenzhen share 158 and 159 with all others, and other Shanghai prefixes are
    mixed: False for them, which at worst waits a day. What the broker lets be sold (`Position.available`) wins.
    """
    if security.is_bond:
        return True
    return security.is_fund and security.market is Market.SH and security.code.startswith(_SAME_DAY_FUNDS)
