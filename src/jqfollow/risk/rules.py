"""The rules, in the order in which a person would name the reason: the first that does not pass decides. Pure."""

from jqfollow.risk import admission, limits, market, means
from jqfollow.risk.verdict import Rule

BEFORE_MARKET: tuple[Rule, ...] = (
    admission.backtest,
    admission.paused,
    admission.unknown_security,
    admission.board_not_allowed,
    admission.blocked,
    admission.not_trading_day,
    admission.outside_hours,
    admission.stale,
    admission.broker_down,
    admission.unknown_outcome,
    admission.opposite_open,
)
"""What needs no question to the broker."""

RULES: tuple[Rule, ...] = (
    *BEFORE_MARKET,
    market.no_quote,
    market.suspended,
    market.old_quote,
    means.no_total_value,
    means.nothing_to_sell,
    means.held_already,
    means.counter_lags,
    means.not_sellable_today,
    market.limit_up,
    market.limit_down,
    market.price_drift,
    means.below_lot,
    means.odd_volume,
    market.price_cage,
    limits.max_order_value,
    limits.max_position_ratio,
    limits.max_daily_orders,
    limits.max_daily_turnover,
    means.capital,
    means.no_cash,
    means.crossing,
    limits.rate,
)
