"""Drift, repairs and books."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal

from fastapi import APIRouter, Response

from jqfollow.accounting.books import Act, Hand
from jqfollow.accounting.plan import GOOD_FOR, Item, Kept, Plan
from jqfollow.accounting.repairs import Proposal
from jqfollow.accounting.words import why_kept
from jqfollow.api import accounting_models as models
from jqfollow.api import views
from jqfollow.api.body import StrictRoute
from jqfollow.api.deeds import note
from jqfollow.api.drift_json import drifts_json
from jqfollow.api.models import OrderView
from jqfollow.api.parts import Given, GivenAccounting
from jqfollow.api.routes.params import Account, Limit, Security, StrategyName, symbol_of
from jqfollow.domain import Side
from jqfollow.drift.prices import last_prices
from jqfollow.execution.acts import End, Place, Refuse, Step, Wait
from jqfollow.ledger.deeds import What
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Refusal
from jqfollow.risk.verdict import Verdict

router = APIRouter(prefix="/api", tags=["核对与改账 / accounting"], route_class=StrictRoute)


@router.get("/drift", summary="偏差 / drift", response_model=list[models.DriftView])
async def drift(
    parts: Given,
    of: GivenAccounting,
    strategy: StrategyName = None,
    account: Account = None,
    security: Security = None,
    every: bool = False,
) -> Response:
    """目标、持仓、在途、偏差，及每一股的原因 / target, book, working, drift, and the causes that add up to it."""
    symbol = symbol_of(security)

    def find(tx: Tx) -> bytes:
        rows = [
            row
            for row in of.drift.read(tx)
            if account in {None, row.account} and strategy in {None, row.strategy} and symbol in {None, row.security}
        ]
        shown = [row for row in rows if every or row.drift or row.target is None]
        prices = last_prices(tx, shown)
        return drifts_json(shown, prices)

    return Response(await parts.ledger.read(find), media_type="application/json")


@router.get("/drift/reports", summary="持仓报告有多旧 / how old the reports are")
async def reports(parts: Given) -> list[models.ReportView]:
    """目标所依据的每个策略最新的完整报告 / of each strategy, the newest whole one, which the target is by."""
    now = parts.clock.now()
    return await parts.ledger.read(lambda tx: [_report(tx, name, now) for name in parts.settings.strategies])


@router.post("/repair/plan", summary="补单计划 / a plan that closes a drift")
async def plan(of: GivenAccounting, asked: models.PlanIn) -> models.PlanView:
    """先卖后买；每笔附各规则的结论；确认时填 plan / sells first; each order with the rules' verdict."""
    proposal = await of.repairs.propose(
        asked.strategy, account=asked.account, security=asked.security, words=asked.words
    )
    return _plan(proposal)


@router.post("/repair", summary="执行看过的计划 / carries out a plan")
async def repair(parts: Given, of: GivenAccounting, confirmed: models.RepairIn) -> list[OrderView]:
    """一分钟内、且账本、报告、持仓都没有变化才执行；重复确认只执行一次 / only what was looked at, and once."""
    orders = await of.repairs.carry_out(confirmed.strategy, confirmed.plan, who=confirmed.who)
    await note(parts, confirmed.who, What.REPAIR, strategy=confirmed.strategy, detail=f"{len(orders)}")
    return [views.order_view(order, ()) for order in orders]


@router.get("/books/acts", summary="改账记录 / changes of books")
async def acts(of: GivenAccounting, account: Account = None, limit: Limit = 100) -> list[models.ActView]:
    """最近的人工改账、送转入账，旧的在前 / the newest by people and corporate actions, oldest first."""
    return [_act(act) for act in await of.keeper.acts(limit, account)]


@router.post("/books/set", summary="设定持仓 / sets a book")
async def set_book(of: GivenAccounting, asked: models.BookSetIn) -> models.ActView:
    """与券商持仓和其他策略的账核对后写入 / checked against the broker and the other books."""
    hand = Hand(who=asked.who, why=asked.why)
    return _act(await of.keeper.set(asked.account, asked.strategy, asked.security, asked.shares, hand))


