"""Queries: what came, and what was done about it."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.exceptions import HTTPException

from jqfollow.api import models, views
from jqfollow.api.parts import Given
from jqfollow.api.routes.params import (
    Account,
    Before,
    Day,
    Limit,
    OfSignal,
    OrderId,
    Security,
    StrategyName,
    page,
    symbol_of,
)
from jqfollow.domain import OrderState, SignalKind
from jqfollow.ledger import Tx

router = APIRouter(prefix="/api", tags=["查询 / queries"])


@router.get("/signals", summary="信号 / signals")
async def signals(
    parts: Given,
    strategy: StrategyName = None,
    day: Day = None,
    kind: SignalKind | None = None,
    limit: Limit = 100,
    before_id: Before = None,
) -> models.Page[models.SignalView]:
    """收到的消息与由它而来的订单 / messages, each with its orders. `day`: 收到的日子 / when received."""

    def query(tx: Tx) -> models.Page[models.SignalView]:
        rows = tx.signals.list(strategy=strategy, day=day, kind=kind, limit=limit, before_id=before_id)
        unknown = {attempt.order_id for attempt in views.unknown_attempts(tx)}
        return page(
            rows,
            limit,
            lambda row: row.signal_id,
            lambda row: views.signal_view(row, tx.orders.of_signal(row.signal_id), unknown),
        )

    return await parts.ledger.read(query)


@router.get("/orders", summary="订单 / orders")
async def orders(
    parts: Given,
    account: Account = None,
    strategy: StrategyName = None,
    security: Security = None,
    day: Day = None,
    state: Annotated[
        OrderState | None, Query(description="订单状态（FIX）/ FIX order state", examples=["filled"])
    ] = None,
    signal_id: OfSignal = None,
    limit: Limit = 100,
    before_id: Before = None,
) -> models.Page[models.OrderView]:
    """`day`: 账户的交易日 / the account's trading day."""
    symbol = symbol_of(security)

    def query(tx: Tx) -> models.Page[models.OrderView]:
        rows = tx.orders.list(
            account=account,
            strategy=strategy,
            security=symbol,
            day=day,
            state=state,
            signal_id=signal_id,
            limit=limit,
            before_id=before_id,
        )
        unknown = {attempt.order_id for attempt in views.unknown_attempts(tx)}
        return page(rows, limit, lambda row: row.order_id, lambda row: views.order_view(row, unknown))

    return await parts.ledger.read(query)


@router.get("/orders/open", summary="未结束的订单 / open orders")
async def open_orders(parts: Given, account: Account = None) -> models.Page[models.OrderView]:
    """全部未结束的订单，新的在前 / all orders that have not ended, newest first."""

    def query(tx: Tx) -> models.Page[models.OrderView]:
        unknown = {attempt.order_id for attempt in views.unknown_attempts(tx)}
        return models.Page(items=[views.order_view(row, unknown) for row in reversed(tx.orders.open(account))])

    return await parts.ledger.read(query)


@router.get(
    "/orders/{order_id}",
    summary="订单详情 / one order",
    responses={404: models.problem_for("没有这个订单 / there is no such order", defined=True)},
)
async def order(parts: Given, order_id: OrderId) -> models.OrderDetail:
    """来龙去脉：信号、每条规则的结论、委托、成交、历史 / signal, verdicts, attempts, fills, history."""

    def query(tx: Tx) -> models.OrderDetail | None:
        row = tx.orders.get(order_id)
        return None if row is None else views.order_detail(tx, row)

    found = await parts.ledger.read(query)
    if found is None:
        raise HTTPException(404, f"没有订单 {order_id} / there is no order {order_id}")
    return found
