"""Limits of an account and of a strategy; no exit is stopped by them."""

from datetime import timedelta

from jqfollow.domain import Side
from jqfollow.reasons import Reason
from jqfollow.risk.facts import Facts
from jqfollow.risk.verdict import Verdict, passed, refused, skipped


def max_order_value(facts: Facts) -> Verdict:
    """`risk.max_order_value`, of all parts of an order together; not of exits."""
    if facts.order_value is None or facts.attempt > 1 or facts.is_exit:
        return skipped(Reason.MAX_ORDER_VALUE)
    most = facts.risk.max_order_value
    if facts.order_value > most:
        return refused(Reason.MAX_ORDER_VALUE, value=f"{facts.order_value:,.2f}", limit=f"{most:,f}")
    return passed(Reason.MAX_ORDER_VALUE)


def max_position_ratio(facts: Facts) -> Verdict:
    """`risk.max_position_ratio` of the account's total, after a buy."""
    if facts.side is Side.SELL or facts.order_value is None or facts.asset is None or facts.attempt > 1:
        return skipped(Reason.MAX_POSITION_RATIO)
    if facts.over_ratio:
        after = facts.position_value + facts.order_value
        share = f"{after / facts.asset.total:.1%}" if facts.asset.total else "∞"
        return refused(
            Reason.MAX_POSITION_RATIO,
            security=facts.symbol,
            ratio=share,
            limit=f"{facts.risk.max_position_ratio:.1%}",
        )
    return passed(Reason.MAX_POSITION_RATIO)


def max_daily_orders(facts: Facts) -> Verdict:
    """`max_daily_orders` of account and strategy: orders placed, re-priced ones too; exits are not stopped."""
    if facts.day is None or facts.is_exit:
        return skipped(Reason.MAX_DAILY_ORDERS)
    if facts.day.attempts >= facts.risk.max_daily_orders:
        return refused(Reason.MAX_DAILY_ORDERS, count=facts.day.attempts, limit=facts.risk.max_daily_orders)
    if facts.own.orders is not None and facts.day.of_strategy >= facts.own.orders:
        return refused(Reason.MAX_DAILY_ORDERS, count=facts.day.of_strategy, limit=facts.own.orders)
    return passed(Reason.MAX_DAILY_ORDERS)


def max_daily_turnover(facts: Facts) -> Verdict:
    """`max_daily_turnover` of account and strategy; 0: no limit."""
    if facts.day is None or facts.order_value is None or facts.price is None or facts.is_exit:
        return skipped(Reason.MAX_DAILY_TURNOVER)
    value = facts.price * facts.volume
    of_account = facts.day.turnover + value, facts.risk.max_daily_turnover
    of_strategy = facts.day.turnover_of_strategy + value, facts.own.turnover
    for would_be, most in (of_account, of_strategy):
        if most and would_be > most:
            return refused(Reason.MAX_DAILY_TURNOVER, value=f"{would_be:,.2f}", limit=f"{most:,f}")
    return passed(Reason.MAX_DAILY_TURNOVER)


def rate(facts: Facts) -> Verdict:
    """`risk.orders_per_second`: an order waits for its turn, unless the signal would be stale by then."""
    if facts.day is None or facts.is_exit:
        return skipped(Reason.RATE)
    late = facts.aged + timedelta(seconds=facts.day.turn_in_s) > facts.deadline
    if facts.attempt == 1 and facts.age_counts and facts.day.turn_in_s > 0 and late:
        return refused(Reason.RATE, limit=facts.risk.orders_per_second)
    return passed(Reason.RATE)
