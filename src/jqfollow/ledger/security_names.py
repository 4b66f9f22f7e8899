"""What brokers call securities: 平安银行 for 000001.SZ."""

from collections.abc import Mapping

from jqfollow.ledger.codec import stored
from jqfollow.ledger.table import Table

_PUT = "INSERT INTO security_names VALUES (?, ?) ON CONFLICT (security) DO UPDATE SET name = excluded.name"


class SecurityNames(Table):
    """The table `security_names`."""

    __slots__ = ()

    def put(self, names: Mapping[str, str]) -> None:
        """Keeps names by symbol; a new one replaces the old."""
        self._c.executemany(_PUT, [(stored(symbol), stored(name)) for symbol, name in names.items()])

    def all(self) -> dict[str, str]:
        """Every name that was ever told, by symbol."""
        return {row["security"]: row["name"] for row in self._all("SELECT * FROM security_names")}
