"""What can go wrong at a broker, on demand: the paper broker asks here before and after everything it does.

A test, or a person who wants to see how the house behaves, sets these while the broker runs. Nothing is random.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeVar

from jqfollow.domain import (
    BrokerError,
    BrokerEvent,
    Disconnected,
    FillReport,
    OrderReport,
    Quote,
)

Call = Literal["connect", "place", "cancel", "orders", "fills", "positions", "asset", "quote", "instrument"]
Row = TypeVar("Row", OrderReport, FillReport)
_LONGEST_HANG_S = 60.0
"""A gate that nobody opens opens itself: no test run hangs for ever."""


class Pushes(StrEnum):
    """How the events of one change reach the sink."""

    NORMAL = "normal"
    TWICE = "twice"
    """Each change is told, then told again."""
    REVERSED = "reversed"
    """The fill before its order, the end before the beginning."""
    DROPPED = "dropped"
    """Not at all: only the lists tell."""


class Gate:
    """Where a call hangs until `release`."""

    def __init__(self) -> None:
        self._arrived = threading.Event()
        self._released = threading.Event()

    def wait_arrived(self, timeout_s: float) -> bool:
        """Waits until a call hangs here; whether one does."""
        return self._arrived.wait(timeout_s)

    @property
    def released(self) -> bool:
        """Whether calls go on."""
        return self._released.is_set()

    def release(self) -> None:
        """Lets the call go on."""
        self._released.set()

    def pass_through(self) -> None:
        """The call's side of it."""
        self._arrived.set()
        self._released.wait(_LONGEST_HANG_S)


