"""`jqfollow status`: does it run, what did it do today, what needs a person."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

import click

from jqfollow.cli.base import Command, json_option, lang, print_json, say, settings_option, table, words
from jqfollow.cli.figures import moment, number
from jqfollow.cli.lock import is_running
from jqfollow.cli.queries import called, read, snapshots
from jqfollow.clock import SystemClock
from jqfollow.domain import AttemptState, SignalKind
from jqfollow.ledger.rows import AttemptRow, OutboxRow, PauseRow, SignalRow
from jqfollow.ledger.snapshots import Snapshot
from jqfollow.ledger.tx import Tx
from jqfollow.settings import Settings
from jqfollow.vocabulary import ORDERS, SIGNALS, Outcome, Tally, order_outcome, signal_outcome

_ALL = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Status:
    running: bool
    pid: int | None
    signals: Tally
    """Of today."""
    last_signal_at: datetime | None
    orders: Tally
    """Of today."""
    open_orders: int
    unknown: list[AttemptRow]
    pauses: list[PauseRow]
    messages_waiting: int
    oldest_message: OutboxRow | None
    accounts: dict[str, Snapshot]


@click.command(cls=Command)
@json_option
@settings_option
def status(*, settings: Settings, as_json: bool) -> None:
    """是否在运行、今天做了什么、有什么要人处理。 / Does it run, what did it do today, what needs a person."""
    pid = is_running(settings.data_dir)
    today = SystemClock().now().date()
    if pid is None and not settings.ledger_file.exists():
        if as_json:
            print_json({"running": False})
        else:
            say("没有运行过：用 jqfollow serve 启动", "it never ran: start it with jqfollow serve")
        return
    found = read(settings, lambda tx: _look(tx, settings, pid, today))
    if as_json:
        print_json(found)
        return
    _show(found, called(settings))


def _look(tx: Tx, settings: Settings, pid: int | None, today: date) -> _Status:
    newest = tx.signals.list(limit=1)
    return _Status(
        running=pid is not None,
        pid=pid or None,
        signals=Tally.of([_became(tx, row) for row in tx.signals.list(day=today, kind=SignalKind.ORDER, limit=_ALL)]),
        last_signal_at=newest[0].received_at if newest else None,
        orders=Tally.of([order_outcome(row.state, row.filled) for row in tx.orders.list(day=today, limit=_ALL)]),
        open_orders=len(tx.orders.open()),
        unknown=[row for row in tx.attempts.live() if row.state is AttemptState.UNKNOWN],
        pauses=tx.pauses.list(),
        messages_waiting=tx.outbox.pending(),
        oldest_message=tx.outbox.oldest_pending(),
        accounts=snapshots(tx, settings, None, None),
    )


def _became(tx: Tx, signal: SignalRow) -> Outcome:
    orders = tx.orders.of_signal(signal.signal_id)
    return signal_outcome(signal.state, [order_outcome(order.state, order.filled) for order in orders])


def _show(found: _Status, name: Callable[[str], str]) -> None:
    if found.running:
        say(f"服务正在运行，进程号 {found.pid or '?'}", f"the service runs, process {found.pid or '?'}")
    else:
        say("服务没有运行：用 jqfollow serve 启动", "the service does not run: start it with jqfollow serve")
    last = moment(found.last_signal_at) if found.last_signal_at else "-"
    for tally, what in ((found.signals, SIGNALS), (found.orders, ORDERS)):
        text = tally.text(what, lang())
        say(f"今日{text}", f"today: {text}")
    say(f"最近一条信号 {last}，未完成订单 {found.open_orders}", f"last signal {last}, open orders {found.open_orders}")
    for row in found.unknown:
        say(
            f"！订单 #{row.order_id} 有结果未知的委托（{row.account} {name(row.security)} {row.volume} 股，"
            f"备注 {row.remark}）：请在券商端核对，再到控制台处理",
            f"! the outcome of order {row.order_id} is unknown ({row.account} {name(row.security)} {row.volume}, "
            f"remark {row.remark}): look at the broker, then settle it in the console",
        )
    for pause in found.pauses:
        scope = pause_scope(pause)
        say(f"！已暂停：{scope}（{moment(pause.since)} 起）", f"! paused: {scope} (since {moment(pause.since)})")
    if found.oldest_message is not None:
        at = moment(found.oldest_message.created_at)
        say(
            f"有 {found.messages_waiting} 条通知未发出，最早 {at}",
            f"{found.messages_waiting} messages are not sent, the oldest of {at}",
        )
    columns = words("账户,时间,总资产,可用,冻结,市值", "account,at,total,cash,frozen,market value")
    rows = [
        (name, moment(at), number(asset.total), number(asset.cash), number(asset.frozen), number(asset.market_value))
        for name, (at, asset, _) in found.accounts.items()
    ]
    table(words("账户", "Accounts"), columns.split(","), rows, right=(2, 3, 4, 5))


def pause_scope(pause: PauseRow) -> str:
    """What a pause covers, for people."""
    strategy = pause.strategy or words("全部策略", "all strategies")
    account = pause.account or words("全部账户", "all accounts")
    return f"{strategy} → {account}" + (words("（只停买入）", " (buys only)") if pause.buys else "")
