"""A counter whose own credits come late, as real ones do: what went is gone at once, what came is not there yet.

Only a fault makes it so (`Faults.money_lag_s`, `Faults.shares_lag_s`); nothing of it is kept in the file.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from jqfollow.execution.brokers.paper.account import PaperAccount
from jqfollow.execution.brokers.paper.faults import Faults

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """What one change brought to the account; each figure is 0 or more."""

    at: datetime
    symbol: str
    proceeds: Decimal = _ZERO
    """Money that was not the account's before, yuan."""
    released: Decimal = _ZERO
    """Money that was kept back, yuan."""
    shares: int = 0
    """What was bought."""
    freed: int = 0
    """What of a holding can be sold that could not before."""


class Lag:
    """The credits that the counter does not know yet."""

    def __init__(self, account: PaperAccount, faults: Faults) -> None:
        """Of `account`, by the lags in `faults`."""
        self._account = account
        self._faults = faults
        self._credits: deque[Credit] = deque()

    @contextmanager
    def watch(self, symbol: str, at: datetime) -> Iterator[None]:
        """Notes what the change made inside brings to the account, in money and in shares of `symbol`."""
        longest = max(self._faults.money_lag_s, self._faults.shares_lag_s)
        if not longest:
            yield
            return
        while self._credits and self._credits[0].at <= at - timedelta(seconds=longest):
            self._credits.popleft()
        money, cash, (volume, free) = self._account.money, self._account.cash, self._shares(symbol)
        yield
        now_volume, now_free = self._shares(symbol)
        proceeds = max(self._account.money - money, _ZERO)
        credit = Credit(
            at=at,
            symbol=symbol,
            proceeds=proceeds,
            released=max(self._account.cash - cash - proceeds, _ZERO),
            shares=max(now_volume - volume, 0),
            freed=max(now_free - free, 0),
        )
        self._credits.append(credit)

    def forget(self) -> None:
        """A new day: everything has come."""
        self._credits.clear()

    def money(self, now: datetime) -> tuple[Decimal, Decimal]:
        """(proceeds, what was kept back) that has not come yet, yuan."""
        if not self._credits:
            return _ZERO, _ZERO
        late = self._late(now, self._faults.money_lag_s)
        return sum((c.proceeds for c in late), _ZERO), sum((c.released for c in late), _ZERO)

    def shares(self, symbol: str, now: datetime) -> tuple[int, int]:
        """(bought, freed) shares of `symbol` that have not come yet."""
        if not self._credits:
            return 0, 0
        late = [c for c in self._late(now, self._faults.shares_lag_s) if c.symbol == symbol]
        return sum(c.shares for c in late), sum(c.freed for c in late)

    def _late(self, now: datetime, lag_s: float) -> list[Credit]:
        return [c for c in self._credits if c.at > now - timedelta(seconds=lag_s)]

    def _shares(self, symbol: str) -> tuple[int, int]:
        held = self._account.holdings.get(symbol)
        return (0, 0) if held is None else (held.volume, self._account.available(symbol))
