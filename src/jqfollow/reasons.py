"""The one list of reasons why an order was not followed, or not to its end, with its sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from jqfollow import vocabulary
from jqfollow.vocabulary import Lang, Pair

__all__ = ["IN_SHORT", "QUIET", "TOLD_ONCE", "Lang", "Reason", "Refusal"]


class Reason(StrEnum):
    """Codes that stand in the ledger, the console's answers and exports."""

    # The signal itself.
    STALE = "stale"
    LATE = "late"
    RESTORED = "restored"
    REPLAYED = "replayed"
    BACKTEST = "backtest"
    NOT_TRADED = "not_traded"
    NO_AMOUNT = "no_amount"
    SHORT_SIDE = "short_side"
    NOT_FOLLOWED = "not_followed"
    ACCOUNT_GONE = "account_gone"
    MARGIN = "margin"
    STOP_ORDER = "stop_order"
    UNKNOWN_STYLE = "unknown_style"
    SEED_OPEN_ORDER = "seed_open_order"
    # The day and the hour.
    PAUSED = "paused"
    NOT_TRADING_DAY = "not_trading_day"
    OUTSIDE_HOURS = "outside_hours"
    DAY_OVER = "day_over"
    # The security.
    UNKNOWN_SECURITY = "unknown_security"
    BOARD_NOT_ALLOWED = "board_not_allowed"
    BLOCKED = "blocked"
    SUSPENDED = "suspended"
    # The volume.
    NO_TOTAL_VALUE = "no_total_value"
    BELOW_LOT = "below_lot"
    HELD_ALREADY = "held_already"
    ODD_VOLUME = "odd_volume"
    NOTHING_TO_SELL = "nothing_to_sell"
    NOT_SELLABLE_TODAY = "not_sellable_today"
    # The price.
    NO_QUOTE = "no_quote"
    OLD_QUOTE = "old_quote"
    LIMIT_UP = "limit_up"
    LIMIT_DOWN = "limit_down"
    PRICE_DRIFT = "price_drift"
    PRICE_CAGE = "price_cage"
    PRICE_LIMIT = "price_limit"
    # Money and the person's limits.
    NO_CASH = "no_cash"
    COUNTER_LAGS = "counter_lags"
    CAPITAL = "capital"
    OWN_CROSSING = "own_crossing"
    MAX_ORDER_VALUE = "max_order_value"
    MAX_POSITION_RATIO = "max_position_ratio"
    MAX_DAILY_ORDERS = "max_daily_orders"
    MAX_DAILY_TURNOVER = "max_daily_turnover"
    MAX_CANCELS = "max_cancels"
    RATE = "rate"
    # The broker.
    BROKER_DOWN = "broker_down"
    BROKER_REFUSED = "broker_refused"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    OPPOSITE_OPEN = "opposite_open"
    CANCELED_BY_USER = "canceled_by_user"
    CANCELED_BY_STRATEGY = "canceled_by_strategy"
    CLOSED_OUT = "closed_out"
    CANCELED_AT_BROKER = "canceled_at_broker"
    UNKNOWN_OUTCOME = "unknown_outcome"
    INTERNAL_ERROR = "internal_error"


QUIET = frozenset({Reason.NOT_TRADED, Reason.NO_AMOUNT})
"""What a strategy may well send, and nobody wants to be told."""
TOLD_ONCE = QUIET | {Reason.RESTORED}
"""Of these no message goes out for each signal."""

