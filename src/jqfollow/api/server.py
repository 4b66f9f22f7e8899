"""A uvicorn server that is started and stopped by the service, not by signals."""

import asyncio
import contextlib
import errno
import logging
import socket
import sys
from pathlib import Path
from typing import cast

import structlog
import uvicorn
from starlette.types import ASGIApp

from jqfollow.api.connections import BoundedProtocol, ConnectionLimits, bounded
from jqfollow.domain import JqfollowError

log = structlog.get_logger(__name__)

_WAITING = 2048
"""Connections that the system keeps for us, for a moment: beyond it a burst would be refused."""
_TAKEN_AT_ONCE = 64
"""Connections that are taken between two looks at what those that stand have sent: nobody is called slow unheard."""
_END_S = 3.0
"""What requests under way are given when the port ends."""
_LOOK_S = 0.005
_TAKEN = {errno.EADDRINUSE, errno.EACCES, 10048, 10013}  # the last two: Windows' own numbers


class PortError(JqfollowError):
    """A port cannot be listened on; the message says which and what to do."""


class PortTakenError(PortError):
    """Another program listens there, or the system keeps the port for itself."""


class Server(uvicorn.Server):
    """One port. Two of them share the service's event loop."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        name: str,
        host: str,
        port: int,
        limits: ConnectionLimits | None = None,
        tls: tuple[Path, Path] | None = None,
    ) -> None:
        """`name` is the configuration's section, for messages; `port` 0 takes a free one; `tls`: certificate and key.

        Raises:
            OSError: a file of `tls` cannot be read.
        """
        self._name = name
        self._host = host
        self._wanted_port = port
        self._socket: socket.socket | None = None
        limits = limits or ConnectionLimits()
        self._protocol = cast("type[BoundedProtocol]", bounded(limits))
        cert, key = tls or (None, None)
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                http=self._protocol,
                ws="none",
                lifespan="off",
                loop="none",
                interface="asgi3",
                log_config=None,
                log_level=logging.ERROR,  # junk is no news; an address may hold the console's token
                access_log=False,
                proxy_headers=False,
                server_header=False,
                ssl_certfile=cert,
                ssl_keyfile=key,
                backlog=_TAKEN_AT_ONCE,
                date_header=False,  # uvicorn keeps it in a loop of its own, which is not run here
                h11_max_incomplete_event_size=limits.head_bytes,
                timeout_keep_alive=limits.keep_alive_s,
            )
        )

    @property
    def port(self) -> int:
        """The port that is listened on; also when 0 was asked for."""
        if self._socket is None:
            return self._wanted_port
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """`http://host:port` as a browser on this machine opens it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(self._host, self._host)  # noqa: S104
        return f"{'https' if self.config.is_ssl else 'http'}://{host}:{self.port}"

    @property
    def open_connections(self) -> int:
        """How many connections stand now."""
        return len(self._protocol.crowd)

    def bind(self) -> None:
        """Takes the port, without answering yet.

        Raises:
            PortTakenError: somebody else has it.
            PortError: the host is none of this machine's.
        """
        if self._socket is None:
            self._socket = _bound(self._name, self._host, self._wanted_port)

    async def start(self) -> None:
        """Takes the port and answers from now on; raises like `bind`."""
        self.bind()
        assert self._socket is not None  # noqa: S101 - for mypy
        if not self.config.loaded:
            self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup(sockets=[self._socket])
        self._socket.listen(_WAITING)  # asyncio took `backlog` for both numbers
        log.info("listening", port_of=self._name, host=self._host, port=self.port)

    def renew(self) -> None:
        """The files of `tls` are others: for the connections that come from now on. Raises `OSError`."""
        if self.config.ssl is not None and self.config.ssl_certfile is not None:
            self.config.ssl.load_cert_chain(self.config.ssl_certfile, self.config.ssl_keyfile)

    async def stop(self) -> None:
        """Takes no new request, lets those under way end (`_END_S` at most), cuts what is left. May be called twice."""
        if self._socket is None:
            return
        taken, self._socket = self._socket, None
        self._wanted_port = taken.getsockname()[1]
        if not self.started:
            taken.close()
            return
        self.started = False
        for server in self.servers:
            server.close()
        taken.close()
        await self._let_end()
        for connection in (*self._protocol.crowd, *self._protocol.leaving):
            connection.cut()

    async def _let_end(self) -> None:
        """What uvicorn's `shutdown` does, which sleeps a tenth of a second even where nobody is connected."""
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_S):
                await asyncio.sleep(_LOOK_S)  # who was being taken appears
                while state.connections or state.tasks:  # noqa: ASYNC110 - uvicorn's plain sets
                    await asyncio.sleep(_LOOK_S)
        for task in state.tasks:
            task.cancel()


def _bound(name: str, host: str, port: int) -> socket.socket:
    family, address = _address(name, host, port)
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, or asyncio leaves Nagle on
    try:
        if sys.platform == "win32":
            # Without it a second program could take the same port at the same time.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_WAITING)  # a taken port shows on Linux only here, when both sides reuse addresses
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _port_error(name, host, port, error) from error
    return listener


def _address(name: str, host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise _port_error(name, host, port, error) from error
    # "localhost" is both; the tunnel and the printed links mean 127.0.0.1.
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, (str(address[0]), int(address[1]))


def _port_error(name: str, host: str, port: int, error: OSError) -> PortError:
    if error.errno in _TAKEN:
        return PortTakenError(
            f"端口 {host}:{port}（{name}.port）已被占用：请关闭占用它的程序（也许 jqfollow 已在运行），"
            f"或在 config.toml 的 [{name}] 中改用别的 port / port {host}:{port} is taken: stop the program that "
            f"uses it (jqfollow may be running already), or choose another port in [{name}] of config.toml"
        )
    return PortError(
        f"无法监听 {host}:{port}（{name}.host）：{error.strerror or error}；本机没有这个地址时请改用 127.0.0.1 / "
        f"cannot listen on {host}:{port}: use 127.0.0.1 when this machine does not have that address"
    )
