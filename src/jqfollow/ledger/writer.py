"""The one thread that writes: whole transactions, many to a commit."""

import inspect
import math
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from time import monotonic
from typing import Any, Generic, TypeVar

import structlog

from jqfollow.failpoints import At, reach
from jqfollow.ledger.errors import ImpossibleError, LedgerError, primary_code, translated
from jqfollow.ledger.tx import Tx

T = TypeVar("T")

MAX_WAITING = 10_000
"""How many transactions may wait; more are refused at once."""
MAX_GROUP = 256
"""How many transactions share a commit at most."""

# After these a connection is as good as before; after any other it is opened anew.
_PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CONSTRAINT})

_log = structlog.get_logger(__name__)


class Writer:
    """Runs transactions one after the other on a connection of its own.

    It takes all that wait, runs them, commits once, and only then answers. A function that raises undoes its own work
    alone: then all of the group run once more, so that a function may run twice, though it stands at most once. When
    the disk fails, everything of the group fails and nothing of it stands, as far as the disk tells; the thread lives
    on and tries the next group afresh.
    """

    def __init__(self, path: Path, connect: Callable[[], sqlite3.Connection]) -> None:
        self._path = path
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._changed = threading.Condition()
        self._waiting: deque[_Work] = deque()
        self._group: list[_Work] = []
        self._closed = False
        self.failed = False
        """Whether the last group could not be committed."""
        self.commits = 0
        """That stand."""
        self.committed_at = -math.inf
        """When the last of them was made, on the monotonic clock."""
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def submit(self, fn: Callable[[Tx], T]) -> Future[T]:
        """Hands over a transaction; from now on it is run whatever becomes of whoever waits for it.

        Raises:
            LedgerError: it will not be run: closed, dead, or too many wait.
        """
        work = _Work([_Job(fn)], alone=True)
        self._queue(work)
        return work.future

    def _queue(self, work: "_Work") -> None:
        if threading.current_thread() is self._thread:
            raise RuntimeError("a transaction cannot wait for another one")
        with self._changed:
            if self._closed:
                raise _closed_error(self._path)
            if len(self._waiting) >= MAX_WAITING:
                raise LedgerError(
                    f"{MAX_WAITING} transactions wait for the ledger {self._path}; try again",
                    f"账本 {self._path} 前已有 {MAX_WAITING} 个写入在排队，请稍后再试",
                )
            self._waiting.append(work)
            self._changed.notify()

    def submit_all(self, fns: Sequence[Callable[[Tx], T]]) -> Future[list[T | Exception]]:
        """Hands over several transactions that share one commit; each gives its own result, or what it raised.

        Raises:
            LedgerError: like `submit`.
        """
        work = _Work([_Job(fn) for fn in fns], alone=False)
        self._queue(work)
        return work.future

    def close(self) -> None:
        """Takes no more, runs what waits, ends the thread and closes the connection."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            while group := self._next_group():
                self._commit(group)
        except BaseException:  # noqa: BLE001  the thread ends here, and says so
            _log.critical("ledger_writer_died", path=str(self._path), exc_info=True)
        finally:
            self._end()

    def _end(self) -> None:
        """Leaves nobody waiting, however the thread ended."""
        with self._changed:
            self._closed = True
            left = [work for work in (*self._group, *self._waiting) if not work.future.done()]
            self._waiting.clear()
        try:
            self._disconnect()
        finally:
            for work in left:
                work.answer(_closed_error(self._path))

    def _next_group(self) -> list["_Work"]:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            self._group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_GROUP))]
            return self._group

    def _commit(self, group: list["_Work"]) -> None:
        failure: LedgerError | None = None
        try:
            if self._connection is None:
                self._connection = self._connect()
            self._connection.execute("BEGIN IMMEDIATE")
            jobs = [job for work in group for job in work.jobs]
            self._run_jobs(self._connection, jobs)
            reach(At.COMMIT_BEFORE, all_of=(job.fn for job in jobs))
            self._connection.execute("COMMIT")
            self.commits += 1
            self.committed_at = monotonic()
            reach(At.COMMIT_AFTER, all_of=(job.fn for job in jobs))
        except sqlite3.Error as error:
            self._recover(error)
            failure = translated(error, self._path)
            if isinstance(failure, ImpossibleError):  # of one of them, and nobody knows which
                failure = LedgerError(failure.en, failure.zh)
            failure.__cause__ = error
            _log.error("ledger_commit_failed", transactions=len(group), error=str(error))
        self.failed = failure is not None
        for work in group:
            work.answer(failure)

    def _run_jobs(self, connection: sqlite3.Connection, jobs: Sequence["_Job[Any]"]) -> None:
        """Runs all of them at once; when one fails, all are undone and run again, each in a savepoint of its own.

        Raises:
            sqlite3.Error: SQLite has rolled the whole transaction back.
        """
        tx = Tx(connection)
        try:
            for job in jobs:
                job.result = called(job.fn, tx)
                _refuse_outside(connection)
            tx.flush()
        except BaseException as error:
            if isinstance(error, sqlite3.Error) and not connection.in_transaction:
                raise
            connection.execute("ROLLBACK")
            connection.execute("BEGIN IMMEDIATE")
            tx.undone()
            if len(jobs) == 1:
                jobs[0].error = presentable(error, self._path)
                return
            for job in jobs:
                job.run(connection, tx, self._path)

    def _recover(self, error: sqlite3.Error) -> None:
        if self._connection is None:
            return
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if primary_code(error) in _PASSING:
                return
        except sqlite3.Error as again:
            _log.warning("ledger_rollback_failed", error=str(again))
        self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _Job(Generic[T]):
    """A transaction, and what became of it."""

    __slots__ = ("error", "fn", "result")

    def __init__(self, fn: Callable[[Tx], T]) -> None:
        self.fn = fn
        self.result: T | None = None
        self.error: BaseException | None = None

    def run(self, connection: sqlite3.Connection, tx: Tx, path: Path) -> None:
        """Runs it in a savepoint and remembers its outcome.

        Raises:
            sqlite3.Error: not only this one is undone: SQLite has rolled the whole transaction back.
        """
        connection.execute("SAVEPOINT job")
        try:
            self.result = called(self.fn, tx)
            tx.flush()
        except BaseException as error:  # whatever it is, it is the answer to whoever handed the function over
            if isinstance(error, sqlite3.Error) and not connection.in_transaction:
                raise
            connection.execute("ROLLBACK TO job")
            tx.undone()
            self.error = presentable(error, path)
        connection.execute("RELEASE job")


class _Work:
    """Transactions that one caller waits for together; each undoes its own work alone."""

    __slots__ = ("_alone", "future", "jobs")

    def __init__(self, jobs: Sequence[_Job[Any]], *, alone: bool) -> None:
        """`alone`: the future has the one job's own outcome, else a list of all outcomes."""
        self.jobs = jobs
        self._alone = alone
        self.future: Future[Any] = Future()
        self.future.set_running_or_notify_cancel()  # cannot be cancelled any more

    def answer(self, failure: LedgerError | None) -> None:
        """Tells the outcome, which is `failure` for a group that failed, except to who alone had failed before."""
        own = self.jobs[0].error if self._alone else None
        if own is not None:
            self.future.set_exception(own)
        elif failure is not None:
            again = type(failure)(failure.en, failure.zh)  # raised more than once, one error would mix its tracebacks
            again.__cause__ = failure.__cause__
            self.future.set_exception(again)
        elif self._alone:
            self.future.set_result(self.jobs[0].result)
        else:
            self.future.set_result([job.result if job.error is None else job.error for job in self.jobs])


def _refuse_outside(connection: sqlite3.Connection) -> None:
    """After a function: nothing more may be written when SQLite has given the transaction up meanwhile."""
    if not connection.in_transaction:
        raise sqlite3.OperationalError("the transaction was given up")


def called(fn: Callable[[Tx], T], tx: Tx) -> T:
    """What `fn` returns.

    Raises:
        TypeError: `fn` is a coroutine function: nothing of it would have run.
    """
    result = fn(tx)
    if inspect.iscoroutine(result):
        result.close()
        raise TypeError(f"{fn!r} is a coroutine function; a transaction is a plain function")
    return result


def presentable(error: BaseException, path: Path) -> BaseException:
    """What whoever waits is told: an `Exception` that may be raised in a coroutine."""
    if isinstance(error, sqlite3.Error):
        told: Exception = translated(error, path)
    elif isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    else:
        told = LedgerError(f"a transaction raised {error!r}")
    told.__cause__ = error
    return told


def _closed_error(path: Path) -> LedgerError:
    return LedgerError(f"the ledger {path} is closed; restart jqfollow", f"账本 {path} 已关闭，请重启 jqfollow")
