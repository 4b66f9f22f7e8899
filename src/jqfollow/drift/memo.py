"""The drift of every book, of which only what has changed is worked out anew.

A book changes by an order of it that is new or was open, by a fill, a booking, a difference or a corporate action, by a
report of its strategy, and by a new picture of its account.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from jqfollow.drift.causes import Drift
from jqfollow.drift.reading import Key, drifts, drifts_of, missing_shares, newest_picture
from jqfollow.ledger.corporate import ActionRow
from jqfollow.ledger.elsewhere import DifferenceRow
from jqfollow.ledger.tx import Tx
from jqfollow.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """How far the ledger was read."""

    order_id: int
    fill_id: int
    booking_id: int
    open: frozenset[tuple[int, Key]]
    """Orders that had not ended."""
    differences: tuple[DifferenceRow, ...]
    actions: tuple[ActionRow, ...]
    reports: dict[str, tuple[object, ...]]
    pictures: dict[str, datetime | None]


class DriftMemo:
    """Of one process; thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._mark: _Mark | None = None
        self._rows: dict[Key, Drift] = {}

    def read(self, tx: Tx) -> list[Drift]:
        """As `drifts` would give it, in the order of the books' keys."""
        with self._lock:
            mark, before = self._look(tx), self._mark
            if before is None:
                self._rows = _by_key(drifts(tx, self._settings))
            elif mark != before:
                self._catch_up(tx, before, mark)
            self._mark = mark
            return [self._rows[key] for key in sorted(self._rows)]

    def _look(self, tx: Tx) -> _Mark:
        strategies, accounts = self._settings.strategies, self._settings.accounts
        open_orders = ((o.order_id, (o.account, o.strategy, o.security)) for o in tx.orders.open())
        return _Mark(
            order_id=tx.orders.newest(),
            fill_id=tx.fills.newest(),
            booking_id=tx.bookings.newest(),
            open=frozenset(open_orders),
            differences=tuple(tx.elsewhere.all_differences()),
            actions=tuple(tx.corporate.list()),
            reports={name: tx.reports.stamp(name) for name in strategies},
            pictures={name: tx.snapshots.newest_at(name) for name in accounts},
        )

    def _catch_up(self, tx: Tx, before: _Mark, mark: _Mark) -> None:
        for strategy in self._settings.strategies:
            if mark.reports[strategy] != before.reports[strategy]:
                kept = {key: row for key, row in self._rows.items() if key[1] != strategy}
                self._rows = kept | _by_key(drifts(tx, self._settings, strategy=strategy))
        changed = self._changed(tx, before, mark)
        missing: dict[Key, int] = {}
        for account in self._settings.accounts:
            picture = newest_picture(tx, account)
            missing |= missing_shares(tx, account, picture) if picture else {}
        changed |= {key for key, row in self._rows.items() if row.missing != missing.get(key, 0)}
        of_strategies: dict[str, dict[Key, int]] = defaultdict(dict)
        for key in changed:
            of_strategies[key[1]][key] = missing.get(key, 0)
        for strategy, keys in of_strategies.items():
            self._rows |= _by_key(drifts_of(tx, self._settings, strategy, keys))

    def _changed(self, tx: Tx, before: _Mark, mark: _Mark) -> set[Key]:
        changed = {key for _, key in before.open | mark.open}
        changed |= {(o.account, o.strategy, o.security) for o in tx.orders.newer_than(before.order_id)}
        changed |= tx.fills.books_since(before.fill_id)
        bookings = (row for row in tx.bookings.list() if row.booking_id > before.booking_id)
        changed |= {(row.account, row.strategy, row.security) for row in bookings}
        differences = set(before.differences) ^ set(mark.differences)
        changed |= {(row.account, row.strategy, row.security) for row in differences}
        actions = {(row.account, row.security) for row in set(before.actions) ^ set(mark.actions)}
        return changed | {key for key in self._rows if (key[0], key[2]) in actions}


def _by_key(rows: list[Drift]) -> dict[Key, Drift]:
    return {(row.account, row.strategy, row.security): row for row in rows}
