"""Which kinds of messages are sent, and how soon; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jqfollow.ledger.rows import OutboxRow
from jqfollow.notify.kinds import Kind, is_urgent


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What a person wants. What is urgent is always sent, and at once."""

    quiet: frozenset[str] = frozenset()
    """Kinds that are not sent; they stand in the console."""
    gather_s: float = 0.0
    """So long the oldest ordinary message waits for others to go along with it."""
    remainders_s: float = 0.0
    """The same of remainders below a lot."""

    def unwanted(self, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
        """Rows that are not to be sent."""
        return [row for row in rows if row.kind in self.quiet and not is_urgent(row.kind)]

    def ready(self, rows: Sequence[OutboxRow], now: datetime) -> tuple[list[OutboxRow], float | None]:
        """Rows that go out now; seconds until more do, `None`: none waits."""
        remainders = [row for row in rows if row.kind == Kind.REMAINDER]
        ordinary = [row for row in rows if not is_urgent(row.kind) and row.kind != Kind.REMAINDER]
        out = [row for row in rows if is_urgent(row.kind)]
        waits = []
        for group, hold_s in ((ordinary, self.gather_s), (remainders, self.remainders_s)):
            left = hold_s - max(((now - row.created_at).total_seconds() for row in group), default=hold_s)
            if left > 0:
                waits.append(left)
            else:
                out += group
        return sorted(out, key=lambda row: row.outbox_id), min(waits, default=None)
