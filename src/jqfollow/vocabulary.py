"""The words of states and outcomes, in Chinese and English, and what became of a signal; pure.

The page, the command line, messages and exports say these and no others: `docs/vocabulary.md` is the table for people,
and tests hold it and the page's words to this module.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from jqfollow.domain import (
    ORDER_OPEN,
    AttemptState,
    Board,
    FollowMode,
    OrderState,
    Phase,
    Side,
    SignalKind,
    SignalState,
    WaitingFor,
)

Lang = Literal["zh", "en"]
Pair = tuple[str, str]


class Outcome(StrEnum):
    """What became of a signal, or of an order: exactly one of these, so that their counts add up."""

    UNDER_WAY = "under_way"
    FOLLOWED = "followed"
    """All that was to be ordered is filled."""
    PARTLY = "partly"
    """Some of it is, and nothing more will be."""
    NOT_FOLLOWED = "not_followed"
    """Nothing is, and nothing will be; there is a reason."""


OUTCOMES: dict[str, Pair] = {
    Outcome.UNDER_WAY: ("处理中", "under way"),
    Outcome.FOLLOWED: ("已跟", "followed"),
    Outcome.PARTLY: ("部分", "partly"),
    Outcome.NOT_FOLLOWED: ("未跟", "not followed"),
}
SIGNALS: Pair = ("信号", "signals")
ORDERS: Pair = ("订单", "orders")
HANDLED: Pair = ("已处理", "handled")
"""Whatever is not under way; of messages that are no orders, that they were taken note of."""

SIDES: dict[str, Pair] = {Side.BUY: ("买入", "buy"), Side.SELL: ("卖出", "sell")}
ORDER_STATES: dict[str, Pair] = {
    OrderState.PENDING_NEW: ("待报", "pending"),
    OrderState.NEW: ("已报", "working"),
    OrderState.PARTIALLY_FILLED: ("部成", "partly filled"),
    OrderState.FILLED: ("已成", "filled"),
    OrderState.CANCELED: ("已撤", "canceled"),
    OrderState.REJECTED: ("已拒", "refused"),
    OrderState.EXPIRED: ("已过期", "expired"),
}
ATTEMPT_STATES: dict[str, Pair] = ORDER_STATES | {
    AttemptState.PENDING_CANCEL: ("撤单中", "canceling"),
    AttemptState.REJECTED: ("废单", "rejected"),
    AttemptState.UNKNOWN: ("结果未知", "unknown"),
}
WAITING: dict[str, Pair] = {
    WaitingFor.SESSION: ("等开市", "for the session"),
    WaitingFor.CASH: ("等资金", "for cash"),
    WaitingFor.UNKNOWN: ("等核对", "to be settled"),
    WaitingFor.OPPOSITE: ("等先撤", "for opposite orders"),
    WaitingFor.ODD_LOT: ("零股等待", "odd lot"),
    WaitingFor.BROKER: ("等券商", "for the broker"),
    WaitingFor.SETTLE: ("等柜台", "for the counter"),
    WaitingFor.FEED: ("等行情", "for quotes"),
    WaitingFor.HALT: ("等复牌", "halted"),
    WaitingFor.CROSSING: ("防对敲", "crossing"),
    WaitingFor.NEXT_DAY: ("等下一交易日", "for the next day"),
    WaitingFor.PAUSE: ("等恢复", "paused"),
}
KINDS: dict[str, Pair] = {
    SignalKind.ORDER: ("订单", "order"),
    SignalKind.POSITIONS: ("持仓", "positions"),
    SignalKind.HELLO: ("启动", "hello"),
    SignalKind.NOTICE: ("通知", "notice"),
}
RUNS: dict[str, Pair] = {
    "sim_trade": ("模拟交易", "live simulation"),
    "simple_backtest": ("回测", "backtest"),
    "full_backtest": ("回测", "backtest"),
    "manual": ("手动", "manual"),
    "repair": ("补单", "repair"),
}
PHASES: dict[str, Pair] = {
    Phase.CLOSED: ("休市", "closed"),
    Phase.OPENING_AUCTION: ("开盘集合竞价", "opening auction"),
    Phase.OPENING_AUCTION_LOCKED: ("开盘集合竞价，不可撤单", "opening auction, no cancels"),
    Phase.PRE_OPEN: ("开盘前", "before the open"),
    Phase.CONTINUOUS: ("连续竞价", "continuous trading"),
    Phase.LUNCH: ("午间休市", "lunch"),
    Phase.CLOSING_AUCTION: ("收盘集合竞价", "closing auction"),
    Phase.AFTER_HOURS: ("盘后", "after hours"),
}
BOARDS: dict[str, Pair] = {
    Board.MAIN: ("主板", "main"),
    Board.CHINEXT: ("创业板", "chinext"),
    Board.STAR: ("科创板", "star"),
    Board.BSE: ("北交所", "bse"),
    Board.FUND: ("基金", "fund"),
    Board.BOND: ("可转债", "bond"),
}
THERE: dict[str, Pair] = {
    "new": ("已报", "new"),
    "open": ("未完成", "open"),
    "filled": ("已成", "filled"),
    "held": ("已成", "held"),
    "canceled": ("已撤", "canceled"),
    "rejected": ("废单", "rejected"),
    "pending_cancel": ("撤单中", "being canceled"),
}
"""JoinQuant's own states of its orders."""
MODES: dict[str, Pair] = {
    FollowMode.RATIO: ("按比例", "ratio"),
    FollowMode.VALUE: ("按金额", "value"),
    FollowMode.SHARES: ("按股数", "shares"),
    FollowMode.EQUITY: ("按资产", "equity"),
}
DECISIONS: dict[str, Pair] = {
    "place": ("下单", "placed"),
    "wait": ("等待", "waits"),
    "refuse": ("拒绝", "refused"),
    "pass": ("通过", "passed"),
    "skip": ("不适用", "does not apply"),
}
EVENTS: dict[str, Pair] = {
    "order": ("订单", "order"),
    "accepted": ("券商受理", "accepted"),
    "refused": ("券商拒绝", "refused"),
    "not_sent": ("未发出", "not sent"),
    "no_answer": ("没有回音", "no answer"),
    "restarted": ("程序重启", "restarted"),
    "new": ("已报", "reported"),
    "partial": ("部分成交", "partly filled"),
    "filled": ("全部成交", "filled"),
    "reported_new": ("已报", "reported"),
    "reported_partially_filled": ("部分成交", "partly filled"),
    "reported_filled": ("全部成交", "filled"),
    "reported_pending_cancel": ("撤单中", "canceling"),
    "reported_canceled": ("已撤", "canceled"),
    "reported_rejected": ("废单", "rejected"),
    "canceled": ("已撤", "canceled"),
    "rejected": ("废单", "rejected"),
    "cancel_asked": ("请求撤单", "cancel asked"),
    "cancel_failed": ("撤单被拒", "cancel refused"),
    "absent": ("确认不存在", "proved absent"),
    "day_ended": ("收盘", "day ended"),
    "day_lost": ("跨日", "day lost"),
    "renamed": ("编号变了", "renamed"),
}
UNITS: dict[str, str] = {"股": "shares", "份": "units", "张": "bonds", "手": "lots"}
SCOPES: dict[str, str] = {"全部策略": "all strategies", "全部账户": "all accounts", "（只停买入）": " (buys only)"}


