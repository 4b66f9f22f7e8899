"""Reading a request's body within bounds of size and time."""

import asyncio
from collections.abc import Iterable

from starlette.types import Receive


class TooSlowError(Exception):
    """The body did not come in time."""


class ClientGoneError(Exception):
    """The client hung up before its body was complete."""


def content_length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
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
