"""What each strategy brought in each account: on the newest day, in that week, and in all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from threading import Lock

from jqfollow.costs.days import BookDay
from jqfollow.costs.reading import evening_prices, read_book_days
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


Marks = tuple[object, ...]


class Standings:
    """All of them, worked out anew when there is a new fill, booking or picture; thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._marks: Marks = ()
        self._found: list[Standing] = []

    def read(self, tx: Tx, books: Iterable[tuple[str, str]], days: dict[str, date]) -> list[Standing]:
        """Of `books` (account and strategy); `days`: each account's trading day."""
        books = sorted(set(books))
        with self._lock:
            pictures = tuple(tx.snapshots.newest_at(account) for account in sorted(days))
            marks = (tuple(books), tuple(days.items()), tx.fills.newest(), tx.bookings.newest(), pictures)
            if marks != self._marks:
                prices = {account: evening_prices(tx, account, date.max) for account in {name for name, _ in books}}
                read = [
                    standing(account, strategy, rows, days.get(account, rows[-1].day))
                    for account, strategy in books
                    if (rows := read_book_days(tx, account, strategy, prices[account]))
                ]
                self._found, self._marks = [one for one in read if one is not None], marks
            return self._found
