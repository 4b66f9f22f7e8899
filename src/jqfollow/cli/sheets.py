"""What is exported: rows of the ledger as sheets, each with its columns."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol, TypeVar

from jqfollow.cli.figures import outcome, why, word
from jqfollow.costs.days import BookDay
from jqfollow.costs.reading import evening_prices, read_book_days
from jqfollow.ledger.rows import FillRow, OrderRow, SignalRow
from jqfollow.ledger.snapshots import Snapshot
from jqfollow.ledger.tx import Tx
from jqfollow.settings import Settings
from jqfollow.vocabulary import KINDS, ORDER_STATES, RUNS, SIDES, WAITING

Cell = str | int | Decimal | date | datetime | None
Rows = list[tuple[Cell, ...]]
_PAGE = 2000
_FOURTH = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table; `name` names its file, and both it and the columns are keys of `headings`."""

    name: str
    columns: tuple[str, ...]
    rows: Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the ledger holds of one day, or of all days."""

    day: date | None
    signals: Sequence[SignalRow]
    orders: Sequence[OrderRow]
    fills: Sequence[FillRow]
    made: Mapping[int, Sequence[OrderRow]]
    """The orders of each signal, whatever day they are of."""
    evenings: Sequence[BookDay]
    """Up to the day, by account and strategy, each from its first day on."""
    pictures: Sequence[tuple[date, str, Snapshot]]
    """The last one of each day and account."""
    names: Mapping[str, str]
    """Of securities."""
    titles: Mapping[str, str]
    """Of strategies."""

    def security(self, symbol: str) -> tuple[Cell, Cell]:
        """Code and name; the name is "" when no broker told it."""
        return symbol, self.names.get(symbol, "")

    def last_evenings(self) -> list[BookDay]:
        """How each book stood in the end."""
        return list({(row.account, row.strategy): row for row in self.evenings}.values())

    def by_day(self) -> list["Found"]:
        """Each day of which there is anything, oldest first; of one day, that one."""
        if self.day is not None:
            return [self]
        signals = _grouped(self.signals, lambda row: row.received_at.date())
        orders, fills = _grouped(self.orders, lambda row: row.day), _grouped(self.fills, lambda row: row.day)
        pictures = _grouped(self.pictures, lambda row: row[0])
        evenings = _grouped(self.evenings, lambda row: row.day)
        found, standing = [], dict[tuple[str, str], BookDay]()
        for day in sorted({*signals, *orders, *fills, *pictures, *evenings}):
            standing |= {(row.account, row.strategy): row for row in evenings[day]}
            found.append(
                replace(
                    self, day=day, signals=signals[day], orders=orders[day], fills=fills[day], pictures=pictures[day],
                    evenings=list(standing.values()),
                )
            )  # fmt: skip
        return found


R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")


class _Lists(Protocol[R_co]):
    def __call__(self, *, day: date | None, limit: int, before_id: int | None) -> Sequence[R_co]: ...


def _grouped(rows: Iterable[R], key: Callable[[R], date]) -> dict[date, list[R]]:
    found: dict[date, list[R]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return found


def _all(newest_first: _Lists[R], key: Callable[[R], int], day: date | None) -> list[R]:
    """Every row, oldest first."""
    found: list[R] = []
    while True:
        page = newest_first(day=day, limit=_PAGE, before_id=key(found[-1]) if found else None)
        found += page
        if len(page) < _PAGE:
            return found[::-1]


def find(tx: Tx, settings: Settings, day: date | None) -> Found:
    """All there is, of one day or of all days."""
    fills = _all(tx.fills.list, lambda row: row.fill_id, None)
    books = sorted({(row.account, row.strategy) for rows in (fills, tx.bookings.list()) for row in rows})
    last = day or date.max
    prices = {account: evening_prices(tx, account, last) for account, _ in books}
    evenings = [row for book in books for row in read_book_days(tx, *book, prices[book[0]]) if row.day <= last]
    pictures = [
        (taken, account, picture)
        for account in sorted({*settings.accounts, *prices})
        for taken in (tx.snapshots.days(account) if day is None else [day])
        if (picture := tx.snapshots.last_of_day(account, taken)) is not None
    ]
    signals = _all(tx.signals.list, lambda row: row.signal_id, day)
    return Found(
        day=day,
        signals=signals,
        made={row.signal_id: tx.orders.of_signal(row.signal_id) for row in signals},
        orders=_all(tx.orders.list, lambda row: row.order_id, day),
        fills=[row for row in fills if day in {None, row.day}],
        evenings=evenings,
        pictures=sorted(pictures, key=lambda row: row[:2]),
        names=tx.security_names.all(),
        titles={name: strategy.title for name, strategy in settings.strategies.items()},
    )


def sheets(found: Found) -> list[Sheet]:
    """Every sheet; positions are those at the end of the last day."""
    return [signals(found), orders(found), fills(found), positions(found), accounts(found), daily(found)]


def signals(found: Found) -> Sheet:
    """What strategies ordered, and what became of it."""
    columns = (
        "signal_id", "received_at", "made_at", "strategy", "wire", "kind", "run", "message_id", "jq_order_id", "day",
        "security", "security_name", "side", "amount", "filled_there", "price", "limit", "status", "position_after",
        "total_value", "state", "reason", "why",
    )  # fmt: skip
    cells: Rows = []
    for row in found.signals:
        order = row.order
        told: tuple[Cell, ...] = (
            (
                order.jq_order_id, order.day, *found.security(order.symbol), word(SIDES, order.side), order.amount,
                order.filled, order.price, order.limit, order.status, order.position_after, order.total_value,
            )
            if order
            else (None,) * 12
        )  # fmt: skip
        end = (outcome(row, found.made.get(row.signal_id, ())), _text(row.reason), why(row.reason, row.figures))
        cells.append((*_head(row), row.message_id, *told, *end))
    return Sheet(name="signals", columns=columns, rows=cells)


def messages(found: Found) -> Sheet:
    """Every message as it was opened, word for word."""
    columns = ("signal_id", "received_at", "made_at", "strategy", "wire", "kind", "run", "message_id", "text")
    return Sheet(
        name="messages", columns=columns, rows=[(*_head(row), row.message_id, row.text) for row in found.signals]
    )


def _head(row: SignalRow) -> tuple[Cell, ...]:
    return (
        str(row.signal_id),
        row.received_at,
        row.made_at,
        row.strategy,
        str(row.wire),
        word(KINDS, row.kind),
        word(RUNS, row.run),
    )


def orders(found: Found) -> Sheet:
    """What each account was to do."""
    columns = (
        "order_id", "signal_id", "day", "created_at", "updated_at", "account", "strategy", "part", "security",
        "security_name", "side", "volume", "filled", "turnover", "average", "limit", "state", "waiting_for", "reason",
        "why",
    )  # fmt: skip
    cells: Rows = [
        (
            str(row.order_id), str(row.signal_id), row.day, row.created_at, row.updated_at, row.account, row.strategy,
            row.part, *found.security(row.security), word(SIDES, row.side),
            row.volume if row.sized else None, row.filled, row.turnover, _fourth(row.avg_price), row.limit_price,
            word(ORDER_STATES, row.state), None if row.waiting_for is None else word(WAITING, row.waiting_for),
            _text(row.reason), why(row.reason, row.figures),
        )
        for row in found.orders
    ]  # fmt: skip
    return Sheet(name="orders", columns=columns, rows=cells)


def fills(found: Found) -> Sheet:
    """What brokers executed."""
    columns = (
        "fill_id", "attempt_id", "day", "filled_at", "account", "strategy", "security", "security_name", "side",
        "volume", "price", "value", "fee", "broker_order_id", "traded_id",
    )  # fmt: skip
    cells: Rows = [
        (
            str(row.fill_id), str(row.attempt_id), row.day, row.filled_at, row.account, row.strategy,
            *found.security(row.security), word(SIDES, row.side), row.volume, row.price,
            row.volume * row.price, row.fee, row.broker_order_id, row.traded_id,
        )
        for row in found.fills
    ]  # fmt: skip
    return Sheet(name="fills", columns=columns, rows=cells)


def positions(found: Found) -> Sheet:
    """What strategies' books hold: fills, and what people and corporate actions changed."""
    columns = (
        "account", "strategy", "title", "security", "security_name", "volume", "cost", "average_cost", "last",
        "market_value", "floating",
    )  # fmt: skip
    cells: Rows = [
        (
            row.account, row.strategy, found.titles.get(row.strategy), *found.security(symbol), held.volume, held.cost,
            held.average, held.price, held.value, held.value - held.cost,
        )
        for row in found.last_evenings()
        for symbol, held in row.held.items()
    ]  # fmt: skip
    return Sheet(name="positions", columns=columns, rows=cells)


