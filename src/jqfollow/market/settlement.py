"""When what was bought can be sold (market-rules: Settlement and cost)."""

from jqfollow.market.securities import Market, Security

_SAME_DAY_FUNDS = ("511", "513", "518", "551")
"""Shanghai: bond and money funds, cross-border funds, gold funds, funds of science bonds (551, since July 2025).

Which kinds of funds are sold the day they are bought stands in the exchange's trading rules, 3.1.5 (Shanghai) and
3.1.4 (Shenzhen): bond, gold, commodity, cross-border and traded money funds. Codes are told by the exchanges' lists.
"""


def settles_same_day(security: Security) -> bool:
    """Whether what is bought today can be sold today (T+0).

    True for convertible bonds and for those ETFs whose code tells it: `_SAME_DAY_FUNDS`. Bond, money, gold, commodity
    and cross-border funds in Shenzhen share 158 and 159 with all others, and other Shanghai prefixes are mixed: False
    for them. The broker's figures may prove it: `proves_same_day`.
    """
    if security.is_bond:
        return True
    return security.is_fund and security.market is Market.SH and security.code.startswith(_SAME_DAY_FUNDS)


def proves_same_day(security: Security, available: int, from_before: int | None) -> bool:
    """Whether the broker's figures prove that what was bought today can be sold today.

    They do where it lets more be sold than what is left of the day's first holding. Of funds only: other shares may
    come into an account during a day, as bonus shares or by subscription.

    Args:
        security: what is to be sold.
        available: what the broker lets the account sell now.
        from_before: what the account held when the day began, less what it sold since; `None`: not known.
    """
    return security.is_fund and from_before is not None and available > max(from_before, 0)
