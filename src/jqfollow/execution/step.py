"""One step of an order, which falls through once; every function is pure.

    what is known ──▶ how much ──▶ at what price ──▶ may it ──▶ what is done
      Known            Sized         Priced            Decision     Step

`before_market` looks only at what needs no question to the broker: whoever waits costs nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from jqfollow.domain import (
    ATTEMPT_ENDED,
    MANUAL_RUN,
    AttemptState,
    Phase,
    Side,
    Waiting,
    WaitingFor,
)
from jqfollow.execution.crossings import crossed, crossing_until, to_cancel
from jqfollow.execution.known import Known, Market, lacked_means
from jqfollow.execution.papers import Papers
from jqfollow.execution.pricing import Priced, PriceRequest, at_limit, attempt_price, market_price
from jqfollow.execution.sizing import Intent, Sized, size
from jqfollow.execution.transitions import left_figures, missing_fills
from jqfollow.ledger.rows import AttemptRow, OrderRow
from jqfollow.market.fees import fee
from jqfollow.market.lots import MOST, LotRule, buyable, lot_rule, sellable
from jqfollow.market.securities import Security, UnknownSecurityError, parse_security
from jqfollow.market.sessions import auction_end, day_end, opening_known
from jqfollow.market.settlement import proves_same_day, settles_same_day
from jqfollow.reasons import Reason, Refusal
from jqfollow.risk.facts import DayFacts, Facts
from jqfollow.risk.gate import Decision, decide, hold_back
from jqfollow.risk.rules import MOST_CUTS, Outcome
from jqfollow.settings import FollowMode

OPPOSITE_WAIT = timedelta(seconds=10)
"""So long a sell waits for the earlier buys of its book to end."""


MONEY_IS_OLD = timedelta(seconds=5)
"""So old the figures may be by which an attempt is sized."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Nothing can be said yet: how much is left is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The order ends without a look at the market."""

    refusal: Refusal
    missing_fills: bool = False
    """The broker reported more than its fills told: a person is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """A rule refuses it."""

    refusal: Refusal
    decision: Decision
    sized: Sized | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A rule has it wait."""

    what: WaitingFor
    until: datetime | None
    decision: Decision
    crosses: AttemptRow | None = None
    """A live attempt of the account that is to be cancelled for it."""

    def goes_on(self, waiting: Waiting | None) -> bool:
        """Whether the order waits so already."""
        return waiting is not None and (waiting.what, waiting.until) == (self.what, self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An attempt goes out."""

    papers: Papers
    volume: int
    price: Decimal
    cost: Decimal
    """Of a buy, fees included, yuan."""
    sized: Sized | None
    """Of a first attempt: the order's volume and its parts."""
    decision: Decision
    guarded: bool
    """The price guard holds its price: the market is beyond."""
    owed: int = 0
    """What of it was bought today, and is sold when the next day begins."""
    reference: Decimal | None
    """What the guard measures from, from now on; `None`: nothing yet."""


Step = Stay | End | Refuse | Wait | Place


def before_market(known: Known) -> Step | None:
    """The step of an order that no look at the market can change; `None`: the market must be asked."""
    over = _why_over(known)
    if any(missing_fills(attempt) for attempt in known.papers.attempts):
        # How much is left is not known yet: reconciling will tell, or, when the day is over, a person.
        return End(refusal=over, missing_fills=True) if over is not None and _day_is_over(known) else Stay()
    if over is not None:
        return End(refusal=over)
    security, _ = security_of(known.order.security)
    decision = hold_back(_facts(known, security))
    return None if decision is None else _stopped(known, decision, None)


def volume_of(known: Known) -> Sized | None:
    """How much, of an order whose market was asked for; `None`: there is nothing to tell it by."""
    security, _ = security_of(known.order.security)
    return None if security is None or known.market is None else how_much(known, security, known.market)


def with_market(known: Known, sized: Sized | None) -> Step:
    """The step of an order whose market was asked for, of the volume that `volume_of` gave."""
    security, _ = security_of(known.order.security)
    facts = _facts(known, security)
    if security is None or known.market is None or sized is None:
        return _done(known, facts, None, None)
    facts = _sized_facts(known, security, known.market, facts, sized)
    priced = at_what_price(known, security, known.market, facts)
    facts = _priced_facts(known, security, known.market, facts, sized, priced)
    return _done(known, facts, sized, priced)


def _why_over(known: Known) -> Refusal | None:
    """Why the order ends whatever the market says."""
    order, papers = known.order, known.papers
    if order.cancel_reason is not None:
        return Refusal(reason=order.cancel_reason, figures=left_figures(order))
    if _day_is_over(known) and (papers.attempts or order.waiting is not None):
        if order.waiting_for is WaitingFor.ODD_LOT:
            return _odd_lot_left(order, papers.book.volume)
        return Refusal(reason=Reason.DAY_OVER, figures=left_figures(order))
    if not known.followed or (order.terms.mode is None and not order.sized):
        return Refusal(reason=Reason.NOT_FOLLOWED, figures={"strategy": order.strategy})
    # A buy that the counter refuses for want of money ends by its rule; a sell must not be offered for ever either.
    used_up = _tries(known) >= known.execution.max_attempts or (order.side is Side.SELL and known.lacked > MOST_CUTS)
    return _attempts_used_up(papers) if used_up else None


def _tries(known: Known) -> int:
    """Attempts that count against `max_attempts`.

    Not those that were filled, nor those that the counter refused for want of money; and of an exit only what the
    broker refused: the price is followed until the day is over.
    """
    order = known.order
    is_exit = order.closes and order.side is Side.SELL
    counted = {AttemptState.REJECTED} if is_exit else ATTEMPT_ENDED - {AttemptState.FILLED}
    return sum(a.state in counted and not lacked_means(a) for a in known.papers.attempts)


def _attempts_used_up(papers: Papers) -> Refusal:
    refused = papers.attempts[-1]
    if refused.state is AttemptState.REJECTED and refused.message and not papers.reached:
        return Refusal(reason=Reason.BROKER_REFUSED, figures={"message": refused.message})
    figures = {"attempts": str(len(papers.attempts)), **left_figures(papers.order)}
    return Refusal(reason=Reason.ATTEMPTS_EXHAUSTED, figures=figures)


def _day_is_over(known: Known) -> bool:
    return known.order.day < known.account.open_day


# -- how much --------------------------------------------------------------------------------------------------------


def how_much(known: Known, security: Security, market: Market) -> Sized:
    """The volume of the next attempt: of a first one by the order's terms, later what is left."""
    order, papers, terms = known.order, known.papers, known.order.terms
    rule = lot_rule(security, known.account.trading_day)
    if order.sized or terms.mode is None or terms.figure is None:
        return _rest(papers, rule, market.available)
    book, others = papers.book, papers.others
    here = market_price(market.quote, order.side) if market.quote else None
    today = 0 if _sold_the_same_day(known, security, market) else max(papers.bought_today - others.bought_later, 0)
    return size(
        Intent(
            security=order.security,
            account=order.account,
            side=order.side,
            amount=terms.amount,
            mode=terms.mode,
            figure=terms.figure,
            price=here or terms.reference,
            total_value=terms.total_value,
            held_before=terms.held_before,
            exact=known.manual,
            closes=order.closes,
            book=book.volume - others.bought_later,
            selling=others.selling,
            bought_today=today,
            available=market.available,
            carry_buy=book.carry_buy,
            carry_sell=book.carry_sell,
            owed=papers.owed,
            rule=rule,
        )
    )


def _rest(papers: Papers, rule: LotRule, available: int) -> Sized:
    """What is left of an order that was placed before."""
    order = papers.order
    left = papers.left
    volume = buyable(left, rule) if order.side is Side.BUY else sellable(left, available, rule)
    refusal = None
    if not volume:
        short = order.side is Side.SELL and available < left
        figures = {
            "wanted": str(left),
            "side": order.side.value,
            "side_zh": "买" if order.side is Side.BUY else "卖",
            "minimum": str(rule.minimum),
            "security": order.security,
            "book": str(papers.book.volume),
            "available": str(available),
        }
        refusal = Refusal(reason=Reason.NOT_SELLABLE_TODAY if short else Reason.BELOW_LOT, figures=figures)
    return Sized(
        parts=(volume,) if volume else (),
        carry_buy=papers.book.carry_buy,
        carry_sell=papers.book.carry_sell,
        refusal=refusal,
    )


def carries(order: OrderRow) -> bool:
    """Whether what rounding leaves over is carried on: of a proportion, not of whole wishes."""
    return order.terms.run != MANUAL_RUN and order.terms.mode in {FollowMode.RATIO, FollowMode.EQUITY}


# -- at what price ---------------------------------------------------------------------------------------------------


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


def at_what_price(known: Known, security: Security, market: Market, facts: Facts) -> Priced | None:
    """The price of the next attempt; `None` when there is nothing to price, or nothing to price it by."""
    if market.quote is None or market.instrument is None or not facts.volume:
        return None
    order, execution = known.order, known.execution
    return attempt_price(
        PriceRequest(
            security=security,
            side=order.side,
            volume=facts.volume,
            quote=market.quote,
            instrument=market.instrument,
            phase=known.account.phase,
            mode=execution.price,
            slippage_ticks=execution.slippage_ticks,
            # History does not wait: the next day of a backtest comes within seconds.
            forced=known.backtest or known.stood + 1 >= execution.force_after,
            signal_price=facts.signal_price,
            max_drift=known.risk.max_price_drift,
            limit_price=order.limit_price,
            named_by_person=facts.named_by_person,
        )
    )


# -- may it ----------------------------------------------------------------------------------------------------------


def _facts(known: Known, security: Security | None) -> Facts:
    """What the rules look at, as far as it is known without the market."""
    order, papers, account, terms = known.order, known.papers, known.account, known.order.terms
    _, unknown = security_of(order.security)
    return Facts(
        now=known.now,
        risk=known.risk,
        strategy_orders=known.strategy_orders,
        strategy_value=known.strategy_value,
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
            of_strategy=papers.placed,
            turnover=papers.day.turnover,
            turn_in_s=known.turn_in_s,
        ),
    )


