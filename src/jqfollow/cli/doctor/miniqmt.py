"""The doctor's look at MiniQMT: package, folder, permission, session files, login, quotes and their clock."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from jqfollow.cli.doctor.findings import Finding, Surroundings, bad, ok, warn
from jqfollow.cli.doctor.real import SYMBOL, connected
from jqfollow.cli.doctor.vendor import missing
from jqfollow.cli.lock import is_running
from jqfollow.domain import BrokerError, Phase, Quote
from jqfollow.execution.brokers.miniqmt.native_path import native_path
from jqfollow.market.calendar import FILE_NAME, CalendarError, load_calendar
from jqfollow.market.sessions import phase_at
from jqfollow.settings import PaperAccount, QmtAccount

PERMISSION_FILE = "up_queue_xtquant"
"""MiniQMT makes it for accounts that may order by program; without it every connect answers -1."""
_MOST_SESSION_FILES = 12
_MOST_SESSION_MIB = 2048
_SKEW_S = 10


def terminals(around: Surroundings) -> Sequence[Finding]:
    """Each MiniQMT account: the package, its folder, its session files, and whether it lets us in."""
    return [found for name, account in qmt_accounts(around).items() for found in _terminal(around, name, account)]


def _terminal(around: Surroundings, name: str, account: QmtAccount) -> list[Finding]:
    place = f"accounts.{name}"
    trouble = missing(place, "MiniQMT 实盘", "MiniQMT") or _folder(place, account.qmt_path)
    if trouble is not None:
        return [trouble]
    found = [_sessions(f"{place}.sessions", account.qmt_path)]
    if not (account.qmt_path / PERMISSION_FILE).exists():
        found.append(_no_permission(place, account.qmt_path))
    elif is_running(around.settings.data_dir) is not None:
        found.append(ok(place, "服务正在运行，登录状态见 jqfollow status", "the service runs: see jqfollow status"))
    else:
        found.append(_login(around, name))
    return found


def market_data(around: Surroundings) -> Sequence[Finding]:
    """The quote service answers, its clock is ours, and its day is that of the calendar."""
    wanted = any(isinstance(a, PaperAccount) and a.quotes == "xtdata" for a in around.settings.accounts.values())
    if not wanted and not qmt_accounts(around):
        return []
    if missing("quotes", "", "") is not None:
        return []  # the accounts say why
    from jqfollow.execution.brokers.miniqmt.broker import xt_quotes  # slow: the whole broker

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
    return [_day(around, quote) or _clock(around, quote) or ok("quotes", *_shown(quote))]


def _shown(quote: Quote) -> tuple[str, str]:
    return f"行情正常，{SYMBOL} {quote.last or '未成交'}", f"quotes come: {SYMBOL} {quote.last}"


def _clock(around: Surroundings, quote: Quote) -> Finding | None:
    """This machine's clock against the exchange's."""
    now = around.clock.now()
    ahead_s = (quote.at - now).total_seconds()
    trading = quote.phase is Phase.CONTINUOUS and phase_at(now) is Phase.CONTINUOUS
    if abs(ahead_s) <= _SKEW_S or not (trading or ahead_s > 0):
        return None
    return warn(
        "quotes",
        f"交易所时间 {quote.at:%m-%d %H:%M:%S}，本机 {now:%m-%d %H:%M:%S}，相差 {abs(ahead_s):.0f} 秒",
        f"the exchange says {quote.at:%m-%d %H:%M:%S}, this machine {now:%m-%d %H:%M:%S}",
        "校准 Windows 时间（设置 → 时间和语言 → 立即同步），或检查行情是否中断",
        "set the machine's clock, or see whether quotes stand still",
    )


def _day(around: Surroundings, quote: Quote) -> Finding | None:
    """The trading days, as the service counts them, against the day on which the exchange traded last."""
    now = around.clock.now()
    try:
        trades = load_calendar(around.settings.data_dir / FILE_NAME).is_trading_day(now.date())
    except CalendarError:
        return None  # `calendar` says so
    if trades and phase_at(now) is Phase.CONTINUOUS and quote.at.date() < now.date():
        zh, en = (
            f"今天是交易日，行情却停在 {quote.at:%m-%d}",
            f"today is a trading day, the quotes are of {quote.at:%m-%d}",
        )
    elif not trades and quote.at.date() == now.date() and quote.phase is Phase.CONTINUOUS:
        zh, en = "日历说今天休市，交易所却在交易", "the calendar says that the exchange is closed, and it trades"
    else:
        return None
    return warn(
        "quotes",
        zh,
        en,
        f"核对电脑日期和 {FILE_NAME}；都对就检查 MiniQMT 的行情连接",
        f"compare the machine's date and {FILE_NAME}; if both are right, see that MiniQMT shows quotes itself",
    )


def _folder(place: str, path: Path) -> Finding | None:
    """Why this cannot be MiniQMT's folder."""
    if path.is_dir():
        return _unreadable(place, path)
    return bad(
        place,
        f"找不到文件夹 {path}",
        f"there is no folder {path}",
        f"{place}.qmt_path 应指向 QMT 安装目录下的 userdata_mini，路径用单引号",
        f"{place}.qmt_path is the folder userdata_mini of the QMT installation, in single quotes",
    )


