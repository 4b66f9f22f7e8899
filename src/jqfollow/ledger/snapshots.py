"""Accounts as brokers showed them."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jqfollow.clock import from_ms, to_ms
from jqfollow.domain import Asset, Position
from jqfollow.ledger.codec import day_text, decimal, stored
from jqfollow.ledger.table import Table

Snapshot = tuple[datetime, Asset, list[Position]]
"""When it was taken, the money, the positions by security."""

_LATEST = "SELECT * FROM account_snapshots WHERE account = ? ORDER BY taken_at DESC LIMIT 1"
_LAST_OF_DAY = "SELECT * FROM account_snapshots WHERE account = ? AND day = ? ORDER BY taken_at DESC LIMIT 1"
_NEWEST_AT = "SELECT max(taken_at) AS at FROM account_snapshots WHERE account = ?"
_LAST_BEFORE = "SELECT * FROM account_snapshots WHERE account = ? AND day < ? ORDER BY taken_at DESC LIMIT 1"
_BEFORE = "SELECT total FROM account_snapshots WHERE account = ? AND day < ? ORDER BY taken_at DESC LIMIT 1"
_FIRST_OF_DAY = "SELECT total FROM account_snapshots WHERE account = ? AND day = ? ORDER BY taken_at LIMIT 1"
_POSITIONS = "SELECT * FROM position_snapshots WHERE account = ? AND day = ? AND taken_at = ? ORDER BY security"
_THIN = """
DELETE FROM account_snapshots WHERE day < ? AND taken_at < (
    SELECT max(taken_at) FROM account_snapshots AS later
    WHERE later.account = account_snapshots.account AND later.day = account_snapshots.day)"""
_THIN_POSITIONS = """
DELETE FROM position_snapshots WHERE NOT EXISTS (
    SELECT 1 FROM account_snapshots
    WHERE (account_snapshots.account, account_snapshots.day, account_snapshots.taken_at)
        = (position_snapshots.account, position_snapshots.day, position_snapshots.taken_at))"""
_KEY = "account = ? AND day = ? AND taken_at = ?"


class Snapshots(Table):
    """The tables `account_snapshots` and `position_snapshots`."""

    __slots__ = ()

    def put(self, account: str, day: date, at: datetime, asset: Asset, positions: Sequence[Position]) -> None:
        """Keeps a snapshot; a second one of the same moment replaces the first."""
        key = (stored(account), day_text(day), to_ms(at))
        self._c.execute(f"DELETE FROM position_snapshots WHERE {_KEY}", key)  # noqa: S608  a constant
        money = (stored(asset.cash), stored(asset.frozen), stored(asset.market_value), stored(asset.total))
        self._c.execute("INSERT OR REPLACE INTO account_snapshots VALUES (?, ?, ?, ?, ?, ?, ?)", (*key, *money))
        rows = [
            (*key, stored(held.symbol), held.volume, held.available, stored(held.avg_cost), stored(held.last))
            for held in positions
        ]
        self._c.executemany("INSERT INTO position_snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def latest(self, account: str) -> Snapshot | None:
        """The newest snapshot."""
        return self._snapshot(self._one(_LATEST, stored(account)))

    def newest_at(self, account: str) -> datetime | None:
        """When the newest snapshot was taken."""
        row = self._one(_NEWEST_AT, stored(account))
        return None if row["at"] is None else from_ms(row["at"])

    def last_of_day(self, account: str, day: date) -> Snapshot | None:
        """The last snapshot of one day."""
        return self._snapshot(self._one(_LAST_OF_DAY, stored(account), day_text(day)))

    def last_before(self, account: str, day: date) -> Snapshot | None:
        """The last snapshot of all days before `day`."""
        return self._snapshot(self._one(_LAST_BEFORE, stored(account), day_text(day)))

    def before(self, account: str, day: date) -> Decimal | None:
        """The account's total when `day` began, yuan: at the last snapshot before it, else at its first."""
        key = stored(account), day_text(day)
        row = self._one(_BEFORE, *key) or self._one(_FIRST_OF_DAY, *key)
        return None if row is None else Decimal(row["total"])

    def days(self, account: str) -> list[date]:
        """The days with snapshots, oldest first."""
        rows = self._all("SELECT DISTINCT day FROM account_snapshots WHERE account = ? ORDER BY day", stored(account))
        return [date.fromisoformat(row["day"]) for row in rows]

    def thin(self, before: date) -> int:
        """Leaves only the last snapshot of each day before `before`; how many went."""
        gone = self._c.execute(_THIN, (day_text(before),)).rowcount
        self._c.execute(_THIN_POSITIONS)
        return gone

    def _snapshot(self, row: Any) -> Snapshot | None:
        if row is None:
            return None
        asset = Asset(
            cash=Decimal(row["cash"]),
            frozen=Decimal(row["frozen"]),
            market_value=Decimal(row["market_value"]),
            total=Decimal(row["total"]),
        )
        held = [
            Position(
                symbol=position["security"],
                volume=position["volume"],
                available=position["available"],
                avg_cost=Decimal(position["avg_cost"]),
                last=decimal(position["last"]),
            )
            for position in self._all(_POSITIONS, row["account"], row["day"], row["taken_at"])
        ]
        return from_ms(row["taken_at"]), asset, held
