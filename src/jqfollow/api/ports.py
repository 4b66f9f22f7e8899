"""What the two apps get from the floors below; the follower and the service implement it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from jqfollow.domain import AccountState, ManualOrder, Preview, Settlement
from jqfollow.ledger.rows import NewSignal, OrderRow, Recorded
from jqfollow.wire.jqf1 import Key


class KeySource(Protocol):
    """The keys of the `jqf1` strategies; `wire.keystore.KeyStore` is one."""

    def keys(self, strategy: str) -> tuple[Key, ...]:
        """The strategy's current key first, then a previous one within its grace; empty when there is none."""
        ...


class Intake(Protocol):
    """The way into the ledger."""

    async def record(self, signal: NewSignal) -> Recorded:
        """Commits the signal, then wakes the follower.

        Raises:
            ConflictError: a known message id with another text.
            LedgerError: the ledger cannot be written; nothing is recorded.
        """
        ...

    def account_states(self, strategy: str | None = None) -> Sequence[AccountState]:
        """The accounts that follow `strategy`, or all."""
        ...


class Desk(Protocol):
    """What a person can do to orders."""

    async def place_manual(self, order: ManualOrder) -> Sequence[OrderRow]:
        """The orders made of it, through the same rules as a signal; waits up to 3 s for the decision.

        Raises:
            ManualOrderError: it cannot be an order.
        """
        ...

    async def preview(self, account: str, security: str) -> Preview:
        """What a person should see before an order is placed.

        Raises:
            ManualOrderError: there is no such account or security.
        """
        ...

    async def cancel(self, order_id: int) -> OrderRow:
        """Asks for the end of an open order.

        Raises:
            ManualOrderError: it cannot be.
        """
        ...

    async def settle(self, order_id: int, settlement: Settlement) -> OrderRow:
        """Settles an attempt whose outcome is unknown, as the person found it at the broker.

        Raises:
            ManualOrderError: it cannot be.
        """
        ...


class SignalsView(Protocol):
    """What the console shows of the signals port."""

    def openapi(self) -> Mapping[str, Any]:
        """Its document; the port itself shows it to nobody."""
        ...
