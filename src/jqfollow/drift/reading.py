"""The drift of every book, out of one read of the ledger."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from decimal import Decimal

from jqfollow.clock import SHANGHAI
from jqfollow.corporate.sharing import shared_out
from jqfollow.domain import RUNS_BY_PERSON, FollowMode, Side
from jqfollow.drift.causes import Drift
from jqfollow.drift.events import Beside, Split, Told, Unfollowed
from jqfollow.drift.walk import walked
from jqfollow.drift.walked import Walked
from jqfollow.ledger.corporate import ActionState
from jqfollow.ledger.processes import GapRow
from jqfollow.ledger.reports import ReportRow
from jqfollow.ledger.rows import BookingRow, OrderRow, SignalRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason
from jqfollow.settings import Follow, Settings, Strategy
from jqfollow.wire.messages import LIVE_RUN

Key = tuple[str, str, str]
"""Account, strategy, security."""

COUNTER_LAGS = timedelta(seconds=15)
"""A broker's picture taken so soon after a fill may not show it."""
_NOTHING_BOUGHT = frozenset({Reason.REPLAYED, Reason.NOT_TRADED, Reason.NO_AMOUNT, Reason.SHORT_SIDE})
_QUOTIENT = Decimal("0.000000000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a broker's account held at one moment, whole: what is not named is not there."""

    taken_at: datetime
    held: Mapping[str, int]


def drifts(
    tx: Tx,
    settings: Settings,
    *,
    strategy: str | None = None,
    account: str | None = None,
    security: str | None = None,
    pictures: Mapping[str, Picture] | None = None,
) -> list[Drift]:
    """The drift of every book; see `walks`."""
    found = walks(tx, settings, strategy=strategy, account=account, security=security, pictures=pictures)
    return [each.drift for each in found]


def walks(
    tx: Tx,
    settings: Settings,
    *,
    strategy: str | None = None,
    account: str | None = None,
    security: str | None = None,
    pictures: Mapping[str, Picture] | None = None,
) -> list[Walked]:
    """Every book that something was ordered for or is wanted in, or that holds something; in the order of its key.

    Args:
        tx: one moment of the ledger.
        settings: who follows what, and how.
        strategy: of one strategy only.
        account: of one account only.
        security: of one security only.
        pictures: what accounts hold, where that is known better than by the ledger's newest snapshot.
    """
    orders: dict[Key, list[OrderRow]] = defaultdict(list)
    beside = _Beside(tx, settings, strategy=strategy, account=account)
    for order in tx.orders.history(strategy=strategy, account=account):
        if beside.counts(order.account, order.created_at):
            orders[order.account, order.strategy, order.security].append(order)
    books = {
        (b.account, b.strategy, b.security): b
        for b in tx.books.list(account=account, strategy=strategy)
        if b.account in settings.accounts
    }
    missing: dict[Key, int] = {}
    for name in {name for name, *_ in books}:
        picture = (pictures or {}).get(name) or newest_picture(tx, name)
        missing |= missing_shares(tx, name, picture) if picture else {}
    keys = orders.keys() | books.keys() | beside.keys()
    found = []
    for key in tx.unhurried(sorted(key for key in keys if security in {None, key[2]})):
        row = books.get(key)
        own = orders.get(key, [])
        found.append(walked(*key, own, row.volume if row else 0, beside.of(key, missing.get(key, 0))))
    return found


def newest_picture(tx: Tx, account: str) -> Picture | None:
    """The newest snapshot of an account."""
    snapshot = tx.snapshots.latest(account)
    if snapshot is None:
        return None
    taken_at, _, positions = snapshot
    return Picture(taken_at=taken_at, held={position.symbol: position.volume for position in positions})


def missing_shares(tx: Tx, account: str, picture: Picture) -> dict[Key, int]:
    """What the books of an account say and the account does not hold, shared out over them in proportion.

    Of a security that may have moved since, or just before, the picture says nothing.
    """
    sums = tx.books.sums(account)
    lacking = {code: lacks for code, says in sums.items() if (lacks := says - picture.held.get(code, 0)) > 0}
    if not lacking:
        return {}
    moved = tx.fills.moved_since(account, picture.taken_at - COUNTER_LAGS)
    moved |= {attempt.security for attempt in tx.attempts.live(account)}
    moved |= {row.security for row in tx.bookings.since(account, picture.taken_at)}
    found: dict[Key, int] = {}
    for security in lacking.keys() - moved:
        of = [book for book in tx.books.of_security(account, security) if book.volume]
        if all(book.volume > 0 for book in of):
            shares = shared_out(lacking[security], [book.volume for book in of])
            found |= {(account, b.strategy, security): n for b, n in zip(of, shares, strict=True) if n}
    return found


def drift_of_book(tx: Tx, settings: Settings, account: str, strategy: str, security: str) -> Drift:
    """The drift of one book by the ledger alone, as an order asks for it: only what concerns the book is read.

    What was before the last time that the book was sold out is of no matter, and `unexplained` is not looked for; what
    the broker holds is not looked at.
    """
    key = (account, strategy, security)
    beside = _Beside(tx, settings, strategy=strategy, account=account, security=security)
    book, start = tx.books.get(*key).volume, tx.orders.last_close(*key, besides=RUNS_BY_PERSON)
    orders = beside.counted(tx.orders.of_book(*key, since=start))
    if start is None or any(order.terms.made_at < start for order in orders):
        return walked(*key, beside.orders_of(tx, key), book, beside.of(key, 0)).drift
    since = _since(beside.of(key, 0), start)
    moved = sum(order.filled if order.side is Side.BUY else -order.filled for order in orders)
    held = book - moved - sum(row.shares for row in since.bookings)
    return walked(*key, orders, book, since, held=held).drift


def _since(beside: Beside | None, start: datetime) -> Beside:
    beside = beside or Beside()
    return replace(
        beside,
        told=tuple(each for each in beside.told if each.at >= start),
        splits=tuple(each for each in beside.splits if each.at > start),
        bookings=tuple(each for each in beside.bookings if each.at >= start),
    )


def walks_of(tx: Tx, settings: Settings, strategy: str, missing: Mapping[Key, int]) -> list[Walked]:
    """Some books of a strategy; `missing`: which, and what the account does not hold of each."""
    beside = _Beside(tx, settings, strategy=strategy, account=None)
    return [
        walked(*key, beside.orders_of(tx, key), tx.books.get(*key).volume, beside.of(key, lacks))
        for key, lacks in tx.unhurried(list(missing.items()))
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reports:
    """What one strategy told of itself."""

    first: ReportRow
    newest: ReportRow
    gaps: tuple[tuple[datetime, datetime], ...]
    """From when to when messages were made that never arrived."""
    unfollowed: Mapping[str, tuple[SignalRow, ...]] = field(default_factory=dict)


class _Beside:
    """All that happens to books beside their orders, by book."""

    def __init__(
        self, tx: Tx, settings: Settings, *, strategy: str | None, account: str | None, security: str | None = None
    ) -> None:
        """`security`: with it a strategy and an account are given, and one book is asked for."""
        self._settings = settings
        self._account = account
        names = [strategy] if strategy is not None else list(settings.strategies)
        self._reports = {name: told for name in names if (told := _reports(tx, name, security)) is not None}
        self._begun = {name: tx.numbers.begun_anew(name) for name in settings.accounts if account in {None, name}}
        if security is not None and account is not None and strategy is not None:
            bookings = tx.bookings.of_book(account, strategy, security)
            differences = tx.elsewhere.differences(account, strategy, security)
            actions = tx.corporate.of_security(account, security)
        else:
            bookings = tx.bookings.list(account=account, strategy=strategy)
            differences = tx.elsewhere.all_differences(account=account, strategy=strategy)
            actions = tx.corporate.list(account)
        self._bookings: dict[Key, list[BookingRow]] = defaultdict(list)
        for booking in bookings:
            if self.counts(booking.account, booking.at):
                self._bookings[booking.account, booking.strategy, booking.security].append(booking)
        self._elsewhere: dict[Key, dict[int, int]] = defaultdict(dict)
        for row in differences:
            self._elsewhere[row.account, row.strategy, row.security][row.signal_id] = row.elsewhere
        self._splits: dict[tuple[str, str], list[Split]] = defaultdict(list)
        for action in actions:
            if action.factor != 1:
                at = datetime.combine(action.day, time(), SHANGHAI)
                booked = action.state is ActionState.BOOKED
                split = Split(at=at, factor=action.factor, booked=booked, day=action.arrives)
                self._splits[action.account, action.security].append(split)

    def counts(self, account: str, at: datetime) -> bool:
        """Whether what happened then happened to these books, and not to those of the account before."""
        begun = self._begun.get(account)
        return begun is None or at >= begun

    def counted(self, orders: Iterable[OrderRow]) -> list[OrderRow]:
        """Those of these books, and not of the account before."""
        return [order for order in orders if self.counts(order.account, order.created_at)]

    def orders_of(self, tx: Tx, key: Key) -> list[OrderRow]:
        """The orders of one book."""
        return self.counted(tx.orders.of_book(*key))

    def keys(self) -> set[Key]:
        """Books that a report or a booking names."""
        named = set(self._bookings)
        for strategy, told in self._reports.items():
            for account in self._followers(strategy):
                named |= {(account, strategy, security) for security in told.newest.holdings}
        return named

    def _followers(self, strategy: str) -> list[str]:
        of = self._settings.strategies.get(strategy)
        return [name for name in of.follow if self._account in {None, name}] if of else []

    def of(self, key: Key, missing: int) -> Beside | None:
        """What concerns one book."""
        account, strategy, security = key
        told = self._told(key) if strategy in self._reports else ()
        splits, bookings = self._splits.get((account, security), []), self._bookings.get(key, [])
        elsewhere = self._elsewhere.get(key, {})
        if not (told or splits or bookings or elsewhere or missing):
            return None
        return Beside(told=told, splits=tuple(splits), bookings=tuple(bookings), elsewhere=elsewhere, missing=missing)

    def _told(self, key: Key) -> tuple[Told, ...]:
        account, name, security = key
        strategy = self._settings.strategies.get(name)
        follow = strategy.follow.get(account) if strategy else None
        if strategy is None or follow is None:
            return ()
        reports = self._reports[name]
        if not self.counts(account, reports.newest.made_at):
            return ()
        if not self.counts(account, reports.first.made_at):
            reports = replace(reports, first=reports.newest)
        first = _told_by(reports, reports.first, security, follow, strategy)
        if reports.newest is reports.first:
            return (first,)
        return first, _told_by(reports, reports.newest, security, follow, strategy)


def _told_by(reports: _Reports, report: ReportRow, security: str, follow: Follow, strategy: Strategy) -> Told:
    holding = report.holdings.get(security)
    first = report is reports.first
    return Told(
        at=report.made_at,
        net=holding.held + holding.resting_buy - holding.resting_sell if holding else 0,
        factor=_factor(follow, report),
        first=first,
        wanted_before=strategy.start != "flat",
        gap=any(begin <= report.made_at and (first or end >= reports.first.made_at) for begin, end in reports.gaps),
        unfollowed=() if first else tuple(map(_unfollowed, reports.unfollowed.get(security, ()))),
    )


def _factor(follow: Follow, report: ReportRow) -> Decimal | None:
    if follow.mode is FollowMode.RATIO:
        return follow.figure
    if follow.mode is FollowMode.EQUITY and report.total_value:
        return (follow.figure / report.total_value).quantize(_QUOTIENT)
    return None


def _unfollowed(signal: SignalRow) -> Unfollowed:
    order = signal.order
    shares = 0 if order is None else order.amount if order.side is Side.BUY else -order.amount
    return Unfollowed(signal_id=signal.signal_id, shares=shares, reason=signal.reason)


def _reports(tx: Tx, strategy: str, security: str | None) -> _Reports | None:
    newest, first = tx.reports.newest(strategy, security=security), tx.reports.first(strategy, security=security)
    if newest is None or first is None:
        return None
    if newest.made_at == first.made_at:
        newest = first
    unfollowed: dict[str, tuple[SignalRow, ...]] = {}
    told = (first.made_at, newest.made_at)
    for signal in tx.signals.recorded_only(strategy, *told, run=LIVE_RUN, besides=_NOTHING_BOUGHT, security=security):
        if signal.order is not None:
            symbol = signal.order.symbol
            unfollowed[symbol] = (*unfollowed.get(symbol, ()), signal)
    lost = [(at, at) for at in tx.processes.lost(strategy)]
    gaps = (*map(_span, tx.processes.gaps(strategy)), *lost)
    return _Reports(first=first, newest=newest, gaps=gaps, unfollowed=unfollowed)


def _span(gap: GapRow) -> tuple[datetime, datetime]:
    return gap.before or gap.after, gap.after