_IN_SHORT = {
    Reason.STALE: "过时",
    Reason.RESTORED: "账本倒退前",
    Reason.LATE: "来晚",
    Reason.REPLAYED: "重复",
    Reason.BACKTEST: "回测",
    Reason.NOT_TRADED: "聚宽未成交",
    Reason.NO_AMOUNT: "数量为零",
    Reason.SHORT_SIDE: "空头",
    Reason.NOT_FOLLOWED: "未设跟单账户",
    Reason.ACCOUNT_GONE: "账户已移除",
    Reason.OLD_QUOTE: "行情停了",
    Reason.COUNTER_LAGS: "柜台未更新",
    Reason.CAPITAL: "策略资金上限",
    Reason.OWN_CROSSING: "与本账户对敲",
    Reason.MARGIN: "融资融券",
    Reason.STOP_ORDER: "止损单",
    Reason.UNKNOWN_STYLE: "下单方式不明",
    Reason.SEED_OPEN_ORDER: "原版客户端挂单",
    Reason.PAUSED: "已暂停",
    Reason.NOT_TRADING_DAY: "非交易日",
    Reason.OUTSIDE_HOURS: "非交易时段",
    Reason.DAY_OVER: "收盘未成",
    Reason.UNKNOWN_SECURITY: "证券不可交易",
    Reason.BOARD_NOT_ALLOWED: "板块不允许",
    Reason.BLOCKED: "禁止名单",
    Reason.SUSPENDED: "停牌",
    Reason.NO_TOTAL_VALUE: "无策略总资产",
    Reason.BELOW_LOT: "不足一手",
    Reason.HELD_ALREADY: "之前多买",
    Reason.ODD_VOLUME: "数量不合单位",
    Reason.NOTHING_TO_SELL: "无持仓可卖",
    Reason.NOT_SELLABLE_TODAY: "今日不可卖",
    Reason.NO_QUOTE: "无行情",
    Reason.LIMIT_UP: "涨停",
    Reason.LIMIT_DOWN: "跌停",
    Reason.PRICE_DRIFT: "价格偏离",
    Reason.PRICE_CAGE: "价格笼子",
    Reason.PRICE_LIMIT: "超涨跌停价",
    Reason.NO_CASH: "资金不足",
    Reason.MAX_ORDER_VALUE: "超单笔上限",
    Reason.MAX_POSITION_RATIO: "超持仓上限",
    Reason.MAX_DAILY_ORDERS: "超委托次数",
    Reason.MAX_DAILY_TURNOVER: "超成交金额",
    Reason.MAX_CANCELS: "超撤单次数",
    Reason.RATE: "过于密集",
    Reason.BROKER_DOWN: "账户未连接",
    Reason.BROKER_REFUSED: "券商拒绝",
    Reason.ATTEMPTS_EXHAUSTED: "多次未成",
    Reason.CANCELED_BY_USER: "人工撤单",
    Reason.CANCELED_BY_STRATEGY: "策略撤单",
    Reason.CLOSED_OUT: "策略已清仓",
    Reason.CANCELED_AT_BROKER: "券商端撤单",
    Reason.UNKNOWN_OUTCOME: "结果未知",
    Reason.OPPOSITE_OPEN: "等撤买单",
    Reason.INTERNAL_ERROR: "内部错误",
}
IN_SHORT: dict[str, Pair] = {reason: (zh, reason.replace("_", " ")) for reason, zh in _IN_SHORT.items()}
"""In two or three words, for lines and tables; `Refusal.text` gives the sentence."""

