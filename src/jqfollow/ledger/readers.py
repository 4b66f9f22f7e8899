"""Threads that read: each function sees one moment of the ledger, and never waits for the writer."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.pace import Pace
from jqfollow.ledger.tx import Tx
from jqfollow.ledger.writer import called, presentable

T = TypeVar("T")

_THREADS = 3
_URGENT_THREADS = 2


class Readers:
    """A few read-only connections, and as many threads; some of them for what an order waits for."""

    def __init__(
        self, path: Path, connect: Callable[[], sqlite3.Connection], committed_at: Callable[[], float]
    ) -> None:
        """`committed_at`: as for `Pace`."""
        self._path = path
        self._connect = connect
        self._committed_at = committed_at
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="ledger-read")
        self._urgent = ThreadPoolExecutor(_URGENT_THREADS, thread_name_prefix="ledger-urgent")

    def submit(self, fn: Callable[[Tx], T], *, urgent: bool = False) -> Future[T]:
        """Has `fn` run in a transaction that is rolled back; unless `urgent`, it gives way to who trades.

        Raises:
            LedgerError: closed.
        """
        if urgent:
            return self._submit(self._urgent, lambda: self._read(fn, None))
        return self.run(lambda: self._read(fn, Pace(self._committed_at)))

    def run(self, work: Callable[[], T]) -> Future[T]:
        """Has other blocking work done on one of the threads; raises like `submit`."""
        return self._submit(self._threads, work)

    def _submit(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> Future[T]:
        try:
            return threads.submit(work)
        except RuntimeError as error:
            raise LedgerError(f"the ledger {self._path} is closed", f"账本 {self._path} 已关闭") from error

    def close(self) -> None:
        """Ends once what was submitted is done."""
        self._threads.shutdown(wait=True)
        self._urgent.shutdown(wait=True)
        while self._idle:
            self._idle.pop().close()

    def _read(self, fn: Callable[[Tx], T], pace: Pace | None) -> T:
        connection: sqlite3.Connection | None = None
        try:
            connection = self._borrow()
            connection.execute("BEGIN")
            result = called(fn, Tx(connection, pace))
            connection.execute("ROLLBACK")
        except BaseException as error:
            if connection is not None:
                connection.close()
            told = presentable(error, self._path)
            if told is error:
                raise
            raise told from error
        with self._lock:
            self._idle.append(connection)
        return result

    def _borrow(self) -> sqlite3.Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._connect()
