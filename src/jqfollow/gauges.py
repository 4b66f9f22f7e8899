"""What an operator may want to be woken for, as figures: `GET /metrics` shows them beside what was counted.

Whatever is broken, the rest is told: a ledger that cannot be read is a figure, too.
"""

import asyncio
import platform
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from jqfollow import __version__
from jqfollow.api.metrics import Sample, labelled, single
from jqfollow.domain import AttemptState, JqfollowError, OrderState, WaitingFor
from jqfollow.ledger.backups import newest_copy
from jqfollow.ledger.tx import Tx
from jqfollow.market.calendar import CalendarError
from jqfollow.market.sessions import accepts_orders, phase_at
from jqfollow.notices import Notices
from jqfollow.parts import Parts

if TYPE_CHECKING:
    from jqfollow.api.reception import Reception
    from jqfollow.clock_steps import ClockSteps
    from jqfollow.schedule import Schedule

log = structlog.get_logger(__name__)

_LEDGER_S = 2.0
"""A scraper is not kept waiting longer."""


class Gauges:
    """Reads them all, at the moment of asking."""

    def __init__(
        self, parts: Parts, *, notices: Notices, schedule: "Schedule", reception: "Reception", steps: "ClockSteps"
    ) -> None:
        """Everything as the service put it together."""
        self._parts = parts
        self._notices = notices
        self._schedule = schedule
        self._reception = reception
        self._steps = steps
        self._started_at = parts.clock.now()

    async def read(self) -> Sequence[Sample]:
        """Everything that can be told now."""
        now = self._parts.clock.now()
        work = await self._of_ledger(self._work, now)
        whole = self._parts.ledger.trouble is None and not self._parts.ledger.commit_failed
        ready = single(
            "jqfollow_ledger_ready", "Whether the ledger can be read and written", whole and work is not None
        )
        rest = [await self._of_ledger(tell, now) for tell in (self._days, self._drift)]
        files = await asyncio.to_thread(_files, self._parts.settings.ledger_file)
        return [ready, *self._live(now), *(sample for found in (work, *rest) for sample in found or ()), *files]

    async def _of_ledger(self, tell: Callable[[Tx, datetime], Iterator[Sample]], now: datetime) -> list[Sample] | None:
        """What stands in the ledger; `None`: it cannot be read now, or takes too long."""
        try:
            async with asyncio.timeout(_LEDGER_S):
                return await self._parts.ledger.read(lambda tx: list(tell(tx, now)))
        except (JqfollowError, TimeoutError) as error:
            log.warning("no_figures_of_the_ledger", what=tell.__name__, error=str(error) or type(error).__name__)
            return None

    # -- what lives in memory ----------------------------------------------------------------------------------------

    def _live(self, now: datetime) -> Iterator[Sample]:
        parts = self._parts
        build = {"version": __version__, "python": platform.python_version(), "system": platform.system()}
        yield Sample(name="jqfollow_build_info", help="What is running", values=((build, 1),))
        yield single("jqfollow_start_time_seconds", "When the service started", self._started_at.timestamp())
        yield single("jqfollow_exchange_open", "Whether the exchanges take orders now", int(self._exchange_open(now)))
        yield from self._accounts()
        yield from self._notifications()
        yield from self._relay()
        yield single("jqfollow_signals_waiting", "Signals that wait for their commit", self._reception.waiting)
        heard = self._reception.heard
        yield labelled(
            "jqfollow_last_message_timestamp_seconds",
            "When the strategy's last authentic message came, since the start",
            (({"strategy": name}, at.timestamp()) for name, (at, _) in heard.items()),
        )
        yield labelled(
            "jqfollow_sender_clock_offset_seconds",
            "JoinQuant's clock minus this machine's at that message, its way included",
            (({"strategy": name}, skew_s) for name, (_, skew_s) in heard.items()),
        )
        yield single("jqfollow_clock_steps_total", "How often the clock was set", self._steps.count, counter=True)
        yield single(
            "jqfollow_internal_errors_total", "Our mistakes: see the log", parts.follower.failures, counter=True
        )
        yield Sample(
            name="jqfollow_sweep_failures_total",
            help="Turns of what is done again and again that failed",
            kind="counter",
            values=tuple(({"sweep": name}, count) for name, count in sorted(self._schedule.failures.items())),
        )
        levels = Counter(str(view.level) for view in self._notices.views(parts))
        yield labelled(
            "jqfollow_notices",
            "What the dashboard's head says is wrong now",
            (({"level": level}, levels[level]) for level in ("warning", "error")),
        )

    def _exchange_open(self, now: datetime) -> bool:
        try:
            return self._parts.calendar.is_trading_day(now.date()) and accepts_orders(phase_at(now), join_auction=False)
        except CalendarError:
            return False

    def _accounts(self) -> Iterator[Sample]:
        accounts = self._parts.accounts.values()
        yield labelled(
            "jqfollow_account_ready",
            "Whether the account is connected and can trade now",
            (
                ({"account": a.name, "broker": a.settings.broker, "real": str(a.traits.real).lower()}, int(a.ready))
                for a in accounts
            ),
        )
        yield labelled(
            "jqfollow_broker_calls_hanging",
            "Calls to the broker that never returned",
            (({"account": a.name}, a.lanes.abandoned) for a in accounts),
        )
        yield labelled(
            "jqfollow_broker_pushes_waiting",
            "What the broker told and nobody has dealt with yet",
            (({"account": a.name}, a.pushes.qsize()) for a in accounts),
        )

    def _notifications(self) -> Iterator[Sample]:
        robots = self._parts.outbox.health()["robots"]
        yield labelled(
            "jqfollow_notify_channel_up",
            "Whether the channel takes messages",
            (({"channel": robot["name"]}, int(robot["state"] == "ok")) for robot in robots),
        )
        yield Sample(
            name="jqfollow_notifications_total",
            help="Messages for people since the start; given_up: nobody was told",
            kind="counter",
            values=tuple(
                ({"channel": robot["name"], "outcome": outcome}, robot[outcome])
                for robot in robots
                for outcome in ("sent", "failed", "given_up")
            ),
        )

    def _relay(self) -> Iterator[Sample]:
        """Nothing where no relay was joined."""
        state = self._notices.relay.state if self._notices.relay is not None else None
        if state is None:
            return
        yield single("jqfollow_relay_connected", "Whether signals come by the relay", int(state.connected))
        yield single("jqfollow_relay_waiting", "Messages that the relay holds for this PC", state.waiting)
        yield single("jqfollow_relay_clock_offset_seconds", "The relay's clock minus this machine's", state.ahead_s)
        yield single("jqfollow_relay_taken_total", "Messages taken from the relay", state.taken, counter=True)
        failed = state.refused + state.failed
        yield single(
            "jqfollow_relay_failed_total", "Messages of the relay that could not be used", failed, counter=True
        )

    # -- what stands in the ledger -----------------------------------------------------------------------------------

    def _work(self, tx: Tx, now: datetime) -> Iterator[Sample]:
        yield from self._orders(tx, now)
        pauses = Counter("buys" if pause.buys else "all" for pause in tx.pauses.list())
        yield labelled(
            "jqfollow_pauses", "Pauses that stand", (({"stops": what}, pauses[what]) for what in ("all", "buys"))
        )
        oldest = tx.outbox.oldest_pending()
        waited_s = 0.0 if oldest is None else (now - oldest.created_at).total_seconds()
        yield single("jqfollow_outbox_pending", "Messages for people that are not sent yet", tx.outbox.pending())
        yield single("jqfollow_outbox_oldest_seconds", "How long the oldest of them has waited", max(waited_s, 0.0))
        unread = len(tx.signals.received())
        yield single("jqfollow_signals_unread", "Signals in the ledger of which no order was made yet", unread)

    def _orders(self, tx: Tx, now: datetime) -> Iterator[Sample]:
        names = list(self._parts.accounts)
        rows = tx.orders.open()
        unknown = [attempt for attempt in tx.attempts.live() if attempt.state is AttemptState.UNKNOWN]
        count = Counter(order.account for order in rows)
        yield labelled(
            "jqfollow_open_orders", "Orders that have not ended", (({"account": n}, count[n]) for n in names)
        )
        waits = Counter((order.account, order.waiting_for) for order in rows)
        yield labelled(
            "jqfollow_orders_waiting",
            "Open orders by what they wait for",
            (({"account": n, "for": what.value}, waits[n, what]) for n in names for what in WaitingFor),
        )
        since = {n: [o.created_at for o in rows if o.account == n] for n in names}
        yield _ages("jqfollow_open_order_oldest_seconds", "Age of the oldest open order", since, now)
        count = Counter(attempt.account for attempt in unknown)
        yield labelled(
            "jqfollow_unknown_attempts",
            "Attempts whose outcome nobody knows",
            (({"account": n}, count[n]) for n in names),
        )
        since = {n: [a.created_at for a in unknown if a.account == n] for n in names}
        yield _ages("jqfollow_unknown_oldest_seconds", "Age of the oldest of them", since, now)

    def _days(self, tx: Tx, now: datetime) -> Iterator[Sample]:
        """What accounts have, and what was done on their trading day."""
        accounts = self._parts.accounts
        days = {name: account.hours.trading_day() for name, account in accounts.items()}
        made: dict[str, Counter[OrderState]] = {name: Counter() for name in accounts}
        for day in set(days.values()):
            for order in tx.orders.of_days(day, day):
                if days.get(order.account) == day:
                    made[order.account][order.state] += 1
        yield labelled(
            "jqfollow_orders_today",
            "The day's orders by state",
            (({"account": n, "state": state.value}, made[n][state]) for n in accounts for state in OrderState),
        )
        signals = tx.signals.counts_since(now.replace(hour=0, minute=0, second=0, microsecond=0))
        yield labelled(
            "jqfollow_signals_today",
            "Orders that strategies told today, by what became of them",
            (({"strategy": strategy, "state": state}, count) for (strategy, state), count in signals.items()),
        )
        counts = {n: tx.attempts.counts(n, days[n], ahead=False) for n in accounts}
        for name, text, values in (
            (
                "jqfollow_attempts_today",
                "Orders placed at the broker today",
                {n: c.attempts for n, c in counts.items()},
            ),
            ("jqfollow_cancels_today", "Cancels today", {n: c.cancels for n, c in counts.items()}),
            ("jqfollow_turnover_today_yuan", "Filled today", {n: c.turnover for n, c in counts.items()}),
        ):
            yield labelled(name, text, (({"account": n}, float(value)) for n, value in values.items()))
        pictures = {name: picture for name in accounts if (picture := tx.snapshots.latest(name)) is not None}
        yield labelled(
            "jqfollow_account_picture_timestamp_seconds",
            "When the broker last showed money and positions",
            (({"account": n}, at.timestamp()) for n, (at, _, _) in pictures.items()),
        )
        for figure in ("total", "cash", "frozen", "market_value"):
            yield labelled(
                f"jqfollow_account_{figure}_yuan",
                f"The account's {figure.replace('_', ' ')} as the broker showed it",
                (({"account": n}, float(getattr(asset, figure))) for n, (_, asset, _) in pictures.items()),
            )

    def _drift(self, tx: Tx, now: datetime) -> Iterator[Sample]:
        day = now.date()
        found = {(row.account, row.strategy): row for row in tx.marks.drift_days(day, day)}
        followed = [(account, name) for name, of in self._parts.settings.strategies.items() for account in of.follow]
        yield labelled(
            "jqfollow_drift_yuan",
            "How far books are off what their strategies hold, times the ratio",
            (
                ({"account": account, "strategy": strategy, "direction": direction}, float(yuan))
                for account, strategy in followed
                for row in [found.get((account, strategy))]
                for direction, yuan in (("missing", row.missing if row else 0), ("excess", row.excess if row else 0))
            ),
        )
        unexplained = Counter(row.account for row in self._parts.drift.read(tx) if row.unexplained)
        yield labelled(
            "jqfollow_drift_unexplained_books",
            "Books with a difference that nothing explains",
            (({"account": name}, unexplained[name]) for name in self._parts.accounts),
        )


