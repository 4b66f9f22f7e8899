"""What is looked at by itself: a drift that nothing explains is told, and what `start = "adopt"` promises is done."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import partial

import structlog

from jqfollow.accounting.books import BookKeeper, Hand
from jqfollow.domain import ManualOrderError
from jqfollow.drift.causes import Drift
from jqfollow.drift.memo import MARK, DriftMemo, Unkept
from jqfollow.drift.prices import last_prices
from jqfollow.drift.reading import Key
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.marks import DriftDay
from jqfollow.ledger.tx import Tx
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind
from jqfollow.settings import Settings

log = structlog.get_logger(__name__)

_MOST_NAMED = 10
_ROWS_AT_ONCE = 200


class Watch:
    """Called by the schedule, beside everything that trades."""

    def __init__(
        self, *, ledger: Ledger, keeper: BookKeeper, memo: DriftMemo, settings: Settings, told: Callable[[], None]
    ) -> None:
        """`told` is called when the outbox has news."""
        self._ledger = ledger
        self._keeper = keeper
        self._memo = memo
        self._settings = settings
        self._told = told

    async def look(self, now: datetime) -> None:
        """Adopts what is to be adopted, once; tells of what nothing explains, each finding once."""
        for name, strategy in self._settings.strategies.items():
            if strategy.start == "adopt":
                for account in strategy.follow:
                    await self._adopt(name, account, now)
        rows, days, unkept = await self._ledger.read(
            lambda tx: (*_looked_at(tx, self._memo.read(tx), now), self._memo.unkept())
        )
        if rows or days:
            await self._ledger.write(lambda tx: _write(tx, rows, days, now))
        if rows:
            self._told()
        if unkept is not None:
            await self._keep(unkept)

    async def _keep(self, unkept: Unkept) -> None:
        """What was worked out stands in the ledger for the next start; a few rows at once: orders wait for no more."""
        keys = list(unkept.rows)
        if unkept.anew or len(keys) > _ROWS_AT_ONCE:  # until all of them are there, none counts
            await self._ledger.write(partial(_begin, anew=unkept.anew))
        for start in range(0, len(keys), _ROWS_AT_ONCE):
            some = {key: unkept.rows[key] for key in keys[start : start + _ROWS_AT_ONCE]}
            await self._ledger.write(partial(_put, rows=some))
        await self._ledger.write(partial(_end, unkept=unkept))
        self._memo.kept(unkept)

    async def _adopt(self, strategy: str, account: str, now: datetime) -> None:
        """After the strategy's first whole report, what it held before is taken from the account's own shares."""
        key = f"adopted-{account}-{strategy}"
        if not await self._ledger.read(lambda tx: tx.meta.get(key) is None and tx.reports.first(strategy) is not None):
            return
        hand = Hand(who="jqfollow", why='start = "adopt"')
        try:
            acts = await self._keeper.adopt_target(account, strategy, hand)
        except ManualOrderError as error:  # not connected, or something is under way: next time
            log.info("not_adopted_yet", account=account, strategy=strategy, why=error.en)
            return
        await self._ledger.write(lambda tx: tx.meta.set(key, now.isoformat()))
        if acts:
            rows = [row for act in acts for row in act.bookings]
            text = f"策略 {strategy} 在账户 {account} 认领了开始跟单前的持仓：" + "，".join(
                f"{row.security} {row.shares}" for row in rows
            )
            await self._ledger.write(lambda tx: tx.outbox.put(Kind.ORDER_DONE, text, now, unique_key=key))
            self._told()


def _looked_at(tx: Tx, rows: list[Drift], now: datetime) -> tuple[list[Drift], list[DriftDay]]:
    """What nothing explains, and how far the books are off, in yuan by the newest pictures."""
    prices = last_prices(tx, rows)
    nothing, sums = Decimal(0), dict[tuple[str, str], tuple[Decimal, Decimal]]()
    for row in rows:
        yuan = (row.drift or nothing) * prices.get((row.account, row.strategy, row.security), nothing)
        missing, excess = sums.get((row.account, row.strategy), (nothing, nothing))
        sums[row.account, row.strategy] = missing + max(yuan, nothing), excess + max(-yuan, nothing)
    days = [
        DriftDay(day=now.date(), account=account, strategy=strategy, missing=missing, excess=excess)
        for (account, strategy), (missing, excess) in sums.items()
    ]
    return [row for row in rows if row.unexplained], days


def _write(tx: Tx, rows: list[Drift], days: list[DriftDay], now: datetime) -> None:
    for day in days:
        tx.marks.put_drift(day)
    _tell(tx, rows, now)


def _begin(tx: Tx, *, anew: bool) -> None:
    tx.meta.remove(MARK)
    if anew:
        tx.kept_drifts.clear()


def _put(tx: Tx, *, rows: dict[Key, str]) -> None:
    tx.kept_drifts.put(rows)


def _end(tx: Tx, *, unkept: Unkept) -> None:
    tx.kept_drifts.drop(unkept.gone)
    tx.meta.set(MARK, unkept.mark)


def _tell(tx: Tx, rows: list[Drift], now: datetime) -> None:
    for row in rows[:_MOST_NAMED]:
        text = (
            f"账户 {row.account} 策略 {row.strategy} {row.security} 有 {row.unexplained.normalize():f} 股偏差无法解释"
            "（正：少于目标）。请用 jqfollow drift 查看，核对后用 jqfollow repair 或 jqfollow book 处理"
        )
        key = f"unexplained-{row.account}-{row.strategy}-{row.security}-{row.unexplained.normalize():f}"
        tx.outbox.put(Kind.ALERT, messages.alert(text), now, unique_key=key)
