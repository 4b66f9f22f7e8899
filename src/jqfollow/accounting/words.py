"""What stands against closing a drift, in both languages."""

from jqfollow.accounting.plan import Hindrance, Kept

_SENTENCES = {
    Hindrance.NO_TARGET: ("按金额或股数跟单，没有目标", "follows by yuan or shares an order: there is no target"),
    Hindrance.NO_REPORT: ("策略没有完整的持仓报告", "the strategy made no whole report of its positions"),
    Hindrance.OLD_REPORT: ("持仓报告不是今天的", "the report is not of today"),
    Hindrance.ORDER_SINCE: ("报告之后又有订单，等下一份报告", "an order came after the report: wait for the next one"),
    Hindrance.NOT_CONNECTED: ("账户未连接", "the account is not connected"),
    Hindrance.UNDER_WAY: ("还有订单未结束", "orders of the book have not ended"),
    Hindrance.UNKNOWN_OUTCOME: ("有结果未知的委托，先核对", "the outcome of an order is unknown: settle it first"),
    Hindrance.NEEDS_WORD: ("需要人确认：{words}", "a person has to decide: {words}"),
    Hindrance.EXPECTED: ("送转预计 {day} 到账", "a corporate action is expected on {day}"),
    Hindrance.BELOW_LOT: ("不足一手", "less than a lot"),
    Hindrance.NOT_SELLABLE: ("今天不能卖（T+1 或冻结）", "not to be sold today (T+1, or frozen)"),
    Hindrance.NO_PRICE: ("没有行情", "there is no quote"),
    Hindrance.UNKNOWN_SECURITY: ("不能交易的证券", "no security that is traded here"),
    Hindrance.BELOW_ZERO: ("账本为负，请人工核对", "the book stands below zero: look into it"),
}


def why_kept(kept: Kept) -> tuple[str, str]:
    """Why the plan leaves it."""
    zh, en = _SENTENCES[kept.why]
    figures = {"words": ", ".join(kept.words), "day": kept.day}
    return zh.format(**figures), en.format(**figures)
