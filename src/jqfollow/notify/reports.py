"""The heartbeat before the day and the summary after it; pure."""

from collections.abc import Mapping

from jqfollow.clock import SHANGHAI
from jqfollow.notify.facts import (
    AccountFacts,
    CostFacts,
    Difference,
    HeartbeatFacts,
    StrategyFacts,
    SummaryFacts,
    UnknownFact,
)
from jqfollow.notify.figures import SIDE_ZH, money, percent, price, security, signed, volume
from jqfollow.notify.messages import MESSAGE_BYTES, account_line
from jqfollow.notify.texts import clean, cut_lines, one_line
from jqfollow.reasons import Reason
from jqfollow.vocabulary import NOTHING, ORDERS, SIGNALS

_SHORT: dict[Reason, str] = {
    Reason.STALE: "过时",
    Reason.RESTORED: "账本倒退前",
    Reason.LATE: "来晚",
    Reason.REPLAYED: "重复",
    Reason.BACKTEST: "回测",
    Reason.NOT_TRADED: "聚宽未成交",
    Reason.NO_AMOUNT: "数量为零",
    Reason.SHORT_SIDE: "空头",
    Reason.NOT_FOLLOWED: "未设跟单账户",
    Reason.ACCOUNT_GONE: "账户已移除",
    Reason.OLD_QUOTE: "行情停了",
    Reason.COUNTER_LAGS: "柜台未更新",
    Reason.CAPITAL: "策略资金上限",
    Reason.OWN_CROSSING: "与本账户对敲",
    Reason.MARGIN: "融资融券",
    Reason.STOP_ORDER: "止损单",
    Reason.UNKNOWN_STYLE: "下单方式不明",
    Reason.SEED_OPEN_ORDER: "原版客户端挂单",
    Reason.PAUSED: "已暂停",
    Reason.NOT_TRADING_DAY: "非交易日",
    Reason.OUTSIDE_HOURS: "非交易时段",
    Reason.DAY_OVER: "收盘未成",
    Reason.UNKNOWN_SECURITY: "证券不可交易",
    Reason.BOARD_NOT_ALLOWED: "板块不允许",
    Reason.BLOCKED: "禁止名单",
    Reason.SUSPENDED: "停牌",
    Reason.NO_TOTAL_VALUE: "无策略总资产",
    Reason.BELOW_LOT: "不足一手",
    Reason.HELD_ALREADY: "之前多买",
    Reason.ODD_VOLUME: "数量不合单位",
    Reason.NOTHING_TO_SELL: "无持仓可卖",
    Reason.NOT_SELLABLE_TODAY: "今日不可卖",
    Reason.NO_QUOTE: "无行情",
    Reason.LIMIT_UP: "涨停",
    Reason.LIMIT_DOWN: "跌停",
    Reason.PRICE_DRIFT: "价格偏离",
    Reason.PRICE_CAGE: "价格笼子",
    Reason.PRICE_LIMIT: "超涨跌停价",
    Reason.NO_CASH: "资金不足",
    Reason.MAX_ORDER_VALUE: "超单笔上限",
    Reason.MAX_POSITION_RATIO: "超持仓上限",
    Reason.MAX_DAILY_ORDERS: "超委托次数",
    Reason.MAX_DAILY_TURNOVER: "超成交金额",
    Reason.MAX_CANCELS: "超撤单次数",
    Reason.RATE: "过于密集",
    Reason.BROKER_DOWN: "账户未连接",
    Reason.BROKER_REFUSED: "券商拒绝",
    Reason.ATTEMPTS_EXHAUSTED: "多次未成",
    Reason.CANCELED_BY_USER: "人工撤单",
    Reason.CANCELED_BY_STRATEGY: "策略撤单",
    Reason.CLOSED_OUT: "策略已清仓",
    Reason.CANCELED_AT_BROKER: "券商端撤单",
    Reason.UNKNOWN_OUTCOME: "结果未知",
    Reason.OPPOSITE_OPEN: "等撤买单",
    Reason.INTERNAL_ERROR: "内部错误",
}


def heartbeat(facts: HeartbeatFacts) -> str:
    """The service lives; what wants a person's attention comes first."""
    asleep = sum(not state.ready for state in facts.accounts)
    concerns = [*_unknown_lines(facts.unknown), *(f"⚠️ {one_line(text)}" for text in facts.warnings)]
    concerns += [f"⏸️ 已暂停：{one_line(text)}" for text in facts.paused]
    if facts.pending_outbox:
        concerns.append(f"⚠️ {facts.pending_outbox:,} 条通知还没有送达")
    state = f"{len(concerns) + asleep} 项要留意" if concerns or asleep else "一切正常"
    day = "交易日" if facts.trading_day else "非交易日"
    lines = [f"💓 {facts.at.astimezone(SHANGHAI):%m-%d %H:%M} 心跳：{state}（{day}）", *concerns]
    lines += map(account_line, facts.accounts)
    lines.append(f"跟单策略 {facts.strategies} 个，在途订单 {facts.open_orders} 笔 · jqfollow {facts.version}")
    return _report(lines)


