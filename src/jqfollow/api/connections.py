"""HTTP connections that end: uvicorn's h11 protocol with a deadline for everything and a bounded number of them.

uvicorn has no deadline for a request's head and none for a client that does not read its answer; behind a tunnel a
few such clients would hold the port for good.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import h11
import orjson
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Bounds of one port."""

    most_connections: int = 128
    """One more, and the longest-waiting connection gives way."""
    head_bytes: int = 8 * 1024
    head_s: float = 10.0
    """From a request's first byte, or from connecting, to the end of its head."""
    request_s: float = 40.0
    """From the end of the head until the answer is written: beyond it the connection is cut."""
    keep_alive_s: int = 15


class _Phase(IntEnum):
    """What a connection is at; the lower ones give way first."""

    IDLE = 0
    HEAD = 1
    BODY = 2
    WORK = 3


class BoundedProtocol(H11Protocol):
    """One connection. `limits` and `crowd` are set by `bounded`."""

    limits: ConnectionLimits
    crowd: "set[BoundedProtocol]"

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._phase = _Phase.HEAD
        self._since = 0.0
        self._deadline: asyncio.TimerHandle | None = None
        self._watched: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Another connection: when there are too many the one that waits longest is cut, or this one."""
        super().connection_made(transport)
        self._enter(_Phase.HEAD)
        if len(self.crowd) >= self.limits.most_connections:
            waiting = [other for other in self.crowd if other._phase is not _Phase.WORK]  # noqa: SLF001 - own kind
            if not waiting:
                transport.abort()
                return
            oldest = min(waiting, key=lambda other: (other._phase, other._since))  # noqa: SLF001
            oldest.cut()
        self.crowd.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over, whoever ended it."""
        self.crowd.discard(self)
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

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
        body = orjson.dumps(
            {"status": "error", "error": "bad_http", "detail": "不是有效的 HTTP 请求 / this is not valid HTTP"}
        )
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        cycle = self._current()
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True  # what it would still say can no longer be said
            cycle.message_event.set()
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            for event in (
                h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def cut(self) -> None:
        """Ends the connection now, whatever it is at."""
        self.crowd.discard(self)
        self.transport.abort()

    def _current(self) -> RequestResponseCycle | None:
        return self.cycle  # `None` before the first request, whatever its annotation says

    def _enter(self, phase: _Phase) -> None:
        if self._deadline is not None:
            if phase is _Phase.WORK and self._phase is _Phase.BODY and self.cycle is self._watched:
                self._phase = phase  # the same request: its deadline goes on
                return
            self._deadline.cancel()
        self._phase, self._since, self._watched = phase, self.loop.time(), self.cycle
        self._deadline = self.loop.call_later(self._allowed_s(phase), self.cut)

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
    return type("BoundedProtocol", (BoundedProtocol,), {"limits": limits, "crowd": set()})
