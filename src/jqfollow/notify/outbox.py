"""Sends what stands in the ledger's outbox, later and off the way of an order.

At least once: when the process dies between a robot's answer and the mark in the ledger, that one message may come a
second time after the next start. Each robot gets every message; the ledger remembers which robot is done with which,
so that one that fails makes another neither wait nor tell a thing twice.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import structlog

from jqfollow.clock import Clock
from jqfollow.ledger.ledger import Ledger
from jqfollow.notify.line import Line, Robot
from jqfollow.notify.manner import Manner
from jqfollow.notify.wecom import RetryLater

_log = structlog.get_logger(__name__)

_POLL_S = 30.0
"""Another process may write a row without a kick."""
_LINGER_S = 0.3
"""What happens in this time goes into one message."""
_AT_ONCE = Manner()
_SHOUT_PAUSES_S = (2.0, 10.0, 60.0)


class Outbox:
    """The sender; one for the service."""

    def __init__(
        self,
        ledger: Ledger,
        robots: Sequence[Robot],
        clock: Clock,
        *,
        manner: Manner = _AT_ONCE,
        linger_s: float = _LINGER_S,
    ) -> None:
        """Sends to `robots`, each named once; with none, rows are marked `dropped` and still show in the console."""
        self._ledger = ledger
        self._lines = [Line(ledger, robot, clock, manner) for robot in {robot.name: robot for robot in robots}.values()]
        self._clock = clock
        self._linger_s = linger_s
        self._bells: set[asyncio.Event] = set()
        self._errors = 0
        self._troubles: dict[str, str] = {}
        """What broke in the last round, by robot."""
        self._pending = 0

    def kick(self) -> None:
        """Rows were added; call it on the event loop, after the commit."""
        for bell in self._bells:
            bell.set()

    async def run(self) -> None:
        """Sends until cancelled, to each robot at its own pace; survives whatever the ledger or a robot does."""
        async with asyncio.TaskGroup() as group:
            for line in self._attended():
                group.create_task(self._attend(line))

    async def drain_once(self) -> float | None:
        """Sends all that may go now; seconds until the next thing can be done, `None`: nothing is waiting.

        Raises:
            LedgerError: the ledger cannot be read or written.
        """
        results = await asyncio.gather(*map(self._round, self._attended()), return_exceptions=True)
        waits = list[float]()
        for result in results:
            if isinstance(result, BaseException):
                raise result
            if result is not None:
                waits.append(result)
        return min(waits, default=None)

    def _attended(self) -> list[Line | None]:
        """The lines; without any, `None`: the rows have to be ended all the same."""
        return [*self._lines] or [None]

    async def _attend(self, line: Line | None) -> None:
        bell = asyncio.Event()
        self._bells.add(bell)
        try:
            while True:
                bell.clear()
                wait = await self._safe_round(line)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_S if wait is None else min(wait, _POLL_S)):
                        await bell.wait()
                        await asyncio.sleep(self._linger_s)
        finally:
            self._bells.discard(bell)

    async def _safe_round(self, line: Line | None) -> float | None:
        name = "" if line is None else line.robot.name
        try:
            wait = await self._round(line)
        except Exception as error:  # noqa: BLE001  # a task's work ends here: nobody else would see it
            self._errors += 1
            self._troubles[name] = f"{type(error).__name__}: {error}"
            _log.error("outbox_failed", robot=name, errors=self._errors, error=self._troubles[name])
            return _POLL_S
        self._troubles.pop(name, None)
        return wait

    async def _round(self, line: Line | None) -> float | None:
        wait = None if line is None else await line.drain()
        await self._close()
        return wait

    async def _close(self) -> None:
        """Ends the rows that no robot has still to deal with."""
        self._pending = await self._ledger.read(lambda tx: tx.outbox.pending())
        if not self._pending:
            return
        alive = [line.robot.name for line in self._lines if not line.removed]
        if self._lines:
            why = "没有可用的机器人 / no robot takes messages"
            self._pending -= await self._ledger.write(lambda tx: tx.deliveries.close(alive, why))
        else:
            self._pending -= await self._ledger.write(lambda tx: tx.deliveries.drop())

    async def shout(self, text: str) -> None:
        """Tells every robot at once, past the ledger and its queue: for when the ledger itself is in trouble.

        Tried a few times; what a robot does is in the log.
        """
        await asyncio.gather(*(self._shout_to(line.robot, text) for line in self._lines))

    async def _shout_to(self, robot: Robot, text: str) -> None:
        for pause_s in _SHOUT_PAUSES_S:
            outcome = await robot.send(text)
            if not isinstance(outcome, RetryLater):
                return
            _log.warning("shout_not_heard", robot=robot.name, why=outcome.why)
            await asyncio.sleep(pause_s)

    def health(self) -> dict[str, Any]:
        """For status and readiness: plain values, no secrets, as of the last round.

        `state` is `off` (no robot), `ok` or `degraded`; each robot's is `ok`, `retrying` or `removed`.
        """
        robots = [line.health() for line in self._lines]
        well = not self._troubles and all(robot["state"] == "ok" for robot in robots)
        return {
            "state": "off" if not robots else "ok" if well else "degraded",
            "robots": robots,
            "pending": self._pending,
            "errors": self._errors,
            "last_error": "; ".join(self._troubles.values()),
        }
