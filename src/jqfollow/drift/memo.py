"""The drift of every book, of which only what has changed is worked out anew; also over a restart.

A book changes by an order of it that is new or was open, by a fill, a booking, a difference or a corporate action, by a
report of its strategy that tells something new, and by a new picture of its account.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock

from jqfollow.clock import from_ms, to_ms
from jqfollow.drift.causes import Drift
from jqfollow.drift.kept import Mark, Teller, followed, mark_of, mark_text, program, row_text, rows_of
from jqfollow.drift.reading import Key, missing_shares, newest_picture, walks, walks_of
from jqfollow.drift.walked import Walked
from jqfollow.ledger.corporate import ActionRow
from jqfollow.ledger.tx import Tx
from jqfollow.settings import Settings

MARK = "drift_mark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unkept:
    """What the ledger does not keep yet of what was worked out."""

    anew: bool
    """Nothing that it keeps is of use."""
    mark: str
    rows: dict[Key, str]
    gone: frozenset[Key]


class DriftMemo:
    """Of one process; thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._mark: Mark | None = None
        self._rows: dict[Key, Walked] = {}
        self._in_ledger: dict[Key, str] | None = None
        self._mark_in_ledger = ""
        self._as_text: dict[Key, tuple[Walked, str]] = {}

    def read(self, tx: Tx) -> list[Drift]:
        """As `drifts` would give it, in the order of the books' keys."""
        with self._lock:
            mark, before = self._look(tx), self._mark or self._recall(tx)
            if before is None or not before.is_of(mark):
                self._rows = _by_key(walks(tx, self._settings))
            elif mark != before:
                self._catch_up(tx, before, mark)
            self._mark = mark
            return [self._rows[key].drift for key in sorted(self._rows)]

    def unkept(self) -> Unkept | None:
        """What the ledger has to be given; `None`: it has everything, or nothing was read yet."""
        with self._lock:
            mark = "" if self._mark is None else mark_text(self._mark)
            if mark == self._mark_in_ledger:
                return None
            texts = {key: self._text(key, row) for key, row in self._rows.items()}
            self._as_text = {key: (self._rows[key], text) for key, text in texts.items()}
            there = self._in_ledger or {}
            rows = {key: text for key, text in texts.items() if there.get(key) != text}
            gone = frozenset(there.keys() - texts.keys())
            return Unkept(anew=self._in_ledger is None, mark=mark, rows=rows, gone=gone)

    def kept(self, unkept: Unkept) -> None:
        """The ledger has it now."""
        with self._lock:
            rows = {key: text for key, text in (self._in_ledger or {}).items() if key not in unkept.gone}
            self._in_ledger, self._mark_in_ledger = rows | unkept.rows, unkept.mark

    def _text(self, key: Key, row: Walked) -> str:
        known = self._as_text.get(key)
        return known[1] if known is not None and known[0] is row else row_text(row)

    # -- how far it was read -----------------------------------------------------------------------------------------

    def _recall(self, tx: Tx) -> Mark | None:
        """What the ledger keeps."""
        text = tx.meta.get(MARK)
        mark = None if text is None else mark_of(text)
        if text is None or mark is None or mark.program != program():
            return None
        texts = tx.kept_drifts.all()
        rows = rows_of(texts.values())
        if rows is None:
            return None
        self._in_ledger, self._mark_in_ledger, self._rows = texts, text, _by_key(rows)
        return mark

    def _look(self, tx: Tx) -> Mark:
        strategies, accounts = self._settings.strategies, self._settings.accounts
        begun = {name: tx.numbers.begun_anew(name) for name in accounts}
        pictures = {name: tx.snapshots.newest_at(name) for name in accounts}
        differences = tx.elsewhere.all_differences()
        return Mark(
            program=program(),
            accounts=tuple(sorted(accounts)),
            begun={name: None if at is None else to_ms(at) for name, at in begun.items()},
            order_id=tx.orders.newest(),
            signal_id=tx.signals.newest_id(),
            fill_id=tx.fills.newest(),
            booking_id=tx.bookings.newest(),
            open=frozenset(order.order_id for order in tx.orders.open()),
            received=frozenset(signal.signal_id for signal in tx.signals.received()),
            differences=frozenset((row.signal_id, row.account, row.elsewhere) for row in differences),
            actions=frozenset(map(_action, tx.corporate.list())),
            strategies={
                name: Teller(follow=followed(of), stamp=tx.reports.stamp(name)) for name, of in strategies.items()
            },
            pictures={name: None if at is None else to_ms(at) for name, at in pictures.items()},
        )

    # -- what has changed since --------------------------------------------------------------------------------------

    def _catch_up(self, tx: Tx, before: Mark, mark: Mark) -> None:
        changed = self._told(tx, before, mark) | self._done(tx, before, mark)
        missing: dict[Key, int] = {}
        for account in self._settings.accounts:
            picture = newest_picture(tx, account)
            missing |= missing_shares(tx, account, picture) if picture else {}
        changed |= {key for key, row in self._rows.items() if row.drift.missing != missing.get(key, 0)}
        of_strategies: dict[str, dict[Key, int]] = defaultdict(dict)
        for key in changed:
            of_strategies[key[1]][key] = missing.get(key, 0)
        for strategy, keys in of_strategies.items():
            self._rows |= _by_key(walks_of(tx, self._settings, strategy, keys))

    def _told(self, tx: Tx, before: Mark, mark: Mark) -> set[Key]:
        """The books that strategies may have told something new of, by reports and by orders that nobody followed."""
        changed: set[Key] = set()
        recorded = tx.signals.strategies_recorded(before.signal_id, before.received)
        for strategy in before.strategies.keys() | mark.strategies.keys():
            was, now = before.strategies.get(strategy), mark.strategies.get(strategy)
            if was == now and strategy not in recorded:
                continue
            own = {key: row for key, row in self._rows.items() if key[1] == strategy}
            if was is not None and now is not None and _told_more(was, now):
                changed |= self._more_told(tx, strategy, own, mark)
            elif was != now:
                self._rows = {key: row for key, row in self._rows.items() if key[1] != strategy}
                self._rows |= _by_key(walks(tx, self._settings, strategy=strategy))
            else:
                changed |= {key for key, row in own.items() if not row.quiet}
        return changed

    def _more_told(self, tx: Tx, strategy: str, own: dict[Key, Walked], mark: Mark) -> set[Key]:
        """A newer report: the books of which it tells something new; the others are the same by it."""
        stamp = mark.strategies[strategy].stamp
        nets = tx.reports.newest_nets(strategy)
        made_at = from_ms(stamp.newest_at if stamp else 0)
        changed: set[Key] = set()
        for key, row in own.items():
            net = nets.get(key[2])
            if row.bare and net is None:
                del self._rows[key]
            elif mark.begun.get(key[0]) is None and row.stays(net or 0, made_at):
                self._rows[key] = row.reported(made_at)
            else:
                changed.add(key)
        named = {(name, strategy, code) for name in self._settings.strategies[strategy].follow for code in nets}
        return changed | (named - own.keys())

    def _done(self, tx: Tx, before: Mark, mark: Mark) -> set[Key]:
        """The books that orders, fills, bookings, differences and corporate actions have changed."""
        orders = tx.orders.some(before.open | mark.open)
        changed = {(o.account, o.strategy, o.security) for o in orders} | tx.orders.books_since(before.order_id)
        changed |= tx.fills.books_since(before.fill_id)
        changed |= {(b.account, b.strategy, b.security) for b in tx.bookings.newer_than(before.booking_id)}
        differing = {(signal_id, account) for signal_id, account, _ in mark.differences - before.differences}
        if differing:
            rows = tx.elsewhere.all_differences()
            changed |= {(r.account, r.strategy, r.security) for r in rows if (r.signal_id, r.account) in differing}
        actions = {(account, security) for account, security, *_ in mark.actions ^ before.actions}
        return changed | {key for key in self._rows if (key[0], key[2]) in actions}


def _told_more(was: Teller, now: Teller) -> bool:
    """Whether all that a strategy has told is a newer report."""
    if was.stamp is None or now.stamp is None:
        return False
    rest = (was.follow, was.stamp.first_at, was.stamp.lost) == (now.follow, now.stamp.first_at, now.stamp.lost)
    return rest and now.stamp.newest_at > was.stamp.newest_at


def _action(row: ActionRow) -> tuple[str, str, str, str, str, str]:
    return row.account, row.security, str(row.day), str(row.factor), str(row.state), str(row.arrives)


def _by_key(rows: Iterable[Walked]) -> dict[Key, Walked]:
    return {(row.drift.account, row.drift.strategy, row.drift.security): row for row in rows}
