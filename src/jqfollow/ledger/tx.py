"""A transaction: the tables, as one function sees them."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from jqfollow.ledger.attempts import Attempts
from jqfollow.ledger.bookings import Bookings
from jqfollow.ledger.books import Books
from jqfollow.ledger.changes import Changes
from jqfollow.ledger.corporate import CorporateActions
from jqfollow.ledger.decisions import Decisions
from jqfollow.ledger.deeds import Deeds
from jqfollow.ledger.deliveries import Deliveries
from jqfollow.ledger.elsewhere import Elsewhere
from jqfollow.ledger.events import Events
from jqfollow.ledger.fills import Fills
from jqfollow.ledger.finding import Finding
from jqfollow.ledger.holdings import Holdings
from jqfollow.ledger.kept import Kept
from jqfollow.ledger.kept_drifts import KeptDrifts
from jqfollow.ledger.latencies import Latencies
from jqfollow.ledger.marks import Marks
from jqfollow.ledger.meta import Meta
from jqfollow.ledger.news import News
from jqfollow.ledger.numbers import Numbers
from jqfollow.ledger.orders import Orders
from jqfollow.ledger.outbox import Outbox
from jqfollow.ledger.pace import Pace
from jqfollow.ledger.pauses import Pauses
from jqfollow.ledger.processes import Processes
from jqfollow.ledger.reports import Reports
from jqfollow.ledger.security_names import SecurityNames
from jqfollow.ledger.signals import Signals
from jqfollow.ledger.snapshots import Snapshots

T = TypeVar("T")


class Tx:
    """All tables on one connection.

    A function that is given a `Tx` uses it before it returns, on the thread it was called on, and gives back values.
    What it raises undoes all that it wrote, and nothing else.
    """

    __slots__ = (
        "_connection",
        "_kept",
        "attempts",
        "bookings",
        "books",
        "changes",
        "corporate",
        "decisions",
        "deeds",
        "deliveries",
        "elsewhere",
        "events",
        "fills",
        "finding",
        "holdings",
        "kept_drifts",
        "latencies",
        "marks",
        "meta",
        "news",
        "numbers",
        "orders",
        "outbox",
        "pauses",
        "processes",
        "reports",
        "security_names",
        "signals",
        "snapshots",
    )

    def __init__(self, connection: sqlite3.Connection, pace: Pace | None = None) -> None:
        """`pace`: of a long read that gives way to who trades."""
        self._connection = connection
        self._kept = kept = Kept(pace)
        self.signals = Signals(connection, kept)
        self.orders = Orders(connection, kept)
        self.attempts = Attempts(connection, kept)
        self.fills = Fills(connection, kept)
        self.finding = Finding(connection, kept)
        self.books = Books(connection, kept)
        self.bookings = Bookings(connection, kept)
        self.changes = Changes(connection, kept)
        self.corporate = CorporateActions(connection, kept)
        self.decisions = Decisions(connection, kept)
        self.deeds = Deeds(connection, kept)
        self.events = Events(connection, kept)
        self.outbox = Outbox(connection, kept)
        self.deliveries = Deliveries(connection, kept)
        self.pauses = Pauses(connection, kept)
        self.snapshots = Snapshots(connection, kept)
        self.marks = Marks(connection, kept)
        self.meta = Meta(connection, kept)
        self.news = News(connection, kept)
        self.numbers = Numbers(connection, kept)
        self.elsewhere = Elsewhere(connection, kept)
        self.processes = Processes(connection, kept)
        self.reports = Reports(connection, kept)
        self.kept_drifts = KeptDrifts(connection, kept)
        self.latencies = Latencies(connection, kept)
        self.holdings = Holdings(connection, kept)
        self.security_names = SecurityNames(connection, kept)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What is written within it is undone when something is raised; what was written before stands."""
        self.flush()
        self._connection.execute("SAVEPOINT part")
        try:
            yield
            self.flush()
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO part")
            self._kept.forget()
            raise
        finally:
            if self._connection.in_transaction:
                self._connection.execute("RELEASE part")

    def unhurried(self, things: Sequence[T]) -> Iterable[T]:
        """The same, for a read that works long on each of many: it gives way in between."""
        return things if self._kept.pace is None else self._kept.pace.through(things)

    def flush(self) -> None:
        """Writes what is written together (`Table._insert_later`)."""
        self._kept.flush(self._connection)

    def undone(self) -> None:
        """What was read or written may not stand any more: a savepoint around it was rolled back."""
        self._kept.forget()
