"""Brings one order forward by one step: facts, volume, price, rules, and then the desk.

What it finds out is written; what it decides is written with every rule's verdict. It never waits for the market.
"""

import asyncio
from contextlib import suppress
from datetime import datetime

import structlog

from jqfollow.clock import Clock
from jqfollow.domain import (
    AttemptState,
    BrokerError,
    ManualOrderError,
    WaitingFor,
)
from jqfollow.execution.accounts import Account
from jqfollow.execution.briefing import Briefing, Papers, security_of
from jqfollow.execution.desk import Desk
from jqfollow.execution.sizing import Sized
from jqfollow.execution.transitions import Names, carry_odd_rest, end_order, left_figures, may_go_out, missing_fills
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import NewOrder, OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.market.lots import lot_rule
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind
from jqfollow.reasons import Reason, Refusal
from jqfollow.risk.facts import Facts
from jqfollow.risk.gate import Decision, decide
from jqfollow.risk.rules import Outcome
from jqfollow.settings import Settings

log = structlog.get_logger(__name__)

_SIZING = frozenset({Reason.BELOW_LOT, Reason.NOTHING_TO_SELL, Reason.NOT_SELLABLE_TODAY})


class _TakenBackError(Exception):
    """A person or the strategy stopped the order while it was being judged."""


