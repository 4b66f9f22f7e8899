"""Queries: how things stand, what is held, what was filled and decided."""

from fastapi import APIRouter

from jqfollow.api import models, overview, views
from jqfollow.api.parts import Given
from jqfollow.api.routes.params import Account, Before, Day, Limit, OfOrder, Security, StrategyName, page, symbol_of

router = APIRouter(prefix="/api", tags=["查询 / queries"])


@router.get("/status", summary="状态 / status")
async def status(parts: Given) -> models.StatusView:
    """服务、账户、策略、暂停、结果未知的委托 / service, accounts, strategies, pauses, unknown outcomes."""
    beside = overview.in_memory(parts)
    parts.changes.shown(beside.mark)
    return await overview.status(parts, beside)


@router.get("/accounts", summary="账户 / accounts")
async def accounts(parts: Given) -> list[models.AccountView]:
    """连接状态、资金（最近快照）、今日委托数 / connection, money by the latest snapshot, today's counts."""
    return await parts.ledger.read(lambda tx: overview.accounts(parts, parts.intake.account_states(), tx))


@router.get("/positions", summary="持仓 / positions")
async def positions(parts: Given, account: Account = None, strategy: StrategyName = None) -> models.PositionsView:
    """策略账（成交之和）与券商账（最近快照）/ the strategies' books, and the brokers' latest snapshots."""
    return await parts.ledger.read(lambda tx: overview.positions(parts, tx, account=account, strategy=strategy))


@router.get("/fills", summary="成交 / fills")
async def fills(
    parts: Given,
    account: Account = None,
    strategy: StrategyName = None,
    security: Security = None,
    day: Day = None,
    limit: Limit = 100,
    before_id: Before = None,
) -> models.Page[models.FillView]:
    """`day`: 账户的交易日 / the account's trading day."""
    symbol = symbol_of(security)
    rows = await parts.ledger.read(
        lambda tx: tx.fills.list(
            account=account, strategy=strategy, security=symbol, day=day, limit=limit, before_id=before_id
        )
    )
    return page(rows, limit, lambda row: row.fill_id, views.fill_view)


@router.get("/decisions", summary="决定 / decisions")
async def decisions(
    parts: Given,
    order_id: OfOrder = None,
    limit: Limit = 100,
) -> models.Page[models.DecisionView]:
    """为什么下单或没有下单：每条规则的结论 / why an order was or was not placed: every rule's verdict."""
    rows = await parts.ledger.read(
        lambda tx: tx.decisions.list(limit) if order_id is None else tx.decisions.of_order(order_id)[::-1][:limit]
    )
    return models.Page(items=[views.decision_view(row) for row in rows])
