"""Orders as placed at brokers."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypedDict, Unpack

from jqfollow.clock import SHANGHAI, from_ms, to_ms
from jqfollow.domain import ATTEMPT_ENDED, AttemptState, OrderKey, Side
from jqfollow.ledger.codec import Stored, day_text, stored, to_json
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.meta import REMARK_TAG, Meta
from jqfollow.ledger.rows import AttemptRow, DayCounts, NewAttempt
from jqfollow.ledger.table import Table, checked_columns

AttemptRows = list[AttemptRow]

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Spelled as in the schema, and by name: SQLite, which counts nothing, would else read all that an account ever did.
_LIVE = "state NOT IN ('filled', 'canceled', 'rejected')"
_BY_LIVE = f"INDEXED BY attempts_live WHERE {_LIVE}"
_LIVE_ALL = f"SELECT * FROM attempts {_BY_LIVE} ORDER BY +attempt_id"  # noqa: S608  a constant
_LIVE_OF_ACCOUNT = f"SELECT * FROM attempts {_BY_LIVE} AND account = ? ORDER BY attempt_id"  # noqa: S608  a constant
_BY_KEY = "SELECT * FROM attempts WHERE account = ? AND day = ? AND broker_order_id = ?"
_OF_DAY = "SELECT * FROM attempts WHERE account = ? AND day = ? ORDER BY attempt_id"
_LISTED = """
SELECT * FROM attempts WHERE account = ?1 AND day = ?2 AND attempt_id IN (
    SELECT attempt_id FROM attempts WHERE remark IN (SELECT value FROM json_each(?3))
    UNION SELECT attempt_id FROM attempts
    WHERE account = ?1 AND day = ?2 AND broker_order_id IN (SELECT value FROM json_each(?4))) ORDER BY attempt_id"""
_OF_ORDERS = """
SELECT * FROM attempts WHERE order_id IN (SELECT value FROM json_each(?)) ORDER BY order_id, number"""
_MISSING_FILLS = """
SELECT * FROM attempts INDEXED BY attempts_missing_fills
WHERE account = ? AND day = ? AND reported > filled ORDER BY attempt_id"""
_UNKNOWN = f"""
SELECT * FROM attempts {_BY_LIVE} AND state = 'unknown' AND account = ? ORDER BY attempt_id"""  # noqa: S608
_STUCK = f"""
SELECT * FROM attempts {_BY_LIVE} AND state = 'pending_new' AND account = ? AND created_at < ?
ORDER BY attempt_id"""  # noqa: S608  a constant
_COUNT = """
INSERT INTO account_days (account, day, attempts, cancels) VALUES (?, ?, ?, ?)
ON CONFLICT (account, day) DO UPDATE
SET attempts = attempts + excluded.attempts, cancels = cancels + excluded.cancels"""
_MOVED = "SELECT * FROM attempts WHERE account = ? AND day = ? AND updated_at >= ? ORDER BY attempt_id"
_SET_LIVE = f"""
UPDATE attempts SET created_at = created_at + ?1, updated_at = updated_at + ?1, cancel_at = cancel_at + ?1
WHERE {_LIVE}"""  # noqa: S608  a constant
_SET_ENDED = f"""
UPDATE attempts SET updated_at = updated_at + ?1, ended_at = ended_at + ?1
WHERE updated_at >= ?2 AND day >= ?3 AND account = ?4 AND NOT {_LIVE}"""  # noqa: S608  a constant
_SPENDING = f"""
SELECT attempts.* FROM attempts INDEXED BY attempts_live JOIN orders USING (order_id)
WHERE attempts.{_LIVE} AND attempts.account = ? AND orders.strategy = ? AND attempts.side = 'buy'"""  # noqa: S608
_PLACED = """
SELECT count(*) AS count FROM attempts JOIN orders USING (order_id)
WHERE attempts.account = ? AND attempts.day = ? AND orders.strategy = ?"""
_OF_STRATEGY = """
SELECT attempts.* FROM attempts JOIN orders USING (order_id)
WHERE attempts.account = ? AND attempts.day = ? AND orders.strategy = ?"""
_FILLED_OF_STRATEGY = """
SELECT fills.volume, fills.price FROM attempts JOIN fills USING (attempt_id)
WHERE attempts.account = ? AND attempts.day = ? AND fills.strategy = ?"""
_DAY = "SELECT attempts, cancels, turnover FROM account_days WHERE account = ? AND day = ?"


class AttemptColumns(TypedDict, total=False):
    """What may change of an attempt; `filled` follows from its fills alone, `ended_at` from its state."""

    state: AttemptState
    broker_order_id: str | None
    reported: int
    message: str
    cancel_at: datetime | None
    cancels: int


_COLUMNS = frozenset(AttemptColumns.__annotations__)


class Attempts(Table):
    """The table `attempts`."""

    __slots__ = ()

    def create(self, attempt: NewAttempt, at: datetime) -> AttemptRow:
        """A new attempt in state `pending_new`, with a remark that no other attempt of any ledger has.

        Raises:
            LedgerError: the order has a live attempt, has ended, or has less than this volume left.
        """
        self._flush()  # a trigger looks at its order
        attempt_id, remark = self._next()
        now = to_ms(at)
        self._insert(
            "attempts",
            {
                "attempt_id": attempt_id,
                "order_id": attempt.order_id,
                "number": attempt.number,
                "account": stored(attempt.account),
                "day": day_text(attempt.day),
                "security": stored(attempt.security),
                "side": stored(attempt.side),
                "volume": attempt.volume,
                "price": stored(attempt.price),
                "remark": remark,
                "state": stored(AttemptState.PENDING_NEW),
                "created_at": now,
                "updated_at": now,
            },
        )
        self._c.execute(_COUNT, (stored(attempt.account), day_text(attempt.day), 1, 0))
        return self._kept.add_attempt(
            AttemptRow(
                attempt_id=attempt_id,
                order_id=attempt.order_id,
                number=attempt.number,
                account=attempt.account,
                day=attempt.day,
                security=attempt.security,
                side=attempt.side,
                volume=attempt.volume,
                price=attempt.price,
                remark=remark,
                broker_order_id=None,
                state=AttemptState.PENDING_NEW,
                reported=0,
                filled=0,
                message="",
                created_at=from_ms(now),
                updated_at=from_ms(now),
                cancel_at=None,
                cancels=0,
                ended_at=None,
            )
        )

    def _next(self) -> tuple[int, str]:
        """Number and remark of a new attempt."""
        kept = self._kept
        if kept.newest_attempt is None:
            kept.newest_attempt = int(
                self._one_apart("SELECT coalesce(max(attempt_id), 0) AS newest FROM attempts")["newest"]
            )
        if kept.remark_tag is None:
            kept.remark_tag = Meta(self._c, kept).get(REMARK_TAG)
        kept.newest_attempt += 1
        return kept.newest_attempt, f"jq{kept.remark_tag}-{_base36(kept.newest_attempt)}"

    def get(self, attempt_id: int) -> AttemptRow | None:
        """One attempt."""
        known = self._kept.attempts.get(attempt_id)
        if known is not None:
            return known
        row = self._one("SELECT * FROM attempts WHERE attempt_id = ?", attempt_id)
        return None if row is None else self._kept.keep_attempt(attempt_row(row))

    def update(self, attempt_id: int, at: datetime, **columns: Unpack[AttemptColumns]) -> AttemptRow:
        """Changes the columns given; `ended_at` is when the state first was a final one.

        Raises:
            TypeError: a name that is no column of `AttemptColumns`.
            LedgerError: no such attempt, a second live one, or a broker's order that another attempt has.
        """
        checked_columns("attempts", columns, _COLUMNS)
        values: dict[str, Any] = dict(columns)
        state = values.get("state")
        if state is not None or "cancels" in values:
            before = self._existing(attempt_id)
            if state is not None:
                values["ended_at"] = (before.ended_at or at) if state in ATTEMPT_ENDED else None
            asked = values.get("cancels", before.cancels) - before.cancels
            if asked:
                self._c.execute(_COUNT, (stored(before.account), day_text(before.day), 0, asked))
        changes = {name: stored(value) for name, value in values.items()}
        return self._change(attempt_id, {**changes, "updated_at": to_ms(at)})

    def of_order(self, order_id: int) -> AttemptRows:
        """The attempts of one order, first to last."""
        known = self._kept.of_order(order_id)
        if known is not None:
            return known
        found = self._all("SELECT * FROM attempts WHERE order_id = ? ORDER BY number", order_id)
        rows = [attempt_row(row) for row in found]
        self._kept.keep_order_with(order_id, rows)
        return rows

    def of_orders(self, order_ids: Iterable[int]) -> dict[int, AttemptRows]:
        """The attempts of several orders, first to last, by order."""
        found: dict[int, AttemptRows] = {order_id: [] for order_id in order_ids}
        for row in self._all(_OF_ORDERS, to_json(list(found))):
            found[row["order_id"]].append(attempt_row(row))
        return found

    def live(self, account: str | None = None) -> AttemptRows:
        """Attempts that have not ended, `unknown` ones too, oldest first."""
        rows = self._all(_LIVE_ALL) if account is None else self._all(_LIVE_OF_ACCOUNT, stored(account))
        return [_as_before(row) for row in rows]

    def by_key(self, key: OrderKey) -> AttemptRow | None:
        """The attempt that is this order of the broker."""
        known = self._kept.by_broker(key)
        if known is not None:
            return known
        row = self._one(_BY_KEY, stored(key.account), day_text(key.day), stored(key.broker_order_id))
        return None if row is None else self._kept.keep_attempt(attempt_row(row))

    def by_remark(self, remark: str) -> AttemptRow | None:
        """The attempt with this remark."""
        known = self._kept.by_remark(remark)
        if known is not None:
            return known
        row = self._one("SELECT * FROM attempts WHERE remark = ?", stored(remark))
        return None if row is None else self._kept.keep_attempt(attempt_row(row))

    def unknown(self, account: str) -> AttemptRows:
        """Attempts of an account whose outcome nobody knows, oldest first."""
        return [attempt_row(row) for row in self._all(_UNKNOWN, stored(account))]

    def without_answer(self, account: str, before: datetime) -> AttemptRows:
        """Attempts that were about to be handed over at `before` or earlier, and have no answer."""
        return [attempt_row(row) for row in self._all(_STUCK, stored(account), to_ms(before))]

    def clock_was_set(self, step: timedelta, since: datetime, accounts: Iterable[str]) -> None:
        """The wall clock was set by `step`: what counts seconds goes with it, of what lives or changed since then."""
        self._flush()
        ms = round(step.total_seconds() * 1000)
        self._c.execute(_SET_LIVE, (ms,))
        day = since.astimezone(SHANGHAI).date() - timedelta(days=1)
        for account in accounts:
            self._c.execute(_SET_ENDED, (ms, to_ms(since), day_text(day), stored(account)))
        self._kept.forget()

    def moved(self, account: str, day: date, since: datetime) -> AttemptRows:
        """The day's attempts that changed since then, oldest first."""
        return [attempt_row(row) for row in self._all(_MOVED, stored(account), day_text(day), to_ms(since))]

    def spending(self, account: str, strategy: str) -> Decimal:
        """What a strategy's live buys in an account may still cost, fees left out, yuan."""
        live = [attempt_row(row) for row in self._all(_SPENDING, stored(account), stored(strategy))]
        return sum(((a.volume - a.done) * a.price for a in live), Decimal(0))

    def counts_of(self, account: str, day: date, strategy: str, *, turnover: bool) -> DayCounts:
        """What one strategy placed in the account that day; without `turnover` its attempts are counted alone."""
        key = stored(account), day_text(day), stored(strategy)
        if not turnover:
            return DayCounts(attempts=int(self._one(_PLACED, *key)["count"]))
        made = [attempt_row(row) for row in self._all(_OF_STRATEGY, *key)]
        filled = sum(
            (row["volume"] * Decimal(row["price"]) for row in self._all(_FILLED_OF_STRATEGY, *key)), Decimal(0)
        )
        return DayCounts(attempts=len(made), turnover=filled + sum(_ahead(attempt) for attempt in made))

    def missing_fills(self, account: str, day: date) -> AttemptRows:
        """Attempts of a day of which the broker says that more is filled than its fills have told, oldest first."""
        return [attempt_row(row) for row in self._all(_MISSING_FILLS, stored(account), day_text(day))]

    def list(self, *, account: str, day: date) -> AttemptRows:
        """The attempts of one account on one day, oldest first."""
        return [attempt_row(row) for row in self._all(_OF_DAY, stored(account), day_text(day))]

    def listed(self, account: str, day: date, remarks: Iterable[str], broker_order_ids: Iterable[str]) -> AttemptRows:
        """The attempts of one account and day with one of the remarks or of the broker's ids, oldest first."""
        named = to_json(sorted(set(remarks))), to_json(sorted(set(broker_order_ids)))
        return [attempt_row(row) for row in self._all(_LISTED, stored(account), day_text(day), *named)]

    def counts(self, account: str, day: date, *, ahead: bool = True) -> DayCounts:
        """What the account did that day.

        Its turnover is never too small: what the broker's orders report as filled counts before its fills have come.
        Without `ahead` it is that of the fills alone, and costs nothing.
        """
        row = self._one(_DAY, stored(account), day_text(day))
        if row is None:
            return DayCounts()
        turnover = Decimal(row["turnover"])
        if ahead:
            live = {a.attempt_id: a for a in self.live(account) if a.day == day}
            told = {a.attempt_id: a for a in self.missing_fills(account, day)}
            turnover += sum(_ahead(attempt) for attempt in (told | live).values())
        return DayCounts(attempts=row["attempts"], cancels=row["cancels"], turnover=turnover)

    def add_fill(self, attempt_id: int, volume: int) -> None:
        """For `Fills.add` only: a fill adds to its attempt."""
        self._change(attempt_id, {"filled": self._existing(attempt_id).filled + volume})

    def add_turnover(self, attempt: AttemptRow, value: Decimal) -> None:
        """For `Fills.add` only: a fill adds to its day."""
        key = (stored(attempt.account), day_text(attempt.day))
        turnover = Decimal(self._one_apart(_DAY, *key)["turnover"]) + value
        self._c.execute("UPDATE account_days SET turnover = ? WHERE account = ? AND day = ?", (stored(turnover), *key))

    def _change(self, attempt_id: int, columns: dict[str, Stored]) -> AttemptRow:
        """The row as it is then; one that is kept need not be read again to tell."""
        known = self._kept.attempts.get(attempt_id)
        if known is None:
            return self._kept.keep_attempt(attempt_row(self._update_row("attempts", "attempt_id", attempt_id, columns)))
        self._update_later("attempts", "attempt_id", attempt_id, columns)
        read = {name: _READ[name](value) for name, value in columns.items()}
        return self._kept.keep_attempt(replace(known, **read))

    def _existing(self, attempt_id: int) -> AttemptRow:
        row = self.get(attempt_id)
        if row is None:
            raise LedgerError(f"attempts has no row with attempt_id {attempt_id}")
        return row


