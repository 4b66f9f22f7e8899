"""The whole service on an account in the emulated full terminal; the day of card 36 runs on it, too."""

from typing import Any

from jqfollow.execution.brokers.fullqmt.broker import FullQmtBroker
from jqfollow.execution.brokers.port import Broker
from jqfollow.settings import Account, FullQmtAccount
from terminal.day import DayHouse
from terminal.house import QmtHouse


class _OnMailbox(QmtHouse):
    """What differs from MiniQMT: the account's settings and its broker."""

    def account_settings(self) -> dict[str, Any]:
        return {
            "broker": "fullqmt",
            "mailbox": str(self.terminal.mailbox),  # type: ignore[attr-defined]
            "account_id": self.terminal.account,
        }

    def _make_broker(self, name: str, account: Account) -> Broker:
        assert isinstance(account, FullQmtAccount)
        return FullQmtBroker(
            name=name,
            mailbox=account.mailbox,
            account_id=account.account_id,
            clock=self.clock,
            silent_s=0.8,
            take_s=1.0,
            place_s=2.5,
            query_s=1.5,
            quote_ttl_s=0,
            connect_timeout_s=5,
        )


class FullQmtHouse(_OnMailbox):
    """`QmtHouse` on the full terminal."""


class FullDayHouse(_OnMailbox, DayHouse):
    """`DayHouse` on the full terminal."""
