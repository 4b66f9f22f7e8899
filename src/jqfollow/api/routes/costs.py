"""What following cost: each order's shortfall, and what it comes to by strategy and account."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query

from jqfollow.api import overview
from jqfollow.api import seeing_models as seen
from jqfollow.api.parts import Given
from jqfollow.api.routes.params import Account, Day, Limit, StrategyName
from jqfollow.costs.figures import Figures, OrderCost, by_book, figures
from jqfollow.costs.figures import Parts as Sums
from jqfollow.costs.shortfall import Shortfall
from jqfollow.ledger import Tx

_MOST_DAYS = 92
_Days = Annotated[int, Query(ge=1, le=_MOST_DAYS, description="到 last 为止的几天 / so many days, up to `last`")]
_CENT, _TENTH, _SHARE, _PRICE = Decimal("0.01"), Decimal("0.1"), Decimal("0.0001"), Decimal("0.0001")


router = APIRouter(prefix="/api", tags=["核对与改账 / accounting"])


@router.get("/shortfall", summary="执行差 / shortfall")
async def shortfall(
    parts: Given,
    days: _Days = 30,
    last: Day = None,
    account: Account = None,
    strategy: StrategyName = None,
    limit: Limit = 100,
) -> seen.ShortfallView:
    """几天里的每一笔与合计 / of some days: each order, and the sums."""

    def query(tx: Tx) -> seen.ShortfallView:
        end = last or max(overview.day_of(parts, tx, name) for name in parts.settings.accounts)
        begin = end - timedelta(days=min(days - 1, (end - date.min).days))
        orders = [
            order
            for order in parts.costs.read(tx, begin, end)
            if account in {None, order.account} and strategy in {None, order.strategy}
        ]
        return _view(begin, end, orders, limit)

    return await parts.ledger.read(query)


def _view(first: date, last: date, orders: list[OrderCost], limit: int) -> seen.ShortfallView:
    costliest = sorted(orders, key=_dearness)[:limit]
    return seen.ShortfallView(
        first=first,
        last=last,
        all=_book("", "", figures(orders)),
        books=[_book(*book, of) for book, of in by_book(orders).items()],
        orders=[_order(order) for order in costliest],
    )


def _dearness(order: OrderCost) -> tuple[bool, Decimal, int]:
    """The costliest first; those that nobody can price last."""
    cost = order.cost
    return cost is None, Decimal(0) if cost is None else -cost.total, -order.order_id


def _book(strategy: str, account: str, of: Figures) -> seen.BookCostView:
    return seen.BookCostView(
        strategy=strategy,
        account=account,
        orders=of.orders,
        unpriced=of.unpriced,
        filled_share=_rounded(of.filled_share, _SHARE),
        cost=_cost(of.parts),
        median_bps=_rounded(of.median_bps, _TENTH),
        p90_bps=_rounded(of.p90_bps, _TENTH),
    )


def _order(order: OrderCost) -> seen.OrderCostView:
    return seen.OrderCostView(
        order_id=order.order_id,
        strategy=order.strategy,
        account=order.account,
        security=order.security,
        side=order.side,
        day=order.day,
        received_at=order.received_at,
        wished=order.wished,
        filled=order.filled,
        decision=order.decision,
        arrival=order.arrival,
        paid=_rounded(order.paid, _PRICE),
        close=order.close,
        cost=None if order.cost is None else _cost(order.cost),
    )


def _cost(of: Sums | Shortfall) -> seen.CostView:
    """To the cent; the parts are rounded, and their sum is told, so that what is shown adds up."""
    delay, trading, opportunity, fees = (
        part.quantize(_CENT) for part in (of.delay, of.trading, of.opportunity, of.fees)
    )
    return seen.CostView(
        total=delay + trading + opportunity + fees,
        delay=delay,
        trading=trading,
        opportunity=opportunity,
        fees=fees,
        bps=_rounded(of.bps, _TENTH),
    )


def _rounded(value: Decimal | None, to: Decimal) -> Decimal | None:
    return None if value is None else value.quantize(to)
