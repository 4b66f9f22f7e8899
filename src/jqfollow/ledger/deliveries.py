"""Which robot is done with which message of the outbox."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime

from jqfollow.clock import from_ms, to_ms
from jqfollow.ledger.codec import stored
from jqfollow.ledger.rows import OutboxRow
from jqfollow.ledger.table import Table

_DUE = """
SELECT * FROM outbox
WHERE state = 'pending'
  AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.outbox_id = outbox.outbox_id AND d.robot = ?)
ORDER BY kind IN (SELECT value FROM json_each(?)) DESC, outbox_id LIMIT ?"""
_DONE = """
INSERT INTO deliveries (outbox_id, robot, at, error) VALUES (?, ?, ?, ?)
ON CONFLICT (outbox_id, robot) DO NOTHING"""
_CLOSE = """
UPDATE outbox SET
    sent_at = (SELECT min(d.at) FROM deliveries AS d WHERE d.outbox_id = outbox.outbox_id AND d.error = ''),
    state = iif(EXISTS (SELECT 1 FROM deliveries AS d WHERE d.outbox_id = outbox.outbox_id AND d.error = ''),
                'sent', 'failed'),
    error = coalesce((SELECT d.error FROM deliveries AS d WHERE d.outbox_id = outbox.outbox_id AND d.error <> ''
                      ORDER BY d.at DESC LIMIT 1),
                     iif(EXISTS (SELECT 1 FROM deliveries AS d WHERE d.outbox_id = outbox.outbox_id), '', ?))
WHERE state = 'pending'
  AND NOT EXISTS (
      SELECT 1 FROM json_each(?) AS robot
      WHERE NOT EXISTS (SELECT 1 FROM deliveries AS d
                        WHERE d.outbox_id = outbox.outbox_id AND d.robot = robot.value))"""


class Deliveries(Table):
    """The table `deliveries`, and the end of the outbox rows that it decides."""

    __slots__ = ()

    def due(self, robot: str, limit: int, *, first: Collection[str] = ()) -> list[OutboxRow]:
        """Pending messages that `robot` is not done with: those of the kinds `first`, then oldest first."""
        return [
            OutboxRow(
                outbox_id=row["outbox_id"],
                created_at=from_ms(row["created_at"]),
                kind=row["kind"],
                text=row["text"],
                state=row["state"],
                tries=row["tries"],
                next_at=from_ms(row["next_at"]),
            )
            for row in self._all(_DUE, robot, json.dumps(sorted(first)), limit)
        ]

    def done(self, robot: str, errors: Mapping[int, str], at: datetime) -> None:
        """`robot` is done with these messages, each with its error; `''`: delivered. Twice is as once."""
        rows = [(outbox_id, robot, to_ms(at), stored(error)) for outbox_id, error in errors.items()]
        self._c.executemany(_DONE, rows)

    def close(self, robots: Collection[str], why: str) -> int:
        """Ends the pending messages that all of `robots` are done with; how many.

        They are `sent` when at least one robot delivered them, else `failed`. Without robots every one ends; `why` is
        then the error of those that nobody tried.
        """
        return self._c.execute(_CLOSE, (stored(why), json.dumps(sorted(robots)))).rowcount

    def drop(self) -> int:
        """Ends every pending message as `dropped`, for there is nobody to tell; how many."""
        return self._c.execute("UPDATE outbox SET state = 'dropped' WHERE state = 'pending'").rowcount
