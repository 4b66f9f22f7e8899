"""Threads with deadlines in front of a broker that blocks: the event loop waits, never longer than it said.

A call has one state, changed under its lane's lock only, so that "certainly not made" is never told of a call that is
made after all:

    queued ──▶ running ──▶ done            the answer came in time
      │           └──────▶ abandoned       the deadline passed: the outcome is unknown, its thread is replaced
      └─────────▶ taken_back               the deadline, a cancellation or the end came first: it never runs
"""

import asyncio
import math
import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

import structlog

from jqfollow.domain import BrokerDownError, BrokerTimeoutError

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Lane(StrEnum):
    """Kinds of calls; one that hangs holds up only its own kind."""

    PLACE = "place"
    CANCEL = "cancel"
    QUERY = "query"
    MARKET = "market"


class _State(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    ABANDONED = "abandoned"
    TAKEN_BACK = "taken_back"


@dataclass(slots=True, kw_only=True, eq=False)
class _Call(Generic[T]):
    fn: Callable[[], T]
    timeout_s: float
    deadline: float
    """On the clock of `loop`."""
    loop: asyncio.AbstractEventLoop
    woken: "asyncio.Future[None]"
    """Done when there is something to tell the caller; belongs to the loop's thread."""
    on_late: Callable[[Lane, T | BaseException], None] | None
    state: _State = _State.QUEUED
    returned: list[T] = field(default_factory=list)
    """What `fn` returned, once it did."""
    error: BaseException | None = None
    """What `fn` raised, once it did."""
    why: str = ""
    """Why it was taken back."""

    @property
    def outcome(self) -> T | BaseException:
        """Of a call that has ended."""
        return self.returned[0] if self.error is None else self.error


class Lanes:
    """A few daemon threads a lane, each replaced when it hangs.

    Not a `ThreadPoolExecutor`: that one joins its threads when the interpreter exits, and a hung vendor call would
    then keep the process alive for ever.
    """

    def __init__(self, name: str, *, width: Mapping[Lane, int] | None = None, max_abandoned: int = 8) -> None:
        """Nothing is started before the first call.

        Args:
            name: of the account; stands in thread names, logs and errors.
            width: how many calls of a lane are made side by side; one where nothing is said.
            max_abandoned: how many threads may hang in one lane before its calls are turned away.
        """
        if max_abandoned < 1:
            raise ValueError(f"max_abandoned must be at least 1, not {max_abandoned}")
        widths = width or {}
        self._name = name
        self._tracks = {lane: _Track(f"{name}-{lane}", lane, widths.get(lane, 1), max_abandoned) for lane in Lane}
        self._closed = False

    async def call(
        self,
        lane: Lane,
        fn: Callable[[], T],
        *,
        timeout_s: float,
        on_late: Callable[[Lane, T | BaseException], None] | None = None,
    ) -> T:
        """Runs `fn` on a thread of `lane`, and returns what it returns or raises what it raises.

        Calls begin in order of arrival.

        The deadline is looked at once more on the thread just before `fn`: a late call is not made. If the awaiting
        task is cancelled, a queued call is taken back; a running one stays under way, until its deadline at least.

        Args:
            lane: whose thread.
            fn: may block; is called at most once.
            timeout_s: from now to the answer, the time in the queue included.
            on_late: gets what `fn` returned or raised when nobody waits for it any more; called on the event loop.

        Raises:
            BrokerDownError: `fn` was not called, and never will be.
            BrokerTimeoutError: `fn` was called and has not returned: the outcome is unknown.
        """
        loop = asyncio.get_running_loop()
        if self._closed:
            raise BrokerDownError(f"{self._name}: 正在停止，未发送 / is stopping: not sent")
        if math.isnan(timeout_s) or timeout_s <= 0:
            raise BrokerDownError(
                f"{self._name} {lane}: 没有剩余时间，未发送 / no time is left ({timeout_s} s): not sent"
            )
        call = _Call(
            fn=fn,
            timeout_s=timeout_s,
            deadline=loop.time() + timeout_s,
            loop=loop,
            woken=loop.create_future(),
            on_late=on_late,
        )
        track = self._tracks[lane]
        track.enqueue(call)
        timer = loop.call_at(call.deadline, track.expire, call)
        try:
            await call.woken
        except asyncio.CancelledError:
            if track.take_back(call, "已取消 / was cancelled"):
                timer.cancel()
            elif not call.woken.cancelled() and call.state is _State.DONE and on_late is not None:
                on_late(lane, call.outcome)  # the answer and the cancellation came at once
            raise  # when it is running, the timer stays: a thread that hangs must be replaced all the same
        timer.cancel()
        return self._answer(lane, call)

    def _answer(self, lane: Lane, call: _Call[T]) -> T:
        if call.state is _State.TAKEN_BACK:
            raise BrokerDownError(f"{self._name} {lane}: {call.why}，确定未发送 / certainly not sent")
        if call.state is _State.ABANDONED:
            raise BrokerTimeoutError(
                f"{self._name} {lane}: {call.timeout_s:g} 秒内没有答复，结果未知 / "
                f"no answer within {call.timeout_s:g} s: the outcome is unknown"
            )
        if call.error is not None:
            raise call.error
        return call.returned[0]

    def under_way(self, lane: Lane) -> int:
        """How many calls of `lane` are being made now, those included that nobody waits for any more."""
        return self._tracks[lane].under_way

    @property
    def abandoned(self) -> int:
        """How many threads hang in calls past their deadline now."""
        return sum(track.hung for track in self._tracks.values())

    async def close(self, timeout_s: float) -> None:
        """Takes back what is queued, waits up to `timeout_s` for what is running, and leaves the rest behind.

        Whoever still waits for a call gets `BrokerDownError` or `BrokerTimeoutError` as it deserves.
        """
        self._closed = True
        waiting = [done for track in self._tracks.values() for done in track.close()]
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*waiting)
        for track in self._tracks.values():
            track.expire_running()


