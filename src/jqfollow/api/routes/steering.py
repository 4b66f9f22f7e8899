"""What a person does to many orders at once, to messages, and who did what."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.exceptions import HTTPException

from jqfollow.accounting.closing_out import Outlook, Scope
from jqfollow.api import models, views
from jqfollow.api import seeing_models as seen
from jqfollow.api.body import StrictRoute
from jqfollow.api.parts import Given, GivenClosingOut
from jqfollow.api.requests import CloseIn, ScopeIn
from jqfollow.api.routes.params import Account, Before, Limit, StrategyName, Who, page
from jqfollow.ledger import Tx
from jqfollow.ledger.deeds import What
from jqfollow.ledger.rows import OutboxRow

_MessageId = Annotated[int, Path(ge=1, le=2**63 - 1, description="通知编号 / a message's number")]


router = APIRouter(prefix="/api", tags=["操作 / actions"], route_class=StrictRoute)


@router.get("/deeds", summary="操作记录 / what people did")
async def deeds(parts: Given, limit: Limit = 100, before_id: Before = None) -> models.Page[seen.DeedView]:
    """谁、何时、做了什么，新的在前 / who, when and what, newest first."""
    rows = await parts.ledger.read(lambda tx: tx.deeds.list(limit=limit, before_id=before_id))
    return page(
        rows, limit, lambda row: row.deed_id, lambda row: seen.DeedView.model_validate(row, from_attributes=True)
    )


@router.get("/messages", summary="通知 / notifications")
async def messages(parts: Given, limit: Limit = 100) -> list[seen.MessageView]:
    """发出的、待发的、没发成的，新的在前 / sent, waiting and given up, newest first."""
    return [_message(row) for row in await parts.ledger.read(lambda tx: tx.outbox.list(limit))]


@router.post("/messages/{outbox_id}/resend", summary="重发通知 / sends a message again")
async def resend(parts: Given, outbox_id: _MessageId, who: Who) -> seen.MessageView:
    """原文再发一次，另记一条 / the same text once more, as a message of its own."""
    now = parts.clock.now()

    def act(tx: Tx) -> OutboxRow | None:
        row = tx.outbox.get(outbox_id)
        if row is None:
            return None
        tx.outbox.put(row.kind, row.text, now)
        tx.deeds.add(now, who, What.RESEND, detail=f"#{outbox_id}")
        return tx.outbox.list(1)[0]

    row = await parts.ledger.write(act)
    if row is None:
        raise HTTPException(404, f"没有通知 {outbox_id} / there is no message {outbox_id}")
    parts.told()
    return _message(row)


@router.get("/close", summary="清仓会做什么 / what closing out would do")
async def look(
    closing_out: GivenClosingOut, strategy: StrategyName = None, account: Account = None
) -> seen.OutlookView:
    """只看，不做 / to look is to do nothing."""
    return _outlook(await closing_out.look(Scope(strategy=strategy, account=account)))


@router.post("/close", summary="清仓 / closes everything out")
async def close(closing_out: GivenClosingOut, asked: CloseIn, who: Who) -> list[models.OrderView]:
    """先暂停、撤单，再卖出策略持仓（不动你自己的）；同一个 key 只做一次 / pauses, cancels, sells books; once."""
    scope = Scope(strategy=asked.strategy, account=asked.account)
    orders = await closing_out.close(scope, confirm=asked.confirm, key=asked.key, who=who)
    return [views.order_view(order, ()) for order in orders]


@router.post("/cancel-all", summary="全部撤单 / cancels all open orders")
async def cancel_all(closing_out: GivenClosingOut, asked: ScopeIn, who: Who) -> seen.CanceledView:
    """结束范围内全部未完成的订单，不再追单 / ends every open order of the scope; no further attempt."""
    scope = Scope(strategy=asked.strategy, account=asked.account)
    return seen.CanceledView(canceled=await closing_out.cancel_all(scope, who=who))


def _outlook(outlook: Outlook) -> seen.OutlookView:
    return seen.OutlookView(
        accounts=list(outlook.accounts),
        confirm=outlook.confirm,
        held=[seen.HeldView.model_validate(held, from_attributes=True) for held in outlook.held],
        to_cancel=outlook.to_cancel,
        opens_at=dict(outlook.opens_at),
        down={name: f"{zh} / {en}" for name, (zh, en) in outlook.down.items()},
    )


def _message(row: OutboxRow) -> seen.MessageView:
    return seen.MessageView.model_validate(row, from_attributes=True)