def _ahead(attempt: AttemptRow) -> Decimal:
    """What its fills may still add to the day's turnover: of one that lives all of it, else what the broker reports."""
    most = attempt.reported if attempt.state in ATTEMPT_ENDED else max(attempt.volume, attempt.reported)
    return max(most - attempt.filled, 0) * attempt.price


def _base36(number: int) -> str:
    """Of a number above zero."""
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text


def _time(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)


_READ: dict[str, Callable[[Any], Any]] = {
    "state": AttemptState,
    "broker_order_id": lambda text: text,
    "reported": int,
    "filled": int,
    "message": str,
    "updated_at": from_ms,
    "cancel_at": _time,
    "cancels": int,
    "ended_at": _time,
}
"""How the columns that may change are read."""


def attempt_row(row: Any) -> AttemptRow:
    """The row as a value."""
    return AttemptRow(
        attempt_id=row["attempt_id"],
        order_id=row["order_id"],
        number=row["number"],
        account=row["account"],
        day=date.fromisoformat(row["day"]),
        security=row["security"],
        side=Side(row["side"]),
        volume=row["volume"],
        price=Decimal(row["price"]),
        remark=row["remark"],
        broker_order_id=row["broker_order_id"],
        state=AttemptState(row["state"]),
        reported=row["reported"],
        filled=row["filled"],
        message=row["message"],
        created_at=from_ms(row["created_at"]),
        updated_at=from_ms(row["updated_at"]),
        cancel_at=_time(row["cancel_at"]),
        cancels=row["cancels"],
        ended_at=_time(row["ended_at"]),
    )


@lru_cache(2048)
def _as_before(row: Any) -> AttemptRow:
    """`attempt_row` for rows that are read again and again, and have seldom changed in between."""
    return attempt_row(row)
