"""The broker is asked what an order will need while its message is still on its way to the disk."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from jqfollow.clock import Clock
from jqfollow.domain import Asset, BrokerError, Position
from jqfollow.execution.accounts import Account, Everything, SymbolMarket

HOLDS_S = 1.0
"""An answer serves a round that begins so soon after it came, however long it took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a broker said of money, positions and markets, asked side by side."""

    asset: Asset
    positions: Sequence[Position]
    markets: Mapping[str, SymbolMarket | Exception]
    at: float
    """When it came, monotonic."""

    @classmethod
    def now(cls, everything: Everything, clock: Clock) -> Self:
        """What came just now."""
        asset, positions, markets = everything
        return cls(asset=asset, positions=positions, markets=markets, at=clock.monotonic())


class Ahead:
    """One account's questions ahead of its next round.

    Only a terminal is asked ahead, which takes its time in a process of its own; a practice exchange works in ours, and
    would take the time from the commit. Nothing is asked ahead while a round is under way: orders that come together
    share the round's questions. An answer serves one round, and only one in which nothing was placed since it was asked
    for; a counter that lags may tell the same, so whoever uses it knows how to.
    """

    def __init__(self, account: Account, clock: Clock) -> None:
        self._account = account
        self._clock = clock
        self._asking: asyncio.Task[Told | None] | None = None

    def look(self, symbol: str) -> None:
        """An order for `symbol` may be about to be written down."""
        account = self._account
        if self._asking is None and account.exchange is None and account.ready and account.idle.is_set():
            self._asking = asyncio.create_task(self._ask(symbol), name=f"ahead {account.name}")

    async def answer(self) -> Told | None:
        """What was asked ahead of the round that begins now, once it is there; it is given once."""
        asking, self._asking = self._asking, None
        if asking is None:
            return None
        told = await asking
        return told if told is not None and self._clock.monotonic() - told.at < HOLDS_S else None

    async def _ask(self, symbol: str) -> Told | None:
        try:
            return await ask(self._account, [symbol], self._clock)
        except BrokerError:
            return None  # the round asks, and says what is wrong


async def ask(account: Account, symbols: Sequence[str], clock: Clock) -> Told:
    """One set of questions, the quotes in that order; raises `BrokerError` without money or positions."""
    return Told.now(await account.everything(symbols), clock)
