"""Everything is sold, or cancelled, at a person's word: of a strategy, of an account, or of one in the other.

To close out is one transaction: what was asked for is paused, its open orders are to end, and each of its books gets an
order of its own kind that sells all of it and goes the way of every other exit. Shares that no book holds are nobody's
here: they are not touched. The name that a person's click bears makes it happen once, and a book that is being closed
out gets no second order. Such orders pass the pauses that stood when they were made; a later cancel ends them.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import orjson
import structlog

from jqfollow.clock import SHANGHAI, Clock
from jqfollow.domain import (
    CLOSE_RUN,
    FollowMode,
    ManualOrderError,
    Side,
    SignalKind,
    SignalState,
    StrategyOrder,
    WaitingFor,
    Wire,
)
from jqfollow.execution.accounts import Account
from jqfollow.execution.volume import security_of
from jqfollow.execution.wishes import Wishes
from jqfollow.ledger.deeds import What
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow, BookRow, NewOrder, NewSignal, OrderRow, Terms
from jqfollow.ledger.tx import Tx
from jqfollow.market.settlement import settles_same_day
from jqfollow.meant import ACCOUNT, STRATEGY, no_such
from jqfollow.reasons import Reason
from jqfollow.settings import Settings
from jqfollow.settings.layers import Layers

log = structlog.get_logger(__name__)

_SHORTEST_KEY = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Of what: `None` means all strategies, or all accounts."""

    strategy: str | None = None
    account: str | None = None

    def has(self, strategy: str) -> bool:
        """Whether a strategy is of it."""
        return self.strategy in {None, strategy}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A book that would be sold out."""

    account: str
    strategy: str
    security: str
    volume: int
    buying: int
    """What open buys of it may still bring: they are cancelled, and what they bring is sold, too."""
    later: int
    """What of it was bought today and cannot be sold before the next day."""
    under_way: bool
    """It is being closed out already."""
    followed: bool
    """Its strategy stands in the configuration; else nobody trades it."""

    @property
    def most(self) -> int:
        """Shares that it may come to."""
        return self.volume + self.buying


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What closing out would do as things stand."""

    accounts: tuple[str, ...]
    held: tuple[Held, ...]
    to_cancel: int
    """Orders that have not ended."""
    opens_at: Mapping[str, datetime | None]
    """By account: when its exchange takes orders next, where that is not now; `None`: it is not known."""
    down: Mapping[str, tuple[str, str]]
    """Accounts that cannot trade now, and why, in both languages."""

    @property
    def confirm(self) -> str:
        """What a person types: the accounts' names."""
        return " ".join(self.accounts)