@router.post("/books/adopt", summary="认领持仓 / adopts shares")
async def adopt(of: GivenAccounting, asked: models.BookAdoptIn) -> list[models.ActView]:
    """不填证券：按策略的持仓报告认领缺的 / without a security: what the strategy lacks by its report."""
    hand = Hand(who=asked.who, why=asked.why)
    if asked.security is None:
        return [_act(act) for act in await of.keeper.adopt_target(asked.account, asked.strategy, hand)]
    return [_act(await of.keeper.adopt(asked.account, asked.strategy, asked.security, asked.shares, hand))]


@router.post("/books/move", summary="移动持仓 / moves shares")
async def move(of: GivenAccounting, asked: models.BookMoveIn) -> models.ActView:
    """从一个策略的账移到另一个 / from one strategy's book to another's."""
    hand = Hand(who=asked.who, why=asked.why)
    return _act(await of.keeper.move(asked.account, asked.security, asked.giver, asked.taker, asked.shares, hand))


@router.post("/books/undo", summary="撤销改账 / takes a change back")
async def undo(of: GivenAccounting, asked: models.BookUndoIn) -> models.ActView:
    """按编号撤销 / by its number."""
    return _act(await of.keeper.undo(asked.act, Hand(who=asked.who, why=asked.why)))


def _report(tx: Tx, strategy: str, now: datetime) -> models.ReportView:
    made_at, last = tx.reports.newest_made(strategy), tx.signals.last_order_made(strategy)
    if made_at is None:
        return models.ReportView(strategy=strategy, made_at=None, age_minutes=None, order_since=last is not None)
    return models.ReportView(
        strategy=strategy,
        made_at=made_at,
        age_minutes=max(int((now - made_at).total_seconds() // 60), 0),
        order_since=last is not None and last >= made_at,
    )


def _plan(proposal: Proposal) -> models.PlanView:
    plan = proposal.plan
    return models.PlanView(
        strategy=plan.strategy,
        plan=plan.key,
        made_at=plan.made_at,
        good_until=plan.made_at + GOOD_FOR,
        reported_at=plan.report.made_at,
        items=[_item(item, proposal.steps.get((item.account, item.security))) for item in plan.items],
        kept=[_kept(kept) for kept in plan.kept],
        money=[_money(plan, name, scene.cash) for name, scene in proposal.scenes.items() if scene.connected],
    )


def _money(plan: Plan, account: str, cash: Decimal) -> models.MoneyView:
    of = [item for item in plan.items if item.account == account]
    nothing = Decimal(0)
    return models.MoneyView(
        account=account,
        cash=cash,
        sells_bring=sum((item.yuan for item in of if item.side is Side.SELL), nothing),
        buys_need=sum((item.yuan for item in of if item.side is Side.BUY), nothing),
    )


def _item(item: Item, step: Step | None) -> models.ItemView:
    outcome, refusal = _outcome(step)
    return models.ItemView(
        account=item.account,
        security=item.security,
        side=item.side,
        volume=item.volume,
        price=item.price,
        yuan=item.yuan,
        drift=item.drift.drift,
        off_book=item.off_book,
        outcome=outcome,
        zh=refusal.text("zh") if refusal else "",
        en=refusal.text("en") if refusal else "",
        verdicts=[views.verdict_view(each.as_json()) for each in _verdicts(step)],
    )


def _verdicts(step: Step | None) -> Sequence[Verdict]:
    return step.decision.verdicts if isinstance(step, Place | Wait | Refuse) else ()


def _outcome(step: Step | None) -> tuple[str, Refusal | None]:
    match step:
        case Place():
            return "place", None
        case Wait():
            return "wait", step.decision.refusal
        case Refuse():
            return "refuse", step.refusal
        case End():
            return "end", step.refusal
        case _:
            return "", None


def _kept(kept: Kept) -> models.KeptView:
    zh, en = why_kept(kept)
    return models.KeptView(
        account=kept.account,
        security=kept.security,
        shares=kept.shares,
        why=kept.why,
        zh=zh,
        en=en,
        words=list(kept.words),
        day=kept.day,
        off_book=kept.off_book,
    )


def _act(act: Act) -> models.ActView:
    bookings = [models.BookingView(**asdict(row)) for row in act.bookings]
    return models.ActView(act=act.act, undone=act.undone, bookings=bookings)
