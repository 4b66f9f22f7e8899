"""The processes in which a strategy runs at JoinQuant, and what of their numbered messages has not arrived."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jqfollow.clock import from_ms, to_ms
from jqfollow.domain import Origin
from jqfollow.ledger.codec import stored
from jqfollow.ledger.table import Table

_KEPT = timedelta(days=30)
"""A process that was silent for so long is forgotten."""

_GET = "SELECT * FROM processes WHERE strategy = ? AND process = ?"
_PUT = """
INSERT INTO processes (strategy, process, first_at, last_at, top) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (strategy, process) DO UPDATE SET
    first_at = min(first_at, excluded.first_at),
    last_at = max(last_at, excluded.last_at),
    top = max(top, excluded.top)"""
_STARTED_SINCE = """
SELECT process FROM processes
WHERE strategy = ?1 AND process <> ?2 AND first_at < ?3
AND first_at > (SELECT first_at FROM processes WHERE strategy = ?1 AND process = ?2) ORDER BY first_at DESC LIMIT 1"""
_FORGET = "DELETE FROM processes WHERE strategy = ? AND last_at < ?"
_HOLDING = "SELECT * FROM gaps WHERE strategy = ? AND process = ? AND first <= ? AND last >= ?"
_ADD_GAP = (
    "INSERT INTO gaps (strategy, process, first, last, before, after, since, told) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_DROP_GAP = "DELETE FROM gaps WHERE strategy = ? AND process = ? AND first = ?"
_UNTOLD = "SELECT * FROM gaps WHERE told = 0 AND since <= ? ORDER BY since"
_TELL = "UPDATE gaps SET told = 1 WHERE strategy = ? AND process = ? AND first = ?"
_NOTE_LOST = "INSERT OR IGNORE INTO lost_messages (strategy, at) VALUES (?, ?)"
_LOST = "SELECT at FROM lost_messages WHERE strategy = ? ORDER BY at"
_OF_STRATEGY = "SELECT * FROM gaps WHERE strategy = ? ORDER BY since"


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRow:
    """Messages `first` to `last` of a process have not arrived."""

    strategy: str
    process: str
    first: int
    last: int
    before: datetime | None
    """When the message before them was made; `None`: they are its first."""
    after: datetime
    """When the message behind them was made."""
    since: datetime
    """When they were found missing."""
    told: bool
    """People were told."""

    @property
    def count(self) -> int:
        """How many messages."""
        return self.last - self.first + 1


GapRows = list[GapRow]


class Processes(Table):
    """The tables `processes` and `gaps`."""

    __slots__ = ()

    def arrived(self, strategy: str, origin: Origin, made_at: datetime, now: datetime) -> None:
        """A message of a process came; what of its numbers is not there is a gap from now on."""
        known = self._one(_GET, stored(strategy), stored(origin.process))
        if known is None:
            self._c.execute(_FORGET, (stored(strategy), to_ms(made_at - _KEPT)))
        top = 0 if known is None else known["top"]
        if origin.seq > top + 1:
            before = None if known is None else known["last_at"]
            self._add_gap(strategy, origin.process, top + 1, origin.seq - 1, before, to_ms(made_at), to_ms(now), 0)
        elif origin.seq <= top:
            self.settle(strategy, origin)
        key = (stored(strategy), stored(origin.process))
        self._c.execute(_PUT, (*key, to_ms(made_at), to_ms(made_at), origin.seq))

    def settle(self, strategy: str, origin: Origin) -> None:
        """A message that was missing has come, or is known never to come: the gap around it is divided."""
        key = (stored(strategy), stored(origin.process))
        row = self._one(_HOLDING, *key, origin.seq, origin.seq)
        if row is None:
            return
        self._c.execute(_DROP_GAP, (*key, row["first"]))
        for first, last in ((row["first"], origin.seq - 1), (origin.seq + 1, row["last"])):
            if first <= last:
                self._add_gap(
                    strategy, origin.process, first, last, row["before"], row["after"], row["since"], row["told"]
                )

    def _add_gap(
        self, strategy: str, process: str, first: int, last: int, before: int | None, after: int, since: int, told: int
    ) -> None:
        key = (stored(strategy), stored(process))
        self._c.execute(_ADD_GAP, (*key, first, last, before, after, since, told))

    def note_lost(self, strategy: str, at: datetime) -> None:
        """A message made at `at` told of others that will never come."""
        self._c.execute(_NOTE_LOST, (stored(strategy), to_ms(at)))

    def lost(self, strategy: str) -> list[datetime]:
        """When messages were told of that will never come."""
        return [from_ms(row["at"]) for row in self._all(_LOST, stored(strategy))]

    def started_since(self, strategy: str, process: str, made_at: datetime) -> str | None:
        """Another process that began after `process` did, and before `made_at`: both are alive."""
        row = self._one(_STARTED_SINCE, stored(strategy), stored(process), to_ms(made_at))
        return None if row is None else str(row["process"])

    def untold_gaps(self, since: datetime) -> GapRows:
        """Gaps found before `since` of which nobody was told, oldest first."""
        return [_gap(row) for row in self._all(_UNTOLD, to_ms(since))]

    def told_gap(self, gap: GapRow) -> None:
        """People know of it."""
        self._c.execute(_TELL, (stored(gap.strategy), stored(gap.process), gap.first))

    def gaps(self, strategy: str) -> GapRows:
        """What never arrived of a strategy's messages, oldest first."""
        return [_gap(row) for row in self._all(_OF_STRATEGY, stored(strategy))]


def _gap(row: Any) -> GapRow:
    return GapRow(
        strategy=row["strategy"],
        process=row["process"],
        first=row["first"],
        last=row["last"],
        before=None if row["before"] is None else from_ms(row["before"]),
        after=from_ms(row["after"]),
        since=from_ms(row["since"]),
        told=bool(row["told"]),
    )
