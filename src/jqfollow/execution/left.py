"""What the broker answered to a round's questions, and what the round's orders leave of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from jqfollow.domain import Asset, BrokerError, Position, Side
from jqfollow.execution.accounts import SymbolMarket
from jqfollow.execution.acts import Place
from jqfollow.execution.known import Known, Market
from jqfollow.execution.purse import NO_MEANS, Means

_NOTHING = Asset(cash=Decimal(0), frozen=Decimal(0), market_value=Decimal(0), total=Decimal(0))


@dataclass(slots=True, kw_only=True)
class Left:
    """What the orders of a round leave to those after them. Debits count at once; credits never do."""

    asset: Asset
    positions: Mapping[str, Position]
    means: Means
    sold: dict[str, int] = field(default_factory=dict)
    buying: dict[str, Decimal] = field(default_factory=dict)
    invested: dict[str, Decimal] = field(default_factory=dict)
    spent: Decimal = Decimal(0)
    attempts: int = 0
    of_strategies: Counter[str] = field(default_factory=Counter)
    turnover: Decimal = Decimal(0)
    turnover_of: dict[str, Decimal] = field(default_factory=dict)

    def market(self, symbol: str, strategy: str, told: SymbolMarket) -> Market:
        """What an order of `strategy` for `symbol` finds."""
        held = self.positions.get(symbol)
        return Market(
            quote=told.quote,
            instrument=told.instrument,
            feed_at=told.feed_at,
            asset=replace(self.asset, cash=self.means.cash - self.spent),
            money_until=self.means.moves.money_until(),
            shares_until=self.means.moves.shares_until(symbol),
            held=held.volume if held else 0,
            available=self.means.shares.get(symbol, 0) - self.sold.get(symbol, 0),
            buying=self.buying.get(symbol, Decimal(0)),
            investing=self.invested.get(strategy, Decimal(0)),
            attempts=self.attempts,
            of_strategy=self.of_strategies[strategy],
            turnover=self.turnover,
            turnover_of_strategy=self.turnover_of.get(strategy, Decimal(0)),
        )

    def take(self, place: Place) -> None:
        """What `place` takes of it."""
        order, value = place.papers.order, place.volume * place.price
        if order.side is Side.SELL:
            self.sold[order.security] = self.sold.get(order.security, 0) + place.volume
        else:
            self.spent += place.cost
            self.buying[order.security] = self.buying.get(order.security, Decimal(0)) + value
            self.invested[order.strategy] = self.invested.get(order.strategy, Decimal(0)) + value
        self.attempts += 1
        self.of_strategies[order.strategy] += 1
        self.turnover += value
        self.turnover_of[order.strategy] = self.turnover_of.get(order.strategy, Decimal(0)) + value


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the broker answered to a round's questions; `why` it did not."""

    left: Left = field(default_factory=lambda: Left(asset=_NOTHING, positions={}, means=NO_MEANS))
    markets: Mapping[str, SymbolMarket | Exception] = field(default_factory=dict)
    why: str = ""

    def add_to(self, known: Known) -> Known:
        """What is known of an order, its market included; raises what an adapter's mistake raised about its code."""
        if self.why:
            return replace(known, why=self.why)
        told = self.markets.get(known.order.security)
        match told:
            case SymbolMarket():
                return replace(known, market=self.left.market(known.order.security, known.order.strategy, told))
            case BrokerError():
                return replace(known, why=str(told))
            case Exception():
                raise told
            case _:
                return known
