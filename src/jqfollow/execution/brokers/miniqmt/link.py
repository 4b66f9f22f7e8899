"""One connection to MiniQMT: the vendor's trader from its making to its end, and questions with deadlines.

The vendor's synchronous calls wait on a future without a timeout; this asks by its asynchronous ones, which are the
same native calls, and waits itself: no thread is lost when an answer never comes, and the answer to a placing call
brings the reason of a refusal, which the synchronous call drops.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from jqfollow.clock import Clock
from jqfollow.domain import BrokerDownError, BrokerError, BrokerTimeoutError, Disconnected, PlaceRequest
from jqfollow.execution.brokers.miniqmt import codes
from jqfollow.execution.brokers.miniqmt.pushes import Pushes, make_callback
from jqfollow.execution.brokers.miniqmt.raw import RawCodes
from jqfollow.execution.brokers.miniqmt.remarks import Remarks
from jqfollow.execution.brokers.miniqmt.tables import LATEST, AccountCode, CodeTable
from jqfollow.execution.brokers.port import EventSink

STRATEGY = "jqfollow"
"""`strategy_name` of our orders, shown by MiniQMT beside them."""
ANSWER_TIMEOUT_S = 15.0
"""The longest any question waits; the lanes' deadlines are shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """The parts of the vendor's package that trade."""

    trader: Any
    """`XtQuantTrader`."""
    callback: Any
    """`XtQuantTraderCallback`."""
    account: Any
    """`StockAccount`."""
    table: CodeTable = LATEST
    """The codes of its build."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceAnswer:
    """What came of a placing call: the terminal's id, or why there is none."""

    order_id: int
    """-1: refused, or not sent."""
    message: str = ""
    """The reason of a -1, when one came."""
    pushed: bool = False
    """The reason came as a push, so it is the terminal's own."""
    refused_id: str = ""
    """The id under which the terminal lists what it refused; '': not told."""


