"""The desk: hands attempts to brokers and writes what they say.

Money first: the row stands on disk before the broker is called; an attempt whose outcome is unknown is never placed
again; only a proven refusal or a proven end lets the next attempt begin. Attempts that are handed over side by side
share the commit of their intents, and their answers share another.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from jqfollow.clock import Clock
from jqfollow.domain import (
    ATTEMPT_ENDED,
    ATTEMPT_LIVE,
    ORDER_OPEN,
    Accepted,
    AttemptState,
    BrokerDownError,
    BrokerError,
    BrokerEvent,
    BrokerTimeoutError,
    CancelFailed,
    Disconnected,
    FillReport,
    OrderReport,
    Placed,
    PlaceFailed,
    PlaceRequest,
    Refused,
    WaitingFor,
)
from jqfollow.execution.accounts import PLACE_TIMEOUT_S, Account
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
    step_attempt,
)
from jqfollow.ledger.attempts import AttemptColumns
from jqfollow.ledger.errors import LedgerError, may_pass
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow, OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from jqfollow.stages import Stage, Stages

log = structlog.get_logger(__name__)

PASSING_WAIT = timedelta(seconds=1)
FUNDS_WAIT = timedelta(seconds=2)
NO_ANSWER_AFTER = timedelta(seconds=PLACE_TIMEOUT_S + 1)
"""So long after its intent an attempt without an answer, of which no call is under way, is unknown."""

Intent = Callable[[Tx], AttemptRow]
"""Writes an attempt, and what else belongs to its intent."""
Answered = tuple[int, Placed | BrokerError]
"""An attempt's id, and how its placing call ended."""


@dataclass(slots=True)
class _Open:
    """Of one account: what was handed over, and what could not be written yet."""

    calling: set[int] = field(default_factory=set)
    """Attempts whose placing call is under way, or not yet written."""
    unwritten: list[Answered] = field(default_factory=list)
    writing: "asyncio.Task[None] | None" = None
    """The answers of the attempts handed over last, on their way to the disk."""


