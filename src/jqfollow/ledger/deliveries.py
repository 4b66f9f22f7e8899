"""Which robot is done with which message of the outbox."""

import json
import sqlite3
from collections.abc import Collection, Mapping
from datetime import datetime

from jqfollow.clock import from_ms, to_ms
from jqfollow.ledger.rows import OutboxRow


class Deliveries:
    """The table `deliveries`, and the end of the outbox rows that it decides."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def due(self, robot: str, limit: int, *, first: Collection[str] = ()) -> list[OutboxRow]:
        """Pending messages that `robot` is not done with: those of the kinds `first`, then oldest first."""
        rows = self._connection.execute(
            """
            SELECT outbox_id, created_at, kind, text, state, tries, next_at FROM outbox
            WHERE state = 'pending'
              AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.outbox_id = outbox.outbox_id AND d.robot = ?)
            ORDER BY kind IN (SELECT value FROM json_each(?)) DESC, outbox_id LIMIT ?
            """,
            (robot, json.dumps(sorted(first)), limit),
        )
        return [
            OutboxRow(
                outbox_id=outbox_id,
                created_at=from_ms(created_at),
                kind=kind,
                text=text,
                state=state,
                tries=tries,
                next_at=from_ms(next_at),
            )
            for outbox_id, created_at, kind, text, state, tries, next_at in rows
        ]

    def done(self, robot: str, errors: Mapping[int, str], at: datetime) -> None:
        """`robot` is done with these messages, each with its error; `''`: delivered. Twice is as once."""
        self._connection.executemany(
            """
            INSERT INTO deliveries (outbox_id, robot, at, error) VALUES (?, ?, ?, ?)
            ON CONFLICT (outbox_id, robot) DO NOTHING
            """,
            [(outbox_id, robot, to_ms(at), error) for outbox_id, error in errors.items()],
        )

    def close(self, robots: Collection[str]) -> int:
        """Ends the pending messages that all of `robots` are done with; how many.

        They are `sent` when at least one robot delivered them, else `failed`; without robots every one ends.
        """
        closed = self._connection.execute(
            """
            UPDATE outbox SET
                sent_at = (SELECT min(d.at) FROM deliveries AS d
                           WHERE d.outbox_id = outbox.outbox_id AND d.error = ''),
                state = CASE WHEN EXISTS (SELECT 1 FROM deliveries AS d
                                          WHERE d.outbox_id = outbox.outbox_id AND d.error = '')
                        THEN 'sent' ELSE 'failed' END,
                error = coalesce((SELECT d.error FROM deliveries AS d
                                  WHERE d.outbox_id = outbox.outbox_id AND d.error <> '' ORDER BY d.at DESC LIMIT 1),
                                 error)
            WHERE state = 'pending'
              AND NOT EXISTS (
                  SELECT 1 FROM json_each(?) AS r
                  WHERE NOT EXISTS (SELECT 1 FROM deliveries AS d
                                    WHERE d.outbox_id = outbox.outbox_id AND d.robot = r.value))
            """,
            (json.dumps(sorted(robots)),),
        )
        return closed.rowcount

    def drop(self) -> int:
        """Ends every pending message as `dropped`, for there is nobody to tell; how many."""
        return self._connection.execute("UPDATE outbox SET state = 'dropped' WHERE state = 'pending'").rowcount
