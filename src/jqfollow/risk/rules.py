"""The rules: each looks at the facts and gives a verdict. Pure.

Their order is the order in which a person would name the reason: the first that does not pass decides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from jqfollow.clock import SHANGHAI
from jqfollow.domain import Phase, Side, WaitingFor
from jqfollow.market.sessions import accepts_orders, next_session, session_start
from jqfollow.reasons import Reason
from jqfollow.risk.facts import Facts


class Outcome(StrEnum):
    """What a rule says."""

    PASS = "pass"  # noqa: S105  # a verdict, not a password
    WAIT = "wait"
    REFUSE = "refuse"
    SKIP = "skip"
    """The rule does not apply, or the facts that it needs are missing because an earlier rule already failed."""


FEED_QUIET = timedelta(seconds=30)
"""A feed that did not tick for so long in a session has stopped."""
MOST_CUTS = 3
"""So often a buy that the counter refuses for want of money goes out with a lot less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one rule says of one attempt."""

    rule: Reason
    outcome: Outcome
    figures: Mapping[str, str] = field(default_factory=dict)
    waiting_for: WaitingFor | None = None
    wait_until: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """For the ledger."""
        return {"rule": self.rule, "outcome": self.outcome, "figures": dict(self.figures)}


Rule = Callable[[Facts], Verdict]


@cache
def _passed(rule: Reason) -> Verdict:
    return Verdict(rule=rule, outcome=Outcome.PASS)


@cache
def _skipped(rule: Reason) -> Verdict:
    return Verdict(rule=rule, outcome=Outcome.SKIP)


def _refused(rule: Reason, **figures: object) -> Verdict:
    return Verdict(rule=rule, outcome=Outcome.REFUSE, figures={k: str(v) for k, v in figures.items()})


def backtest(facts: Facts) -> Verdict:
    """A backtest never reaches a real account, whatever is configured."""
    if facts.backtest and (facts.real or not facts.backtest_allowed):
        return _refused(Reason.BACKTEST, run=facts.run, account=facts.account)
    return _passed(Reason.BACKTEST)


def paused(facts: Facts) -> Verdict:
    """What is paused places nothing new; an exit stays, and goes out when the pause ends."""
    if facts.paused is None:
        return _passed(Reason.PAUSED)
    verdict = _refused(Reason.PAUSED, scope=facts.paused)
    return replace(verdict, outcome=Outcome.WAIT, waiting_for=WaitingFor.PAUSE) if facts.is_exit else verdict


def unknown_security(facts: Facts) -> Verdict:
    """Only what can be traded here."""
    if facts.security is None:
        return _refused(
            Reason.UNKNOWN_SECURITY, security=facts.symbol, why_zh=facts.unknown_zh, why_en=facts.unknown_en
        )
    return _passed(Reason.UNKNOWN_SECURITY)


def board_not_allowed(facts: Facts) -> Verdict:
    """`risk.boards`."""
    if facts.security is None:
        return _skipped(Reason.BOARD_NOT_ALLOWED)
    if facts.security.board not in facts.risk.boards and not facts.is_exit:
        return _refused(Reason.BOARD_NOT_ALLOWED, security=facts.symbol, board=facts.security.board)
    return _passed(Reason.BOARD_NOT_ALLOWED)


def blocked(facts: Facts) -> Verdict:
    """`risk.blocked`, in either spelling."""
    if facts.security is None:
        return _skipped(Reason.BLOCKED)
    names = {facts.security.symbol, facts.security.joinquant}
    if names & {code.upper() for code in facts.risk.blocked} and not facts.is_exit:
        return _refused(Reason.BLOCKED, security=facts.symbol)
    return _passed(Reason.BLOCKED)


def not_trading_day(facts: Facts) -> Verdict:
    """Only on trading days; what is held for the session of a later day is not placed today."""
    if not facts.trading_day and not facts.before_session:
        return _refused(Reason.NOT_TRADING_DAY, day=facts.now.date().isoformat())
    return _passed(Reason.NOT_TRADING_DAY)


def stale(facts: Facts) -> Verdict:
    """`risk.max_signal_age_s`, for the first attempt: a later one follows what is in the market already.

    Of an order that waits for its account to be connected, `broker_down` says why it ends; not of one that was late
    already when the program started. An exit never grows stale.
    """
    if facts.is_exit or facts.attempt > 1 or not facts.age_counts or (facts.waits_for_broker and not facts.ready):
        return _skipped(Reason.STALE)
    if facts.aged > facts.deadline:
        age_s, most_s = ((at - facts.made_at).total_seconds() for at in (facts.aged, facts.deadline))
        return _refused(Reason.STALE, age_s=f"{max(age_s, 0):.0f}", max_age_s=f"{most_s:g}")
    return _passed(Reason.STALE)


def outside_hours(facts: Facts) -> Verdict:
    """Orders go out while the exchange trades; what is begun, or held on purpose, waits for the next session.

    What JoinQuant itself holds until it opens is held for that session.
    """
    if not facts.before_session and accepts_orders(facts.phase, join_auction=facts.join_auction):
        return _passed(Reason.OUTSIDE_HOURS)
    figures = {"time": f"{facts.now:%H:%M:%S}", "phase": facts.phase.value}
    held = facts.session_at is not None
    hold = held or facts.risk.outside_hours == "hold" or facts.attempt > 1 or facts.is_exit
    until = next_session(facts.now, join_auction=facts.join_auction) if hold else None
    if facts.before_session:
        until = facts.session_at
    if until is None:
        return _refused(Reason.OUTSIDE_HOURS, **figures)
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
        return _passed(Reason.BROKER_DOWN)
    why = {"account": facts.account, "why": f"{facts.not_ready_zh} / {facts.not_ready_en}"}
    ages = facts.attempt == 1 and facts.age_counts and not facts.is_exit
    if ages and facts.aged > facts.deadline:
        return _refused(Reason.BROKER_DOWN, **why)
    return Verdict(
        rule=Reason.BROKER_DOWN,
        outcome=Outcome.WAIT,
        figures=why,
        waiting_for=WaitingFor.BROKER,
        wait_until=facts.deadline if ages else None,
    )


def no_quote(facts: Facts) -> Verdict:
    """No price is made up; an exit waits for one."""
    if facts.security is None or not facts.ready:
        return _skipped(Reason.NO_QUOTE)
    suspended_now = (facts.instrument and facts.instrument.suspended) or (facts.quote and facts.quote.suspended)
    if facts.instrument is None or facts.quote is None or (facts.market_price is None and not suspended_now):
        verdict = _refused(Reason.NO_QUOTE, security=facts.symbol)
        return replace(verdict, outcome=Outcome.WAIT, waiting_for=WaitingFor.FEED) if facts.is_exit else verdict
    return _passed(Reason.NO_QUOTE)


def suspended(facts: Facts) -> Verdict:
    """What is suspended for the day is not traded; the end of a halt is waited for, and an exit waits for both."""
    if facts.instrument is None or facts.quote is None:
        return _skipped(Reason.SUSPENDED)
    verdict = _refused(Reason.SUSPENDED, security=facts.symbol)
    if facts.instrument.suspended and not facts.is_exit:
        return verdict
    if facts.instrument.suspended or facts.quote.suspended:
        return replace(verdict, outcome=Outcome.WAIT, waiting_for=WaitingFor.HALT)
    return _passed(Reason.SUSPENDED)


def old_quote(facts: Facts) -> Verdict:
    """In a session the feed ticks every few seconds; a code's own tick may be old, but is of today."""
    if facts.quote is None:
        return _skipped(Reason.OLD_QUOTE)
    at = None
    if facts.feed_at is not None and facts.phase is Phase.CONTINUOUS:
        quiet_since = max(facts.feed_at, session_start(facts.now))
        at = facts.feed_at if facts.now - quiet_since > FEED_QUIET else None
    if at is None and facts.quote.at.astimezone(SHANGHAI).date() < facts.now.astimezone(SHANGHAI).date():
        at = facts.quote.at
    if at is None:
        return _passed(Reason.OLD_QUOTE)
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
        return _skipped(rule)
    if facts.stands_at is not None and facts.risk.at_limit == "reject" and not facts.is_exit:
        return _refused(rule, security=facts.symbol, limit=facts.stands_at)
    return _passed(rule)


