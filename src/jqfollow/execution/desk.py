"""The desk: hands attempts to brokers, asks for cancels, settles what is unknown.

Money first: the row stands on disk before the broker is called; an attempt whose outcome is unknown is never placed
again; only a proven refusal or a proven end lets the next attempt begin.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from jqfollow.clock import Clock
from jqfollow.domain import (
    ATTEMPT_LIVE,
    ORDER_OPEN,
    Accepted,
    AttemptState,
    BrokerDownError,
    BrokerError,
    BrokerEvent,
    CancelFailed,
    Disconnected,
    FillReport,
    ManualOrderError,
    OrderReport,
    Placed,
    PlaceFailed,
    PlaceRequest,
    Refused,
    Settlement,
    WaitingFor,
)
from jqfollow.execution.accounts import Account
from jqfollow.execution.lifecycle import Event
from jqfollow.execution.refusals import RefusalKind, classify
from jqfollow.execution.transitions import (
    Moment,
    Names,
    apply_fill,
    apply_order_report,
    end_order,
    find_attempt,
    follow_attempt,
    left_figures,
    step_attempt,
)
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow, NewAttempt, OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind
from jqfollow.reasons import Reason, Refusal
from jqfollow.risk.gate import Decision

log = structlog.get_logger(__name__)

PASSING_WAIT = timedelta(seconds=1)
FUNDS_WAIT = timedelta(seconds=2)


class Desk:
    """Places, cancels and settles, for all accounts."""

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

    def moment(self, account: Account) -> Moment:
        """Now, for what happens to an order of `account`."""
        return Moment(now=self._clock.now(), names=self._names, open_day=account.open_day())

    # -- placing -----------------------------------------------------------------------------------------------------

    async def place(
        self,
        order: OrderRow,
        *,
        volume: int,
        price: Decimal,
        decision: Decision,
        also: Callable[[Tx], None] = lambda _: None,
    ) -> None:
        """Places one attempt and writes what came of it.

        `also` writes what else belongs to the intent (the order's volume), in the same transaction, before it.
        """
        account = self._accounts[order.account]

        def intend(tx: Tx) -> AttemptRow:
            also(tx)
            return self._intend(tx, order, volume, price, decision, account)

        attempt = await self._ledger.write(intend)
        request = PlaceRequest(
            attempt_id=attempt.attempt_id,
            remark=attempt.remark,
            symbol=attempt.security,
            side=attempt.side,
            volume=attempt.volume,
            price=attempt.price,
        )
        log.info("placing", account=account.name, remark=attempt.remark, symbol=attempt.security, side=attempt.side)
        try:
            placed: Placed | BrokerError = await account.place(request)
        except BrokerError as error:
            placed = error
        except Exception as error:  # an adapter's mistake proves nothing about the order
            log.exception("placing_broke", account=account.name, remark=attempt.remark)
            placed = BrokerError(f"{type(error).__name__}: {error}")
        await self._ledger.write(lambda tx: self._answered(tx, attempt.attempt_id, placed, account))
        self.tell(account)

    def _intend(
        self, tx: Tx, order: OrderRow, volume: int, price: Decimal, decision: Decision, account: Account
    ) -> AttemptRow:
        now = self._clock.now()
        number = 1 + max((a.number for a in tx.attempts.of_order(order.order_id)), default=0)
        tx.decisions.add(
            order.order_id, number, now, "place", None, [verdict.as_json() for verdict in decision.verdicts]
        )
        if order.waiting_for is not None:
            tx.orders.update(order.order_id, now, waiting_for=None, wait_until=None)
        return tx.attempts.create(
            NewAttempt(
                order_id=order.order_id,
                number=number,
                account=order.account,
                day=account.trading_day(),
                security=order.security,
                side=order.side,
                volume=volume,
                price=price,
            ),
            now,
        )

    def _answered(self, tx: Tx, attempt_id: int, placed: Placed | BrokerError, account: Account) -> None:
        """The three outcomes of a placing call: accepted, refused with proof, unknown."""
        attempt = tx.attempts.get(attempt_id)
        if attempt is None:
            raise LookupError(f"no attempt {attempt_id}")
        moment = self.moment(account)
        match placed:
            case Accepted(broker_order_id=broker_order_id):
                after = step_attempt(
                    tx,
                    attempt,
                    Event.ACCEPTED,
                    moment,
                    detail=broker_order_id,
                    broker_order_id=attempt.broker_order_id or broker_order_id,
                )
                follow_attempt(tx, after, moment)
            case Refused(message=message):
                after = step_attempt(tx, attempt, Event.REFUSED, moment, detail=message, message=message)
                if attempt.state in ATTEMPT_LIVE:  # else a push told first, and the next attempt may be under way
                    self._refused(tx, after, message, moment)
            case BrokerDownError():
                after = step_attempt(tx, attempt, Event.NOT_SENT, moment, detail=str(placed), message=str(placed))
                if attempt.state in ATTEMPT_LIVE and after.state is AttemptState.REJECTED:
                    tx.orders.update(
                        attempt.order_id,
                        moment.now,
                        waiting_for=WaitingFor.BROKER,
                        wait_until=moment.now + PASSING_WAIT,
                    )
            case _:
                after = step_attempt(tx, attempt, Event.NO_ANSWER, moment, detail=str(placed), message=str(placed))
                self._tell_unknown(tx, after, moment)

    def _refused(self, tx: Tx, attempt: AttemptRow, message: str, moment: Moment) -> None:
        """What a proven refusal means for the order, by the broker's words."""
        order = follow_attempt(tx, attempt, moment)
        if attempt.state is not AttemptState.REJECTED or order.state not in ORDER_OPEN:
            return
        kind = classify(message)
        log.warning("refused", account=order.account, remark=attempt.remark, kind=kind, message=message)
        waiting: tuple[WaitingFor, datetime] | None = None
        match kind:
            case RefusalKind.PERMANENT:
                end_order(tx, order, Refusal(reason=Reason.BROKER_REFUSED, figures={"message": message}), moment)
                return
            case RefusalKind.FUNDS:
                waiting = (WaitingFor.BROKER, moment.now + FUNDS_WAIT)
            case RefusalKind.PASSING:
                waiting = (WaitingFor.BROKER, moment.now + PASSING_WAIT)
            case RefusalKind.PRICE:
                pass
        if waiting is not None:
            tx.orders.update(order.order_id, moment.now, waiting_for=waiting[0], wait_until=waiting[1])

    def _tell_unknown(self, tx: Tx, attempt: AttemptRow, moment: Moment) -> None:
        order = tx.orders.get(attempt.order_id)
        if attempt.state is not AttemptState.UNKNOWN or order is None:
            return
        text = messages.unknown_outcome(
            order,
            attempt,
            title=self._names.title(order.strategy),
            name=self._names.securities.get(order.security, ""),
        )
        tx.outbox.put(Kind.UNKNOWN_OUTCOME, text, moment.now, unique_key=f"unknown-{attempt.attempt_id}")

    # -- what the broker says ----------------------------------------------------------------------------------------

    async def hear(self, account: Account, event: BrokerEvent) -> None:
        """Applies one push."""
        if isinstance(event, Disconnected):
            account.set_lost(f"连接断开：{event.message}", f"connection lost: {event.message}")
            return
        if isinstance(event, OrderReport) and event.state is AttemptState.CANCELED:
            with suppress(BrokerError):  # a practice day tells its orders' ends before anybody knows that it is over
                await account.learn_day()
        await self._ledger.write(lambda tx: self._heard(tx, account, event))
        self.tell(account)

    async def hear_late(self, account: Account, attempt_id: int, placed: Placed | BrokerDownError) -> None:
        """Applies the answer to a placing call that came after its deadline: it settles what was unknown."""
        await self._ledger.write(lambda tx: self._answered(tx, attempt_id, placed, account))
        self.tell(account)

    def _heard(self, tx: Tx, account: Account, event: BrokerEvent) -> None:
        moment = self.moment(account)
        day = account.trading_day()
        match event:
            case OrderReport():
                self.apply_report(tx, account, event, moment)
            case FillReport():
                apply_fill(tx, account.name, day, event, moment)
                account.traded = True
            case PlaceFailed(broker_order_id=broker_order_id, remark=remark, message=message):
                attempt = find_attempt(tx, account.name, day, broker_order_id, remark)
                if attempt is not None:
                    after = step_attempt(tx, attempt, Event.REFUSED, moment, detail=message, message=message)
                    if attempt.state in ATTEMPT_LIVE:
                        self._refused(tx, after, message, moment)
            case CancelFailed(broker_order_id=broker_order_id, message=message):
                attempt = find_attempt(tx, account.name, day, broker_order_id, "")
                if attempt is not None:
                    step_attempt(tx, attempt, Event.CANCEL_FAILED, moment, detail=message)
            case _:
                pass

    def apply_report(self, tx: Tx, account: Account, report: OrderReport, moment: Moment) -> AttemptRow | None:
        """Applies one report of an order, a refusal among them; `None` when the order is not ours."""
        before = find_attempt(tx, account.name, account.trading_day(), report.broker_order_id, report.remark)
        after = apply_order_report(tx, account.name, account.trading_day(), report, moment)
        was_live = before is not None and before.state in ATTEMPT_LIVE
        if was_live and after is not None and after.state is AttemptState.REJECTED:
            self._refused(tx, after, after.message, moment)
        return after

    # -- cancelling --------------------------------------------------------------------------------------------------

    async def cancel_attempt(self, attempt: AttemptRow) -> None:
        """Asks the broker to cancel a live attempt; only its report proves the end."""
        account = self._accounts[attempt.account]
        broker_order_id = attempt.broker_order_id
        if broker_order_id is None or attempt.state not in ATTEMPT_LIVE:
            return
        await self._ledger.write(lambda tx: self._cancel_asked(tx, attempt.attempt_id, account))
        try:
            await account.cancel(broker_order_id)
        except BrokerError as error:
            log.warning("cancel_failed", account=account.name, remark=attempt.remark, error=str(error))
            detail = str(error)
            await self._ledger.write(lambda tx: self._cancel_failed(tx, attempt.attempt_id, detail, account))
        self.tell(account)

    def _cancel_asked(self, tx: Tx, attempt_id: int, account: Account) -> None:
        attempt = tx.attempts.get(attempt_id)
        if attempt is not None and attempt.state in ATTEMPT_LIVE:
            moment = self.moment(account)
            step_attempt(tx, attempt, Event.CANCEL_ASKED, moment, cancel_at=moment.now, cancels=attempt.cancels + 1)

    def _cancel_failed(self, tx: Tx, attempt_id: int, detail: str, account: Account) -> None:
        attempt = tx.attempts.get(attempt_id)
        if attempt is not None:
            step_attempt(tx, attempt, Event.CANCEL_FAILED, self.moment(account), detail=detail)

    async def cancel(self, order_id: int, reason: Reason = Reason.CANCELED_BY_USER) -> OrderRow:
        """Ends an open order: what lives at the broker is cancelled, and nothing more is placed.

        Raises:
            ManualOrderError: there is no such order, or it has ended.
        """
        order, live = await self._ledger.write(lambda tx: self._want_end(tx, order_id, reason))
        if live is not None:
            await self.cancel_attempt(live)
        self.tell(self._accounts[order.account])
        return await self._ledger.read(lambda tx: _order(tx, order_id))

    def _want_end(self, tx: Tx, order_id: int, reason: Reason) -> tuple[OrderRow, AttemptRow | None]:
        order = _order(tx, order_id)
        if order.state not in ORDER_OPEN:
            raise ManualOrderError(
                f"订单 {order_id} 已结束（{order.state}）", f"order {order_id} has ended ({order.state})"
            )
        moment = self.moment(self._accounts[order.account])
        order = tx.orders.update(order_id, moment.now, cancel_reason=reason)
        live = next((a for a in tx.attempts.of_order(order_id) if a.state in ATTEMPT_LIVE), None)
        if live is None:
            order = end_order(tx, order, Refusal(reason=reason, figures=left_figures(order)), moment)
        return order, live

    # -- settling ----------------------------------------------------------------------------------------------------

    async def settle(self, order_id: int, settlement: Settlement) -> OrderRow:
        """Writes what a person found out about an unknown attempt.

        Raises:
            ManualOrderError: nothing of the order is unknown, or the settlement contradicts itself.
        """
        order = await self._ledger.write(lambda tx: self._settled(tx, order_id, settlement))
        self.tell(self._accounts[order.account])
        return order

    def _settled(self, tx: Tx, order_id: int, settlement: Settlement) -> OrderRow:
        order = _order(tx, order_id)
        account = self._accounts[order.account]
        moment = self.moment(account)
        attempt = next((a for a in tx.attempts.of_order(order_id) if a.state is AttemptState.UNKNOWN), None)
        if attempt is None:
            raise ManualOrderError(f"订单 {order_id} 没有结果未知的委托", f"nothing of order {order_id} is unknown")
        match settlement.outcome:
            case "not_placed":
                after = step_attempt(tx, attempt, Event.ABSENT, moment, detail="settled by a person")
            case "placed":
                if not settlement.broker_order_id:
                    raise ManualOrderError("需要券商委托编号", "the broker's order id is needed")
                taken = tx.attempts.by_broker_id(attempt.account, attempt.day, settlement.broker_order_id)
                if taken is not None and taken.attempt_id != attempt.attempt_id:
                    raise ManualOrderError(
                        f"委托编号 {settlement.broker_order_id} 属于委托 {taken.remark}",
                        f"{settlement.broker_order_id} belongs to {taken.remark}",
                    )
                after = step_attempt(
                    tx,
                    attempt,
                    Event.NEW,
                    moment,
                    detail="settled by a person",
                    broker_order_id=settlement.broker_order_id,
                )
            case "ended":
                after = self._settled_ended(tx, attempt, order, settlement, moment)
        return follow_attempt(tx, after, moment)

    def _settled_ended(
        self, tx: Tx, attempt: AttemptRow, order: OrderRow, settlement: Settlement, moment: Moment
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
            apply_fill(tx, attempt.account, attempt.day, fill, moment)
        fresh = tx.attempts.get(attempt.attempt_id) or attempt
        return step_attempt(tx, fresh, Event.CANCELED, moment, detail="settled by a person", reported=fresh.filled)

    def tell(self, account: Account) -> None:
        """Something changed: the account's lane looks again, and people may be told."""
        account.wake.set()
        self._told()


def _order(tx: Tx, order_id: int) -> OrderRow:
    order = tx.orders.get(order_id)
    if order is None:
        raise ManualOrderError(f"没有订单 {order_id}", f"there is no order {order_id}")
    return order
