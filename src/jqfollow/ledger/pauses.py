"""What is paused."""

from datetime import datetime
from typing import Any

from jqfollow.clock import from_ms, to_ms
from jqfollow.domain import Side
from jqfollow.ledger.codec import stored
from jqfollow.ledger.rows import PauseRow
from jqfollow.ledger.table import Table

PauseRows = list[PauseRow]

_TABLES = {False: "pauses", True: "pauses_of_buys"}
_PAUSE = "INSERT INTO {} (strategy, account, since) VALUES (?, ?, ?) ON CONFLICT (strategy, account) DO NOTHING"
_RESUME = "DELETE FROM {} WHERE (?1 = '' OR strategy = ?1) AND (?2 = '' OR account = ?2)"
_LIST = """
SELECT *, 0 AS buys FROM pauses UNION ALL SELECT *, 1 AS buys FROM pauses_of_buys ORDER BY buys, strategy, account"""


class Pauses(Table):
    """The table `pauses`."""

    __slots__ = ()

    def pause(self, strategy: str, account: str, at: datetime, *, buys: bool = False) -> None:
        """Stops new orders, or only `buys`, of `strategy` on `account`; `''` means all.

        A pause that stands keeps its time.
        """
        self._kept.pauses = None
        self._c.execute(_PAUSE.format(_TABLES[buys]), (stored(strategy), stored(account), to_ms(at)))

    def resume(self, strategy: str, account: str) -> int:
        """Ends pauses and returns how many.

        `''` means whatever it says: `resume('', '')` ends all pauses, `resume('s', '')` all that name strategy `s`.
        A wider pause than the one named stays: whoever paused everything does not find one strategy running.
        """
        self._kept.pauses = None
        names = stored(strategy), stored(account)
        return sum(self._c.execute(_RESUME.format(table), names).rowcount for table in _TABLES.values())

    def active(self, strategy: str, account: str, side: Side | None = None) -> PauseRow | None:
        """The widest pause that covers orders of `side` (`None`: of both) of `strategy` on `account`."""
        return next((pause for pause in self.list() if pause.covers(strategy, account, side)), None)

    def list(self) -> PauseRows:
        """All pauses, those of everything before those of buys, the widest first."""
        if self._kept.pauses is None:
            self._kept.pauses = [_pause(row) for row in self._c.execute(_LIST)]
        return self._kept.pauses


def _pause(row: Any) -> PauseRow:
    return PauseRow(
        strategy=row["strategy"], account=row["account"], since=from_ms(row["since"]), buys=bool(row["buys"])
    )
