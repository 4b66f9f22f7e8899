"""Corporate actions, as far as they concern an account: what one share becomes, and whether the broker shows it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from jqfollow.clock import from_ms, to_ms
from jqfollow.ledger.codec import day_text, stored
from jqfollow.ledger.table import Table

ActionRows = list["ActionRow"]


class ActionState(StrEnum):
    """How far it came."""

    EXPECTED = "expected"
    """The broker does not show it yet."""
    BOOKED = "booked"
    """The broker shows it, and the books followed."""
    ASKED = "asked"
    """What the broker shows is something else: a person decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRow:
    """One action in one account."""

    account: str
    security: str
    day: date
    """The ex day."""
    factor: Decimal
    """What one share becomes."""
    cash: Decimal
    """Yuan a share, before tax."""
    arrives: date
    """The day on which its shares can be traded as a rule."""
    held: int
    """What the account held the evening before, by the broker."""
    state: ActionState
    act: int | None
    """The bookings that followed it."""
    source: str
    """`xtdata`, or the name of the file kept by hand."""
    updated_at: datetime


_PUT = """
INSERT INTO corporate_actions (account, security, day, factor, cash, held, arrives, state, act, source, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (account, security, day) DO UPDATE SET
    factor = excluded.factor, cash = excluded.cash, held = excluded.held, arrives = excluded.arrives,
    state = excluded.state, act = excluded.act, source = excluded.source, updated_at = excluded.updated_at"""
_GET = "SELECT * FROM corporate_actions WHERE account = ? AND security = ? AND day = ?"
_LIST = "SELECT * FROM corporate_actions WHERE (?1 IS NULL OR account = ?1) ORDER BY day, account, security"
_OF_SECURITY = "SELECT * FROM corporate_actions WHERE account = ? AND security = ? ORDER BY day"


class CorporateActions(Table):
    """The table `corporate_actions`."""

    __slots__ = ()

    def put(self, action: ActionRow) -> None:
        """As it stands now."""
        self._c.execute(
            _PUT,
            (
                stored(action.account),
                stored(action.security),
                day_text(action.day),
                stored(action.factor),
                stored(action.cash),
                action.held,
                day_text(action.arrives),
                stored(action.state),
                action.act,
                stored(action.source),
                to_ms(action.updated_at),
            ),
        )

    def get(self, account: str, security: str, day: date) -> ActionRow | None:
        """One action."""
        row = self._one(_GET, stored(account), stored(security), day_text(day))
        return None if row is None else _action(row)

    def of_security(self, account: str, security: str) -> ActionRows:
        """Those of one security in one account, oldest first."""
        return [_action(row) for row in self._all(_OF_SECURITY, stored(account), stored(security))]

    def list(self, account: str | None = None) -> ActionRows:
        """All actions, oldest first."""
        return [_action(row) for row in self._all(_LIST, stored(account))]


def _action(row: Any) -> ActionRow:
    return ActionRow(
        account=row["account"],
        security=row["security"],
        day=date.fromisoformat(row["day"]),
        factor=Decimal(row["factor"]),
        cash=Decimal(row["cash"]),
        held=row["held"],
        arrives=date.fromisoformat(row["arrives"]),
        state=ActionState(row["state"]),
        act=row["act"],
        source=row["source"],
        updated_at=from_ms(row["updated_at"]),
    )
