"""The full QMT terminal as a broker: what `inside.py` does in the terminal, asked for through `mailbox.py`.

What goes wrong in such a terminal, and what this does about it, stands in docs/fullqmt.md and docs/acceptance.md.
"""

import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import structlog

from jqfollow.clock import Clock
from jqfollow.domain import (
    ATTEMPT_ENDED,
    Accepted,
    Asset,
    BrokerDownError,
    BrokerError,
    BrokerEvent,
    Disconnected,
    FillReport,
    Instrument,
    OrderReport,
    Placed,
    PlaceFailed,
    PlaceRequest,
    Position,
    Quote,
    Refused,
)
from jqfollow.execution.brokers.fullqmt import rows
from jqfollow.execution.brokers.fullqmt.mailbox import SILENT_S, Mailbox, Told
from jqfollow.execution.brokers.fullqmt.positions import GRACE_S, MovingPositions
from jqfollow.execution.brokers.miniqmt.codes import proves_nothing
from jqfollow.execution.brokers.miniqmt.quotes import (
    INSTRUMENT_TTL_S,
    QUOTE_TTL_S,
    Cache,
    instrument_of,
    quote_of,
)
from jqfollow.execution.brokers.miniqmt.remarks import Remarks
from jqfollow.execution.brokers.port import INDEX, BrokerTraits, EventSink

_log = structlog.get_logger(__name__)

REMARK_LENGTH = 24
SENT_LENGTH = 23
"""`userOrderId` is shorter than 24 characters; our own are a dozen."""
CONNECT_TIMEOUT_S = 8.0
TAKE_S = 2.0
"""An order that the terminal has not taken by then is taken back."""
PLACE_S = 4.8
"""Shorter than the lane's deadline of 5 s: the outcome is told by who knows it."""
CANCEL_S = 4.0
QUERY_S = 2.4
CANCEL_SEEN_S = 1.5
"""How long a row is looked at after the terminal said that it did not cancel."""


