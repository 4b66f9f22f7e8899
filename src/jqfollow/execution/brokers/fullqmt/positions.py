"""Whether the terminal's positions still move: after a lost quote link they may stand still while all else answers."""

from collections.abc import Iterable, Sequence

from jqfollow.clock import Clock
from jqfollow.domain import BrokerError, FillReport, Position, Side

GRACE_S = 10.0
"""A position may be so much later than the fill that changed it."""


class MovingPositions:
    """Compares positions with the fills that should have moved them. Not thread-safe."""

    def __init__(self, clock: Clock, grace_s: float = GRACE_S) -> None:
        self._clock = clock
        self._grace_s = grace_s
        self._volumes: dict[str, int] = {}
        self._counted: set[tuple[str, str]] = set()
        self._owed: dict[str, tuple[int, float]] = {}
        """What fills add to a symbol that its position does not show yet, and since when."""
        self._known = False

    def check(self, positions: Sequence[Position], fills: Iterable[FillReport]) -> None:
        """Raises `BrokerError` when a position has not moved although fills of `GRACE_S` ago say that it must have.

        Args:
            positions: as shown now.
            fills: all of today's, as shown at the same moment.
        """
        shown = {position.symbol: position.volume for position in positions}
        now = self._clock.monotonic()
        for fill in fills:
            key = (fill.broker_order_id, fill.traded_id)
            if key in self._counted:
                continue
            self._counted.add(key)
            if self._known:
                owed, since = self._owed.get(fill.symbol, (0, now))
                self._owed[fill.symbol] = (owed + (fill.volume if fill.side is Side.BUY else -fill.volume), since)
        stale = []
        for symbol, (owed, since) in list(self._owed.items()):
            moved = shown.get(symbol, 0) != self._volumes.get(symbol, 0)
            if moved or not owed:
                del self._owed[symbol]
            elif now - since > self._grace_s:
                stale.append(symbol)
        if stale:
            raise BrokerError(
                f"QMT 的持仓不再刷新：{', '.join(stale)} 有成交而持仓没有变。请在 QMT 里重新登录行情和交易 / "
                "the terminal's positions stand still although there were fills: log in to quotes and trading anew"
            )
        held_back = {symbol: self._volumes.get(symbol, 0) for symbol in self._owed}
        self._volumes, self._known = {**shown, **held_back}, True