def say(pair: Pair, lang: Lang) -> str:
    """The half of the language."""
    return pair[0] if lang == "zh" else pair[1]


def name(words: dict[str, Pair], code: str, lang: Lang) -> str:
    """The word of a code; a code that another version wrote is shown as it is."""
    return say(words.get(code, (code, code)), lang)


def half(text: str, lang: Lang) -> str:
    """The language's half of `中文 / English`; of several such, joined by `; `, of each. A text of one half is whole.

    A slash within the Chinese, as in `有这笔 / 没有这笔`, is none: English begins where no Chinese follows any more.
    """
    halves = [_halves(part) for part in text.split("; ")]
    return ("；" if lang == "zh" else "; ").join(zh if lang == "zh" else en for zh, en in halves)


def _halves(text: str) -> Pair:
    parts = text.split(" / ")
    last = max((n for n, part in enumerate(parts) if any("一" <= letter <= "鿿" for letter in part)), default=-1)
    if last in {-1, len(parts) - 1}:
        return text, text
    return " / ".join(parts[: last + 1]), " / ".join(parts[last + 1 :])


def order_outcome(state: OrderState, filled: int) -> Outcome:
    """What became of an order of which so much is filled."""
    if state in ORDER_OPEN:
        return Outcome.UNDER_WAY
    if state is OrderState.FILLED:
        return Outcome.FOLLOWED
    return Outcome.PARTLY if filled else Outcome.NOT_FOLLOWED


def signal_outcome(state: SignalState, orders: Iterable[Outcome]) -> Outcome:
    """What became of a signal whose orders became so: of several accounts, all of them count."""
    of_orders = set(orders)
    if state is SignalState.RECEIVED or Outcome.UNDER_WAY in of_orders:
        return Outcome.UNDER_WAY
    if not of_orders:
        return Outcome.NOT_FOLLOWED
    return next(iter(of_orders)) if len(of_orders) == 1 else Outcome.PARTLY


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many became what; what is received is their sum, by its make."""

    followed: int = 0
    partly: int = 0
    not_followed: int = 0
    under_way: int = 0

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> "Tally":
        """Each counted once."""
        return cls(**{outcome.value: outcomes.count(outcome) for outcome in Outcome})

    @property
    def handled(self) -> int:
        """What is over."""
        return self.followed + self.partly + self.not_followed

    @property
    def received(self) -> int:
        """All of them."""
        return self.handled + self.under_way

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            followed=self.followed + other.followed,
            partly=self.partly + other.partly,
            not_followed=self.not_followed + other.not_followed,
            under_way=self.under_way + other.under_way,
        )

    def text(self, what: Pair, lang: Lang, why: str = "") -> str:
        """`信号 7 = 已跟 4 + 未跟 3（…）`: what is 0 is left out; `why` stands behind what was not followed."""
        shown = [
            f"{name(OUTCOMES, outcome, lang)} {count:,}" + (why if outcome is Outcome.NOT_FOLLOWED else "")
            for outcome in (Outcome.FOLLOWED, Outcome.PARTLY, Outcome.NOT_FOLLOWED, Outcome.UNDER_WAY)
            if (count := int(getattr(self, outcome.value)))
        ]
        return f"{say(what, lang)} {self.received:,}" + (f" = {' + '.join(shown)}" if shown else "")


NOTHING = Tally()
