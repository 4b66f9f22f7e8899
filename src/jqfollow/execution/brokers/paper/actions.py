"""Corporate actions in a practice account: what an exchange and a depository would do, out of the file kept by hand."""

from dataclasses import replace
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path

import structlog

from jqfollow.corporate.factors import Factor
from jqfollow.corporate.handkept import FILE_NAME, ActionsFileError, load_actions
from jqfollow.corporate.matching import arrives
from jqfollow.domain import Side
from jqfollow.execution.brokers.paper.account import Holding, Market, PaperAccount
from jqfollow.execution.brokers.paper.codes import find
from jqfollow.execution.brokers.paper.facts import Fact, HoldingSet, MarketSet, MoneySet
from jqfollow.market.calendar import TradingCalendar
from jqfollow.market.prices import round_to_tick, tick

_log = structlog.get_logger(__name__)


def facts_of_day(folder: Path, account: PaperAccount, day: date, calendar: TradingCalendar) -> list[Fact]:
    """What the actions between the account's day and `day` change, as `day` begins; nothing by a file with nonsense.

    Bonus shares and cash go to who held when the ex day began. In Shanghai they come a day later, also to who has sold
    on the ex day. The previous close of the ex day is that of before, less what was given.
    """
    try:
        factors = [factor for factor in load_actions(folder / FILE_NAME) if factor.moves]
    except ActionsFileError as error:
        _log.warning("paper.no_corporate_actions", error=str(error))
        return []
    holdings, money = dict(account.holdings), account.money
    found: list[Fact] = []
    for factor in factors:
        if account.day < factor.day <= day and (market := account.markets.get(factor.security)) is not None:
            found += _ex_day(factor, market, day)
        if account.day < arrives(factor, calendar) <= day:
            held = holdings.get(factor.security, Holding(volume=0, bought_today=0, cost=Decimal(0)))
            entitled = held.volume - (_traded(account, factor.security) if account.day == factor.day else 0)
            if entitled <= 0:
                continue
            given = int((entitled * factor.shares).to_integral_value(ROUND_FLOOR)) - entitled
            holdings[factor.security] = replace(held, volume=held.volume + given, bought_today=0)
            found.append(HoldingSet(symbol=factor.security, holding=holdings[factor.security]))
            money += entitled * factor.cash
    return [*found, MoneySet(money=money)] if money != account.money else found


def _traded(account: PaperAccount, symbol: str) -> int:
    """What the day's fills changed of a holding, sells negative."""
    fills = [fill for fill in account.fills if fill.symbol == symbol]
    return sum(fill.volume if fill.side is Side.BUY else -fill.volume for fill in fills)


def _ex_day(factor: Factor, market: Market, day: date) -> list[Fact]:
    security = find(factor.security)
    if security is None:
        return []
    close = round_to_tick(factor.reference(market.last), tick(security))
    if close <= 0:
        return []
    begun = replace(market, day=day, prev_close=close, last=close, open=None, bid=None, ask=None)
    return [MarketSet(symbol=factor.security, market=begun)]