def _unreadable(place: str, path: Path) -> Finding | None:
    """Why MiniQMT's natives would take the folder for another."""
    try:
        native_path(str(path))
    except BrokerError as error:
        zh, _, en = str(error).partition(" / ")
        return bad(
            place,
            zh,
            en,
            "改系统区域设置，或把 QMT 装到纯英文路径；旁边若有乱码名字的文件夹可以删除",
            "change the system locale, or QMT's folder; a folder with a garbled name beside it may be deleted",
        )
    return None


def _no_permission(place: str, path: Path) -> Finding:
    named = path.name.lower().startswith("userdata")
    return bad(
        place,
        f"{path} 中没有 {PERMISSION_FILE}："
        + ("MiniQMT 没有启动过，或账户没有程序化下单权限" if named else "不像 userdata_mini 文件夹"),
        f"there is no {PERMISSION_FILE} in {path}: "
        + ("MiniQMT never ran here, or may not be ordered by program" if named else "it is not userdata_mini"),
        "以极简模式登录一次 MiniQMT；仍然没有就联系券商开通 MiniQMT（xtquant）权限"
        if named
        else f"{place}.qmt_path 应以 userdata_mini 结尾，不是它的上一级或下一级",
        "log in to MiniQMT once; if it is still missing, ask the broker to allow MiniQMT (xtquant)"
        if named
        else f"{place}.qmt_path ends in userdata_mini as a rule, not one folder above or below",
    )


def _sessions(place: str, path: Path) -> Finding:
    """What session ids, of whatever program, left in MiniQMT's folder."""
    count, size = 0, 0
    for file in path.glob("down_queue_*"):
        with suppress(OSError):  # gone just now
            size += file.stat().st_size
            count += 1
    zh, en = f"会话文件 {count} 个，共 {size // 2**20} MiB", f"{count} session files, {size // 2**20} MiB"
    if count <= _MOST_SESSION_FILES and size <= _MOST_SESSION_MIB * 2**20:
        return ok(place, zh, en)
    return warn(
        place,
        f"{path} 中{zh}",
        f"{en} in {path}",
        "退出 MiniQMT 和所有策略程序后，删除 down_queue_* 文件",
        "end MiniQMT and every program that uses it, then delete down_queue_*",
    )


def _login(around: Surroundings, name: str) -> Finding:
    place = f"accounts.{name}"
    try:
        with connected(around, name) as broker:
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


def qmt_accounts(around: Surroundings) -> dict[str, QmtAccount]:
    """Those that trade through MiniQMT."""
    return {name: a for name, a in around.settings.accounts.items() if isinstance(a, QmtAccount)}
