"""What accounts shall do because of signals."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, TypedDict, Unpack

from jqfollow.clock import SHANGHAI, from_ms, to_ms
from jqfollow.domain import ORDER_OPEN, FollowMode, OrderState, Side, Waiting, WaitingFor
from jqfollow.ledger.codec import Stored, day_text, decimal, figures, maybe, refusal_columns, stored, to_json
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.rows import NewOrder, OrderRow, Terms
from jqfollow.ledger.table import Table, checked_columns
from jqfollow.reasons import Reason, Refusal

OrderRows = list[OrderRow]

# Spelled out, so that SQLite sees that the partial index `orders_open` serves; `+` keeps it from reading by the key.
_OPEN = "state IN ('pending_new', 'new', 'partially_filled')"
_OPEN_ALL = f"SELECT * FROM orders WHERE {_OPEN} ORDER BY +order_id"  # noqa: S608  a constant
_BY_OPEN = f"INDEXED BY orders_open WHERE {_OPEN}"
_OPEN_OF_ACCOUNT = f"SELECT * FROM orders {_BY_OPEN} AND account = ? ORDER BY order_id"  # noqa: S608  a constant
_BEFORE_DAY = f"SELECT * FROM orders {_BY_OPEN} AND account = ? AND day < ? AND waiting_for IS 'next_day'"  # noqa: S608
_VOLUME_OF_PARTS = "SELECT coalesce(sum(volume), 0) AS volume FROM orders WHERE signal_id = ? AND account = ?"
_LATER = f"""
SELECT coalesce(sum(CASE WHEN side = 'buy' THEN filled END), 0) AS bought,
       coalesce(sum(CASE WHEN side = 'buy' THEN 0 WHEN sized = 1 AND {_OPEN} THEN volume ELSE filled END), 0) AS sold,
       coalesce(max(closes = 1 AND sized = 1), 0) AS sold_out
FROM orders WHERE account = ? AND strategy = ? AND security = ? AND order_id > ? AND signal_id > ?"""  # noqa: S608
_CLOSED_BEFORE = """
SELECT coalesce(max(signal_id), 0) AS signal_id FROM orders INDEXED BY orders_closing
WHERE closes = 1 AND account = ? AND strategy = ? AND security = ? AND signal_id < ?"""
_LAST_SELL = f"""
SELECT max(updated_at) AS at FROM orders INDEXED BY orders_sold
WHERE day = ? AND account = ? AND strategy = ? AND side = 'sell' AND filled > 0 AND NOT {_OPEN}"""  # noqa: S608
_BY_THE_CLOCK = "waiting_for IN ('session', 'next_day')"
_SET_OPEN = f"""
UPDATE orders SET updated_at = updated_at + ?1, waiting_since = waiting_since + ?1,
    wait_until = CASE WHEN {_BY_THE_CLOCK} THEN wait_until ELSE wait_until + ?1 END
