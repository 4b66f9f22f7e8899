"""A transaction: the tables, as one function sees them."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from jqfollow.ledger.attempts import Attempts
from jqfollow.ledger.books import Books
from jqfollow.ledger.decisions import Decisions
from jqfollow.ledger.deliveries import Deliveries
from jqfollow.ledger.elsewhere import Elsewhere
from jqfollow.ledger.events import Events
from jqfollow.ledger.fills import Fills
from jqfollow.ledger.meta import Meta
from jqfollow.ledger.numbers import Numbers
from jqfollow.ledger.orders import Orders
from jqfollow.ledger.outbox import Outbox
from jqfollow.ledger.pauses import Pauses
from jqfollow.ledger.processes import Processes
from jqfollow.ledger.reports import Reports
from jqfollow.ledger.signals import Signals
from jqfollow.ledger.snapshots import Snapshots


class Tx:
    """All tables on one connection.

    A function that is given a `Tx` uses it before it returns, on the thread it was called on, and gives back values.
    What it raises undoes all that it wrote, and nothing else.
    """

    __slots__ = (
        "_connection",
        "attempts",
        "books",
        "decisions",
        "deliveries",
        "elsewhere",
        "events",
        "fills",
        "meta",
        "numbers",
        "orders",
        "outbox",
        "pauses",
        "processes",
        "reports",
        "signals",
        "snapshots",
    )

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.signals = Signals(connection)
        self.orders = Orders(connection)
        self.attempts = Attempts(connection)
        self.fills = Fills(connection)
        self.books = Books(connection)
        self.decisions = Decisions(connection)
        self.events = Events(connection)
        self.outbox = Outbox(connection)
        self.deliveries = Deliveries(connection)
        self.pauses = Pauses(connection)
        self.snapshots = Snapshots(connection)
        self.meta = Meta(connection)
        self.numbers = Numbers(connection)
        self.elsewhere = Elsewhere(connection)
        self.processes = Processes(connection)
        self.reports = Reports(connection)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What is written within it is undone when something is raised; what was written before stands."""
        self._connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO part")
            raise
        finally:
            if self._connection.in_transaction:
                self._connection.execute("RELEASE part")
