"""Brings the ledger up to the broker's own lists, and settles what is unknown by evidence.

Nothing is ever placed here. What the lists do not show is proof only at a broker whose list shows everything at once
(`BrokerTraits.absence_is_proof`), and there only while no placing call is under way.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from jqfollow.domain import AttemptState, FillReport, OrderReport
from jqfollow.execution.accounts import Account
from jqfollow.execution.desk import Desk
from jqfollow.execution.lifecycle import Event
from jqfollow.execution.transitions import apply_fill, follow_attempt, missing_fills, step_attempt
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow
from jqfollow.ledger.tx import Tx
from jqfollow.market.sessions import day_end
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind

log = structlog.get_logger(__name__)

BEFORE = timedelta(seconds=5)
"""The broker's clock may run behind ours."""
AFTER = timedelta(seconds=120)
"""A placing call that nobody waits for any more may arrive as late as this."""
CLOSE_MARGIN = timedelta(minutes=2)
"""The closing auction's fills may be told as late as this."""
OURS = re.compile(r"jq[A-Z2-7]{5}-[0-9A-Z]+")
"""What `ledger.attempts` makes remarks of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """What a broker showed, taken between two good answers about the account's money."""

    orders: Sequence[OrderReport]
    fills: Sequence[FillReport]
    nothing_under_way: bool
    """No placing call was under way before the lists were asked for: they show all that we ever sent."""


async def read_lists(account: Account) -> Lists:
    """The broker's orders and fills of today.

    Raises:
        BrokerError: one of the four questions was not answered: the lists prove nothing.
    """
    nothing_under_way = not account.placing()
    await account.asset()
    orders = await account.orders()
    fills = await account.fills()
    await account.asset()
    return Lists(orders=orders, fills=fills, nothing_under_way=nothing_under_way)


def match_unknown(
    unknown: Collection[AttemptRow], reports: Collection[OrderReport], taken: Collection[str]
) -> Mapping[int, OrderReport]:
    """Which report is which unknown attempt, by attempt id.

    First by remark; then by code, side, volume, price and time, and only where exactly one report fits exactly one
    attempt. A report that bears a remark of ours is the attempt of that remark and no other, however well its terms
    fit: orders that are placed again look alike, and another's end would let the next one be placed twice.

    Args:
        unknown: attempts without a broker's id.
        reports: the broker's list of the day.
        taken: broker's ids that belong to other attempts.
    """
    free = [report for report in reports if report.broker_order_id not in taken]
    found: dict[int, OrderReport] = {}
    rest: list[AttemptRow] = []
    for attempt in unknown:
        named = [report for report in free if report.remark.strip() == attempt.remark]
        if not named:
            rest.append(attempt)
        elif len(named) == 1 and _same_terms(attempt, named[0]):
            found[attempt.attempt_id] = named[0]
    nameless = [report for report in free if not OURS.fullmatch(report.remark.strip())]
    pairs = [(attempt, report) for attempt in rest for report in nameless if _fits(attempt, report)]
    for attempt, report in pairs:
        same_attempt = sum(1 for a, _ in pairs if a is attempt)
        same_report = sum(1 for _, r in pairs if r is report)
        if same_attempt == same_report == 1:
            found[attempt.attempt_id] = report
    return found


def _same_terms(attempt: AttemptRow, report: OrderReport) -> bool:
    return attempt.security == report.symbol and attempt.side is report.side and attempt.volume == report.volume


def _fits(attempt: AttemptRow, report: OrderReport) -> bool:
    return (
        _same_terms(attempt, report)
        and attempt.price == report.price
        and attempt.created_at - BEFORE <= report.at <= attempt.created_at + AFTER
    )


