"""A flood of junk: once its limit is spent, it is refused before anything is done for it."""

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from jqfollow.api.body import replay
from jqfollow.api.limits import MinuteLimit
from jqfollow.api.problem import too_many


class JunkGate:
    """Middleware: while `junk` is spent, only what could be a strategy's message at first sight is read and opened.

    Stands behind `BodyLimit`, so that a body comes whole. Pure ASGI.
    """

    def __init__(self, app: ASGIApp, *, junk: MinuteLimit, plausible: Callable[[bytes], bool]) -> None:
        self._app = app
        self._junk = junk
        self._plausible = plausible

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands the request on, or answers 429."""
        if self._junk.spent:
            body = (await receive()).get("body", b"")
            if body and not self._plausible(body):
                await too_many(self._junk.retry_after_s()).response()(scope, receive, send)
                return
            receive = replay(body, receive)
        await self._app(scope, receive, send)
