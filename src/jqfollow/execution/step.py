"""One step of an order, which falls through once; every function is pure.

    what is known ──▶ how much ──▶ at what price ──▶ may it ──▶ what is done
      Known            Sized         Priced            Decision     Step

`before_market` looks only at what needs no question to the broker: whoever waits costs nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from jqfollow.domain import (
    MANUAL_RUN,
    AttemptState,
    Side,
    Waiting,
    WaitingFor,
)
from jqfollow.execution.known import Known, Market
from jqfollow.execution.papers import Papers
from jqfollow.execution.pricing import Priced, PriceRequest, at_limit, attempt_price, market_price
from jqfollow.execution.sizing import Intent, Sized, size
from jqfollow.execution.transitions import left_figures, missing_fills
from jqfollow.ledger.rows import OrderRow
from jqfollow.market.fees import fee
from jqfollow.market.lots import LotRule, buyable, lot_rule, sellable
from jqfollow.market.securities import Security, UnknownSecurityError, parse_security
from jqfollow.market.settlement import settles_same_day
from jqfollow.reasons import Reason, Refusal
from jqfollow.risk.facts import DayFacts, Facts
from jqfollow.risk.gate import Decision, decide, hold_back
from jqfollow.risk.rules import Outcome
from jqfollow.settings import FollowMode

OPPOSITE_WAIT = timedelta(seconds=10)
"""So long a sell waits for the earlier buys of its book to end."""


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
    return None if decision is None else _done(known, decision, None, None, None)


def with_market(known: Known) -> Step:
    """The step of an order whose market was asked for."""
    security, _ = security_of(known.order.security)
    facts = _facts(known, security)
    if security is None or known.market is None:
        return _done(known, decide(facts), None, None, None)
    sized = how_much(known, security, known.market)
    facts = _sized_facts(known, security, known.market, facts, sized)
    priced = at_what_price(known, security, known.market, facts)
    facts = _priced_facts(known, security, known.market, facts, sized, priced)
    return _done(known, decide(facts), sized, priced, facts.cost)


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
    return _attempts_used_up(papers) if len(papers.attempts) >= known.execution.max_attempts else None


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
    today = 0 if settles_same_day(security) else max(papers.bought_today - others.bought_later, 0)
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
            signal_price=order.terms.reference,
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
        waits_for_broker=order.waiting_for is WaitingFor.BROKER,
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
        opposite=order.closes and _waits_for_opposite(known),
        sells_under_way=papers.sells_under_way,
        cash_until=order.created_at + timedelta(seconds=known.execution.cash_wait_s),
        day=DayFacts(attempts=papers.day.attempts, turnover=papers.day.turnover, turn_in_s=known.turn_in_s),
    )


def _sized_facts(known: Known, security: Security, market: Market, facts: Facts, sized: Sized) -> Facts:
    order, papers = known.order, known.papers
    quote, instrument = market.quote, market.instrument
    # A sell of all that the book holds so far may be short of what earlier buys of today still bring.
    short = settles_same_day(security) and sized.volume >= papers.book.volume - papers.others.selling
    return replace(
        facts,
        quote=quote,
        instrument=instrument,
        asset=market.asset,
        market_price=market_price(quote, order.side) if quote else None,
        stands_at=at_limit(quote, instrument, order.side) if quote and instrument else None,
        sizing=sized.refusal,
        volume=sized.parts[0] if sized.parts else 0,
        opposite=facts.opposite or (short and not order.sized and _waits_for_opposite(known)),
        day=replace(
            facts.day, attempts=facts.day.attempts + market.attempts, turnover=facts.day.turnover + market.turnover
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
    return replace(
        facts,
        price=price,
        broken_bound=priced.bound,
        order_value=price * total,
        cost=price * volume + fee(security, order.side, volume, price),
        position_value=market.held * (facts.market_price or price) + known.papers.buying + market.buying,
    )


def _waits_for_opposite(known: Known) -> bool:
    """Whether earlier buys come first: all of them before the book is sold out, else those that go to the market."""
    order, waiting = known.order, known.order.waiting
    if order.side is not Side.SELL:
        return False
    waited = waiting is not None and waiting.what is WaitingFor.OPPOSITE and known.now - waiting.since > OPPOSITE_WAIT
    return not waited and any(order.closes or buy.limit_price is None for buy in known.papers.others.buys_before)


# -- what is done ----------------------------------------------------------------------------------------------------


def _done(known: Known, decision: Decision, sized: Sized | None, priced: Priced | None, cost: Decimal | None) -> Step:
    verdict, order = decision.deciding, known.order
    if verdict is None and sized is not None and priced is not None and priced.price is not None:
        return Place(
            papers=known.papers,
            volume=sized.parts[0],
            price=priced.price,
            cost=cost or Decimal(0),
            sized=None if order.sized else sized,
            decision=decision,
        )
    if verdict is not None and verdict.outcome is Outcome.WAIT:
        return Wait(what=verdict.waiting_for or WaitingFor.BROKER, until=verdict.wait_until, decision=decision)
    refusal = decision.refusal or Refusal(reason=Reason.NO_QUOTE, figures={"security": order.security})
    if refusal.reason is Reason.OUTSIDE_HOURS and known.papers.reached:
        refusal = Refusal(reason=Reason.DAY_OVER, figures=left_figures(order))
    return Refuse(refusal=refusal, decision=decision, sized=sized)


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
