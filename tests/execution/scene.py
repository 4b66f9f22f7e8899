"""One attempt of a real account, and what is said about it: by its placing call, pushes, lists, days and people."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jqfollow.domain import Accepted, AttemptState, FillReport, OrderReport, Refused, Settlement
from jqfollow.execution.accounts import Account
from jqfollow.execution.brokers.port import BrokerTraits
from jqfollow.execution.desk import Desk
from jqfollow.execution.hours import Hours
from jqfollow.execution.lifecycle import Event
from jqfollow.execution.reconcile import Lists, Reconciler, _news
from jqfollow.execution.transitions import Moment, Names, apply_fill, apply_order_report, follow_attempt, step_attempt
from jqfollow.execution.wishes import Wishes
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow
from jqfollow.ledger.store import connect
from jqfollow.ledger.tx import Tx
from jqfollow.market.calendar import TradingCalendar
from ledger.samples import DAY, NOW, an_attempt, fill_report

S = AttemptState
TOMORROW = DAY + timedelta(days=1)
CLOSED = datetime.combine(DAY, NOW.timetz()).replace(hour=15, minute=5)
MORNING = NOW.replace(day=TOMORROW.day)
ID, OTHER = "b1", "b2"
VOLUME = 200


@dataclass
class TheAccount:
    """What the desk and the reconciler ask of an account."""

    now: datetime = NOW
    proof: bool = False
    real: bool = True
    always_open: bool = False
    practice_day: date | None = None
    calls: int = 0
    """Placing calls under way."""
    name: str = "main"
    traded: bool = False
    number: str = ""
    settings: Any = field(default_factory=lambda: SimpleNamespace(broker="qmt"))
    unreturned: set[int] = field(default_factory=set)
    key = Account.key
    placing_calls: Any = field(default_factory=lambda: SimpleNamespace(answered=lambda: None))

    @property
    def traits(self) -> BrokerTraits:
        return BrokerTraits(real=self.real, absence_is_proof=self.proof, always_open=self.always_open)

    @property
    def hours(self) -> Hours:
        clock: Any = SimpleNamespace(now=lambda: self.now)
        hours = Hours(always_open=self.always_open, clock=clock, calendar=TradingCalendar())
        if self.practice_day is not None:
            hours.learn(self.practice_day)
        return hours

    def placing(self) -> bool:
        return self.calls > 0


class Scene:
    """One attempt, and what happens to it."""

    def __init__(self, tx: Tx) -> None:
        self.tx = tx
        self.attempt = an_attempt(tx, volume=VOLUME)
        self.account: Any = TheAccount()
        names, accounts = Names(), {"main": self.account}
        clock: Any = SimpleNamespace(now=lambda: self.account.now)
        ledger: Any = None
        self.desk = Desk(ledger=ledger, accounts=accounts, clock=clock, names=names, told=lambda: None)
        self.wishes = Wishes(ledger=ledger, accounts=accounts, clock=clock, names=names, told=lambda: None)
        self.reconciler = Reconciler(ledger=ledger, desk=self.desk)

    def at(self, now: datetime) -> "Scene":
        self.account.now = now
        return self

    @property
    def moment(self) -> Moment:
        return self.desk.moment(self.account)

    @property
    def row(self) -> AttemptRow:
        row = self.tx.attempts.get(self.attempt.attempt_id)
        assert row is not None
        return row

    # -- what may be said about it

    def report(self, state: AttemptState, filled: int = 0, **changes: Any) -> OrderReport:
        told = OrderReport(
            broker_order_id=ID,
            remark=self.attempt.remark,
            symbol=self.attempt.security,
            side=self.attempt.side,
            volume=VOLUME,
            price=self.attempt.price,
            state=state,
            filled=filled,
            at=NOW,
        )
        return replace(told, **changes)

    def fill(self, volume: int) -> FillReport:
        return fill_report(self.attempt, f"t{volume}", broker_order_id=ID, volume=volume)

    def fills(self) -> tuple[FillReport, ...]:
        """All of its fills, those that are known among them."""
        known = self.row.filled
        rest = () if known == VOLUME else (self.fill(VOLUME - known),)
        return (*((self.fill(known),) if known else ()), *rest)

    def answer(self, placed: Any) -> None:
        self.desk._answered(self.tx, self.attempt.attempt_id, placed, self.account)

    def push(self, event: Any) -> None:
        self.desk._heard(self.tx, self.account, event)

    def lists(
        self,
        *orders: OrderReport,
        fills: tuple[FillReport, ...] = (),
        nothing_under_way: bool = True,
        connected_anew: bool = False,
    ) -> None:
        """As `Reconciler.reconcile` does, within this transaction: what it saw to be over is not seen again."""
        lists, over = Lists(orders=orders, fills=fills, nothing_under_way=nothing_under_way), self.reconciler._over
        kept, news = _news(lists, {} if connected_anew else over.get("main", {}))
        ended = self.reconciler._apply(self.tx, self.account, lists, news, connected_anew=connected_anew)
        over["main"] = {**kept, **ended}

    def settle(self, settlement: Settlement) -> None:
        self.wishes._settled(self.tx, self.attempt.order_id, settlement)

    def begin(self, state: AttemptState) -> None:
        """Brings the attempt there, as it comes there in life."""
        key, tx, moment = self.account.key(ID), self.tx, self.moment
        match state:
            case S.PENDING_NEW:
                return
            case S.UNKNOWN:
                follow_attempt(tx, step_attempt(tx, self.row, Event.NO_ANSWER, moment), moment)
                return
            case S.REJECTED:
                self.answer(Refused(message="委托价格超过涨停价"))
                return
        self.answer(Accepted(broker_order_id=ID))
        match state:
            case S.PARTIALLY_FILLED:
                apply_fill(tx, key, self.fill(50), moment)
            case S.PENDING_CANCEL:
                step_attempt(tx, self.row, Event.CANCEL_ASKED, moment, cancel_at=moment.now)
            case S.FILLED:
                apply_fill(tx, key, self.fill(VOLUME), moment)
            case S.CANCELED:
                step_attempt(tx, self.row, Event.CANCEL_ASKED, moment, cancel_at=moment.now)
                apply_order_report(tx, key, self.report(S.CANCELED), moment)
            case _:
                pass


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def opened(folder: Path) -> Any:
    """A connection to a new ledger; the caller closes it."""
    path = folder / "ledger.db"
    Ledger.open(path).close_now()
    return connect(path, mode="rw", busy_timeout_s=1)


@contextmanager
def taken_back(connection: Any) -> Iterator[Scene]:
    """A scene of which nothing stands afterwards."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield Scene(Tx(connection))
    finally:
        connection.execute("ROLLBACK")
