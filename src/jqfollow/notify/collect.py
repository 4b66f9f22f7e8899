"""The facts of heartbeat and daily summary, read from the ledger: signals beside what was really traded."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from jqfollow import __version__
from jqfollow.domain import AccountState, AttemptState, SignalKind
from jqfollow.ledger.tx import Tx
from jqfollow.market.lots import lot_rule
from jqfollow.market.securities import UnknownSecurityError, parse_security
from jqfollow.notify.facts import (
    AccountFacts,
    Difference,
    HeartbeatFacts,
    StrategyFacts,
    SummaryFacts,
    UnknownFact,
)
from jqfollow.reasons import Reason
from jqfollow.settings import FollowMode, Strategy
from jqfollow.vocabulary import Outcome, Tally, order_outcome, signal_outcome
from jqfollow.wire.errors import WireError
from jqfollow.wire.messages import PositionsMessage, parse_text

_MANY = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the ledger does not know."""

    now: datetime
    accounts: Sequence[AccountState]
    days: Mapping[str, date]
    """Each account's trading day."""
    strategies: Mapping[str, Strategy]
    names: Mapping[str, str]
    """Of securities, by symbol."""
    trading_day: bool
    warnings: tuple[str, ...] = ()


def heartbeat_facts(tx: Tx, scene: Scene) -> HeartbeatFacts:
    """That the service lives, and what wants attention."""
    return HeartbeatFacts(
        at=scene.now,
        version=__version__,
        trading_day=scene.trading_day,
        accounts=tuple(scene.accounts),
        strategies=sum(1 for strategy in scene.strategies.values() if strategy.follow),
        open_orders=len(tx.orders.open()),
        unknown=_unknown(tx, scene),
        paused=tuple(pause.scope_zh for pause in tx.pauses.list()),
        pending_outbox=tx.outbox.pending(),
        warnings=scene.warnings,
    )


def summary_facts(tx: Tx, scene: Scene) -> SummaryFacts:
    """The day, after its close."""
    return SummaryFacts(
        day=scene.now.date(),
        accounts=tuple(_account(tx, scene, state) for state in scene.accounts),
        strategies=tuple(_strategy(tx, scene, name) for name in sorted(scene.strategies)),
        unknown=_unknown(tx, scene),
        pending_outbox=tx.outbox.pending(),
        warnings=scene.warnings,
    )


def _unknown(tx: Tx, scene: Scene) -> tuple[UnknownFact, ...]:
    return tuple(
        UnknownFact(
            order_id=attempt.order_id,
            account=attempt.account,
            symbol=attempt.security,
            name=scene.names.get(attempt.security),
            side=attempt.side,
            volume=attempt.volume,
            price=attempt.price,
            since=attempt.created_at,
        )
        for attempt in tx.attempts.live()
        if attempt.state is AttemptState.UNKNOWN
    )


def _account(tx: Tx, scene: Scene, state: AccountState) -> AccountFacts:
    day = scene.days[state.account]
    orders = tx.orders.list(account=state.account, day=day, limit=_MANY)
    later = [order for order in tx.orders.open(state.account) if order.day != day]
    latest = tx.snapshots.latest(state.account)
    previous_days = [d for d in tx.snapshots.days(state.account) if d < day]
    previous = tx.snapshots.last_of_day(state.account, max(previous_days)) if previous_days else None
    return AccountFacts(
        account=state.account,
        real=state.real,
        total=latest[1].total if latest else None,
        previous_total=previous[1].total if previous else None,
        previous_day=max(previous_days, default=None),
        turnover=sum((order.turnover for order in orders), Decimal(0)),
        orders=Tally.of([order_outcome(order.state, order.filled) for order in [*orders, *later]]),
        unknown=sum(1 for a in tx.attempts.live(state.account) if a.state is AttemptState.UNKNOWN),
        missing=_missing(tx, state.account, day),
    )


def _missing(tx: Tx, account: str, day: date) -> tuple[str, ...] | None:
    lines = tx.holdings.lines(account) if tx.holdings.checked(account, day, "close") else None
    return None if lines is None else tuple(line.security for line in lines.values() if line.volume < 0)


def _strategy(tx: Tx, scene: Scene, name: str) -> StrategyFacts:
    strategy = scene.strategies[name]
    today = scene.now.date()
    signals = tx.signals.list(strategy=name, day=today, kind=SignalKind.ORDER, limit=_MANY)
    outcomes = []
    refused: Counter[Reason] = Counter()
    for signal in signals:
        orders = tx.orders.of_signal(signal.signal_id)
        outcome = signal_outcome(signal.state, [order_outcome(order.state, order.filled) for order in orders])
        outcomes.append(outcome)
        if outcome is Outcome.NOT_FOLLOWED:
            reasons = (reason for reason in (signal.reason, *(o.reason for o in orders)) if reason is not None)
            refused[next(reasons, Reason.INTERNAL_ERROR)] += 1
    return StrategyFacts(
        strategy=name,
        title=strategy.title,
        signals=Tally.of(outcomes),
        refused=refused,
        differences=_differences(tx, scene, name, strategy),
    )


def _differences(tx: Tx, scene: Scene, name: str, strategy: Strategy) -> tuple[Difference, ...] | None:
    """Books that are a lot or more away from ratio x position; `None` where nothing can be compared."""
    ratios = {account: f.figure for account, f in strategy.follow.items() if f.mode is FollowMode.RATIO}
    held = _held(tx, scene, name)
    if not ratios or held is None:
        return None
    found = []
    for account, ratio in sorted(ratios.items()):
        books = {book.security: book.volume for book in tx.books.list(account=account, strategy=name)}
        for symbol in sorted(held.keys() | books.keys()):
            expected = ratio * held.get(symbol, 0)
            book = books.get(symbol, 0)
            sold_out = held.get(symbol, 0) == 0
            if abs(expected - book) >= _lot(symbol, scene.days[account]) or (sold_out and book):
                found.append(
                    Difference(
                        account=account,
                        symbol=symbol,
                        name=scene.names.get(symbol),
                        expected=int(expected),
                        book=book,
                    )
                )
    return tuple(found)


def _held(tx: Tx, scene: Scene, name: str) -> Mapping[str, int] | None:
    """What the strategy holds: its message of today after the close, else the sum of its signals; `None`: not told."""
    rows = tx.signals.list(strategy=name, day=scene.now.date(), kind=SignalKind.POSITIONS, limit=_MANY)
    parts: dict[tuple[int, int], PositionsMessage] = {}
    for row in rows:  # newest first
        try:
            message = parse_text(row.text)
        except WireError:
            continue
        if isinstance(message, PositionsMessage):
            parts.setdefault((message.parts, message.part), message)
            whole = [parts.get((message.parts, number)) for number in range(1, message.parts + 1)]
            if None not in whole:
                return {_symbol(code): held.amount for part in whole if part for code, held in part.positions.items()}
    books = tx.books.list(strategy=name, held_only=False)
    sold_out = {book.security: 0 for book in books if tx.signals.position(name, book.security) == 0}
    return sold_out | tx.signals.positions(name) or None


def _symbol(code: str) -> str:
    try:
        return parse_security(code).symbol
    except UnknownSecurityError:
        return code


def _lot(symbol: str, day: date) -> int:
    try:
        return lot_rule(parse_security(symbol), day).minimum
    except UnknownSecurityError:
        return 1
