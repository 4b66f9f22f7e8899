"""What an account holds and what it is worth, as its broker tells it: rows made anew only where something changed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from jqfollow.domain import Asset, Position
from jqfollow.execution.brokers.paper.account import Holding, PaperAccount
from jqfollow.execution.brokers.paper.lag import Lag

_COST_STEP = Decimal("0.0001")
_ZERO = Decimal(0)

Price = Callable[[str], Decimal | None]
"""What one share of a symbol is worth, yuan; `None` when nobody knows."""


@dataclass(frozen=True, slots=True)
class _Row:
    held: Holding
    position: Position


class Worth:
    """The broker's answers about money and holdings."""

    def __init__(self, account: PaperAccount, lag: Lag) -> None:
        """Of `account`, with what `lag` keeps back."""
        self._account = account
        self._lag = lag
        self._rows: dict[str, _Row] = {}

    def positions(self, price: Price, now: datetime) -> list[Position]:
        """What is held, by symbol; without what has not come yet."""
        account, rows = self._account, dict[str, _Row]()
        for symbol, held in sorted(account.holdings.items()):
            bought, freed = self._lag.shares(symbol, now)
            volume, available, last = held.volume - bought, max(account.available(symbol) - freed, 0), price(symbol)
            if volume <= 0:
                continue
            row = self._rows.get(symbol)
            if row is None or row.held is not held or _figures(row.position) != (volume, available, last):
                row = _Row(
                    held,
                    Position(
                        symbol=symbol,
                        volume=volume,
                        available=available,
                        avg_cost=(held.cost / held.volume).quantize(_COST_STEP),
                        last=last,
                    ),
                )
            rows[symbol] = row
        self._rows = rows
        return [row.position for row in rows.values()]

    def asset(self, price: Price, now: datetime) -> Asset:
        """The money; holdings at the last price, else the previous close, else at cost."""
        account, worth = self._account, _ZERO
        for symbol, held in account.holdings.items():
            one = price(symbol)
            volume = held.volume - self._lag.shares(symbol, now)[0]
            worth += held.cost if one is None else volume * one
        proceeds, released = self._lag.money(now)
        cash, frozen = account.cash - proceeds - released, account.frozen + released
        return Asset(cash=cash, frozen=frozen, market_value=worth, total=cash + frozen + worth)


def _figures(position: Position) -> tuple[int, int, Decimal | None]:
    return position.volume, position.available, position.last
