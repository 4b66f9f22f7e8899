"""Whether anything was committed since one looked, by whatever program: a look costs no query."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from jqfollow.ledger.errors import translated


class Version:
    """SQLite's own mark of the file, seen from a connection that never writes; used by one thread after the other."""

    def __init__(self, path: Path, connect: Callable[[], sqlite3.Connection]) -> None:
        self._path = path
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._opened = 0
        self._lock = threading.Lock()

    def look(self) -> tuple[int, int]:
        """Differs from what an earlier look gave when something was committed in between.

        Raises:
            LedgerError: the file cannot be read.
        """
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._connect()
                    self._opened += 1
                return self._opened, int(self._connection.execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error as error:
                self._close()
                raise translated(error, self._path) from error

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
