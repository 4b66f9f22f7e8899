"""The doctor's look at MiniQMT: folder, permission, session files, login, quotes and their clock, and a test order."""

import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from jqfollow.cli.findings import Finding, Surroundings, bad, ok, warn
from jqfollow.cli.lock import is_running
from jqfollow.domain import ATTEMPT_ENDED, Accepted, AttemptState, BrokerError, OrderReport, Phase, PlaceRequest, Side
from jqfollow.market.calendar import CalendarError, TradingCalendar
from jqfollow.market.sessions import phase_at
from jqfollow.settings import PaperAccount, QmtAccount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jqfollow.execution.brokers.qmt import QmtBroker

PERMISSION_FILE = "up_queue_xtquant"
"""MiniQMT makes it for accounts that may order by program; without it every connect answers -1."""
SYMBOL = "601398.SH"
"""Liquid, and a hundred shares cost some hundred yuan."""
_MOST_SESSION_FILES = 12
_SKEW_S = 10
_WAIT_S = 15.0
_POLL_S = 0.5


def terminals(around: Surroundings) -> Sequence[Finding]:
    """Each MiniQMT account: its folder, its session files, and whether it lets us in."""
    found: list[Finding] = []
    for name, account in _qmt_accounts(around).items():
        place = f"accounts.{name}"
        found += _folder(place, account.qmt_path)
        if any(finding.remedy_zh for finding in found if finding.name == place):
            continue
        if is_running(around.settings.data_dir) is not None:
            found.append(ok(place, "服务正在运行，登录状态见 jqfollow status", "the service runs: see jqfollow status"))
            continue
        found.append(_login(around, name))
    return found


def market_data(around: Surroundings) -> Sequence[Finding]:
    """The quote service answers, and its clock is ours."""
    wanted = any(isinstance(a, PaperAccount) and a.quotes == "xtdata" for a in around.settings.accounts.values())
    if not wanted and not _qmt_accounts(around):
        return []
    if not _possible():
        return []  # `brokers` says why
    from jqfollow.execution.brokers.qmt import xt_quotes  # slow: the whole broker

    try:
        quote = xt_quotes(around.clock).quote(SYMBOL)
    except BrokerError as error:
        return [
            bad(
                "quotes",
                f"取不到行情：{error}",
                f"no quotes: {error}",
                "启动并登录 MiniQMT（极简模式），右下角应显示行情已连接",
                "start MiniQMT, log in, and see that it shows quotes itself",
            )
        ]
    if quote is None:
        zh, en = f"MiniQMT 没有 {SYMBOL} 的行情", f"MiniQMT knows no quote of {SYMBOL}"
        return [warn("quotes", zh, en, "在 MiniQMT 中确认行情已连接", "see that MiniQMT shows quotes itself")]
    now = around.clock.now()
    ahead_s = (quote.at - now).total_seconds()
    trading = quote.phase is Phase.CONTINUOUS and phase_at(now) is Phase.CONTINUOUS
    if abs(ahead_s) > _SKEW_S and (trading or ahead_s > 0):
        return [
            warn(
                "quotes",
                f"交易所时间 {quote.at:%H:%M:%S}，本机 {now:%H:%M:%S}，相差 {abs(ahead_s):.0f} 秒",
                f"the exchange says {quote.at:%H:%M:%S}, this machine {now:%H:%M:%S}",
                "校准 Windows 时间（设置 → 时间和语言 → 立即同步），或检查行情是否中断",
                "set the machine's clock, or see whether quotes stand still",
            )
        ]
    return [ok("quotes", f"行情正常，{SYMBOL} {quote.last or '未成交'}", f"quotes come: {SYMBOL} {quote.last}")]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOrder:
    """What the person is asked to agree to."""

    __test__ = False  # not a test of pytest's

    account: str
    symbol: str
    volume: int
    price: Decimal


def order_test(around: Surroundings, agrees: Callable[[TestOrder], bool]) -> Sequence[Finding]:
    """Places a hundred shares at the lower limit at each MiniQMT account, and cancels them; asks before each.

    Args:
        around: as for a check.
        agrees: shows the order to the person; nothing is placed unless it says yes.
    """
    accounts = _qmt_accounts(around)
    if not accounts:
        return [ok("order-test", "没有实盘账户", "no real account")]
    if is_running(around.settings.data_dir) is not None:
        zh, en = "服务正在运行，未做下单测试", "the service runs: no test order"
        return [warn("order-test", zh, en, "先停止服务再测试", "stop the service first")]
    now = around.clock.now()
    try:
        trades = TradingCalendar().is_trading_day(now.date())
    except CalendarError:
        trades = False
    if not trades or phase_at(now) is not Phase.CONTINUOUS:
        zh, en = f"{now:%m-%d %H:%M} 不在连续交易时段，未做下单测试", "not in continuous trading: no test order"
        return [warn("order-test", zh, en, "交易日 9:30-11:30、13:00-14:57 再试", "try again in trading hours")]
    return [_test_order(around, name, agrees) for name in accounts]


