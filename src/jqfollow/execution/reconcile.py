"""Brings the ledger up to the broker's own lists, and settles what is unknown by evidence.

Nothing is ever placed here. What the lists do not show is proof only at a broker whose list shows everything at once
(`BrokerTraits.absence_is_proof`), and there only while no placing call is under way.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from jqfollow.domain import ATTEMPT_ENDED, ATTEMPT_LIVE, AttemptState, FillReport, OrderReport
from jqfollow.execution.accounts import Account
from jqfollow.execution.desk import Desk
from jqfollow.execution.lifecycle import Event
from jqfollow.execution.ours import Ours, match_unknown, may_be
from jqfollow.execution.strangers import tell_of_strangers
from jqfollow.execution.transitions import (
    Moment,
    apply_fill,
    contradicted,
    follow_attempt,
    missing_fills,
    step_attempt,
)
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow
from jqfollow.ledger.tx import Tx
from jqfollow.market.sessions import day_end

log = structlog.get_logger(__name__)

CLOSE_MARGIN = timedelta(minutes=2)
"""The closing auction's fills may be told as late as this."""
OUT_OF_ORDER = timedelta(seconds=10)
"""So long after an attempt's end a list may still show it alive."""


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


Rows = Mapping[str, OrderReport]
"""Rows of a broker's list by its ids."""


class Reconciler:
    """Applies a broker's lists to the ledger."""

    def __init__(self, *, ledger: Ledger, desk: Desk) -> None:
        self._ledger = ledger
        self._desk = desk
        self._over: dict[str, Rows] = {}
        """By account, the last list's rows of attempts that are over: while they stay as they are they tell nothing."""

    async def reconcile(self, account: Account, *, connected_anew: bool = False) -> None:
        """Reads the lists and applies them: live and unknown attempts, and missing fills.

        Raises:
            BrokerError: the broker did not answer; nothing was changed.
        """
        lists = await read_lists(account)
        over = {} if connected_anew else self._over.get(account.name, {})
        kept, news = _news(lists, over)
        ended = await self._ledger.write(
            lambda tx: self._apply(tx, account, lists, news, connected_anew=connected_anew)
        )
        self._over[account.name] = {**kept, **ended}
        account.wake.set()

    def _apply(self, tx: Tx, account: Account, lists: Lists, news: Lists, *, connected_anew: bool) -> Rows:
        """Applies `news`, those rows of the lists that are not known to be over; gives those that are from now on."""
        moment = self._desk.moment(account)
        day = account.hours.trading_day()
        self._match(tx, account, lists)
        earlier = [a for a in tx.attempts.live(account.name) if a.day < day]
        asked: list[OrderReport | FillReport] = [*news.orders, *news.fills]
        todays = tx.attempts.listed(
            account.name, day, (row.remark.strip() for row in asked), (row.broker_order_id for row in asked)
        )
        ours = Ours([*todays, *earlier], lists.orders)
        told = [(r, ours.find(account.key(r.broker_order_id, r.at), r.remark)) for r in news.orders]
        rows = [(attempt, report) for report, attempt in told if attempt is not None and may_be(attempt, report)]
        shown = {attempt.attempt_id for attempt, _ in rows}
        if connected_anew or not account.traits.always_open:  # the practice day rolls first, and tells the ends then
            for attempt in earlier:
                if attempt.attempt_id not in shown:
                    self._day_lost(tx, account, attempt)
        self._apply_rows(tx, account, news.fills, rows, ours)
        tell_of_strangers(tx, account, lists.orders, news.orders, ours, moment)
        self._settle_absent(tx, account, lists)
        self._end_day(tx, account, shown)
        return {report.broker_order_id: report for attempt, report in rows if _is_over(attempt, report)}

    def _apply_rows(
        self,
        tx: Tx,
        account: Account,
        fills: Sequence[FillReport],
        rows: Sequence[tuple[AttemptRow, OrderReport]],
        ours: Ours,
    ) -> None:
        """Applies what the lists say of attempts of which more can be known.

        Fills first: an order that is reported as ended is then ended with all its fills.
        """
        moment = self._desk.moment(account)
        news = {attempt.attempt_id for attempt, report in rows if _tells_more(attempt, report)}
        for fill in fills:
            key = account.key(fill.broker_order_id, fill.at)
            found = ours.find(key, fill.remark)
            if found is not None and (_wants_news(found) or found.attempt_id in news):
                apply_fill(tx, key, fill, moment)
                account.traded = True
        for attempt, report in rows:
            if attempt.attempt_id in news:
                self._desk.apply_report(tx, account, report, moment)
            elif _lives_again(attempt, report, moment):
                contradicted(tx, attempt, report.state, moment)

    def _match(self, tx: Tx, account: Account, lists: Lists) -> None:
        """Gives unknown attempts the broker's ids that are theirs."""
        moment = self._desk.moment(account)
        day = account.hours.trading_day()
        unknown = [a for a in tx.attempts.unknown(account.name) if a.day == day and a.broker_order_id is None]
        if not unknown:
            return
        todays = tx.attempts.list(account=account.name, day=day)
        taken = {a.broker_order_id for a in todays if a.broker_order_id}
        listed = [r for r in lists.orders if account.key(r.broker_order_id, r.at).day == day]
        for attempt_id, report in match_unknown(unknown, listed, taken).items():
            log.info(
                "unknown_found", account=account.name, attempt_id=attempt_id, broker_order_id=report.broker_order_id
            )
            tx.attempts.update(attempt_id, moment.now, broker_order_id=report.broker_order_id)

    def _settle_absent(self, tx: Tx, account: Account, lists: Lists) -> None:
        """An unknown attempt that a list which shows everything does not show was never placed."""
        if not account.traits.absence_is_proof or not lists.nothing_under_way or account.placing():
            return
        moment = self._desk.moment(account)
        shown = {report.remark for report in lists.orders}
        for attempt in tx.attempts.live(account.name):
            unknown = attempt.state is AttemptState.UNKNOWN and attempt.broker_order_id is None
            if unknown and attempt.day == account.hours.trading_day() and attempt.remark not in shown:
                after = step_attempt(tx, attempt, Event.ABSENT, moment, detail="not in the broker's list")
                follow_attempt(tx, after, moment)

    def _end_day(self, tx: Tx, account: Account, shown: Collection[int]) -> None:
        """What a list of well after the close of its day shows as standing has ended with the day."""
        moment = self._desk.moment(account)
        if account.traits.always_open:
            return
        for attempt in tx.attempts.live(account.name):
            closed = moment.now >= day_end(attempt.day) + CLOSE_MARGIN
            if closed and not missing_fills(attempt) and attempt.attempt_id in shown:
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
        step_attempt(tx, attempt, Event.DAY_LOST, moment, detail=f"the day {attempt.day} is over")


