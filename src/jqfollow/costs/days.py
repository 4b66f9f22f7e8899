"""What the books of a strategy brought in one account, day by day. Pure.

A day's result is what was realised plus the change of what is floating; a booking comes and goes at its cost, so that
it is no result, and a dividend, which lowers the cost, is one. Over all days the results add up to what the fills paid
out, plus what is still held at its last price.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from jqfollow.domain import FillReport, Side
from jqfollow.ledger.books import moved
from jqfollow.ledger.rows import BookingRow, FillRow

_ZERO = Decimal(0)
_FOURTH = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class BookDay:
    """One day of a strategy's books in one account, in yuan."""

    day: date
    account: str
    strategy: str
    fills: int
    bought: Decimal
    """Without fees."""
    sold: Decimal
    fees: Decimal
    realised: Decimal
    """Of the day's sales, after fees, over what the shares sold had cost."""
    cost: Decimal
    """What is held in the evening was paid for, fees included."""
    value: Decimal
    """Of what is held, at the evening's prices."""
    result: Decimal
    """Realised, plus the change of what is floating since the evening before."""
    total: Decimal
    """All results up to this day."""
    held: Mapping[str, "Holding"]
    """In the evening, by security."""

    @property
    def floating(self) -> Decimal:
        """Value less cost of what is held."""
        return self.value - self.cost

    @property
    def idle(self) -> bool:
        """Nothing was held, and nothing happened."""
        return not (self.held or self.fills or self.result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One security of a strategy in the evening."""

    volume: int
    cost: Decimal
    price: Decimal | None
    """The evening's; else the last one known."""

    @property
    def average(self) -> Decimal | None:
        """Cost of a share, yuan; `None`: nothing is held."""
        return (self.cost / self.volume).quantize(_FOURTH) if self.volume > 0 else None

    @property
    def value(self) -> Decimal:
        """Yuan."""
        return self.volume * (self.price or _ZERO)


def book_days(
    account: str,
    strategy: str,
    fills: Iterable[FillRow],
    bookings: Iterable[BookingRow],
    prices: Mapping[date, Mapping[str, Decimal]],
) -> list[BookDay]:
    """Each day with a fill, a booking or prices, oldest first.

    Args:
        account: whose books they are.
        strategy: whose books they are.
        fills: all of them, from the first on.
        bookings: all of them, from the first on.
        prices: the evening's prices of a day, by security.
    """
    days = Days(account=account, strategy=strategy)
    events = by_day(fills, bookings)
    for day in sorted({*events, *prices}):
        days.add(day, events.get(day, ()), prices.get(day, {}))
    return days.rows


Event = FillRow | BookingRow


def by_day(fills: Iterable[FillRow], bookings: Iterable[BookingRow]) -> dict[date, list[Event]]:
    """What happened to books on each day, in its order."""
    found: dict[date, list[tuple[datetime, int, Event]]] = defaultdict(list)
    for fill in fills:
        found[fill.day].append((fill.filled_at, fill.fill_id, fill))
    for booking in bookings:
        found[booking.at.date()].append((booking.at, booking.booking_id, booking))
    return {day: [event for _, _, event in sorted(events, key=lambda each: each[:2])] for day, events in found.items()}


@dataclass(slots=True)
class _Books:
    """As they stand after an event, and what the day brought so far."""

    volumes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    costs: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    prices: dict[str, Decimal] = field(default_factory=dict)
    fills: int = 0
    bought: Decimal = _ZERO
    sold: Decimal = _ZERO
    fees: Decimal = _ZERO
    realised: Decimal = _ZERO

    def copy(self) -> "_Books":
        return replace(self, volumes=self.volumes.copy(), costs=self.costs.copy(), prices=self.prices.copy())

    def begin_day(self) -> None:
        self.fills = 0
        self.bought = self.sold = self.fees = self.realised = _ZERO

    def add(self, event: FillRow | BookingRow) -> None:
        key = event.security
        volume, cost = self.volumes[key], self.costs[key]
        if isinstance(event, BookingRow):
            self.volumes[key] = volume = volume + event.shares
            self.costs[key] = cost + event.cost if volume > 0 else _ZERO
            return
        turnover = event.volume * event.price
        self.volumes[key], self.costs[key] = moved(volume, cost, _report(event))
        self.prices[key] = event.price
        self.fills += 1
        self.fees += event.fee
        self.realised += self.costs[key] - cost - event.fee
        if event.side is Side.BUY:
            self.bought += turnover
            self.realised -= turnover
        else:
            self.sold += turnover
            self.realised += turnover

    def held(self) -> dict[str, Holding]:
        return {
            security: Holding(volume=volume, cost=self.costs[security], price=self.prices.get(security))
            for security, volume in sorted(self.volumes.items())
            if volume
        }


@dataclass(slots=True, kw_only=True)
class Days:
    """A strategy's days in one account, to which the next can be added."""

    account: str
    strategy: str
    rows: list[BookDay] = field(default_factory=list)
    _books: _Books = field(default_factory=_Books)

    def add(self, day: date, events: Iterable[Event], prices: Mapping[str, Decimal]) -> None:
        """A day after all others; `prices`: the evening's."""
        books = self._books
        books.begin_day()
        for event in events:
            books.add(event)
        books.prices |= prices
        held = books.held()
        cost = sum((each.cost for each in held.values()), _ZERO)
        value = sum((each.value for each in held.values()), _ZERO)
        before = self.rows[-1] if self.rows else None
        result = books.realised + (value - cost) - (before.floating if before else _ZERO)
        self.rows.append(
            BookDay(
                day=day, account=self.account, strategy=self.strategy, fills=books.fills, bought=books.bought,
                sold=books.sold, fees=books.fees, realised=books.realised, cost=cost, value=value, result=result,
                total=result + (before.total if before else _ZERO), held=held,
            )
        )  # fmt: skip

    def copy(self) -> "Days":
        """Another, to which a day that is not over can be added."""
        return replace(self, rows=self.rows.copy(), _books=self._books.copy())


def _report(row: FillRow) -> FillReport:
    return FillReport(
        traded_id=row.traded_id,
        broker_order_id=row.broker_order_id,
        remark="",
        symbol=row.security,
        side=row.side,
        volume=row.volume,
        price=row.price,
        at=row.filled_at,
        fee=row.fee,
    )
