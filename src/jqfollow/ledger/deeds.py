"""What people did by the console or the command line."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from jqfollow.clock import from_ms, to_ms
from jqfollow.ledger.codec import stored
from jqfollow.ledger.table import Table

_ADD = """
INSERT INTO deeds (at, who, what, strategy, account, detail, once) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (once) DO NOTHING"""
_DONE = "SELECT 1 FROM deeds WHERE once = ?"


class What(StrEnum):
    """What a person can do."""

    PAUSE = "pause"
    PAUSE_BUYS = "pause_buys"
    RESUME = "resume"
    PLACE = "place"
    CANCEL = "cancel"
    CANCEL_ALL = "cancel_all"
    CLOSE_ALL = "close_all"
    SETTLE = "settle"
    REPAIR = "repair"
    BOOK = "book"
    RESEND = "resend"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeedRow:
    """One deed."""

    deed_id: int
    at: datetime
    who: str
    what: What
    strategy: str
    account: str
    detail: str


class Deeds(Table):
    """The table `deeds`; none is ever changed."""

    __slots__ = ()

    def add(
        self,
        at: datetime,
        who: str,
        what: What,
        *,
        strategy: str = "",
        account: str = "",
        detail: str = "",
        once: str | None = None,
    ) -> bool:
        """Keeps it; False, and nothing is kept, when what `once` names was done before."""
        values = (to_ms(at), stored(who), stored(what), stored(strategy), stored(account), stored(detail), stored(once))
        return self._c.execute(_ADD, values).rowcount == 1

    def done(self, once: str) -> bool:
        """Whether what `once` names was done."""
        return self._one(_DONE, stored(once)) is not None

    def list(self, *, limit: int, before_id: int | None = None) -> list[DeedRow]:
        """Newest first."""
        return [_deed(row) for row in self._newest("deeds", "deed_id", limit, deed_id__lt=before_id)]


def _deed(row: Any) -> DeedRow:
    return DeedRow(
        deed_id=row["deed_id"],
        at=from_ms(row["at"]),
        who=row["who"],
        what=What(row["what"]),
        strategy=row["strategy"],
        account=row["account"],
        detail=row["detail"],
    )
