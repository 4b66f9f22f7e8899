"""What the service does once a day: heartbeat, summary, a copy of the ledger."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import structlog

from jqfollow.clock import Clock
from jqfollow.costs.figures import figures
from jqfollow.costs.reading import Period, read_period
from jqfollow.execution.accounts import Account
from jqfollow.execution.sweeps import Sweeps
from jqfollow.execution.transitions import Names
from jqfollow.ledger.backups import daily_path, prune
from jqfollow.ledger.ledger import Ledger
from jqfollow.market.calendar import FILE_NAME as CALENDAR_FILE
from jqfollow.market.calendar import CalendarError, TradingCalendar, calendar_template
from jqfollow.market.sessions import accepts_orders, day_end, phase_at
from jqfollow.notify import messages, reports
from jqfollow.notify.collect import Scene, heartbeat_facts, summary_facts
from jqfollow.notify.facts import CostFacts
from jqfollow.notify.kinds import Kind
from jqfollow.settings import Settings

log = structlog.get_logger(__name__)

LOOK_AWAKE_EVERY_S = 10
ASLEEP = timedelta(seconds=60)
"""Who was not called for so long slept, or stood still."""
KEEP_BACKUPS = 14
KEEP_BACKUPS_BYTES = 4 << 30
_CURVE = timedelta(days=60)
"""What the evening's picture shows."""
KEEP_PICTURES = timedelta(days=30)
"""So long every picture of an account is kept; of older days only the last."""


