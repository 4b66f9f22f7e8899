"""Many requests on a few kept connections, and connections that stall: what an attacker's machine would do."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import StrEnum
from typing import Self
from urllib.parse import urlsplit

_ANSWER_S = 20.0
_HEAD = (
    "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
    "Connection: keep-alive\r\n\r\n"
)


class Flood:
    """Sends bodies or whole requests to one address, and counts what came back."""

    def __init__(self, address: str, *, connections: int = 16) -> None:
        parts = urlsplit(address)
        assert parts.hostname == "127.0.0.1", "load stays on this machine"
        self._port = parts.port or 80
        self._path = parts.path
        self._host = parts.netloc
        self._connections = connections
        self.statuses: Counter[int] = Counter()
        """By HTTP status; 0: no answer."""
        self.slowest_s = 0.0
        self.answers: dict[int, bytes] = {}
        """The last answer of each status."""

    def request(self, body: bytes) -> bytes:
        """A whole request with `body`."""
        return _HEAD.format(path=self._path, host=self._host, length=len(body)).encode() + body

    def post(self, bodies: Iterable[bytes], *, per_s: float | None = None) -> Counter[int]:
        """Sends all; `per_s`: not faster than that."""
        return self.send((self.request(body) for body in bodies), per_s=per_s)

    def send(self, requests: Iterable[bytes], *, per_s: float | None = None) -> Counter[int]:
        """Like `post`, with whole requests, be they HTTP or not."""
        before = Counter(self.statuses)
        asyncio.run(self._all(iter(requests), per_s))
        return self.statuses - before

    async def _all(self, requests: Iterator[bytes], per_s: float | None) -> None:
        begun, taken = time.monotonic(), 0

        def following() -> bytes | None:
            nonlocal taken
            taken += 1
            return next(requests, None)

        async def one() -> None:
            line = _Line(self._port)
            while (request := following()) is not None:
                if per_s is not None:
                    await asyncio.sleep(begun + taken / per_s - time.monotonic())
                sent = time.monotonic()
                status, answer = await line.ask(request)
                self.slowest_s = max(self.slowest_s, time.monotonic() - sent)
                self.statuses[status] += 1
                self.answers[status] = answer
            line.close()

        await asyncio.gather(*(one() for _ in range(self._connections)))


class _Line:
    """One connection, made anew when it was ended."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.StreamReader | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body; 0: the connection ended without an answer, or none came."""
        for _ in range(2):  # a kept connection may have been ended meanwhile
            fresh = self._writer is None
            try:
                async with asyncio.timeout(_ANSWER_S):
                    return await self._ask(request)
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, TimeoutError):
                self.close()
                if fresh:
                    return 0, b""
        return 0, b""

    async def _ask(self, request: bytes) -> tuple[int, bytes]:
        return await self.crawl([request], 0)

    async def crawl(self, pieces: list[bytes], pause_s: float) -> tuple[int, bytes]:
        """Sends piece after piece; raises what a connection does that ends."""
        if self._writer is None or self._reader is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        with suppress(ConnectionResetError):
            for number, piece in enumerate(pieces):
                await asyncio.sleep(pause_s if number else 0)
                self._writer.write(piece)
                await self._writer.drain()
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
        body = await self._reader.readexactly(length)
        if b"connection: close" in head:
            self.close()
        return int(head.split(b" ", 2)[1]), body

    def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        self._writer = self._reader = None


async def crawled(address: str, body: bytes, *, bytes_per_s: float) -> tuple[int, bytes]:
    """Status and answer of one message on a new connection, sent no faster than that.

    Status 0: the connection ended without an answer, or none came.
    """
    request, line = Flood(address).request(body), _Line(urlsplit(address).port or 80)
    piece = int(min(bytes_per_s / 10, len(request)))
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await line.crawl([request[at : at + piece] for at in range(0, len(request), piece)], 0.1)
    except (OSError, asyncio.IncompleteReadError, TimeoutError):
        return 0, b""
    finally:
        line.close()


class Stall(StrEnum):
    """How a connection holds its place."""

    NOTHING = "nothing sent"
    HALF_HEAD = "half a head"
    NO_BODY = "no body"
    HALF_BODY = "half a body"
    IDLE = "idle after an answer"
    DEAF = "answers not read"


_POST = b"POST /api/order HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n"
_GET = b"GET /api/order HTTP/1.1\r\nHost: x\r\n\r\n"
_BEGINNINGS = {
    Stall.NOTHING: b"",
    Stall.HALF_HEAD: _POST[:70],
    Stall.NO_BODY: _POST,
    Stall.HALF_BODY: _POST + b'{"v":"jqf1","kid":"demo"',
    Stall.IDLE: _GET,
    Stall.DEAF: _GET * 40,
}


class Stalled:
    """So many connections that stall; opened anew as they are thrown out, until `close`. For one event loop."""

    def __init__(self, address: str, kind: Stall, count: int) -> None:
        self._port = urlsplit(address).port or 80
        self._kind = kind
        self._count = count
        self._tasks: list[asyncio.Task[None]] = []
        self.opened = 0

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._hold()) for _ in range(self._count)]
        await asyncio.sleep(1.0)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _hold(self) -> None:
        while True:
            writer = None
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1024)
                self.opened += 1
                writer.write(_BEGINNINGS[self._kind])
                if self._kind is Stall.DEAF:
                    writer.transport.pause_reading()  # type: ignore[attr-defined]
                    await asyncio.sleep(20)
                else:
                    while await reader.read(1024):
                        pass
            except OSError:
                pass
            finally:
                if writer is not None:
                    writer.transport.abort()
            await asyncio.sleep(1.0)
