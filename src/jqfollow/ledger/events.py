"""Orders' histories."""

from datetime import datetime
from typing import Any

from jqfollow.clock import from_ms, to_ms
from jqfollow.ledger.codec import stored
from jqfollow.ledger.rows import EventRow
from jqfollow.ledger.table import Table


class Events(Table):
    """The table `events`."""

    __slots__ = ()

    def add(
        self,
        order_id: int,
        attempt_id: int | None,
        at: datetime,
        event: str,
        before: str,
        after: str,
        detail: str = "",
    ) -> None:
        """Keeps one step: what happened, and the states before and after."""
        self._insert_later(
            "events",
            {
                "order_id": order_id,
                "attempt_id": attempt_id,
                "at": to_ms(at),
                "event": stored(event),
                "before": stored(before),
                "after": stored(after),
                "detail": stored(detail),
            },
        )

    def of_order(self, order_id: int) -> list[EventRow]:
        """The steps of one order, oldest first."""
        self._flush()
        sql = "SELECT * FROM events WHERE order_id = ? ORDER BY event_id"
        return [event_row(row) for row in self._all(sql, order_id)]


def event_row(row: Any) -> EventRow:
    """The row as a value."""
    return EventRow(
        event_id=row["event_id"],
        order_id=row["order_id"],
        attempt_id=row["attempt_id"],
        at=from_ms(row["at"]),
        event=row["event"],
        before=row["before"],
        after=row["after"],
        detail=row["detail"],
    )
