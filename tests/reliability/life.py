"""One life of the service, in a process of its own that is killed: at a fail-point, or at any time from outside.

The processes are forked from one that has imported everything, where the system can do that: a life begins in a tenth
of a second, and thousands can be had.
"""

import asyncio
import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import forked

Kind = Literal["paper", "miniqmt", "fullqmt"]
SWEEP_S = 0.2
DEPTH = 100_000_000
CODES = ("600000.SH", "000001.SZ", "300750.SZ", "113001.SH", "123001.SZ", "688001.SH")
REFUSALS = ("[COUNTER] 权限不足", "[COUNTER] 可用资金不足", "[COUNTER] 系统忙")


class Mode(StrEnum):
    """How a broker answers."""

    PROMPT = "prompt"
    LATE = "late"
    """Answers take up to most of their deadline."""
    HANGING = "hanging"
    """Orders are taken, and the answer of every other one comes after its deadline or never."""
    REFUSING = "refusing"
    """Every other order is refused."""
    PARTIAL = "partial"
    """Orders are filled piece by piece."""


@dataclass(frozen=True, kw_only=True)
class Birth:
    """What a process is told that is about to live."""

    kind: Kind
    settings: dict[str, Any]
    epoch: datetime
    """What the clock said when the machine's own was at zero: all lives and their judge have one time."""
    mode: Mode
    folder: Path
    """Of the terminal; of no use to a paper account."""
    trap: str = ""
    """A fail-point, from the first moment on."""
    boot: str = ""
    """The machine's number of its start; empty: the real one."""
    recorded: bool = False
    """Every write is noted in `writes.log`, see `recorded.py`."""
    synchronous: str = "FULL"
    flaw: str = ""
    """What is wrong with this service, so that a judge has something to find; see `flaws.py`."""


class SharedClock:
    """One time for every process of this machine."""

    def __init__(self, epoch: datetime) -> None:
        self.epoch = epoch

    @classmethod
    def at(cls, moment: datetime) -> "SharedClock":
        return cls(moment - timedelta(seconds=time.monotonic()))

    def now(self) -> datetime:
        return self.epoch + timedelta(seconds=time.monotonic())

    def monotonic(self) -> float:
        return time.monotonic()


# -- the judge's side ------------------------------------------------------------------------------------------------


def context() -> Any:
    """Where processes come from."""
    methods = multiprocessing.get_all_start_methods()
    made = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if made.get_start_method() == "forkserver":
        made.set_forkserver_preload(["__main__", "reliability.preload"])
    return made


@dataclass
class Life:
    """A process under way, and where its ports are."""

    process: Any
    pipe: Connection
    signals: str = ""
    console: str = ""

    @classmethod
    def begin(cls, processes: Any, birth: Birth) -> "Life":
        here, there = processes.Pipe()
        process = processes.Process(target=live, args=(birth, there), daemon=True)
        forked.start(process)
        there.close()
        return cls(process=process, pipe=here)

    def ready(self, timeout_s: float = 60) -> bool:
        """Waits until the ports answer; `False`: it died before.

        Raises:
            RuntimeError: the service would not start.
        """
        try:
            assert self.pipe.poll(timeout_s), "it neither started nor died"
            told = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            return False
        if isinstance(told, str):
            raise RuntimeError(told)  # noqa: TRY004  # what the service said
        self.signals, self.console = told
        return True

    def arm(self, trap: str) -> None:
        """From now on it ends at this fail-point."""
        with suppress(OSError):  # it is dead already
            self.pipe.send(trap)

    @property
    def exit_code(self) -> int | None:
        """`None` while it lives."""
        return forked.exit_code(self.process)

    @property
    def alive(self) -> bool:
        return self.exit_code is None

    def wait(self, seconds: float | None) -> bool:
        """Waits for its end; whether it came."""
        return forked.ended(self.process, seconds)

    def kill(self) -> None:
        """Ends it, as `kill -9` does."""
        self.process.kill()
        self.wait(None)
        if not self.pipe.closed:
            self.pipe.close()


# -- in the process --------------------------------------------------------------------------------------------------


def live(birth: Birth, pipe: Connection) -> None:
    """The process's main function."""
    from jqfollow import failpoints

    folder = beside(birth)
    log, reached = (
        os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND) for name in ("log.txt", "reached.txt")
    )
    os.environ["JQF_STATE"] = str(folder / "state")
    os.dup2(log, 1)
    os.dup2(log, 2)
    seen: set[str] = set()

    def trapping(setting: str) -> failpoints.Trap:
        dies = failpoints.dying_at(setting) if setting else None

        def trap(name: str) -> None:
            if name not in seen:
                seen.add(name)
                os.write(reached, f"{name}\n".encode())
            if dies is not None:
                dies(name)

        return trap

    failpoints.set_trap(trapping(birth.trap))
    asyncio.run(_live(birth, pipe, lambda setting: failpoints.set_trap(trapping(setting))))


