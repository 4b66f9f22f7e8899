"""A broker's refusal, classified by its words.

Counters answer in free text. The words are those that Chinese counters are known to use; what nobody knows is
permanent: the order stops, and a person is told.
"""

import re
from enum import StrEnum


class RefusalKind(StrEnum):
    """What to do about a refusal."""

    PRICE = "price"
    """Price again."""
    FUNDS = "funds"
    """Wait for cash, or for shares that are frozen."""
    PASSING = "passing"
    """Try again within the attempts."""
    PERMANENT = "permanent"
    """Stop and tell."""


_WORDS: tuple[tuple[RefusalKind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile("|".join(words), re.IGNORECASE))
    for kind, words in (
        # Permanent first: "未开通创业板权限，价格…" is about the permission.
        (
            RefusalKind.PERMANENT,
            (
                r"权限|未开通|未签署|适当性|风险等级|禁止|黑名单|not permitted",
                r"停牌|退市|不存在|无此|(?<!价格)非法|密码",
                r"冻结账户|账[户号].{0,4}(冻结|注销|异常)|销户",
            ),
        ),
        # Before prices: a counter that lacks money or shares names the order's price beside them.
        (
            RefusalKind.FUNDS,
            (
                r"(资金|余额|可用|可卖|股份|持仓|证券.{0,4}).{0,8}(不足|不够)",
                r"(大于|超过|超出).{0,6}(资金|余额|可用|可卖)|可用数量",
                r"insufficient|not sufficient|not enough",
            ),
        ),
        (RefusalKind.PRICE, (r"价格|涨停|跌停|涨跌幅|价位|笼子|申报限价|price",)),
        (
            RefusalKind.PASSING,
            (
                r"超时|繁忙|稍后|重试|频繁|过快|流量|流控|流速|网络|断开|未连接|暂停服务|系统正在",
                r"timeout|timed out|busy|try again",
            ),
        ),
    )
)


def classify(message: str) -> RefusalKind:
    """The kind of the refusal whose words are `message`."""
    return next((kind for kind, words in _WORDS if words.search(message)), RefusalKind.PERMANENT)