WHERE {_OPEN}"""  # noqa: S608  constants
_SET_ENDED = f"""
UPDATE orders SET updated_at = updated_at + ?1 WHERE updated_at >= ?2 AND day >= ?3 AND NOT {_OPEN}"""  # noqa: S608
_OF_BOOK = "SELECT * FROM orders WHERE account = ? AND strategy = ? AND security = ? ORDER BY order_id"
_OF_BOOK_SINCE = """
SELECT * FROM orders WHERE account = ? AND strategy = ? AND security = ?
    AND (made_at >= ? OR state IN ('pending_new', 'new', 'partially_filled')) ORDER BY order_id"""
_LAST_CLOSE = """
SELECT made_at FROM orders WHERE account = ? AND strategy = ? AND security = ? AND closes = 1
    AND run NOT IN (SELECT value FROM json_each(?)) ORDER BY order_id DESC LIMIT 1"""
_NEWER_THAN = "SELECT * FROM orders WHERE order_id > ? ORDER BY order_id"
_BOOKS_SINCE = "SELECT DISTINCT account, strategy, security FROM orders WHERE order_id > ?"
_OF_DAYS = "SELECT * FROM orders WHERE day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR strategy = ?3) ORDER BY order_id"
_SOME = "SELECT * FROM orders WHERE order_id IN (SELECT value FROM json_each(?)) ORDER BY order_id"
_OF_SIGNAL = "SELECT * FROM orders WHERE signal_id = ? ORDER BY order_id"


class OrderColumns(TypedDict, total=False):
    """What may change of an order; `filled` and `turnover` follow from its fills alone."""

    state: OrderState
    sized: bool
    volume: int
    limit_price: Decimal | None
    reference: Decimal | None
    cancel_reason: Reason | None
    refusal: Refusal | None
    """Columns `reason` and `figures`."""


_COLUMNS = frozenset(OrderColumns.__annotations__)
_HISTORY = """
SELECT * FROM orders WHERE (?1 IS NULL OR strategy = ?1) AND (?2 IS NULL OR account = ?2) ORDER BY order_id"""


class Orders(Table):
    """The table `orders`."""

    __slots__ = ()

    def create(self, order: NewOrder, at: datetime) -> OrderRow:
        """A new order in state `pending_new`.

        Raises:
            LedgerError: this part of this signal stands already for this account.
        """
        now = to_ms(at)
        order_id = self._insert(
            "orders",
            {
                "signal_id": order.signal_id,
                "account": stored(order.account),
                "strategy": stored(order.strategy),
                "part": order.part,
                "day": day_text(order.day),
                "security": stored(order.security),
                "side": stored(order.side),
                **_terms_columns(order.terms),
                "deadline": to_ms(order.deadline),
                "limit_price": stored(order.limit_price),
                "volume": order.volume,
                "sized": stored(order.sized),
                "closes": stored(order.closes),
                "state": stored(OrderState.PENDING_NEW),
                "created_at": now,
                "updated_at": now,
            },
        )
        return self._kept.keep_order(
            OrderRow(
                order_id=order_id,
                signal_id=order.signal_id,
                account=order.account,
                strategy=order.strategy,
                part=order.part,
                day=order.day,
                security=order.security,
                side=order.side,
                sized=order.sized,
                volume=order.volume,
                filled=0,
                turnover=Decimal(0),
                terms=replace(order.terms, made_at=_to_the_ms(order.terms.made_at)),
                deadline=_to_the_ms(order.deadline),
                limit_price=order.limit_price,
                closes=order.closes,
                state=OrderState.PENDING_NEW,
                waiting=None,
                cancel_reason=None,
                reason=None,
                figures={},
                created_at=_to_the_ms(at),
                updated_at=_to_the_ms(at),
            )
        )

    def get(self, order_id: int) -> OrderRow | None:
        """One order."""
        known = self._kept.orders.get(order_id)
        if known is not None:
            return known
        row = self._one("SELECT * FROM orders WHERE order_id = ?", order_id)
        return None if row is None else self._kept.keep_order(order_row(row))

    def some(self, order_ids: Iterable[int]) -> OrderRows:
        """Several orders, oldest first."""
        return [_as_before(row) for row in self._all(_SOME, to_json(sorted(order_ids)))]

    def update(self, order_id: int, at: datetime, **columns: Unpack[OrderColumns]) -> OrderRow:
        """Changes the columns given; an order that ends waits for nothing any more.

        Raises:
            TypeError: a name that is no column of `OrderColumns`.
            LedgerError: no such order, or a state that cannot be.
        """
        checked_columns("orders", columns, _COLUMNS)
        values: dict[str, Any] = dict(columns)
        state = values.get("state")
        if state is not None and state not in ORDER_OPEN:
            values |= {"waiting_for": None, "waiting_since": None, "wait_until": None}
        refusal = refusal_columns(values.pop("refusal")) if "refusal" in values else {}
        changes = {name: stored(value) for name, value in values.items()}
        return self._change(order_id, {**changes, **refusal, "updated_at": to_ms(at)})

    def wait(self, order: OrderRow, at: datetime, what: WaitingFor | None, until: datetime | None = None) -> OrderRow:
        """The order waits for `what` from now on, or, with `None`, for nothing any more; returns it as it is then.

        Waiting on for the same thing keeps its beginning. Waiting that a rule or a person chose moves the deadline by
        as long as it lasted.

        Raises:
            LedgerError: the order has ended.
        """
        was = order.waiting
        goes_on = was is not None and was.what is what
        values: dict[str, Any] = {"waiting_for": what, "wait_until": until, "updated_at": at}
        if not goes_on:
            values["waiting_since"] = at if what else None
        if was is not None and not goes_on:
            values["deadline"] = was.deadline_after(order.deadline, at)
        return self._change(order.order_id, {name: stored(value) for name, value in values.items()})

    def add_fill(self, order_id: int, volume: int, turnover: Decimal) -> None:
        """For `Fills.add` only: a fill adds to its order; raises `LedgerError` when there is none."""
        order = self.get(order_id)
        if order is None:
            raise LedgerError(f"orders has no row with order_id {order_id}")
        sums = {"filled": order.filled + volume, "turnover": stored(order.turnover + turnover)}
        self._change(order_id, sums)

    def _change(self, order_id: int, columns: dict[str, Stored]) -> OrderRow:
        """The row as it is then; one that is kept need not be read again to tell."""
        known = self._kept.orders.get(order_id)
        if known is None or not columns.keys() <= _TOLD:
            return self._kept.keep_order(order_row(self._update_row("orders", "order_id", order_id, columns)))
        self._update_later("orders", "order_id", order_id, columns)
        return self._kept.keep_order(_changed(known, columns))

    def clock_was_set(self, step: timedelta, since: datetime) -> None:
        """The wall clock was set by `step`: what counts seconds goes with it, of what is open or changed since then.

        A session begins when it begins, and a deadline is nobody's to move.
        """
        self._flush()
        ms = round(step.total_seconds() * 1000)
        self._c.execute(_SET_OPEN, (ms,))
        self._c.execute(_SET_ENDED, (ms, to_ms(since), day_text(since.astimezone(SHANGHAI).date() - timedelta(days=1))))
        self._kept.forget()

    def owed(self, account: str, day: date) -> OrderRows:
        """Orders that wait for a day after theirs, which `day` is."""
        return [order_row(row) for row in self._all(_BEFORE_DAY, stored(account), day_text(day))]

    def begin_day(self, order: OrderRow, day: date, at: datetime) -> OrderRow:
        """An order that was owed is one of `day` from now on."""
        self._change(order.order_id, {"day": day_text(day)})
        return self.wait(order, at, None)

    def open(self, account: str | None = None) -> OrderRows:
        """Orders that have not ended, oldest first."""
        rows = self._all(_OPEN_ALL) if account is None else self._all(_OPEN_OF_ACCOUNT, stored(account))
        return [_as_before(row) for row in rows]

    def wanted_volume(self, account: str, signal_id: int) -> int:
        """The volume of all parts of one signal's order in one account."""
        return int(self._one(_VOLUME_OF_PARTS, signal_id, stored(account))["volume"])

    def brought_later(self, order: OrderRow) -> int:
        """What orders of later signals brought into the order's book: their buys, less what their sells take of it.

        One of them that sells the book out takes the order's own shares, too: then all that is there came later.
        """
        key = (stored(order.account), stored(order.strategy), stored(order.security), order.order_id, order.signal_id)
        later = self._one(_LATER, *key)
        return int(later["bought"] if later["sold_out"] else max(later["bought"] - later["sold"], 0))

    def carries_since(self, order: OrderRow) -> int:
        """The signal of the close after which the order's book carries what its rounding leaves: its own, if it closes.

        0: no signal before it closed the position.
        """
        if order.closes:
            return order.signal_id
        key = (stored(order.account), stored(order.strategy), stored(order.security))
        return int(self._one(_CLOSED_BEFORE, *key, order.signal_id)["signal_id"])

    def last_sell(self, account: str, strategy: str, day: date) -> datetime | None:
        """When the last of a strategy's sells of a day ended that brought money; `None`: there was none."""
        at = self._one(_LAST_SELL, day_text(day), stored(account), stored(strategy))["at"]
        return None if at is None else from_ms(at)

    def of_signal(self, signal_id: int) -> OrderRows:
        """The orders made of one signal, oldest first."""
        return [order_row(row) for row in self._all(_OF_SIGNAL, signal_id)]

    def history(self, *, strategy: str | None = None, account: str | None = None) -> OrderRows:
        """Every order, oldest first."""
        return [order_row(row) for row in self._all(_HISTORY, stored(strategy), stored(account))]

    def of_book(self, account: str, strategy: str, security: str, *, since: datetime | None = None) -> OrderRows:
        """Every order of one book, oldest first; with `since` those made from then on, and all that are open."""
        key = (stored(account), stored(strategy), stored(security))
        rows = self._all(_OF_BOOK, *key) if since is None else self._all(_OF_BOOK_SINCE, *key, to_ms(since))
        return [order_row(row) for row in rows]

    def last_close(self, account: str, strategy: str, security: str, *, besides: Collection[str]) -> datetime | None:
        """When the newest order that sells the whole book was made, of all runs besides those."""
        key = (stored(account), stored(strategy), stored(security))
        row = self._one(_LAST_CLOSE, *key, to_json(sorted(besides)))
        return None if row is None else from_ms(row["made_at"])

    def of_days(self, first: date, last: date, *, strategy: str | None = None) -> OrderRows:
        """Orders of some days, both included, oldest first."""
        return [order_row(row) for row in self._all(_OF_DAYS, day_text(first), day_text(last), stored(strategy))]

    def newest(self) -> int:
        """The greatest number; 0 without orders."""
        return int(self._one("SELECT coalesce(max(order_id), 0) AS number FROM orders")["number"])

    def newer_than(self, order_id: int) -> OrderRows:
        """Orders with a greater number, oldest first."""
        return [order_row(row) for row in self._all(_NEWER_THAN, order_id)]

    def books_since(self, order_id: int) -> set[tuple[str, str, str]]:
        """Account, strategy and security of the orders with a greater number."""
        return {(row["account"], row["strategy"], row["security"]) for row in self._all(_BOOKS_SINCE, order_id)}

    def list(
        self,
        *,
        account: str | None = None,
        strategy: str | None = None,
        security: str | None = None,
        day: date | None = None,
        state: OrderState | None = None,
        signal_id: int | None = None,
        limit: int = 100,
        before_id: int | None = None,
    ) -> OrderRows:
        """Orders, newest first."""
        rows = self._newest(
            "orders",
            "order_id",
            limit,
            account=stored(account),
            strategy=stored(strategy),
            security=stored(security),
            day=None if day is None else day_text(day),
            state=stored(state),
            signal_id=signal_id,
            order_id__lt=before_id,
        )
        return [order_row(row) for row in rows]


