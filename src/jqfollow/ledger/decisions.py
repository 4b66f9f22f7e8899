"""Why orders were or were not placed."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jqfollow.clock import from_ms, to_ms
from jqfollow.ledger.codec import maybe, stored, to_json
from jqfollow.ledger.rows import DecisionRow
from jqfollow.ledger.table import Table
from jqfollow.reasons import Reason

DecisionRows = list[DecisionRow]


class Decisions(Table):
    """The table `decisions`."""

    __slots__ = ()

    def add(
        self,
        order_id: int,
        attempt: int,
        at: datetime,
        outcome: str,
        refusal_reason: Reason | None,
        verdicts: Sequence[Mapping[str, Any]],
    ) -> None:
        """Keeps a decision about attempt number `attempt` with every rule's verdict.

        `outcome` is `place`, `wait` or `refuse`. A verdict holds what JSON holds; a decimal or a time becomes text.
        """
        self._insert_later(
            "decisions",
            {
                "order_id": order_id,
                "attempt": attempt,
                "made_at": to_ms(at),
                "outcome": stored(outcome),
                "reason": stored(refusal_reason),
                "verdicts": to_json([dict(verdict) for verdict in verdicts]),
            },
        )

    def of_order(self, order_id: int) -> DecisionRows:
        """The decisions about one order, oldest first."""
        self._flush()
        sql = "SELECT * FROM decisions WHERE order_id = ? ORDER BY decision_id"
        return [decision_row(row) for row in self._all(sql, order_id)]

    def list(self, limit: int = 100) -> DecisionRows:
        """Decisions, newest first."""
        self._flush()
        return [decision_row(row) for row in self._newest("decisions", "decision_id", limit)]


def decision_row(row: Any) -> DecisionRow:
    """The row as a value."""
    return DecisionRow(
        decision_id=row["decision_id"],
        order_id=row["order_id"],
        attempt=row["attempt"],
        made_at=from_ms(row["made_at"]),
        outcome=row["outcome"],
        reason=maybe(Reason, row["reason"]),
        verdicts=tuple(json.loads(row["verdicts"])),
    )
