"""Puts the parts together; starts, watches and stops them in order.

Start: ledger, keys, ports taken, accounts recovered, tasks, ports opened, schedule. The ports open before the brokers
are connected: a signal is recorded whatever a broker does. Stop: the other way round, within seconds.
"""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import structlog

from jqfollow import __version__, restored
from jqfollow.accounting.books import BookKeeper
from jqfollow.accounting.corporate import CorporateActions, FactorSource
from jqfollow.accounting.repairs import Repairs
from jqfollow.accounting.watch import Watch
from jqfollow.api.clocks import ClockWatch
from jqfollow.api.console import console_app
from jqfollow.api.metrics import Counters
from jqfollow.api.models import NoticeView, RelayView
from jqfollow.api.opening import Opener
from jqfollow.api.routes.accounting import Accounting
from jqfollow.api.server import Server
from jqfollow.api.signals import SignalsPort, signals_app
from jqfollow.api.token import load_or_create_token
from jqfollow.clock import Clock, SystemClock
from jqfollow.clock_steps import ClockSteps
from jqfollow.domain import AccountState, JqfollowError, Wire
from jqfollow.drift.memo import DriftMemo
from jqfollow.execution.accounts import Account
from jqfollow.execution.brokers.miniqmt.broker import load_xtdata
from jqfollow.execution.brokers.miniqmt.quotes import XtQuotes
from jqfollow.execution.brokers.paper.broker import PaperBroker
from jqfollow.execution.brokers.port import Broker
from jqfollow.execution.brokers.real import real_broker
from jqfollow.execution.calls import CallLog
from jqfollow.execution.desk import Desk
from jqfollow.execution.reconcile import Reconciler
from jqfollow.execution.recovery import orphans, recover
from jqfollow.execution.supervisor import Supervisor
from jqfollow.execution.sweeps import Sweeps
from jqfollow.execution.transitions import Names
from jqfollow.execution.wishes import Wishes
from jqfollow.follower import Follower
from jqfollow.ledger.errors import LedgerDamagedError, LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger_watch import LedgerWatch
from jqfollow.marker import (
    Mark,
    ledger_id,
    read_mark,
    refuse_lost_keys,
    refuse_lost_ledger,
    refuse_other_ledger,
    write_mark,
)
from jqfollow.market.calendar import FILE_NAME as CALENDAR_FILE
from jqfollow.market.calendar import load_calendar
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind
from jqfollow.notify.outbox import Outbox
from jqfollow.notify.wecom import WecomRobot, make_client
from jqfollow.relay.ticket import TICKET
from jqfollow.restored import HighWater
from jqfollow.routine import LOOK_AWAKE_EVERY_S, Routine
from jqfollow.schedule import Schedule
from jqfollow.settings import Account as AccountSettings
from jqfollow.settings import FullQmtAccount, PaperAccount, QmtAccount, Settings
from jqfollow.settings.cautions import cautions
from jqfollow.stages import Stages
from jqfollow.tape.lines import FOLDER as TAPE_FOLDER
from jqfollow.tape.recorder import Recorder
from jqfollow.wire.keystore import KeyStore
from jqfollow.wire.private_file import private_folder

if TYPE_CHECKING:
    from jqfollow.relay.pc import RelayLine

log = structlog.get_logger(__name__)


PICTURES_EVERY_S = 300
LOOK_AFTER_EVERY_S = 2
TAPE_EVERY_S = 1
CORPORATE_EVERY_S = 120
WATCH_EVERY_S = 300
GAPS_EVERY_S = 5
KEEP_HOUSE_AT = time(16)
STAGES_EVERY_S = 1
PUSHES_AT_ONCE = 256
"""So many pushes share a commit at most."""
PUSHES_WAIT_S = 0.05
"""So long they wait at most for a round under way."""
FINISH_S = 5.5
"""Longer than a placing call may take: its answer is written before the end."""
STOP_S = 3.0
HURRIED_S = 1.6
"""What rounds under way get when the system ends us: Windows grants 5 s for everything, other parts get half of it."""

