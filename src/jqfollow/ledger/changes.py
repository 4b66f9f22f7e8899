"""What has changed, by what people look at: marks that differ when there is something new to see."""

from collections.abc import Iterable

from jqfollow.ledger.codec import stored
from jqfollow.ledger.table import Table

Mark = tuple[object, ...]

_SIGNALS = """
SELECT (SELECT max(signal_id) FROM signals), (SELECT count(*) FROM signals WHERE state = 'received')"""
# Orders that ended change no more, but for fills that come late.
_ORDERS = """
SELECT (SELECT max(order_id) FROM orders), (SELECT max(event_id) FROM events), (SELECT max(decision_id) FROM decisions),
       (SELECT max(fill_id) FROM fills), count(*), sum(updated_at), sum(volume), sum(filled), count(waiting_for)
FROM orders WHERE state IN ('pending_new', 'new', 'partially_filled')"""
_BOOKS = """
SELECT (SELECT max(fill_id) FROM fills), (SELECT max(booking_id) FROM bookings),
       (SELECT max(report_id) FROM reports), (SELECT count(*) FROM reports WHERE whole = 1)"""
_PICTURE = "SELECT max(taken_at) FROM account_snapshots WHERE account = ?"
_MESSAGES = """
SELECT (SELECT max(outbox_id) FROM outbox), count(*), sum(tries) FROM outbox WHERE state = 'pending'"""
_DEEDS = "SELECT max(deed_id) FROM deeds"
_NAMES = "SELECT count(*) FROM security_names"
# With the last deed: a pause that began and ended between two looks may have been seen in between.
_PAUSES = """
SELECT *, 0 AS buys FROM pauses UNION ALL SELECT *, 1 AS buys FROM pauses_of_buys ORDER BY 4, 1, 2"""


class Changes(Table):
    """Marks of several tables; each costs microseconds, whatever the ledger holds."""

    __slots__ = ()

    def marks(self, accounts: Iterable[str]) -> dict[str, Mark]:
        """The mark of everything that changes, by name; `accounts`: whose pictures count."""
        return {
            "signals": tuple(self._one(_SIGNALS)),
            "orders": tuple(self._one(_ORDERS)),
            "books": tuple(self._one(_BOOKS)),
            "accounts": tuple(self._one(_PICTURE, stored(name))[0] for name in accounts),
            "messages": tuple(self._one(_MESSAGES)),
            "deeds": tuple(self._one(_DEEDS)),
            "names": tuple(self._one(_NAMES)),
            "pauses": (*self._one(_DEEDS), *(tuple(row) for row in self._all(_PAUSES))),
        }
