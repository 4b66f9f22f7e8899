"""The thread that tells the sink what happened, and gives the exchange its pulse."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from jqfollow.domain import BrokerError, BrokerEvent
from jqfollow.execution.brokers.paper.faults import Faults
from jqfollow.execution.brokers.port import EventSink

_log = structlog.get_logger(__name__)
_LOOK_S = 0.05
"""How often held pushes are looked at when there is no pulse."""


class _Change(NamedTuple):
    """What is to be told of one change."""

    events: Sequence[BrokerEvent]
    written: int
    """So much of the journal must be synced first."""


class PushThread:
    """Delivers events in order, on a thread of its own, under nobody's lock."""

    def __init__(
        self,
        *,
        name: str,
        sink: EventSink,
        faults: Faults,
        sync: Callable[[int], None],
        pulse: Callable[[], None],
        pulse_s: float | None,
    ) -> None:
        """Starts at once; `pulse` is called about every `pulse_s` seconds of quiet, never when that is `None`.

        `sync` brings so much of the journal to the disk, or raises `BrokerError`: then nothing is told yet.
        """
        self._sink = sink
        self._faults = faults
        self._sync = sync
        self._pulse = pulse
        self._pulse_s = pulse_s
        self._queue: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._idle = threading.Condition()
        self._waiting = 0
        self._ailing = False
        self._unsynced = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, events: Sequence[BrokerEvent], written: int) -> None:
        """Tells `events`, of one change, once the first `written` lines of the journal are synced."""
        if events:
            with self._idle:
                self._waiting += 1
            self._queue.put(_Change(events, written))

    def flush(self, timeout_s: float) -> bool:
        """Waits until everything was told; whether it was."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._waiting, timeout_s)

    def stop(self) -> None:
        """Tells nothing any more; waits for the thread unless it is the thread that asks."""
        self._stopping.set()
        self._queue.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join()
        with self._idle:
            self._waiting = 0
            self._idle.notify_all()

    def _run(self) -> None:
        held: deque[_Change] = deque()
        while not self._stopping.is_set():
            try:
                change = self._queue.get(timeout=_LOOK_S if self._pulse_s is None else self._pulse_s)
                while change is not None:  # all that is there: one sync serves it
                    held.append(change)
                    change = self._queue.get_nowait()
            except queue.Empty:
                if not held or self._unsynced:
                    self._beat()
            if held and not self._faults.pushes_held and self._is_synced(held[-1].written):
                self._tell_all(held)

    def _tell_all(self, held: deque[_Change]) -> None:
        while held and not self._faults.pushes_held and not self._stopping.is_set():
            self._tell(held.popleft().events)

    def _is_synced(self, written: int) -> bool:
        try:
            self._sync(written)
        except BrokerError as error:
            if not self._unsynced:
                _log.error("paper.pushes_wait", error=str(error))
            self._unsynced = True
        else:
            self._unsynced = False
        return not self._unsynced

    def _tell(self, events: Sequence[BrokerEvent]) -> None:
        for event in self._faults.arranged(events):
            try:
                self._sink(event)
            except Exception:  # noqa: BLE001  # the sink's own failure ends here; the market goes on
                _log.exception("paper.sink_failed", event_kind=type(event).__name__)
        with self._idle:
            self._waiting -= 1
            self._idle.notify_all()

    def _beat(self) -> None:
        if self._pulse_s is None:
            return
        try:
            self._pulse()
        except Exception:  # noqa: BLE001  # the pulse must beat again; the state is `_ailing`
            if not self._ailing:  # once, not five times a second
                _log.exception("paper.pulse_failed")
            self._ailing = True
        else:
            self._ailing = False
