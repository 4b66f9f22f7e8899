"""What can be spent and sold, when a counter shows money and shares late. Pure.

Own debits count at once, whatever the counter shows; own credits never do: they count when the counter shows them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from jqfollow.domain import Asset, AttemptState, Position, Side
from jqfollow.ledger.rows import AttemptRow
from jqfollow.market.fees import fee
from jqfollow.market.securities import UnknownSecurityError, parse_security


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """An account's attempts that were placed, filled or cancelled within the last `settle`, oldest first."""

    settle: timedelta = timedelta(0)
    """So long a counter may still show the money and shares of before."""
    attempts: tuple[AttemptRow, ...] = ()

    def spent(self, after: int = 0) -> Decimal:
        """What buys placed within `settle`, with a number above `after`, take of the money, fees included, yuan."""
        return sum((_cost(a) for a in self._placed(Side.BUY) if a.attempt_id > after), Decimal(0))

    def sold(self, symbol: str, after: int = 0) -> int:
        """What sells of a code placed within `settle`, with a number above `after`, take of its shares."""
        return sum(_takes(a) for a in self._placed(Side.SELL) if a.security == symbol and a.attempt_id > after)

    def bought(self, symbol: str) -> int:
        """What was filled of the buys of a code that moved within `settle`: its shares may not be shown yet."""
        return sum(a.done for a in self._placed(Side.BUY) if a.security == symbol)

    def money_until(self) -> datetime | None:
        """When the counter shows all the money that moved; `None`: none did."""
        return self._settled(a for a in self.attempts if _gives(a))

    def shares_until(self, symbol: str) -> datetime | None:
        """When the counter shows all shares of a code that moved; `None`: none did."""
        return self._settled(a for a in self.attempts if a.security == symbol and _gives(a))

    @property
    def newest(self) -> int:
        """The number of the newest attempt; 0: there is none."""
        return max((a.attempt_id for a in self.attempts), default=0)

    def _settled(self, attempts: Iterable[AttemptRow]) -> datetime | None:
        last = max((a.updated_at for a in attempts), default=None)
        return None if last is None else last + self.settle

    def _placed(self, side: Side) -> Sequence[AttemptRow]:
        return [a for a in self.attempts if a.side is side]


def _gives(attempt: AttemptRow) -> bool:
    """Whether its news bring money or shares back: a fill, or a cancel."""
    return attempt.done > 0 or attempt.state is AttemptState.CANCELED


def _takes(attempt: AttemptRow) -> int:
    """The volume that it takes: what it is refused is not taken, what is cancelled comes back."""
    match attempt.state:
        case AttemptState.REJECTED:
            return 0
        case AttemptState.CANCELED:
            return attempt.done
        case _:
            return attempt.volume


def _cost(attempt: AttemptRow) -> Decimal:
    volume = _takes(attempt)
    try:
        return attempt.price * volume + fee(parse_security(attempt.security), Side.BUY, volume, attempt.price)
    except UnknownSecurityError:
        return attempt.price * volume


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What an account can spend and sell, and until when more may come to light."""

    cash: Decimal
    shares: Mapping[str, int]
    moves: Moves = Moves()


NO_MEANS = Means(cash=Decimal(0), shares={})


@dataclass(slots=True, kw_only=True)
class Purse:
    """What was certainly there at the last look; one an account.

    After own debits at least what was there less these is there still. So of what is told now, with the debits of the
    last seconds taken off once more, or what was there less the debits since, the greater is certain.
    """

    _at: datetime | None = None
    _newest: int = 0
    _cash: Decimal = Decimal(0)
    _shares: dict[str, int] = field(default_factory=dict)

    def look(self, asset: Asset, positions: Sequence[Position], moves: Moves, now: datetime) -> Means:
        """The certain means, by what the counter tells `now`."""
        known = self._at is not None and timedelta(0) <= now - self._at <= moves.settle
        told = asset.cash
        cash = told - moves.spent()
        if known:
            cash = max(cash, min(told, self._cash - moves.spent(self._newest)))
        shares = {}
        for position in positions:
            symbol, available = position.symbol, position.available
            certain = available - moves.sold(symbol)
            if known and symbol in self._shares:
                certain = max(certain, min(available, self._shares[symbol] - moves.sold(symbol, self._newest)))
            shares[symbol] = max(certain, 0)
        self._at, self._newest = now, max(self._newest, moves.newest)
        self._cash, self._shares = cash, shares
        return Means(cash=cash, shares=shares, moves=moves)
