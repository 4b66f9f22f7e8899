"""Changes of books that are no fills: set by a person, moved, adopted, sold by hand, split."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from jqfollow.clock import from_ms, to_ms
from jqfollow.ledger.books import Books
from jqfollow.ledger.codec import stored
from jqfollow.ledger.rows import BookingKind, BookingRow, NewBooking
from jqfollow.ledger.table import Table

BookingRows = list[BookingRow]

_LIST = """
SELECT * FROM bookings WHERE (?1 IS NULL OR account = ?1) AND (?2 IS NULL OR strategy = ?2) ORDER BY booking_id"""
_NEWEST = """
SELECT * FROM bookings WHERE act IN
    (SELECT DISTINCT act FROM bookings WHERE ?1 IS NULL OR account = ?1 ORDER BY act DESC LIMIT ?2)
ORDER BY booking_id"""
_OF_BOOK = "SELECT * FROM bookings WHERE account = ? AND strategy = ? AND security = ? ORDER BY booking_id"
_NEWER_THAN = "SELECT * FROM bookings WHERE booking_id > ? ORDER BY booking_id"
_OF_ACT = "SELECT * FROM bookings WHERE act = ? ORDER BY booking_id"
_SINCE = "SELECT * FROM bookings WHERE account = ? AND at > ? ORDER BY booking_id"
_UNDONE = "SELECT 1 FROM bookings WHERE undoes IN (SELECT booking_id FROM bookings WHERE act = ?)"


class Bookings(Table):
    """The table `bookings`; each changes its book as it is written."""

    __slots__ = ()

    def add(self, bookings: Sequence[NewBooking], at: datetime) -> int:
        """Writes what is done at once, and changes the books; gives the number of the act.

        Raises:
            ValueError: nothing to write.
        """
        if not bookings:
            raise ValueError("an act without a booking")
        act = int(self._one("SELECT coalesce(max(act), 0) + 1 AS act FROM bookings")["act"])
        for new in bookings:
            self._insert(
                "bookings",
                {
                    "act": act,
                    "at": to_ms(at),
                    "account": stored(new.account),
                    "strategy": stored(new.strategy),
                    "security": stored(new.security),
                    "kind": stored(new.kind),
                    "shares": new.shares,
                    "cost": stored(new.cost),
                    "carry_buy": stored(new.carry_buy),
                    "carry_sell": stored(new.carry_sell),
                    "who": stored(new.who),
                    "why": stored(new.why),
                    "undoes": new.undoes,
                },
            )
            Books(self._c, self._kept).add_booking(new)
        return act

    def of_act(self, act: int) -> BookingRows:
        """What was done at once."""
        return [_booking(row) for row in self._all(_OF_ACT, act)]

    def is_undone(self, act: int) -> bool:
        """Whether the act was taken back."""
        return self._one(_UNDONE, act) is not None

    def newest(self) -> int:
        """The greatest number; 0 without bookings."""
        return int(self._one("SELECT coalesce(max(booking_id), 0) AS number FROM bookings")["number"])

    def since(self, account: str, at: datetime) -> BookingRows:
        """Those of one account written after `at`."""
        return [_booking(row) for row in self._all(_SINCE, stored(account), to_ms(at))]

    def newest_acts(self, limit: int, *, account: str | None = None) -> BookingRows:
        """The bookings of the newest acts, oldest first; one that undoes stands behind what it undoes."""
        return [_booking(row) for row in self._all(_NEWEST, stored(account), limit)]

    def of_book(self, account: str, strategy: str, security: str) -> BookingRows:
        """Those of one book, oldest first."""
        return [_booking(row) for row in self._all(_OF_BOOK, stored(account), stored(strategy), stored(security))]

    def newer_than(self, booking_id: int) -> BookingRows:
        """Those with a greater number, oldest first."""
        return [_booking(row) for row in self._all(_NEWER_THAN, booking_id)]

    def list(self, *, account: str | None = None, strategy: str | None = None) -> BookingRows:
        """Every booking, oldest first."""
        return [_booking(row) for row in self._all(_LIST, stored(account), stored(strategy))]


def _booking(row: Any) -> BookingRow:
    return BookingRow(
        booking_id=row["booking_id"],
        act=row["act"],
        at=from_ms(row["at"]),
        account=row["account"],
        strategy=row["strategy"],
        security=row["security"],
        kind=BookingKind(row["kind"]),
        shares=row["shares"],
        cost=Decimal(row["cost"]),
        carry_buy=Decimal(row["carry_buy"]),
        carry_sell=Decimal(row["carry_sell"]),
        who=row["who"],
        why=row["why"],
        undoes=row["undoes"],
    )
