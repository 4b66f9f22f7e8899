"""How much an account shall buy or sell because of a signal. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from jqfollow.domain import Side
from jqfollow.market.lots import LotRule, buyable, sellable, split
from jqfollow.reasons import Reason, Refusal
from jqfollow.settings import FollowMode

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
            return intent.figure / intent.total_value * intent.amount if intent.total_value else None


def _carries(intent: Intent) -> bool:
    """Yuan or shares an order are whole wishes each; only a proportion leaves something over."""
    return not intent.exact and intent.mode in {FollowMode.RATIO, FollowMode.EQUITY}


def _buy(intent: Intent) -> Sized:
    wanted = _wanted(intent)
    if wanted is None:
        return _refused(intent, _no_figure(intent))
    if intent.exact and buyable(intent.amount, intent.rule) != intent.amount:
        return _refused(intent, _below_lot(intent, wanted))
    raw = wanted + (intent.carry_buy if _carries(intent) else ZERO)
    volume = buyable(raw, intent.rule)
    carry = raw - volume if _carries(intent) else intent.carry_buy
    if volume == 0:
        return Sized(parts=(), carry_buy=carry, carry_sell=intent.carry_sell, refusal=_below_lot(intent, raw))
    return Sized(
        parts=split(volume, Side.BUY, intent.available, intent.rule), carry_buy=carry, carry_sell=intent.carry_sell
    )


def _sell(intent: Intent) -> Sized:
    free = intent.book - intent.selling
    if free <= 0:
        nothing = Refusal(
            reason=Reason.NOTHING_TO_SELL, figures={"security": intent.security, "account": intent.account}
        )
        return _refused(intent, nothing, closed=intent.closes)
    today = min(free, intent.book - intent.bought_today - intent.selling, intent.available)
    if today <= 0:
        return _refused(intent, _not_today(intent, today), closed=intent.closes)
    wanted = Decimal(free) if intent.closes else _wanted(intent)
    if wanted is None:
        return _refused(intent, _no_figure(intent))
    carries = _carries(intent) and not intent.closes
    raw = wanted + (intent.carry_sell if carries else ZERO)
    volume = sellable(min(raw, Decimal(today)), intent.available, intent.rule)
    if intent.exact and volume != intent.amount:
        return _refused(intent, _not_today(intent, today) if intent.amount > today else _below_lot(intent, wanted))
    carry_buy = ZERO if intent.closes else intent.carry_buy
    carry = intent.carry_sell
    if intent.closes:
        carry = ZERO
    elif carries:
        # What rounding left over is carried; what the book does not hold, or T+1 forbids, is not.
        carry = raw - volume if raw <= today else ZERO
    if volume == 0:
        refusal = _below_lot(intent, raw) if raw <= today or today == free else _not_today(intent, today)
        return Sized(parts=(), carry_buy=carry_buy, carry_sell=carry, refusal=refusal)
    return Sized(parts=split(volume, Side.SELL, intent.available, intent.rule), carry_buy=carry_buy, carry_sell=carry)


def _refused(intent: Intent, refusal: Refusal, *, closed: bool = False) -> Sized:
    if closed:
        return Sized(parts=(), carry_buy=ZERO, carry_sell=ZERO, refusal=refusal)
    return Sized(parts=(), carry_buy=intent.carry_buy, carry_sell=intent.carry_sell, refusal=refusal)


def _below_lot(intent: Intent, wanted: Decimal) -> Refusal:
    return Refusal(
        reason=Reason.BELOW_LOT,
        figures={
            "wanted": f"{wanted.quantize(Decimal('0.01')).normalize():f}",
            "side": intent.side,
            "side_zh": "买" if intent.side is Side.BUY else "卖",
            "minimum": f"{intent.rule.minimum} {intent.rule.unit_zh}",
        },
    )


def _not_today(intent: Intent, today: int) -> Refusal:
    return Refusal(
        reason=Reason.NOT_SELLABLE_TODAY,
        figures={"security": intent.security, "book": str(intent.book), "available": str(max(today, 0))},
    )


def _no_figure(intent: Intent) -> Refusal:
    return Refusal(reason=Reason.NO_QUOTE, figures={"security": intent.security})
