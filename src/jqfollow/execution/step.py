"""One step of an order, which falls through once; every function is pure.

    what is known ──▶ how much ──▶ at what price ──▶ may it ──▶ what is done
      Known            volume        pricing           case       acts

`before_market` looks only at what needs no question to the broker: whoever waits costs nothing.
"""

from decimal import Decimal

from jqfollow.domain import (
    ATTEMPT_ENDED,
    AttemptState,
    Phase,
    Side,
    WaitingFor,
)
from jqfollow.execution.acts import End, Place, Refuse, Stay, Step, Wait
from jqfollow.execution.case import laid_before_market, with_price, with_volume
from jqfollow.execution.crossings import to_cancel
from jqfollow.execution.known import Known, Market, lacked_means
from jqfollow.execution.papers import Papers
from jqfollow.execution.pricing import Priced, PriceRequest, attempt_price
from jqfollow.execution.sizing import Sized
from jqfollow.execution.transitions import left_figures, missing_fills
from jqfollow.execution.volume import how_much, security_of
from jqfollow.ledger.rows import OrderRow
from jqfollow.market.fees import fee
from jqfollow.market.lots import lot_rule
from jqfollow.market.securities import Security
from jqfollow.reasons import Reason, Refusal
from jqfollow.risk.facts import Facts
from jqfollow.risk.gate import Decision, decide, hold_back
from jqfollow.risk.means import MOST_CUTS
from jqfollow.risk.verdict import Outcome


def before_market(known: Known) -> Step | None:
    """The step of an order that no look at the market can change; `None`: the market must be asked."""
    over = _why_over(known)
    if any(missing_fills(attempt) for attempt in known.papers.attempts):
        # How much is left is not known yet: reconciling will tell, or, when the day is over, a person.
        return End(refusal=over, missing_fills=True) if over is not None and _day_is_over(known) else Stay()
    if over is not None:
        return End(refusal=over)
    security, _ = security_of(known.order.security)
    decision = hold_back(laid_before_market(known, security))
    return None if decision is None else _stopped(known, decision, None)


def volume_of(known: Known) -> Sized | None:
    """How much, of an order whose market was asked for; `None`: there is nothing to tell it by."""
    security, _ = security_of(known.order.security)
    return None if security is None or known.market is None else how_much(known, security, known.market)


def with_market(known: Known, sized: Sized | None) -> Step:
    """The step of an order whose market was asked for, of the volume that `volume_of` gave."""
    security, _ = security_of(known.order.security)
    facts = laid_before_market(known, security)
    if security is None or known.market is None or sized is None:
        return _done(known, facts, None, None)
    facts = with_volume(known, security, known.market, facts, sized)
    priced = at_what_price(known, security, known.market, facts)
    facts = with_price(known, security, known.market, facts, sized, priced)
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


def _odd_lot_left(order: OrderRow, volume: int) -> Refusal:
    security, _ = security_of(order.security)
    minimum = lot_rule(security, order.day).minimum if security else 1
    figures = {"wanted": str(volume), "side": order.side.value, "side_zh": "卖", "minimum": str(minimum)}
    return Refusal(reason=Reason.BELOW_LOT, figures=figures)
