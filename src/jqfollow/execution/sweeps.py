"""What is looked at again and again. Functions of an account and a time: a scheduler calls them, and so do tests.

Each account has its own turns: a broker that hangs holds up no other account.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal

import structlog

from jqfollow.domain import AttemptState, BrokerError, Side
from jqfollow.execution.accounts import Account
from jqfollow.execution.closing import Closing
from jqfollow.execution.desk import Desk
from jqfollow.execution.owed import begin_owed
from jqfollow.execution.own_line import OwnLines
from jqfollow.execution.pricing import guard_price
from jqfollow.execution.reconcile import Reconciler
from jqfollow.execution.transitions import wants_no_more
from jqfollow.execution.wishes import Wishes
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow, OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.market.sessions import accepts_cancels
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind
from jqfollow.reasons import Reason, Refusal
from jqfollow.settings import Layers, Settings

log = structlog.get_logger(__name__)

CANCEL_AGAIN = timedelta(seconds=10)
"""A cancel that nothing came of is asked for again after this."""
MOST_CANCELS = 6
"""Of one attempt that is to be priced anew; then a person is told. A wish to end it goes on, more slowly."""
CANCEL_SLOWLY = timedelta(seconds=60)
_STANDS = frozenset({AttemptState.NEW, AttemptState.PARTIALLY_FILLED, AttemptState.PENDING_CANCEL})


class Sweeps:
    """Cancels what stood too long, settles what is unknown, keeps pictures of the accounts."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        desk: Desk,
        wishes: Wishes,
        reconciler: Reconciler,
        settings: Settings,
    ) -> None:
        self._ledger = ledger
        self._desk = desk
        self._wishes = wishes
        self._reconciler = reconciler
        self._closing = Closing(ledger=ledger)
        self._own_lines = OwnLines(ledger=ledger, desk=desk)
        self._layers = Layers(settings)
        self._quiet: dict[str, int] = {}
        """By account: how often this process had committed when nothing of it lived."""

    async def retry(self, account: Account, now: datetime) -> None:
        """What was handed over gets its answer, and the lane looks at what waits."""
        del now  # the lane looks at the clock itself
        if not self._nothing_lives(account):
            await self._desk.settle_unanswered(account)
        account.wake.set()

    async def cancel_overdue(self, account: Account, now: datetime) -> None:
        """Cancels attempts that stood for `cancel_after_s` without being filled."""
        if account.ready and accepts_cancels(account.hours.phase()) and not self._nothing_lives(account):
            for attempt in await self._overdue(account, now):
                await self._wishes.cancel_attempt(attempt)

    def _nothing_lives(self, account: Account) -> bool:
        """Whether nothing did at the last look, and nothing was committed since: no other program places anything."""
        return self._quiet.get(account.name) == self._ledger.commits

    async def _overdue(self, account: Account, now: datetime) -> list[AttemptRow]:
        commits = self._ledger.commits
        live, orders, cancels = await self._ledger.read(
            lambda tx: (
                tx.attempts.live(account.name),
                {order.order_id: order for order in tx.orders.open(account.name)},
                tx.attempts.counts(account.name, account.hours.trading_day(), ahead=False).cancels,
            ),
            urgent=True,
        )
        self._quiet[account.name] = -1 if live else commits
        due: list[AttemptRow] = []
        used_up = False
        for attempt in live:
            order = orders.get(attempt.order_id)
            if order is None or attempt.state not in _STANDS or not self._is_due(account, attempt, order, now):
                continue
            if not wants_no_more(order):
                if not account.hours.may_reprice() or await self._rests(account, attempt, order):
                    continue
                if cancels + len(due) >= self._layers.account(account.name).max_cancels_per_day:
                    used_up = True
                    continue  # what somebody wants ended comes after it, and always goes on
            if attempt.cancels >= MOST_CANCELS:
                await self._tell_cancel_stuck(attempt, now)
                if not wants_no_more(order):
                    continue
            due.append(attempt)
        if used_up:
            await self._tell_cancels_used_up(account, cancels, now)
        return due

    def _is_due(self, account: Account, attempt: AttemptRow, order: OrderRow, now: datetime) -> bool:
        if attempt.cancel_at is not None:
            return now - attempt.cancel_at >= (CANCEL_AGAIN if attempt.cancels < MOST_CANCELS else CANCEL_SLOWLY)
        age = now - max(attempt.created_at, account.hours.auction_end())  # what the auction did not match begins anew
        stands_s = self._layers.execution(order.strategy).cancel_after_s
        return wants_no_more(order) or age >= timedelta(seconds=stands_s)

    async def _rests(self, account: Account, attempt: AttemptRow, order: OrderRow) -> bool:
        """Orders that no other price would serve stand until they are filled or the day ends.

        At a limit of their own, at the day's limit, and sells at the bound of the price guard.
        """
        if order.limit_price is not None:
            return True
        try:
            instrument = await account.instrument(attempt.security)
        except BrokerError:
            return False
        if instrument is None:
            return False
        reference = order.terms.reference
        if attempt.side is Side.SELL and reference is not None:
            most = self._layers.risk(account.name, order.strategy).max_price_drift
            guard = guard_price(attempt.side, reference, most, instrument.tick)
            if attempt.price == guard:
                return True
        limit = instrument.limit_up if attempt.side is Side.BUY else instrument.limit_down
        return limit is not None and attempt.price == limit

    async def _tell_cancels_used_up(self, account: Account, cancels: int, now: datetime) -> None:
        limit = self._layers.account(account.name).max_cancels_per_day
        figures = {"count": str(cancels), "limit": str(limit)}
        sentence = Refusal(reason=Reason.MAX_CANCELS, figures=figures).text("zh")
        text = messages.alert(f"账户 {account.name}：{sentence}，未成交的委托不再撤单重下")
        key = f"cancels-{account.name}-{account.hours.trading_day()}"
        await self._ledger.write(lambda tx: tx.outbox.put(Kind.ALERT, text, now, unique_key=key))
        self._desk.tell(account)

    async def _tell_cancel_stuck(self, attempt: AttemptRow, now: datetime) -> None:
        text = messages.alert(
            f"委托 {attempt.remark}（{attempt.account} {attempt.security}）撤单 {attempt.cancels} 次仍无结果，"
            "请在交易终端核对"
        )
        key = f"cancel-stuck-{attempt.attempt_id}"
        await self._ledger.write(lambda tx: tx.outbox.put(Kind.ALERT, text, now, unique_key=key))

    async def look_after(self, account: Account, now: datetime) -> None:
        """Reads the broker's lists where something lives, is unknown, or misses fills: no push is relied upon."""
        if await self._closing.look(account, now):
            self._desk.tell_people()
        if account.ready and await self._ledger.read(lambda tx: _wants_news(tx, account), urgent=True):
            try:
                await self._reconciler.reconcile(account)
            except BrokerError as error:
                log.info("lists_not_read", account=account.name, error=str(error))
        await begin_owed(self._ledger, account, now)
        await self._own_lines.look(account, now)
        if account.traded:
            await self.take_picture(account, now)

    async def take_picture(self, account: Account, now: datetime) -> None:
        """Writes the account's money and positions down."""
        if not account.ready:
            return
        try:
            asset, positions = await account.asset(), await account.positions()
        except BrokerError as error:
            log.info("picture_not_taken", account=account.name, error=str(error))
            return
        day = account.hours.trading_day()
        most, settle = self._layers.account(account.name).max_daily_loss, timedelta(seconds=account.traits.settle_s)

        def write(tx: Tx) -> None:
            before = tx.snapshots.before(account.name, day)
            tx.snapshots.put(account.name, day, now, asset, positions)
            # While money and shares move the counter shows one without the other: that is no loss.
            settled = not tx.attempts.moved(account.name, day, now - settle)
            if most and settled and before is not None and before - asset.total >= most:
                _stop_buys(tx, account.name, day, now, before - asset.total, most)

        await self._ledger.write(write)
        account.traded = False
        self._desk.tell_people()


def _stop_buys(tx: Tx, account: str, day: date, now: datetime, loss: Decimal, most: Decimal) -> None:
    """Pauses an account's buys, once a day: a person who goes on all the same is not stopped again."""
    text = messages.alert(
        f"账户 {account} 今日亏损 {loss:,.2f} 元，达到上限 {most:,f} 元（risk.max_daily_loss）：已停止买入，卖出照常。"
        f"恢复买入用 jqfollow resume --account {account}"
    )
    if tx.outbox.put(Kind.ALERT, text, now, unique_key=f"loss-{account}-{day}"):
        tx.pauses.pause("", account, now, buys=True)


def _wants_news(tx: Tx, account: Account) -> bool:
    if tx.attempts.live(account.name):
        return True
    return bool(tx.attempts.missing_fills(account.name, account.hours.trading_day()))
