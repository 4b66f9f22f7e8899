"""MiniQMT: the one door to the vendor's package.

`QmtBroker` implements `port.Broker` for an account in a running MiniQMT terminal. What the vendor's package does, and
what this does about it, stands in docs/windows.md and docs/acceptance.md.
"""

import importlib
import importlib.metadata
import importlib.util
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import structlog

from jqfollow.clock import Clock
from jqfollow.domain import (
    Accepted,
    Asset,
    BrokerDownError,
    BrokerError,
    BrokerEvent,
    BrokerTimeoutError,
    FillReport,
    Instrument,
    OrderReport,
    Placed,
    PlaceRequest,
    Position,
    Quote,
    Refused,
)
from jqfollow.execution.brokers.miniqmt import codes
from jqfollow.execution.brokers.miniqmt.link import ANSWER_TIMEOUT_S, Link, Vendor, quiet_trader
from jqfollow.execution.brokers.miniqmt.native_path import native_path
from jqfollow.execution.brokers.miniqmt.quotes import XtQuotes
from jqfollow.execution.brokers.miniqmt.raw import RawCodes
from jqfollow.execution.brokers.miniqmt.remarks import Remarks
from jqfollow.execution.brokers.miniqmt.sessions import SessionPool
from jqfollow.execution.brokers.miniqmt.tables import table_of
from jqfollow.execution.brokers.miniqmt.threads import Threads
from jqfollow.execution.brokers.port import INDEX, BrokerTraits, EventSink

_log = structlog.get_logger(__name__)

REMARK_LENGTH = 24
"""ASCII characters that `order_remark` holds; more is dropped silently."""
CONNECT_TIMEOUT_S = 20.0
"""The import may take 10 s, a connect without a terminal takes 3 s."""
STOP_TIMEOUT_S = 2.5
REASON_WAIT_S = 1.0
"""How long the reason of a -1 is waited for; later it comes as a `PlaceFailed`."""
FRESH_S = 3.0
"""An order goes out without asking again when the terminal proved itself so short ago."""
PROBE_TIMEOUT_S = 1.0

_import_lock = threading.Lock()