async def _live(birth: Birth, pipe: Connection, arm: Any) -> None:
    from jqfollow.domain import JqfollowError
    from jqfollow.execution import accounts, supervisor
    from jqfollow.execution.calls import CallLog
    from jqfollow.ledger import store
    from jqfollow.service import Service
    from jqfollow.settings import Settings

    from . import flaws, recorded

    if birth.flaw:
        getattr(flaws, birth.flaw)()
    store.connect.__kwdefaults__["synchronous"] = birth.synchronous
    if birth.boot:
        CallLog.__init__.__kwdefaults__["boot"] = lambda: birth.boot  # type: ignore[index]
    kept = recorded.record_everything(beside(birth) / "writes.log") if birth.recorded else None
    accounts.PLACE_TIMEOUT_S = accounts.CANCEL_TIMEOUT_S = 0.8
    accounts.QUERY_TIMEOUT_S = accounts.MARKET_TIMEOUT_S = 3.0
    supervisor.PROBE_EVERY_S, supervisor.BACKOFF_S = 0.4, (0.05,)
    clock = SharedClock(birth.epoch)
    brokers: list[Any] = []

    def make(name: str, account: Any) -> Any:
        brokers.append(broker_of(birth, name, account, clock))
        return brokers[-1]

    service = Service(Settings.model_validate(birth.settings), clock=clock, make_broker=make)
    try:
        await service.start()
    except JqfollowError as error:
        pipe.send(f"{type(error).__name__}: {error}")
        return
    if birth.kind == "paper":
        open_market(brokers[0])
    pipe.send((f"{service.signals_url}/api/order", service.console_url))
    asyncio.get_running_loop().add_reader(pipe.fileno(), lambda: _hear(pipe, arm))
    async with asyncio.TaskGroup() as group:
        group.create_task(_sweep(service))
        group.create_task(service.run())
    del kept


def beside(birth: Birth) -> Path:
    """The folder around the data folder."""
    return Path(birth.settings["data_dir"]).parent


def _hear(pipe: Connection, arm: Any) -> None:
    try:
        arm(pipe.recv())
    except EOFError:
        os._exit(0)  # the judge is gone


async def _sweep(service: Any) -> None:
    """The schedule's work, more often."""
    from jqfollow.ledger.errors import LedgerError

    while True:
        await asyncio.sleep(SWEEP_S)
        now, sweeps = service.clock.now(), service.parts.sweeps
        with suppress(LedgerError):
            for account in service.parts.accounts.values():
                await sweeps.cancel_overdue(account, now)
                await sweeps.look_after(account, now)
                await sweeps.retry(account, now)


def open_market(paper: Any) -> None:
    """Every code is deep and stands still."""
    for symbol in CODES:
        paper.set_market(symbol, prev_close=Decimal(10), last=Decimal(10), depth=DEPTH)


def broker_of(birth: Birth, name: str, account: Any, clock: SharedClock) -> Any:
    """The account's broker: the practice exchange in this process, or the way to a simulated terminal."""
    from jqfollow.execution.brokers.paper.broker import PaperBroker
    from jqfollow.market.calendar import TradingCalendar

    if birth.kind == "paper":
        return PaperBroker(
            name=name,
            path=birth.settings["data_dir"] / f"paper-{name}.jsonl",
            clock=clock,
            cash=account.cash,
            hours="always",
            calendar=TradingCalendar(),
            faults=moody(birth.mode),
            pulse_s=0.05,
        )
    if birth.kind == "fullqmt":
        from jqfollow.execution.brokers.fullqmt.broker import FullQmtBroker

        return FullQmtBroker(
            name=name,
            mailbox=account.mailbox,
            account_id=account.account_id,
            clock=clock,
            silent_s=2.0,
            take_s=0.5,
            place_s=0.7,
            query_s=2.0,
            quote_ttl_s=0,
            connect_timeout_s=10,
        )
    from jqfollow.execution.brokers.miniqmt.broker import QmtBroker, load_xtdata
    from jqfollow.execution.brokers.miniqmt.quotes import XtQuotes
    from jqfollow.execution.brokers.miniqmt.sessions import SessionPool
    from terminal import native

    native.install()
    native.use_market(birth.folder)
    return QmtBroker(
        name=name,
        path=account.qmt_path,
        account_id=account.account_id,
        account_type=account.account_type,
        sessions=SessionPool(birth.settings["data_dir"] / f"sessions-{name}.json", clock),
        clock=clock,
        quotes=XtQuotes(load=load_xtdata, clock=clock, quote_ttl_s=0),
        connect_timeout_s=5,
        stop_timeout_s=0.3,
        reason_wait_s=0.2,
        answer_timeout_s=2,
    )


def moody(mode: Mode) -> Any:
    """The practice exchange's faults in this mode."""
    from jqfollow.execution.brokers.paper.faults import Call, Faults

    class Moody(Faults):
        """Answers as its mode says; what was asked has been done by then, or (half of the hanging) is not yet."""

        @contextmanager
        def around(self, call: Call) -> Iterator[None]:
            dice = random.random()
            if mode is Mode.HANGING and call == "place" and dice < 0.2:
                time.sleep(1.2)
            with super().around(call):
                yield
            if mode is Mode.LATE and call in {"place", "cancel"}:
                time.sleep(0.5 * dice)
            if mode is Mode.HANGING and call in {"place", "cancel"} and dice > 0.6:
                time.sleep(1.5)

        def next_refusal(self) -> str | None:
            refuses = mode is Mode.REFUSING and random.random() < 0.5
            return random.choice(REFUSALS) if refuses else super().next_refusal()

    faults = Moody()
    if mode is Mode.PARTIAL:
        faults.max_fill = 170
    return faults