BrokerMaker = Callable[[str, AccountSettings], Broker]


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What a person is told when the service has started."""

    signals_url: str
    console_url: str
    console_token: str | None = field(repr=False)
    """Only when it was made just now."""
    new_keys: Sequence[str]
    """Strategies for which a key was made just now."""
    accounts: Sequence[AccountState]
    warnings: Sequence[str]


class Service:
    """The whole house, from `start` to `stop`."""

    def __init__(
        self, settings: Settings, *, clock: Clock | None = None, make_broker: BrokerMaker | None = None
    ) -> None:
        """`clock` and `make_broker` are for tests; nothing is touched before `start`."""
        self.settings = settings
        self.clock = clock or SystemClock()
        self._make_broker = make_broker or self._broker
        self._closing = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._warnings: list[tuple[str, str]] = []
        self.names = Names(titles={name: s.title for name, s in settings.strategies.items()})
        self.counters = Counters()
        self.schedule = Schedule(self.clock)
        self.stages = Stages(self.clock)
        self.accounts: dict[str, Account] = {}
        self.signals_port: SignalsPort | None = None
        self.hurried: Callable[[], bool] = lambda: False
        """Whether the system ends us, so that a stop has seconds and no more."""
        self.relay: RelayLine | None = None

    async def __aenter__(self) -> Self:
        """Starts."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stops."""
        await self.stop()

    # -- start -------------------------------------------------------------------------------------------------------

    async def start(self) -> Announcement:
        """Starts everything.

        Raises:
            JqfollowError: something is missing, taken or damaged; nothing is left running.
        """
        try:
            return await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> Announcement:
        settings = self.settings
        if warning := private_folder(settings.data_dir):
            zh, _, en = warning.partition(" / ")
            self._warnings.append((zh, en))
        mark = read_mark(settings.data_dir)
        refuse_lost_ledger(mark, settings.ledger_file)
        self.calendar = load_calendar(settings.data_dir / CALENDAR_FILE)
        self.ledger = Ledger.open(settings.ledger_file, whole=False)  # `_look_over` sees the whole
        self._closing.push_async_callback(self.ledger.close)
        self.ledger_watch = LedgerWatch(self.ledger, clock=self.clock, shout=self._shout)
        ledger_name = await self.ledger.write(ledger_id)
        refuse_other_ledger(mark, ledger_name, settings.ledger_file)
        await self._notice_restore(ledger_name)
        self.keys = KeyStore.open(settings.keys_file, self.clock)
        refuse_lost_keys(mark, settings.keys_file, found=bool(self.keys.strategies()))
        new_keys = self.keys.ensure([name for name, s in settings.strategies.items() if s.wire is Wire.JQF1])
        write_mark(settings.data_dir, Mark(ledger=ledger_name, keys=bool(self.keys.strategies())))
        token = load_or_create_token(settings.data_dir)
        self._warn_about_configuration(token.warning)
        self._build()
        self.signals_port = signals_app(
            settings=settings,
            keys=self.keys,
            intake=self.follower,
            clock=self.clock,
            counters=self.counters,
            stages=self.stages,
            clocks=ClockWatch(seen=self._seen, tell=self._tell_of_clocks, clock=self.clock),
        )
        signals = Server(
            self.signals_port,
            name="signals",
            host=settings.signals.host,
            port=settings.signals.port,
        )
        console = Server(
            console_app(
                settings=settings,
                ledger=self.ledger,
                intake=self.follower,
                desk=self.follower,
                clock=self.clock,
                token=token.text,
                counters=self.counters,
                stages=self.stages,
                notices=self.notices,
                relay=self.relay_view,
                signals=self.signals_port,
                accounting=Accounting(repairs=self.repairs, keeper=self.keeper, drift=self.drift),
            ),
            name="console",
            host=settings.console.host,
            port=settings.console.port,
        )
        for server in (signals, console):
            server.bind()
            self._closing.push_async_callback(server.stop)
        await self.ledger.write(lambda tx: recover(tx, self.accounts, self.calls, self.wishes.moment))
        self._closing.callback(self.calls.close)
        await self._warn_about_orphans()
        self._join_relay()
        self._run_tasks()
        for server in (signals, console):
            await server.start()
        self._schedule()
        await self._first_connections()
        self.signals_url, self.console_url = signals.url, console.url
        await self.routine.tell(Kind.STARTED, messages.started(__version__, self.follower.account_states()))
        log.info("started", version=__version__, signals=signals.url, console=console.url)
        return Announcement(
            signals_url=f"{signals.url}/api/order",
            console_url=console.url,
            console_token=token.text if token.created else None,
            new_keys=new_keys,
            accounts=self.follower.account_states(),
            warnings=[f"{zh} / {en}" for zh, en in self._warnings],
        )

    def _build(self) -> None:
        settings = self.settings
        self.calls = CallLog(settings.data_dir / "calls.log")
        for name, account in settings.accounts.items():
            self.accounts[name] = Account(
                name=name,
                settings=account,
                broker=self._make_broker(name, account),
                clock=self.clock,
                calendar=self.calendar,
                calls=self.calls,
            )
            self._closing.push_async_callback(self._close_lanes, self.accounts[name])
        client = make_client()
        self._closing.push_async_callback(client.aclose)
        robots = [WecomRobot(key, client) for key in settings.notify.wecom.keys]
        self.outbox = Outbox(self.ledger, robots, self.clock)
        self.desk = Desk(
            ledger=self.ledger,
            accounts=self.accounts,
            clock=self.clock,
            names=self.names,
            told=self.outbox.kick,
            stages=self.stages,
        )
        self.wishes = Wishes(
            ledger=self.ledger, accounts=self.accounts, clock=self.clock, names=self.names, told=self.outbox.kick
        )
        self.reconciler = Reconciler(ledger=self.ledger, desk=self.desk)
        self.follower = Follower(
            ledger=self.ledger,
            accounts=self.accounts,
            desk=self.desk,
            wishes=self.wishes,
            settings=settings,
            clock=self.clock,
            names=self.names,
            stages=self.stages,
        )
        self.repairs = Repairs(
            ledger=self.ledger,
            accounts=self.accounts,
            rounds=self.follower.rounds,
            settings=settings,
            clock=self.clock,
            wake=self.follower.look_again,
        )
        self.keeper = BookKeeper(ledger=self.ledger, accounts=self.accounts, settings=settings, clock=self.clock)
        self.drift = DriftMemo(settings)
        self.watch = Watch(
            ledger=self.ledger, keeper=self.keeper, memo=self.drift, settings=settings, told=self.outbox.kick
        )
        quoted = {n: a for n, a in self.accounts.items() if not isinstance(a.settings, FullQmtAccount)}
        self.recorder = Recorder(ledger=self.ledger, accounts=quoted, folder=settings.data_dir / TAPE_FOLDER)
        self._closing.push_async_callback(self.recorder.flush)
        self.corporate = CorporateActions(
            ledger=self.ledger,
            accounts=self.accounts,
            settings=settings,
            calendar=self.calendar,
            clock=self.clock,
            sources={name: self._factors_of() for name, a in settings.accounts.items() if isinstance(a, QmtAccount)},
            wake=self.follower.look_again,
            told=self.outbox.kick,
        )
        self.sweeps = Sweeps(
            ledger=self.ledger,
            desk=self.desk,
            wishes=self.wishes,
            reconciler=self.reconciler,
            execution=settings.execution,
            risk=settings.risk,
        )
        self.supervisors = {
            name: Supervisor(
                account,
                ledger=self.ledger,
                desk=self.desk,
                reconciler=self.reconciler,
                clock=self.clock,
                told=self.outbox.kick,
            )
            for name, account in self.accounts.items()
        }

        self.routine = Routine(
            settings=settings,
            ledger=self.ledger,
            accounts=self.accounts,
            sweeps=self.sweeps,
            calendar=self.calendar,
            names=self.names,
            warnings=self._wrong_now,
            told=self.outbox.kick,
            clock=self.clock,
        )

    def _broker(self, name: str, account: AccountSettings) -> Broker:
        data_dir = self.settings.data_dir
        if not isinstance(account, PaperAccount):
            return real_broker(name, account, data_dir=data_dir, clock=self.clock)
        quotes = XtQuotes(load=load_xtdata, clock=self.clock) if account.quotes == "xtdata" else None
        return PaperBroker(
            name=name,
            path=data_dir / f"paper-{name}.jsonl",
            clock=self.clock,
            cash=account.cash,
            hours=account.hours,
            calendar=self.calendar,
            quotes=quotes,
        )

    def _factors_of(self) -> FactorSource:
        return XtQuotes(load=load_xtdata, clock=self.clock).factors

    def _warn_about_configuration(self, token_warning: str) -> None:
        self._warnings += cautions(self.settings)
        calendar = self.calendar.warning(self.clock.now().date())
        if calendar is not None:
            self._warnings.append(calendar)
        if token_warning:
            zh, _, en = token_warning.partition(" / ")
            self._warnings.append((zh, en or zh))

    async def _warn_about_orphans(self) -> None:
        """Books that nobody trades any more, as after a strategy was renamed."""
        left = await self.ledger.read(lambda tx: orphans(tx, self.settings.strategies))
        for name in sorted({book.strategy for book in left}):
            held = "、".join(f"{b.account} {b.security} {b.volume:,}" for b in left if b.strategy == name)
            zh = f"策略 {name} 已不在配置里，它的持仓没人跟：{held}。改了名请改回，或自行处理这些持仓"
            en = f"strategy {name} is not configured any more, and nobody follows its books: {held}"
            self._warnings.append((zh, en))
            await self.routine.tell(Kind.ALERT, messages.alert(zh), unique_key=f"orphan-{name}-{len(left)}")

    def _run_tasks(self) -> None:
        self._task("ledger watch", self.ledger_watch.run())
        self._task("follower", self.follower.run())
        self._task("outbox", self.outbox.run())
        self._task("ledger check", self._look_over())
        for name, account in self.accounts.items():
            self._task(f"supervisor {name}", self.supervisors[name].run())
            self._task(f"pushes {name}", self._hear(account))
            self._task(f"late answers {name}", self._hear_late(account))
        self._closing.push_async_callback(self._end_tasks)

    def _join_relay(self) -> None:
        """The way by a relay, when this PC has joined one; its packages are wanted only then."""
        if not (self.settings.data_dir / TICKET).exists():
            return
        try:
            from jqfollow.relay.pc import RelayLine, folder_id, load_ticket
        except ModuleNotFoundError as error:
            raise JqfollowError(
                f'已加入中继，但缺少 {error.name}：pip install "jqfollow[relay]" / is missing for the relay'
            ) from error
        ticket = load_ticket(self.settings)
        if ticket is None or self.signals_port is None:
            return
        self.relay = RelayLine(
            ticket,
            folder=folder_id(self.settings.data_dir),
            clock=self.clock,
            opener=Opener(settings=self.settings, keys=self.keys, clock=self.clock),
            reception=self.signals_port.reception,
            tell=self._alert,
        )
        self._task("relay", self.relay.run())

    async def _notice_restore(self, ledger_name: str) -> None:
        """Whether the ledger is an older one than was here; from now on it is remembered how far it came."""
        self.high_water = HighWater(ledger_name)
        kept, now = await asyncio.to_thread(self.high_water.read), self.clock.now()
        if await self.ledger.read(lambda tx: restored.is_older(tx, kept)):
            why = "放回了旧的数据文件夹或备份，之后收到的信号和下的单它都不记得"
            await self.ledger.write(lambda tx: restored.note(tx, now, why))

    async def _keep_high_water(self, _: datetime) -> None:
        newest = await self.ledger.read(lambda tx: tx.signals.newest())
        if newest is not None:
            await asyncio.to_thread(self.high_water.keep, newest.signal_id, newest.received_at)

    async def _shout(self, text: str) -> None:
        await self.outbox.shout(text)

    async def _alert(self, zh: str) -> None:
        await self.routine.tell(Kind.ALERT, messages.alert(zh))

    async def _look_over(self) -> None:
        """The whole of the ledger, beside the work: nothing is traded by a damaged one."""
        began = self.clock.monotonic()
        try:
            await self.ledger.check()
        except LedgerDamagedError as error:
            log.critical("ledger_damaged", error=str(error))
            await self._alert(f"账本损坏，服务停止：{error.zh}")
            raise
        except LedgerError as error:
            log.warning("ledger_not_looked_over", error=str(error))
        else:
            log.info("ledger_whole", seconds=round(self.clock.monotonic() - began, 1))
        await asyncio.Event().wait()

    def _task(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    async def _first_connections(self) -> None:
        """A paper account is ready at once, and a real one may say at once what it lacks: the person is told so."""
        paper = [a for a in self.accounts.values() if not a.traits.real]
        for _ in range(100):
            if all(account.ready or (account.tried and account.traits.real) for account in self.accounts.values()):
                break
            await asyncio.sleep(0.02)
        now = self.clock.now()
        await asyncio.gather(*(self.sweeps.take_picture(account, now) for account in paper))

    # -- watch -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Returns, or raises, when a part that must run for ever has ended: then nothing goes on as if it had not."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            log.critical("part_ended", part=task.get_name())
            task.result()
            raise JqfollowError(f"{task.get_name()} 意外结束，服务停止 / ended, so the service stops")

    async def _hear(self, account: Account) -> None:
        while True:
            events = [await account.pushes.get()]
            with suppress(TimeoutError):  # orders that are due go first, but not for ever
                async with asyncio.timeout(PUSHES_WAIT_S):
                    await account.idle.wait()
            while len(events) < PUSHES_AT_ONCE and not account.pushes.empty():
                events.append(account.pushes.get_nowait())
            try:
                await self.desk.hear(account, events)
            except LedgerError:
                log.exception("pushes_not_written", account=account.name)  # the lists tell them again
            except Exception:
                log.exception("pushes_failed", account=account.name)

    async def _hear_late(self, account: Account) -> None:
        while True:
            answer = await account.late_answers.get()
            try:
                await self.desk.hear_late(account, answer.request.attempt_id, answer.placed)
            except LedgerError:
                log.exception("late_answer_not_written", account=account.name)
            except Exception:
                log.exception("late_answer_failed", account=account.name)

    async def _seen(self, strategy: str, message_id: str) -> bool:
        return await self.ledger.read(lambda tx: tx.signals.knows(strategy, message_id))

    async def _tell_of_clocks(self, strategy: str, skew_s: float) -> None:
        await self.routine.tell(Kind.ALERT, messages.clocks_differ(self.names.title(strategy), skew_s))

    def _wrong_now(self) -> Sequence[str]:
        wrong = self.relay.state.notices() if self.relay is not None else ()
        return [*(zh for zh, _ in self._warnings), *(one.zh for one in wrong)]

    def relay_view(self) -> RelayView | None:
        """For the console: the line to the relay."""
        state = self.relay.state if self.relay is not None else None
        return None if state is None else RelayView.model_validate(state, from_attributes=True)

    def notices(self) -> Sequence[NoticeView]:
        """For the console: what people should know now."""
        found = [NoticeView(level="warning", zh=zh, en=en) for zh, en in self._warnings]
        if (trouble := self.ledger.trouble) is not None:
            zh = f"{trouble.zh}：信号一律让聚宽稍后重发，请检查磁盘"
            found.append(NoticeView(level="error", zh=zh, en=f"{trouble.en}: every sender is asked to come again"))
        for name, account in self.accounts.items():
            if account.lanes.abandoned:
                found.append(
                    NoticeView(
                        level="error",
                        zh=f"账户 {name} 有 {account.lanes.abandoned} 个券商调用没有返回",
                        en=f"{account.lanes.abandoned} calls to the broker of account {name} never returned",
                    )
                )
        wrong = self.relay.state.notices() if self.relay is not None else ()
        found += [NoticeView(level="error", zh=one.zh, en=one.en) for one in wrong]
        outbox = self.outbox.health()
        if outbox["state"] == "degraded":
            waiting = outbox["pending"]
            found.append(
                NoticeView(
                    level="warning",
                    zh=f"企业微信通知受阻，{waiting} 条待发",
                    en=f"WeCom is not answering: {waiting} messages wait",
                )
            )
        if self.follower.failures:
            count = self.follower.failures
            found.append(
                NoticeView(
                    level="error",
                    zh=f"程序内部错误 {count} 次，详见日志",
                    en=f"{count} internal errors: see the log",
                )
            )
        return found

    # -- schedule ----------------------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        schedule, notify = self.schedule, self.settings.notify
        for name, account in self.accounts.items():
            for seconds, sweep in (
                (1, self.sweeps.retry),
                (1, self.sweeps.cancel_overdue),
                (LOOK_AFTER_EVERY_S, self.sweeps.look_after),
                (PICTURES_EVERY_S, self.sweeps.take_picture),
            ):
                schedule.every(seconds, partial(sweep, account), f"{sweep.__name__} {name}")
        for seconds, work, name in (
            (GAPS_EVERY_S, self.follower.tell_gaps, "tell_gaps"),
            (restored.KEEP_EVERY_S, self._keep_high_water, "keep_high_water"),
            (STAGES_EVERY_S, self._keep_stages, "keep_stages"),
            (TAPE_EVERY_S, self.recorder.look, "tape"),
            (CORPORATE_EVERY_S, self.corporate.look, "corporate_actions"),
            (WATCH_EVERY_S, self.watch.look, "watch"),
            (LOOK_AWAKE_EVERY_S, self.routine.look_awake, "look_awake"),
        ):
            schedule.every(seconds, work, name)
        schedule.at(notify.heartbeat_at, self.routine.send_heartbeat, "heartbeat")
        schedule.at(notify.summary_at, self.routine.send_summary, "summary")
        schedule.at(KEEP_HOUSE_AT, self.routine.keep_house, "keep_house")
        schedule.once(self.routine.keep_house, "keep_house")
        schedule.start()
        self._closing.callback(schedule.stop)
        self._task(
            "clock steps",
            ClockSteps(self.clock, self.ledger, accounts=tuple(self.accounts), set_along=self._set_along).run(),
        )

    def _set_along(self) -> None:
        """The clock was set: everything is looked at again."""
        self.schedule.clock_was_set()
        for account in self.accounts.values():
            account.arrived = True
            account.wake.set()
        self.outbox.kick()

    async def _keep_stages(self, _: datetime) -> None:
        """How long orders took is written beside the work; what cannot be written is no loss of money."""
        orders = self.stages.changed()
        if orders:
            await self.ledger.write(lambda tx: tx.latencies.put(orders))

    # -- stop --------------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Stops everything in order; a part that hangs is left behind after a few seconds.

        When the system ends us meanwhile, what people would be told waits for the next start, and so does whatever
        is not written in the shorter time.
        """
        if self._tasks:
            try:
                await self.routine.tell(Kind.STOPPED, messages.stopped())
                if not self.hurried():
                    async with asyncio.timeout(STOP_S):
                        await self.outbox.drain_once()
            except (JqfollowError, TimeoutError):
                log.warning("stop_not_told")
        await self._closing.aclose()
        log.info("stopped")

    async def _end_tasks(self) -> None:
        await self.follower.finish(HURRIED_S if self.hurried() else FINISH_S)
        try:
            async with asyncio.timeout(self._stop_s() if self.hurried() else None):
                await asyncio.gather(*(supervisor.close() for supervisor in self.supervisors.values()))
        except TimeoutError:
            log.warning("connections_not_ended")
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=self._stop_s())
        self._tasks.clear()
        with suppress(LedgerError):
            await self._keep_stages(self.clock.now())
            await self._keep_high_water(self.clock.now())

    async def _close_lanes(self, account: Account) -> None:
        await account.lanes.close(self._stop_s())

    def _stop_s(self) -> float:
        return HURRIED_S / 2 if self.hurried() else STOP_S


async def _serve(settings: Settings, announce: Callable[[Announcement], None], hurried: Callable[[], bool]) -> None:
    service = Service(settings)
    service.hurried = hurried
    announcement = await service.start()
    try:
        # What stands now stands to the end: the collector need not walk over it again while a signal waits.
        gc.collect()
        gc.freeze()
        announce(announcement)
        await service.run()
    finally:
        await service.stop()


def serve(
    settings: Settings, *, announce: Callable[[Announcement], None], hurried: Callable[[], bool] = lambda: False
) -> int:
    """Runs the service until it is interrupted; `announce` is called once, when both ports answer.

    Args:
        settings: the configuration.
        announce: gets what a start tells.
        hurried: whether the system ends us, so that the stop has seconds and no more.
    """
    asyncio.run(_serve(settings, announce, hurried))
    return 0