def price_drift(facts: Facts) -> Verdict:
    """`risk.max_price_drift`: a buy's market must still be near the strategy's fill price.

    A sell is never ended by it: its price goes no further than the bound, and it stands there.
    """
    if facts.signal_price is None or facts.market_price is None or facts.has_limit:
        return _skipped(Reason.PRICE_DRIFT)
    if facts.side is Side.SELL and not facts.named_by_person:
        return _passed(Reason.PRICE_DRIFT)
    share = abs(facts.market_price - facts.signal_price) / facts.signal_price
    if share > facts.risk.max_price_drift:
        return _refused(
            Reason.PRICE_DRIFT,
            price=facts.market_price,
            signal_price=facts.signal_price,
            drift=f"{share:.2%}",
            max_drift=f"{facts.risk.max_price_drift:.2%}",
        )
    return _passed(Reason.PRICE_DRIFT)


def _sizing(rule: Reason) -> Rule:
    def verdict(facts: Facts) -> Verdict:
        if facts.sizing is not None and facts.sizing.reason is rule:
            return Verdict(rule=rule, outcome=Outcome.REFUSE, figures=facts.sizing.figures)
        return _passed(rule) if facts.volume else _skipped(rule)

    verdict.__doc__ = f"What sizing found: {rule}."
    return verdict


