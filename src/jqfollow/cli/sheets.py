"""What is exported: rows of the ledger as sheets, each with its columns."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol, TypeVar

from jqfollow.cli.figures import why
from jqfollow.domain import FillReport, Side
from jqfollow.ledger.books import moved
from jqfollow.ledger.rows import FillRow, OrderRow, SignalRow
from jqfollow.ledger.tx import Tx
from jqfollow.settings import Settings

Cell = str | int | Decimal | date | datetime | None
_PAGE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table; `name` names its file."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]


R_co = TypeVar("R_co", covariant=True)


class _Lists(Protocol[R_co]):
    def __call__(self, *, day: date | None, limit: int, before_id: int | None) -> Sequence[R_co]: ...


R = TypeVar("R")


def _all(newest_first: _Lists[R], key: Callable[[R], int], day: date | None) -> list[R]:
    """Every row, oldest first."""
    found: list[R] = []
    while True:
        page = newest_first(day=day, limit=_PAGE, before_id=key(found[-1]) if found else None)
        found += page
        if len(page) < _PAGE:
            return found[::-1]


def sheets(tx: Tx, settings: Settings, day: date | None) -> list[Sheet]:
    """All sheets, of one day or of all days; positions are those at the end of the day."""
    signals = _all(tx.signals.list, lambda row: row.signal_id, day)
    orders = _all(tx.orders.list, lambda row: row.order_id, day)
    fills = _all(tx.fills.list, lambda row: row.fill_id, None)
    of_day = [row for row in fills if day is None or row.day == day]
    return [
        _signals(signals),
        _orders(orders),
        _fills(of_day),
        _positions(row for row in fills if day is None or row.day <= day),
        _accounts(tx, settings, day),
        _daily(orders, of_day),
    ]


def _signals(rows: Sequence[SignalRow]) -> Sheet:
    columns = (
        "signal_id", "received_at", "made_at", "strategy", "wire", "kind", "run", "message_id", "jq_order_id", "day",
        "security", "side", "amount", "filled", "price", "limit", "status", "position_after", "total_value",
        "state", "reason", "why",
    )  # fmt: skip
    cells: list[tuple[Cell, ...]] = []
    for row in rows:
        order = row.order
        told: tuple[Cell, ...] = (
            (
                order.jq_order_id, order.day, order.symbol, str(order.side), order.amount, order.filled, order.price,
                order.limit, order.status, order.position_after, order.total_value,
            )
            if order
            else (None,) * 11
        )  # fmt: skip
        head = (row.signal_id, row.received_at, row.made_at, row.strategy, str(row.wire), str(row.kind), row.run)
        cells.append((*head, row.message_id, *told, str(row.state), _text(row.reason), why(row.reason, row.figures)))
    return Sheet(name="signals", columns=columns, rows=cells)


def _orders(rows: Sequence[OrderRow]) -> Sheet:
    columns = (
        "order_id", "signal_id", "day", "created_at", "updated_at", "account", "strategy", "part", "security", "side",
        "volume", "filled", "turnover", "average", "limit", "state", "waiting_for", "reason", "why",
    )  # fmt: skip
    cells: list[tuple[Cell, ...]] = [
        (
            row.order_id, row.signal_id, row.day, row.created_at, row.updated_at, row.account, row.strategy, row.part,
            row.security, str(row.side), row.volume if row.sized else None, row.filled, row.turnover,
            row.avg_price.quantize(Decimal("0.0001")) if row.avg_price is not None else None, row.limit_price,
            str(row.state), _text(row.waiting_for), _text(row.reason), why(row.reason, row.figures),
        )
        for row in rows
    ]  # fmt: skip
    return Sheet(name="orders", columns=columns, rows=cells)


def _fills(rows: Sequence[FillRow]) -> Sheet:
    columns = (
        "fill_id", "attempt_id", "day", "filled_at", "account", "strategy", "security", "side", "volume", "price",
        "value", "fee", "broker_order_id", "traded_id",
    )  # fmt: skip
    cells: list[tuple[Cell, ...]] = [
        (
            row.fill_id, row.attempt_id, row.day, row.filled_at, row.account, row.strategy, row.security,
            str(row.side), row.volume, row.price, row.volume * row.price, row.fee, row.broker_order_id, row.traded_id,
        )
        for row in rows
    ]  # fmt: skip
    return Sheet(name="fills", columns=columns, rows=cells)


def _positions(fills: Iterable[FillRow]) -> Sheet:
    """A book is the sum of its fills, so that any day's can be worked out."""
    books: dict[tuple[str, str, str], tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for row in fills:
        key = (row.account, row.strategy, row.security)
        books[key] = moved(*books[key], _report(row))
    cells: list[tuple[Cell, ...]] = [
        (*key, volume, cost, (cost / volume).quantize(Decimal("0.0001")) if volume > 0 else None)
        for key, (volume, cost) in sorted(books.items())
        if volume
    ]
    columns = ("account", "strategy", "security", "volume", "cost", "average_cost")
    return Sheet(name="positions", columns=columns, rows=cells)


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


def _accounts(tx: Tx, settings: Settings, day: date | None) -> Sheet:
    """The last snapshot of each account and day."""
    cells: list[tuple[Cell, ...]] = []
    for account in settings.accounts:
        for taken in tx.snapshots.days(account) if day is None else [day]:
            snapshot = tx.snapshots.last_of_day(account, taken)
            if snapshot is not None:
                at, asset, held = snapshot
                money = (asset.cash, asset.frozen, asset.market_value, asset.total)
                cells.append((taken, account, at, *money, len(held)))
    columns = ("day", "account", "taken_at", "cash", "frozen", "market_value", "total", "securities")
    return Sheet(name="accounts", columns=columns, rows=sorted(cells, key=lambda row: (str(row[0]), str(row[1]))))


_ENDS = ("filled", "canceled", "rejected", "expired")


def _daily(orders: Sequence[OrderRow], fills: Sequence[FillRow]) -> Sheet:
    """Per trading day, account and strategy."""
    made: dict[tuple[date, str, str], list[OrderRow]] = defaultdict(list)
    done: dict[tuple[date, str, str], list[FillRow]] = defaultdict(list)
    for order in orders:
        made[order.day, order.account, order.strategy].append(order)
    for fill in fills:
        done[fill.day, fill.account, fill.strategy].append(fill)
    cells: list[tuple[Cell, ...]] = []
    for key in sorted({*made, *done}):
        states = [str(row.state) for row in made[key]]
        bought = sum((r.volume * r.price for r in done[key] if r.side is Side.BUY), Decimal(0))
        sold = sum((r.volume * r.price for r in done[key] if r.side is Side.SELL), Decimal(0))
        fee = sum((r.fee for r in done[key]), Decimal(0))
        counts = [states.count(end) for end in _ENDS]
        open_orders = len(states) - sum(counts)
        cells.append((*key, len(states), *counts, open_orders, len(done[key]), bought, sold, fee, sold - bought - fee))
    columns = ("day", "account", "strategy", "orders", *_ENDS, "open", "fills", "bought", "sold", "fees", "net_cash")
    return Sheet(name="daily", columns=columns, rows=cells)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
