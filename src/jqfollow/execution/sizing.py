"""How much an account shall buy or sell because of a signal. Pure."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from jqfollow.domain import Side
from jqfollow.market.lots import LotRule, buyable, sellable, split
from jqfollow.reasons import Reason, Refusal
from jqfollow.settings import FollowMode
from jqfollow.vocabulary import SIDES, say

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What is to be sized. Volumes in the security's unit."""

    security: str
    account: str
    side: Side
    amount: int
    """The strategy's own amount; of a manual order, the volume."""
    mode: FollowMode
    figure: Decimal
    price: Decimal | None = None
    """Yuan, for `value`."""
    total_value: Decimal | None = None
    """The strategy's total value, yuan, for `equity`."""
    held_before: int | None = None
    """What the strategy held before the order; for `equity`, a sell is in proportion to it."""
    exact: bool = False
    """A person named the volume: it is not cut."""
    closes: bool = False
    """The strategy's position is zero afterwards."""
    book: int = 0
    """What the strategy's book holds."""
    selling: int = 0
    """How much of the book is being sold by earlier orders."""
    bought_today: int = 0
    """How much of the book cannot be sold today (T+1)."""
    available: int = 0
    """How much the broker lets the whole account sell now, over all books."""
    carry_buy: Decimal = ZERO
    carry_sell: Decimal = ZERO
    owed: Decimal = ZERO
    """What was left before in the same direction and may ride along, at most doubling what is wanted."""
    rule: LotRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """The volume, in parts of at most the exchange's maximum, and what is carried on."""

    parts: tuple[int, ...]
    """Empty: nothing is to be placed; `refusal` says why."""
    carry_buy: Decimal
    carry_sell: Decimal
    refusal: Refusal | None = None

    @property
    def volume(self) -> int:
        """The sum of the parts."""
        return sum(self.parts)


def size(intent: Intent) -> Sized:
    """The volume of `intent`: ratio x amount plus what was carried, cut to what the board and the book allow.

    When the strategy's position is zero afterwards the whole book is sold and nothing is carried on.
    """
    return _buy(intent) if intent.side is Side.BUY else _sell(intent)


def _wanted(intent: Intent) -> Decimal | None:
    """The wished volume before any cut; `None` when a figure is missing."""
    if intent.exact:
        return Decimal(intent.amount)
    match intent.mode:
        case FollowMode.RATIO:
            return intent.figure * intent.amount
        case FollowMode.SHARES:
            return intent.figure
        case FollowMode.VALUE:
            return intent.figure / intent.price if intent.price else None
        case FollowMode.EQUITY:
            if intent.side is Side.SELL and intent.held_before:
                # The total moves between a buy and its sale, and the part of the position that is sold does not.
                return Decimal(intent.book * min(intent.amount, intent.held_before)) / intent.held_before
            return intent.figure / intent.total_value * intent.amount if intent.total_value else None


def _carries(intent: Intent) -> bool:
    """Yuan or shares an order are whole wishes each; only a proportion leaves something over."""
    return not intent.exact and intent.mode in {FollowMode.RATIO, FollowMode.EQUITY}


def _rides(intent: Intent, wanted: Decimal, raw: Decimal) -> Decimal:
    """What of that which was left before rides on an order of `raw`; nothing while too much is held."""
    return min(intent.owed, wanted) if _carries(intent) and raw > 0 else ZERO


def _buy(intent: Intent) -> Sized:
    wanted = _wanted(intent)
    if wanted is None:
        return _refused(intent, _no_figure(intent))
    carries = _carries(intent)
    raw = wanted + (intent.carry_buy if carries else ZERO)
    volume = buyable(max(raw + _rides(intent, wanted, raw), ZERO), intent.rule)
    if intent.exact and volume != intent.amount:
        return _refused(intent, _odd_volume(intent))
    return Sized(
        parts=split(volume, Side.BUY, intent.available, intent.rule),
        carry_buy=(raw if raw < 0 else max(raw - volume, ZERO)) if carries else intent.carry_buy,
        carry_sell=intent.carry_sell,
        refusal=None if volume else _held_already(intent, raw) if raw < 0 else _below_lot(intent, raw),
    )


