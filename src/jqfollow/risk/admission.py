"""Rules that need no question to the broker: who, what, when."""

from dataclasses import replace

from jqfollow.domain import WaitingFor
from jqfollow.market.sessions import accepts_orders, next_session
from jqfollow.reasons import Reason
from jqfollow.risk.facts import Facts
from jqfollow.risk.verdict import Outcome, Verdict, passed, refused, skipped


def backtest(facts: Facts) -> Verdict:
    """A backtest never reaches a real account, whatever is configured."""
    if facts.backtest and (facts.real or not facts.backtest_allowed):
        return refused(Reason.BACKTEST, run=facts.run, account=facts.account)
    return passed(Reason.BACKTEST)


def paused(facts: Facts) -> Verdict:
    """What is paused places nothing new; an exit stays, and goes out when the pause ends."""
    if facts.paused is None:
        return passed(Reason.PAUSED)
    verdict = refused(Reason.PAUSED, scope=facts.paused)
    return replace(verdict, outcome=Outcome.WAIT, waiting_for=WaitingFor.PAUSE) if facts.is_exit else verdict


def unknown_security(facts: Facts) -> Verdict:
    """Only what can be traded here."""
    if facts.security is None:
        return refused(Reason.UNKNOWN_SECURITY, security=facts.symbol, why_zh=facts.unknown_zh, why_en=facts.unknown_en)
    return passed(Reason.UNKNOWN_SECURITY)


def board_not_allowed(facts: Facts) -> Verdict:
    """`risk.boards`."""
    if facts.security is None:
        return skipped(Reason.BOARD_NOT_ALLOWED)
    if facts.security.board not in facts.risk.boards and not facts.is_exit:
        return refused(Reason.BOARD_NOT_ALLOWED, security=facts.symbol, board=facts.security.board)
    return passed(Reason.BOARD_NOT_ALLOWED)


def blocked(facts: Facts) -> Verdict:
    """`risk.blocked`, in either spelling."""
    if facts.security is None:
        return skipped(Reason.BLOCKED)
    names = {facts.security.symbol, facts.security.joinquant}
    if names & {code.upper() for code in facts.risk.blocked} and not facts.is_exit:
        return refused(Reason.BLOCKED, security=facts.symbol)
    return passed(Reason.BLOCKED)


def not_trading_day(facts: Facts) -> Verdict:
    """Only on trading days; what is held for the session of a later day is not placed today."""
    if not facts.trading_day and not facts.before_session:
        return refused(Reason.NOT_TRADING_DAY, day=facts.now.date().isoformat())
    return passed(Reason.NOT_TRADING_DAY)


def stale(facts: Facts) -> Verdict:
    """`risk.max_signal_age_s`, for the first attempt: a later one follows what is in the market already.

    Of an order that waits for its account to be connected, `broker_down` says why it ends; not of one that was late
    already when the program started. An exit never grows stale.
    """
    if facts.is_exit or facts.attempt > 1 or not facts.age_counts or (facts.waits_for_broker and not facts.ready):
        return skipped(Reason.STALE)
    if facts.aged > facts.deadline:
        age_s, most_s = ((at - facts.made_at).total_seconds() for at in (facts.aged, facts.deadline))
        return refused(Reason.STALE, age_s=f"{max(age_s, 0):.0f}", max_age_s=f"{most_s:g}")
    return passed(Reason.STALE)


def outside_hours(facts: Facts) -> Verdict:
    """Orders go out while the exchange trades; what is begun, or held on purpose, waits for the next session.

    What JoinQuant itself holds until it opens is held for that session.
    """
    if not facts.before_session and accepts_orders(facts.phase, join_auction=facts.join_auction):
        return passed(Reason.OUTSIDE_HOURS)
    figures = {"time": f"{facts.now:%H:%M:%S}", "phase": facts.phase.value}
    held = facts.session_at is not None
    hold = held or facts.risk.outside_hours == "hold" or facts.attempt > 1 or facts.is_exit
    until = next_session(facts.now, join_auction=facts.join_auction) if hold else None
    if facts.before_session:
        until = facts.session_at
    if until is None:
        return refused(Reason.OUTSIDE_HOURS, **figures)
    return Verdict(
        rule=Reason.OUTSIDE_HOURS,
        outcome=Outcome.WAIT,
        figures=figures,
        waiting_for=WaitingFor.SESSION,
        wait_until=until,
    )


def broker_down(facts: Facts) -> Verdict:
    """An account that cannot trade is waited for while the signal is fresh; an exit waits for as long as its day."""
    if facts.ready:
        return passed(Reason.BROKER_DOWN)
    why = {"account": facts.account, "why": f"{facts.not_ready_zh} / {facts.not_ready_en}"}
    ages = facts.attempt == 1 and facts.age_counts and not facts.is_exit
    if ages and facts.aged > facts.deadline:
        return refused(Reason.BROKER_DOWN, **why)
    return Verdict(
        rule=Reason.BROKER_DOWN,
        outcome=Outcome.WAIT,
        figures=why,
        waiting_for=WaitingFor.BROKER,
        wait_until=facts.deadline if ages else None,
    )


def unknown_outcome(facts: Facts) -> Verdict:
    """While an outcome is unknown, nothing more of the same account, code and side is placed."""
    if facts.unknown is None:
        return passed(Reason.UNKNOWN_OUTCOME)
    return Verdict(
        rule=Reason.UNKNOWN_OUTCOME,
        outcome=Outcome.WAIT,
        figures={"remark": facts.unknown},
        waiting_for=WaitingFor.UNKNOWN,
    )


def opposite_open(facts: Facts) -> Verdict:
    """A book is sold out when its buys have ended."""
    if not facts.opposite:
        return passed(Reason.OPPOSITE_OPEN)
    return Verdict(
        rule=Reason.OPPOSITE_OPEN,
        outcome=Outcome.WAIT,
        figures={"security": facts.symbol},
        waiting_for=WaitingFor.OPPOSITE,
    )