class QmtBroker:
    """One account in a MiniQMT terminal."""

    def __init__(
        self,
        *,
        name: str,
        path: Path,
        account_id: str,
        account_type: Literal["STOCK", "CREDIT"] = "STOCK",
        sessions: SessionPool,
        clock: Clock,
        quotes: XtQuotes | None = None,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        stop_timeout_s: float = STOP_TIMEOUT_S,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
        reason_wait_s: float = REASON_WAIT_S,
        fresh_s: float = FRESH_S,
    ) -> None:
        """Nothing is imported, started or connected yet.

        Args:
            name: of the account; stands in thread names and errors.
            path: MiniQMT's folder `userdata_mini`.
            account_id: 资金账号.
            account_type: of a CREDIT account only collateral trades are made.
            sessions: of this account alone.
            clock: tells the time.
            quotes: market data; of its own when left out.
            connect_timeout_s: how long a connection may take.
            stop_timeout_s: how long the end of one is waited for.
            answer_timeout_s: see `qmt_link.ANSWER_TIMEOUT_S`.
            reason_wait_s: see `REASON_WAIT_S`.
            fresh_s: see `FRESH_S`.
        """
        self._name = name
        self._path = path
        self._account_id = account_id
        self._account_type = account_type
        self._sessions = sessions
        self._clock = clock
        self._quotes = quotes or xt_quotes(clock)
        self._connect_timeout_s = connect_timeout_s
        self._stop_timeout_s = stop_timeout_s
        self._answer_timeout_s = answer_timeout_s
        self._reason_wait_s = reason_wait_s
        self._fresh_s = fresh_s
        self._threads = Threads(f"qmt-{name}")
        self._remarks = Remarks(clock)
        self._lock = threading.Lock()
        self._link: Link | None = None
        self._refused: dict[int, Link] = {}
        """By session id: those that MiniQMT did not let in, each of which tries again when its id's turn comes."""
        self._sink: EventSink = _nowhere
        self.raw_codes: RawCodes | None = None
        """Set before `connect`: keeps the terminal's own numbers."""

    @property
    def traits(self) -> BrokerTraits:
        """Real money; an order that the list does not show may be there all the same."""
        return BrokerTraits(real=True, absence_is_proof=False, index=INDEX)

    @property
    def hung(self) -> int:
        """How many vendor threads hang in connecting, stopping or market data."""
        return self._threads.hung + self._quotes.hung

    def events(self, sink: EventSink) -> None:
        """Pushes go to `sink` from the next `connect` on."""
        self._sink = sink

    # -- the connection

    def connect(self) -> Callable[[], None]:
        """Ends the old connection, if any, and makes a new one, with another session id.

        Returns:
            What ends it; returns within `stop_timeout_s`, leaving behind what hangs.

        Raises:
            BrokerDownError: not possible now; says what is missing and what to do.
        """
        self._check_installed()
        with self._lock:
            old, self._link = self._link, None
        if old is not None:
            self._retire(old, "由新连接取代 / replaced by a new connection")
        self._threads.check()  # before an id is taken that nobody would give back
        session = self._sessions.take()
        if session is None:
            raise BrokerDownError(f"{self._name}: 刚刚断开，3 秒后再连 / the last connection ended less than 3 s ago")
        try:
            link = self._threads.run(
                "connect",
                lambda: self._open(session),
                timeout_s=self._connect_timeout_s,
                on_late=lambda late: self._retire(late, "连接太迟 / connected too late"),
            )
        except BrokerTimeoutError as error:
            raise BrokerDownError(
                f"{self._name}: 连接 MiniQMT 超过 {self._connect_timeout_s:g} 秒没有结果，请重启 MiniQMT / "
                f"connecting hangs: restart MiniQMT"
            ) from error
        with self._lock:
            self._link = link
        return lambda: self._end(link)

    def _check_installed(self) -> None:
        missing: list[tuple[str, str]] = []
        if importlib.util.find_spec("xtquant") is None:
            missing.append(
                (
                    "未安装 xtquant（仅 Windows，64 位 Python 3.11–3.13；执行 pip install xtquant）",
                    "xtquant is not installed (Windows only, 64-bit Python 3.11-3.13: pip install xtquant)",
                )
            )
        if not self._path.is_dir():
            missing.append(
                (
                    f"qmt_path 文件夹不存在：{self._path}，应为 MiniQMT 安装目录下的 userdata_mini",
                    f"there is no folder {self._path}; qmt_path is userdata_mini in MiniQMT's folder",
                )
            )
        if missing:
            zh, en = (half.join(parts) for half, parts in zip("；;", zip(*missing, strict=True), strict=True))
            raise BrokerDownError(f"{self._name}: {zh} / {en}")
        native_path(str(self._path))

    def _open(self, session: int) -> Link:
        """On a thread of its own: the vendor's constructor replaces the thread's event loop."""
        with self._lock:
            link = self._refused.pop(session, None)
        try:
            link = link or self._made(session)
            link.open()
            link.asset()
        except BaseException as error:
            if link is not None and link.refused:
                with self._lock:
                    self._refused[session] = link
                self._sessions.give_back(session)
            elif link is not None:
                self._retire(link, "未能连接 / could not be opened")
            else:
                self._sessions.give_back(session)
            if isinstance(error, BrokerError) or not isinstance(error, Exception):
                raise
            raise BrokerDownError(f"{self._name}: 连接 MiniQMT 出错：{error!r} / connecting broke") from error
        self._forget_refused()
        return link

    def _made(self, session: int) -> Link:
        return Link(
            vendor=load_vendor(),
            path=native_path(str(self._path)),
            session=session,
            account_id=self._account_id,
            account_type=self._account_type,
            sink=self._push,
            remarks=self._remarks,
            clock=self._clock,
            answer_timeout_s=self._answer_timeout_s,
            raw=self.raw_codes,
        )

    def _forget_refused(self) -> None:
        """Another connection stands: those that wait for theirs end."""
        with self._lock:
            refused, self._refused = self._refused, {}
        for link in refused.values():
            self._retire(link, "已由另一个连接代替 / another connection stands")

    def _push(self, event: BrokerEvent) -> None:
        self._sink(event)

    def _end(self, link: Link) -> None:
        with self._lock:
            if self._link is link:
                self._link = None
        self._retire(link, "程序停止 / the service stops")
        self._forget_refused()

    def _retire(self, link: Link, why: str) -> None:
        """Detaches a connection and stops it; one that hangs keeps its session id."""
        if not link.detach(why):
            return

        def stop() -> None:
            try:
                link.stop()
            except Exception:  # noqa: BLE001  # the connection ends here, one way or another
                _log.exception("a connection to MiniQMT ended badly", account=self._name)
            self._sessions.give_back(link.session)

        try:
            self._threads.run("stop", stop, timeout_s=self._stop_timeout_s)
        except BrokerError as error:  # it hangs, or too many hang already
            _log.warning("a connection to MiniQMT does not end", account=self._name, error=str(error))

    def _connected(self) -> Link:
        with self._lock:
            link = self._link
        if link is None:
            raise BrokerDownError(f"{self._name}: 未连接 MiniQMT / not connected to MiniQMT")
        if link.lost:
            raise BrokerDownError(f"{self._name}: {link.lost}")
        return link

    # -- orders

    def place(self, request: PlaceRequest) -> Placed:
        """Places a limit order, once; see `port.Broker.place` for the three outcomes.

        A -1 is a refusal only when the terminal said why, in words that are no "I do not know", and the connection
        stood; everything else that is neither an id nor proof is unknown.
        """
        link = self._connected()
        self._check_request(request)
        if link.proved_s_ago >= self._fresh_s or link.barrier is not None:
            try:
                link.asset(PROBE_TIMEOUT_S)
            except BrokerError as error:
                raise BrokerDownError(
                    f"{self._name}: 下单前探测失败，未发送 / not sent, MiniQMT does not answer: {error}"
                ) from error
        answer = link.place(request, reason_wait_s=self._reason_wait_s)
        if answer.order_id > 0:
            return Accepted(broker_order_id=str(answer.order_id))
        if not answer.message:
            raise BrokerError(
                f"{self._name}: 下单返回 -1 且没有原因，结果未知 / -1 without a reason: the outcome is unknown"
            )
        if codes.proves_nothing(answer.message):
            raise BrokerError(f"{self._name}: 下单返回 -1（{answer.message}），结果未知 / -1: the outcome is unknown")
        if not answer.pushed:
            try:
                link.asset(PROBE_TIMEOUT_S)
            except BrokerError as error:
                raise BrokerError(
                    f"{self._name}: 下单返回 -1（{answer.message}），但连接随后失败，结果未知 / "
                    f"-1, and the connection was gone afterwards: the outcome is unknown"
                ) from error
        return Refused(message=answer.message, broker_order_id=answer.refused_id)

    def _check_request(self, request: PlaceRequest) -> None:
        remark = request.remark
        if not remark.isascii() or not 0 < len(remark) <= REMARK_LENGTH:
            raise BrokerDownError(
                f"备注 {remark!r} 应为 1 到 {REMARK_LENGTH} 个 ASCII 字符，未发送 / a wrong remark: not sent"
            )
        if request.volume <= 0 or not request.price.is_finite() or request.price <= 0:
            raise BrokerDownError(
                f"数量 {request.volume} 或价格 {request.price} 无效，未发送 / wrong figures: not sent"
            )

    def cancel(self, broker_order_id: str) -> None:
        """Asks for a cancel; only an `OrderReport` proves the end. Raises `BrokerError` when refused or not asked."""
        if not broker_order_id.isdecimal():
            raise BrokerError(f"委托编号 {broker_order_id!r} 不是 MiniQMT 的编号 / not an order id of MiniQMT")
        self._connected().cancel(int(broker_order_id))

    # -- questions

    def orders(self) -> Sequence[OrderReport]:
        """All of today's orders of the account; see `port.Broker.orders`."""
        now = self._clock.now()
        link = self._connected()
        rows = link.rows("orders")
        if self.raw_codes is not None:
            for row in rows:
                self.raw_codes.note(str(row.order_id), int(row.order_status), str(row.order_remark or ""))
        reports = (codes.order_report(row, remark=self._remark(row), now=now, table=link.table) for row in rows)
        return [report for report in reports if report is not None]

    def fills(self) -> Sequence[FillReport]:
        """All of today's fills of the account; raises like `orders`."""
        now = self._clock.now()
        rows = self._connected().rows("trades")
        reports = (codes.fill_report(row, remark=self._remark(row), now=now) for row in rows)
        return [report for report in reports if report is not None]

    def positions(self) -> Sequence[Position]:
        """What the account holds; raises like `orders`."""
        return codes.positions_of(self._connected().rows("positions"))

    def asset(self) -> Asset:
        """The account's money; the probe of the connection. Raises like `orders`."""
        return codes.asset_of(self._connected().asset())

    def quote(self, symbol: str) -> Quote | None:
        """The market now; raises like `orders`."""
        return self._quotes.quote(symbol)

    def instrument(self, symbol: str) -> Instrument | None:
        """Today's facts of a security; raises like `orders`."""
        return self._quotes.instrument(symbol)

    def _remark(self, row: Any) -> str:
        return self._remarks.of(row.order_id, str(getattr(row, "order_remark", "") or ""))