def _to_the_ms(moment: datetime) -> datetime:
    """As it will be read again."""
    return from_ms(to_ms(moment))


def _terms_columns(terms: Terms) -> dict[str, Stored]:
    return {
        "amount": terms.amount,
        "run": stored(terms.run),
        "mode": stored(terms.mode),
        "figure": stored(terms.figure),
        "total_value": stored(terms.total_value),
        "held_before": terms.held_before,
        "reference": stored(terms.reference),
        "account_number": stored(terms.account_number),
        "made_at": to_ms(terms.made_at),
    }


def _waiting(row: Any) -> Waiting | None:
    if row["waiting_for"] is None:
        return None
    return Waiting(
        what=WaitingFor(row["waiting_for"]),
        since=from_ms(row["waiting_since"]),
        until=None if row["wait_until"] is None else from_ms(row["wait_until"]),
    )


_READ: dict[str, Callable[[Any], Any]] = {
    "state": OrderState,
    "sized": bool,
    "volume": int,
    "filled": int,
    "turnover": Decimal,
    "deadline": from_ms,
    "limit_price": decimal,
    "cancel_reason": partial(maybe, Reason),
    "reason": partial(maybe, Reason),
    "figures": figures,
    "updated_at": from_ms,
}
"""How the columns that change most are read."""
_WAITING = frozenset({"waiting_for", "waiting_since", "wait_until"})
"""One value."""
_TOLD = _READ.keys() | _WAITING