class Routine:
    """The day's jobs: functions of a time, called by the scheduler and by tests."""

    def __init__(
        self,
        *,
        settings: Settings,
        ledger: Ledger,
        accounts: Mapping[str, Account],
        sweeps: Sweeps,
        calendar: TradingCalendar,
        names: Names,
        warnings: Callable[[], Sequence[str]],
        told: Callable[[], None],
        clock: Clock,
    ) -> None:
        """`warnings` gives what is wrong now, in Chinese; `told` is called when the outbox holds something new."""
        self._settings = settings
        self._ledger = ledger
        self._accounts = accounts
        self._sweeps = sweeps
        self._calendar = calendar
        self._names = names
        self._warnings = warnings
        self._told = told
        self._clock = clock
        self._awake: datetime | None = None

    def _scene(self, now: datetime) -> Scene:
        days = {name: account.hours.trading_day() for name, account in self._accounts.items()}
        return Scene(
            now=now,
            accounts=[account.state() for account in self._accounts.values()],
            days=days,
            strategies=self._settings.strategies,
            names=self._names.securities,
            trading_day=_trades(self._calendar, now),
            warnings=tuple(self._warnings()),
        )

    async def send_heartbeat(self, now: datetime) -> None:
        """Every day: that the service lives, and whether the exchange trades."""
        scene = self._scene(now)
        facts = await self._ledger.read(lambda tx: heartbeat_facts(tx, scene))
        await self.tell(Kind.HEARTBEAT, reports.heartbeat(facts), unique_key=f"heartbeat-{now:%Y%m%d}")

    async def send_summary(self, now: datetime) -> None:
        """After the close of a trading day: signals beside what was really traded."""
        if not _trades(self._calendar, now):
            return
        await asyncio.gather(*(self._sweeps.take_picture(account, now) for account in self._accounts.values()))
        scene = self._scene(now)
        facts = await self._ledger.read(lambda tx: summary_facts(tx, scene))
        month = await self._ledger.read(lambda tx: read_period(tx, self._settings, now.date() - _CURVE, now.date()))
        facts = replace(facts, costs=_costs(month, now))
        await self.tell(Kind.SUMMARY, reports.summary(facts), unique_key=f"summary-{now:%Y%m%d}")
        await self._send_curve(month, now)

    async def _send_curve(self, month: Period, now: datetime) -> None:
        """A picture of the last weeks, where the package that draws it is installed, and somebody is told."""
        if not (self._settings.notify.wecom.keys or self._settings.notify.channels) or not month.results:
            return
        path = self._settings.data_dir / "pictures" / f"{now:%Y-%m-%d}.png"
        try:
            await asyncio.to_thread(_draw, month, path)
        except ModuleNotFoundError:
            log.info("no_picture", missing="matplotlib")
            return
        except OSError as error:
            log.warning("no_picture", error=str(error))
            return
        await self.tell(Kind.PICTURE, str(path), unique_key=f"picture-{now:%Y%m%d}")

    async def keep_house(self, now: datetime) -> None:
        """At the start and after the close: a copy of the ledger, old things away, the calendar's end announced."""
        copy = daily_path(self._settings.ledger_file, now.date())
        if not copy.exists() or now >= day_end(now.date()):
            await self._ledger.backup(copy)
            prune(copy.parent, KEEP_BACKUPS, KEEP_BACKUPS_BYTES)
            await self._ledger.write(lambda tx: tx.snapshots.thin(now.date() - KEEP_PICTURES))
        warning = self._calendar.warning(now.date())
        if warning is not None:
            calendar_file = self._settings.data_dir / CALENDAR_FILE
            if not calendar_file.exists():
                calendar_file.write_text(calendar_template(), encoding="utf-8", newline="\n")
            await self.tell(Kind.ALERT, messages.alert(warning[0]), unique_key=f"calendar-{now:%Y%m%d}")

    async def look_awake(self, now: datetime) -> None:
        """Every few seconds: a computer that slept while the exchange traded is told of, by whatever it slept."""
        before, self._awake = self._awake, now
        if before is None or now - before < ASLEEP:
            return
        minutes = traded_minutes(self._calendar, before, now)
        log.warning("was_asleep", since=before.isoformat(), traded_minutes=minutes)
        if minutes:
            times = f"{before:%m-%d %H:%M:%S} 到 {now:%m-%d %H:%M:%S}"
            zh = f"电脑睡眠或停顿：{times}，其中交易时段 {minutes} 分钟没有跟单。请运行 jqfollow doctor"
            await self.tell(Kind.ALERT, messages.alert(zh))

    async def tell(self, kind: Kind, text: str, *, unique_key: str | None = None) -> None:
        """Puts a message into the outbox; with a `unique_key`, once."""
        now = self._clock.now()
        await self._ledger.write(lambda tx: tx.outbox.put(kind, text, now, unique_key=unique_key))
        self._told()


def traded_minutes(calendar: TradingCalendar, since: datetime, until: datetime) -> int:
    """How many minutes of `since` to `until`, of its last week at most, the exchange took orders."""
    minutes, moment = 0, max(since, until - timedelta(days=7))
    while moment < until:
        if not _trades(calendar, moment):
            moment = datetime.combine(moment.date() + timedelta(days=1), time(), moment.tzinfo)
            continue
        minutes += accepts_orders(phase_at(moment), join_auction=False)
        moment += timedelta(minutes=1)
    return minutes


def _trades(calendar: TradingCalendar, now: datetime) -> bool:
    try:
        return calendar.is_trading_day(now.date())
    except CalendarError:
        return False


def _costs(month: Period, now: datetime) -> CostFacts | None:
    """What today's orders cost; `None`: there were none."""
    of_today = figures([order for order in month.orders if order.day == now.date()])
    drift = [row for row in month.drift if row.day == now.date()]
    if not of_today.orders:
        return None
    nothing = Decimal(0)
    return CostFacts(
        filled_share=of_today.filled_share,
        bps=of_today.parts.bps,
        yuan=of_today.parts.total,
        unpriced=of_today.unpriced,
        missing=sum((row.missing for row in drift), nothing),
        excess=sum((row.excess for row in drift), nothing),
    )


def _draw(month: Period, path: Path) -> None:
    from jqfollow.costs.plots import results_png

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(results_png(month.results))