class _Track:
    """One lane: a queue, its workers, and how many former workers hang."""

    def __init__(self, name: str, lane: Lane, width: int, max_abandoned: int) -> None:
        self._name = name
        self._lane = lane
        self._width = width
        self._max_abandoned = max_abandoned
        self._lock = threading.Lock()
        self._queue: deque[_Call[Any]] = deque()
        self._tokens: queue.SimpleQueue[None] = queue.SimpleQueue()
        """One for each call that was queued, taken back or not: what a worker waits for."""
        self._workers = 0
        """Threads that do not hang; those that run no call wait for one."""
        self._running: set[_Call[Any]] = set()
        self._hung = 0
        self._closed = False
        self._closers: dict[_Call[Any], asyncio.Future[None]] = {}

    @property
    def hung(self) -> int:
        with self._lock:
            return self._hung

    @property
    def under_way(self) -> int:
        with self._lock:
            return self._hung + len(self._running)

    def enqueue(self, call: _Call[Any]) -> None:
        """Queues `call` and sees that a thread is there; raises `BrokerDownError` when too many hang already."""
        with self._lock:
            if self._hung >= self._max_abandoned:
                raise BrokerDownError(
                    f"{self._name}: {self._hung} 个调用一直没有返回，请重启 MiniQMT；未发送 / "
                    f"{self._hung} calls hang in the broker's software, restart it; not sent"
                )
            self._queue.append(call)
            try:
                self._see_to_workers()
            except RuntimeError as error:  # the machine gives no more threads
                self._queue.remove(call)
                raise BrokerDownError(f"{self._name}: 无法建立线程，未发送 / no thread, not sent: {error}") from error
        self._tokens.put(None)

    def take_back(self, call: _Call[Any], why: str) -> bool:
        """Takes `call` back if it is still queued; `False`: it is being made, or is over."""
        with self._lock:
            if call.state is not _State.QUEUED:
                return False
            self._queue.remove(call)
            self._drop(call, why)
            return True

    def expire(self, call: _Call[Any]) -> None:
        """The deadline, on the loop's thread: decides what the caller is told."""
        with self._lock:
            if call.state is _State.QUEUED:
                self._queue.remove(call)
                self._drop(call, f"排队 {call.timeout_s:g} 秒未轮到 / its turn did not come in time")
            elif call.state is _State.RUNNING:
                self._abandon(call)
            else:
                return  # it was over just before: whoever ended it wakes the caller
        if not call.woken.done():
            call.woken.set_result(None)

    def close(self) -> list["asyncio.Future[None]"]:
        """Takes back the queue; returns what is done when the running calls are."""
        with self._lock:
            self._closed = True
            while self._queue:
                call = self._queue.popleft()
                self._drop(call, "程序停止 / the service stops")
                _wake(call)
            self._closers = {call: call.loop.create_future() for call in self._running}
            closers = list(self._closers.values())
        self._tokens.put(None)  # each worker that ends passes it on
        return closers

    def expire_running(self) -> None:
        with self._lock:
            running = list(self._running)
        for call in running:
            self.expire(call)

    def _drop(self, call: _Call[Any], why: str) -> None:
        call.state = _State.TAKEN_BACK
        call.why = why

    def _abandon(self, call: _Call[Any]) -> None:
        """Gives the running call and its thread up; the next call gets a new thread."""
        call.state = _State.ABANDONED
        self._running.discard(call)
        self._workers -= 1
        self._hung += 1
        _log.warning("a broker call hangs", lane=self._name, timeout_s=call.timeout_s, hanging=self._hung)
        if self._hung >= self._max_abandoned:
            while self._queue:
                waiting = self._queue.popleft()
                self._drop(waiting, f"{self._hung} 个调用一直没有返回 / {self._hung} calls hang")
                _wake(waiting)
        elif self._queue:
            with suppress(RuntimeError):  # no more threads: the queued calls run into their deadlines
                self._see_to_workers()
        _release(self._closers.pop(call, None))

    def _see_to_workers(self) -> None:
        idle = self._workers - len(self._running)
        if len(self._queue) > idle and self._workers < self._width:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
            self._workers += 1

    # On the lane's thread from here on.

    def _work(self) -> None:
        while (call := self._next()) is not None:
            try:
                call.returned.append(call.fn())
            except BaseException as error:  # noqa: BLE001  # a call ends here: its caller gets it, whatever it is
                call.error = error
            if not self._finish(call):
                return

    def _next(self) -> _Call[Any] | None:
        """The next call to make, marked as running; `None` when this thread is to end."""
        while True:
            self._tokens.get()
            with self._lock:
                if not self._queue:
                    if self._closed:
                        self._tokens.put(None)
                        return None
                    continue  # it was taken back
                call = self._queue.popleft()
                if call.loop.time() < call.deadline:
                    call.state = _State.RUNNING
                    self._running.add(call)
                    return call
                self._drop(call, f"轮到时已过 {call.timeout_s:g} 秒 / its turn came after the deadline")
                _wake(call)

    def _finish(self, call: _Call[Any]) -> bool:
        """Tells the outcome; `False`: this thread was replaced meanwhile."""
        closer: asyncio.Future[None] | None = None
        with self._lock:
            kept = call.state is _State.RUNNING
            if kept:
                call.state = _State.DONE
                self._running.discard(call)
                closer = self._closers.pop(call, None)
            else:
                self._hung -= 1
        _on_loop(call, self._tell, call, closer)
        return kept

    def _tell(self, call: _Call[Any], closer: "asyncio.Future[None] | None") -> None:
        """On the loop: wakes the caller, or hands a late answer over."""
        _release(closer)
        if not call.woken.done():
            call.woken.set_result(None)
            return
        _log.warning("a late answer of the broker", lane=self._name, answer=repr(call.outcome)[:200])
        if call.on_late is not None:
            call.on_late(self._lane, call.outcome)


def _release(closer: "asyncio.Future[None] | None") -> None:
    if closer is not None and not closer.done():
        closer.set_result(None)


def _wake(call: _Call[Any]) -> None:
    _on_loop(call, lambda: None if call.woken.done() else call.woken.set_result(None))


def _on_loop(call: _Call[Any], fn: Callable[..., object], *args: object) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody is there to be told
        call.loop.call_soon_threadsafe(fn, *args)
