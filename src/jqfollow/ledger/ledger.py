"""What happened, on disk: the one door to it."""

import asyncio
import math
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Never, Self, TypeVar

import structlog

from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.readers import Readers
from jqfollow.ledger.store import BUSY_TIMEOUT_S, check, check_readable, connect, copy, prepare
from jqfollow.ledger.tx import Tx
from jqfollow.ledger.version import Version
from jqfollow.ledger.watched import Trouble
from jqfollow.ledger.writer import Writer

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Ledger:
    """The ledger of one data folder.

    One service writes to it, through one thread; other programs may write a little beside it, and read as they like.
    """

    def __init__(self, path: Path, readers: Readers, writer: Writer | None, version: Version) -> None:
        self.path = path
        self._readers = readers
        self._version = version
        self._writer = writer
        self._bell: _Bell | None = None
        self.trouble: Trouble | None = None
        """What is wrong with it now, as far as whoever watches it found; while it loses what is written, it takes
        nothing more."""
        self._stopped = threading.Event()

    @classmethod
    def open(
        cls, path: Path, *, read_only: bool = False, busy_timeout_s: float = BUSY_TIMEOUT_S, whole: bool = True
    ) -> Self:
        """Opens the ledger at `path`; unless `read_only`, makes it when absent, looks it over and upgrades it.

        Unless `whole`, it is looked over at first sight, and `check` is to follow.

        Raises:
            LedgerDamagedError: no SQLite file, an empty one, or a damaged one.
            LedgerLockedError: another program holds it for longer than `busy_timeout_s`.
            LedgerError: another program's file, one of a newer jqfollow, or a place that cannot be written (with
                `read_only`: that has no ledger).
        """
        path = path.absolute()
        reading = partial(connect, path, mode="ro", busy_timeout_s=busy_timeout_s, any_thread=True)
        if read_only:
            check_readable(path, busy_timeout_s=busy_timeout_s)
            return cls(path, Readers(path, reading, lambda: -math.inf), None, Version(path, reading))
        prepare(path, busy_timeout_s=busy_timeout_s, whole=whole)
        writer = Writer(path, partial(connect, path, mode="rw", busy_timeout_s=busy_timeout_s))
        writer.start()
        return cls(path, Readers(path, reading, lambda: writer.committed_at), writer, Version(path, reading))

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """Runs `fn` as one transaction on the writer's thread and returns what it returns, once it is on disk.

        A transaction that was handed over is run whatever becomes of its waiter: who is cancelled here does not know
        whether it stands, and must look. Transactions run in the order in which they were handed over.

        Raises:
            LedgerError: nothing of it stands (or, after a failing disk: nothing should); it may be tried again.
            Exception: what `fn` raised; nothing of it stands.
        """
        return await self._answer(self._writing().submit(fn))

    async def write_all(self, fns: Sequence[Callable[[Tx], T]]) -> list[T | Exception]:
        """Runs several transactions in one commit; each gives what it returned, or what it raised and undid.

        Raises:
            LedgerError: nothing of any stands, as with `write`.
        """
        return await self.hand_over(fns) if fns else []

    def hand_over(self, fns: Sequence[Callable[[Tx], T]]) -> Awaitable[list[T | Exception]]:
        """Like `write_all`, but handed over at once: what is handed over later stands with it or after it.

        Never raises itself: whoever waits for it gets what went wrong, a ledger that takes no more included.
        """
        try:
            return self._answer(self._writing().submit_all(fns))
        except LedgerError as error:
            return _failed(error)

    async def read(self, fn: Callable[[Tx], T], *, urgent: bool = False) -> T:
        """Runs `fn` on a read-only connection, all of it seeing the same moment, and returns what it returns.

        `urgent`: an order waits for it, or it tells whether any can be followed. What is not urgent may take three
        times as long while somebody trades (`Pace`).

        Raises:
            LedgerError: the ledger cannot be read, or `fn` tried to write.
            Exception: what `fn` raised.
        """
        return await self._answer(self._readers.submit(fn, urgent=urgent))

    async def version(self) -> tuple[int, int]:
        """Differs from what it was when something was committed meanwhile, by this or another program.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        return await self._answer(self._readers.run(self._version.look))

    @property
    def commits(self) -> int:
        """How often this process has committed: asking costs nothing, other than `version`."""
        return 0 if self._writer is None else self._writer.commits

    async def committed(self, since: int, *, within_s: float) -> None:
        """Waits until `commits` is not `since` any more, `within_s` seconds at most.

        What `write_now` commits wakes nobody.
        """
        await self._rung().committed(since, within_s)

    @property
    def commit_failed(self) -> bool:
        """Whether the last commit could not be made."""
        return self._writer is not None and self._writer.failed

    def write_now(self, fn: Callable[[Tx], T]) -> T:
        """Like `write`, for programs without an event loop: blocks."""
        return self._writing().submit(fn).result()

    def read_now(self, fn: Callable[[Tx], T]) -> T:
        """Like `read`, for programs without an event loop: blocks."""
        return self._readers.submit(fn).result()

    async def check(self) -> None:
        """Looks over the whole file while it is read and written.

        Raises:
            LedgerDamagedError: it is damaged.
            LedgerError: it cannot be read.
        """
        await self._answer(self._readers.run(partial(check, self.path, self._stopped.is_set)))

    async def backup(self, path: Path) -> None:
        """Puts a whole copy of the ledger, as it stands at this moment, at `path`; writing goes on meanwhile.

        Raises:
            LedgerError: it cannot be written.
        """
        await self._answer(self._readers.run(partial(copy, self.path, path)))

    async def close(self) -> None:
        """Runs what was handed over, then closes; what comes later is refused. Closing twice does no harm."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """Like `close`, for programs without an event loop: blocks."""
        self._stopped.set()
        self._readers.close()
        self._version.close()
        if self._writer is not None:
            self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close_now()

    def _answer(self, work: Future[T]) -> Awaitable[T]:
        return self._rung().answer(work)

    def _rung(self) -> "_Bell":
        loop = asyncio.get_running_loop()
        if self._bell is None or self._bell.loop is not loop:
            self._bell = _Bell(loop, lambda: self.commits)
        return self._bell

    def _writing(self) -> Writer:
        if self._writer is None:
            raise LedgerError(f"the ledger {self.path} was opened to be read only", f"账本 {self.path} 以只读方式打开")
        if self.trouble is not None and self.trouble.lost:
            raise LedgerError(self.trouble.en, self.trouble.zh)
        return self._writer


class _Bell:
    """Tells the waiters of one event loop; however many answers come at once, the loop is woken once."""

    __slots__ = ("_answers", "_commits", "_known", "_next", "_rung", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, commits: Callable[[], int]) -> None:
        self.loop = loop
        self._commits = commits
        self._next: asyncio.Future[None] | None = None
        """Done with the commit after those that are `_known`."""
        self._known = 0
        self._answers: deque[tuple[Future[Any], asyncio.Future[Any]]] = deque()
        self._rung = False

    async def answer(self, work: Future[T]) -> T:
        """Waits for `work` without a hold on it: a cancelled waiter leaves it alone, a loop that ended is not woken."""
        waiter: asyncio.Future[T] = self.loop.create_future()
        work.add_done_callback(lambda done: self._ring(done, waiter))
        return await waiter

    async def committed(self, since: int, within_s: float) -> None:
        """See `Ledger.committed`."""
        if self._commits() != since:
            return
        if self._next is None:
            self._next, self._known = self.loop.create_future(), since
        await asyncio.wait((self._next,), timeout=within_s)

    def _ring(self, done: Future[T], waiter: asyncio.Future[T]) -> None:
        """On any thread."""
        self._answers.append((done, waiter))
        if not self._rung:
            self._rung = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self.loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._rung = False  # before it looks: what comes from now on rings again
        while self._answers:
            _hand_over(*self._answers.popleft())
        if self._next is not None and self._commits() != self._known:
            self._next.set_result(None)
            self._next = None


async def _failed(error: LedgerError) -> Never:
    raise error


def _hand_over(done: Future[T], waiter: asyncio.Future[T]) -> None:
    error = done.exception()
    if waiter.done():
        if error is not None:
            _log.warning("ledger_work_failed_unheard", error=repr(error))
    elif error is not None:
        waiter.set_exception(error)
    else:
        waiter.set_result(done.result())
