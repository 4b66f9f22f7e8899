"""Keeps one account connected: connects, probes, reconciles, opens and closes trading; gives up nothing."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import structlog

from jqfollow.clock import Clock
from jqfollow.domain import BrokerDownError, BrokerError
from jqfollow.execution.accounts import Account
from jqfollow.execution.desk import Desk
from jqfollow.execution.reconcile import Reconciler
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind

log = structlog.get_logger(__name__)

PROBE_EVERY_S = 1.5
RECONNECT_AFTER = 3
"""So many probes in a row without an answer, and the connection is made anew."""
BACKOFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)
TELL_AFTER_S = 60.0
"""A loss shorter than this is not told, unless it happens while the exchange trades."""


class Supervisor:
    """One account's connection."""

    def __init__(
        self,
        account: Account,
        *,
        ledger: Ledger,
        desk: Desk,
        reconciler: Reconciler,
        clock: Clock,
        told: Callable[[], None],
    ) -> None:
        self._account = account
        self._ledger = ledger
        self._desk = desk
        self._reconciler = reconciler
        self._clock = clock
        self._told = told
        self._end: Callable[[], None] | None = None
        self._closed = False
        self._down_since: datetime | None = None
        self._down_told = False

    async def run(self) -> None:
        """Until cancelled or closed; a ledger that cannot be written now is waited for like a broker."""
        failures = 0
        try:
            while not self._closed:
                try:
                    failures = 1 if await self._live() else failures + 1
                except LedgerError as error:
                    log.warning("supervisor_waits_for_ledger", account=self._account.name, why=str(error))
                    self._account.set_down(f"账本不能写入：{error.zh}", f"the ledger cannot be written: {error.en}")
                    failures += 1
                except Exception as error:  # what a broker's list holds may be anything: this account waits, no other
                    log.exception("supervisor_failed", account=self._account.name)
                    words = f"{type(error).__name__}: {error}"
                    self._account.set_down(f"程序错误：{words}", f"an internal error: {words}")
                    failures += 1
                if not self._account.lost.is_set():
                    await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S)) - 1])
        finally:
            self._account.set_down("正在停止", "stopping")

    async def close(self) -> None:
        """Ends the connection for good, within a few seconds whatever the broker does."""
        self._closed = True
        await self._disconnect()

    async def _live(self) -> bool:
        """One connection, from its making to its loss; whether it was ever good."""
        good = False
        try:
            await self._connect()
            good = True
            await self._watch()
        except BrokerError as error:
            await self._down(str(error))
        return good

    async def _connect(self) -> None:
        account = self._account
        await self._disconnect()
        account.lost.clear()
        self._end = await account.connect()
        if self._closed:  # meanwhile
            await self._disconnect()
            raise BrokerDownError(f"{account.name}: 正在停止 / is stopping")
        await account.learn_day()
        await self._reconciler.reconcile(account, connected_anew=True)
        await self._up()

    async def _disconnect(self) -> None:
        end, self._end = self._end, None
        if end is not None:
            await self._account.disconnect(end)

    async def _watch(self) -> None:
        """Probes until the connection is lost; a probe without an answer stops trading at once."""
        account = self._account
        silent = 0
        while not self._closed:
            await self._until_next_probe()
            try:
                await account.asset()
            except BrokerError as error:
                silent += 1
                await self._down(str(error))
                if silent >= RECONNECT_AFTER:
                    raise
                continue
            silent = 0
            if not account.ready:
                await self._reconciler.reconcile(account)
                await self._up()

    async def _until_next_probe(self) -> None:
        """Waits; raises at once when the broker says that the connection is lost: then no probe is needed."""
        lost = self._account.lost
        with suppress(TimeoutError):
            async with asyncio.timeout(PROBE_EVERY_S):
                await lost.wait()
        if lost.is_set():
            raise BrokerDownError(self._account.why_zh)

    async def _up(self) -> None:
        account = self._account
        since, self._down_since = self._down_since, None
        account.set_ready()
        if not account.ready:  # a person has to decide first
            return
        log.info("account_ready", account=account.name)
        if self._down_told and since is not None:
            self._down_told = False
            minutes = (self._clock.now() - since).total_seconds() / 60
            await self._put(Kind.ACCOUNT_UP, messages.account_up(account.name, minutes))

    async def _down(self, why: str) -> None:
        account = self._account
        now = self._clock.now()
        zh, _, en = why.partition(" / ")
        account.set_down(zh, en or zh)
        if self._down_since is None:
            self._down_since = now
            log.warning("account_down", account=account.name, why=why)
        trading = account.hours.is_trading_day()
        lasted = (now - self._down_since).total_seconds()
        # The morning restart of MiniQMT, and days without trading, are waited out quietly.
        if not self._down_told and trading and lasted >= TELL_AFTER_S:
            self._down_told = True
            await self._put(Kind.ACCOUNT_DOWN, messages.account_down(account.name, why))

    async def _put(self, kind: Kind, text: str) -> None:
        await self._ledger.write(lambda tx: tx.outbox.put(kind, text, self._clock.now()))
        self._told()
