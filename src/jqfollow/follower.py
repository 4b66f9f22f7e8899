"""The pipeline: a signal becomes orders, and each account's lane works them in rounds.

The queue is the ledger itself: what stands there as received, or as open, is worked again after a restart.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from jqfollow.clock import Clock
from jqfollow.domain import (
    AccountState,
    BrokerError,
    ManualOrder,
    ManualOrderError,
    News,
    OrderState,
    Preview,
    Settlement,
    SignalState,
)
from jqfollow.execution.accounts import Account, SymbolMarket
from jqfollow.execution.desk import Desk
from jqfollow.execution.rounds import Rounds
from jqfollow.execution.transitions import Names
from jqfollow.execution.volume import security_of
from jqfollow.execution.wishes import Wishes
from jqfollow.following import Following
from jqfollow.ledger.errors import ConflictError, LedgerError, may_pass
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow, NewSignal, OrderRow, Recorded, SignalRow
from jqfollow.ledger.tx import Tx
from jqfollow.manual import manual_signal
from jqfollow.market.securities import UnknownSecurityError, parse_security
from jqfollow.meant import ACCOUNT, no_such
from jqfollow.reasons import Reason, Refusal
from jqfollow.receipts import Receipts
from jqfollow.settings import Settings
from jqfollow.stages import Stages
from jqfollow.strategy_news import GAP_PATIENCE
from jqfollow.wire.messages import LIVE_RUN, OrderMessage, read_again

log = structlog.get_logger(__name__)

DECISION_WAIT_S = 3.0
_POLL_S = 0.05
_AGAIN_S = 1.0
"""How soon is tried again what the ledger did not take."""


class Follower:
    """From the ledger's signals to the accounts' lanes."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        accounts: Mapping[str, Account],
        desk: Desk,
        wishes: Wishes,
        settings: Settings,
        clock: Clock,
        names: Names,
        stages: Stages | None = None,
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._desk = desk
        self._wishes = wishes
        self._settings = settings
        self._clock = clock
        self.receipts = Receipts()
        self._following = Following(settings=settings, accounts=accounts, wishes=wishes, names=names)
        self._rounds = {
            name: Rounds(
                account,
                ledger=ledger,
                desk=desk,
                wishes=wishes,
                settings=settings,
                clock=clock,
                names=names,
                stages=stages or Stages(clock),
                receipts=self.receipts,
            )
            for name, account in accounts.items()
        }
        self._wake = asyncio.Event()
        self._finishing = False
        self._signals_failed = 0

    @property
    def failures(self) -> int:
        """How often the program itself failed on a signal or an order."""
        return self._signals_failed + sum(rounds.failures for rounds in self._rounds.values())

    @property
    def rounds(self) -> Mapping[str, Rounds]:
        """Every account's rounds."""
        return self._rounds

    def look_again(self) -> None:
        """Orders stand in the ledger that did not come by `record`."""
        self._go_on(())

    # -- what the ports ask ------------------------------------------------------------------------------------------

    async def record(self, signal: NewSignal) -> Recorded:
        """Commits the signal, and in the same commit what becomes of it; raises like `Ledger.write`.

        A signal that the program fails on stands all the same: it is looked at again by itself.
        """
        self._look_ahead(signal)
        with self.receipts.one():
            recorded, live = await self._recorded(signal)
        if not recorded.duplicate:
            log.debug("signal", signal_id=recorded.signal_id, strategy=signal.strategy, kind=signal.kind)
            self._go_on(live)
            if live is None:
                self._wake.set()
        return recorded

    def _look_ahead(self, signal: NewSignal) -> None:
        """The broker is asked while the message is written down; whether it becomes an order is seen then."""
        order, strategy = signal.order, self._settings.strategies.get(signal.strategy)
        if order is None or strategy is None or signal.run != LIVE_RUN:
            return
        security, _ = security_of(order.symbol)
        if security is not None:
            for name in strategy.follow:
                self._rounds[name].ahead.look(security.symbol)

    async def _recorded(self, signal: NewSignal) -> tuple[Recorded, Sequence[AttemptRow] | None]:
        try:
            return await self._ledger.write(lambda tx: self._record(tx, signal))
        except Exception as error:
            if may_pass(error) or isinstance(error, ConflictError):
                raise
        # It stands as received; `follow_received` takes it up, logs and counts it.
        return await self._ledger.write(lambda tx: tx.signals.record(signal)), None

    def _record(self, tx: Tx, signal: NewSignal) -> tuple[Recorded, Sequence[AttemptRow]]:
        recorded = tx.signals.record(signal)
        row = None if recorded.duplicate else tx.signals.get(recorded.signal_id)
        if row is None:
            return recorded, ()
        live, refusal = self._following.follow(tx, row, signal.order, signal.news, self._clock.now())
        return replace(recorded, refusal=refusal), live

    def _go_on(self, live: Sequence[AttemptRow] | None) -> None:
        """After a signal was followed: what the strategy ended is cancelled, and the lanes look again."""
        for attempt in live or ():
            self._wishes.cancel_attempt_soon(attempt)
        for account in self._accounts.values():
            account.arrived = True
            account.wake.set()

    def account_states(self, strategy: str | None = None) -> Sequence[AccountState]:
        """The accounts that follow `strategy`, or all."""
        if strategy is None:
            return [account.state() for account in self._accounts.values()]
        known = self._settings.strategies.get(strategy)
        return [self._accounts[name].state() for name in known.follow] if known else []

    async def cancel(self, order_id: int) -> OrderRow:
        """Ends an open order at a person's wish; raises `ManualOrderError`."""
        return await self._wishes.cancel(order_id)

    async def settle(self, order_id: int, settlement: Settlement) -> OrderRow:
        """Settles an unknown attempt; raises `ManualOrderError`."""
        return await self._wishes.settle(order_id, settlement)

    async def place_manual(self, order: ManualOrder) -> Sequence[OrderRow]:
        """A person's order, through the same rules as a signal; waits a little for the decision.

        Raises:
            ManualOrderError: it cannot be an order.
        """
        signal = manual_signal(order, self._settings, self._accounts, self._clock.now())
        try:
            recorded = await self.record(signal)
        except ConflictError as error:
            raise ManualOrderError(
                "这个 Idempotency-Key 已用于另一笔下单", "this Idempotency-Key belongs to another order"
            ) from error
        loop = asyncio.get_running_loop()
        until = loop.time() + DECISION_WAIT_S
        while True:
            rows = await self._ledger.read(lambda tx: tx.orders.of_signal(recorded.signal_id), urgent=True)
            waits = not rows or any(r.state is OrderState.PENDING_NEW and r.waiting is None for r in rows)
            if not waits or loop.time() >= until:
                return rows
            await asyncio.sleep(_POLL_S)

    async def preview(self, account: str, security: str) -> Preview:
        """What a person should see before an order is placed; raises `ManualOrderError` for what names nothing."""
        known = self._accounts.get(account)
        if known is None:
            raise ManualOrderError(*no_such(ACCOUNT, account, self._accounts))
        try:
            symbol = parse_security(security).symbol
        except UnknownSecurityError as error:
            raise ManualOrderError(f"不能交易的证券 {security}：{error.why_zh}", error.why_en) from error
        nothing = Preview(security=symbol, name=None, last=None, limit_up=None, limit_down=None, cash=None, total=None)
        if not known.ready:
            return nothing
        try:
            asset, _, markets = await known.everything([symbol])
        except BrokerError:
            return nothing
        market = markets.get(symbol)
        told = replace(nothing, cash=asset.cash, total=asset.total)
        if not isinstance(market, SymbolMarket) or market.instrument is None:
            return told
        return replace(
            told,
            name=market.instrument.name or None,
            last=market.quote.last or market.quote.prev_close if market.quote else None,
            limit_up=market.instrument.limit_up,
            limit_down=market.instrument.limit_down,
        )

    # -- signals to orders -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """For ever, until cancelled: signals that were not followed as they came, and every account's lane."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take_signals(), name="signals")
            for account in self._accounts.values():
                group.create_task(self._lane(account), name=f"lane {account.name}")

    async def _take_signals(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.follow_received()
            except LedgerError as error:
                log.warning("signals_not_taken", why=str(error))
                await asyncio.sleep(_AGAIN_S)
                self._wake.set()
            await self._wake.wait()

    async def follow_received(self) -> None:
        """Turns every message that still stands as received into orders, or into a recorded reason.

        Raises:
            LedgerError: not now; the signals stand as received.
        """
        signals = await self._ledger.read(lambda tx: tx.signals.received(), urgent=True)
        now = self._clock.now()
        outcomes = await self._ledger.write_all(
            [partial(self._follow_again, signal=signal, now=now) for signal in signals]
        )
        for signal, outcome in zip(signals, outcomes, strict=True):
            if isinstance(outcome, Exception) and may_pass(outcome):
                raise outcome
            if isinstance(outcome, Exception):
                await self._end_signal(signal, outcome)
            else:
                self._go_on(outcome)

    def _follow_again(self, tx: Tx, signal: SignalRow, now: datetime) -> Sequence[AttemptRow]:
        message = read_again(signal.wire, signal.text)
        told = message.strategy_order() if isinstance(message, OrderMessage) else signal.order
        live, _ = self._following.follow(tx, signal, told, message.news() if message else News(), now)
        return live

    async def tell_gaps(self, now: datetime) -> None:
        """Tells people of messages that are missing for too long."""
        if await self._ledger.read(lambda tx: bool(tx.processes.untold_gaps(now - GAP_PATIENCE))):
            await self._ledger.write(lambda tx: self._following.news.tell_gaps(tx, now))
            self._desk.tell_people()

    async def _end_signal(self, signal: SignalRow, error: Exception) -> None:
        """One signal's trouble must not stop the others: it ends with a reason."""
        self._signals_failed += 1
        log.error("signal_failed", signal_id=signal.signal_id, exc_info=error)
        refusal = Refusal(reason=Reason.INTERNAL_ERROR, figures={"error": type(error).__name__})
        await self._ledger.write(lambda tx: tx.signals.finish(signal.signal_id, SignalState.RECORDED, refusal))

    # -- lanes -------------------------------------------------------------------------------------------------------

    async def _lane(self, account: Account) -> None:
        """One account's orders, round by round: a slow account holds up no other."""
        rounds, idle = self._rounds[account.name], account.idle
        while True:
            account.wake.clear()
            idle.clear()
            try:
                while not self._finishing and await rounds.work():
                    pass
            except Exception as error:  # a round ends here, and the next one begins: no account stops another
                if may_pass(error):
                    log.warning("round_waits", account=account.name, why=str(error))
                else:
                    rounds.failures += 1
                    log.exception("round_failed", account=account.name)
                idle.set()
                await asyncio.sleep(_AGAIN_S)
                account.wake.set()
            idle.set()
            await account.wake.wait()

    async def finish(self, timeout_s: float) -> None:
        """Takes no further round, and waits until those under way are written down."""
        self._finishing = True
        waits = [account.idle.wait() for account in self._accounts.values()]
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*waits)
        except TimeoutError:
            log.warning("rounds_not_finished")
