"""A request that is sent twice is done once: `Idempotency-Key`, as browsers repeat what was cut off."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from jqfollow.domain import ManualOrderError

_REMEMBERED = 256


class ReusedKeyError(Exception):
    """The same key came with another request."""


class Once:
    """Remembers the last requests that carried a key, and what became of them."""

    def __init__(self) -> None:
        self._done: OrderedDict[str, tuple[object, asyncio.Task[Any]]] = OrderedDict()

    async def run(self, key: str | None, request: object, work: Callable[[], Awaitable[Any]]) -> Any:
        """What `work` gives; for a known `key` what it gave the first time, also while that is under way.

        Raises:
            ReusedKeyError: `key` belongs to a request other than `request`.
        """
        if key is None:
            return await asyncio.shield(asyncio.ensure_future(_as_coroutine(work)))
        known = self._done.get(key)
        if known is not None and known[0] != request:
            raise ReusedKeyError
        if known is None:
            known = request, asyncio.create_task(_as_coroutine(work))
            self._done[key] = known
            known[1].add_done_callback(lambda task: self._forget(key, task))
            while len(self._done) > _REMEMBERED:
                self._done.popitem(last=False)
        return await asyncio.shield(known[1])

    def _forget(self, key: str, task: asyncio.Task[Any]) -> None:
        # Refused means that nothing was done: the person may try the same again.
        if not task.cancelled() and isinstance(task.exception(), ManualOrderError):
            self._done.pop(key, None)


async def _as_coroutine(work: Callable[[], Awaitable[Any]]) -> Any:
    return await work()
