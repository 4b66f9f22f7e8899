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


_WORDS: tuple[tuple[RefusalKind, re.Pattern[str]], ...] = (
    # Permanent first: "未开通创业板权限，价格…" is about the permission.
    (
        RefusalKind.PERMANENT,
        re.compile(
            r"权限|未开通|未签署|适当性|风险等级|禁止|黑名单"
            r"|停牌|退市|不存在|无此|非法|冻结账户|销户|密码|not permitted"
        ),
    ),
    (
        RefusalKind.PRICE,
        re.compile(r"价格|涨停|跌停|涨跌幅|价位|笼子|申报限价|price", re.IGNORECASE),
    ),
    (
        RefusalKind.FUNDS,
        re.compile(
            r"资金|余额不足|可用不足|可用数量|可卖|持仓不足|股份不足|证券.{0,4}不足|insufficient|not enough",
            re.IGNORECASE,
        ),
    ),
    (
        RefusalKind.PASSING,
        re.compile(
            r"超时|繁忙|稍后|重试|频繁|流量|网络|断开|未连接|暂停服务|系统正在|timeout|busy|try again", re.IGNORECASE
        ),
    ),
)


def classify(message: str) -> RefusalKind:
    """The kind of the refusal whose words are `message`."""
    return next((kind for kind, words in _WORDS if words.search(message)), RefusalKind.PERMANENT)
