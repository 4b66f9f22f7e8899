"""How figures, times and reasons are written for people."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from jqfollow.cli.base import lang, words
from jqfollow.domain import SignalKind
from jqfollow.ledger.rows import OrderRow, SignalRow
from jqfollow.reasons import Reason, Refusal
from jqfollow.vocabulary import HANDLED, OUTCOMES, WAITING, Outcome, Pair, name, order_outcome, say, signal_outcome


def why(reason: Reason | None, figures: Mapping[str, str]) -> str:
    """The sentence of a reason in the language of the output; "" without one."""
    return "" if reason is None else Refusal(reason=reason, figures=figures).text(lang())


def number(value: Decimal | int | None) -> str:
    """A figure for people; "" when there is none."""
    if value is None:
        return ""
    text = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def moment(at: datetime) -> str:
    """A time for people."""
    return f"{at:%m-%d %H:%M:%S}"


def word(words_of: dict[str, Pair], code: str) -> str:
    """The word of a state, side or kind in the language of the output."""
    return name(words_of, code, lang())


def waiting(value: str | None) -> str:
    """What an order waits for, in brackets; "" when it does not wait."""
    return "" if value is None else words("（{}）", " ({})").format(word(WAITING, value))


def outcome(signal: SignalRow, orders: Sequence[OrderRow]) -> str:
    """What became of a signal; of a message that is no order, that it was taken note of."""
    became = signal_outcome(signal.state, [order_outcome(order.state, order.filled) for order in orders])
    if signal.kind is not SignalKind.ORDER and became is not Outcome.UNDER_WAY:
        return say(HANDLED, lang())
    return word(OUTCOMES, became)
