"""The position that one strategy holds in one account."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from jqfollow.domain import FillReport, Side
from jqfollow.ledger.codec import Stored, stored, to_json
from jqfollow.ledger.rows import AttemptRow, BookRow, NewBooking
from jqfollow.ledger.table import Table

BookRows = list[BookRow]

_CENT_OF_CENT = Decimal("0.0001")
_GET = "SELECT * FROM books WHERE account = ? AND strategy = ? AND security = ?"
_SET_HELD = """
INSERT INTO books (account, strategy, security, volume, cost) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (account, strategy, security) DO UPDATE SET volume = excluded.volume, cost = excluded.cost"""
_SET_CARRY = """
INSERT INTO books (account, strategy, security, carry_buy, carry_sell, carry_since) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (account, strategy, security) DO UPDATE
SET carry_buy = excluded.carry_buy, carry_sell = excluded.carry_sell, carry_since = excluded.carry_since"""
_OF_SECURITY = "SELECT * FROM books WHERE account = ? AND security = ? ORDER BY strategy"
_OF_SECURITIES = """
SELECT * FROM books WHERE account = ? AND security IN (SELECT value FROM json_each(?)) ORDER BY security, strategy"""
_LIST = """
SELECT * FROM books WHERE (?1 IS NULL OR account = ?1) AND (?2 IS NULL OR strategy = ?2) AND (?3 = 0 OR volume <> 0)
ORDER BY account, strategy, security"""
_SUMS = "SELECT security, sum(volume) AS volume FROM books WHERE account = ? AND volume <> 0 GROUP BY security"


class Books(Table):
    """The table `books`."""

    __slots__ = ()

    def get(self, account: str, strategy: str, security: str) -> BookRow:
        """One book; all zeros when nothing was ever done in it."""
        row = self._one_apart(_GET, stored(account), stored(strategy), stored(security))
        return BookRow(account=account, strategy=strategy, security=security) if row is None else _book(row)

    def set_carry(
        self, account: str, strategy: str, security: str, *, buy: Decimal | None = None, sell: Decimal | None = None
    ) -> None:
        """What rounding left over for the next order of each side; `None` leaves it as it is."""
        book = self.get(account, strategy, security)
        self._set_carry(
            book, book.carry_buy if buy is None else buy, book.carry_sell if sell is None else sell, book.carry_since
        )

    def carry_on(
        self,
        account: str,
        strategy: str,
        security: str,
        *,
        since: int,
        buy: Decimal = Decimal(0),
        sell: Decimal = Decimal(0),
    ) -> None:
        """Adds to what is carried after the close of signal `since`: nothing, when a later close has been judged."""
        book = self.get(account, strategy, security)
        if since >= book.carry_since:
            was_buy, was_sell = book.carry(since)
            self._set_carry(book, was_buy + buy, was_sell + sell, since)

    def _set_carry(self, book: BookRow, buy: Decimal, sell: Decimal, since: int) -> None:
        if (buy, sell, since) != (book.carry_buy, book.carry_sell, book.carry_since):
            self._c.execute(_SET_CARRY, (*_key(book), stored(buy), stored(sell), since))

    def of_security(self, account: str, security: str) -> BookRows:
        """All strategies' books of one security in an account."""
        return [_book(row) for row in self._all(_OF_SECURITY, stored(account), stored(security))]

    def of_securities(self, account: str, securities: Iterable[str]) -> BookRows:
        """All strategies' books of several securities in an account."""
        return [_book(row) for row in self._all(_OF_SECURITIES, stored(account), to_json(sorted(securities)))]

    def list(self, *, account: str | None = None, strategy: str | None = None, held_only: bool = True) -> BookRows:
        """Books by account, strategy and security; `held_only` leaves out those of volume 0."""
        rows = self._all(_LIST, stored(account), stored(strategy), int(held_only))
        return [_book(row) for row in rows]

    def sums(self, account: str) -> dict[str, int]:
        """What all books of an account say together, by security."""
        return {row["security"]: row["volume"] for row in self._all(_SUMS, stored(account))}

    def add_fill(self, attempt: AttemptRow, strategy: str, report: FillReport) -> None:
        """For `Fills.add` only: a fill moves its book."""
        book = self.get(attempt.account, strategy, attempt.security)
        volume, cost = moved(book.volume, book.cost, report)
        self._c.execute(_SET_HELD, (*_key(book), volume, stored(cost)))

    def add_booking(self, booking: NewBooking) -> None:
        """For `Bookings.add` only: a change that is no fill."""
        book = self.get(booking.account, booking.strategy, booking.security)
        volume = book.volume + booking.shares
        cost = book.cost + booking.cost if volume > 0 else Decimal(0)
        self._c.execute(_SET_HELD, (*_key(book), volume, stored(cost)))
        carry = (book.carry_buy + booking.carry_buy, book.carry_sell + booking.carry_sell)
        self._set_carry(book, *carry, book.carry_since)


def moved(volume: int, cost: Decimal, report: FillReport) -> tuple[int, Decimal]:
    """Volume and cost of a book after a fill.

    A buy adds what was paid, fee included; a sale takes its share of the cost away. A book below zero (more was sold
    than it held, which only a broker can do) costs nothing, and a buy pays for what is over zero afterwards.
    """
    if report.side is Side.SELL:
        left = volume - report.volume
        return left, (cost * left / volume).quantize(_CENT_OF_CENT) if left > 0 else Decimal(0)
    held = volume + report.volume
    paid = report.volume * report.price + report.fee
    if volume >= 0:
        return held, cost + paid
    return held, (paid * held / report.volume).quantize(_CENT_OF_CENT) if held > 0 else Decimal(0)


def _key(book: BookRow) -> tuple[Stored, Stored, Stored]:
    return stored(book.account), stored(book.strategy), stored(book.security)


def _book(row: Any) -> BookRow:
    return BookRow(
        account=row["account"],
        strategy=row["strategy"],
        security=row["security"],
        volume=row["volume"],
        cost=Decimal(row["cost"]),
        carry_buy=Decimal(row["carry_buy"]),
        carry_sell=Decimal(row["carry_sell"]),
        carry_since=row["carry_since"],
    )
