"""A disk whose every sync takes longer, as far as Python can tell: for service and floor alike.

SQLite syncs in C, at each commit of something written; so the delay stands just before such a commit, on the thread
that commits. `os.fsync` and `os.fdatasync` are delayed themselves. All of them let go of the interpreter meanwhile, as
a real sync does.
"""

import os
import sqlite3
import time
from collections.abc import Callable
from functools import wraps
from typing import Any


def slow_down(by_s: float) -> None:
    """From now on, in this process."""
    for name in ("fsync", "fdatasync"):
        if hasattr(os, name):
            setattr(os, name, _delayed(getattr(os, name), by_s))
    connect = sqlite3.connect

    class SlowConnection(sqlite3.Connection):
        """Waits before a commit that has something to bring to the disk."""

        _synced = 0

        def _before_commit(self) -> None:
            if self.total_changes != self._synced:
                self._synced = self.total_changes
                time.sleep(by_s)

        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            if sql.lstrip()[:6].upper() == "COMMIT":
                self._before_commit()
            return super().execute(sql, *parameters)

        def commit(self) -> None:
            self._before_commit()
            super().commit()

    def slow_connect(*args: Any, **options: Any) -> sqlite3.Connection:
        return connect(*args, factory=SlowConnection, **options)

    sqlite3.connect = slow_connect  # type: ignore[assignment]


def _delayed(sync: Callable[[int], None], by_s: float) -> Callable[[int], None]:
    @wraps(sync)
    def slow(descriptor: int) -> None:
        time.sleep(by_s)
        sync(descriptor)

    return slow
