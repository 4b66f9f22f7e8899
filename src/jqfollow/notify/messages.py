"""What people are told of orders, accounts and the service; pure.

A message's first line says it all, with the figures first: a long backlog shows no more. Every text is short enough
for one message and can be stored whatever a broker or a signal wrote into it. Heartbeat and summary are in `reports`.
"""

from collections.abc import Sequence
from datetime import datetime

from jqfollow.clock import SHANGHAI
from jqfollow.domain import AccountState, OrderState, WaitingFor
from jqfollow.ledger.rows import AttemptRow, OrderRow, SignalRow
from jqfollow.notify.figures import SIDE_ZH, money, price, security, volume
from jqfollow.notify.texts import clean, cut, one_line
from jqfollow.reasons import Refusal

MESSAGE_BYTES = 1900
"""Less than a message holds: the outbox may add a time and a header."""
_WORDS_BYTES = 400
"""The longest quotation of a broker's or an error's words."""
_HALF_A_MINUTE = 0.5

_WAITING = {
    WaitingFor.SESSION: "现在不是连续竞价时段，开盘后再下单",
    WaitingFor.CASH: "资金不足，等本策略的卖出回款",
    WaitingFor.UNKNOWN: "同一账户、证券、方向有一笔委托结果未知，核实后再下单",
    WaitingFor.OPPOSITE: "先撤掉同一持仓的买单，再卖出",
    WaitingFor.ODD_LOT: "零股，等其他策略卖出同一证券后一起卖完",
    WaitingFor.BROKER: "券商未连接或暂时不接单，恢复后再下单",
    WaitingFor.SETTLE: "刚有成交或撤单，等柜台更新资金和可卖数量",
    WaitingFor.FEED: "行情停了或不是今天的，等行情恢复",
    WaitingFor.HALT: "临时停牌，等复牌",
    WaitingFor.CROSSING: "本账户另有一笔会与它对敲的委托，先撤掉那一笔",
    WaitingFor.NEXT_DAY: "等下一个交易日",
    WaitingFor.PAUSE: "已暂停，恢复后再卖",
}


def order_done(order: OrderRow, *, title: str, name: str | None, attempts: int) -> str:
    """An order has ended: filled, partly filled, canceled or expired.

    Args:
        order: in its final state.
        title: the strategy's title; its name is shown when that is empty.
        name: the security's name; `None` when not known.
        attempts: how many times it was placed.
    """
    if order.state is OrderState.REJECTED:
        return order_refused(order, title=title, name=name)
    what = f"{SIDE_ZH[order.side]} {security(order.security, name)}"
    average = order.avg_price
    if order.state is OrderState.FILLED:
        head = f"✅ 已跟 {what} {volume(order.filled, order.security)}"
    elif order.filled:
        head = f"⚠️ 部分 {what} {order.filled:,}/{volume(order.volume, order.security)}"
    else:
        head = f"❌ 未跟 {what} {volume(order.volume, order.security)}"
    if average is not None:
        head += f" 均价 {price(average)}"
    lines = [head]
    if average is not None:
        lines.append(f"金额 {money(order.turnover)} 元")
    lines += _reason(order)
    lines.append(_whose(order, title) + (f" · 共 {attempts} 次委托" if attempts > 1 else ""))
    return _message(lines)


def order_refused(order: OrderRow, *, title: str, name: str | None) -> str:
    """An account does not follow a signal, and why."""
    head = f"❌ 未跟 {SIDE_ZH[order.side]} {security(order.security, name)}"
    if order.volume:
        head += f" {volume(order.volume, order.security)}"
    return _message([head, *_reason(order), _whose(order, title)])


def remainder(order: OrderRow, *, title: str, name: str | None) -> str:
    """An order of less than a lot, which is carried on; one line."""
    wanted, least = order.figures.get("wanted", "?"), order.figures.get("minimum", "?")
    what = f"{SIDE_ZH[order.side]} {security(order.security, name)} {wanted}（最少 {least}）"
    return _message([f"{what} · {_whose(order, title)}"])


def signal_refused(signal: SignalRow, *, title: str, name: str | None) -> str:
    """No account follows a signal, and why."""
    lines = ["❌ 未跟"]
    if signal.order is not None:
        told = signal.order
        symbol = cut(one_line(told.symbol), 60)
        lines[0] += f" {SIDE_ZH[told.side]} {security(symbol, name)} {volume(told.amount, symbol)}"
    if signal.reason is not None:
        lines.append(_sentence(Refusal(reason=signal.reason, figures=signal.figures)))
    lines.append(f"{one_line(title) or signal.strategy} · 信号 #{signal.signal_id}")
    return _message(lines)


def order_waiting(order: OrderRow, *, title: str, name: str | None) -> str:
    """An order waits before it is placed."""
    size = f" {volume(order.volume - order.filled, order.security)}" if order.volume else ""
    head = f"⏳ 等待 {SIDE_ZH[order.side]} {security(order.security, name)}{size}"
    why = "等待下单" if order.waiting_for is None else _WAITING[order.waiting_for]
    until = f"（最晚等到 {_time(order.wait_until)}）" if order.wait_until is not None else ""
    return _message([head, why + until, _whose(order, title)])