class ClosingOut:
    """Looks, closes out, and cancels."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        accounts: Mapping[str, Account],
        wishes: Wishes,
        settings: Settings,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        """`wake` is called when there are new orders."""
        self._ledger = ledger
        self._accounts = accounts
        self._wishes = wishes
        self._settings = settings
        self._layers = Layers(settings)
        self._clock = clock
        self._wake = wake

    async def look(self, scope: Scope) -> Outlook:
        """What closing out would do; nothing is done.

        Raises:
            ManualOrderError: the scope names nothing.
            LedgerError: the ledger cannot be read.
        """
        self._check(scope)
        return await self._ledger.read(lambda tx: self._outlook(tx, scope))

    async def close(self, scope: Scope, *, confirm: str, key: str, who: str) -> Sequence[OrderRow]:
        """Pauses, cancels and sells out, once for `key`; gives the orders, those of the first time if repeated.

        Args:
            scope: of what.
            confirm: the accounts' names, as `Outlook.confirm` has them.
            key: names the person's click.
            who: does it.

        Raises:
            ManualOrderError: the scope names nothing, or it is not confirmed.
            LedgerError: nothing of it stands.
        """
        self._check(scope)
        if len(key) < _SHORTEST_KEY:
            raise ManualOrderError("key 太短：每次点击要有自己的", "the key is too short: each click has its own")
        orders, live = await self._ledger.write(lambda tx: self._close(tx, scope, confirm, key, who))
        log.warning("closed_out", strategy=scope.strategy, account=scope.account, orders=len(orders), who=who)
        self._end(live)
        return orders

    async def cancel_all(self, scope: Scope, *, who: str) -> int:
        """Every open order of the scope is to end, those that close out too; gives how many.

        Raises:
            ManualOrderError: the scope names nothing.
            LedgerError: nothing of it stands.
        """
        self._check(scope, everything=True)

        def act(tx: Tx) -> tuple[int, list[AttemptRow]]:
            orders = [o for o in tx.orders.open(scope.account) if scope.has(o.strategy) and o.cancel_reason is None]
            live = self._want_ends(tx, orders)
            self._note(tx, who, What.CANCEL_ALL, scope, f"{len(orders)}")
            return len(orders), live

        count, live = await self._ledger.write(act)
        log.warning("canceled_all", strategy=scope.strategy, account=scope.account, orders=count, who=who)
        self._end(live)
        return count

    # -- what is in it -----------------------------------------------------------------------------------------------

    def _check(self, scope: Scope, *, everything: bool = False) -> None:
        if scope.strategy is not None and scope.strategy not in self._settings.strategies:
            raise ManualOrderError(*no_such(STRATEGY, scope.strategy, self._settings.strategies))
        if scope.account is not None and scope.account not in self._accounts:
            raise ManualOrderError(*no_such(ACCOUNT, scope.account, self._accounts))
        if not everything and scope.strategy is None and scope.account is None:
            raise ManualOrderError("请指明策略或账户", "name a strategy or an account")

    def _names(self, tx: Tx, scope: Scope) -> tuple[str, ...]:
        """The accounts: the one that was named, else those that hold or trade anything of the strategy."""
        if scope.account is not None:
            return (scope.account,)
        holding = {book.account for book in tx.books.list(strategy=scope.strategy) if book.volume > 0}
        trading = {order.account for order in tx.orders.open() if scope.has(order.strategy)}
        found = tuple(name for name in self._accounts if name in holding | trading)
        return found or tuple(self._settings.strategies[scope.strategy].follow if scope.strategy else ())

    def _outlook(self, tx: Tx, scope: Scope) -> Outlook:
        names, now = self._names(tx, scope), self._clock.now()
        held, to_cancel, opens_at, down = [], 0, {}, {}
        for name in names:
            account = self._accounts[name]
            orders = [order for order in tx.orders.open(name) if scope.has(order.strategy)]
            to_cancel += sum(not _closes_out(order) and order.cancel_reason is None for order in orders)
            held += self._held_in(tx, account, scope, orders)
            session = account.hours.next_session(now, join_auction=False)
            if session is None or session > now:
                opens_at[name] = session
            if not account.ready:
                down[name] = account.why_zh, account.why_en
        return Outlook(accounts=names, held=tuple(held), to_cancel=to_cancel, opens_at=opens_at, down=down)

    def _held_in(self, tx: Tx, account: Account, scope: Scope, orders: Sequence[OrderRow]) -> list[Held]:
        """Every book that holds something, or may come to hold it by an open buy."""
        closing = {order.book for order in orders if _closes_out(order)}
        buying: dict[tuple[str, str], int] = {}
        for order in orders:
            if order.side is Side.BUY:
                buying[order.book] = buying.get(order.book, 0) + max(order.volume - order.filled, 0)
        books = {(b.strategy, b.security): b for b in tx.books.list(account=account.name, strategy=scope.strategy)}
        keys = {key for key, book in books.items() if book.volume > 0} | set(buying)
        empty = [BookRow(account=account.name, strategy=s, security=code) for s, code in sorted(keys - set(books))]
        found = sorted([*(books[key] for key in keys & set(books)), *empty], key=lambda b: (b.strategy, b.security))
        return [self._held(tx, account, b, closing, buying.get((b.strategy, b.security), 0)) for b in found]

    def _held(self, tx: Tx, account: Account, book: BookRow, closing: set[tuple[str, str]], buying: int) -> Held:
        later = 0
        security, _ = security_of(book.security)
        if security is None or not settles_same_day(security):
            bought = tx.fills.bought_on(account.name, book.strategy, book.security, account.hours.trading_day())
            later = min(bought, max(book.volume, 0))
        return Held(
            account=account.name,
            strategy=book.strategy,
            security=book.security,
            volume=max(book.volume, 0),
            buying=buying,
            later=later,
            under_way=(book.strategy, book.security) in closing,
            followed=book.strategy in self._settings.strategies,
        )

    # -- what is written ---------------------------------------------------------------------------------------------

    def _close(
        self, tx: Tx, scope: Scope, confirm: str, key: str, who: str
    ) -> tuple[Sequence[OrderRow], Sequence[AttemptRow]]:
        if tx.deeds.done(_once(key)):
            return self._orders_of(tx, key), ()
        outlook, now = self._outlook(tx, scope), self._clock.now()
        if confirm.split() != outlook.confirm.split():
            raise ManualOrderError(
                f"请输入账户名确认：{outlook.confirm}", f"type the account's name to confirm: {outlook.confirm}"
            )
        tx.pauses.pause(scope.strategy or "", scope.account or "", now)
        live: list[AttemptRow] = []
        for name in outlook.accounts:
            orders = [o for o in tx.orders.open(name) if scope.has(o.strategy) and o.cancel_reason is None]
            live += self._want_ends(tx, [order for order in orders if not _closes_out(order)])
        for held in outlook.held:
            if held.followed and not held.under_way:
                self._sell(tx, held, key, now)
        orders = self._orders_of(tx, key)
        self._note(tx, who, What.CLOSE_ALL, scope, f"{len(orders)}", once=_once(key))
        return orders, live

    def _want_ends(self, tx: Tx, orders: Sequence[OrderRow]) -> list[AttemptRow]:
        ended = [self._wishes.want_end(tx, order.order_id, Reason.CANCELED_BY_USER) for order in orders]
        return [live for _, live in ended if live is not None]

    def _sell(self, tx: Tx, held: Held, key: str, now: datetime) -> None:
        """An order that sells the whole of a book, by a signal of its own."""
        account = self._accounts[held.account]
        execution, risk = self._layers.execution(held.strategy), self._layers.risk(held.account, held.strategy)
        session = account.hours.next_session(now, join_auction=execution.join_auction)
        waits = session if session is not None and session > now else None
        day = waits.astimezone(SHANGHAI).date() if waits else account.hours.trading_day()
        message_id = f"{_once(key)}-{held.account}-{held.security}"
        text = {"kind": "close", "account": held.account, "security": held.security, "volume": held.volume}
        signal = NewSignal(
            strategy=held.strategy,
            wire=Wire.REPAIR,
            message_id=message_id,
            kind=SignalKind.ORDER,
            run=CLOSE_RUN,
            text=orjson.dumps(text).decode(),
            made_at=now,
            received_at=now,
            order=_told(held, message_id, day),
        )
        signal_id = tx.signals.record(signal).signal_id
        order = tx.orders.create(
            NewOrder(
                signal_id=signal_id,
                account=held.account,
                strategy=held.strategy,
                day=day,
                security=held.security,
                side=Side.SELL,
                terms=Terms(
                    amount=held.most,
                    run=CLOSE_RUN,
                    mode=FollowMode.SHARES,
                    figure=Decimal(held.most),
                    made_at=now,
                    account_number=account.number,
                ),
                deadline=now + timedelta(seconds=risk.max_signal_age_s),
                limit_price=None,
                closes=True,
            ),
            now,
        )
        tx.signals.finish(signal_id, SignalState.FOLLOWED, None)
        if waits is not None:
            tx.orders.wait(order, now, WaitingFor.SESSION, waits)

    def _orders_of(self, tx: Tx, key: str) -> list[OrderRow]:
        names = [number for name in self._settings.strategies for number in tx.signals.named(name, f"{_once(key)}-")]
        return [order for number in names for order in tx.orders.of_signal(number)]

    def _note(self, tx: Tx, who: str, what: What, scope: Scope, detail: str, once: str | None = None) -> None:
        tx.deeds.add(
            self._clock.now(),
            who,
            what,
            strategy=scope.strategy or "",
            account=scope.account or "",
            detail=detail,
            once=once,
        )

    def _end(self, live: Sequence[AttemptRow]) -> None:
        for attempt in live:
            self._wishes.cancel_attempt_soon(attempt)
        self._wake()


def _once(key: str) -> str:
    return f"close-{hashlib.sha256(key.encode()).hexdigest()[:24]}"


def _closes_out(order: OrderRow) -> bool:
    return order.terms.run == CLOSE_RUN and order.cancel_reason is None


def _told(held: Held, message_id: str, day: date) -> StrategyOrder:
    return StrategyOrder(
        jq_order_id=message_id,
        symbol=held.security,
        side=Side.SELL,
        amount=held.most,
        filled=0,
        price=None,
        limit=None,
        status="open",
        position_side="long",
        day=day,
        position_after=0,
        total_value=None,
    )
