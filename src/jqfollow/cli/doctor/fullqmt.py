"""The doctor's look at the full QMT terminal: the mailbox's folder, the strategy in the terminal, login, quotes."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jqfollow.cli.doctor.findings import Finding, Surroundings, bad, ok, warn
from jqfollow.cli.doctor.real import SYMBOL, connected
from jqfollow.cli.lock import is_running
from jqfollow.domain import BrokerDownError, BrokerError
from jqfollow.settings import FullQmtAccount

if TYPE_CHECKING:
    from jqfollow.execution.brokers.fullqmt.mailbox import Heartbeat

_LOOK_S = 2.0
_SLOW_TICK_S = 1.0
_SKEW_S = 5.0


def mailboxes(around: Surroundings) -> Sequence[Finding]:
    """Each account in a full QMT terminal; a running service is not disturbed."""
    chosen = {n: a for n, a in around.settings.accounts.items() if isinstance(a, FullQmtAccount)}
    return [found for name, account in chosen.items() for found in _mailbox(around, name, account)]


def _mailbox(around: Surroundings, name: str, account: FullQmtAccount) -> list[Finding]:
    from jqfollow.execution.brokers.fullqmt import folder  # slow: the brokers

    place, again = f"accounts.{name}", (f"jqfollow fullqmt {name}", f"run jqfollow fullqmt {name}")
    try:
        folder.check(account.mailbox)
    except (BrokerDownError, OSError) as error:
        return [bad(f"{place}.mailbox", str(error), str(error), *again)]
    size = folder.size(account.mailbox)
    zh, en = f"信箱只有本人能打开，{size / 2**20:.1f} MiB", f"the mailbox is yours alone, {size / 2**20:.1f} MiB"
    found = [ok(f"{place}.mailbox", zh, en)]
    if size > folder.MOST_BYTES:
        found = [warn(f"{place}.mailbox", zh, en, "停止服务后删除旧的 journal-*.jsonl", "delete old journals")]
    found.append(_strategy(around, place, account))
    if found[-1].remedy_zh:
        return found
    if is_running(around.settings.data_dir) is not None:
        found.append(ok(place, "服务正在运行，登录状态见 jqfollow status", "the service runs: see jqfollow status"))
    else:
        found.append(_login(around, name))
    return found


def _strategy(around: Surroundings, place: str, account: FullQmtAccount) -> Finding:
    """Two looks at the heartbeat: whether it beats, for whom, how fast, and by what clock."""
    from jqfollow.execution.brokers.fullqmt.mailbox import VERSION, read_heartbeat

    name = f"{place}.strategy"
    first = read_heartbeat(account.mailbox)
    threading.Event().wait(_LOOK_S)
    second = read_heartbeat(account.mailbox)
    paste = "重新运行 jqfollow fullqmt 并粘贴", "write the file with jqfollow fullqmt and paste it anew"
    if first is None or second is None or second.ticks == first.ticks:
        return bad(
            name,
            "QMT 里的策略没有运行：" + ("从没有过心跳" if second is None else "心跳停了"),
            "the strategy in QMT does not run",
            "登录 QMT，关掉弹窗，在“模型交易”里以实盘模式运行它",
            "log in to QMT, close any dialog, and run the strategy in 模型交易 in real mode",
        )
    if first.epoch != second.epoch:
        zh, en = "QMT 里的策略正在重新启动，或有两个实例", "the strategy began anew just now, or runs twice"
        return warn(name, zh, en, "只留一个实例，再检查一次", "keep one of them, then look again")
    if second.version != VERSION:
        zh, en = f"QMT 里的策略是第 {second.version} 版，需要第 {VERSION} 版", "the strategy is of another version"
        return bad(name, zh, en, *paste)
    if second.account != account.account_id:
        zh, en = f"QMT 里的策略是给资金账号 …{second.account[-4:]} 的", "the strategy is for another account"
        return bad(name, zh, en, *paste)
    return _pace(around, name, first, second)


def _pace(around: Surroundings, name: str, first: "Heartbeat", second: "Heartbeat") -> Finding:
    tick_s = (second.at - first.at) / max(second.ticks - first.ticks, 1)
    zh, en = f"QMT 里的策略在运行，每 {tick_s * 1000:.0f} 毫秒一拍", f"the strategy runs, a tick is {tick_s:.2f} s"
    if tick_s > _SLOW_TICK_S:
        return warn(
            name, zh, en, "停掉 QMT 里别的策略：所有策略共用一个线程", "one thread serves all strategies: stop others"
        )
    skew_s = second.at - around.clock.now().timestamp()
    if abs(skew_s) > _SKEW_S:
        zh, en = f"QMT 与本程序的时间相差 {abs(skew_s):.0f} 秒", f"QMT's clock is {abs(skew_s):.0f} s off"
        return warn(name, zh, en, "两者应在同一台电脑上运行", "both must run on the same PC")
    return ok(name, zh, en)


def _login(around: Surroundings, name: str) -> Finding:
    place = f"accounts.{name}"
    try:
        with connected(around, name) as broker:
            asset, quote = broker.asset(), broker.quote(SYMBOL)
    except BrokerError as error:
        zh, en = f"连不上：{error}", f"no connection: {error}"
        return bad(place, zh, en, "在 QMT 里登录这个资金账号的交易", "log in to this account's trading in QMT")
    cash = f"{asset.cash:,.2f}"
    if quote is None:
        zh, en = f"已登录，可用资金 {cash}，但没有 {SYMBOL} 的行情", f"logged in, {cash} yuan, no quote of {SYMBOL}"
        return warn(place, zh, en, "在 QMT 里连接行情", "connect quotes in QMT")
    return ok(place, f"QMT 已登录，可用资金 {cash}，行情正常", f"logged in, {cash} yuan to spend, quotes come")
