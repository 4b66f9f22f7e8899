"""What MiniQMT pushes, copied to plain values on the vendor's thread and handed over; nothing is asked from here."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from jqfollow.clock import Clock
from jqfollow.domain import BrokerError, BrokerEvent, CancelFailed, PlaceFailed, PlaceRequest
from jqfollow.execution.brokers.miniqmt import codes
from jqfollow.execution.brokers.miniqmt.raw import RawCodes
from jqfollow.execution.brokers.miniqmt.remarks import Remarks
from jqfollow.execution.brokers.miniqmt.tables import CodeTable
from jqfollow.execution.brokers.port import EventSink

_log = structlog.get_logger(__name__)


class Pushes:
    """The pushes of one connection. Thread-safe: the vendor's thread comes in, placing threads wait."""

    def __init__(
        self,
        *,
        sink: EventSink,
        remarks: Remarks,
        clock: Clock,
        account_id: str,
        table: CodeTable,
        raw: RawCodes | None = None,
    ) -> None:
        self.account_state: int | None = None
        """What the terminal last told; see `tables`."""
        self._table = table
        self._raw = raw
        self._sink = sink
        self._remarks = remarks
        self._clock = clock
        self._account_id = account_id
        self._news = threading.Condition()
        self._placing: list[PlaceRequest] = []
        self._refusals: dict[str | int, PlaceFailed] = {}
        """The terminal's refusals of orders being placed, by remark and by the placing call's number."""
        self._held: list[Callable[[], None]] = []

    def mute(self) -> None:
        """Nothing is handed over any more."""
        with self._news:
            self._sink = _nowhere
            self._news.notify_all()

    def emit(self, event: BrokerEvent) -> None:
        """Hands a value over."""
        with self._news:
            sink = self._sink
        sink(event)

    # -- for the placing thread

    @contextmanager
    def placing(self, request: PlaceRequest) -> Iterator[None]:
        """While `request` is being placed.

        A push may overtake the answer that names the order. When its remark came back changed, nobody could tell whose
        it is: such a push waits here until the answer is in.
        """
        with self._news:
            self._placing.append(request)
        try:
            yield
        finally:
            with self._news:
                self._placing.remove(request)
                if not self._placing:
                    self._refusals.clear()
                held, self._held = self._held, []
            for report in held:
                try:
                    report()
                except BrokerError as error:
                    _log.warning("a push of MiniQMT makes no sense", error=str(error))

    def refusal(self, request: PlaceRequest, seq: int, *, wait_s: float) -> PlaceFailed | None:
        """The terminal's refusal of the call `seq` that places `request`; `None` when none comes within `wait_s`."""

        def told() -> PlaceFailed | None:
            return self._refusals.get(request.remark) or self._refusals.get(seq)

        with self._news:
            self._news.wait_for(lambda: told() is not None or self._sink is _nowhere, wait_s)
            return told()

    # -- for the vendor's thread

    def on_order(self, row: Any) -> None:
        """The state of an order."""
        self._hold_or_report(row, self._order)

    def on_fill(self, row: Any) -> None:
        """A fill."""
        self._hold_or_report(row, self._fill)

    def _hold_or_report(self, row: Any, report: Callable[[Any], None]) -> None:
        with self._news:
            placing = [request.remark for request in self._placing if request.symbol == row.stock_code]
            if placing and _told(row) not in placing and not self._remarks.knows(row.order_id):
                self._held.append(lambda: report(row))
                return
        report(row)

    def _order(self, row: Any) -> None:
        if self._raw is not None:
            self._raw.note(str(row.order_id), int(row.order_status), _told(row))
        remark = self._remarks.of(row.order_id, _told(row))
        report = codes.order_report(row, remark=remark, now=self._clock.now(), table=self._table)
        if report is not None:
            self.emit(report)

    def _fill(self, row: Any) -> None:
        report = codes.fill_report(row, remark=self._remarks.of(row.order_id, _told(row)), now=self._clock.now())
        if report is not None:
            self.emit(report)

    def on_order_error(self, error: Any) -> None:
        """The terminal refused an order; this may come before or after the answer to the placing call."""
        order_id = int(getattr(error, "order_id", 0) or 0)
        message = str(getattr(error, "error_msg", "") or "") or f"error_id={getattr(error, 'error_id', None)}"
        remark = self._remarks.of(order_id, _told(error))
        failed = PlaceFailed(broker_order_id=str(order_id) if order_id > 0 else "", remark=remark, message=message)
        with self._news:
            if self._placing:
                self._refusals[remark] = failed
                if isinstance(seq := getattr(error, "seq", None), int):
                    self._refusals[seq] = failed
                self._news.notify_all()
        if codes.proves_nothing(message):
            _log.warning("a refusal that may be none", order_id=order_id, remark=remark, message=message)
            return
        self.emit(failed)

    def on_cancel_error(self, error: Any) -> None:
        """The terminal refused to cancel."""
        self.emit(CancelFailed(broker_order_id=str(error.order_id), message=str(getattr(error, "error_msg", "") or "")))

    def on_account_state(self, status: Any) -> None:
        """The account's state in the terminal."""
        if str(status.account_id) == self._account_id:
            self.account_state = int(status.status)
            if self._raw is not None:
                self._raw.note_account(self.account_state)


def _told(row: Any) -> str:
    return str(getattr(row, "order_remark", "") or "")


def _nowhere(_event: BrokerEvent) -> None:
    """Where the pushes of a connection go that does not count any more."""


def make_callback(base: Any, handlers: dict[str, Callable[..., None]]) -> Any:
    """The vendor's callback object of class `base`; it would swallow what a handler raises, so that is logged here."""

    def guarded(handle: Callable[..., None]) -> Callable[..., None]:
        def run(_self: Any, *args: Any) -> None:
            try:
                handle(*args)
            except Exception:  # noqa: BLE001  # a callback ends here
                _log.exception("a push of MiniQMT could not be used", push=handle.__name__)

        return run

    return type("Callback", (base,), {name: guarded(handle) for name, handle in handlers.items()})()
