"""The vendor's raw codes as words: a dated table for each build of the vendor's package. Pure.

A build that changes a number gets a table of its own here, with its date and where it was read; nothing else changes. A
code that the table does not know is never taken for an end: the order lives on, and the log names the code.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import structlog

from jqfollow.domain import AttemptState

_log = structlog.get_logger(__name__)
S = AttemptState


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCode:
    """A state of an account in the terminal."""

    zh: str
    en: str
    trades: bool = False
    """Whether orders go out and its lists and figures can be believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTable:
    """The codes of one build of the vendor's package and of the terminals that go with it."""

    since: date
    """The build's own date."""
    source: str
    orders: Mapping[int, AttemptState]
    """`order_status`."""
    accounts: Mapping[int, AccountCode]
    """`status` of `XtAccountStatus`."""

    def order_state(self, code: int, filled: int) -> AttemptState:
        """Of an order whose status is `code` and of which `filled` is traded; what nobody knows is still being worked.

        What is filled was not rejected: then the rest of it is over.
        """
        state = self.orders.get(code)
        if state is None:
            _log.warning("an order status that no table has", code=code, table=self.source)
            state = S.NEW
        if filled and state is S.NEW:
            return S.PARTIALLY_FILLED
        return S.CANCELED if filled and state is S.REJECTED else state

    def barrier(self, code: int | None) -> AccountCode | None:
        """Why an account in state `code` does not trade; `None`: it does, or nothing is known of the code."""
        known = None if code is None else self.accounts.get(code)
        return known if known is not None and not known.trades else None


_XTQUANT_250807 = CodeTable(
    since=date(2025, 8, 7),
    source="xtquant 250807.1.2: xtconstant.py, doc/xttrader.md",
    orders={
        48: S.NEW,  # 未报
        49: S.NEW,  # 待报
        50: S.NEW,  # 已报
        51: S.PENDING_CANCEL,  # 已报待撤
        52: S.PENDING_CANCEL,  # 部成待撤
        53: S.CANCELED,  # 部撤
        54: S.CANCELED,  # 已撤
        55: S.PARTIALLY_FILLED,  # 部成
        56: S.FILLED,  # 已成
        57: S.REJECTED,  # 废单
        255: S.NEW,  # 未知
    },
    accounts={
        -1: AccountCode(zh="无效", en="invalid"),
        0: AccountCode(zh="正常", en="ok", trades=True),
        1: AccountCode(zh="连接中", en="waiting for login"),
        2: AccountCode(zh="登录中", en="logging in"),
        3: AccountCode(zh="登录失败", en="login failed"),
        4: AccountCode(zh="初始化中", en="initialising"),
        5: AccountCode(zh="数据刷新校正中", en="correcting its data"),
        6: AccountCode(zh="收盘后", en="after the close", trades=True),  # the day's lists are still to be read
        7: AccountCode(zh="穿透副链接断开", en="secondary link lost", trades=True),  # it reports, it does not trade
        8: AccountCode(zh="系统停用（密码错误次数超限）", en="disabled: too many wrong passwords"),
        9: AccountCode(zh="用户停用", en="disabled by the user"),
    },
)
TABLES = (_XTQUANT_250807,)
"""Oldest first."""
LATEST = TABLES[-1]
_BUILD = re.compile(r"(\d{2})(\d{2})(\d{2})\b")


def table_of(version: str) -> CodeTable:
    """The table of a version of the vendor's package, `250807.1.2`: the newest that is not younger than it."""
    told = _BUILD.match(version)
    try:
        built = date(2000 + int(told[1]), int(told[2]), int(told[3])) if told else LATEST.since
    except ValueError:
        built = LATEST.since
    return next((table for table in reversed(TABLES) if table.since <= built), TABLES[0])
