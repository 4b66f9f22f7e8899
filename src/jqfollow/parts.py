"""The parts that work on orders, put together: one of each, and one an account of those that accounts have."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from jqfollow.accounting.books import BookKeeper
from jqfollow.accounting.closing_out import ClosingOut
from jqfollow.accounting.corporate import CorporateActions, FactorSource
from jqfollow.accounting.repairs import Repairs
from jqfollow.accounting.watch import Watch
from jqfollow.clock import Clock
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
from jqfollow.execution.supervisor import Supervisor
from jqfollow.execution.sweeps import Sweeps
from jqfollow.execution.transitions import Names
from jqfollow.execution.wishes import Wishes
from jqfollow.follower import Follower
from jqfollow.ledger.ledger import Ledger
from jqfollow.market.calendar import TradingCalendar
from jqfollow.notify.manner import Manner
from jqfollow.notify.outbox import Outbox
from jqfollow.notify.robots import robots_of
from jqfollow.notify.wecom import make_client
from jqfollow.routine import Routine
from jqfollow.settings import Account as AccountSettings
from jqfollow.settings import FullQmtAccount, NotifySettings, PaperAccount, QmtAccount, Settings
from jqfollow.stages import Stages
from jqfollow.tape.lines import FOLDER as TAPE_FOLDER
from jqfollow.tape.recorder import Recorder

BrokerMaker = Callable[[str, AccountSettings], Broker]


class Parts:
    """All that stands between the ports and the brokers."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        calendar: TradingCalendar,
        ledger: Ledger,
        stages: Stages,
        warnings: Callable[[], Sequence[str]],
        make_broker: BrokerMaker | None = None,
    ) -> None:
        """Builds; nothing is asked, connected or begun.

        Args:
            settings: the configuration.
            clock: the time.
            calendar: the trading days.
            ledger: open.
            stages: where the stages of orders are noted.
            warnings: what is wrong now, for the messages of the day; Chinese.
            make_broker: for tests; otherwise each account's as configured.
        """
        self.settings = settings
        self.clock = clock
        self.calendar = calendar
        self.ledger = ledger
        self.stages = stages
        self.names = Names(titles={name: s.title for name, s in settings.strategies.items()})
        self.accounts: dict[str, Account] = {}
        self.calls = CallLog(settings.data_dir / "calls.log")
        for name, account in settings.accounts.items():
            self.accounts[name] = Account(
                name=name,
                settings=account,
                broker=(make_broker or self._broker)(name, account),
                clock=self.clock,
                calendar=self.calendar,
                calls=self.calls,
            )
        self._client = make_client()
        robots = robots_of(settings.notify, self._client)
        self.outbox = Outbox(self.ledger, robots, self.clock, manner=_manner(settings.notify))
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
        self.closing_out = ClosingOut(
            ledger=self.ledger,
            accounts=self.accounts,
            wishes=self.wishes,
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
            settings=settings,
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
            warnings=warnings,
            told=self.outbox.kick,
            clock=self.clock,
        )

    async def close(self, lanes_s: float) -> None:
        """Lets go of what they hold; calls that hang are left behind after `lanes_s` seconds an account."""
        async with AsyncExitStack() as closing:
            for account in self.accounts.values():
                closing.push_async_callback(account.lanes.close, lanes_s)
            closing.push_async_callback(self._client.aclose)
            closing.push_async_callback(self.recorder.flush)

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


def _manner(notify: NotifySettings) -> Manner:
    return Manner(quiet=frozenset(notify.quiet), gather_s=notify.gather_s, remainders_s=notify.remainders_s)