class FullQmtBroker:
    """One account in a full QMT terminal. Thread-safe; placing calls may come side by side."""

    def __init__(
        self,
        *,
        name: str,
        mailbox: Path,
        account_id: str,
        clock: Clock,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        take_s: float = TAKE_S,
        place_s: float = PLACE_S,
        query_s: float = QUERY_S,
        silent_s: float = SILENT_S,
        grace_s: float = GRACE_S,
        quote_ttl_s: float = QUOTE_TTL_S,
        instrument_ttl_s: float = INSTRUMENT_TTL_S,
    ) -> None:
        """Nothing is touched before `connect`.

        Args:
            name: of the account; stands in thread names and errors.
            mailbox: the folder between the two.
            account_id: 资金账号.
            clock: tells the time.
            connect_timeout_s: how long the strategy's heartbeat is waited for.
            take_s: see `TAKE_S`.
            place_s: see `PLACE_S`.
            query_s: how long a question may take.
            silent_s: see `mailbox.SILENT_S`.
            grace_s: see `positions.GRACE_S`.
            quote_ttl_s: how long a quote is used.
            instrument_ttl_s: how long a security's facts are used.
        """
        self._name = name
        self._path = mailbox
        self._account_id = account_id
        self._clock = clock
        self._connect_timeout_s = connect_timeout_s
        self._take_s = take_s
        self._place_s = place_s
        self._query_s = query_s
        self._silent_s = silent_s
        self._lock = threading.Lock()
        self._box: Mailbox | None = None
        self._sink: EventSink = _nowhere
        self._remarks = Remarks(clock)
        self._told_refused: set[str] = set()
        self._moving = MovingPositions(clock, grace_s)
        self._moving_lock = threading.Lock()
        self._grace_s = grace_s
        self._quotes: Cache[Quote] = Cache(clock, quote_ttl_s)
        self._instruments: Cache[Instrument] = Cache(clock, instrument_ttl_s)

    @property
    def traits(self) -> BrokerTraits:
        """Real money; an order that the list does not show may be there all the same."""
        return BrokerTraits(real=True, absence_is_proof=False, index=INDEX)

    def events(self, sink: EventSink) -> None:
        """Pushes go to `sink` from the next `connect` on."""
        self._sink = sink

    # -- the connection

    def connect(self) -> Callable[[], None]:
        """Waits for the strategy in the terminal, and asks for the account's money.

        Raises:
            BrokerDownError: not possible now; says what is missing and what to do.
        """
        with self._lock:
            old, self._box = self._box, None
        if old is not None:
            old.close("由新连接取代 / replaced by a new connection")
        box = Mailbox(
            self._path,
            name=self._name,
            account_id=self._account_id,
            clock=self._clock,
            event=self._event,
            late=self._late,
            lost=lambda why: self._sink(Disconnected(message=why)),
            silent_s=self._silent_s,
        )
        try:
            box.open(self._connect_timeout_s)
            self._ask(box, lists=["account"])
        except BrokerDownError:
            box.close("未能连接 / could not be opened")
            raise
        except (BrokerError, OSError) as error:
            box.close("未能连接 / could not be opened")
            raise BrokerDownError(f"{self._name}: 未能连接 QMT：{error} / could not connect to QMT") from error
        with self._moving_lock:
            self._moving = MovingPositions(self._clock, self._grace_s)
        with self._lock:
            self._box = box
        return lambda: self._end(box)

    def _end(self, box: Mailbox) -> None:
        with self._lock:
            if self._box is box:
                self._box = None
        box.close("程序停止 / the service stops")

    def _up(self) -> Mailbox:
        with self._lock:
            box = self._box
        if box is None:
            raise BrokerDownError(f"{self._name}: 未连接 QMT / not connected to QMT")
        if box.lost:
            raise BrokerDownError(f"{self._name}: {box.lost}")
        return box

    # -- orders

    def place(self, request: PlaceRequest) -> Placed:
        """Places a limit order, once; see `port.Broker.place` for the three outcomes."""
        box = self._up()
        self._check_request(request)
        sent = request.remark[:SENT_LENGTH]
        body = {
            "side": request.side.value,
            "code": request.symbol,
            "volume": request.volume,
            "price": str(request.price),
            "remark": sent,
        }
        answer = box.ask("p", body, take_s=min(self._take_s, self._place_s), answer_s=self._place_s)
        words = str(answer.get("words") or "")
        match answer.get("outcome"):
            case "row":
                return self._placed(answer, request.remark)
            case "not_placed":
                raise BrokerDownError(f"{self._name}: QMT 没有下单，确定未发送：{words} / certainly not placed")
        raise BrokerError(f"{self._name}: 下单结果未知：{words} / the outcome is unknown")

    def _placed(self, answer: Told, remark: str) -> Placed:
        row = answer["row"]
        order_id, words = rows.order_id_of(row), rows.words_of(row)
        if not rows.is_rejected(row):
            self._remarks.learn(order_id, remark)
            return Accepted(broker_order_id=order_id)
        if not order_id and proves_nothing(words):
            raise BrokerError(f"{self._name}: QMT 报错（{words}），结果未知 / the outcome is unknown")
        if order_id:
            self._remarks.learn(order_id, remark)
        return Refused(message=words or "废单 / rejected", broker_order_id=order_id)

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
        """Asks for a cancel; only an `OrderReport` proves the end.

        The terminal's `False` proves nothing: the row decides.

        Raises:
            BrokerError: refused or not asked; says why.
        """
        box = self._up()
        row = self._row(box, broker_order_id)
        if row is None:
            raise BrokerError(f"{self._name}: 没有委托 {broker_order_id} / no such order is listed")
        report = rows.order_report(row, remark="", now=self._clock.now())
        if report is not None and report.state in ATTEMPT_ENDED:
            raise BrokerError(f"{self._name}: 委托 {broker_order_id} 已结束 / the order is over")
        answer = box.ask("c", {"order": broker_order_id}, take_s=self._take_s, answer_s=CANCEL_S)
        if answer.get("outcome") == "ok":
            return
        end = self._clock.monotonic() + CANCEL_SEEN_S
        while self._clock.monotonic() < end:
            row = self._row(box, broker_order_id)
            if row is not None and row.get("m_nOrderStatus") in rows.CANCELLING:
                return
        raise BrokerError(f"{self._name}: QMT 拒绝撤单 {broker_order_id} / the cancel was refused")

    def _row(self, box: Mailbox, order_id: str) -> rows.Row | None:
        listed = self._list(box, "order")
        return next((row for row in listed if rows.order_id_of(row) == order_id), None)

    # -- questions

    def orders(self) -> Sequence[OrderReport]:
        """All of today's orders of the account that have an id; see `port.Broker.orders`."""
        return self._reports(self._list(self._up(), "order"))

    def _reports(self, listed: Collection[rows.Row]) -> list[OrderReport]:
        now = self._clock.now()
        for row in listed:
            self._tell_refused_without_id(row)
        reports = (rows.order_report(row, remark=self._remark(row), now=now) for row in listed)
        return [report for report in reports if report is not None]

    def fills(self) -> Sequence[FillReport]:
        """All of today's fills of the account; raises like `orders`."""
        return self._fills(self._list(self._up(), "deal"))

    def _fills(self, listed: Collection[rows.Row]) -> list[FillReport]:
        now = self._clock.now()
        reports = (rows.fill_report(row, remark=self._remark(row), now=now) for row in listed)
        return [report for report in reports if report is not None]

    def positions(self) -> Sequence[Position]:
        """What the account holds; raises like `orders`, and when the terminal has stopped refreshing it."""
        box = self._up()
        answer = self._ask(box, lists=["account", "position", "deal"])
        if not rows.rows_of(answer, "position"):
            answer = self._ask(box, lists=["account", "position", "deal"])
        positions = rows.positions_of(rows.rows_of(answer, "position"))
        with self._moving_lock:
            self._moving.check(positions, self._fills(rows.rows_of(answer, "deal")))
        return positions

    def asset(self) -> Asset:
        """The account's money; the probe of the connection. Raises like `orders`."""
        asset = rows.asset_of(rows.rows_of(self._ask(self._up(), lists=["account"]), "account"))
        assert asset is not None  # noqa: S101  # `_ask` has looked
        return asset

    def _list(self, box: Mailbox, kind: str) -> list[rows.Row]:
        """A list counts between two good answers about the account's money only, when it is empty."""
        found = rows.rows_of(self._ask(box, lists=["account", kind]), kind)
        return found or rows.rows_of(self._ask(box, lists=["account", kind]), kind)

    def _ask(self, box: Mailbox, *, lists: Sequence[str] = (), codes: Sequence[str] = ()) -> Told:
        body = {"lists": list(lists), "codes": list(codes)}
        answer = box.ask("q", body, take_s=self._query_s, answer_s=self._query_s)
        if answer.get("outcome") != "ok":
            raise BrokerError(f"{self._name}: QMT 没能回答：{answer.get('words')} / QMT could not answer")
        if lists and not rows.rows_of(answer, "account"):
            raise BrokerDownError(
                f"{self._name}: QMT 没有返回资产，账号未登录或与柜台断开，请在 QMT 里登录交易 / "
                "QMT shows no money: the account is logged out, or its counter is away"
            )
        return answer

    def quote(self, symbol: str) -> Quote | None:
        """The market now; a code that was not subscribed is, and asked for once more. Raises like `orders`."""
        known = self._quotes.get(symbol)
        if known is not None:
            return known[0]
        return self._market(symbol)[0] or self._market(symbol)[0]

    def instrument(self, symbol: str) -> Instrument | None:
        """Today's facts of a security; raises like `orders`."""
        known = self._instruments.get(symbol)
        if known is None:
            return self._market(symbol)[1]
        return known[0]

    def _market(self, symbol: str) -> tuple[Quote | None, Instrument | None]:
        """Both at once: a question costs the terminal's tick, whatever it is."""
        answer = self._ask(self._up(), codes=[symbol])
        tick, detail = answer.get("ticks", {}).get(symbol), answer.get("details", {}).get(symbol)
        quote = quote_of(symbol, tick, self._clock.now()) if tick else None
        instrument = instrument_of(symbol, detail) if detail else None
        return self._quotes.put(symbol, quote), self._instruments.put(symbol, instrument)

    # -- what comes by itself, on the mailbox's thread

    def _event(self, told: Told) -> None:
        row = told.get("row")
        if not isinstance(row, dict):
            return
        now = self._clock.now()
        try:
            match told.get("kind"):
                case "order":
                    self._tell_refused_without_id(row)
                    self._tell(rows.order_report(row, remark=self._remark(row), now=now))
                case "deal":
                    self._tell(rows.fill_report(row, remark=self._remark(row), now=now))
                case "error":
                    self._tell_refused_without_id(row)
        except BrokerError as error:
            _log.warning("a push of QMT makes no sense", account=self._name, error=str(error))

    def _late(self, told: Told) -> None:
        """An answer that nobody waits for any more: what it proves is told as a push."""
        remark, outcome = str(told.get("remark") or ""), told.get("outcome")
        if outcome == "row":
            self._event({"kind": "order", "row": told.get("row")})
        elif outcome == "not_placed" and remark:
            words = "QMT 没有接手，确定未下单，请稍后重试 / never handed over, try again"
            self._tell(PlaceFailed(broker_order_id="", remark=remark, message=words))

    def _tell_refused_without_id(self, row: rows.Row) -> None:
        """A refusal that has our remark and no id: nobody could tell it from the list. Told once."""
        remark, words = rows.remark_of(row), rows.words_of(row)
        if rows.order_id_of(row) or not remark or not rows.is_rejected(row) or proves_nothing(words):
            return
        with self._lock:
            news = remark not in self._told_refused
            self._told_refused.add(remark)
        if news:
            self._tell(PlaceFailed(broker_order_id="", remark=remark, message=words or "废单 / rejected"))

    def _tell(self, event: BrokerEvent | None) -> None:
        if event is not None:
            self._sink(event)

    def _remark(self, row: rows.Row) -> str:
        return self._remarks.of(rows.order_id_of(row), rows.remark_of(row))


def _nowhere(_event: BrokerEvent) -> None:
    """Where pushes go before anybody listens."""
