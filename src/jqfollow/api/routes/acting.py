"""What a person can do: place, cancel, settle, pause, resume."""

from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.exceptions import HTTPException

from jqfollow.api import models, overview, views
from jqfollow.api.body import StrictRoute
from jqfollow.api.deeds import note
from jqfollow.api.once import ReusedKeyError
from jqfollow.api.parts import Given, Parts
from jqfollow.api.requests import ManualOrderIn, PauseIn, SettlementIn
from jqfollow.api.routes.params import OrderId, Who
from jqfollow.domain import ManualOrder, ManualOrderError, Settlement
from jqfollow.ledger import Tx
from jqfollow.ledger.deeds import What
from jqfollow.ledger.rows import OrderRow
from jqfollow.settings import RealAccount

IdempotencyKey = Annotated[
    str | None,
    Header(max_length=80, description="同一个值只下一次单 / requests with the same value place one order"),
]


router = APIRouter(prefix="/api", tags=["操作 / actions"], route_class=StrictRoute)


@router.post("/orders", summary="手动下单 / place a manual order")
async def place(
    parts: Given, order: ManualOrderIn, who: Who, idempotency_key: IdempotencyKey = None
) -> list[models.OrderView]:
    """与信号走同样的风控与执行；实盘账户须填 confirm / treated like a signal; a real account wants `confirm`."""
    _check(parts, order)
    wanted = ManualOrder(**order.model_dump(), key=idempotency_key)
    try:
        rows = await parts.once.run(idempotency_key, wanted, lambda: parts.desk.place_manual(wanted))
    except ReusedKeyError:
        raise HTTPException(
            409, "Idempotency-Key 已用于另一笔下单 / this Idempotency-Key belongs to another order"
        ) from None
    detail = " ".join(f"#{row.order_id}" for row in rows) + f" {order.side} {order.security} {order.volume}"
    await note(parts, who, What.PLACE, strategy=order.strategy, account=order.account, detail=detail)
    return [await _shown(parts, row) for row in rows]


@router.get("/preview", summary="下单之前看一眼 / before an order is placed")
async def preview(parts: Given, account: str, security: str) -> models.PreviewView:
    """名称、现价、涨跌停、账户资金 / name, last price, the day's limits, the account's money."""
    told = await parts.desk.preview(account, security)
    return models.PreviewView.model_validate(told, from_attributes=True)


@router.post("/orders/{order_id}/cancel", summary="撤单 / cancel")
async def cancel(parts: Given, order_id: OrderId, who: Who) -> models.OrderView:
    """请求结束一个未完成的订单，不再追单 / asks for the end of an open order; no further attempt."""
    row = await parts.desk.cancel(order_id)
    await note(parts, who, What.CANCEL, strategy=row.strategy, account=row.account, detail=f"#{order_id}")
    return await _shown(parts, row)


@router.post("/orders/{order_id}/settle", summary="核对结果未知的委托 / settle an unknown outcome")
async def settle(parts: Given, order_id: OrderId, settlement: SettlementIn, who: Who) -> models.OrderView:
    """先在券商客户端核对，再在这里填写 / look it up in the broker's own program first, then say what you found."""
    row = await parts.desk.settle(order_id, Settlement(**settlement.model_dump()))
    detail = f"#{order_id} {settlement.outcome}"
    await note(parts, who, What.SETTLE, strategy=row.strategy, account=row.account, detail=detail)
    return await _shown(parts, row)


@router.post("/pause", summary="暂停跟单 / pause")
async def pause(parts: Given, scope: PauseIn, who: Who) -> models.PausesView:
    """停止新下单（已在券商的委托不受影响）/ stops new orders; what is at the broker stays."""
    _check_scope(parts, scope)
    now = parts.clock.now()

    def act(tx: Tx) -> models.PausesView:
        tx.pauses.pause(scope.strategy, scope.account, now, buys=scope.buys)
        what = What.PAUSE_BUYS if scope.buys else What.PAUSE
        tx.deeds.add(now, who, what, strategy=scope.strategy, account=scope.account)
        return models.PausesView(pauses=overview.pause_views(tx.pauses.list()))

    return await parts.ledger.write(act)


@router.post("/resume", summary="恢复跟单 / resume")
async def resume(parts: Given, scope: PauseIn, who: Who) -> models.PausesView:
    """不填则解除全部暂停 / without a scope all pauses end."""
    _check_scope(parts, scope)
    now = parts.clock.now()

    def act(tx: Tx) -> models.PausesView:
        tx.deeds.add(now, who, What.RESUME, strategy=scope.strategy, account=scope.account)
        tx.pauses.resume(scope.strategy, scope.account)
        return models.PausesView(pauses=overview.pause_views(tx.pauses.list()))

    return await parts.ledger.write(act)


def _check(parts: Parts, order: ManualOrderIn) -> None:
    _check_scope(parts, PauseIn(strategy=order.strategy, account=order.account))
    account = parts.settings.accounts[order.account]
    if isinstance(account, RealAccount) and order.confirm != account.account_id:
        raise ManualOrderError(
            f"{order.account} 是实盘账户：请在 confirm 中填写它的资金账号",
            f"{order.account} is a real account: put its account id into confirm",
        )


def _check_scope(parts: Parts, scope: PauseIn) -> None:
    for kind, name, known in (
        ("strategy", scope.strategy, parts.settings.strategies),
        ("account", scope.account, parts.settings.accounts),
    ):
        if name and name not in known:
            names = ", ".join(known) or "-"
            raise HTTPException(422, f"{kind}: 没有 {name!r}，可用：{names} / unknown; known are {names}")


async def _shown(parts: Parts, row: OrderRow) -> models.OrderView:
    unknown = await parts.ledger.read(views.unknown_attempts)
    return views.order_view(row, {attempt.order_id for attempt in unknown})
