"""An order as it is laid before the rules: without the market, with its volume, with its price. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from jqfollow.domain import (
    AttemptState,
    Side,
    WaitingFor,
)
from jqfollow.execution.crossings import crossed, crossing_until
from jqfollow.execution.known import Known, Market, lacked_means
from jqfollow.execution.papers import Papers
from jqfollow.execution.pricing import Priced, at_limit, market_price
from jqfollow.execution.sizing import Sized
from jqfollow.execution.volume import owed, payable, security_of, short_of_shares, sold_the_same_day
from jqfollow.market.fees import fee
from jqfollow.market.lots import buyable, lot_rule
from jqfollow.market.securities import Security
from jqfollow.market.sessions import auction_end, day_end, opening_known
from jqfollow.risk.facts import DayFacts, Facts

OPPOSITE_WAIT = timedelta(seconds=10)
"""So long a sell waits for the earlier buys of its book to end."""
LEDGER_LAGS = timedelta(seconds=2)
"""So long the counter may show what is bought before the ledger has its fill."""
ONCE_MORE = timedelta(milliseconds=100)
"""After it a round begins anew, with figures that are asked for then."""
MONEY_IS_OLD = timedelta(seconds=5)
"""So old the figures may be by which an attempt is sized."""


def laid_before_market(known: Known, security: Security | None) -> Facts:
    """What the rules look at, as far as it is known without the market."""
    order, papers, account, terms = known.order, known.papers, known.account, known.order.terms
    _, unknown = security_of(order.security)
    return Facts(
        now=known.now,
        risk=known.risk,
        own=known.own,
        account=account.name,
        real=account.real,
        ready=account.ready and not known.why,
        not_ready_zh=known.why or account.why_zh,
        not_ready_en=known.why or account.why_en,
        paused=papers.paused,
        trading_day=account.is_trading_day,
        phase=account.phase,
        join_auction=known.execution.join_auction,
        attempt=len(papers.attempts) + 1 if papers.reached else 1,
        side=order.side,
        run=terms.run,
        backtest=known.backtest,
        backtest_allowed=known.backtest_allowed,
        made_at=terms.made_at,
        aged=known.aged,
        deadline=known.deadline,
        age_counts=not known.admitted,
        waits_for_broker=known.waits_for_broker,
        session_at=order.wait_until if order.waiting_for is WaitingFor.SESSION else None,
        named_by_person=known.manual and order.limit_price is not None,
        signal_price=terms.reference,
        has_limit=order.limit_price is not None,
        symbol=order.security,
        security=security,
        unknown_zh=unknown.why_zh if unknown else "",
        unknown_en=unknown.why_en if unknown else "",
        unknown=papers.unknown,
        closes=order.closes,
        others_hold=papers.others_hold,
        opposite=(order.closes or known.papers.others.ending_sells) and _waits_for_opposite(known),
        sells_under_way=papers.sells_under_way,
        cash_until=papers.last_sell and papers.last_sell + timedelta(seconds=known.execution.cash_wait_s),
        served=_served(papers),
        lacked=known.lacked,
        day=DayFacts(
            attempts=papers.day.attempts,
            of_strategy=papers.of_strategy.attempts,
            turnover=papers.day.turnover,
            turnover_of_strategy=papers.of_strategy.turnover,
            turn_in_s=known.turn_in_s,
        ),
    )


def with_volume(known: Known, security: Security, market: Market, facts: Facts, sized: Sized) -> Facts:
    """What the rules look at when the market was asked and the volume is known."""
    order, papers = known.order, known.papers
    quote, instrument = market.quote, market.instrument
    # A sell of all that is its own so far may be short of what earlier buys of today still bring.
    same_day = sold_the_same_day(known, security, market)
    short = same_day and sized.volume >= papers.free
    return replace(
        facts,
        quote=quote,
        instrument=instrument,
        feed_at=market.feed_at,
        signal_price=reference(known, market),
        asset=market.asset,
        market_price=market_price(quote, order.side) if quote else None,
        stands_at=at_limit(quote, instrument, order.side) if quote and instrument else None,
        sizing=sized.refusal,
        volume=sized.parts[0] if sized.parts else 0,
        owed=owed(known, security, market, sized),
        short_of_shares=short_of_shares(known, security, market, sized),
        money_until=_until(known, market.money_until),
        shares_until=_until(known, market.shares_until),
        opposite=facts.opposite or (short and not order.sized and _waits_for_opposite(known)),
        day=replace(
            facts.day,
            attempts=facts.day.attempts + market.attempts,
            of_strategy=facts.day.of_strategy + market.of_strategy,
            turnover=facts.day.turnover + market.turnover,
            turnover_of_strategy=facts.day.turnover_of_strategy + market.turnover_of_strategy,
        )
        if facts.day
        else None,
    )


def with_price(
    known: Known, security: Security, market: Market, facts: Facts, sized: Sized, priced: Priced | None
) -> Facts:
    """What the rules look at when the price is known, too."""
    if priced is None or priced.price is None or priced.price <= 0:
        return facts
    order, price, volume = known.order, priced.price, facts.volume
    total = known.papers.of_signal if order.sized else sized.volume
    rule = lot_rule(security, known.account.trading_day)
    room = None
    invested = known.papers.invested + market.investing
    if known.own.capital is not None and order.side is Side.BUY:
        room = payable(volume, price, known.own.capital - invested, security, rule)
    pays = payable(volume, price, market.asset.cash, security, rule) if order.side is Side.BUY else 0
    own = crossed(known, price)
    at = facts.market_price or price
    late = known.papers.moves.bought(order.security) * at
    most, least = _position(known, market, at, late)
    return replace(
        facts,
        payable=buyable(max(pays - known.lacked * rule.minimum, 0), rule),
        within_capital=room,
        invested=invested,
        crossing=own.remark if own else None,
        crossing_until=crossing_until(known) if own else None,
        price=price,
        broken_bound=priced.bound,
        order_value=price * total,
        cost=price * volume + fee(security, order.side, volume, price),
        position_value=most,
        position_least=least,
        total_late=late,
        position_until=_position_until(known, market),
    )


def _position(known: Known, market: Market, price: Decimal, late: Decimal) -> tuple[Decimal, Decimal]:
    """What the account holds and is buying of the code, at the most and at the least, yuan.

    The counter and the ledger learn of a fill one after the other. Where the counter was first, it is in the holding
    and still under way; where the ledger was, it is no longer under way and `late`, not in the holding yet.
    """
    held = market.held * price
    most = held + late + known.papers.buying + market.buying
    least = max(held, known.papers.held * price + known.papers.buying) + market.buying
    return most, min(least, most)


def _position_until(known: Known, market: Market) -> datetime | None:
    """When both have learnt of it; `None`: there is nothing of which one of them could know alone."""
    bought = known.papers.bought_at
    told = None if bought is None else max(bought, known.order.created_at) + LEDGER_LAGS
    settled = market.shares_until and max(market.shares_until, known.now + ONCE_MORE)
    return max((moment for moment in (told, settled) if moment is not None), default=None)


def reference(known: Known, market: Market) -> Decimal | None:
    """The price that the guard measures from: the strategy's, else the one at which JoinQuant will fill the order.

    What was ordered before the open is filled there at the open: until 9:25 the previous close stands for it. Of any
    other order without a price it is the market's as the order is first looked at.
    """
    order, quote = known.order, market.quote
    if order.terms.reference is not None or known.manual or quote is None:
        return order.terms.reference
    if order.created_at >= auction_end(day_end(order.day)):
        return market_price(quote, order.side)
    return (quote.open if opening_known(known.now) else None) or quote.prev_close


def _waits_for_opposite(known: Known) -> bool:
    """Whether earlier buys come first: all of them before the book is sold out, else those that go to the market.

    Also sells that are being ended: what they hold of the book is this one's to sell as soon as they have.
    """
    order, waiting = known.order, known.order.waiting
    if order.side is not Side.SELL:
        return False
    if not order.sized and known.papers.others.ending_sells:
        return True
    waited = waiting is not None and waiting.what is WaitingFor.OPPOSITE and known.now - waiting.since > OPPOSITE_WAIT
    return not waited and any(order.closes or buy.limit_price is None for buy in known.papers.others.buys_before)


def _served(papers: Papers) -> bool:
    """Whether it bought what money paid, and no sell of the strategy has ended since.

    A sell that ended just before it was sized may have brought its money just after.
    """
    if not papers.attempts or papers.attempts[-1].state is not AttemptState.FILLED:
        return False
    seen = papers.attempts[-1].created_at - max(papers.moves.settle, MONEY_IS_OLD)
    return papers.last_sell is None or papers.last_sell <= seen


def _until(known: Known, moved: datetime | None) -> datetime | None:
    """When figures can be trusted again; after a refusal of the order's own not later than its own settling.

    What had not settled as the round began is asked for once more, though it has settled by now.
    """
    if moved is None:
        return None
    refused = [a.updated_at for a in known.papers.attempts if lacked_means(a)]
    if refused:
        return min(moved, refused[-1] + known.papers.moves.settle)
    return max(moved, known.now + ONCE_MORE)