class Reconciler:
    """Applies a broker's lists to the ledger."""

    def __init__(self, *, ledger: Ledger, desk: Desk) -> None:
        self._ledger = ledger
        self._desk = desk

    async def reconcile(self, account: Account, *, connected_anew: bool = False) -> None:
        """Reads the lists and applies them: live and unknown attempts, and missing fills.

        Raises:
            BrokerError: the broker did not answer; nothing was changed.
        """
        lists = await read_lists(account)
        await self._ledger.write(lambda tx: self._apply(tx, account, lists, connected_anew=connected_anew))
        account.wake.set()

    def _apply(self, tx: Tx, account: Account, lists: Lists, *, connected_anew: bool) -> None:
        moment = self._desk.moment(account)
        day = account.trading_day()
        if connected_anew or not account.traits.always_open:  # the practice day rolls first, and tells the ends then
            for attempt in tx.attempts.live(account.name):
                if attempt.day < day and not _listed(attempt, lists):
                    self._day_lost(tx, account, attempt)
        self._match(tx, account, lists)
        attempts = [a for a in tx.attempts.list(account=account.name, day=day) if _wants_news(a)]
        attempts += [a for a in tx.attempts.live(account.name) if a.day < day]
        ids = {a.broker_order_id for a in attempts if a.broker_order_id}
        remarks = {a.remark for a in attempts}
        # Fills first: an order that is reported as ended is then ended with all its fills.
        for fill in lists.fills:
            if fill.broker_order_id in ids or fill.remark in remarks:
                apply_fill(tx, account.name, day, fill, moment)
                account.traded = True
        for report in lists.orders:
            if report.broker_order_id in ids or report.remark in remarks:
                self._desk.apply_report(tx, account, report, moment)
        self._tell_of_strangers(tx, account, lists)
        self._settle_absent(tx, account, lists)
        self._end_day(tx, account, lists)

    def _match(self, tx: Tx, account: Account, lists: Lists) -> None:
        """Gives unknown attempts the broker's ids that are theirs."""
        moment = self._desk.moment(account)
        day = account.trading_day()
        todays = tx.attempts.list(account=account.name, day=day)
        unknown = [a for a in todays if a.state is AttemptState.UNKNOWN and a.broker_order_id is None]
        if not unknown:
            return
        taken = {a.broker_order_id for a in todays if a.broker_order_id}
        for attempt_id, report in match_unknown(unknown, lists.orders, taken).items():
            log.info(
                "unknown_found", account=account.name, attempt_id=attempt_id, broker_order_id=report.broker_order_id
            )
            tx.attempts.update(attempt_id, moment.now, broker_order_id=report.broker_order_id)

    def _tell_of_strangers(self, tx: Tx, account: Account, lists: Lists) -> None:
        """An order with a remark of ours that this ledger does not know: the ledger is an old copy, or a second one."""
        now = self._desk.moment(account).now
        for report in lists.orders:
            if OURS.fullmatch(report.remark) and tx.attempts.by_remark(report.remark) is None:
                text = (
                    f"账户 {account.name} 有一笔本程序下过、但账本里没有的委托：{report.remark} {report.symbol} "
                    f"{report.side} {report.volume}。账本可能是旧备份，或有另一个 jqfollow 在用此账户，请立即核对。"
                )
                key = f"stranger-{account.name}-{account.trading_day()}-{report.broker_order_id}"
                tx.outbox.put(Kind.ALERT, messages.alert(text), now, unique_key=key)

    def _settle_absent(self, tx: Tx, account: Account, lists: Lists) -> None:
        """An unknown attempt that a list which shows everything does not show was never placed."""
        if not account.traits.absence_is_proof or not lists.nothing_under_way or account.placing():
            return
        moment = self._desk.moment(account)
        shown = {report.remark for report in lists.orders}
        for attempt in tx.attempts.live(account.name):
            unknown = attempt.state is AttemptState.UNKNOWN and attempt.broker_order_id is None
            if unknown and attempt.day == account.trading_day() and attempt.remark not in shown:
                after = step_attempt(tx, attempt, Event.ABSENT, moment, detail="not in the broker's list")
                follow_attempt(tx, after, moment)

    def _end_day(self, tx: Tx, account: Account, lists: Lists) -> None:
        """With lists of well after the close, nothing of the day lives any more."""
        moment = self._desk.moment(account)
        if account.traits.always_open:
            return
        for attempt in tx.attempts.live(account.name):
            closed = moment.now >= day_end(attempt.day) + CLOSE_MARGIN
            if closed and not missing_fills(attempt) and _listed(attempt, lists):
                after = step_attempt(tx, attempt, Event.DAY_ENDED, moment)
                follow_attempt(tx, after, moment)

    def _day_lost(self, tx: Tx, account: Account, attempt: AttemptRow) -> None:
        """Its day went by while nobody looked: what was filled then, only a person can find out.

        At the practice exchange nobody needs to: what its pushes did not tell did not happen.
        """
        moment = self._desk.moment(account)
        if not account.traits.real:
            event = Event.ABSENT if attempt.state is AttemptState.UNKNOWN else Event.DAY_ENDED
            follow_attempt(tx, step_attempt(tx, attempt, event, moment, detail=f"{attempt.day} is over"), moment)
            return
        after = step_attempt(tx, attempt, Event.DAY_LOST, moment, detail=f"the day {attempt.day} is over")
        order = tx.orders.get(after.order_id)
        if after.state is AttemptState.UNKNOWN and order is not None:
            text = messages.unknown_outcome(order, after, title=order.strategy, name=None)
            tx.outbox.put(Kind.UNKNOWN_OUTCOME, text, moment.now, unique_key=f"unknown-{after.attempt_id}")


def _wants_news(attempt: AttemptRow) -> bool:
    return attempt.ended_at is None or missing_fills(attempt)


def _listed(attempt: AttemptRow, lists: Lists) -> bool:
    return any(
        report.broker_order_id == attempt.broker_order_id or report.remark == attempt.remark for report in lists.orders
    )