def below_lot(facts: Facts) -> Verdict:
    """What sizing found; the rest of a book that is sold out waits while others hold the code, and sell first."""
    verdict = _sizing(Reason.BELOW_LOT)(facts)
    if verdict.outcome is Outcome.REFUSE and facts.closes and facts.others_hold and facts.attempt == 1:
        return replace(verdict, outcome=Outcome.WAIT, waiting_for=WaitingFor.ODD_LOT)
    return verdict


def not_sellable_today(facts: Facts) -> Verdict:
    """What sizing found; what was bought today, and cannot be sold today, is owed to the next day's first session."""
    verdict = _sizing(Reason.NOT_SELLABLE_TODAY)(facts)
    if verdict.outcome is Outcome.REFUSE and facts.owed and facts.attempt == 1:
        return replace(verdict, outcome=Outcome.WAIT, waiting_for=WaitingFor.NEXT_DAY)
    return verdict


def unknown_outcome(facts: Facts) -> Verdict:
    """While an outcome is unknown, nothing more of the same account, code and side is placed."""
    if facts.unknown is None:
        return _passed(Reason.UNKNOWN_OUTCOME)
    return Verdict(
        rule=Reason.UNKNOWN_OUTCOME,
        outcome=Outcome.WAIT,
        figures={"remark": facts.unknown},
        waiting_for=WaitingFor.UNKNOWN,
    )


def opposite_open(facts: Facts) -> Verdict:
    """A book is sold out when its buys have ended."""
    if not facts.opposite:
        return _passed(Reason.OPPOSITE_OPEN)
    return Verdict(
        rule=Reason.OPPOSITE_OPEN,
        outcome=Outcome.WAIT,
        figures={"security": facts.symbol},
        waiting_for=WaitingFor.OPPOSITE,
    )