def _sized_facts(known: Known, security: Security, market: Market, facts: Facts, sized: Sized) -> Facts:
    order, papers = known.order, known.papers
    quote, instrument = market.quote, market.instrument
    # A sell of all that the book holds so far may be short of what earlier buys of today still bring.
    same_day = _sold_the_same_day(known, security, market)
    short = same_day and sized.volume >= papers.book.volume - papers.others.selling
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
        owed=_owed(known, security, market, sized),
        short_of_shares=_short_of_shares(known, security, market, sized),
        money_until=_until(known, market.money_until),
        shares_until=_until(known, market.shares_until),
        opposite=facts.opposite or (short and not order.sized and _waits_for_opposite(known)),
        day=replace(
            facts.day,
            attempts=facts.day.attempts + market.attempts,
            of_strategy=facts.day.of_strategy + market.of_strategy,
            turnover=facts.day.turnover + market.turnover,
        )
        if facts.day
        else None,
    )


def _priced_facts(
    known: Known, security: Security, market: Market, facts: Facts, sized: Sized, priced: Priced | None
) -> Facts:
    if priced is None or priced.price is None or priced.price <= 0:
        return facts
    order, price, volume = known.order, priced.price, facts.volume
    total = known.papers.of_signal if order.sized else sized.volume
    rule = lot_rule(security, known.account.trading_day)
    room = None
    invested = known.papers.invested + market.investing
    if known.capital is not None and order.side is Side.BUY:
        room = payable(volume, price, known.capital - invested, security, rule)
    pays = payable(volume, price, market.asset.cash, security, rule) if order.side is Side.BUY else 0
    own = crossed(known, price)
    return replace(
        facts,
        payable=buyable(max(pays - known.lacked * rule.minimum, 0), rule),
        within_capital=room,
        capital=known.capital,
        invested=invested,
        crossing=own.remark if own else None,
        crossing_until=crossing_until(known) if own else None,
        price=price,
        broken_bound=priced.bound,
        order_value=price * total,
        cost=price * volume + fee(security, order.side, volume, price),
        position_value=market.held * (facts.market_price or price) + known.papers.buying + market.buying,
    )


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


