"""HTTP connections that end: uvicorn's h11 protocol with a deadline for everything and a bounded number of them.

uvicorn has no deadline for a request's head and none for a client that does not read its answer; behind a tunnel a
few such clients would hold the port for good. When the house is full the slowest leaves, whatever it is at: nobody
who sends as fast as the slowest line that there is gives way to somebody who sends nothing.
"""

import asyncio
import contextlib
import math
import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from operator import attrgetter
from typing import Any, cast

import h11
import orjson
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Bounds of one port."""

    most_connections: int = 512
    """One more, and the slowest leaves."""
    most_leaving: int = 128
    """Connections that were told to go and are read away, so that what they were told is not lost in a reset."""
    leaving_s: float = 2.0
    head_bytes: int = 8 * 1024
    head_s: float = 10.0
    """From a request's first byte, or from connecting, to the end of its head."""
    request_s: float = 40.0
    """From the end of the head until the answer is written: beyond it the connection is cut."""
    keep_alive_s: int = 15
    least_bytes_per_s: int = 400
    """Less than half of JoinQuant's 10 kbit/s: whoever sends so much is not slow."""
    patience_s: float = 1.0
    """A connection that is less than this behind stays; when nobody is slow, the newcomer is told to come again."""


class _Phase(Enum):
    """What a connection is at."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    WORK = auto()


class _Together:
    """A transport on which an answer's head waits for its body: one call of the system instead of two."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""

    def write(self, data: bytes) -> None:
        """Sends what is held and `data`; a head alone is held until the next write, or the loop's next turn."""
        if not data:
            return
        if not self._head and data.endswith(b"\r\n\r\n"):
            self._head = data
            self._loop.call_soon(self._send)
            return
        head, self._head = self._head, b""
        self._transport.write(head + data)

    def close(self) -> None:
        """Sends what is held, and closes."""
        self._send()
        self._transport.close()

    def write_eof(self) -> None:
        """Sends what is held, and nothing more."""
        self._send()
        self._transport.write_eof()

    def _send(self) -> None:
        head, self._head = self._head, b""
        if head and not self._transport.is_closing():
            self._transport.write(head)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class BoundedProtocol(H11Protocol):
    """One connection. `limits`, `crowd` and `leaving` are set by `bounded`."""

    limits: ConnectionLimits
    crowd: "set[BoundedProtocol]"
    leaving: "dict[BoundedProtocol, None]"
    """In the order in which they were told to go."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._phase = _Phase.HEAD
        self._deadline: asyncio.TimerHandle | None = None
        self._watched: object = None
        self._dismissed = False
        self.even_at = math.inf
        """When the peer was level with a line of `least_bytes_per_s`, by the loop; never, while it waits for us."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Another connection: when there are too many the slowest leaves, or, when nobody is slow, this one."""
        super().connection_made(cast("asyncio.Transport", _Together(transport, self.loop)))
        _send_at_once(transport)
        self._enter(_Phase.HEAD)
        if len(self.crowd) >= self.limits.most_connections:
            slowest = min(self.crowd, key=attrgetter("even_at"))  # thousands a second must be able to come
            if self.loop.time() - slowest.even_at < self.limits.patience_s:
                self.dismiss()
                return
            slowest.dismiss()
        self.crowd.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over, whoever ended it."""
        self.crowd.discard(self)
        self.leaving.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Some bytes came: so much less is the sender behind."""
        if self._dismissed:
            return
        if self._phase is not _Phase.WORK:
            self.even_at = min(self.loop.time(), self.even_at + len(data) / self.limits.least_bytes_per_s)
        super().data_received(data)

    def handle_events(self) -> None:
        """After each step of the conversation: which deadline holds now?"""
        super().handle_events()
        cycle = self._current()
        if cycle is not None and not cycle.response_complete:
            phase = _Phase.BODY if cycle.more_body else _Phase.WORK
        elif self.conn.their_state is not h11.IDLE:
            return  # answered before all of the request had come: the request's deadline goes on
        else:
            phase = _Phase.HEAD if self.conn.trailing_data[0] or cycle is None else _Phase.IDLE
        if phase != self._phase or cycle is not self._watched:
            self._enter(phase)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the library's words are in English only
        """What is no HTTP is answered in the one shape, if an answer can still be begun, and cut."""
        self._abandon()
        self._say(400, "bad_http", "不是有效的 HTTP 请求 / this is not valid HTTP")
        self.transport.close()

    def dismiss(self) -> None:
        """Tells the peer to come again later, and hangs up once it has heard."""
        self._dismissed = True
        self.crowd.discard(self)
        self._unset_keepalive_if_required()
        self._abandon()
        if self._phase is not _Phase.IDLE:
            self._say(503, "busy", "连接太多，请稍后重发 / too many connections: send it again", (b"retry-after", b"2"))
        # Hanging up on what the peer still sends would reset the connection, and the answer could be lost.
        try:
            self.transport.write_eof()
        except OSError:  # the peer has gone already
            self.cut()
            return
        self.flow.resume_reading()
        self.leaving[self] = None
        self._allow(self.limits.leaving_s)
        if len(self.leaving) > self.limits.most_leaving:
            next(iter(self.leaving)).cut()

    def cut(self) -> None:
        """Ends the connection now, whatever it is at."""
        self.crowd.discard(self)
        self.leaving.pop(self, None)
        self.transport.abort()

    def _say(self, status: int, error: str, detail: str, *headers: tuple[bytes, bytes]) -> None:
        """An answer of this connection itself, its last, if one can still be begun."""
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            return
        body = orjson.dumps({"status": "error", "error": error, "detail": detail})
        head = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *headers,
        ]
        for event in (
            h11.Response(status_code=status, headers=head, reason=STATUS_PHRASES[status]),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")

    def _abandon(self) -> None:
        """A request under way gets no answer from the app any more."""
        cycle = self._current()
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()

    def _current(self) -> RequestResponseCycle | None:
        return self.cycle  # `None` before the first request, whatever its annotation says

    def _enter(self, phase: _Phase) -> None:
        same_request = self.cycle is self._watched and phase is _Phase.WORK and self._phase is _Phase.BODY
        if phase is _Phase.WORK:
            self.even_at = math.inf
        elif phase is not _Phase.BODY or self._phase is _Phase.WORK:
            self.even_at = self.loop.time()
        self._phase, self._watched = phase, self.cycle
        if not same_request:  # else its deadline goes on
            self._allow(self._allowed_s(phase))

    def _allow(self, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, self.cut)

    def _allowed_s(self, phase: _Phase) -> float:
        match phase:
            case _Phase.IDLE:
                return self.limits.keep_alive_s + 1.0  # uvicorn's own keep-alive timer comes first, and is polite
            case _Phase.HEAD:
                return self.limits.head_s
            case _:
                return self.limits.request_s


def bounded(limits: ConnectionLimits) -> Callable[..., asyncio.Protocol]:
    """A protocol class of its own for one port, so that two ports do not count each other's connections."""
    return type("BoundedProtocol", (BoundedProtocol,), {"limits": limits, "crowd": set(), "leaving": {}})


def _send_at_once(transport: asyncio.Transport) -> None:
    """No answer's body waits for the acknowledgement of its head: on Windows asyncio leaves that (Nagle's way) on."""
    taken = transport.get_extra_info("socket")
    if taken is not None and taken.family in {socket.AF_INET, socket.AF_INET6}:
        with contextlib.suppress(OSError):  # it has gone already
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