def _nowhere(_event: BrokerEvent) -> None:
    """Where pushes go before anybody listens."""


def xt_quotes(clock: Clock) -> XtQuotes:
    """Market data of whatever MiniQMT runs on this machine; for paper accounts, too."""
    return XtQuotes(load=load_xtdata, clock=clock)


def load_vendor() -> Vendor:
    """Imports the vendor's trading package; call it on a worker thread, the first time takes a while.

    Raises:
        BrokerDownError: it is not there, or not for this Python; says what to do.
    """
    trader = _load("xtquant.xttrader")
    return Vendor(
        trader=quiet_trader(trader.XtQuantTrader),
        callback=trader.XtQuantTraderCallback,
        account=_load("xtquant.xttype").StockAccount,
        table=table_of(_version()),
    )


def _version() -> str:
    try:
        return importlib.metadata.version("xtquant")
    except importlib.metadata.PackageNotFoundError:  # copied by hand out of a terminal's folder
        return ""


def load_xtdata() -> Any:
    """Imports the vendor's market data; like `load_vendor`."""
    xtdata = _load("xtquant.xtdata")
    xtdata.enable_hello = False  # else it prints at every connection
    return xtdata


def _load(name: str) -> Any:
    """Imports a module of the vendor's, without the look-up of its newest version at a package registry.

    `xtquant/__init__.py` makes that look-up with a timeout of 10 s; it needs `pkg_resources` before it asks, and gives
    up silently without.
    """
    with _import_lock:
        if name in sys.modules:
            return sys.modules[name]
        absent = object()
        kept: Any = sys.modules.get("pkg_resources", absent)
        sys.modules["pkg_resources"] = None  # type: ignore[assignment]  # Python's way to say: cannot be imported
        try:
            return importlib.import_module(name)
        except ImportError as error:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            raise BrokerDownError(
                f"无法导入 {name}（{error}）：xtquant 只支持 Windows 和 64 位 Python 3.11–3.13，"
                f"当前是 {sys.platform} Python {version} / "
                f"xtquant is for Windows and 64-bit Python 3.11-3.13; this is {sys.platform}, Python {version}"
            ) from error
        finally:
            if kept is absent:
                with suppress(KeyError):
                    del sys.modules["pkg_resources"]
            else:
                sys.modules["pkg_resources"] = kept