# -- what is done ----------------------------------------------------------------------------------------------------


def _done(known: Known, facts: Facts, sized: Sized | None, priced: Priced | None) -> Step:
    decision = decide(facts)
    if decision.deciding is not None or sized is None or priced is None or priced.price is None or not facts.to_place:
        return _stopped(known, decision, sized, facts.price)
    price, volume, side = priced.price, facts.to_place, known.order.side
    return Place(
        papers=known.papers,
        volume=volume,
        price=price,
        cost=price * volume + fee(facts.security, side, volume, price) if facts.security else Decimal(0),
        sized=None if known.order.sized else sized,
        decision=decision,
        guarded=priced.guarded,
        owed=facts.owed,
        # In the auction nobody knows the opening price yet.
        reference=facts.signal_price if known.account.phase is Phase.CONTINUOUS and not known.manual else None,
    )


def _stopped(known: Known, decision: Decision, sized: Sized | None, price: Decimal | None = None) -> Step:
    verdict, order = decision.deciding, known.order
    if verdict is not None and verdict.outcome is Outcome.WAIT:
        what = verdict.waiting_for or WaitingFor.BROKER
        crosses = to_cancel(known, price) if what is WaitingFor.CROSSING and price is not None else None
        return Wait(what=what, until=verdict.wait_until, decision=decision, crosses=crosses)
    refusal = decision.refusal or Refusal(reason=Reason.NO_QUOTE, figures={"security": order.security})
    if refusal.reason is Reason.OUTSIDE_HOURS and known.papers.reached:
        refusal = Refusal(reason=Reason.DAY_OVER, figures=left_figures(order))
    return Refuse(refusal=refusal, decision=decision, sized=sized)


