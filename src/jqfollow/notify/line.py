"""The way to one robot."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import structlog

from jqfollow.clock import Clock
from jqfollow.failpoints import At, reach
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import OutboxRow
from jqfollow.notify.bundles import Bundle, pack
from jqfollow.notify.kinds import URGENT, Kind
from jqfollow.notify.manner import Manner
from jqfollow.notify.pace import Pace
from jqfollow.notify.wecom import Delivered, GaveUp, Outcome, RetryLater

_log = structlog.get_logger(__name__)

GIVE_UP_AFTER = timedelta(hours=24)
_FAILING_BEFORE_S = 3600.0
"""A robot must have failed so long before anything is given up: not at the first try after a long stop."""
MAX_REFUSALS = 7
"""So often, over two minutes, a message may be refused with a code that we do not know."""
_BATCH = 500


class Robot(Protocol):
    """Whoever takes messages: `wecom.WecomRobot` is one."""

    @property
    def name(self) -> str:
        """Tells robots apart in the ledger, for good."""
        ...

    async def send(self, text: str) -> Outcome:
        """Sends one message of at most 2048 bytes; does not raise for what the other side does."""
        ...

    async def send_image(self, png: bytes) -> Outcome:
        """Sends a picture; like `send`."""
        ...


class Line:
    """Sends one robot what it has not had yet; remembers how the robot does."""

    def __init__(self, ledger: Ledger, robot: Robot, clock: Clock, manner: Manner) -> None:
        self.robot = robot
        self.removed = False
        """The robot itself was refused: nothing is sent to it until the next start."""
        self._ledger = ledger
        self._clock = clock
        self._manner = manner
        self._draining = asyncio.Lock()
        self._pace = Pace()
        self._refusals: Counter[int] = Counter()
        """Rows of refused messages: sent alone from then on, so that one of them does not take others along."""
        self._unmarked: dict[int, str] = {}
        """Dealt with, not yet in the ledger, each with its error: never sent again by this process."""
        self._sent = 0
        self._failed = 0
        self._given_up = 0
        self._last_error = ""
        self._last_sent_at: str | None = None

    async def drain(self) -> float | None:
        """Sends what may go now; seconds until more may, `None`: nothing is waiting, or the robot was removed.

        Raises:
            LedgerError: the ledger cannot be read or written.
        """
        async with self._draining:
            while not self.removed:
                await self._mark({})
                rows = await self._ledger.read(lambda tx: tx.deliveries.due(self.robot.name, _BATCH, first=URGENT))
                if not rows:
                    return None
                if unwanted := self._manner.unwanted(rows):
                    await self._mark(dict.fromkeys((row.outbox_id for row in unwanted), ""))
                    continue
                rows, later = self._manner.ready(rows, self._clock.now())
                if not rows:
                    return later
                pictures = {row.outbox_id for row in rows if row.kind == Kind.PICTURE}
                bundle = pack(rows, now=self._clock.now(), alone=pictures | set(self._refusals))[0]
                wait = self._pace.wait_s(self._clock.monotonic(), urgent=bundle.urgent)
                if wait > 0:
                    return wait
                outcome = await self._send(bundle)
                self._pace.used(self._clock.monotonic())
                await self._settle(outcome, bundle, rows)
            return None

    async def _send(self, bundle: Bundle) -> Outcome:
        row = bundle.rows[0]
        reach(At.NOTIFY_BEFORE, self.robot.send)
        try:
            if row.kind != Kind.PICTURE:
                return await self.robot.send(bundle.text)
            try:
                png = await asyncio.to_thread(Path(row.text).read_bytes)
            except OSError as error:
                return GaveUp(why=f"{row.text}: {error}")
            return await self.robot.send_image(png)
        except Exception as error:  # noqa: BLE001  # else the same text would go out again at once
            name = type(error).__name__  # its words and its traceback may hold the address
            _log.error("robot_broke", robot=self.robot.name, error=name)
            return RetryLater(why=name)
        finally:
            reach(At.NOTIFY_AFTER, self.robot.send)

    async def _settle(self, outcome: Outcome, bundle: Bundle, rows: Sequence[OutboxRow]) -> None:
        match outcome:
            case Delivered():
                if self._pace.failures:
                    _log.info("robot_back", robot=self.robot.name, failures=self._pace.failures)
                self._pace.succeeded()
                self._sent += 1
                self._last_error = ""
                self._last_sent_at = self._clock.now().isoformat()
                await self._mark(dict.fromkeys(bundle.ids, ""))
            case RetryLater():
                await self._retry(outcome, bundle, rows)
            case GaveUp(robot=True):
                self.removed = True
                self._failed += 1
                self._last_error = outcome.why
                _log.error("robot_removed", robot=self.robot.name, why=outcome.why)
            case GaveUp():
                self._pace.succeeded()  # it answered
                self._failed += 1
                self._last_error = outcome.why
                self._refusals.update(bundle.ids)
                if len(bundle.rows) == 1:
                    await self._give_up(bundle.ids, outcome.why)

    async def _retry(self, outcome: RetryLater, bundle: Bundle, rows: Sequence[OutboxRow]) -> None:
        now = self._clock.monotonic()
        delay = self._pace.failed(now, outcome.after_s)
        self._failed += 1
        self._last_error = outcome.why
        _log.warning("not_delivered", robot=self.robot.name, why=outcome.why, retry_in_s=delay)
        at = self._clock.now()  # the robot's pace holds them back, not their own time: another robot may take them now
        await self._ledger.write(lambda tx: tx.outbox.retry(bundle.ids, at, outcome.why))
        if outcome.refused:
            self._refusals.update(bundle.ids)
            if self._refusals[bundle.ids[0]] >= MAX_REFUSALS:  # alone since its first refusal
                await self._give_up(bundle.ids, outcome.why)
        since = self._pace.failing_since
        if since is not None and now - since >= _FAILING_BEFORE_S:
            latest = at - GIVE_UP_AFTER
            await self._give_up((row.outbox_id for row in rows if row.created_at <= latest), outcome.why)

    async def _give_up(self, ids: Iterable[int], why: str) -> None:
        errors = dict.fromkeys(ids, why)
        if errors:
            self._given_up += len(errors)
            _log.error("messages_given_up", robot=self.robot.name, outbox_ids=list(errors), why=why)
            await self._mark(errors)

    async def _mark(self, errors: Mapping[int, str]) -> None:
        """Writes down that the robot is done with these rows, and with those that could not be written before."""
        self._unmarked.update(errors)
        if not self._unmarked:
            return
        name, marks, now = self.robot.name, dict(self._unmarked), self._clock.now()
        await self._ledger.write(lambda tx: tx.deliveries.done(name, marks, now))
        for outbox_id in marks:
            del self._unmarked[outbox_id]
            self._refusals.pop(outbox_id, None)

    def health(self) -> dict[str, Any]:
        """Plain values for status."""
        state = "removed" if self.removed else "retrying" if self._pace.failures else "ok"
        return {
            "name": self.robot.name,
            "state": state,
            "sent": self._sent,
            "failed": self._failed,
            "given_up": self._given_up,
            "last_error": self._last_error,
            "last_sent_at": self._last_sent_at,
        }
