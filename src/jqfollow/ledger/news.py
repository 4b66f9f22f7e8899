"""What was written since somebody last looked, oldest first."""

from dataclasses import dataclass, field

from jqfollow.ledger.attempts import attempt_row
from jqfollow.ledger.decisions import decision_row
from jqfollow.ledger.events import event_row
from jqfollow.ledger.fills import fill_row
from jqfollow.ledger.orders import order_row
from jqfollow.ledger.rows import AttemptRow, DecisionRow, EventRow, FillRow, OrderRow, SignalRow
from jqfollow.ledger.signals import signal_row
from jqfollow.ledger.table import Table

_MOST = 2000
_ENDS = """
SELECT coalesce((SELECT max(signal_id) FROM signals), 0) AS signals,
       coalesce((SELECT max(event_id) FROM events), 0) AS events,
       coalesce((SELECT max(fill_id) FROM fills), 0) AS fills,
       coalesce((SELECT max(decision_id) FROM decisions), 0) AS decisions"""
_SIGNALS = "SELECT * FROM signals WHERE signal_id > ? AND signal_id <= ? ORDER BY signal_id LIMIT ?"
_EVENTS = "SELECT * FROM events WHERE event_id > ? AND event_id <= ? ORDER BY event_id LIMIT ?"
_FILLS = "SELECT * FROM fills WHERE fill_id > ? AND fill_id <= ? ORDER BY fill_id LIMIT ?"
_WAITS = """
SELECT * FROM decisions WHERE decision_id > ? AND decision_id <= ? AND outcome = 'wait' ORDER BY decision_id LIMIT ?"""
_ATTEMPT = "SELECT * FROM attempts WHERE attempt_id = ?"
_ORDER = "SELECT * FROM orders WHERE order_id = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Up to where the tables were read."""

    signals: int = 0
    events: int = 0
    fills: int = 0
    decisions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Newly:
    """What is new, with the rows that it is about."""

    read: Read
    signals: tuple[SignalRow, ...] = ()
    events: tuple[EventRow, ...] = ()
    fills: tuple[FillRow, ...] = ()
    waits: tuple[DecisionRow, ...] = ()
    attempts: dict[int, AttemptRow] = field(default_factory=dict)
    orders: dict[int, OrderRow] = field(default_factory=dict)


class News(Table):
    """Several tables by their growing numbers; where nothing is new it costs microseconds."""

    __slots__ = ()

    def now(self) -> Read:
        """Where the tables end."""
        row = self._one(_ENDS)
        return Read(signals=row["signals"], events=row["events"], fills=row["fills"], decisions=row["decisions"])

    def since(self, read: Read) -> Newly | None:
        """What came after `read`, at most some thousand rows of each; `None`: nothing."""
        end = self.now()
        if end == read:
            return None
        signals = [signal_row(row) for row in self._all(_SIGNALS, read.signals, end.signals, _MOST)]
        events = [event_row(row) for row in self._all(_EVENTS, read.events, end.events, _MOST)]
        fills = [fill_row(row) for row in self._all(_FILLS, read.fills, end.fills, _MOST)]
        waits = [decision_row(row) for row in self._all(_WAITS, read.decisions, end.decisions, _MOST)]
        attempts = {n: attempt_row(self._one(_ATTEMPT, n)) for n in {fill.attempt_id for fill in fills} | {
            event.attempt_id for event in events if event.attempt_id is not None
        }}  # fmt: skip
        of_orders = {a.order_id for a in attempts.values()} | {e.order_id for e in events} | {d.order_id for d in waits}
        return Newly(
            read=Read(
                signals=signals[-1].signal_id if len(signals) == _MOST else end.signals,
                events=events[-1].event_id if len(events) == _MOST else end.events,
                fills=fills[-1].fill_id if len(fills) == _MOST else end.fills,
                decisions=waits[-1].decision_id if len(waits) == _MOST else end.decisions,
            ),
            signals=tuple(signals),
            events=tuple(events),
            fills=tuple(fills),
            waits=tuple(waits),
            attempts=attempts,
            orders={n: order_row(self._one(_ORDER, n)) for n in of_orders},
        )
