"""Services that are wrong on purpose: a lane that does not fail on them proves nothing."""

import time
from typing import Any


def forgets_calls() -> None:
    """After a start, what was handed over is taken for what never was, and goes out again."""
    from jqfollow.execution.calls import CallLog

    CallLog.handed_over = lambda *_: False  # type: ignore[method-assign]


def places_twice() -> None:
    """Every order goes out twice."""
    from jqfollow.execution.brokers.paper.broker import PaperBroker

    place = PaperBroker.place
    PaperBroker.place = lambda self, request: (place(self, request), place(self, request))[1]  # type: ignore[method-assign]


def journal_not_synced() -> None:
    """The practice exchange says what its disk does not promise to keep."""
    from jqfollow.execution.brokers.paper.journal import Journal

    Journal.sync = lambda self, upto: None  # type: ignore[method-assign]


def answers_early() -> None:
    """Whoever waits for a commit is told a moment before it."""
    from jqfollow.ledger.writer import Writer

    def commit(self: Any, group: Any) -> None:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.execute("BEGIN IMMEDIATE")
        self._run_jobs(self._connection, [job for work in group for job in work.jobs])
        for work in group:
            work.answer(None)
        time.sleep(0.1)
        self._connection.execute("COMMIT")

    Writer._commit = commit  # type: ignore[method-assign]