class Desk:
    """Places, and applies what brokers say, for all accounts."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        accounts: Mapping[str, Account],
        clock: Clock,
        names: Names,
        told: Callable[[], None],
        stages: Stages | None = None,
    ) -> None:
        """`told` is called when the outbox may hold something new."""
        self._ledger = ledger
        self._clock = clock
        self._names = names
        self._told = told
        self._stages = stages or Stages(clock)
        self._open = {name: _Open() for name in accounts}

    def moment(self, account: Account) -> Moment:
        """Now, for what happens to an order of `account`."""
        return Moment(now=self._clock.now(), names=self._names, open_day=account.hours.open_day())

    # -- placing -----------------------------------------------------------------------------------------------------

    async def place(self, account: Account, intents: Sequence[Intent]) -> Sequence[AttemptRow | Exception]:
        """Writes the intents in one commit, then hands the attempts over side by side and writes their answers.

        At most `traits.width` of them. Gives, for each, the attempt, or what its intent raised (then nothing of it
        stands, and it was not handed over). The answers are on their way to the disk then: they stand with the next
        intents or before them, so that a kill leaves no more than these unknown.
        """
        stands = await self._ledger.write_all(intents)
        attempts = [attempt for attempt in stands if isinstance(attempt, AttemptRow)]
        for attempt in attempts:
            self._stages.mark(attempt.order_id, Stage.INTENDED)
        open_ = self._open[account.name]
        open_.calling |= {attempt.attempt_id for attempt in attempts}
        answers = await asyncio.gather(*(self._call(account, attempt) for attempt in attempts))
        if answers:
            await self.written(account)
            open_.writing = asyncio.create_task(
                self._write_answers(account, answers, self._hand_over(account, answers))
            )
        return stands

    async def written(self, account: Account) -> None:
        """Until the answers of what was handed over are on disk, or known not to be."""
        writing = self._open[account.name].writing
        if writing is not None:
            await writing

    async def _call(self, account: Account, attempt: AttemptRow) -> Answered:
        request = PlaceRequest(
            attempt_id=attempt.attempt_id,
            remark=attempt.remark,
            symbol=attempt.security,
            side=attempt.side,
            volume=attempt.volume,
            price=attempt.price,
        )
        called: list[float] = []
        try:
            placed: Placed | BrokerError = await account.place(request, lambda: called.append(self._clock.monotonic()))
        except BrokerError as error:
            placed = error
        for at in called:
            self._stages.mark(attempt.order_id, Stage.CALLED, at)
        self._stages.mark(attempt.order_id, Stage.ANSWERED)
        return attempt.attempt_id, placed

    def _hand_over(self, account: Account, answers: Sequence[Answered]) -> Awaitable[list[Exception | None]]:
        return self._ledger.hand_over(
            [partial(self._answered, attempt_id=i, placed=placed, account=account) for i, placed in answers]
        )

    async def _write_answers(
        self, account: Account, answers: Sequence[Answered], handed_over: Awaitable[list[Exception | None]]
    ) -> None:
        """Sees that answers get written; what cannot be written now is kept, and written as soon as it can be."""
        open_ = self._open[account.name]
        try:
            outcomes = await handed_over
        except LedgerError as error:
            log.warning("answers_not_written", account=account.name, attempts=[i for i, _ in answers], why=str(error))
            open_.unwritten += answers
            return
        for (attempt_id, placed), outcome in zip(answers, outcomes, strict=True):
            kept = isinstance(outcome, Exception) and may_pass(outcome)
            if kept:
                open_.unwritten.append((attempt_id, placed))
            elif isinstance(outcome, Exception):
                await self._contradicted(account, attempt_id, placed, outcome)
            if not kept and not isinstance(placed, BrokerTimeoutError):
                account.unreturned.discard(attempt_id)
            open_.calling.discard(attempt_id)
        if account.others_wait or not all(isinstance(placed, Accepted) for _, placed in answers):
            account.wake.set()
        self._told()

    async def _contradicted(
        self, account: Account, attempt_id: int, placed: Placed | BrokerError, error: Exception
    ) -> None:
        """An answer that the ledger refuses, such as another attempt's number: the outcome is unknown."""
        log.error("answer_impossible", account=account.name, attempt_id=attempt_id, placed=repr(placed), why=str(error))
        why = BrokerError(f"{placed}: {error}")
        try:
            await self._ledger.write(lambda tx: self._answered(tx, attempt_id, why, account))
        except LedgerError as failed:
            log.warning("answers_not_written", account=account.name, attempts=[attempt_id], why=str(failed))
            self._open[account.name].unwritten.append((attempt_id, why))

    async def settle_unanswered(self, account: Account) -> None:
        """What was handed over and has no answer on disk gets its kept answer, or becomes unknown.

        Raises:
            LedgerError: not now either.
        """
        open_ = self._open[account.name]
        if open_.unwritten:
            kept, open_.unwritten = open_.unwritten, []
            await self._write(account, kept)
        if open_.unwritten:
            return
        before = self._clock.now() - NO_ANSWER_AFTER
        stuck = await self._ledger.read(lambda tx: tx.attempts.without_answer(account.name, before), urgent=True)
        left = [a.attempt_id for a in stuck if a.attempt_id not in open_.calling]
        if left:
            log.error("attempts_without_answer", account=account.name, attempts=left)
            nobody = BrokerError("程序没有记下答复 / no answer was written down")
            await self._write(account, [(attempt_id, nobody) for attempt_id in left])

    async def _write(self, account: Account, answers: Sequence[Answered]) -> None:
        await self._write_answers(account, answers, self._hand_over(account, answers))

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
            case Refused(message=message, broker_order_id=broker_order_id):
                after = _step_refused(tx, attempt, message, broker_order_id, moment)
                if attempt.state in ATTEMPT_LIVE:  # else a push told first, and the next attempt may be under way
                    self._refused(tx, after, message, moment)
            case BrokerDownError():
                after = step_attempt(tx, attempt, Event.NOT_SENT, moment, detail=str(placed), message=str(placed))
                if attempt.state in ATTEMPT_LIVE and after.state is AttemptState.REJECTED:
                    _pause(tx, attempt.order_id, moment.now, PASSING_WAIT)
            case _:
                step_attempt(tx, attempt, Event.NO_ANSWER, moment, detail=str(placed), message=str(placed))

    def _refused(self, tx: Tx, attempt: AttemptRow, message: str, moment: Moment) -> None:
        """What a proven refusal means for the order, by the broker's words."""
        order = follow_attempt(tx, attempt, moment)
        if attempt.state is not AttemptState.REJECTED or order.state not in ORDER_OPEN:
            return
        kind = classify(message)
        log.warning("refused", account=order.account, remark=attempt.remark, kind=kind, message=message)
        match kind:
            case RefusalKind.PERMANENT:
                end_order(tx, order, Refusal(reason=Reason.BROKER_REFUSED, figures={"message": message}), moment)
            case RefusalKind.FUNDS:
                _pause(tx, order.order_id, moment.now, FUNDS_WAIT)
            case RefusalKind.PASSING:
                _pause(tx, order.order_id, moment.now, PASSING_WAIT)
            case RefusalKind.PRICE:
                pass

    # -- what the broker says ----------------------------------------------------------------------------------------

    async def hear(self, account: Account, events: Sequence[BrokerEvent]) -> None:
        """Applies pushes, in their order, in one commit; what one of them breaks is its own.

        Raises:
            LedgerError: none of them is written; the broker's lists tell them again.
        """
        for event in events:
            if isinstance(event, Disconnected):
                account.set_lost(f"连接断开：{event.message}", f"connection lost: {event.message}")
        told = [event for event in events if not isinstance(event, Disconnected)]
        if any(isinstance(event, OrderReport) and event.state is AttemptState.CANCELED for event in told):
            with suppress(BrokerError):  # a practice day tells its orders' ends before anybody knows that it is over
                await account.learn_day()
        outcomes = await self._ledger.write_all([partial(self._heard, account=account, event=e) for e in told])
        for event, outcome in zip(told, outcomes, strict=True):
            if isinstance(outcome, Exception):
                log.error("push_failed", account=account.name, push=repr(event), exc_info=outcome)
            elif outcome is not None and isinstance(event, FillReport):
                self._stages.mark(outcome.order_id, Stage.FILLED)
        if any(isinstance(outcome, Exception) or _goes_on(account, outcome) for outcome in outcomes):
            account.wake.set()
        self.tell_people()

    async def hear_late(self, account: Account, attempt_id: int, placed: Placed | BrokerDownError) -> None:
        """Applies the answer to a placing call that came after its deadline: it settles what was unknown."""
        await self._write(account, [(attempt_id, placed)])

    def _heard(self, tx: Tx, account: Account, event: BrokerEvent) -> AttemptRow | None:
        """Applies one push; the attempt that it was about, as it is then."""
        moment = self.moment(account)
        attempt: AttemptRow | None = None
        match event:
            case OrderReport():
                attempt = self.apply_report(tx, account, event, moment)
            case FillReport():
                attempt = apply_fill(tx, account.key(event.broker_order_id, event.at), event, moment)
                account.traded = True
            case PlaceFailed(broker_order_id=broker_order_id, remark=remark, message=message):
                attempt = find_attempt(tx, account.key(broker_order_id), remark)
                if attempt is not None:
                    after = _step_refused(tx, attempt, message, broker_order_id, moment)
                    if attempt.state in ATTEMPT_LIVE:
                        self._refused(tx, after, message, moment)
                    attempt = after
            case CancelFailed(broker_order_id=broker_order_id, message=message):
                attempt = tx.attempts.by_key(account.key(broker_order_id))
                if attempt is not None:
                    attempt = step_attempt(tx, attempt, Event.CANCEL_FAILED, moment, detail=message)
            case _:
                pass
        return attempt

    def apply_report(self, tx: Tx, account: Account, report: OrderReport, moment: Moment) -> AttemptRow | None:
        """Applies one report of an order, a refusal among them; `None` when the order is not ours."""
        key = account.key(report.broker_order_id, report.at)
        before = find_attempt(tx, key, report.remark)
        after = apply_order_report(tx, key, report, moment)
        was_live = before is not None and before.state in ATTEMPT_LIVE
        if before is not None and before.state is AttemptState.UNKNOWN:
            account.placing_calls.answered()  # it arrived after all
        if was_live and after is not None and after.state is AttemptState.REJECTED:
            self._refused(tx, after, after.message, moment)
        return after

    def tell(self, account: Account) -> None:
        """Something changed: the account's lane looks again, and people may be told."""
        account.wake.set()
        self._told()

    def tell_people(self) -> None:
        """The outbox may hold something new."""
        self._told()


def _step_refused(tx: Tx, attempt: AttemptRow, message: str, broker_order_id: str, moment: Moment) -> AttemptRow:
    """A proven refusal; the id under which the broker lists it is kept, lest its row be taken for another attempt's."""
    columns: AttemptColumns = {"message": message}
    if broker_order_id and attempt.broker_order_id is None:
        named = replace(attempt, broker_order_id=broker_order_id)
        if named.key is not None and tx.attempts.by_key(named.key) is None:
            columns["broker_order_id"] = broker_order_id
    return step_attempt(tx, attempt, Event.REFUSED, moment, detail=message, **columns)


def _goes_on(account: Account, attempt: AttemptRow | None) -> bool:
    """Whether what happened to the attempt may let another order, or another attempt of its own, go on."""
    if attempt is None or attempt.state not in ATTEMPT_ENDED:
        return False
    return account.others_wait or attempt.state is not AttemptState.FILLED


def _pause(tx: Tx, order_id: int, now: datetime, wait: timedelta) -> OrderRow | None:
    """What was refused in passing is left alone for a moment."""
    order = tx.orders.get(order_id)
    return None if order is None else tx.orders.wait(order, now, WaitingFor.BROKER, now + wait)
