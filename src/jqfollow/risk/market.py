"""Rules about the market: is there one, is it of now, and how far it has gone."""

from dataclasses import replace
from datetime import timedelta

from jqfollow.clock import SHANGHAI
from jqfollow.domain import Phase, Side, WaitingFor
from jqfollow.market.sessions import session_start
from jqfollow.reasons import Reason
from jqfollow.risk.facts import Facts
from jqfollow.risk.verdict import Outcome, Verdict, passed, refused, skipped

FEED_QUIET = timedelta(seconds=30)
"""A feed that did not tick for so long in a session has stopped."""


def no_quote(facts: Facts) -> Verdict:
    """No price is made up; an exit waits for one."""
    if facts.security is None or not facts.ready:
        return skipped(Reason.NO_QUOTE)
    suspended_now = (facts.instrument and facts.instrument.suspended) or (facts.quote and facts.quote.suspended)
    if facts.instrument is None or facts.quote is None or (facts.market_price is None and not suspended_now):
        verdict = refused(Reason.NO_QUOTE, security=facts.symbol)
        return replace(verdict, outcome=Outcome.WAIT, waiting_for=WaitingFor.FEED) if facts.is_exit else verdict
    return passed(Reason.NO_QUOTE)


def suspended(facts: Facts) -> Verdict:
    """What is suspended for the day is not traded; the end of a halt is waited for, and an exit waits for both."""
    if facts.instrument is None or facts.quote is None:
        return skipped(Reason.SUSPENDED)
    verdict = refused(Reason.SUSPENDED, security=facts.symbol)
    if facts.instrument.suspended and not facts.is_exit:
        return verdict
    if facts.instrument.suspended or facts.quote.suspended:
        return replace(verdict, outcome=Outcome.WAIT, waiting_for=WaitingFor.HALT)
    return passed(Reason.SUSPENDED)


def old_quote(facts: Facts) -> Verdict:
    """In a session the feed ticks every few seconds; a code's own tick may be old, but is of today."""
    if facts.quote is None:
        return skipped(Reason.OLD_QUOTE)
    at = None
    if facts.feed_at is not None and facts.phase is Phase.CONTINUOUS:
        quiet_since = max(facts.feed_at, session_start(facts.now))
        at = facts.feed_at if facts.now - quiet_since > FEED_QUIET else None
    if at is None and facts.quote.at.astimezone(SHANGHAI).date() < facts.now.astimezone(SHANGHAI).date():
        at = facts.quote.at
    if at is None:
        return passed(Reason.OLD_QUOTE)
    age_s = (facts.now - at).total_seconds()
    figures = {"security": facts.symbol, "at": f"{at.astimezone(SHANGHAI):%m-%d %H:%M:%S}", "age_s": f"{age_s:.0f}"}
    return Verdict(rule=Reason.OLD_QUOTE, outcome=Outcome.WAIT, figures=figures, waiting_for=WaitingFor.FEED)


def limit_up(facts: Facts) -> Verdict:
    """`risk.at_limit`: no buy at limit-up."""
    return _at_limit(facts, Reason.LIMIT_UP, Side.BUY)


def limit_down(facts: Facts) -> Verdict:
    """`risk.at_limit`: no sell at limit-down."""
    return _at_limit(facts, Reason.LIMIT_DOWN, Side.SELL)


def _at_limit(facts: Facts, rule: Reason, side: Side) -> Verdict:
    if facts.side is not side or facts.quote is None or facts.has_limit:
        return skipped(rule)
    if facts.stands_at is not None and facts.risk.at_limit == "reject" and not facts.is_exit:
        return refused(rule, security=facts.symbol, limit=facts.stands_at)
    return passed(rule)


def price_drift(facts: Facts) -> Verdict:
    """`risk.max_price_drift`: a buy's market must still be near the strategy's fill price.

    A sell is never ended by it: its price goes no further than the bound, and it stands there.
    """
    if facts.signal_price is None or facts.market_price is None or facts.has_limit:
        return skipped(Reason.PRICE_DRIFT)
    if facts.side is Side.SELL and not facts.named_by_person:
        return passed(Reason.PRICE_DRIFT)
    share = abs(facts.market_price - facts.signal_price) / facts.signal_price
    if share > facts.risk.max_price_drift:
        return refused(
            Reason.PRICE_DRIFT,
            price=facts.market_price,
            signal_price=facts.signal_price,
            drift=f"{share:.2%}",
            max_drift=f"{facts.risk.max_price_drift:.2%}",
        )
    return passed(Reason.PRICE_DRIFT)


def price_cage(facts: Facts) -> Verdict:
    """The exchange would refuse the price, for its cage or the day's limit; only one that was named can be outside."""
    if facts.price is None:
        return skipped(Reason.PRICE_CAGE)
    if facts.broken_bound is not None:
        limits = () if facts.instrument is None else (facts.instrument.limit_up, facts.instrument.limit_down)
        if facts.broken_bound in limits:
            return refused(Reason.PRICE_LIMIT, price=facts.price, bound=facts.broken_bound)
        return refused(Reason.PRICE_CAGE, price=facts.price, bound=facts.broken_bound)
    return passed(Reason.PRICE_CAGE)