@dataclass(slots=True, kw_only=True)
class _Planned:
    call: Call
    after: bool
    times: int | None
    error: BrokerError | None = None
    gate: Gate | None = None
    drop: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Faults:
    """What goes wrong from now on. Attributes hold until they are changed; methods plan it for the next calls."""

    pushes: Pushes = Pushes.NORMAL
    pushes_held: bool = False
    """Pushes wait until this is `False` again; then they come in order."""
    list_lag_s: float = 0.0
    """Orders and fills younger than this are not listed yet."""
    money_lag_s: float = 0.0
    """What a sell brought and what an end set free counts as cash so much later, at the counter's own check too; what
    a buy takes is gone at once."""
    shares_lag_s: float = 0.0
    """What was bought is held, and what an end set free can be sold, so much later; what was sold is gone at once."""
    feed_stopped_at: datetime | None = None
    """The feed stands still: a quote stays what it was when it was first asked for since, and says that it is of this
    moment at the latest; the exchange itself goes on."""
    halted: set[str] = field(default_factory=set)
    """Codes in a temporary halt: no book and no last price; orders and cancels are taken, nothing trades."""
    renumbered: int = 0
    """Added to the number of every order that the broker tells of; an order is canceled by what is told now."""
    max_fill: int | None = None
    """The most that one order trades each time it is matched: partial fills, odd ones too."""
    ignore_cancels: bool = False
    """A cancel is taken, and nothing comes of it."""
    slow_cancels: bool = False
    """A canceled order ends with the next `advance`, and may trade until then."""
    refuse_by_push: bool = False
    """Refusals come as `PlaceFailed` and a rejected order, after the order was named."""
    remark: Callable[[str], str] = lambda text: text
    """What the counter makes of a remark."""
    on_drop: Callable[[str], None] = lambda _: None
    """Set by the broker: loses its connection."""
    _fed: tuple[datetime | None, dict[str, Quote | None]] = field(default_factory=lambda: (None, {}))
    _plan: list[_Planned] = field(default_factory=list)
    _refusals: list[str] = field(default_factory=list)
    _cancel_refusals: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hang(self, call: Call, *, after: bool = False, times: int | None = 1) -> Gate:
        """The next calls hang before they do anything, or (`after`) when they are done and about to answer.

        `times=None`: all of them, until the gate is released.
        """
        gate = Gate()
        self._add(_Planned(call=call, after=after, times=times, gate=gate))
        return gate

    def fail(self, call: Call, error: BrokerError, *, after: bool = False, times: int = 1) -> None:
        """The next calls raise `error`, `after`: having done what was asked."""
        self._add(_Planned(call=call, after=after, times=times, error=error))

    def lose_connection(self, call: Call, message: str = "连接断开", *, after: bool = False) -> None:
        """The connection is lost before the next call does anything, or (`after`) before it can answer."""
        self._add(_Planned(call=call, after=after, times=1, drop=message))

    def refuse(self, message: str, *, times: int = 1) -> None:
        """The next orders are refused with `message`, whatever they are."""
        with self._lock:
            self._refusals.extend([message] * times)

    def refuse_cancel(self, message: str, *, times: int = 1) -> None:
        """The next cancels are taken, then refused by a `CancelFailed` push with `message`."""
        with self._lock:
            self._cancel_refusals.extend([message] * times)

    # -- the broker's side

    def next_refusal(self) -> str | None:
        """Of an order."""
        with self._lock:
            return self._refusals.pop(0) if self._refusals else None

    def next_cancel_refusal(self) -> str | None:
        """Of a cancel."""
        with self._lock:
            return self._cancel_refusals.pop(0) if self._cancel_refusals else None

    @contextmanager
    def around(self, call: Call) -> Iterator[None]:
        """What was planned for `call`; raises what was planned."""
        self._strike(call, after=False)
        yield
        self._strike(call, after=True)

    def seen(self, symbol: str, quote: Quote | None) -> Quote | None:
        """The market as a halt, or a feed that stands still, shows it."""
        if quote is not None and symbol in self.halted:
            quote = replace(quote, last=None, bids=(), asks=(), suspended=True)
        with self._lock:
            stopped = self.feed_stopped_at
            if stopped is None or stopped != self._fed[0]:
                self._fed = stopped, {}
            if stopped is None:
                return quote
            if quote is not None:
                quote = replace(quote, at=min(quote.at, stopped))
            return self._fed[1].setdefault(symbol, quote)

    def told_id(self, broker_order_id: str) -> str:
        """The number under which an order is told."""
        if not self.renumbered or not broker_order_id:
            return broker_order_id
        return str(int(broker_order_id) + self.renumbered)

    def own_id(self, told_id: str) -> str:
        """The order that is told under this number."""
        return str(int(told_id) - self.renumbered) if self.renumbered and told_id.isdecimal() else told_id

    def told(self, rows: list[Row]) -> list[Row]:
        """The rows of a list under the numbers that are told."""
        if not self.renumbered:
            return rows
        return [replace(row, broker_order_id=self.told_id(row.broker_order_id)) for row in rows]

    def arranged(self, events: Sequence[BrokerEvent]) -> list[BrokerEvent]:
        """The pushes of one change as they reach the sink."""
        told = [self._renumbered(event) for event in events] if self.renumbered else list(events)
        match self.pushes:
            case Pushes.NORMAL:
                return told
            case Pushes.TWICE:
                return [*told, *told]
            case Pushes.REVERSED:
                return told[::-1]
            case Pushes.DROPPED:
                return []

    def _renumbered(self, event: BrokerEvent) -> BrokerEvent:
        if isinstance(event, Disconnected):
            return event
        return replace(event, broker_order_id=self.told_id(event.broker_order_id))

    def _add(self, planned: _Planned) -> None:
        with self._lock:
            self._plan.append(planned)

    def _strike(self, call: Call, *, after: bool) -> None:
        with self._lock:
            planned = next((p for p in self._plan if p.call == call and p.after is after), None)
            if planned is None:
                return
            if planned.times is not None:
                planned.times -= 1
            over = planned.times == 0 if planned.gate is None or planned.times is not None else planned.gate.released
            if over:
                self._plan.remove(planned)
        if planned.gate is not None:
            planned.gate.pass_through()
        if planned.drop is not None:
            self.on_drop(planned.drop)
            if after:
                raise BrokerError(f"没有收到应答 / the connection was lost before the answer: {planned.drop}")
        if planned.error is not None:
            raise planned.error
