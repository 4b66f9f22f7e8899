"""What the ledger knows of itself."""

import secrets

from jqfollow.ledger.codec import stored
from jqfollow.ledger.table import Table

REMARK_TAG = "remark_tag"
"""Key of the letters that tell the remarks of this ledger file from those of any other."""

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Meta(Table):
    """The table `meta`."""

    __slots__ = ()

    def get(self, key: str) -> str | None:
        """A value."""
        row = self._one_apart("SELECT value FROM meta WHERE key = ?", stored(key))
        return None if row is None else str(row["value"])

    def set(self, key: str, value: str) -> None:
        """Sets a value, or another one."""
        self._kept.remark_tag = None
        sql = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        self._c.execute(sql, (stored(key), stored(value)))

    def remove(self, key: str) -> None:
        """Forgets a value."""
        self._c.execute("DELETE FROM meta WHERE key = ?", (stored(key),))

    def renew_remark_tag(self) -> None:
        """Gives this file remarks of its own.

        A copy goes on counting from an older attempt than its original: with the same letters it would give a new
        attempt the remark of an order that stands at the broker already.
        """
        self.set(REMARK_TAG, "".join(secrets.choice(_BASE32) for _ in range(5)))
