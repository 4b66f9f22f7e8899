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
from jqfollow.reasons import IN_SHORT, Reason
from jqfollow.vocabulary import NOTHING, ORDERS, SIGNALS


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
    return f"（{'、'.join(f'{IN_SHORT[reason][0]} {count:,}' for reason, count in some)}）" if some else ""


def _difference_line(difference: Difference) -> str:
    gap = difference.book - difference.expected
    return (
        f"⚠️ {difference.account} {security(difference.symbol, difference.name)}"
        f" 应有 {difference.expected:,}，实有 {volume(difference.book, difference.symbol)}"
        f"（{'多' if gap > 0 else '少'} {abs(gap):,}）"
    )


def _report(lines: list[str]) -> str:
    return cut_lines([clean(line) for line in lines], MESSAGE_BYTES)
