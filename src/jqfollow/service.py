"""Puts the parts together; starts, watches and stops them in order.

Start: ledger, keys, ports taken, accounts recovered, tasks, ports opened, schedule. The ports open before the brokers
are connected: a signal is recorded whatever a broker does. Stop: the other way round, within seconds.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

import structlog

from jqfollow import __version__, restored
from jqfollow.api.clocks import ClockWatch
from jqfollow.api.console import console_app
from jqfollow.api.metrics import Counters
from jqfollow.api.opening import Opener
from jqfollow.api.parts import Accounting, Setup
from jqfollow.api.server import Server
from jqfollow.api.signals import SignalsPort, signals_app
from jqfollow.api.token import load_or_create_token
from jqfollow.beside import Beside
from jqfollow.chronicle import Chronicle
from jqfollow.client_files import write_client_file
from jqfollow.clock import Clock, SystemClock
from jqfollow.clock_steps import ClockSteps
from jqfollow.collector import Collector
from jqfollow.domain import AccountState, JqfollowError, Wire
from jqfollow.execution.hearing import hear, hear_late
from jqfollow.execution.recovery import recover
from jqfollow.gauges import Gauges
from jqfollow.keys_watch import KeysWatch
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
from jqfollow.notices import Notices, books_without_strategy, keys_anew
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind
from jqfollow.parts import BrokerMaker, Parts
from jqfollow.relay.ticket import TICKET
from jqfollow.restored import HighWater
from jqfollow.schedule import Schedule
from jqfollow.settings import Settings
from jqfollow.settings.cautions import cautions
from jqfollow.stages import Stages
from jqfollow.timetable import fill
from jqfollow.vocabulary import Lang
from jqfollow.wire.keystore import KeyStore
from jqfollow.wire.private_file import private_folder

log = structlog.get_logger(__name__)


FINISH_S = 5.5
"""Longer than a placing call may take: its answer is written before the end."""
STOP_S = 3.0
HURRIED_S = 1.6
"""What rounds under way get when the system ends us: Windows grants 5 s for everything, other parts get half of it."""


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
        self,
        settings: Settings,
        *,
        config: Path | None = None,
        clock: Clock | None = None,
        make_broker: BrokerMaker | None = None,
        lang: Lang = "zh",
    ) -> None:
        """`clock` and `make_broker` are for tests; nothing is touched before `start`.

        Args:
            settings: what is in force.
            config: the file that says so; `None`: none does, and nothing can be set up.
            clock: instead of the system's.
            make_broker: instead of those that the settings name.
            lang: of the log's lines for people.
        """
        self._config = config
        self.again = asyncio.Event()
        """Set when a person wants it to begin anew."""
        self.settings = settings
        self.clock = clock or SystemClock()
        self._make_broker = make_broker
        self._closing = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._lang: Lang = lang
        self.notices = Notices()
        self.counters = Counters()
        self.schedule = Schedule(self.clock)
        self.stages = Stages(self.clock)
        self.signals_port: SignalsPort | None = None
        self._stopping = False
        self.hurried: Callable[[], bool] = lambda: False
        """Whether the system ends us, so that a stop has seconds and no more."""

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
            self.notices.add(warning)
        mark = read_mark(settings.data_dir)
        refuse_lost_ledger(mark, settings.ledger_file)
        self.calendar = load_calendar(settings.data_dir / CALENDAR_FILE)
        self.ledger = Ledger.open(settings.ledger_file, whole=False)  # `_look_over` sees the whole
        self.ledger_watch = LedgerWatch(self.ledger, clock=self.clock, shout=self._shout)
        self._closing.callback(self.ledger_watch.close)
        self._closing.push_async_callback(self.ledger.close)
        ledger_name = await self.ledger.write(ledger_id)
        refuse_other_ledger(mark, ledger_name, settings.ledger_file)
        high_water = HighWater(ledger_name)
        await restored.notice(self.ledger, high_water, self.clock.now())
        self.keys = KeyStore.open(settings.keys_file, self.clock)
        refuse_lost_keys(mark, settings.keys_file, found=bool(self.keys.strategies()))
        sealed = [name for name, s in settings.strategies.items() if s.wire is Wire.JQF1]
        new_keys = self.keys.ensure(sealed)
        self.notices.keys = self.keys_watch = KeysWatch(
            self.keys, self.ledger, wanted=sealed, tell=self._alert, anew=new_keys
        )
        write_mark(settings.data_dir, Mark(ledger=ledger_name, keys=bool(self.keys.strategies())))
        token = load_or_create_token(settings.data_dir)
        self._warn_about_configuration(token.warning)
        self.parts = Parts(
            settings=settings,
            clock=self.clock,
            calendar=self.calendar,
            ledger=self.ledger,
            stages=self.stages,
            warnings=self.notices.chinese,
            make_broker=self._make_broker,
        )
        self._closing.push_async_callback(self._close_parts)
        self.beside = Beside(self.parts, high_water)
        self.clock_steps = ClockSteps(
            self.clock, self.ledger, accounts=tuple(self.parts.accounts), set_along=self._set_along
        )
        self.signals_port = signals_app(
            settings=settings,
            keys=self.keys,
            intake=self.parts.follower,
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
                intake=self.parts.follower,
                desk=self.parts.follower,
                clock=self.clock,
                token=token.text,
                counters=self.counters,
                stages=self.stages,
                notices=partial(self.notices.views, self.parts),
                gauges=self._gauges().read,
                relay=self.notices.relay_view,
                signals=self.signals_port,
                accounting=Accounting(repairs=self.parts.repairs, keeper=self.parts.keeper, drift=self.parts.drift),
                closing_out=self.parts.closing_out,
                told=self.parts.outbox.kick,
                stopping=lambda: self._stopping,
                setup=self._setup(),
            ),
            name="console",
            host=settings.console.host,
            port=settings.console.port,
        )
        for server in (signals, console):
            server.bind()
            self._closing.push_async_callback(server.stop)
        await self.ledger.write(lambda tx: recover(tx, self.parts.accounts, self.parts.calls, self.parts.wishes.moment))
        self._closing.callback(self.parts.calls.close)
        self.parts.names.read(await self.ledger.read(lambda tx: tx.security_names.all()))
        names = self.parts.names
        self.chronicle = Chronicle(self.ledger, titles=names.titles, securities=names.securities, lang=self._lang)
        await self.chronicle.begin()
        await self._warn_about_books_and_keys(new_keys)
        self._join_relay()
        self._run_tasks()
        for server in (signals, console):
            await server.start()
        fill(self.schedule, self.parts, beside=self.beside, keys=self.keys_watch, chronicle=self.chronicle)
        self.schedule.start()
        self._closing.callback(self.schedule.stop)
        self._task("clock steps", self.clock_steps.run())
        await self._first_connections()
        self.signals_url, self.console_url = signals.url, console.url
        await self.parts.routine.tell(Kind.STARTED, messages.started(__version__, self.parts.follower.account_states()))
        log.info("started", version=__version__, signals=signals.url, console=console.url)
        return Announcement(
            signals_url=f"{signals.url}/api/order",
            console_url=console.url,
            console_token=token.text if token.created else None,
            new_keys=new_keys,
            accounts=self.parts.follower.account_states(),
            warnings=[f"{zh} / {en}" for zh, en in self.notices.found],
        )

    def _warn_about_configuration(self, token_warning: str) -> None:
        self.notices.found += cautions(self.settings)
        calendar = self.calendar.warning(self.clock.now().date())
        if calendar is not None:
            self.notices.found.append(calendar)
        if token_warning:
            self.notices.add(token_warning)

    async def _warn_about_books_and_keys(self, new_keys: Sequence[str]) -> None:
        for found in (
            *await books_without_strategy(self.ledger, self.settings),
            *await keys_anew(self.ledger, new_keys),
        ):
            self.notices.found.append((found.zh, found.en))
            await self.parts.routine.tell(Kind.ALERT, messages.alert(found.zh), unique_key=found.key)

    def _run_tasks(self) -> None:
        self._task("ledger watch", self.ledger_watch.run())
        self._task("follower", self.parts.follower.run())
        self._task("outbox", self.parts.outbox.run())
        self._task("ledger check", self._look_over())
        for name, account in self.parts.accounts.items():
            self._task(f"supervisor {name}", self.parts.supervisors[name].run())
            self._task(f"pushes {name}", hear(account, self.parts.desk, self.parts.follower.receipts))
            self._task(f"late answers {name}", hear_late(account, self.parts.desk))
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
        line = RelayLine(
            ticket,
            folder=folder_id(self.settings.data_dir),
            clock=self.clock,
            opener=Opener(settings=self.settings, keys=self.keys, clock=self.clock),
            reception=self.signals_port.reception,
            tell=self._alert,
        )
        self.notices.relay = line
        self._task("relay", line.run())

    async def _shout(self, text: str) -> None:
        await self.parts.outbox.shout(text)

    async def _alert(self, zh: str) -> None:
        await self.parts.routine.tell(Kind.ALERT, messages.alert(zh))

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
        paper = [a for a in self.parts.accounts.values() if not a.traits.real]
        for _ in range(100):
            if all(
                account.ready or (account.tried and account.traits.real) for account in self.parts.accounts.values()
            ):
                break
            await asyncio.sleep(0.02)
        now = self.clock.now()
        await asyncio.gather(*(self.parts.sweeps.take_picture(account, now) for account in paper))

    def _setup(self) -> Setup | None:
        """What the page's wizard works with."""
        if self._config is None:
            return None
        folder = self._config.resolve().parent

        def write_client(strategy: str) -> Path | None:
            held = self.keys.keys(strategy)
            return write_client_file(self.settings, strategy, held[0].text, folder) if held else None

        return Setup(config=self._config, write_client=write_client, restart=self.again.set)

    # -- watch -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Returns when it shall begin anew; raises when a part that must run for ever has ended."""
        again = asyncio.create_task(self.again.wait(), name="again")
        done, _ = await asyncio.wait([*self._tasks, again], return_when=asyncio.FIRST_COMPLETED)
        again.cancel()
        for task in done - {again}:
            log.critical("part_ended", part=task.get_name())
            task.result()
            raise JqfollowError(f"{task.get_name()} 意外结束，服务停止 / ended, so the service stops")

    async def _seen(self, strategy: str, message_id: str) -> bool:
        return await self.ledger.read(lambda tx: tx.signals.knows(strategy, message_id), urgent=True)

    async def _tell_of_clocks(self, strategy: str, skew_s: float) -> None:
        await self.parts.routine.tell(Kind.ALERT, messages.clocks_differ(self.parts.names.title(strategy), skew_s))

    def _gauges(self) -> Gauges:
        assert self.signals_port is not None  # noqa: S101  # it was made just before
        return Gauges(
            self.parts,
            notices=self.notices,
            schedule=self.schedule,
            reception=self.signals_port.reception,
            steps=self.clock_steps,
        )

    def _set_along(self) -> None:
        """The clock was set: everything is looked at again."""
        self.schedule.clock_was_set()
        for account in self.parts.accounts.values():
            account.arrived = True
            account.wake.set()
        self.parts.outbox.kick()

    # -- stop --------------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Stops everything in order; a part that hangs is left behind after a few seconds.

        When the system ends us meanwhile, what people would be told waits for the next start, and so does whatever
        is not written in the shorter time.
        """
        self._stopping = True
        if self._tasks:
            try:
                await self.parts.routine.tell(Kind.STOPPED, messages.stopped())
                if not self.hurried():
                    async with asyncio.timeout(STOP_S):
                        await self.parts.outbox.drain_once()
            except (JqfollowError, TimeoutError):
                log.warning("stop_not_told")
        await self._closing.aclose()
        log.info("stopped")

    async def _end_tasks(self) -> None:
        await self.parts.follower.finish(HURRIED_S if self.hurried() else FINISH_S)
        try:
            async with asyncio.timeout(self._stop_s() if self.hurried() else None):
                await asyncio.gather(*(supervisor.close() for supervisor in self.parts.supervisors.values()))
        except TimeoutError:
            log.warning("connections_not_ended")
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=self._stop_s())
        self._tasks.clear()
        with suppress(LedgerError):
            await self.beside.keep_stages(self.clock.now())
            await self.chronicle.look(self.clock.now())
            await self.beside.keep_high_water(self.clock.now())

    async def _close_parts(self) -> None:
        await self.parts.close(self._stop_s())

    def _stop_s(self) -> float:
        return HURRIED_S / 2 if self.hurried() else STOP_S


async def _serve(
    settings: Settings,
    config: Path | None,
    announce: Callable[[Announcement], None],
    hurried: Callable[[], bool],
    lang: Lang,
) -> bool:
    service = Service(settings, config=config, lang=lang)
    service.hurried = hurried
    announcement = await service.start()
    collector = asyncio.create_task(Collector(lambda: service.ledger.commits).run(), name="collector")
    try:
        announce(announcement)
        await service.run()
    finally:
        collector.cancel()
        await service.stop()
    return service.again.is_set()


def serve(
    settings: Settings,
    *,
    config: Path | None = None,
    announce: Callable[[Announcement], None],
    hurried: Callable[[], bool] = lambda: False,
    lang: Lang = "zh",
) -> bool:
    """Runs the service until it is interrupted; whether a person wants it to begin anew, as the files say then.

    Args:
        settings: the configuration.
        config: the file that it stands in.
        announce: gets what a start tells, once, when both ports answer.
        hurried: whether the system ends us, so that the stop has seconds and no more.
        lang: of the log's lines for people.
    """
    return asyncio.run(_serve(settings, config, announce, hurried, lang))
