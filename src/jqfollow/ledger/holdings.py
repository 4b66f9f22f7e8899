"""What accounts hold by their brokers' figures: beyond the books, and when the day began."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from jqfollow.clock import from_ms, to_ms
from jqfollow.ledger.codec import day_text, stored
from jqfollow.ledger.table import Table

Session = Literal["open", "close"]

_LINES = "SELECT * FROM own_lines WHERE account = ? ORDER BY security"
_CHECKED = "SELECT 1 FROM holding_checks WHERE account = ? AND day = ? AND session = ?"
_EVER_CHECKED = "SELECT 1 FROM holding_checks WHERE account = ? LIMIT 1"
_LAST_CHECK = "SELECT max(at) AS at FROM holding_checks WHERE account = ?"
_OPENED = "SELECT 1 FROM holding_checks WHERE account = ? AND day = ? LIMIT 1"
_OPENING = "SELECT volume FROM opening_holdings WHERE account = ? AND day = ? AND security = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLine:
    """What an account holds of a security beyond its books: a person's own, or what nobody has explained yet."""

    security: str
    volume: int
    """Negative: the broker holds less than the books say."""
    by_hand: int
    """What people's own orders of `day` brought of it until then."""
    day: date


class Holdings(Table):
    """The tables `own_lines`, `holding_checks` and `opening_holdings`."""

    __slots__ = ()

    def lines(self, account: str) -> Mapping[str, OwnLine] | None:
        """The account's own lines by security; `None`: they were never looked at."""
        if self._one(_EVER_CHECKED, stored(account)) is None:
            return None
        return {
            row["security"]: OwnLine(
                security=row["security"],
                volume=row["volume"],
                by_hand=row["by_hand"],
                day=date.fromisoformat(row["day"]),
            )
            for row in self._all(_LINES, stored(account))
        }

    def put(self, account: str, day: date, session: Session, at: datetime, lines: Sequence[OwnLine]) -> None:
        """Keeps what a comparison found; the lines are all that there are."""
        self._c.execute("DELETE FROM own_lines WHERE account = ?", (stored(account),))
        self._c.executemany(
            "INSERT INTO own_lines (account, security, volume, by_hand, day) VALUES (?, ?, ?, ?, ?)",
            [(stored(account), stored(o.security), o.volume, o.by_hand, day_text(o.day)) for o in lines],
        )
        self._c.execute(
            "INSERT OR REPLACE INTO holding_checks (account, day, session, at) VALUES (?, ?, ?, ?)",
            (stored(account), day_text(day), session, to_ms(at)),
        )

    def last_check(self, account: str) -> datetime | None:
        """When the last comparison was made; `None`: none was."""
        at = self._one(_LAST_CHECK, stored(account))["at"]
        return None if at is None else from_ms(at)

    def checked(self, account: str, day: date, session: Session) -> bool:
        """Whether the comparison of that morning, or of that close, was made."""
        return self._one(_CHECKED, stored(account), day_text(day), session) is not None

    def put_opening(self, account: str, day: date, volumes: Mapping[str, int]) -> None:
        """Keeps what the account held when `day` began; once a day, later ones change nothing."""
        if self._one(_OPENED, stored(account), day_text(day)) is not None:
            return
        self._c.execute("DELETE FROM opening_holdings WHERE account = ?", (stored(account),))
        self._c.executemany(
            "INSERT INTO opening_holdings (account, day, security, volume) VALUES (?, ?, ?, ?)",
            [(stored(account), day_text(day), stored(code), volume) for code, volume in volumes.items()],
        )

    def opening(self, account: str, day: date, security: str) -> int | None:
        """What the account held of a security when `day` began; `None`: nobody looked."""
        if self._one(_OPENED, stored(account), day_text(day)) is None:
            return None
        row = self._one(_OPENING, stored(account), day_text(day), stored(security))
        return 0 if row is None else int(row["volume"])
