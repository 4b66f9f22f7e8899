"""What people are to be told."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from jqfollow.clock import from_ms, to_ms
from jqfollow.ledger.codec import stored
from jqfollow.ledger.rows import OutboxRow
from jqfollow.ledger.table import Table

OutboxRows = list[OutboxRow]

_PUT = """
INSERT INTO outbox (created_at, kind, text, unique_key, next_at) VALUES (?1, ?2, ?3, ?4, ?1)
ON CONFLICT (unique_key) DO NOTHING"""
_DUE = "SELECT * FROM outbox WHERE state = 'pending' AND next_at <= ? ORDER BY outbox_id LIMIT ?"
_OLDEST = "SELECT * FROM outbox WHERE state = 'pending' ORDER BY +outbox_id LIMIT 1"
# A message that has ended stays as it ended, however late an answer comes.
_SENT = """
UPDATE outbox SET state = 'sent', sent_at = ?, error = '', tries = tries + 1
WHERE outbox_id = ? AND state = 'pending'"""
_RETRY = """
UPDATE outbox SET next_at = ?, error = ?, tries = tries + 1 WHERE outbox_id = ? AND state = 'pending'"""
_GIVE_UP = """
UPDATE outbox SET state = ?, error = ?, tries = tries + 1 WHERE outbox_id = ? AND state = 'pending'"""

_CLOCK_SET = "UPDATE outbox SET next_at = next_at + ? WHERE state = 'pending'"


class Outbox(Table):
    """The table `outbox`."""

    __slots__ = ()

    def put(self, kind: str, text: str, at: datetime, *, unique_key: str | None = None) -> bool:
        """Queues a message, due at once; False when one with this `unique_key` was ever queued."""
        values = (to_ms(at), stored(kind), stored(text), stored(unique_key))
        return self._c.execute(_PUT, values).rowcount == 1

    def due(self, now: datetime, limit: int) -> OutboxRows:
        """Messages to be sent now, oldest first.

        Raises:
            ValueError: a negative limit.
        """
        if limit < 0:
            raise ValueError(f"limit is {limit}; it must not be negative")
        return [_message(row) for row in self._all(_DUE, to_ms(now), limit)]

    def clock_was_set(self, step: timedelta) -> None:
        """The wall clock was set by `step`: what is to be sent again goes with it."""
        self._c.execute(_CLOCK_SET, (round(step.total_seconds() * 1000),))

    def pending(self) -> int:
        """How many messages wait, due or not."""
        return int(self._one("SELECT count(*) AS count FROM outbox WHERE state = 'pending'")["count"])

    def sent(self, ids: Iterable[int], at: datetime) -> None:
        """They were delivered."""
        self._c.executemany(_SENT, [(to_ms(at), outbox_id) for outbox_id in ids])

    def retry(self, ids: Iterable[int], next_at: datetime, error: str) -> None:
        """They failed and are due again at `next_at`."""
        self._c.executemany(_RETRY, [(to_ms(next_at), stored(error), outbox_id) for outbox_id in ids])

    def give_up(self, ids: Iterable[int], error: str, state: str = "failed") -> None:
        """They are not sent: `failed`, or `dropped` when there is nobody to tell."""
        self._c.executemany(_GIVE_UP, [(stored(state), stored(error), outbox_id) for outbox_id in ids])

    def oldest_pending(self) -> OutboxRow | None:
        """The message that waits longest."""
        row = self._one(_OLDEST)
        return None if row is None else _message(row)

    def get(self, outbox_id: int) -> OutboxRow | None:
        """One message."""
        row = self._one("SELECT * FROM outbox WHERE outbox_id = ?", outbox_id)
        return None if row is None else _message(row)

    def list(self, limit: int = 100) -> OutboxRows:
        """Messages, newest first."""
        return [_message(row) for row in self._newest("outbox", "outbox_id", limit)]


def _message(row: Any) -> OutboxRow:
    return OutboxRow(
        outbox_id=row["outbox_id"],
        created_at=from_ms(row["created_at"]),
        kind=row["kind"],
        text=row["text"],
        state=row["state"],
        tries=row["tries"],
        next_at=from_ms(row["next_at"]),
    )
