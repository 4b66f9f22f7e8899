"""An account and its file, which change together. Not thread-safe."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from jqfollow.domain import BrokerEvent
from jqfollow.execution.brokers.paper import facts
from jqfollow.execution.brokers.paper.account import PaperAccount
from jqfollow.execution.brokers.paper.facts import Fact, apply, decode, encode
from jqfollow.execution.brokers.paper.journal import Journal, JournalDamagedError
from jqfollow.execution.brokers.paper.lag import Lag


class Memory:
    """Writes facts down, then makes them true."""

    def __init__(self, path: Path, account: PaperAccount, lag: Lag) -> None:
        """Makes `account` what the file at `path` tells, or the file what `account` is; raises `JournalError`."""
        self._account = account
        self._lag = lag
        self.journal = Journal(path)
        if self.journal.payloads:
            self._replay(path)
        else:
            self.journal.append(self._snapshot())
        self.journal.forget()

    def commit(self, now: datetime, what: Sequence[Fact]) -> list[BrokerEvent]:
        """Writes facts as one line and makes them true; what the broker pushes about them.

        Raises:
            JournalError: it cannot be written; nothing has changed.
        """
        self.journal.append(encode(what))
        events: list[BrokerEvent] = []
        for fact in what:
            symbol = self.symbol(fact)
            if symbol is None:
                events += apply(self._account, fact)
                continue
            with self._lag.watch(symbol, now):
                events += apply(self._account, fact)
        return events

    def compact(self) -> None:
        """Puts a file of one line in the place of the long one; raises `JournalError` when neither can be used."""
        self.journal.rewrite([self._snapshot()])

    def symbol(self, fact: Fact) -> str | None:
        """Of the order that `fact` is about."""
        match fact:
            case facts.Placed():
                return fact.request.symbol
            case facts.Filled():
                return fact.report.symbol
            case facts.Moved():
                return self._account.orders[fact.broker_order_id].symbol
            case _:
                return None

    def _snapshot(self) -> bytes:
        return encode([facts.Snapshot(account=self._account.kept())])

    def _replay(self, path: Path) -> None:
        for number, payload in enumerate(self.journal.payloads, start=1):
            try:
                for fact in decode(payload):
                    apply(self._account, fact)
            except (ValueError, LookupError) as error:
                self.journal.close()
                raise JournalDamagedError(
                    f"模拟账户文件 {path} 第 {number} 行读不懂（可能由更新的版本写成）/ "
                    f"line {number} makes no sense: {error}"
                ) from error