def price_cage(facts: Facts) -> Verdict:
    """The exchange would refuse the price; only a price that a person or the strategy named can be outside."""
    if facts.price is None:
        return _skipped(Reason.PRICE_CAGE)
    if facts.broken_bound is not None:
        return _refused(Reason.PRICE_CAGE, price=facts.price, bound=facts.broken_bound)
    return _passed(Reason.PRICE_CAGE)


def max_order_value(facts: Facts) -> Verdict:
    """`max_order_value` of `[risk]` and of the strategy, of all parts of an order together; not of exits."""
    if facts.order_value is None or facts.attempt > 1 or facts.is_exit:
        return _skipped(Reason.MAX_ORDER_VALUE)
    own = facts.strategy_value
    most = facts.risk.max_order_value if own is None else min(own, facts.risk.max_order_value)
    if facts.order_value > most:
        return _refused(Reason.MAX_ORDER_VALUE, value=f"{facts.order_value:,.2f}", limit=f"{most:,f}")
    return _passed(Reason.MAX_ORDER_VALUE)


def max_position_ratio(facts: Facts) -> Verdict:
    """`risk.max_position_ratio` of the account's total, after a buy."""
    if facts.side is Side.SELL or facts.order_value is None or facts.asset is None or facts.attempt > 1:
        return _skipped(Reason.MAX_POSITION_RATIO)
    if facts.risk.max_position_ratio >= 1 and facts.payable < facts.volume:
        return _passed(Reason.MAX_POSITION_RATIO)  # no more is bought than money pays: never more than the whole
    after = facts.position_value + facts.order_value
    if after > facts.risk.max_position_ratio * facts.asset.total:
        share = f"{after / facts.asset.total:.1%}" if facts.asset.total else "∞"
        return _refused(
            Reason.MAX_POSITION_RATIO,
            security=facts.symbol,
            ratio=share,
            limit=f"{facts.risk.max_position_ratio:.1%}",
        )
    return _passed(Reason.MAX_POSITION_RATIO)


def max_daily_orders(facts: Facts) -> Verdict:
    """`max_daily_orders` of `[risk]` and of the strategy: orders placed, re-priced ones too; exits are not stopped."""
    if facts.day is None or facts.is_exit:
        return _skipped(Reason.MAX_DAILY_ORDERS)
    if facts.day.attempts >= facts.risk.max_daily_orders:
        return _refused(Reason.MAX_DAILY_ORDERS, count=facts.day.attempts, limit=facts.risk.max_daily_orders)
    if facts.strategy_orders is not None and facts.day.of_strategy >= facts.strategy_orders:
        return _refused(Reason.MAX_DAILY_ORDERS, count=facts.day.of_strategy, limit=facts.strategy_orders)
    return _passed(Reason.MAX_DAILY_ORDERS)


def max_daily_turnover(facts: Facts) -> Verdict:
    """`risk.max_daily_turnover`; 0: no limit."""
    if facts.day is None or facts.order_value is None or facts.price is None or facts.is_exit:
        return _skipped(Reason.MAX_DAILY_TURNOVER)
    would_be = facts.day.turnover + facts.price * facts.volume
    if facts.risk.max_daily_turnover and would_be > facts.risk.max_daily_turnover:
        return _refused(
            Reason.MAX_DAILY_TURNOVER, value=f"{would_be:,.2f}", limit=f"{facts.risk.max_daily_turnover:,f}"
        )
    return _passed(Reason.MAX_DAILY_TURNOVER)


def counter_lags(facts: Facts) -> Verdict:
    """Just after an own fill or cancel too little money or too few shares mean that the counter shows them late."""
    if facts.side is Side.SELL:
        until = facts.shares_until if facts.short_of_shares or facts.lacked else None
    else:
        short = facts.cost is not None and (facts.payable < facts.volume or facts.lacked > 0)
        until = facts.money_until if short else None
    if until is None or facts.now >= until:
        return _passed(Reason.COUNTER_LAGS)
    return Verdict(
        rule=Reason.COUNTER_LAGS,
        outcome=Outcome.WAIT,
        figures={"security": facts.symbol, "until": f"{until:%H:%M:%S}"},
        waiting_for=WaitingFor.SETTLE,
        wait_until=until,
    )


