"""Deadlines for vendor calls that are no broker call of a lane: connecting, stopping, asking for quotes."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import structlog

from jqfollow.domain import BrokerDownError, BrokerTimeoutError

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Threads:
    """Runs each call on a daemon thread of its own, waits so long and no longer, and counts those that hang."""

    def __init__(self, name: str, *, max_hung: int = 8) -> None:
        self._name = name
        self._max_hung = max_hung
        self._lock = threading.Lock()
        self._hung = 0

    @property
    def hung(self) -> int:
        """How many threads are past their deadline and have not returned."""
        with self._lock:
            return self._hung

    def check(self) -> None:
        """Raises `BrokerDownError` when too many threads hang for another one to be begun."""
        hung = self.hung
        if hung >= self._max_hung:
            raise BrokerDownError(
                f"{self._name}: 已有 {hung} 个 MiniQMT 调用一直没有返回，请重启 MiniQMT 和本程序 / "
                f"{hung} calls hang in MiniQMT's software: restart MiniQMT and this program"
            )

    def run(self, what: str, fn: Callable[[], T], *, timeout_s: float, on_late: Callable[[T], None] | None = None) -> T:
        """What `fn` returns or raises.

        Args:
            what: names the call in threads and errors.
            fn: may hang.
            timeout_s: how long to wait.
            on_late: gets what `fn` returned after all, on its thread, to be cleaned up.

        Raises:
            BrokerTimeoutError: no end within `timeout_s`; the thread is left behind.
            BrokerDownError: too many threads hang already; nothing was called.
        """
        self.check()
        call: _Call[T] = _Call(fn)
        thread = threading.Thread(target=self._work, args=(call, on_late), name=f"{self._name}-{what}", daemon=True)
        thread.start()
        call.over.wait(timeout_s)
        with self._lock:
            call.late = not call.over.is_set()
            self._hung += call.late
        if call.late:
            _log.warning("a call into MiniQMT hangs", call=what, name=self._name, timeout_s=timeout_s)
            raise BrokerTimeoutError(
                f"{self._name} {what}: {timeout_s:g} 秒内没有返回 / no answer within {timeout_s:g} s"
            )
        if call.error is not None:
            raise call.error
        return call.returned[0]

    def _work(self, call: "_Call[T]", on_late: Callable[[T], None] | None) -> None:
        try:
            call.returned.append(call.fn())
        except BaseException as error:  # noqa: BLE001  # the thread's end: whoever waits gets it
            call.error = error
        with self._lock:
            call.over.set()
            self._hung -= call.late
        if call.late and call.returned and on_late is not None:
            on_late(call.returned[0])


class _Call(Generic[T]):
    def __init__(self, fn: Callable[[], T]) -> None:
        self.fn = fn
        self.over = threading.Event()
        self.returned: list[T] = []
        self.error: BaseException | None = None
        self.late = False
