"""Keeps an eye on the ledger while the service runs, and says so when it can keep nothing: without the ledger.

A signal is acknowledged when it stands in the ledger, and is followed in the same transaction; what is left to watch is
that the ledger stays: its files, that what was read once can be read again, and, once a commit has failed, that it can
be written again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from jqfollow.clock import Clock
from jqfollow.domain import JqfollowError
from jqfollow.ledger.errors import LedgerError, LedgerLockedError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.tx import Tx
from jqfollow.ledger.watched import FileWatch, Trouble, read_apart

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
PROBE_EVERY_S = 30.0
"""So often it is written to although nothing asks for it."""
_ANSWER_S = 5.0
_KEY = "watched_at"

Shout = Callable[[str], Awaitable[None]]
"""Tells people at once, and without the ledger."""


class LedgerWatch:
    """Looks each second, and tells the ledger what it found."""

    def __init__(self, ledger: Ledger, *, clock: Clock, shout: Shout) -> None:
        """`ledger` is open; raises `OSError` when its file is gone already."""
        self._ledger = ledger
        self._clock = clock
        self._shout = shout
        self._file = FileWatch(ledger.path)
        self._probed_at = clock.monotonic()
        self._newest = 0
        """The greatest number of a signal that was read."""
        self._told: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """For ever, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Finds out whether the ledger can be trusted with what comes next."""
        before = self._ledger.trouble
        lost = await asyncio.to_thread(self._file.look) or await self._log_lost()
        if lost is not None:
            self._ledger.trouble = lost
        found = self._ledger.trouble = lost or await self._works()
        if found is not None and before is None:
            log.critical("ledger_in_trouble", why=found.en)
            self._tell(
                f"🚨【急】{found.zh}。信号一律让聚宽稍后重发，不再下单。"
                "请检查磁盘（空间、权限），用 backups 文件夹里的备份恢复，然后重启 jqfollow"
            )
        elif found is None and before is not None:
            log.warning("ledger_works_again")
            self._tell("✅ 账本恢复正常，继续跟单")

    def close(self) -> None:
        """After the ledger was closed."""
        self._file.close()

    async def _log_lost(self) -> Trouble | None:
        """A log that was exchanged or cut is ours when what is written now can be read by others."""
        index_moved, log_moved = await asyncio.to_thread(lambda: (self._file.index_moved(), self._file.log_moved()))
        if not log_moved:
            return self._replaced("-shm") if index_moved else None
        try:
            async with asyncio.timeout(_ANSWER_S):
                told = await self._ledger.write(self._probe)
                found, newest = await asyncio.to_thread(read_apart, self._ledger.path, _KEY)
                if found == told and newest >= self._newest:
                    self._file.trust_log()
                    return None
        except (JqfollowError, TimeoutError) as error:
            log.warning("ledger_log_not_read", error=str(error))
        return self._replaced("-wal")

    def _replaced(self, which: str) -> Trouble:
        name = f"{self._ledger.path.name}{which}"
        return Trouble(
            zh=f"账本文件 {name} 被删除、换掉或截断了：请正常停止 jqfollow（已记下的会救回），再启动",
            en=f"the ledger's {name} is gone, cut or another: stop jqfollow in order, which saves what was written",
        )

    async def _works(self) -> Trouble | None:
        try:
            async with asyncio.timeout(_ANSWER_S):
                if (unread := await self._unread()) is not None:
                    return unread
                if self._is_to_be_probed():
                    self._ledger.trouble = self._ledger.trouble and replace(self._ledger.trouble, lost=False)
                    await self._ledger.write(self._probe)
                    self._probed_at = self._clock.monotonic()
        except TimeoutError:
            return Trouble(
                zh=f"账本 {_ANSWER_S:g} 秒没有回答（被锁住，或磁盘太慢）",
                en=f"the ledger did not answer within {_ANSWER_S:g} s: locked, or a slow disk",
                lost=False,
            )
        except LedgerError as error:
            return Trouble(zh=error.zh, en=error.en, lost=False)
        return None

    async def _unread(self) -> Trouble | None:
        """What cannot be read again would be acknowledged and never followed."""
        try:
            newest = await self._ledger.read(lambda tx: tx.signals.newest_id(), urgent=True)
        except LedgerLockedError:
            raise
        except LedgerError as error:
            return Trouble(zh=error.zh, en=error.en)
        if newest < self._newest:
            return Trouble(
                zh=f"账本 {self._ledger.path} 里已记下的信号读不到了（{newest} < {self._newest}）：它的文件被改动过",
                en=f"the ledger {self._ledger.path} has lost signals ({newest} < {self._newest}): a file was changed",
            )
        self._newest = newest
        return None

    def _is_to_be_probed(self) -> bool:
        due = self._clock.monotonic() - self._probed_at >= PROBE_EVERY_S
        return due or self._ledger.commit_failed or self._ledger.trouble is not None

    def _probe(self, tx: Tx) -> str:
        told = self._clock.now().isoformat()
        tx.meta.set(_KEY, told)
        return told

    def _tell(self, text: str) -> None:
        """Nobody waits for the robots: the next look comes in a second."""
        task = asyncio.create_task(self._told_all(text))
        self._told.add(task)
        task.add_done_callback(self._told.discard)

    async def _told_all(self, text: str) -> None:
        try:
            await self._shout(text)
        except Exception:  # whatever a robot does
            log.exception("not_shouted")
