"""What the queries share: their filters and their pages."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, TypeVar
from urllib.parse import unquote

from fastapi import Depends, Header, Path, Query
from fastapi.exceptions import HTTPException
from pydantic import Field

from jqfollow.api import models
from jqfollow.clock import FIRST_DAY, LAST_DAY
from jqfollow.market.securities import UnknownSecurityError, parse_security

Limit = Annotated[int, Query(ge=1, le=500, description="最多几条 / how many at most")]
_MOST_NUMBER = 2**63 - 1
"""The largest that the ledger can hold."""
Before = Annotated[
    int | None, Query(ge=1, le=_MOST_NUMBER, description="只要编号更小的：翻页 / only smaller numbers: paging")
]
OrderId = Annotated[int, Path(ge=1, le=_MOST_NUMBER, description="订单编号 / an order's number")]
OfOrder = Annotated[int | None, Query(ge=1, le=_MOST_NUMBER, description="只要这个订单的 / of this order only")]
OfSignal = Annotated[int | None, Query(ge=1, le=_MOST_NUMBER, description="只要这个信号的 / of this signal only")]
Account = Annotated[str | None, Query(max_length=64, description="账户 / account")]
StrategyName = Annotated[str | None, Query(max_length=64, description="策略 / strategy")]
Security = Annotated[str | None, Query(max_length=32, description="000001.XSHE, 000001.SZ, …")]
ExchangeDay = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
Day = Annotated[ExchangeDay | None, Query(description="日期 / day, 2026-01-05")]

_LONGEST_NAME = 64


def _who(
    jqfollow_who: Annotated[
        str, Header(max_length=600, description="谁，百分号编码 / who does it, percent-encoded; kept in the history")
    ] = "",
) -> str:
    """The name that a deed is kept under."""
    told = " ".join(unquote(jqfollow_who).split())[:_LONGEST_NAME]
    return told if told.isprintable() and told else "console"


Who = Annotated[str, Depends(_who)]

Row = TypeVar("Row")
Item = TypeVar("Item")


def page(
    rows: Sequence[Row], limit: int, number: Callable[[Row], int], view: Callable[[Row], Item]
) -> models.Page[Item]:
    """One page of `rows`, which were asked for with `limit`."""
    more = number(rows[-1]) if len(rows) == limit else None
    return models.Page(items=[view(row) for row in rows], next_before_id=more)


def symbol_of(security: str | None) -> str | None:
    """The symbol of any accepted spelling; 422 when it names nothing."""
    if security is None:
        return None
    try:
        return parse_security(security).symbol
    except UnknownSecurityError as error:
        raise HTTPException(422, f"security: {error}") from error
