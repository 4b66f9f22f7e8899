"""How orders stand at JoinQuant, and by how much accounts are off since they ended otherwise there."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from jqfollow.clock import from_ms, to_ms
from jqfollow.ledger.codec import day_text, decimal, stored
from jqfollow.ledger.table import Table


class JqState(StrEnum):
    """Whether an order can still be filled at JoinQuant."""

    RESTING = "resting"
    FILLED = "filled"
    """Wholly."""
    ENDED = "ended"
    """By the strategy or by JoinQuant, with or without something filled."""


class Cause(StrEnum):
    """Why an account holds something else than its strategy times the ratio."""

    FILLED_ELSEWHERE = "filled_elsewhere"
    """JoinQuant filled more or less of an order than the account did, when it was ended there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JqOrderRow:
    """How an order stands at JoinQuant, by the newest word about it."""

    jq_order_id: str
    day: date
    state: JqState
    filled: int
    signal_id: int | None
    """The signal that was followed; `None`: none was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceRow:
    """By how much one account is off because of one signal."""

    signal_id: int
    account: str
    strategy: str
    security: str
    cause: Cause
    elsewhere: int
    """What JoinQuant filled of the order in the end."""
    shares: Decimal | None
    """Above zero: the account holds too little; below: too much. `None`: not known before the account's order ends."""
    at: datetime


DifferenceRows = list[DifferenceRow]

_TELL = """
INSERT INTO jq_orders (strategy, jq_order_id, day, state, filled, signal_id, told_at) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (strategy, jq_order_id, day) DO UPDATE SET
    state = CASE WHEN state = 'resting' THEN excluded.state ELSE state END,
    filled = max(filled, excluded.filled),
    signal_id = coalesce(signal_id, excluded.signal_id),
    told_at = max(told_at, excluded.told_at)"""
_GET = "SELECT * FROM jq_orders WHERE strategy = ? AND jq_order_id = ? AND day = ?"
_LATEST_DAY = "SELECT max(day) AS day FROM jq_orders WHERE strategy = ? AND jq_order_id = ?"
_STATE_OF_SIGNAL = "SELECT state FROM jq_orders WHERE signal_id = ?"
_EXPECT = """
INSERT INTO differences (signal_id, account, strategy, security, cause, elsewhere, at) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (signal_id, account) DO UPDATE SET elsewhere = excluded.elsewhere, at = excluded.at"""
_SET_SHARES = "UPDATE differences SET shares = ?, at = ? WHERE signal_id = ? AND account = ?"
_DIFFERENCE = "SELECT * FROM differences WHERE signal_id = ? AND account = ?"
_OF_BOOK = "SELECT * FROM differences WHERE account = ? AND strategy = ? AND security = ? ORDER BY signal_id"
_ALL = """
SELECT * FROM differences WHERE (?1 IS NULL OR account = ?1) AND (?2 IS NULL OR strategy = ?2) ORDER BY signal_id"""


class Elsewhere(Table):
    """The tables `jq_orders` and `differences`."""

    __slots__ = ()

    def tell(
        self,
        strategy: str,
        jq_order_id: str,
        day: date,
        *,
        state: JqState,
        filled: int,
        signal_id: int | None,
        at: datetime,
    ) -> None:
        """A word about an order; one that has ended rests no more, whatever comes late."""
        key = (stored(strategy), stored(jq_order_id), day_text(day))
        self._c.execute(_TELL, (*key, stored(state), filled, signal_id, to_ms(at)))

    def get(self, strategy: str, jq_order_id: str, day: date) -> JqOrderRow | None:
        """What is known of one order."""
        row = self._one(_GET, stored(strategy), stored(jq_order_id), day_text(day))
        if row is None:
            return None
        return JqOrderRow(
            jq_order_id=row["jq_order_id"],
            day=date.fromisoformat(row["day"]),
            state=JqState(row["state"]),
            filled=row["filled"],
            signal_id=row["signal_id"],
        )

    def latest_day(self, strategy: str, jq_order_id: str) -> date | None:
        """The newest day on which an order of that id was told of."""
        day = self._one(_LATEST_DAY, stored(strategy), stored(jq_order_id))["day"]
        return None if day is None else date.fromisoformat(day)

    def rests(self, signal_id: int) -> bool:
        """Whether the order of a followed signal can still be filled at JoinQuant."""
        row = self._one(_STATE_OF_SIGNAL, signal_id)
        return row is not None and row["state"] == JqState.RESTING

    def expect_difference(
        self, signal_id: int, account: str, *, strategy: str, security: str, elsewhere: int, at: datetime
    ) -> None:
        """The order of a followed signal was ended at JoinQuant with so much filled."""
        names = (stored(account), stored(strategy), stored(security), stored(Cause.FILLED_ELSEWHERE))
        self._c.execute(_EXPECT, (signal_id, *names, elsewhere, to_ms(at)))

    def difference(self, signal_id: int, account: str) -> DifferenceRow | None:
        """What one signal left behind in one account."""
        row = self._one(_DIFFERENCE, signal_id, stored(account))
        return None if row is None else _difference(row)

    def set_shares(self, signal_id: int, account: str, shares: Decimal, at: datetime) -> None:
        """How much it is, once the account's order has ended."""
        self._c.execute(_SET_SHARES, (stored(shares), to_ms(at), signal_id, stored(account)))

    def differences(self, account: str, strategy: str, security: str) -> DifferenceRows:
        """All of one book, oldest first."""
        return [_difference(row) for row in self._all(_OF_BOOK, stored(account), stored(strategy), stored(security))]

    def all_differences(self, *, account: str | None = None, strategy: str | None = None) -> DifferenceRows:
        """Those of every book, oldest first."""
        return [_difference(row) for row in self._all(_ALL, stored(account), stored(strategy))]


def _difference(row: Any) -> DifferenceRow:
    return DifferenceRow(
        signal_id=row["signal_id"],
        account=row["account"],
        strategy=row["strategy"],
        security=row["security"],
        cause=Cause(row["cause"]),
        elsewhere=row["elsewhere"],
        shares=decimal(row["shares"]),
        at=from_ms(row["at"]),
    )
