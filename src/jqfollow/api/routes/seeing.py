"""Queries over days: results, the calendar, orders as a person looks for them, names, the log."""

import asyncio
from datetime import date, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from jqfollow import log_reading
from jqfollow.api import models, overview, views
from jqfollow.api import seeing_models as seen
from jqfollow.api.parts import Given, Parts
from jqfollow.api.routes.params import Account, Before, Day, ExchangeDay, Limit, StrategyName, page
from jqfollow.costs.standings import Span, Standing
from jqfollow.domain import OrderState
from jqfollow.ledger import Tx
from jqfollow.ledger.finding import Wanted
from jqfollow.market.securities import UnknownSecurityError, parse_security

_Search = Annotated[
    str,
    Query(
        max_length=80,
        description="代码、名称、订单编号、备注、聚宽委托编号 / code, name, number, remark, JoinQuant's id",
    ),
]
_Month = Annotated[ExchangeDay | None, Query(description="那个月里的任意一天 / any day of the month; empty: all")]
_State = Annotated[OrderState | None, Query(description="订单状态 / state")]
_CODE_DIGITS = 6
_MOST_DIGITS = 19
"""Of a number that the ledger can hold."""


router = APIRouter(prefix="/api", tags=["查询 / queries"])


@router.get("/results", summary="业绩 / results")
async def results(parts: Given) -> seen.ResultsView:
    """各策略当日、本周、全部的业绩，与各账户每日总资产 / each strategy's day, week and all; accounts over days."""

    def query(tx: Tx) -> seen.ResultsView:
        books = {(book.account, book.strategy) for book in tx.books.list()}
        books |= {(account, name) for name, of in parts.settings.strategies.items() for account in of.follow}
        days = {account: overview.day_of(parts, tx, account) for account in parts.settings.accounts}
        return seen.ResultsView(
            standings=[_standing(one) for one in parts.standings.read(tx, books, days)],
            accounts=[
                seen.AccountCurve(
                    account=name,
                    curve=[seen.CurvePoint(day=day, value=total) for day, total in tx.finding.totals(name)],
                )
                for name in parts.settings.accounts
            ],
        )

    return await parts.ledger.read(query)


@router.get("/days", summary="日历 / the calendar")
async def days(parts: Given, month: _Month = None) -> seen.DaysView:
    """一个月里有委托或成交的日子 / the days of a month with orders or fills."""
    first = date.min if month is None else month.replace(day=1)
    last = date.max if month is None else (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)

    def query(tx: Tx) -> seen.DaysView:
        found = [seen.DayView.model_validate(row, from_attributes=True) for row in tx.finding.days(first, last)]
        return seen.DaysView(first=tx.finding.first_day(), days=found)

    return await parts.ledger.read(query)


@router.get("/find", summary="找订单 / finds orders")
async def find(
    parts: Given,
    q: _Search = "",
    account: Account = None,
    strategy: StrategyName = None,
    day: Day = None,
    state: _State = None,
    limit: Limit = 100,
    before_id: Before = None,
) -> models.Page[models.OrderView]:
    """按文字、日期、账户、策略、状态，新的在前 / by text, day, account, strategy and state, newest first."""

    def query(tx: Tx) -> models.Page[models.OrderView]:
        securities, ids = _meant(tx, q.strip(), parts) if q.strip() else (None, None)
        wanted = Wanted(
            account=account, strategy=strategy, day=day, state=state, securities=securities, ids=ids,
            before_id=before_id,
        )  # fmt: skip
        unknown = {attempt.order_id for attempt in views.unknown_attempts(tx)}
        rows = tx.finding.orders(wanted, limit)
        return page(rows, limit, lambda row: row.order_id, lambda row: views.order_view(row, unknown))

    return await parts.ledger.read(query)


@router.get("/names", summary="证券名称 / what securities are called")
async def names(parts: Given) -> dict[str, str]:
    """券商告诉过的名称 / as brokers told, by code."""
    return await parts.ledger.read(lambda tx: tx.security_names.all())


@router.get("/log", summary="日志 / the log")
async def log(
    parts: Given,
    limit: Limit = 200,
    level: Literal["debug", "info", "warning", "error"] = "info",
    q: Annotated[str, Query(max_length=80, description="要含有的文字 / text to be found")] = "",
    day: Day = None,
) -> list[seen.LogLineView]:
    """新的在前；密钥不会出现 / newest first; no secret stands in it."""
    lines = await asyncio.to_thread(
        log_reading.newest,
        parts.settings.logs_dir,
        limit=limit,
        level=level,
        search=q,
        day=f"{day:%Y%m%d}" if day else "",
    )
    return [seen.LogLineView.model_validate(line, from_attributes=True) for line in lines]


def _meant(tx: Tx, text: str, parts: Parts) -> tuple[list[str], list[int]]:
    """The securities and orders that a text may mean."""
    folded = text.casefold()
    names = tx.security_names.all()
    securities = {symbol for symbol, name in names.items() if folded in name.casefold() or symbol.startswith(text)}
    try:
        securities.add(parse_security(text).symbol)
    except UnknownSecurityError:
        if text.isdigit() and len(text) == _CODE_DIGITS:
            securities |= {f"{text}.{exchange}" for exchange in ("SH", "SZ", "BJ")}
    number = text.removeprefix("#")
    is_code = number == text and len(text) == _CODE_DIGITS
    ids = [int(number)] if number.isascii() and number.isdigit() and not is_code and len(number) < _MOST_DIGITS else []
    return sorted(securities), ids + tx.finding.named(text, parts.settings.strategies)


def _span(span: Span) -> seen.SpanView:
    return seen.SpanView.model_validate(span, from_attributes=True)


def _standing(one: Standing) -> seen.StandingView:
    return seen.StandingView(
        account=one.account,
        strategy=one.strategy,
        last=one.last,
        floating=one.floating,
        day=_span(one.day),
        week=_span(one.week),
        all=_span(one.all),
        curve=[seen.CurvePoint(day=day.day, value=day.total) for day in one.days],
    )
