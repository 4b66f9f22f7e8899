"""What each strategy brought in each account: on the newest day, in that week, and in all."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import Lock

from jqfollow.costs.days import BookDay, Days, by_day
from jqfollow.costs.reading import evening_prices
from jqfollow.ledger.tx import Tx

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Some days of one strategy in one account, in yuan."""

    result: Decimal
    """Realised, plus the change of what is floating."""
    realised: Decimal
    fees: Decimal
    invested: Decimal
    """The most that was paid for what was held on any of the days."""
    drawdown: Decimal
    """The deepest fall of the running result below its highest before, 0 or more."""

    @property
    def ratio(self) -> Decimal | None:
        """Result over what was invested; `None`: nothing was."""
        return self.result / self.invested if self.invested > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One strategy in one account."""

    account: str
    strategy: str
    last: date
    """Its newest day."""
    floating: Decimal
    """Of what is held now."""
    day: Span
    week: Span
    """From Monday on."""
    all: Span
    days: tuple[BookDay, ...]


def span(days: Sequence[BookDay], before: BookDay | None) -> Span:
    """What `days`, one after the other, came to; `before`: the day before the first of them."""
    invested, running, peak, drawdown = before.cost if before else _ZERO, _ZERO, _ZERO, _ZERO
    for day in days:
        invested = max(invested, day.cost, day.bought)
        running += day.result
        peak = max(peak, running)
        drawdown = max(drawdown, peak - running)
    return Span(
        result=running,
        realised=sum((day.realised for day in days), _ZERO),
        fees=sum((day.fees for day in days), _ZERO),
        invested=invested,
        drawdown=drawdown,
    )


def standing(account: str, strategy: str, days: Sequence[BookDay], today: date) -> Standing | None:
    """How they stand on `today`; `None`: nothing was ever held."""
    if all(day.idle for day in days):
        return None
    monday = today - timedelta(days=today.weekday())

    def since(first: date) -> Span:
        at = next((n for n, day in enumerate(days) if day.day >= first), len(days))
        return span(days[at:], days[at - 1] if at else None)

    return Standing(
        account=account,
        strategy=strategy,
        last=days[-1].day,
        floating=days[-1].floating,
        day=since(today),
        week=since(monday),
        all=since(date.min),
        days=tuple(days),
    )


Book = tuple[str, str]
"""Account and strategy."""


class Standings:
    """All of them; a day that is over is worked out once, unless something of it still comes. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._over: dict[Book, Days] = {}
        """The days of each book but the newest."""
        self._prices: dict[str, dict[date, dict[str, Decimal]]] = {}
        """The evenings' by account."""
        self._pictures: dict[str, datetime | None] = {}
        self._fill = self._booking = 0
        self._asked: object = None
        self._found: list[Standing] = []

    def read(self, tx: Tx, books: Iterable[Book], days: dict[str, date]) -> list[Standing]:
        """Of `books`; `days`: each account's trading day."""
        asked = tuple(sorted(set(books))), tuple(days.items())
        with self._lock:
            news = self._news(tx, {account for account, _ in asked[0]})
            if news or asked != self._asked:
                found = [self._standing(tx, *book, days) for book in asked[0]]
                self._found, self._asked = [one for one in found if one is not None], asked
            return self._found

    def _news(self, tx: Tx, accounts: AbstractSet[str]) -> bool:
        """Takes in what has come since; days that were over and are not any more are forgotten."""
        fill, booking = tx.fills.newest(), tx.bookings.newest()
        pictures = {account: tx.snapshots.newest_at(account) for account in sorted(accounts)}
        if (fill, booking, pictures) == (self._fill, self._booking, self._pictures):
            return False
        if self._over:
            for account, strategy, day in tx.fills.days_since(self._fill):
                self._came((account, strategy), day)
            for row in tx.bookings.newer_than(self._booking):
                self._came((row.account, row.strategy), row.at.date())
        for account, picture in pictures.items():
            if account not in self._prices or picture != self._pictures.get(account):
                self._look_at(tx, account)
        self._fill, self._booking, self._pictures = fill, booking, pictures
        return True

    def _came(self, book: Book, day: date) -> None:
        over = self._over.get(book)
        if over is not None and over.rows and day <= over.rows[-1].day:
            del self._over[book]

    def _look_at(self, tx: Tx, account: str) -> None:
        """Takes in the prices of the newest day that had a picture, and of those after it."""
        prices = self._prices.setdefault(account, {})
        seen = evening_prices(tx, account, date.max, first=max(prices, default=date.min))
        changed = [day for day, of in seen.items() if prices.get(day) != of]
        prices |= seen
        for book in [book for book in self._over if book[0] == account]:
            self._came(book, min(changed, default=date.max))

    def _standing(self, tx: Tx, account: str, strategy: str, days: dict[str, date]) -> Standing | None:
        over = self._over.setdefault((account, strategy), Days(account=account, strategy=strategy))
        last = over.rows[-1].day if over.rows else date.min
        bookings = [row for row in tx.bookings.list(account=account, strategy=strategy) if row.at.date() > last]
        events = by_day(tx.fills.of_book_days(account, strategy, after=last), bookings)
        prices = {day: of for day, of in self._prices[account].items() if day > last}
        left = sorted({*events, *prices})
        for day in left[:-1]:
            over.add(day, events.get(day, ()), prices.get(day, {}))
        now = over.copy()
        for day in left[-1:]:
            now.add(day, events.get(day, ()), prices.get(day, {}))
        return standing(account, strategy, now.rows, days.get(account, now.rows[-1].day)) if now.rows else None