def _files(ledger: Path) -> list[Sample]:
    """The ledger's files, its copies and its disk; what cannot be looked at is left out."""
    samples = []
    for name, text, path in (
        ("jqfollow_ledger_bytes", "Size of the ledger", ledger),
        ("jqfollow_ledger_wal_bytes", "Size of what was committed and not moved into it yet", _wal(ledger)),
    ):
        try:
            samples.append(single(name, text, path.stat().st_size))
        except OSError:
            continue
    try:
        copy = newest_copy(ledger)
        made = 0.0 if copy is None else copy.stat().st_mtime
        samples.append(single("jqfollow_backup_timestamp_seconds", "When the ledger was last copied; 0: never", made))
        disk = shutil.disk_usage(ledger.parent)
        samples.append(single("jqfollow_disk_free_bytes", "Room on the disk of the data folder", disk.free))
        samples.append(single("jqfollow_disk_size_bytes", "Size of that disk", disk.total))
    except OSError as error:
        log.warning("disk_not_looked_at", error=str(error))
    return samples


def _wal(ledger: Path) -> Path:
    return ledger.with_name(ledger.name + "-wal")


def _ages(name: str, text: str, since: Mapping[str, Sequence[datetime]], now: datetime) -> Sample:
    """Seconds by account; 0: there is none."""
    values = ((n, max((now - min(times)).total_seconds(), 0.0) if times else 0.0) for n, times in since.items())
    return labelled(name, text, (({"account": n}, age) for n, age in values))
