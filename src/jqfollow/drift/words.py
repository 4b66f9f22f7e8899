"""The causes in Chinese; in English their codes are words already."""

from jqfollow.drift.causes import Cause

CAUSES_ZH = {
    Cause.ROUNDING: "取整结转",
    Cause.NOT_HELD: "持仓不足",
    Cause.UNFILLED: "未成交",
    Cause.REFUSED: "被拒",
    Cause.LATE: "来晚了",
    Cause.CASH: "资金不足",
    Cause.NOT_FOLLOWED: "未跟",
    Cause.FILLED_ELSEWHERE: "聚宽成交不同",
    Cause.NEVER_ARRIVED: "信号没有到",
    Cause.HELD_BEFORE: "跟单前已持有",
    Cause.RATIO_CHANGED: "比例改过",
    Cause.BY_HAND: "手工订单",
    Cause.TRADED_BY_HAND: "在券商端被卖出",
    Cause.CORPORATE: "送转、拆分",
    Cause.SET_BY_HAND: "人工改账",
    Cause.REPAIR: "补单",
    Cause.OVERFILLED: "多成交",
    Cause.UNEXPLAINED: "无法解释",
}