def _changed(row: OrderRow, columns: dict[str, Stored]) -> OrderRow:
    """What `_order` would read after `columns` were written, all of them of `_TOLD`."""
    read = {name: _READ[name](value) for name, value in columns.items() if name not in _WAITING}
    if not _WAITING.isdisjoint(columns):
        was = row.waiting
        before = {
            "waiting_for": was and was.what,
            "waiting_since": stored(was.since) if was else None,
            "wait_until": stored(was.until) if was else None,
        }
        read["waiting"] = _waiting(before | columns)
    return replace(row, **read)


def order_row(row: Any) -> OrderRow:
    """A row of `orders` as a value."""
    return OrderRow(
        order_id=row["order_id"],
        signal_id=row["signal_id"],
        account=row["account"],
        strategy=row["strategy"],
        part=row["part"],
        day=date.fromisoformat(row["day"]),
        security=row["security"],
        side=Side(row["side"]),
        sized=bool(row["sized"]),
        closes=bool(row["closes"]),
        volume=row["volume"],
        filled=row["filled"],
        turnover=Decimal(row["turnover"]),
        terms=Terms(
            amount=row["amount"],
            run=row["run"],
            mode=maybe(FollowMode, row["mode"]),
            figure=decimal(row["figure"]),
            made_at=from_ms(row["made_at"]),
            total_value=decimal(row["total_value"]),
            held_before=row["held_before"],
            reference=decimal(row["reference"]),
            account_number=row["account_number"],
        ),
        deadline=from_ms(row["deadline"]),
        limit_price=decimal(row["limit_price"]),
        state=OrderState(row["state"]),
        waiting=_waiting(row),
        cancel_reason=maybe(Reason, row["cancel_reason"]),
        reason=maybe(Reason, row["reason"]),
        figures=figures(row["figures"]),
        created_at=from_ms(row["created_at"]),
        updated_at=from_ms(row["updated_at"]),
    )


@lru_cache(2048)
def _as_before(row: Any) -> OrderRow:
    """`_order` for rows that are read again and again, and have seldom changed in between."""
    return order_row(row)