def holdings(found: Found) -> Sheet:
    """What accounts hold at their brokers, whoever bought it."""
    columns = (
        "day", "account", "taken_at", "security", "security_name", "volume", "available", "average_cost", "last",
        "market_value",
    )  # fmt: skip
    cells: Rows = [
        (
            day, account, at, *found.security(held.symbol), held.volume, held.available, _fourth(held.avg_cost),
            held.last, None if held.last is None else held.last * held.volume,
        )
        for day, account, (at, _, positions_there) in found.pictures
        for held in positions_there
    ]  # fmt: skip
    return Sheet(name="holdings", columns=columns, rows=cells)


def accounts(found: Found) -> Sheet:
    """The last picture of each account and day."""
    columns = ("day", "account", "taken_at", "cash", "frozen", "market_value", "total", "securities")
    cells: Rows = [
        (day, account, at, asset.cash, asset.frozen, asset.market_value, asset.total, len(held))
        for day, account, (at, asset, held) in found.pictures
    ]
    return Sheet(name="accounts", columns=columns, rows=cells)


_ENDS = ("filled", "canceled", "rejected", "expired")


def daily(found: Found) -> Sheet:
    """Per trading day, account and strategy: how orders ended, and what its books brought."""
    columns = (
        "day", "account", "strategy", "title", "orders", *(f"orders_{end}" for end in _ENDS), "orders_open", "fills",
        "bought", "sold", "fees", "net_cash", "realised", "floating", "result", "result_so_far", "market_value",
    )  # fmt: skip
    states: dict[tuple[date, str, str], list[str]] = defaultdict(list)
    for order in found.orders:
        states[order.day, order.account, order.strategy].append(str(order.state))
    books = {(row.day, row.account, row.strategy): row for row in found.evenings if found.day in {None, row.day}}
    lively = {key for key, row in books.items() if not row.idle}
    cells: Rows = []
    for key in sorted({*states, *lively}):
        counts = [states[key].count(end) for end in _ENDS]
        ended = (len(states[key]), *counts, len(states[key]) - sum(counts))
        cells.append((*key, found.titles.get(key[2]), *ended, *_brought(books.get(key))))
    return Sheet(name="daily", columns=columns, rows=cells)


def _brought(row: BookDay | None) -> tuple[Cell, ...]:
    if row is None:
        return (0, *(Decimal(0),) * 5, *(None,) * 4)
    flow = (row.bought, row.sold, row.fees, row.sold - row.bought - row.fees)
    return (row.fills, *flow, row.realised, row.floating, row.result, row.total, row.value)


def _fourth(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(_FOURTH)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