def crossing(facts: Facts) -> Verdict:
    """An account does not trade with itself: what rests on the other side ends first."""
    if facts.crossing is None or facts.crossing_until is None or facts.now >= facts.crossing_until:
        return _passed(Reason.OWN_CROSSING)
    return Verdict(
        rule=Reason.OWN_CROSSING,
        outcome=Outcome.WAIT,
        figures={"security": facts.symbol, "remark": facts.crossing},
        waiting_for=WaitingFor.CROSSING,
        wait_until=facts.crossing_until,
    )


def capital(facts: Facts) -> Verdict:
    """`capital` of the strategy in the account: what it holds there at cost, and its buys under way."""
    if facts.side is Side.SELL or facts.within_capital is None or facts.capital is None:
        return _skipped(Reason.CAPITAL)
    if facts.within_capital >= facts.volume or (facts.within_capital and not facts.served):
        return _passed(Reason.CAPITAL)
    return _refused(Reason.CAPITAL, invested=f"{facts.invested:,.2f}", limit=f"{facts.capital:,f}")


def no_cash(facts: Facts) -> Verdict:
    """A buy takes the lots that cash pays, waits with the rest for the strategy's sells under way, then is refused."""
    if facts.side is Side.SELL or facts.cost is None or facts.asset is None:
        return _skipped(Reason.NO_CASH)
    some = facts.payable > 0 and facts.lacked <= MOST_CUTS
    if (facts.payable >= facts.volume and not facts.lacked) or (some and not facts.served):
        return _passed(Reason.NO_CASH)
    figures = {"needed": f"{facts.cost:,.2f}", "cash": f"{facts.asset.cash:,.2f}"}
    comes = facts.sells_under_way or (facts.cash_until is not None and facts.now < facts.cash_until)
    if comes and facts.lacked <= MOST_CUTS:
        return Verdict(
            rule=Reason.NO_CASH,
            outcome=Outcome.WAIT,
            figures=figures,
            waiting_for=WaitingFor.CASH,
            wait_until=None if facts.sells_under_way else facts.cash_until,
        )
    return _refused(Reason.NO_CASH, **figures)


def rate(facts: Facts) -> Verdict:
    """`risk.orders_per_second`: an order waits for its turn, unless the signal would be stale by then."""
    if facts.day is None or facts.is_exit:
        return _skipped(Reason.RATE)
    late = facts.aged + timedelta(seconds=facts.day.turn_in_s) > facts.deadline
    if facts.attempt == 1 and facts.age_counts and facts.day.turn_in_s > 0 and late:
        return _refused(Reason.RATE, limit=facts.risk.orders_per_second)
    return _passed(Reason.RATE)


BEFORE_MARKET: tuple[Rule, ...] = (
    backtest,
    paused,
    unknown_security,
    board_not_allowed,
    blocked,
    not_trading_day,
    outside_hours,
    stale,
    broker_down,
    unknown_outcome,
    opposite_open,
)
"""What needs no question to the broker."""

RULES: tuple[Rule, ...] = (
    *BEFORE_MARKET,
    no_quote,
    suspended,
    old_quote,
    _sizing(Reason.NO_TOTAL_VALUE),
    _sizing(Reason.NOTHING_TO_SELL),
    _sizing(Reason.HELD_ALREADY),
    counter_lags,
    not_sellable_today,
    limit_up,
    limit_down,
    price_drift,
    below_lot,
    _sizing(Reason.ODD_VOLUME),
    price_cage,
    max_order_value,
    max_position_ratio,
    max_daily_orders,
    max_daily_turnover,
    capital,
    no_cash,
    crossing,
    rate,
)