def _sell(intent: Intent) -> Sized:
    free = max(intent.book - intent.selling, 0)
    today = max(min(free - intent.bought_today, intent.available), 0)
    wanted = Decimal(free) if intent.closes else _wanted(intent)
    if wanted is None:
        return _refused(intent, _no_figure(intent))
    carries = _carries(intent) and not intent.closes
    raw = wanted + (intent.carry_sell if carries else ZERO)
    wish = min(raw + _rides(intent, wanted, raw), Decimal(free))
    volume = sellable(min(wish, Decimal(today)), intent.available, intent.rule)
    if intent.exact and volume != intent.amount:
        volume = 0
    carry_buy, carry_sell = intent.carry_buy, intent.carry_sell
    if intent.closes:
        carry_buy = carry_sell = ZERO
    elif carries:
        # What the book does not hold was never bought: it is taken from the buys still owed.
        own = min(raw, Decimal(free))
        carry_buy = max(carry_buy - (raw - own), ZERO)
        # What rounding left over is carried; what T+1 forbids is not.
        could = sellable(wish, max(intent.available, free), intent.rule)
        carry_sell = max(own - max(could, volume), ZERO)
    return Sized(
        parts=split(volume, Side.SELL, intent.available, intent.rule),
        carry_buy=carry_buy,
        carry_sell=carry_sell,
        refusal=None if volume else _why_not_sold(intent, wish, free, today),
    )


def _why_not_sold(intent: Intent, wish: Decimal, free: int, today: int) -> Refusal:
    if free == 0:
        return Refusal(reason=Reason.NOTHING_TO_SELL, figures={"security": intent.security, "account": intent.account})
    if intent.exact and intent.amount <= today:
        return _odd_volume(intent)
    if not intent.exact and (wish <= today or wish < min(free, intent.rule.minimum)):
        return _below_lot(intent, wish)
    return Refusal(
        reason=Reason.NOT_SELLABLE_TODAY,
        figures={"security": intent.security, "book": str(intent.book), "available": str(today)},
    )


def _refused(intent: Intent, refusal: Refusal) -> Sized:
    return Sized(parts=(), carry_buy=intent.carry_buy, carry_sell=intent.carry_sell, refusal=refusal)


def _held_already(intent: Intent, wanted: Decimal) -> Refusal:
    """What too much was bought of before stands for this buy."""
    return Refusal(
        reason=Reason.HELD_ALREADY,
        figures={"security": intent.security, "excess": f"{-wanted.to_integral_value():f}"},
    )


def _below_lot(intent: Intent, wanted: Decimal) -> Refusal:
    shown = wanted.quantize(Decimal("0.01"), ROUND_DOWN).normalize()  # 99.999 is not 100
    return Refusal(
        reason=Reason.BELOW_LOT,
        figures={
            "wanted": f"{shown:f}",
            "side": intent.side,
            "side_zh": say(SIDES[intent.side], "zh"),
            "minimum": f"{intent.rule.minimum} {intent.rule.unit_zh}",
        },
    )


def _odd_volume(intent: Intent) -> Refusal:
    return Refusal(
        reason=Reason.ODD_VOLUME,
        figures={
            "security": intent.security,
            "volume": str(intent.amount),
            "side": intent.side,
            "side_zh": say(SIDES[intent.side], "zh"),
            "minimum": str(intent.rule.minimum),
            "step": str(intent.rule.step),
        },
    )


def _no_figure(intent: Intent) -> Refusal:
    if intent.mode is FollowMode.EQUITY:
        return Refusal(reason=Reason.NO_TOTAL_VALUE, figures={"account": intent.account})
    return Refusal(reason=Reason.NO_QUOTE, figures={"security": intent.security})
