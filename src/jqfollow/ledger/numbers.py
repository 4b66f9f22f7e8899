"""Which number stands behind an account's name: its books belong to the number."""

from datetime import datetime

from jqfollow.clock import SHANGHAI, to_ms
from jqfollow.ledger.codec import stored
from jqfollow.ledger.table import Table

_SET = """
INSERT INTO account_numbers (account, number, since) VALUES (?, ?, ?)
ON CONFLICT (account) DO UPDATE SET number = excluded.number, since = excluded.since"""
_SOMETHING = """
SELECT EXISTS (SELECT 1 FROM books WHERE account = ?1 AND volume <> 0)
    OR EXISTS (SELECT 1 FROM orders WHERE account = ?1 AND state IN ('pending_new', 'new', 'partially_filled'))
    AS found"""
AWAY_AT = "%Y%m%d%H%M%S"
"""How the moment stands at the end of the name under which books were put away; in Shanghai."""
_AWAY_DIGITS = 14
_AWAY = "SELECT DISTINCT account FROM books WHERE account >= ? AND account < ?"
_PUT_AWAY = "UPDATE books SET account = ?2 WHERE account = ?1"


class Numbers(Table):
    """The table `account_numbers`."""

    __slots__ = ()

    def get(self, account: str) -> str | None:
        """The number that traded under this name; `None`: none ever did."""
        row = self._one("SELECT number FROM account_numbers WHERE account = ?", stored(account))
        return None if row is None else str(row["number"])

    def set(self, account: str, number: str, at: datetime) -> None:
        """From now on the name's books are this number's."""
        self._c.execute(_SET, (stored(account), stored(number), to_ms(at)))

    def has_something(self, account: str) -> bool:
        """Whether books of the name hold anything, or orders of it are open."""
        return bool(self._one(_SOMETHING, stored(account))["found"])

    def begun_anew(self, account: str) -> datetime | None:
        """When the account's books were last put away because another account stands behind its name."""
        begin, end = f"{account}@", f"{account}A"  # the sign after @
        names = [str(row["account"]) for row in self._all(_AWAY, stored(begin), stored(end))]
        moments = [name.rpartition("-")[2] for name in names]
        found = [datetime.strptime(m, AWAY_AT).replace(tzinfo=SHANGHAI) for m in moments if len(m) == _AWAY_DIGITS]
        return max(found, default=None)

    def put_books_away(self, account: str, name: str) -> int:
        """Keeps the books under another name, where nothing trades them; how many.

        Raises:
            LedgerError: books stand under that name already.
        """
        return self._c.execute(_PUT_AWAY, (stored(account), stored(name))).rowcount
