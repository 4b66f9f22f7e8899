"""A flood of junk: once its limit is spent, it is refused before anything is done for it."""

from starlette.types import ASGIApp, Receive, Scope, Send

from jqfollow.api.body import replay
from jqfollow.api.entry import entry_of
from jqfollow.api.problem import too_many


class JunkGate:
    """Middleware: while the limit of junk is spent, only what could be a strategy's message at first sight is opened.

    Stands behind `BodyLimit`, so that a body comes whole. Pure ASGI.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands the request on, or answers 429."""
        entry = entry_of(scope)
        if entry.junk.spent:
            body = (await receive()).get("body", b"")
            if body and not entry.opener.plausible(body):
                await too_many(entry.junk.retry_after_s()).response()(scope, receive, send)
                return
            receive = replay(body, receive)
        await self._app(scope, receive, send)
