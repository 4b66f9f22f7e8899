"""The pipeline: a signal becomes orders, and each account's lane works them one after another.

The queue is the ledger itself: what stands there as received, or as open, is worked again after a restart.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from jqfollow.clock import Clock
from jqfollow.domain import (
    ORDER_OPEN,
    AccountState,
    JqfollowError,
    ManualOrder,
    ManualOrderError,
    OrderState,
    Settlement,
    Side,
    SignalState,
    StrategyOrder,
    WaitingFor,
    Wire,
)
from jqfollow.execution.accounts import Account
from jqfollow.execution.dealer import Dealer
from jqfollow.execution.desk import Desk
from jqfollow.execution.transitions import Names, end_order
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import NewOrder, NewSignal, OrderRow, Recorded, SignalRow
from jqfollow.ledger.tx import Tx
from jqfollow.manual import manual_account, manual_signal
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind
from jqfollow.reasons import Reason, Refusal
from jqfollow.settings import Settings
from jqfollow.wire.messages import LIVE_RUN

log = structlog.get_logger(__name__)

DECISION_WAIT_S = 3.0
_POLL_S = 0.05
_AGAIN_S = 1.0
"""How often an order that waits is looked at again."""
_PASSING = timedelta(seconds=2)
"""What a broker refused in passing is left alone for so long."""
_DAY_PATIENCE = timedelta(seconds=10)
"""So long a practice day is kept open for its orders when the next one is asked for."""
_NOT_TRADED = frozenset({"canceled", "rejected"})
_QUIET = frozenset({Reason.NOT_TRADED, Reason.NO_AMOUNT})
"""What a strategy may well send, and nobody wants to be told."""


class Follower:
    """From the ledger's signals to the accounts' lanes."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        accounts: Mapping[str, Account],
        desk: Desk,
        dealer: Dealer,
        settings: Settings,
        clock: Clock,
        names: Names,
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._desk = desk
        self._dealer = dealer
        self._settings = settings
        self._clock = clock
        self._names = names
        self._wake = asyncio.Event()
        self._looked_at: dict[str, dict[int, float]] = {name: {} for name in accounts}
        self._finishing = False
        self._idle = {name: asyncio.Event() for name in accounts}
        for idle in self._idle.values():
            idle.set()
        self.failures = 0

    # -- what the ports ask ------------------------------------------------------------------------------------------

    async def record(self, signal: NewSignal) -> Recorded:
        """Commits the signal, then wakes the pipeline; raises like `Ledger.write`."""
        recorded = await self._ledger.write(lambda tx: tx.signals.record(signal))
        if not recorded.duplicate:
            log.info("signal", signal_id=recorded.signal_id, strategy=signal.strategy, kind=signal.kind)
            self._wake.set()
        return recorded

    def account_states(self, strategy: str | None = None) -> Sequence[AccountState]:
        """The accounts that follow `strategy`, or all."""
        if strategy is None:
            return [account.state() for account in self._accounts.values()]
        known = self._settings.strategies.get(strategy)
        return [self._accounts[name].state() for name in known.follow] if known else []

    async def cancel(self, order_id: int) -> OrderRow:
        """Ends an open order at a person's wish; raises `ManualOrderError`."""
        return await self._desk.cancel(order_id)

    async def settle(self, order_id: int, settlement: Settlement) -> OrderRow:
        """Settles an unknown attempt; raises `ManualOrderError`."""
        return await self._desk.settle(order_id, settlement)

    async def place_manual(self, order: ManualOrder) -> Sequence[OrderRow]:
        """A person's order, through the same rules as a signal; waits a little for the decision.

        Raises:
            ManualOrderError: it cannot be an order.
        """
        recorded = await self.record(manual_signal(order, self._settings, self._accounts, self._clock.now()))
        loop = asyncio.get_running_loop()
        until = loop.time() + DECISION_WAIT_S
        while True:
            rows = await self._ledger.read(lambda tx: tx.orders.of_signal(recorded.signal_id))
            waits = not rows or any(r.state is OrderState.PENDING_NEW and r.waiting_for is None for r in rows)
            if not waits or loop.time() >= until:
                return rows
            await asyncio.sleep(_POLL_S)

    # -- signals to orders -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """For ever, until cancelled: signals in order of arrival, and every account's lane."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take_signals(), name="signals")
            for account in self._accounts.values():
                group.create_task(self._lane(account), name=f"lane {account.name}")

    async def _take_signals(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.follow_received()
            except LedgerError:
                log.exception("signals_not_taken")
                await asyncio.sleep(_AGAIN_S)
                self._wake.set()
            await self._wake.wait()

    async def follow_received(self) -> None:
        """Turns every received signal into orders, or into a recorded reason."""
        for signal in await self._ledger.read(lambda tx: tx.signals.received()):
            for order_id in await self._follow_one(signal):
                try:
                    await self._desk.cancel(order_id, Reason.CANCELED_BY_STRATEGY)
                except ManualOrderError as error:
                    log.info("cancel_came_late", order_id=order_id, why=error.en)
        for account in self._accounts.values():
            account.wake.set()

    async def _follow_one(self, signal: SignalRow) -> Sequence[int]:
        """One signal's trouble must not stop the others: it ends with a reason."""
        try:
            return await self._ledger.write(lambda tx: self._follow(tx, signal))
        except LedgerError:
            raise
        except Exception as error:
            self.failures += 1
            log.exception("signal_failed", signal_id=signal.signal_id)
            refusal = Refusal(reason=Reason.INTERNAL_ERROR, figures={"error": type(error).__name__})
            await self._ledger.write(lambda tx: tx.signals.finish(signal.signal_id, SignalState.RECORDED, refusal))
            return ()

    def _follow(self, tx: Tx, signal: SignalRow) -> Sequence[int]:
        """One signal, in one transaction; gives the orders that the strategy itself has cancelled."""
        now = self._clock.now()
        told = signal.order
        if told is None or signal.state is not SignalState.RECEIVED:
            return ()
        refusal = self._refusal(tx, signal, told)
        if refusal is not None:
            tx.signals.finish(signal.signal_id, SignalState.RECORDED, refusal)
            if refusal.reason not in _QUIET:
                row = tx.signals.get(signal.signal_id)
                text = messages.signal_refused(row or signal, title=self._names.title(signal.strategy), name=None)
                tx.outbox.put(Kind.SIGNAL_REFUSED, text, now)
            return self._canceled_orders(tx, signal, told) if told.status == "canceled" else ()
        closes = signal.wire is not Wire.MANUAL and self._track_position(tx, signal, told, now)
        for account in self._followers(signal):
            tx.orders.create(
                NewOrder(
                    signal_id=signal.signal_id,
                    account=account.name,
                    strategy=signal.strategy,
                    day=told.day if account.traits.always_open else account.trading_day(),
                    security=told.symbol,
                    side=told.side,
                    limit_price=told.limit,
                    closes=closes,
                ),
                now,
            )
        tx.signals.finish(signal.signal_id, SignalState.FOLLOWED, None)
        return ()

    def _refusal(self, tx: Tx, signal: SignalRow, told: StrategyOrder) -> Refusal | None:
        """Why no account shall follow the signal."""
        if told.status in _NOT_TRADED:
            return Refusal(reason=Reason.NOT_TRADED, figures={"status": told.status})
        if told.amount <= 0:
            return Refusal(reason=Reason.NO_AMOUNT, figures={"amount": str(told.amount)})
        if told.position_side != "long":
            return Refusal(reason=Reason.SHORT_SIDE, figures={"position_side": told.position_side})
        if signal.run == LIVE_RUN:
            first = tx.signals.first_follow(signal.strategy, told.jq_order_id, told.day, signal.signal_id)
            if first is not None:
                figures = {"jq_order_id": told.jq_order_id, "first_signal_id": str(first.signal_id)}
                return Refusal(reason=Reason.REPLAYED, figures=figures)
        if not self._followers(signal):
            return Refusal(reason=Reason.NOT_FOLLOWED, figures={"strategy": signal.strategy})
        return None

    def _followers(self, signal: SignalRow) -> Sequence[Account]:
        if signal.wire is Wire.MANUAL:
            account = self._accounts.get(manual_account(signal))
            return [account] if account else []
        strategy = self._settings.strategies.get(signal.strategy)
        return [self._accounts[name] for name in strategy.follow] if strategy else []

    @staticmethod
    def _track_position(tx: Tx, signal: SignalRow, told: StrategyOrder, now: datetime) -> bool:
        """Keeps what the strategy holds, and tells whether the order brings it to zero.

        The position that a message tells is the one afterwards, an order still open counted as if it were filled.
        """
        after = told.position_after
        if after is None:
            direction = 1 if told.side is Side.BUY else -1
            after = (tx.signals.position(signal.strategy, told.symbol) or 0) + direction * told.amount
        tx.signals.set_position(signal.strategy, told.symbol, max(after, 0), now)
        return told.side is Side.SELL and after <= 0

    @staticmethod
    def _canceled_orders(tx: Tx, signal: SignalRow, told: StrategyOrder) -> Sequence[int]:
        earlier = tx.signals.of_jq_order(signal.strategy, told.jq_order_id, told.day)
        orders = [order for row in earlier for order in tx.orders.of_signal(row.signal_id)]
        return [order.order_id for order in orders if order.state in ORDER_OPEN]

    # -- lanes -------------------------------------------------------------------------------------------------------

    async def _lane(self, account: Account) -> None:
        """One account's orders, one step at a time: a slow account holds up no other."""
        while True:
            account.wake.clear()
            try:
                while not self._finishing and await self._step(account):
                    pass
            except LedgerError:
                log.exception("lane_waits_for_ledger", account=account.name)
                await asyncio.sleep(_AGAIN_S)
                account.wake.set()
            await account.wake.wait()

    async def _step(self, account: Account) -> bool:
        self._idle[account.name].clear()
        try:
            return await self.work_next(account)
        finally:
            self._idle[account.name].set()

    async def finish(self, timeout_s: float) -> None:
        """Takes no further step, and waits until those under way are written down."""
        self._finishing = True
        waits = [idle.wait() for idle in self._idle.values()]
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*waits)
        except TimeoutError:
            log.warning("steps_not_finished")

    async def work_next(self, account: Account) -> bool:
        """Works one step of the account's next order; `False`: nothing is to be done now."""
        open_orders, live = await self._ledger.read(
            lambda tx: (tx.orders.open(account.name), {a.order_id for a in tx.attempts.live(account.name)})
        )
        looked_at = self._looked_at[account.name]
        for gone in looked_at.keys() - {o.order_id for o in open_orders}:
            del looked_at[gone]
        order = self._next(open_orders, live, account)
        if order is None:
            return False
        looked_at[order.order_id] = self._clock.monotonic()
        try:
            await self._dealer.work(account, order.order_id)
        except LedgerError:
            raise
        except Exception as error:  # one order's trouble must not stop the account
            self.failures += 1
            log.exception("order_failed", order_id=order.order_id, account=account.name)
            await self._give_up(order, error)
        return True

    def _next(self, orders: Sequence[OrderRow], live: Collection[int], account: Account) -> OrderRow | None:
        """Sells go before buys that arrived with them, but nothing passes an earlier order of its own book.

        Practice days do not mix: an order of a later JoinQuant day waits for those of the earlier.
        """
        due = [
            order
            for order in orders
            if order.order_id not in live and self._due(order, account) and not self._too_early(order, orders, account)
        ]
        if not due:
            return None
        first = due[0]
        if first.side is Side.SELL:
            return first
        books: set[tuple[str, str]] = set()
        for order in due:
            book = (order.strategy, order.security)
            if order.side is Side.SELL and order.day == first.day and book not in books:
                return order
            books.add(book)
        return first

    def _too_early(self, order: OrderRow, orders: Sequence[OrderRow], account: Account) -> bool:
        """Whether it would begin a practice day while orders of the day before are still being filled."""
        if not account.traits.always_open or order.day <= account.trading_day():
            return False
        earlier = any(other.day < order.day for other in orders)
        return earlier and self._clock.now() - order.created_at < _DAY_PATIENCE

    def _due(self, order: OrderRow, account: Account) -> bool:
        """Whether it is worth looking at; each order at most once a second."""
        looked_at = self._looked_at[account.name].get(order.order_id)
        if looked_at is not None and self._clock.monotonic() - looked_at < _AGAIN_S:
            return False
        now = self._clock.now()
        if order.cancel_reason is not None or (order.wait_until is not None and now >= order.wait_until):
            return True
        match order.waiting_for:
            case WaitingFor.SESSION:
                return order.day < account.trading_day()
            case WaitingFor.BROKER:
                return account.ready and now - order.updated_at >= _PASSING
            case _:
                return True

    async def _give_up(self, order: OrderRow, error: Exception) -> None:
        """An order that the program itself fails on ends with a reason; an attempt under way keeps it open."""

        def write(tx: Tx) -> None:
            row = tx.orders.get(order.order_id)
            live = {a.order_id for a in tx.attempts.live(order.account)}
            if row is not None and row.state in ORDER_OPEN and row.order_id not in live:
                figures = {"error": type(error).__name__}
                moment = self._desk.moment(self._accounts[order.account])
                end_order(tx, row, Refusal(reason=Reason.INTERNAL_ERROR, figures=figures), moment)

        try:
            await self._ledger.write(write)
        except JqfollowError:
            log.exception("order_not_given_up", order_id=order.order_id)
            await asyncio.sleep(_AGAIN_S)