def _news(lists: Lists, over: Rows) -> tuple[Rows, Lists]:
    """Which rows of the orders are as they were when their attempts were over, and the lists without them."""
    kept: dict[str, OrderReport] = {}
    news: list[OrderReport] = []
    for report in lists.orders:
        known = over.get(report.broker_order_id)
        if known is report or known == report:
            kept[report.broker_order_id] = report
        else:
            news.append(report)
    return kept, replace(lists, orders=news, fills=[fill for fill in lists.fills if fill.broker_order_id not in kept])


def _is_over(attempt: AttemptRow, report: OrderReport) -> bool:
    """Whether the row tells nothing more, now and while it stays as it is; the attempt as it was before it."""
    return report.state in ATTEMPT_ENDED and not _tells_more(attempt, report)


def _wants_news(attempt: AttemptRow) -> bool:
    return attempt.ended_at is None or missing_fills(attempt)


def _tells_more(attempt: AttemptRow, report: OrderReport) -> bool:
    """Whether a row of the list may change what is known of the attempt."""
    return _wants_news(attempt) or report.filled > attempt.done


def _lives_again(attempt: AttemptRow, report: OrderReport, moment: Moment) -> bool:
    """Whether the list shows alive what ended without being filled; after the close it shows so until the night."""
    ended = attempt.state in {AttemptState.CANCELED, AttemptState.REJECTED} and attempt.day >= moment.open_day
    late = attempt.ended_at is not None and moment.now - attempt.ended_at > OUT_OF_ORDER
    return ended and late and report.state in ATTEMPT_LIVE
