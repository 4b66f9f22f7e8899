"""Answers that put several tables together: status, accounts, positions."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from jqfollow import __version__
from jqfollow.api import models, views
from jqfollow.api.parts import Parts
from jqfollow.domain import AccountState
from jqfollow.ledger import Tx
from jqfollow.ledger.rows import PauseRow
from jqfollow.settings import Account, PaperAccount, RealAccount

_SHOWN_OF_ID = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class InMemory:
    """What a page shows that is not in the ledger."""

    accounts: tuple[AccountState, ...]
    notices: tuple[models.NoticeView, ...]
    relay: models.RelayView | None

    @property
    def mark(self) -> object:
        """Differs when there is something new to see; what moves by itself, as the relay's clock does, is not."""
        relay = self.relay
        line = None if relay is None else (relay.connected, relay.since, relay.waiting, relay.last_at)
        return self.accounts, self.notices, line


def in_memory(parts: Parts) -> InMemory:
    """As it stands now."""
    return InMemory(accounts=tuple(parts.intake.account_states()), notices=tuple(parts.notices()), relay=parts.relay())


async def status(parts: Parts, beside: InMemory) -> models.StatusView:
    """How things stand, all seen at one moment."""
    return await parts.ledger.read(lambda tx: _status(parts, beside, tx))


def _status(parts: Parts, beside: InMemory, tx: Tx) -> models.StatusView:
    pauses = tx.pauses.list()
    unknown = views.unknown_attempts(tx)
    uncertain = {attempt.order_id for attempt in unknown}
    orders = {order.order_id: order for order in tx.orders.open()}
    shown = []
    for attempt in unknown:
        order = orders.get(attempt.order_id) or tx.orders.get(attempt.order_id)
        if order is not None:
            view = views.order_view(order, uncertain)
            shown.append(models.UnknownView(attempt=views.attempt_view(attempt), order=view))
    return models.StatusView(
        version=__version__,
        now=parts.clock.now(),
        started_at=parts.started_at,
        paused=any(not (pause.strategy or pause.account or pause.buys) for pause in pauses),
        accounts=accounts(parts, beside.accounts, tx),
        strategies=_strategies(parts, tx),
        pauses=pause_views(pauses),
        open_orders=len(orders),
        unknown=shown,
        outbox_pending=tx.outbox.pending(),
        notices=list(beside.notices),
        relay=beside.relay,
    )


def accounts(parts: Parts, now: Sequence[AccountState], tx: Tx) -> list[models.AccountView]:
    """Every configured account, `now` as it is connected."""
    states = {state.account: state for state in now}
    return [_account(parts, tx, name, account, states.get(name)) for name, account in parts.settings.accounts.items()]


def _account(parts: Parts, tx: Tx, name: str, account: Account, state: AccountState | None) -> models.AccountView:
    snapshot = tx.snapshots.latest(name)
    day = day_of(parts, tx, name)
    counts = tx.attempts.counts(name, day)
    asset = None
    if snapshot is not None:
        taken_at, money, _ = snapshot
        asset = models.AssetView(
            cash=money.cash,
            frozen=money.frozen,
            market_value=money.market_value,
            total=money.total,
            taken_at=taken_at,
        )
    return models.AccountView(
        account=name,
        broker=account.broker,
        real=isinstance(account, RealAccount),
        account_id=_masked(account.account_id) if isinstance(account, RealAccount) else "",
        ready=state is not None and state.ready,
        why_zh=state.why_zh if state else "尚未启动",
        why_en=state.why_en if state else "not started",
        paused=any(p.account in {"", name} and not (p.strategy or p.buys) for p in tx.pauses.list()),
        asset=asset,
        day=day,
        attempts=counts.attempts,
        cancels=counts.cancels,
        turnover=counts.turnover,
    )


def day_of(parts: Parts, tx: Tx, name: str) -> date:
    """The account's trading day: today, or with `hours = "always"` the day of its newest order."""
    account = parts.settings.accounts[name]
    if isinstance(account, PaperAccount) and account.hours == "always":
        newest = tx.orders.list(account=name, limit=1)
        if newest:
            return newest[0].day
    return parts.clock.now().date()


def _masked(account_id: str) -> str:
    return "*" * max(len(account_id) - _SHOWN_OF_ID, 0) + account_id[-_SHOWN_OF_ID:]


def _strategies(parts: Parts, tx: Tx) -> list[models.StrategyView]:
    pauses = tx.pauses.list()
    return [
        models.StrategyView(
            strategy=name,
            title=strategy.title,
            wire=strategy.wire,
            backtest=strategy.backtest,
            follow={account: f"{follow.mode} {follow.figure}" for account, follow in strategy.follow.items()},
            paused=any(p.strategy in {"", name} and not (p.account or p.buys) for p in pauses),
        )
        for name, strategy in parts.settings.strategies.items()
    ]


def pause_views(pauses: list[PauseRow]) -> list[models.PauseView]:
    """What is paused now."""
    return [
        models.PauseView(strategy=row.strategy, account=row.account, since=row.since, buys=row.buys) for row in pauses
    ]


def positions(parts: Parts, tx: Tx, *, account: str | None, strategy: str | None) -> models.PositionsView:
    """The books beside what the brokers' accounts held at their latest snapshot."""
    books = tx.books.list(account=account, strategy=strategy)
    booked: dict[tuple[str, str], int] = defaultdict(int)
    for book in tx.books.list(account=account):
        booked[book.account, book.security] += book.volume
    last: dict[tuple[str, str], Decimal | None] = {}
    broker = []
    for name in parts.settings.accounts:
        snapshot = tx.snapshots.latest(name) if account in {None, name} else None
        if snapshot is None:
            continue
        taken_at, _, held = snapshot
        for position in held:
            last[name, position.symbol] = position.last
            if position.volume:
                broker.append(
                    models.BrokerPositionView(
                        account=name,
                        security=position.symbol,
                        volume=position.volume,
                        available=position.available,
                        avg_cost=position.avg_cost,
                        last=position.last,
                        booked=booked[name, position.symbol],
                        taken_at=taken_at,
                    )
                )
    items = [views.book_view(book, last.get((book.account, book.security))) for book in books]
    return models.PositionsView(items=items, broker=broker)
