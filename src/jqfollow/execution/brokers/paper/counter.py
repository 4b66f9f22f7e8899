"""The counter: may this order be taken? If not, in the words that people know from their terminals.

The order of the checks is that of a counter: the security, the hour, the volume, the price, then money and shares.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from jqfollow.domain import Board, Instrument, Phase, PlaceRequest, Quote, Side
from jqfollow.market.fees import fee
from jqfollow.market.lots import LotRule, lot_rule, valid_buy, valid_sell
from jqfollow.market.prices import MOST, cage_bound, floor_to_tick
from jqfollow.market.securities import Security

TAKES_ORDERS = frozenset(Phase) - {Phase.CLOSED, Phase.AFTER_HOURS}
"""The practice counter holds what comes in the pause 9:25-9:30 and at lunch until trading goes on."""
_CAGED = frozenset({Phase.CONTINUOUS, Phase.PRE_OPEN, Phase.LUNCH})
"""What is held is judged by the book on which trading goes on."""
_RISK_WARNING_MOST = {Board.BSE: 200_000, Board.STAR: None}
_RISK_WARNING_MOST_ELSEWHERE = 500_000
_REMARK_BYTES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the counter looks at besides the order."""

    day: date
    phase: Phase
    quote: Quote
    instrument: Instrument
    cash: Decimal
    available: int
    """What can be sold now."""
    unsettled: int
    """What of the holding was bought today and cannot be sold."""
    bought_today: int
    """Bought today and being bought."""


def words(code: int, what: str, **figures: object) -> str:
    """A refusal as a counter words it."""
    tail = ",".join(f"{name}={value}" for name, value in figures.items())
    return f"[COUNTER][{code}][{what}]" + (f"[{tail}]" if tail else "")


def unknown(symbol: str) -> str:
    """Refuses a code that is not traded here."""
    return words(110001, "证券代码不存在", 证券代码=symbol)


def refusal(request: PlaceRequest, security: Security, books: Books) -> str | None:
    """Why `request` is not taken; `None`: it is."""
    return next(_refusals(request, security, books), None)


def remark(text: str) -> str:
    """What a counter keeps of a remark: 24 bytes, the rest is dropped silently."""
    return text.encode("utf-8", "ignore")[:_REMARK_BYTES].decode("utf-8", "ignore")


def readable(request: PlaceRequest) -> bool:
    """Whether its figures can be written down, so that it can be named before it is refused."""
    return request.price.is_finite() and abs(request.volume) <= MOST


def reserve(request: PlaceRequest, security: Security) -> Decimal:
    """The most that a buy's fees can come to, yuan; nothing is kept back for a sell."""
    return fee(security, request.side, request.volume, request.price) if request.side is Side.BUY else Decimal(0)


def _refusals(request: PlaceRequest, security: Security, books: Books) -> Iterator[str]:
    if books.instrument.suspended or books.quote.suspended:
        yield words(110012, "证券停牌，不允许委托", 证券代码=request.symbol)
    if books.phase not in TAKES_ORDERS:
        yield words(110020, "当前时间不允许委托", 阶段=books.phase)
    yield from _volume(request, lot_rule(security, books.day), books)
    yield from _risk_warning(request, security, books)
    yield from _price(request, security, books)
    yield from _means(request, security, books)


def _volume(request: PlaceRequest, rule: LotRule, books: Books) -> Iterator[str]:
    volume = request.volume
    if volume <= 0:
        yield words(130001, "委托数量必须大于零", 委托数量=volume)
    if volume > rule.max_limit:
        yield words(130011, "委托数量超过单笔上限", 委托数量=volume, 上限=rule.max_limit)
    if request.side is Side.BUY:
        if not valid_buy(volume, rule):
            yield words(130010, "委托数量不符合交易单位", 委托数量=volume, 最少=rule.minimum, 递增=rule.step)
        return
    if volume > books.available:
        more = {"当日买入不可卖": books.unsettled} if books.unsettled else {}
        yield words(120141, "证券可用数量不足", 需要=volume, 可用=max(books.available, 0), **more)
    if not valid_sell(volume, books.available, rule):
        yield words(130012, "卖出委托不符合交易单位，零股须一次性卖出", 委托数量=volume, 持仓=books.available)


def _risk_warning(request: PlaceRequest, security: Security, books: Books) -> Iterator[str]:
    """One account buys at most 500,000 a day of one ST stock, 200,000 on the BSE (market-rules: Quantity)."""
    if not books.instrument.risk_warning or request.side is Side.SELL or security.is_fund or security.is_bond:
        return
    most = _RISK_WARNING_MOST.get(security.board, _RISK_WARNING_MOST_ELSEWHERE)
    if most is not None and books.bought_today + request.volume > most:
        yield words(130020, "风险警示股票当日买入数量超限", 当日已买=books.bought_today, 上限=most)


def _price(request: PlaceRequest, security: Security, books: Books) -> Iterator[str]:
    price, facts = request.price, books.instrument
    if not price.is_finite() or not 0 < price <= MOST:
        yield words(140000, "委托价格无效", 委托价格=price)
    if floor_to_tick(price, facts.tick) != price:
        yield words(140003, "委托价格不符合最小变动价位", 委托价格=price, 最小变动=facts.tick)
    if facts.limit_up is not None and price > facts.limit_up:
        yield words(140001, "委托价格超过涨停价", 委托价格=price, 涨停价=facts.limit_up)
    if facts.limit_down is not None and price < facts.limit_down:
        yield words(140002, "委托价格低于跌停价", 委托价格=price, 跌停价=facts.limit_down)
    bound = cage_bound(request.side, security, books.quote, facts.tick) if books.phase in _CAGED else None
    if bound is not None and (price > bound if request.side is Side.BUY else price < bound):
        yield words(140005, "委托价格超出有效申报价格范围", 委托价格=price, 边界=bound)


def _means(request: PlaceRequest, security: Security, books: Books) -> Iterator[str]:
    if request.side is Side.SELL:
        return
    needed = request.volume * request.price + reserve(request, security)
    if needed > books.cash:
        yield words(120131, "可用资金不足", 需要=needed, 可用=books.cash)
