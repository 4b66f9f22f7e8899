"""What can happen to a practice account, as it stands in its journal.

Nothing here decides: a fact carries every figure that was worked out when it happened, so that reading the journal
again gives the same account whatever the rules say by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

import orjson
from pydantic import Field, TypeAdapter

from jqfollow.domain import AttemptState, BrokerEvent, FillReport, Phase, PlaceFailed, PlaceRequest, Side
from jqfollow.execution.brokers.paper.account import Holding, Kept, Market, PaperAccount, Taken, taken_key
from jqfollow.execution.brokers.paper.order import PaperOrder
from jqfollow.execution.brokers.paper.standing import Standing

_ZERO = Decimal(0)
_COST_STEP = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBegan:
    """A trading day begins: earlier purchases are settled, the lists are empty. Of the present day: only its flags."""

    day: date
    live: bool
    """The day goes on with the calendar day (`False`: a JoinQuant backtest plays the past)."""
    observed: bool
    """A signal named a day already."""
    kind: Literal["day"] = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The counter took an order, or (`state` rejected) named it before it refused it."""

    broker_order_id: str
    number: int
    request: PlaceRequest
    at: datetime
    reserve: Decimal
    state: AttemptState = AttemptState.NEW
    message: str = ""
    kind: Literal["placed"] = "placed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """One execution."""

    report: FillReport
    number: int
    level: Decimal
    """The price of the level that it took from, and its book."""
    book_at: datetime
    kind: Literal["filled"] = "filled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """An order's state changed without an execution."""

    broker_order_id: str
    state: AttemptState
    message: str = ""
    kind: Literal["moved"] = "moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSet:
    """A market was anchored, or set by hand."""

    symbol: str
    market: Market
    kind: Literal["market"] = "market"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuctionHeld:
    """A call auction of the day matched its orders."""

    auction: Phase
    kind: Literal["auction"] = "auction"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneySet:
    """A person set the account's money, frozen part included."""

    money: Decimal
    kind: Literal["money"] = "money"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingSet:
    """A person set a holding."""

    symbol: str
    holding: Holding
    kind: Literal["holding"] = "holding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The whole account: the first line of a compacted file."""

    account: Kept
    kind: Literal["snapshot"] = "snapshot"


Fact = DayBegan | Placed | Filled | Moved | MarketSet | AuctionHeld | MoneySet | HoldingSet | Snapshot
_FACTS: TypeAdapter[list[Fact]] = TypeAdapter(list[Annotated[Fact, Field(discriminator="kind")]])


def encode(facts: Sequence[Fact]) -> bytes:
    """`facts` as one line of a journal."""
    return orjson.dumps(facts, default=str)  # Decimal


def decode(payload: bytes) -> list[Fact]:
    """What `encode` wrote; raises `ValueError` for anything else."""
    return _FACTS.validate_json(payload)


def apply(account: PaperAccount, fact: Fact) -> list[BrokerEvent]:
    """Makes `fact` part of `account`; what the broker pushes about it."""
    match fact:
        case Placed():
            return _place(account, fact)
        case Filled():
            return _fill(account, fact)
        case Moved():
            order = account.orders[fact.broker_order_id]
            return [account.put(replace(order, state=fact.state, message=fact.message))]
        case _:
            _set(account, fact)
            return []


def _set(account: PaperAccount, fact: DayBegan | MarketSet | AuctionHeld | MoneySet | HoldingSet | Snapshot) -> None:
    match fact:
        case Snapshot():
            account.restore(fact.account)
        case DayBegan():
            _begin(account, fact)
        case MarketSet():
            account.markets[fact.symbol] = fact.market
            account.taken.pop(fact.symbol, None)
        case AuctionHeld():
            account.auctions.append(fact.auction)
        case MoneySet():
            account.money = fact.money
        case HoldingSet():
            account.holdings[fact.symbol] = fact.holding


def _begin(account: PaperAccount, fact: DayBegan) -> None:
    goes_on = fact.day == account.day
    account.day, account.live, account.observed = fact.day, fact.live, fact.observed
    if goes_on:
        return
    account.orders.clear()
    account.standing = Standing()
    account.fills.clear()
    account.taken.clear()
    account.auctions.clear()
    account.holdings = {s: replace(h, bought_today=0) for s, h in account.holdings.items() if h.volume}


def placed(fact: Placed) -> PaperOrder:
    """The order that `fact` makes."""
    request = fact.request
    return PaperOrder(
        broker_order_id=fact.broker_order_id,
        remark=request.remark,
        symbol=request.symbol,
        side=request.side,
        volume=request.volume,
        price=request.price,
        at=fact.at,
        state=fact.state,
        reserve=fact.reserve,
        message=fact.message,
    )


def _place(account: PaperAccount, fact: Placed) -> list[BrokerEvent]:
    account.number = fact.number
    row = account.put(placed(fact))
    if fact.state is not AttemptState.REJECTED:
        return [row]
    return [PlaceFailed(broker_order_id=row.broker_order_id, remark=row.remark, message=row.message), row]


def _fill(account: PaperAccount, fact: Filled) -> list[BrokerEvent]:
    account.number = fact.number
    fill = fact.report
    order = account.orders[fill.broker_order_id]
    filled = order.filled + fill.volume
    if filled == order.volume:
        state = AttemptState.FILLED
    elif order.state is AttemptState.PENDING_CANCEL:
        state = order.state
    else:
        state = AttemptState.PARTIALLY_FILLED
    value = fill.volume * fill.price
    order = replace(order, filled=filled, turnover=order.turnover + value, fee=order.fee + fill.fee, state=state)
    row = account.put(order)
    account.fills.append(fill)
    _book(account, fill, value)
    taken = account.taken.get(fill.symbol)
    volumes = dict(taken.volumes) if taken is not None and taken.book_at == fact.book_at else {}
    level = taken_key(fill.side, fact.level)
    volumes[level] = volumes.get(level, 0) + fill.volume
    account.taken[fill.symbol] = Taken(book_at=fact.book_at, volumes=volumes)
    return [fill, row]


def _book(account: PaperAccount, fill: FillReport, value: Decimal) -> None:
    held = account.holdings.get(fill.symbol, Holding(volume=0, bought_today=0, cost=_ZERO))
    if fill.side is Side.BUY:
        account.money -= value + fill.fee
        account.holdings[fill.symbol] = Holding(
            volume=held.volume + fill.volume,
            bought_today=held.bought_today + fill.volume,
            cost=held.cost + value + fill.fee,
        )
        return
    account.money += value - fill.fee
    left = held.volume - fill.volume
    if left:
        cost = (held.cost * left / held.volume).quantize(_COST_STEP)
        account.holdings[fill.symbol] = Holding(volume=left, bought_today=min(held.bought_today, left), cost=cost)
    else:
        del account.holdings[fill.symbol]
