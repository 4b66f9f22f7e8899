"""Drifts of books as somebody worked them out; what has changed since is not in them."""

from collections.abc import Iterable, Mapping

from jqfollow.ledger.codec import stored
from jqfollow.ledger.table import Table

BookKey = tuple[str, str, str]
"""Account, strategy, security."""
_PUT = "INSERT OR REPLACE INTO kept_drifts VALUES (?, ?, ?, ?)"
_DROP = "DELETE FROM kept_drifts WHERE account = ? AND strategy = ? AND security = ?"


class KeptDrifts(Table):
    """The table `kept_drifts`."""

    __slots__ = ()

    def put(self, rows: Mapping[BookKey, str]) -> None:
        """Keeps rows, in place of those of the same books."""
        self._c.executemany(_PUT, [(*map(stored, key), row) for key, row in rows.items()])

    def drop(self, keys: Iterable[BookKey]) -> None:
        """Forgets the rows of some books."""
        self._c.executemany(_DROP, [tuple(map(stored, key)) for key in keys])

    def clear(self) -> None:
        """Forgets every row."""
        self._c.execute("DELETE FROM kept_drifts")

    def all(self) -> dict[BookKey, str]:
        """Every row, by its book."""
        rows = self._c.execute("SELECT account, strategy, security, row FROM kept_drifts").fetchall()
        return {(account, strategy, security): row for account, strategy, security, row in rows}