_SENTENCES: dict[Reason, tuple[str, str]] = {
    Reason.STALE: (
        "信号已过时：产生于 {age_s} 秒前，最多允许 {max_age_s} 秒（risk.max_signal_age_s）",
        "the signal is {age_s} s old, at most {max_age_s} s are allowed (risk.max_signal_age_s)",
    ),
    Reason.LATE: (
        "信号来晚了：产生后 {age_s} 秒才到（电脑睡着或断网），超过 {max_age_s} 秒不下单；jqfollow repair 可补",
        "the signal came {age_s} s after it was made, beyond {max_age_s} s it is not traded; see jqfollow repair",
    ),
    Reason.RESTORED: (
        "账本曾倒退到旧备份，{until} 以前产生的信号不跟，核对后用 jqfollow restored --accept 放行",
        "an older ledger was put back: signals made before {until} are not followed (jqfollow restored --accept)",
    ),
    Reason.REPLAYED: (
        "聚宽订单 {jq_order_id} 已由信号 {first_signal_id} 跟过，不再重复",
        "JoinQuant order {jq_order_id} was followed with signal {first_signal_id} already",
    ),
    Reason.BACKTEST: (
        "回测信号（{run}）不进入账户 {account}",
        "a backtest's signal ({run}) does not reach account {account}",
    ),
    Reason.NOT_TRADED: (
        "聚宽订单状态为 {status}，只记录不跟单",
        "the JoinQuant order is {status}: recorded, not followed",
    ),
    Reason.NO_AMOUNT: ("信号数量为 {amount}，只记录不跟单", "the signal's amount is {amount}: recorded, not followed"),
    Reason.SHORT_SIDE: (
        "方向为 {position_side}，这里只跟多头",
        "position side {position_side}: only long positions are followed",
    ),
    Reason.NOT_FOLLOWED: (
        "策略 {strategy} 没有设置跟单账户（strategies.{strategy}.follow）",
        "no account follows strategy {strategy} (strategies.{strategy}.follow)",
    ),
    Reason.ACCOUNT_GONE: (
        "账户 {account} 已不在配置里，此单不再继续（accounts.{account}）",
        "account {account} is not configured any more (accounts.{account}): this order goes no further",
    ),
    Reason.MARGIN: (
        "聚宽订单 {jq_order_id} 是融资融券委托，这里不跟",
        "JoinQuant order {jq_order_id} is on borrowed money or borrowed shares: not followed",
    ),
    Reason.STOP_ORDER: (
        "止损/止盈单 {jq_order_id}（触发价 {stop}）不跟：策略里没有每分钟运行的任务看得到它被触发",
        "stop order {jq_order_id} (at {stop}) is not followed: nothing in the strategy sees it being triggered",
    ),
    Reason.UNKNOWN_STYLE: (
        "聚宽订单 {jq_order_id} 的下单方式 {style} 不认识，不跟",
        "JoinQuant order {jq_order_id} has a style that is not known here, {style}: not followed",
    ),
    Reason.SEED_OPEN_ORDER: (
        "聚宽订单 {jq_order_id} 还没成交（{status}），原版客户端不说它是限价还是市价，不跟；请换用 jqfollow 客户端",
        "JoinQuant order {jq_order_id} is still open ({status}), perhaps at a limit that the original client hides",
    ),
    Reason.PAUSED: (
        "已暂停跟单（{scope}），用 jqfollow resume 恢复",
        "following is paused ({scope}); jqfollow resume starts it again",
    ),
    Reason.NOT_TRADING_DAY: ("{day} 不是交易日", "{day} is not a trading day"),
    Reason.OUTSIDE_HOURS: (
        "{time} 不在可下单的时段（{phase}）",
        "{time} is outside the hours in which orders are placed ({phase})",
    ),
    Reason.DAY_OVER: (
        "交易日 {day} 已结束，还剩 {left} 未成交",
        "trading day {day} is over with {left} not filled",
    ),
    Reason.UNKNOWN_SECURITY: ("不能交易的证券 {security}：{why_zh}", "{security} cannot be traded here: {why_en}"),
    Reason.BOARD_NOT_ALLOWED: (
        "{security} 属于 {board}，不在允许的板块内（risk.boards）",
        "{security} is of board {board}, which risk.boards does not allow",
    ),
    Reason.BLOCKED: ("{security} 在禁止名单内（risk.blocked）", "{security} stands in risk.blocked"),
    Reason.SUSPENDED: ("{security} 停牌", "{security} is suspended"),
    Reason.BELOW_LOT: (
        "按比例应{side_zh} {wanted}，不足最小单位 {minimum}，余数留到下次",
        "{wanted} to {side} is below the least volume {minimum}; the rest is carried on",
    ),
    Reason.HELD_ALREADY: (
        "{security} 之前比聚宽多买到的先抵这次买入，抵完还多 {excess}，这次不买",
        "more of {security} is held than JoinQuant filled: this buy is made up for, {excess} are still too many",
    ),
    Reason.ODD_VOLUME: (
        "{security} 不能一次{side_zh} {volume}：最少 {minimum}，递增 {step}；零股只能一次卖完",
        "one cannot {side} {volume} of {security}: at least {minimum}, in steps of {step}; odd lots are sold at once",
    ),
    Reason.NO_TOTAL_VALUE: (
        "账户 {account} 按 equity 跟单，但信号没有带策略总资产",
        "account {account} follows by equity, and the signal does not tell the strategy's total value",
    ),
    Reason.NOTHING_TO_SELL: (
        "本策略在账户 {account} 没有 {security} 的持仓可卖",
        "the strategy's book holds no {security} in account {account}",
    ),
    Reason.NOT_SELLABLE_TODAY: (
        "持有 {security} {book}，今日可卖 {available}（T+1 或已冻结）",
        "of {book} {security} held, {available} can be sold today (T+1, or frozen)",
    ),
    Reason.NO_QUOTE: ("没有 {security} 的行情", "there is no quote for {security}"),
    Reason.LIMIT_UP: ("{security} 涨停 {limit}，不追买", "{security} is at its upper limit {limit}: not bought"),
    Reason.LIMIT_DOWN: ("{security} 跌停 {limit}，不杀卖", "{security} is at its lower limit {limit}: not sold"),
    Reason.PRICE_DRIFT: (
        "现价 {price} 偏离策略成交价 {signal_price} 达 {drift}，最多允许 {max_drift}（risk.max_price_drift）",
        "{price} is {drift} away from the strategy's {signal_price}, allowed are {max_drift} (risk.max_price_drift)",
    ),
    Reason.PRICE_CAGE: (
        "委托价 {price} 超出价格笼子边界 {bound}",
        "price {price} is outside the price cage's bound {bound}",
    ),
    Reason.PRICE_LIMIT: (
        "委托价 {price} 超出今日涨跌停价 {bound}",
        "price {price} is beyond the day's limit {bound}",
    ),
    Reason.NO_CASH: (
        "资金不足：需要 {needed} 元，可用 {cash} 元",
        "{needed} yuan are needed, {cash} are available",
    ),
    Reason.MAX_ORDER_VALUE: (
        "委托金额 {value} 元超过单笔上限 {limit} 元（max_order_value）",
        "an order of {value} yuan is over max_order_value = {limit}",
    ),
    Reason.MAX_POSITION_RATIO: (
        "买后 {security} 占总资产 {ratio}，超过上限 {limit}（risk.max_position_ratio）",
        "{security} would be {ratio} of the account, over risk.max_position_ratio = {limit}",
    ),
    Reason.MAX_DAILY_ORDERS: (
        "今日已下 {count} 笔委托，达到上限 {limit}（max_daily_orders）",
        "{count} orders were placed today, max_daily_orders = {limit}",
    ),
    Reason.MAX_DAILY_TURNOVER: (
        "今日成交与在途金额将达 {value} 元，超过上限 {limit} 元（risk.max_daily_turnover）",
        "today's turnover would be {value} yuan, over risk.max_daily_turnover = {limit}",
    ),
    Reason.MAX_CANCELS: (
        "今日已撤单 {count} 次，达到上限 {limit}（risk.max_cancels_per_day）",
        "{count} cancels today, risk.max_cancels_per_day = {limit}",
    ),
    Reason.OLD_QUOTE: (
        "{security} 的行情停在 {at}（{age_s} 秒前），等行情恢复再下单",
        "quotes for {security} stand at {at} ({age_s} s ago): it waits for the feed",
    ),
    Reason.COUNTER_LAGS: (
        "刚有成交或撤单，柜台的资金和可卖数量最迟 {until} 更新，到时再下 {security}",
        "after a fill or a cancel the counter shows money and shares of {security} late, by {until} at the latest",
    ),
    Reason.OWN_CROSSING: (
        "{security} 会与本账户的委托 {remark} 对敲，先撤掉那一笔",
        "{security} would trade with this account's own {remark}, which is cancelled first",
    ),
    Reason.CAPITAL: (
        "本策略在此账户已投入 {invested} 元，上限 {limit} 元（capital）",
        "the strategy has invested {invested} yuan in this account, its capital is {limit}",
    ),
    Reason.RATE: (
        "委托过于密集：每秒最多 {limit} 笔，轮到它时信号已过时（risk.orders_per_second）",
        "orders came faster than {limit} a second, and its turn would come too late (risk.orders_per_second)",
    ),
    Reason.BROKER_DOWN: (
        "账户 {account} 未连接：{why}",
        "account {account} is not connected: {why}",
    ),
    Reason.BROKER_REFUSED: ("券商拒绝：{message}", "the broker refused: {message}"),
    Reason.ATTEMPTS_EXHAUSTED: (
        "已尝试 {attempts} 次，还剩 {left} 未成交",
        "{left} not filled after {attempts} attempts",
    ),
    Reason.CANCELED_BY_USER: ("人工撤单，还剩 {left} 未成交", "canceled by a person with {left} not filled"),
    Reason.CANCELED_BY_STRATEGY: (
        "策略已撤销此单，还剩 {left} 未成交",
        "canceled because the strategy canceled it, with {left} not filled",
    ),
    Reason.CLOSED_OUT: (
        "策略随后清仓，没买到的 {left} 不再买",
        "the strategy sold out afterwards: the {left} not bought are not bought any more",
    ),
    Reason.CANCELED_AT_BROKER: (
        "委托在券商端被撤销（不是由本程序），还剩 {left} 未成交，不再补单",
        "canceled at the broker by someone else with {left} not filled; not placed again",
    ),
    Reason.UNKNOWN_OUTCOME: (
        "委托 {remark} 结果未知，请在控制台核对后处理",
        "the outcome of {remark} is unknown: check it and settle it in the console",
    ),
    Reason.OPPOSITE_OPEN: (
        "先等本策略未完成的 {security} 买单结束，再卖出",
        "the strategy's open buys of {security} end before it is sold",
    ),
    Reason.INTERNAL_ERROR: (
        "程序内部错误（{error}），此单未继续，请查看日志",
        "an internal error ({error}) stopped this order; see the log",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A reason with the figures that its sentences name."""

    reason: Reason
    figures: Mapping[str, str] = field(default_factory=dict)

    def text(self, lang: Lang = "zh") -> str:
        """The sentence for people; a figure that is missing shows as `?`."""
        shown = _Figures({key: _shown(key, value, lang) for key, value in self.figures.items()})
        return vocabulary.say(_SENTENCES[self.reason], lang).format_map(shown)


_CODES = {
    "phase": vocabulary.PHASES,
    "board": vocabulary.BOARDS,
    "status": vocabulary.THERE,
    "run": vocabulary.RUNS,
    "position_side": {"long": ("多头", "long"), "short": ("空头", "short")},
}
"""Figures that are codes, and the words for them."""


def _shown(key: str, value: str, lang: Lang) -> str:
    """A figure in the language of its sentence; it stands in the ledger as a code, or in Chinese."""
    if key in _CODES:
        return vocabulary.name(_CODES[key], value, lang)
    if key in {"why", "error"}:
        return vocabulary.half(value, lang)
    if lang == "zh":
        return value
    if key == "scope":
        for zh, en in vocabulary.SCOPES.items():
            value = value.replace(zh, en)
    if key == "minimum" and value[-1:] in vocabulary.UNITS:
        value = f"{value[:-1].rstrip()} {vocabulary.UNITS[value[-1]]}"
    return value


class _Figures(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"
