"""What a person or the strategy wants of an order: its end, or what they found out about it.

An order's account may have left the configuration: then nothing can be asked of its broker, and a person still settles
and ends it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import structlog

from jqfollow.clock import Clock
from jqfollow.domain import (
    ATTEMPT_LIVE,
    ORDER_OPEN,
    AttemptState,
    BrokerError,
    FillReport,
    JqfollowError,
    ManualOrderError,
    OrderKey,
    Settlement,
)
from jqfollow.execution.accounts import Account
from jqfollow.execution.lifecycle import Event
from jqfollow.execution.transitions import (
    Moment,
    Names,
    apply_fill,
    end_order,
    follow_attempt,
    left_figures,
    step_attempt,
)
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow, OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from jqfollow.vocabulary import ORDER_STATES
from jqfollow.vocabulary import name as word

log = structlog.get_logger(__name__)


class Wishes:
    """Ends and settles orders, for all accounts."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        accounts: Mapping[str, Account],
        clock: Clock,
        names: Names,
        told: Callable[[], None],
    ) -> None:
        """`told` is called when the outbox may hold something new."""
        self._ledger = ledger
        self._accounts = accounts
        self._clock = clock
        self._names = names
        self._told = told
        self._under_way: set[asyncio.Task[None]] = set()

    def moment(self, account: str) -> Moment:
        """Now, for what happens to an order of an account, be it configured or not."""
        known, now = self._accounts.get(account), self._clock.now()
        return Moment(now=now, names=self._names, open_day=known.hours.open_day() if known else now.date())

    # -- ending ------------------------------------------------------------------------------------------------------

    async def cancel(self, order_id: int, reason: Reason = Reason.CANCELED_BY_USER) -> OrderRow:
        """Ends an open order: what lives at the broker is cancelled, and nothing more is placed.

        Raises:
            ManualOrderError: there is no such order, it has ended, or its broker cannot be asked.
        """
        order, live = await self._ledger.write(lambda tx: self.want_end(tx, order_id, reason))
        if live is not None:
            if order.account not in self._accounts:
                raise ManualOrderError(
                    f"账户 {order.account} 已不在配置里，无法向券商撤单。请在交易终端撤单，再在这里核对结果",
                    f"account {order.account} is not configured: cancel it in the terminal, then settle it here",
                )
            await self.cancel_attempt(live)
        self._tell(order.account)
        return await self._ledger.read(lambda tx: _order(tx, order_id), urgent=True)

    def cancel_soon(self, order_id: int, reason: Reason) -> None:
        """Like `cancel`, with nobody waiting: no broker's answer stands in another account's way."""
        self._spawn(self._cancel_quietly(order_id, reason))

    def cancel_attempt_soon(self, attempt: AttemptRow) -> None:
        """Like `cancel_attempt`, with nobody waiting."""
        self._spawn(self._attempt_quietly(attempt))

    async def _cancel_quietly(self, order_id: int, reason: Reason) -> None:
        try:
            await self.cancel(order_id, reason)
        except JqfollowError as error:
            log.info("cancel_came_late", order_id=order_id, why=str(error))

    async def _attempt_quietly(self, attempt: AttemptRow) -> None:
        try:
            await self.cancel_attempt(attempt)
        except LedgerError as error:
            log.warning("cancel_not_written", remark=attempt.remark, why=str(error))  # the sweep asks again

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def want_end(self, tx: Tx, order_id: int, reason: Reason) -> tuple[OrderRow, AttemptRow | None]:
        """Writes that an order shall end, and ends it when nothing of it lives; else gives what lives.

        Raises:
            ManualOrderError: there is no such order, or it has ended.
        """
        order = _order(tx, order_id)
        if order.state not in ORDER_OPEN:
            raise ManualOrderError(
                f"订单 {order_id} 已结束（{word(ORDER_STATES, order.state, 'zh')}）",
                f"order {order_id} has ended ({order.state})",
            )
        moment = self.moment(order.account)
        order = tx.orders.update(order_id, moment.now, cancel_reason=reason)
        live = next((a for a in tx.attempts.of_order(order_id) if a.state in ATTEMPT_LIVE), None)
        if live is None:
            order = end_order(tx, order, Refusal(reason=reason, figures=left_figures(order)), moment)
        return order, live

    async def cancel_attempt(self, attempt: AttemptRow) -> None:
        """Asks the broker to cancel a live attempt; only its report proves the end. Raises `LedgerError` only."""
        account = self._accounts.get(attempt.account)
        broker_order_id = attempt.broker_order_id
        if account is None or broker_order_id is None or attempt.state not in ATTEMPT_LIVE:
            return
        # Of another day, or renamed: by now its id may be somebody else's order.
        if attempt.state is AttemptState.UNKNOWN or attempt.key != account.key(broker_order_id):
            return
        await self._ledger.write(lambda tx: self._cancel_asked(tx, attempt.attempt_id))
        try:
            await account.cancel(broker_order_id)
        except BrokerError as error:
            log.warning("cancel_failed", account=account.name, remark=attempt.remark, error=repr(error))
            detail = str(error)
            await self._ledger.write(lambda tx: self._cancel_failed(tx, attempt.attempt_id, detail))
        self._tell(attempt.account)

    def _cancel_asked(self, tx: Tx, attempt_id: int) -> None:
        attempt = tx.attempts.get(attempt_id)
        if attempt is not None and attempt.state in ATTEMPT_LIVE:
            moment = self.moment(attempt.account)
            step_attempt(tx, attempt, Event.CANCEL_ASKED, moment, cancel_at=moment.now, cancels=attempt.cancels + 1)

    def _cancel_failed(self, tx: Tx, attempt_id: int, detail: str) -> None:
        attempt = tx.attempts.get(attempt_id)
        if attempt is not None:
            step_attempt(tx, attempt, Event.CANCEL_FAILED, self.moment(attempt.account), detail=detail)

    # -- settling ----------------------------------------------------------------------------------------------------

    async def settle(self, order_id: int, settlement: Settlement) -> OrderRow:
        """Writes what a person found out about an unknown attempt.

        Raises:
            ManualOrderError: nothing of the order is unknown, its call is still on its way, or the settlement
                contradicts itself.
        """
        order = await self._ledger.write(lambda tx: self._settled(tx, order_id, settlement))
        self._tell(order.account)
        return order

    def _settled(self, tx: Tx, order_id: int, settlement: Settlement) -> OrderRow:
        order = _order(tx, order_id)
        moment = self.moment(order.account)
        attempt = next((a for a in tx.attempts.of_order(order_id) if self._unsettled(a)), None)
        if attempt is None:
            raise ManualOrderError(f"订单 {order_id} 没有结果未知的委托", f"nothing of order {order_id} is unknown")
        if attempt.state is not AttemptState.UNKNOWN and settlement.outcome != "ended":
            raise ManualOrderError(
                f"委托 {attempt.remark} 曾被券商接受，只能填已结束（成交数量和均价）",
                f"the broker took {attempt.remark}: only how it ended can be settled",
            )
        account = self._accounts.get(attempt.account)
        if settlement.outcome != "placed" and account is not None and attempt.attempt_id in account.unreturned:
            raise ManualOrderError(
                f"委托 {attempt.remark} 的下单调用还没有返回，随时可能到达柜台：等它返回再填。"
                "一直不返回时，先重启 MiniQMT 和 jqfollow，再在交易终端核对",
                f"the placing call of {attempt.remark} has not returned, and may still arrive: wait for it; "
                "if it never does, restart MiniQMT and jqfollow, then look into the terminal",
            )
        match settlement.outcome:
            case "not_placed":
                after = step_attempt(tx, attempt, Event.ABSENT, moment, detail="settled by a person")
            case "placed":
                after = self._settled_placed(tx, attempt, settlement, moment)
            case "ended":
                after = self._settled_ended(tx, attempt, order, settlement, moment)
        return follow_attempt(tx, after, moment)

    def _unsettled(self, attempt: AttemptRow) -> bool:
        """Unknown; or alive at an account that nobody can ask any more."""
        gone = attempt.account not in self._accounts and attempt.state in ATTEMPT_LIVE
        return attempt.state is AttemptState.UNKNOWN or gone

    @staticmethod
    def _settled_placed(tx: Tx, attempt: AttemptRow, settlement: Settlement, moment: Moment) -> AttemptRow:
        if not settlement.broker_order_id:
            raise ManualOrderError("需要券商委托编号", "the broker's order id is needed")
        key = OrderKey(account=attempt.account, day=attempt.day, broker_order_id=settlement.broker_order_id)
        taken = tx.attempts.by_key(key)
        if taken is not None and taken.attempt_id != attempt.attempt_id:
            raise ManualOrderError(
                f"委托编号 {settlement.broker_order_id} 属于委托 {taken.remark}",
                f"{settlement.broker_order_id} belongs to {taken.remark}",
            )
        return step_attempt(
            tx,
            attempt,
            Event.NEW,
            moment,
            detail="settled by a person",
            broker_order_id=settlement.broker_order_id,
        )

    @staticmethod
    def _settled_ended(
        tx: Tx, attempt: AttemptRow, order: OrderRow, settlement: Settlement, moment: Moment
    ) -> AttemptRow:
        known = attempt.filled
        more = settlement.filled - known
        if not 0 <= more <= attempt.volume - known or (more and (settlement.price is None or settlement.price <= 0)):
            raise ManualOrderError(
                f"成交数量应在 {known} 到 {attempt.volume} 之间，有成交时需要均价",
                f"filled must be from {known} to {attempt.volume}, with an average price when something is filled",
            )
        tx.orders.update(order.order_id, moment.now, cancel_reason=order.cancel_reason or Reason.CANCELED_BY_USER)
        if more and settlement.price is not None:
            fill = FillReport(
                traded_id=f"settled-{attempt.attempt_id}",
                broker_order_id=attempt.broker_order_id or settlement.broker_order_id or f"settled-{attempt.remark}",
                remark=attempt.remark,
                symbol=attempt.security,
                side=attempt.side,
                volume=more,
                price=settlement.price,
                at=moment.now,
            )
            key = OrderKey(account=attempt.account, day=attempt.day, broker_order_id=fill.broker_order_id)
            apply_fill(tx, key, fill, moment)
        fresh = tx.attempts.get(attempt.attempt_id) or attempt
        return step_attempt(tx, fresh, Event.CANCELED, moment, detail="settled by a person", reported=fresh.filled)

    def _tell(self, account: str) -> None:
        known = self._accounts.get(account)
        if known is not None:
            known.wake.set()
        self._told()


def _order(tx: Tx, order_id: int) -> OrderRow:
    order = tx.orders.get(order_id)
    if order is None:
        raise ManualOrderError(f"没有订单 {order_id}", f"there is no order {order_id}")
    return order