def unknown_outcome(order: OrderRow, attempt: AttemptRow, *, title: str, name: str | None) -> str:
    """An attempt was handed to the broker and no answer came: what a person has to do now."""
    side = SIDE_ZH[order.side]
    what = f"{side} {security(order.security, name)} {volume(attempt.volume, order.security)}"
    which = f"第 {attempt.number} 次委托 · {_time(attempt.created_at)} · 备注 {attempt.remark}"
    lines = (
        f"🚨【急】委托结果未知 {what} 委托价 {price(attempt.price)}",
        f"{_whose(order, title)} · {which}",
        f"委托已交给券商，但没有得到答复。程序不会重发；核实之前，{order.account} 暂停{side} {order.security}。",
        "请这样处理：",
        "1. 在交易客户端的当日委托里找这一笔（看备注；没有备注就看代码、方向、数量、价格、时间）。",
        f"2. 打开控制台，订单 #{order.order_id}，按看到的选：",
        "没有这笔 / 有这笔（填委托编号）/ 已结束（填成交数量和均价）。",
    )
    return _message(lines)


def account_down(account: str, why: str) -> str:
    """An account's connection was lost, or could not be made."""
    return _message([f"🚨【急】账户 {account} 未连接：{_words(why)}", "程序会自动重连；恢复之前不下新单。"])


def account_up(account: str, minutes: float) -> str:
    """An account is connected again, after so many minutes."""
    lasted = f"中断约 {minutes:,.0f} 分钟" if minutes >= _HALF_A_MINUTE else "中断不到 1 分钟"
    return _message([f"✅ 账户 {account} 已恢复连接，{lasted}"])


def alert(text: str) -> str:
    """Something that a person should look at now."""
    return _message([f"🚨【急】{clean(text)}"])


def clocks_differ(title: str, skew_s: float) -> str:
    """A strategy's authentic messages are refused, because its clock and this machine's differ too much."""
    hours, rest = divmod(round(abs(skew_s)), 3600)
    difference = (f"{hours} 小时 " if hours else "") + f"{rest // 60} 分 {rest % 60} 秒"
    slow = "慢" if skew_s > 0 else "快"
    lines = (
        f"🚨【急】时钟不一致：{one_line(title)} 的信号通过了验证，但时间与本机相差 {difference}，因此被拒绝",
        f"本机比聚宽{slow} {difference}（允许 5 分钟）。多半是本机时间不对：",
        "1. 运行 jqfollow doctor，看“时钟”一项：它会与网络时间比对。",
        "2. Windows：设置 → 时间和语言 → 日期和时间 → 立即同步。",
        "3. 本机时间无误，则是消息在路上被扣留或重发过，请检查隧道。",
        "改好之前，信号一律不跟单；一小时内不再重复提醒。",
    )
    return _message(lines)


def restored(now: datetime, why: str) -> str:
    """An older ledger was put back."""
    lines = (
        f"🚨【急】账本倒退了：{why}",
        f"{now.astimezone(SHANGHAI):%m-%d %H:%M:%S} 以前产生的信号一律不跟（逐条不再提醒），之后的照常。",
        "1. 用 jqfollow positions 与交易终端核对持仓，不对的用 jqfollow book 改。",
        "2. 核对好以后：jqfollow restored --accept。",
    )
    return _message(lines)


def clock_was_set(before: datetime, now: datetime) -> str:
    """This machine's clock was set while the service ran."""
    seconds = round(abs((now - before).total_seconds()))
    by = f"{seconds // 3600} 小时 {seconds % 3600 // 60} 分 {seconds % 60} 秒"
    faster = "快" if now > before else "慢"
    times = [f"{moment.astimezone(SHANGHAI):%m-%d %H:%M:%S}" for moment in (before, now)]
    lines = (
        f"🚨【急】本机时钟被调{faster}了 {by}：{times[0]} → {times[1]}",
        "在途的委托、等待和重发已按新时间接着走。请确认现在的时间是对的（设置 → 时间和语言 → 立即同步）。",
        "差 5 分钟以上，信号会被拒绝；日期不对，会看错交易日。",
    )
    return _message(lines)


def started(version: str, accounts: Sequence[AccountState], addresses: Sequence[str] = ()) -> str:
    """The service has started; `addresses` hold no token."""
    return _message([f"▶️ jqfollow {version} 已启动", *map(account_line, accounts), *addresses])


def stopped() -> str:
    """The service was stopped in good order."""
    return _message(["⏹️ jqfollow 已停止，停止期间不跟单"])


def account_line(state: AccountState) -> str:
    """One account's state on one line."""
    kind = "实盘" if state.real else "模拟"
    ready = "就绪" if state.ready else f"未就绪：{_words(state.why_zh) or '原因不明'}"
    return f"{'✅' if state.ready else '⚠️'} {state.account}（{kind} {state.broker}）{ready}"


def _reason(order: OrderRow) -> list[str]:
    return [] if order.reason is None else [_sentence(Refusal(reason=order.reason, figures=order.figures))]


def _sentence(refusal: Refusal) -> str:
    return f"原因：{_words(refusal.text('zh'))}"


def _whose(order: OrderRow, title: str) -> str:
    return f"{one_line(title) or order.strategy} → {order.account}"


def _words(text: str) -> str:
    return cut(one_line(text), _WORDS_BYTES)


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(SHANGHAI):%H:%M:%S}"


def _message(lines: Sequence[str]) -> str:
    return cut(clean("\n".join(lines)), MESSAGE_BYTES)
