"""How figures, times and reasons are written for people."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from jqfollow.cli.base import lang, words
from jqfollow.reasons import Reason, Refusal

_ZH = {
    "buy": "买",
    "sell": "卖",
    "pending_new": "待报",
    "new": "已报",
    "partially_filled": "部分成交",
    "pending_cancel": "待撤",
    "filled": "已成",
    "canceled": "已撤",
    "rejected": "已拒",
    "expired": "过期",
    "unknown": "结果未知",
    "received": "已收",
    "followed": "已跟",
    "recorded": "仅记录",
    "order": "委托",
    "positions": "持仓",
    "hello": "启动",
    "notice": "通知",
    "sim_trade": "模拟交易",
    "simple_backtest": "回测",
    "full_backtest": "回测",
    "manual": "手动",
    "repair": "补齐",
    "place": "下单",
    "wait": "等待",
    "refuse": "拒绝",
}
_WAITING_ZH = {
    "session": "等开盘",
    "cash": "等资金",
    "unknown": "等核对",
    "opposite": "等撤单",
    "odd_lot": "零股等待",
    "broker": "等券商",
}


def why(reason: Reason | None, figures: Mapping[str, str]) -> str:
    """The sentence of a reason in the language of the output; "" without one."""
    return "" if reason is None else Refusal(reason=reason, figures=figures).text(lang())


def number(value: Decimal | int | None) -> str:
    """A figure for people; "" when there is none."""
    if value is None:
        return ""
    text = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def moment(at: datetime) -> str:
    """A time for people."""
    return f"{at:%m-%d %H:%M:%S}"


def word(value: str) -> str:
    """A side, state or kind in the language of the output."""
    return words(_ZH.get(value, value), value)


def waiting(value: str | None) -> str:
    """What an order waits for, in brackets; "" when it does not wait."""
    return "" if value is None else words(f"（{_WAITING_ZH.get(value, value)}）", f" ({value})")