def _test_order(around: Surroundings, name: str, agrees: Callable[[TestOrder], bool]) -> Finding:
    place = f"order-test.{name}"
    placed_zh, placed_en = "", ""
    try:
        with _connected(around, name) as broker:
            instrument = broker.instrument(SYMBOL)
            if instrument is None or instrument.limit_down is None:
                zh, en = f"没有 {SYMBOL} 的跌停价，未下单", f"no lower limit of {SYMBOL} is known: not placed"
                return warn(place, zh, en, "确认行情已连接后再试", "see that quotes come")
            order = TestOrder(account=name, symbol=SYMBOL, volume=100, price=instrument.limit_down)
            if not agrees(order):
                return ok(place, "未下单", "not placed")
            request = PlaceRequest(
                attempt_id=0,
                remark=f"jqdoctor-{around.clock.now():%H%M%S}",
                symbol=SYMBOL,
                side=Side.BUY,
                volume=order.volume,
                price=order.price,
            )
            placed_zh = f"（备注 {request.remark}，请在 MiniQMT 中核对并撤销）"
            placed_en = f" (remark {request.remark}: look it up in MiniQMT and cancel it)"
            placed = broker.place(request)
            if not isinstance(placed, Accepted):
                zh, en = f"券商拒绝：{placed.message}", f"the broker refused: {placed.message}"
                return bad(place, zh, en, "按券商的提示处理，或联系客户经理", "do as the broker says")
            report = _wait(broker, placed.broker_order_id, lambda r: r.state is not AttemptState.NEW or bool(r.filled))
            if report is None or report.state not in ATTEMPT_ENDED:
                broker.cancel(placed.broker_order_id)
                report = _wait(broker, placed.broker_order_id, lambda r: r.state in ATTEMPT_ENDED)
    except BrokerError as error:
        zh, en = f"下单测试没有完成：{error}{placed_zh}", f"the test order did not come to its end: {error}{placed_en}"
        return bad(place, zh, en, "在 MiniQMT 的委托列表中核对", "look into MiniQMT's list of orders")
    if report is not None and report.state is AttemptState.CANCELED and not report.filled:
        remark = "备注完整返回" if report.remark == request.remark else f"备注被改为 {report.remark!r}"
        return ok(place, f"下单并撤单成功，{remark}", "placed and cancelled")
    state = "没有结果" if report is None else f"{report.state}，成交 {report.filled}"
    return bad(
        place,
        f"测试委托的结局是：{state}{placed_zh}",
        f"the test order ended as {report.state if report else 'unknown'}{placed_en}",
        "在 MiniQMT 的委托列表中核对",
        "look into MiniQMT's list of orders",
    )


def _wait(broker: "QmtBroker", order_id: str, is_it: Callable[[OrderReport], bool]) -> OrderReport | None:
    pause = threading.Event()
    report = None
    for _ in range(int(_WAIT_S / _POLL_S)):
        report = next((r for r in broker.orders() if r.broker_order_id == order_id), None)
        if report is not None and is_it(report):
            return report
        pause.wait(_POLL_S)
    return report


def _folder(place: str, path: Path) -> list[Finding]:
    if not path.is_dir():
        return []  # `brokers` says so
    found = []
    if not (path / PERMISSION_FILE).exists():
        found.append(
            bad(
                place,
                f"{path} 中没有 {PERMISSION_FILE}：MiniQMT 没有启动过，或账户没有程序化下单权限",
                f"there is no {PERMISSION_FILE} in {path}: MiniQMT never ran here, or may not be ordered by program",
                "以极简模式登录一次 MiniQMT；仍然没有就联系券商开通 MiniQMT（xtquant）权限",
                "log in to MiniQMT once; if it is still missing, ask the broker to allow MiniQMT (xtquant)",
            )
        )
    files = list(path.glob("down_queue_*"))
    size_mib = sum(file.stat().st_size for file in files) // 2**20
    if len(files) > _MOST_SESSION_FILES:
        found.append(
            warn(
                f"{place}.sessions",
                f"{path} 中有 {len(files)} 个会话文件，共 {size_mib} MiB",
                f"{len(files)} session files in {path}, {size_mib} MiB",
                "退出 MiniQMT 和所有策略程序后，删除 down_queue_* 文件",
                "end MiniQMT and every program that uses it, then delete down_queue_*",
            )
        )
    else:
        zh, en = f"会话文件 {len(files)} 个，共 {size_mib} MiB", f"{len(files)} session files, {size_mib} MiB"
        found.append(ok(f"{place}.sessions", zh, en))
    return found


def _login(around: Surroundings, name: str) -> Finding:
    place = f"accounts.{name}"
    if not _possible():
        return ok(place, "未检查登录（此机器没有 MiniQMT 接口）", "login not looked at: no MiniQMT interface here")
    try:
        with _connected(around, name) as broker:
            asset = broker.asset()
    except BrokerError as error:
        return bad(
            place,
            f"连不上：{error}",
            f"no connection: {error}",
            "启动 MiniQMT，勾选“极简模式/独立交易”登录；核对 account_id；客户端装在 C 盘时需以管理员运行",
            "start MiniQMT and log in (极简模式); check account_id; a terminal on drive C: needs administrator rights",
        )
    cash = f"{asset.cash:,.2f}"
    return ok(place, f"MiniQMT 已登录，可用资金 {cash}", f"logged in, {cash} yuan to spend")


@contextmanager
def _connected(around: Surroundings, name: str) -> "Iterator[QmtBroker]":
    from jqfollow.execution.brokers.qmt import QmtBroker  # slow: the whole broker
    from jqfollow.execution.brokers.qmt_sessions import SessionPool

    account = _qmt_accounts(around)[name]
    broker = QmtBroker(
        name=name,
        path=account.qmt_path,
        account_id=account.account_id,
        account_type=account.account_type,
        sessions=SessionPool(around.settings.data_dir / f"sessions-{name}.json", around.clock),
        clock=around.clock,
    )
    end = broker.connect()
    try:
        yield broker
    finally:
        end()


def _qmt_accounts(around: Surroundings) -> dict[str, QmtAccount]:
    return {name: a for name, a in around.settings.accounts.items() if isinstance(a, QmtAccount)}


def _possible() -> bool:
    """Whether the vendor's native part can be here."""
    return sys.platform == "win32" or "xtquant.xtpythonclient" in sys.modules
