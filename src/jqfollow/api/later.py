"""An app that is made when it is first asked for."""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


class Later:
    """Makes an app at the first request, on a thread: neither a start nor the event loop waits for it."""

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        """`make` is called once, on a thread of its own."""
        self._make = make
        self._made: asyncio.Task[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers by the app; raises what making it raised."""
        if self._made is None:
            self._made = asyncio.create_task(asyncio.to_thread(self._make))
        app = await asyncio.shield(self._made)  # whoever leaves takes it from nobody
        await app(scope, receive, send)