def summary(facts: SummaryFacts) -> str:
    """The day in figures: unknown outcomes on top, then the accounts, then the strategies with their differences."""
    lines = [f"📊 {facts.day:%Y-%m-%d} 日终汇总{_headline(facts)}"]
    lines += _unknown_lines(facts.unknown)
    lines += [f"⚠️ {one_line(text)}" for text in facts.warnings]
    if facts.pending_outbox:
        lines.append(f"⚠️ {facts.pending_outbox:,} 条通知还没有送达")
    if facts.costs is not None:
        lines.append(_cost_line(facts.costs))
    for account in facts.accounts:
        lines += _account_lines(account)
    for strategy in facts.strategies:
        lines += _strategy_lines(strategy)
    return _report(lines)


def _cost_line(facts: CostFacts) -> str:
    """The three figures that matter: what was filled, what it cost, how far the books are off."""
    share = "–" if facts.filled_share is None else f"{facts.filled_share * 100:.1f}%"
    bps = "–" if facts.bps is None else f"{facts.bps:.1f} bps（{facts.yuan:,.0f} 元，正为成本）"
    bps += f"，{facts.unpriced:,} 笔缺价未计" if facts.unpriced else ""
    drift = f"缺 {facts.missing:,.0f} 元、多 {facts.excess:,.0f} 元" if facts.missing or facts.excess else "无"
    return f"📐 成交比例 {share} · 执行差 {bps} · 偏差 {drift}"


def _headline(facts: SummaryFacts) -> str:
    signals = sum((strategy.signals for strategy in facts.strategies), NOTHING)
    differences = sum(len(strategy.differences or ()) for strategy in facts.strategies)
    parts = [f"：{signals.text(SIGNALS, 'zh')}"]
    if facts.unknown:
        parts.append(f"结果未知 {len(facts.unknown):,} 笔")
    if differences:
        parts.append(f"持仓差异 {differences:,} 条")
    return "，".join(parts)


def _unknown_lines(unknown: tuple[UnknownFact, ...]) -> list[str]:
    return [
        f"🚨 结果未知 #{fact.order_id} {fact.account} {SIDE_ZH[fact.side]} {security(fact.symbol, fact.name)}"
        f" {volume(fact.volume, fact.symbol)} @{price(fact.price)}"
        f"（{fact.since.astimezone(SHANGHAI):%m-%d %H:%M:%S} 起，请到控制台处理）"
        for fact in unknown
    ]


def _account_lines(facts: AccountFacts) -> list[str]:
    kind = "实盘" if facts.real else "模拟"
    total = "总资产未知" if facts.total is None else f"总资产 {money(facts.total)} 元"
    lines = [f"【{facts.account} · {kind}】{total}"]
    if facts.total is not None and facts.previous_total is not None:
        gain = facts.total - facts.previous_total
        ratio = f"（{percent(gain / facts.previous_total)}）" if facts.previous_total > 0 else ""
        since = f"较 {facts.previous_day:%m-%d} " if facts.previous_day is not None else "较上次 "
        lines.append(f"{since}{signed(gain)} 元{ratio}")
    unknown = f"，其中结果未知 {facts.unknown:,}" if facts.unknown else ""
    lines.append(f"{facts.orders.text(ORDERS, 'zh')}{unknown}；成交额 {money(facts.turnover)} 元")
    if facts.missing:
        lines.append(f"⚠️ 券商持有的比账本少：{'、'.join(facts.missing)}")
    elif facts.missing is None and facts.real:
        lines.append("券商持仓与账本：收盘后还没有核对")
    return lines


def _strategy_lines(facts: StrategyFacts) -> list[str]:
    lines = [f"【{facts.title or facts.strategy}】{facts.signals.text(SIGNALS, 'zh', _why(facts.refused))}"]
    if facts.differences is None:
        lines.append("持仓核对：策略持仓未知，没有核对")
    elif not facts.differences:
        lines.append("持仓核对：无差异")
    else:
        lines += map(_difference_line, facts.differences)
    return lines


def _why(counts: Mapping[Reason, int]) -> str:
    some = sorted(((reason, count) for reason, count in counts.items() if count), key=lambda one: (-one[1], one[0]))
    return f"（{'、'.join(f'{_SHORT[reason]} {count:,}' for reason, count in some)}）" if some else ""


def _difference_line(difference: Difference) -> str:
    gap = difference.book - difference.expected
    return (
        f"⚠️ {difference.account} {security(difference.symbol, difference.name)}"
        f" 应有 {difference.expected:,}，实有 {volume(difference.book, difference.symbol)}"
        f"（{'多' if gap > 0 else '少'} {abs(gap):,}）"
    )


def _report(lines: list[str]) -> str:
    return cut_lines([clean(line) for line in lines], MESSAGE_BYTES)
