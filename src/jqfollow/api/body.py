"""Reading a request's body within bounds of size and time."""

import asyncio
from collections.abc import Iterable
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jqfollow.api.problem import ProblemError, problem
from jqfollow.wire.envelope import read_object
from jqfollow.wire.errors import MalformedError

_DRAIN_BYTES = 64 * 1024
_DRAIN_S = 2.0
_CLOSE = (b"connection", b"close")

Headers = Iterable[tuple[bytes, bytes]]


class TooSlowError(Exception):
    """The body did not come in time."""


class ClientGoneError(Exception):
    """The client hung up before its body was complete."""


class BodyLimit:
    """Middleware: what stands behind it gets a whole body of bounded size that came in bounded time, or none.

    Pure ASGI, for it stands on the way of every signal. Only `paths` take a body (`None`: all), and only by POST;
    of other requests it is read away.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        most_bytes: int,
        read_s: float,
        paths: frozenset[str] | None = None,
        length_required: bool = False,
    ) -> None:
        self._app = app
        self._most = most_bytes
        self._read_s = read_s
        self._paths = paths
        self._length_required = length_required

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers what is out of bounds, and hands on the rest."""
        headers: Headers = scope["headers"]
        try:
            if scope["method"] != "POST" or (self._paths is not None and scope["path"] not in self._paths):
                send = send if await _drained(headers, receive) else _closing(send)
                await self._app(scope, replay(b"", receive), send)
                return
            refusal = self._refusal(headers)
            if refusal is not None:
                send = send if await _drained(headers, receive) else _closing(send)
                await refusal(scope, receive, send)
                return
            body = await read_body(receive, most=content_length(headers) or 0, timeout_s=self._read_s)
        except ClientGoneError:
            return
        except (TooSlowError, ValueError):
            slow = problem(408, "too_slow", "消息没有按时收全，请重发", "the message did not come in time")
            await slow(scope, receive, _closing(send))
            return
        await self._app(scope, replay(body, receive), send)

    def _refusal(self, headers: Headers) -> Response | None:
        """What the head alone is refused for."""
        length = content_length(headers)
        if length is None and (self._length_required or _in_chunks(headers)):
            return problem(411, "length_required", "缺少 Content-Length", "Content-Length is required")
        if length is not None and length > self._most:
            zh, en = f"消息超过 {self._most} 字节", f"the message is longer than {self._most} bytes"
            return problem(413, "too_large", zh, en)
        if (length or self._length_required) and not _is_json(headers):
            zh, en = "Content-Type 应为 application/json", "Content-Type must be application/json"
            return problem(415, "not_json", zh, en)
        return None


class StrictRequest(Request):
    """A request whose JSON is read strictly: a field that stands twice, NaN or broken UTF-8 is no JSON."""

    async def json(self) -> Any:
        """The object in the body.

        Raises:
            ProblemError: 400, there is none.
        """
        try:
            return read_object(await self.body())
        except MalformedError as error:
            raise ProblemError(400, error.code, error.zh, error.en) from None


class StrictRoute(APIRoute):
    """A route that gets a `StrictRequest`."""

    def get_route_handler(self) -> Any:
        """FastAPI's, with the stricter request."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_strictly


def content_length(headers: Headers) -> int | None:
    """The declared size in bytes; `None` when there is none, or when the body comes in chunks."""
    length: int | None = None
    for name, value in headers:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length" and value.isdigit() and len(value) < 20:  # noqa: PLR2004 - int() stays cheap
            length = int(value)
    return length


async def read_body(receive: Receive, *, most: int, timeout_s: float) -> bytes:
    """The whole body, of at most `most` bytes: the caller has looked at the declared length, which HTTP enforces.

    Raises:
        TooSlowError: not complete within `timeout_s`.
        ClientGoneError: the client hung up.
        ValueError: longer than `most` after all.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGoneError
                body += message.get("body", b"")
                if len(body) > most:
                    raise ValueError("the body is longer than was declared")
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise TooSlowError from None


def replay(body: bytes, receive: Receive) -> Receive:
    """Gives `body`, which was read from `receive`, once more, and then what comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _in_chunks(headers: Headers) -> bool:
    return any(name == b"transfer-encoding" for name, _ in headers)


def _is_json(headers: Headers) -> bool:
    kinds = [value for name, value in headers if name == b"content-type"]
    return len(kinds) == 1 and kinds[0].split(b";")[0].strip().lower() == b"application/json"


async def _drained(headers: Headers, receive: Receive) -> bool:
    """Reads away the body of a request that is answered without it, when it is little; else the connection must end.

    Closing at once while the sender still writes would reset the connection, and the answer could be lost.
    """
    length = content_length(headers)
    if length == 0 or (length is None and not _in_chunks(headers)):
        return True
    if length is None or length > _DRAIN_BYTES:
        return False
    try:
        await read_body(receive, most=length, timeout_s=_DRAIN_S)
    except (TooSlowError, ValueError):
        return False
    return True


def _closing(send: Send) -> Send:
    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), _CLOSE]
        await send(message)

    return closing