# -- means -----------------------------------------------------------------------------------------------------------


def payable(volume: int, price: Decimal, cash: Decimal, security: Security, rule: LotRule) -> int:
    """How much of a buy of `volume` `cash` pays at `price`, fees included; in what the board lets be bought."""
    most = buyable(min(Decimal(volume), max(cash, Decimal(0)) / price), rule)
    while most > 0 and most * price + fee(security, Side.BUY, most, price) > cash:
        most = buyable(most - rule.step, rule)
    return most


def _served(papers: Papers) -> bool:
    """Whether it bought what money paid, and no sell of the strategy has ended since.

    A sell that ended just before it was sized may have brought its money just after.
    """
    if not papers.attempts or papers.attempts[-1].state is not AttemptState.FILLED:
        return False
    seen = papers.attempts[-1].created_at - max(papers.moves.settle, MONEY_IS_OLD)
    return papers.last_sell is None or papers.last_sell <= seen


def _sold_the_same_day(known: Known, security: Security, market: Market) -> bool:
    return settles_same_day(security) or proves_same_day(security, market.available, known.papers.from_before)


def _owed(known: Known, security: Security, market: Market, sized: Sized) -> int:
    """What of an exit, or of a fund's sale, was bought today and cannot be sold before the next day."""
    order, papers = known.order, known.papers
    if order.side is Side.BUY or order.sized or known.manual or not (order.closes or security.is_fund):
        return 0
    if _sold_the_same_day(known, security, market):
        return 0
    locked = replace(papers, bought_today=0, from_before=None)
    whole = how_much(replace(known, papers=locked), security, replace(market, available=MOST)).volume
    return min(max(whole - sized.volume, 0), max(papers.bought_today - papers.others.bought_later, 0))


def _short_of_shares(known: Known, security: Security, market: Market, sized: Sized) -> bool:
    """Whether a sell would be larger if the broker let all be sold that the book says can be."""
    if known.order.side is Side.BUY:
        return False
    return how_much(known, security, replace(market, available=MOST)).volume > sized.volume


def _until(known: Known, moved: datetime | None) -> datetime | None:
    """When figures can be trusted again; after a refusal of the order's own not later than its own settling."""
    refused = [a.updated_at for a in known.papers.attempts if lacked_means(a)]
    return min(moved, refused[-1] + known.papers.moves.settle) if moved is not None and refused else moved


def security_of(symbol: str) -> tuple[Security | None, UnknownSecurityError | None]:
    """The security of a symbol, or why it is none."""
    try:
        return parse_security(symbol), None
    except UnknownSecurityError as error:
        return None, error


def _odd_lot_left(order: OrderRow, volume: int) -> Refusal:
    security, _ = security_of(order.security)
    minimum = lot_rule(security, order.day).minimum if security else 1
    figures = {"wanted": str(volume), "side": order.side.value, "side_zh": "卖", "minimum": str(minimum)}
    return Refusal(reason=Reason.BELOW_LOT, figures=figures)