class Dealer:
    """Works orders, one step at a time; each account's steps are made one after another by its lane."""

    def __init__(self, *, ledger: Ledger, desk: Desk, settings: Settings, clock: Clock, names: Names) -> None:
        self._ledger = ledger
        self._desk = desk
        self._settings = settings
        self._clock = clock
        self._names = names
        self._briefing = Briefing(settings=settings, clock=clock, names=names)

    async def work(self, account: Account, order_id: int) -> None:
        """One step of an order that has no live attempt: it is placed, ended, or written down as waiting."""
        papers = await self._papers(account, order_id)
        ended = self._ended_before(papers, account)
        if any(missing_fills(attempt) for attempt in papers.attempts):
            # How much is left is not known yet: reconciling will tell, or, when the day is over, a person.
            if ended is not None and _day_is_over(papers.order, account):
                await self._tell_missing_fills(papers, account)
                await self._end(papers, account, ended)
            return
        if ended is not None:
            await self._end(papers, account, ended)
            return
        if papers.opposite and papers.order.closes:
            await self._cancel_opposite(papers)
        market, why = await self._briefing.look(account, papers)
        facts, sized = self._briefing.facts(papers, account, market, why)
        decision = decide(facts)
        verdict = decision.deciding
        if verdict is None and facts.price is not None:
            await self._place(papers, account, facts, decision, sized)
        elif verdict is not None and verdict.outcome is Outcome.WAIT:
            await self._wait(papers, decision, verdict.waiting_for or WaitingFor.BROKER, verdict.wait_until)
        else:
            await self._refuse(papers, account, decision, sized)

    async def _papers(self, account: Account, order_id: int) -> Papers:
        papers = await self._ledger.read(lambda tx: self._briefing.papers(tx, account, order_id))
        try:
            new_day = await self._briefing.observe(account, papers)
        except BrokerError as error:
            log.warning("practice_not_told", account=account.name, error=str(error))
            return papers
        if new_day:  # what was bought before is not of today any more
            return await self._ledger.read(lambda tx: self._briefing.papers(tx, account, order_id))
        return papers

    def _ended_before(self, papers: Papers, account: Account) -> Refusal | None:
        """Why the order ends without looking at the market."""
        order = papers.order
        if order.cancel_reason is not None:
            return Refusal(reason=order.cancel_reason, figures=left_figures(order))
        touched = bool(papers.attempts) or order.waiting_for is not None
        if touched and _day_is_over(order, account):
            if order.waiting_for is WaitingFor.ODD_LOT:
                return _odd_lot_left(order, papers.book.volume)
            return Refusal(reason=Reason.DAY_OVER, figures=left_figures(order))
        if len(papers.attempts) >= self._settings.execution.max_attempts:
            refused = papers.attempts[-1]
            if refused.state is AttemptState.REJECTED and refused.message and not papers.reached:
                return Refusal(reason=Reason.BROKER_REFUSED, figures={"message": refused.message})
            figures = {"attempts": str(len(papers.attempts)), **left_figures(order)}
            return Refusal(reason=Reason.ATTEMPTS_EXHAUSTED, figures=figures)
        return None

    # -- what is done about it ---------------------------------------------------------------------------------------

    async def _place(
        self, papers: Papers, account: Account, facts: Facts, decision: Decision, sized: Sized | None
    ) -> None:
        order = papers.order
        if facts.day is not None and facts.day.turn_in_s > 0:
            await asyncio.sleep(facts.day.turn_in_s)
        account.placed_now()

        def also(tx: Tx) -> None:
            if not may_go_out(tx, order):
                raise _TakenBackError
            if not order.sized and sized is not None:
                self._write_size(tx, papers, sized)

        if facts.price is not None:
            with suppress(_TakenBackError):
                await self._desk.place(order, volume=facts.volume, price=facts.price, decision=decision, also=also)

    def _write_size(self, tx: Tx, papers: Papers, sized: Sized) -> None:
        """The order's volume, its further parts, and what is carried on."""
        now = self._clock.now()
        order = papers.order
        tx.orders.update(order.order_id, now, volume=sized.parts[0], sized=True)
        for number, volume in enumerate(sized.parts[1:], start=2):
            tx.orders.create(
                NewOrder(
                    signal_id=order.signal_id,
                    account=order.account,
                    strategy=order.strategy,
                    part=number,
                    day=order.day,
                    security=order.security,
                    side=order.side,
                    limit_price=order.limit_price,
                    closes=order.closes,
                    volume=volume,
                    sized=True,
                ),
                now,
            )
        left = papers.book.volume - papers.bought_later - papers.selling - sized.volume
        if order.closes and left > 0:
            self._tell_left(tx, order, sized.volume, left)
        self._carry(tx, order, sized)

    def _tell_left(self, tx: Tx, order: OrderRow, volume: int, left: int) -> None:
        text = messages.alert(
            f"策略 {self._names.title(order.strategy)} 已清仓 {order.security}，账户 {order.account} 现在只能卖 "
            f"{volume}，还剩 {left} 不能卖（T+1、已冻结或零股），之后不会自动再卖，请留意"
        )
        tx.outbox.put(Kind.ALERT, text, self._clock.now(), unique_key=f"left-{order.order_id}")

    @staticmethod
    def _carry(tx: Tx, order: OrderRow, sized: Sized) -> None:
        tx.books.set_carry(order.account, order.strategy, order.security, buy=sized.carry_buy, sell=sized.carry_sell)

    async def _wait(self, papers: Papers, decision: Decision, waiting_for: WaitingFor, until: datetime | None) -> None:
        """Writes that the order waits, once for each thing that it waits for."""
        order = papers.order
        if order.waiting_for is waiting_for and order.wait_until == until:
            return

        def write(tx: Tx) -> None:
            if not may_go_out(tx, order):
                return
            now = self._clock.now()
            self._note(tx, papers, "wait", decision, decision.refusal)
            row = tx.orders.update(order.order_id, now, waiting_for=waiting_for, wait_until=until)
            if waiting_for is WaitingFor.SESSION:
                title, name = self._names.title(order.strategy), self._names.securities.get(order.security)
                text = messages.order_waiting(row, title=title, name=name)
                tx.outbox.put(Kind.ORDER_WAITING, text, now, unique_key=f"waiting-{order.order_id}-{until}")

        await self._ledger.write(write)

    async def _refuse(self, papers: Papers, account: Account, decision: Decision, sized: Sized | None) -> None:
        order = papers.order
        refusal = decision.refusal or Refusal(reason=Reason.NO_QUOTE, figures={"security": order.security})
        if refusal.reason is Reason.OUTSIDE_HOURS and papers.reached:
            refusal = Refusal(reason=Reason.DAY_OVER, figures=left_figures(order))

        def write(tx: Tx) -> None:
            self._note(tx, papers, "refuse", decision, refusal)
            if refusal.reason in _SIZING and sized is not None:
                if order.sized and self._briefing.carries(papers):
                    carry_odd_rest(tx, order)
                else:
                    self._carry(tx, order, sized)
            end_order(tx, order, refusal, self._desk.moment(account))

        await self._ledger.write(write)
        self._desk.tell(account)

    async def _tell_missing_fills(self, papers: Papers, account: Account) -> None:
        order = papers.order
        reported = sum(attempt.reported for attempt in papers.attempts)
        text = messages.alert(
            f"订单 #{order.order_id}（{order.account} {order.security}）券商报告成交 {reported}，成交明细只有 "
            f"{order.filled}，当日已结束。账本少记了这部分，请在交易终端核对"
        )
        key = f"missing-fills-{order.order_id}"
        await self._ledger.write(lambda tx: tx.outbox.put(Kind.ALERT, text, self._clock.now(), unique_key=key))
        self._desk.tell(account)

    async def _end(self, papers: Papers, account: Account, refusal: Refusal) -> None:
        await self._ledger.write(lambda tx: end_order(tx, papers.order, refusal, self._desk.moment(account)))
        self._desk.tell(account)

    def _note(self, tx: Tx, papers: Papers, outcome: str, decision: Decision, refusal: Refusal | None) -> None:
        tx.decisions.add(
            papers.order.order_id,
            len(papers.attempts) + 1,
            self._clock.now(),
            outcome,
            refusal.reason if refusal else None,
            [verdict.as_json() for verdict in decision.verdicts],
        )

    async def _cancel_opposite(self, papers: Papers) -> None:
        """Earlier buys of a book that is to be sold out are ended first."""
        for order in papers.opposite:
            if order.cancel_reason is None:
                with suppress(ManualOrderError):  # it has ended in the meantime
                    await self._desk.cancel(order.order_id, Reason.CANCELED_BY_STRATEGY)


def _day_is_over(order: OrderRow, account: Account) -> bool:
    return order.day < account.trading_day() or order.day < account.open_day()


def _odd_lot_left(order: OrderRow, volume: int) -> Refusal:
    security, _ = security_of(order.security)
    minimum = lot_rule(security, order.day).minimum if security else 1
    figures = {"wanted": str(volume), "side": order.side.value, "side_zh": "卖", "minimum": str(minimum)}
    return Refusal(reason=Reason.BELOW_LOT, figures=figures)