class Link:
    """A connection. `open` and `stop` may hang: call them on threads with deadlines."""

    def __init__(
        self,
        *,
        vendor: Vendor,
        path: str,
        session: int,
        account_id: str,
        account_type: str,
        sink: EventSink,
        remarks: Remarks,
        clock: Clock,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
        raw: RawCodes | None = None,
    ) -> None:
        """Raises `BrokerDownError` for an account that the vendor does not accept."""
        self.session = session
        self._vendor = vendor
        self._path = path
        self._account_id = account_id
        self._account = vendor.account(account_id, account_type)
        if isinstance(self._account, str):  # the vendor answers a wrong account with a sentence
            raise BrokerDownError(f"资金账号无效：{self._account} / the account is not accepted")
        self._remarks = remarks
        self._clock = clock
        self._answer_timeout_s = answer_timeout_s
        self.table = vendor.table
        self._pushes = Pushes(
            sink=sink, remarks=remarks, clock=clock, account_id=account_id, table=vendor.table, raw=raw
        )
        self._news = threading.Condition()
        self._lost = ""
        self._detached = False
        self._responses: dict[int, Any] = {}
        self._given_up: dict[int, str] = {}
        """Calls that nobody waits for any more, with the remark of the order."""
        self._proved_at = float("-inf")
        self._trader: Any = None
        self.refused = False
        """MiniQMT did not let us in: `open` may be called again, with the same trader.

        The vendor's natives never give back all that a trader takes (seven handles each), not even when it is stopped.
        """

    # -- life

    def open(self) -> None:
        """Connects and subscribes, with a trader that is built and started the first time.

        Raises:
            BrokerDownError: MiniQMT does not let us in; says what to do.
        """
        if self._trader is None:
            self._start()
        self.refused = False
        code = self._trader.connect()
        self.refused = code != 0
        if self.refused:
            raise BrokerDownError(
                f"连接 MiniQMT 失败（返回 {code}）：请确认 MiniQMT 已以“极简模式”（独立交易）登录，"
                "且 qmt_path 是它的 userdata_mini / "
                f"MiniQMT did not answer ({code}): is it running and logged in, is qmt_path its userdata_mini?"
            )
        code = self._trader.subscribe(self._account)
        if code != 0:
            raise BrokerDownError(
                f"订阅资金账号 …{self._account_id[-4:]} 失败（返回 {code}）："
                "请核对 account_id 和 account_type，并在 MiniQMT 中登录该账号 / "
                f"MiniQMT does not know this account ({code}): check account_id and account_type, log in to it"
            )

    def _start(self) -> None:
        self._trader = self._vendor.trader(self._path, self.session)
        self._trader.loop.close()
        self._trader.loop = _NoLoop()
        handlers: dict[str, Callable[..., None]] = {
            "on_disconnected": self._on_disconnected,
            "on_account_status": self._pushes.on_account_state,
            "on_stock_order": self._pushes.on_order,
            "on_stock_trade": self._pushes.on_fill,
            "on_order_error": self._pushes.on_order_error,
            "on_cancel_error": self._pushes.on_cancel_error,
            "on_order_stock_async_response": self._on_response,
            "on_cancel_order_stock_async_response": self._on_response,
        }
        self._trader.register_callback(make_callback(self._vendor.callback, handlers))
        self._trader.start()

    def detach(self, why: str) -> bool:
        """Nothing of this connection counts any more, and whoever waits for an answer of it is told so.

        Returns:
            Whether it was attached until now.
        """
        self._pushes.mute()
        with self._news:
            attached, self._detached = not self._detached, True
            self._lost = self._lost or why
            self._news.notify_all()
            return attached

    def stop(self) -> None:
        """Ends the vendor's threads; may hang for ever."""
        if self._trader is None or self._trader.executor is None:
            return
        self._trader.stop()
        # The natives keep for good whatever hears from them: it must not keep this connection.
        self._trader.register_callback(_nobody(self._vendor.callback))

    @property
    def lost(self) -> str:
        """Why the connection is over; empty while nothing says so."""
        with self._news:
            return self._lost

    @property
    def proved_s_ago(self) -> float:
        """Seconds since the terminal last proved that it is there."""
        return self._clock.monotonic() - self._proved_at

    # -- questions

    def asset(self, timeout_s: float | None = None) -> Any:
        """The account's `XtAsset`, which proves the connection.

        Raises:
            BrokerDownError: MiniQMT answered with nothing: it is not connected to the account.
            BrokerTimeoutError: it did not answer.
        """
        row = self._ask("asset", lambda tell: self._trader.query_stock_asset_async(self._account, tell), timeout_s)
        barrier = self.barrier
        if barrier is not None and row is not None:
            self._ask_state(timeout_s)  # a push that it is well again may have been lost
            barrier = self.barrier
        if row is None:
            zh, en = (f"（账号状态：{barrier.zh}）", f" ({barrier.en})") if barrier else ("", "")
            raise BrokerDownError(
                f"MiniQMT 未返回资产，账号未连接{zh} / MiniQMT gives no asset: the account is not connected{en}"
            )
        if barrier is not None:
            raise BrokerDownError(f"MiniQMT 里账号状态为“{barrier.zh}” / the account's state in MiniQMT: {barrier.en}")
        self._prove()
        return row

    @property
    def barrier(self) -> AccountCode | None:
        """The account's state, as the terminal last told it, in which it does not trade; `None`: it does."""
        return self.table.barrier(self._pushes.account_state)

    def _ask_state(self, timeout_s: float | None) -> None:
        for status in self._ask("status", self._trader.query_account_status_async, timeout_s) or ():
            self._pushes.on_account_state(status)

    def rows(self, what: str) -> list[Any]:
        """Today's `orders`, `trades`, or the `positions`, as the vendor's rows.

        An empty list is what a lost connection answers, too: it counts between two good asset answers only.

        Raises:
            BrokerError: not known.
        """
        found = self._rows(what)
        if not found:
            self.asset()
            found = self._rows(what)
            self.asset()
        self._prove()
        return found

    def _rows(self, what: str) -> list[Any]:
        query = getattr(self._trader, f"query_stock_{what}_async")
        return list(self._ask(what, lambda tell: query(self._account, tell)) or ())

    def _ask(self, what: str, send: Callable[[Callable[[Any], None]], object], timeout_s: float | None = None) -> Any:
        wait_s = self._answer_timeout_s if timeout_s is None else timeout_s
        box: list[Any] = []

        def tell(answer: Any) -> None:
            with self._news:
                box.append(answer)
                self._news.notify_all()

        self._check()
        try:
            send(tell)
        except Exception as error:  # the vendor's request ends here
            raise BrokerError(f"查询 {what} 出错 / the question broke: {error!r}") from error
        with self._news:
            self._news.wait_for(lambda: box or self._lost, wait_s)
            if box and not self._lost:
                return box[0]
        self._check()
        raise BrokerTimeoutError(f"MiniQMT {wait_s:g} 秒内没有答复查询 {what} / no answer within {wait_s:g} s")

    def _check(self) -> None:
        if self.lost:
            raise BrokerDownError(f"与 MiniQMT 的连接已断开：{self.lost} / the connection to MiniQMT is lost")

    def _prove(self) -> None:
        self._proved_at = self._clock.monotonic()

    # -- orders

    def place(self, request: PlaceRequest, *, reason_wait_s: float) -> PlaceAnswer:
        """Hands an order over, once, and waits for the terminal's answer; for the reason of a -1 up to `reason_wait_s`.

        Raises:
            BrokerDownError: the connection was lost before; not sent.
            BrokerError: the outcome is unknown.
        """
        self._check()
        with self._pushes.placing(request):
            try:
                seq = self._trader.order_stock_async(
                    self._account,
                    request.symbol,
                    codes.ORDER_TYPES[request.side],
                    request.volume,
                    codes.FIX_PRICE,
                    float(request.price),
                    STRATEGY,
                    request.remark,
                )
            except Exception as error:  # the vendor's request ends here: whether it went out, nobody knows
                raise BrokerError(
                    f"MiniQMT 下单出错，结果未知 / placing broke, the outcome is unknown: {error!r}"
                ) from error
            if seq <= 0:  # the manual's sign of failure, never seen: whatever it means, it is no proof
                raise BrokerError(
                    f"MiniQMT 下单返回序号 {seq}，结果未知 / placing answered {seq}: the outcome is unknown"
                )
            response = self._response(seq, request.remark)
            order_id = int(response.order_id)
            if order_id > 0:
                self._remarks.learn(order_id, request.remark)
                self._prove()
                return PlaceAnswer(order_id=order_id)
            told = str(getattr(response, "error_msg", "") or "")
            pushed = self._pushes.refusal(request, seq, wait_s=0 if told else reason_wait_s)
            if pushed is None:
                return PlaceAnswer(order_id=order_id, message=told)
            if pushed.broker_order_id:
                self._remarks.learn(int(pushed.broker_order_id), request.remark)
            return PlaceAnswer(
                order_id=order_id, message=pushed.message, pushed=True, refused_id=pushed.broker_order_id
            )

    def cancel(self, order_id: int) -> None:
        """Asks for a cancel; raises `BrokerError` when it is refused or not answered."""
        self._check()
        try:
            seq = self._trader.cancel_order_stock_async(self._account, order_id)
        except Exception as error:  # the vendor's request ends here
            raise BrokerError(f"MiniQMT 撤单出错 / cancelling broke: {error!r}") from error
        response = self._response(seq, "")
        code = int(response.cancel_result)
        if code != 0:
            zh, en = codes.CANCEL_REFUSALS.get(code, (f"返回 {code}", f"code {code}"))
            words = str(getattr(response, "error_msg", "") or "")
            raise BrokerError(f"撤单被拒绝：{words or zh} / the cancel was refused: {en}")
        self._prove()

    def _response(self, seq: int, remark: str) -> Any:
        with self._news:
            self._news.wait_for(lambda: seq in self._responses or self._lost, self._answer_timeout_s)
            if seq in self._responses:
                return self._responses.pop(seq)
            self._given_up[seq] = remark
            lost = self._lost
        if lost:
            raise BrokerError(f"答复之前连接断开（{lost}），结果未知 / the connection was lost before the answer")
        raise BrokerTimeoutError(
            f"MiniQMT {self._answer_timeout_s:g} 秒内没有答复，结果未知 / no answer: the outcome is unknown"
        )

    # -- on the vendor's thread

    def _on_response(self, response: Any) -> None:
        """The answer to a placing or cancelling call."""
        seq = int(response.seq)
        with self._news:
            given_up = seq in self._given_up
            remark = self._given_up.pop(seq, "")
            if not given_up:
                self._responses[seq] = response
                self._news.notify_all()
        order_id = int(getattr(response, "order_id", 0) or 0)
        if remark and order_id > 0:
            self._remarks.learn(order_id, remark)  # too late for the caller; the lists will show whose it is

    def _on_disconnected(self) -> None:
        """The terminal went away. Not always told: the supervisor probes."""
        if self.refused:
            return  # there was no connection
        with self._news:
            self._lost = self._lost or "MiniQMT 断开 / MiniQMT went away"
            self._news.notify_all()
        self._pushes.emit(Disconnected(message="与 MiniQMT 的连接断开 / the connection to MiniQMT was lost"))


class _NoLoop:
    """In place of the trader's event loop, in which nothing runs but its own `sleep`: an open one holds handles."""

    def call_soon_threadsafe(self, *_: object) -> None:
        """What the trader's `stop` asks."""

    def stop(self) -> None:
        """There is none to stop."""


def quiet_trader(base: Any) -> Any:
    """The vendor's trader, without its `__del__`, which sets the main thread's event loop."""
    return type("QuietTrader", (base,), {"__del__": lambda _self: None})


@cache
def _nobody(base: Any) -> Any:
    """One object for all that hears nothing."""
    return base()
