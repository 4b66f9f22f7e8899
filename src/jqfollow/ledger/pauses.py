"""What a person paused."""

from datetime import datetime
from typing import Any

from jqfollow.clock import from_ms, to_ms
from jqfollow.ledger.codec import stored
from jqfollow.ledger.rows import PauseRow
from jqfollow.ledger.table import Table

PauseRows = list[PauseRow]

_PAUSE = "INSERT INTO pauses (strategy, account, since) VALUES (?, ?, ?) ON CONFLICT (strategy, account) DO NOTHING"
_RESUME = "DELETE FROM pauses WHERE (?1 = '' OR strategy = ?1) AND (?2 = '' OR account = ?2)"
_ACTIVE = """
SELECT * FROM pauses WHERE strategy IN ('', ?) AND account IN ('', ?) ORDER BY strategy, account LIMIT 1"""


class Pauses(Table):
    """The table `pauses`."""

    __slots__ = ()

    def pause(self, strategy: str, account: str, at: datetime) -> None:
        """Stops new orders of `strategy` on `account`; `''` means all. A pause that stands keeps its time."""
        self._c.execute(_PAUSE, (stored(strategy), stored(account), to_ms(at)))

    def resume(self, strategy: str, account: str) -> int:
        """Ends pauses and returns how many.

        `''` means whatever it says: `resume('', '')` ends all pauses, `resume('s', '')` all that name strategy `s`.
        A wider pause than the one named stays: whoever paused everything does not find one strategy running.
        """
        return self._c.execute(_RESUME, (stored(strategy), stored(account))).rowcount

    def active(self, strategy: str, account: str) -> PauseRow | None:
        """The widest pause that covers `strategy` on `account`."""
        row = self._one(_ACTIVE, stored(strategy), stored(account))
        return None if row is None else _pause(row)

    def list(self) -> PauseRows:
        """All pauses, the widest first."""
        return [_pause(row) for row in self._all("SELECT * FROM pauses ORDER BY strategy, account")]


def _pause(row: Any) -> PauseRow:
    return PauseRow(strategy=row["strategy"], account=row["account"], since=from_ms(row["since"]))
