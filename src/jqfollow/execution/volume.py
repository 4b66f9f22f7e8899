"""How much of an order goes out now, and what of it is owed to the next day. Pure."""

from dataclasses import replace
from decimal import Decimal

from jqfollow.domain import (
    MANUAL_RUN,
    Side,
)
from jqfollow.execution.known import Known, Market
from jqfollow.execution.papers import Papers
from jqfollow.execution.pricing import market_price
from jqfollow.execution.sizing import Intent, Sized, size
from jqfollow.ledger.rows import OrderRow
from jqfollow.market.fees import fee
from jqfollow.market.lots import MOST, LotRule, buyable, lot_rule, sellable
from jqfollow.market.securities import Security, UnknownSecurityError, parse_security
from jqfollow.market.settlement import proves_same_day, settles_same_day
from jqfollow.reasons import Reason, Refusal
from jqfollow.settings import FollowMode


def how_much(known: Known, security: Security, market: Market) -> Sized:
    """The volume of the next attempt: of a first one by the order's terms, later what is left."""
    order, papers, terms = known.order, known.papers, known.order.terms
    rule = lot_rule(security, known.account.trading_day)
    if order.sized or terms.mode is None or terms.figure is None:
        return _rest(papers, rule, market.available)
    others = papers.others
    here = market_price(market.quote, order.side) if market.quote else None
    carry_buy, carry_sell = papers.carry
    today = 0 if sold_the_same_day(known, security, market) else max(papers.bought_today - others.brought_later, 0)
    return size(
        Intent(
            security=order.security,
            account=order.account,
            side=order.side,
            amount=terms.amount,
            mode=terms.mode,
            figure=terms.figure,
            price=here or terms.reference,
            total_value=terms.total_value,
            held_before=terms.held_before,
            exact=known.manual,
            closes=order.closes,
            book=papers.own_book,
            selling=others.selling,
            bought_today=today,
            available=market.available,
            carry_buy=carry_buy,
            carry_sell=carry_sell,
            owed=papers.owed,
            rule=rule,
        )
    )


def _rest(papers: Papers, rule: LotRule, available: int) -> Sized:
    """What is left of an order that was placed before."""
    order = papers.order
    left = papers.left
    volume = buyable(left, rule) if order.side is Side.BUY else sellable(left, available, rule)
    refusal = None
    if not volume:
        short = order.side is Side.SELL and available < left
        figures = {
            "wanted": str(left),
            "side": order.side.value,
            "side_zh": "买" if order.side is Side.BUY else "卖",
            "minimum": str(rule.minimum),
            "security": order.security,
            "book": str(papers.book.volume),
            "available": str(available),
        }
        refusal = Refusal(reason=Reason.NOT_SELLABLE_TODAY if short else Reason.BELOW_LOT, figures=figures)
    carry_buy, carry_sell = papers.carry
    return Sized(
        parts=(volume,) if volume else (),
        carry_buy=carry_buy,
        carry_sell=carry_sell,
        refusal=refusal,
    )


def carries(order: OrderRow) -> bool:
    """Whether what rounding leaves over is carried on: of a proportion, not of whole wishes."""
    return order.terms.run != MANUAL_RUN and order.terms.mode in {FollowMode.RATIO, FollowMode.EQUITY}


def payable(volume: int, price: Decimal, cash: Decimal, security: Security, rule: LotRule) -> int:
    """How much of a buy of `volume` `cash` pays at `price`, fees included; in what the board lets be bought."""
    most = buyable(min(Decimal(volume), max(cash, Decimal(0)) / price), rule)
    while most > 0 and most * price + fee(security, Side.BUY, most, price) > cash:
        most = buyable(most - rule.step, rule)
    return most


def sold_the_same_day(known: Known, security: Security, market: Market) -> bool:
    """Whether what was bought today can be sold today, by its code or by what the broker shows."""
    return settles_same_day(security) or proves_same_day(security, market.available, known.papers.from_before)


def owed(known: Known, security: Security, market: Market, sized: Sized) -> int:
    """What of an exit, or of a fund's sale, was bought today and cannot be sold before the next day."""
    order, papers = known.order, known.papers
    if order.side is Side.BUY or order.sized or known.manual or not (order.closes or security.is_fund):
        return 0
    if sold_the_same_day(known, security, market):
        return 0
    locked = replace(papers, bought_today=0, from_before=None)
    whole = how_much(replace(known, papers=locked), security, replace(market, available=MOST)).volume
    return min(max(whole - sized.volume, 0), max(papers.bought_today - papers.others.brought_later, 0))


def short_of_shares(known: Known, security: Security, market: Market, sized: Sized) -> bool:
    """Whether a sell would be larger if the broker let all be sold that the book says can be."""
    if known.order.side is Side.BUY:
        return False
    return how_much(known, security, replace(market, available=MOST)).volume > sized.volume


def security_of(symbol: str) -> tuple[Security | None, UnknownSecurityError | None]:
    """The security of a symbol, or why it is none."""
    try:
        return parse_security(symbol), None
    except UnknownSecurityError as error:
        return None, error
