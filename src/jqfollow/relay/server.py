"""The relay as a whole: engine, gateway, and the watch over both."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
from nats.aio.client import Client

from jqfollow.api.server import Server
from jqfollow.clock import Clock, SystemClock
from jqfollow.relay.book import FILE_NAME, Book
from jqfollow.relay.certificate import ensure_certificate
from jqfollow.relay.config import RelayConfig
from jqfollow.relay.connect import connect, trusting
from jqfollow.relay.engine import Engine
from jqfollow.relay.errors import RelayError
from jqfollow.relay.gateway import Gateway, gateway_app
from jqfollow.relay.store import ensure_consumers, ensure_streams

log = structlog.get_logger(__name__)

_WATCH_S = 1.0
_RESTART_S = 1.0
_RECONNECT_S = 10.0
_PAUSE_S = 0.05
_UNWELL_LOOKS = 10
"""An engine that still reads a large store is not well either, and is left alone."""


class Relay:
    """From `start` to `stop`; `run` keeps the engine alive and takes up changes of the book."""

    def __init__(self, config: RelayConfig, folder: Path, clock: Clock | None = None) -> None:
        self.engine = Engine(config, folder)
        self._config = config
        self._folder = folder
        self._clock = clock or SystemClock()
        self._closing = AsyncExitStack()
        self._admin: Client | None = None
        self._looking = asyncio.Lock()
        self._unwell = 0
        """So many looks in turn found an engine that takes nothing."""

    async def start(self) -> None:
        """Engine, streams, then the public port; raises `RelayError` and leaves nothing running."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._certificate = ensure_certificate(self._config, self._folder)
        self._renewed = self._certificate.changed()
        self._trust = trusting(self._certificate.cert.read_text(encoding="ascii"))
        self._book = Book.open(self._folder)
        self._seen = self._changed()
        await self.engine.start(self._book)
        self._closing.push_async_callback(self.engine.stop)
        self._admin = await self._connect(self._book.admin, "admin")
        await ensure_streams(self._admin, self._config.max_store_mb * 1024 * 1024)
        await ensure_consumers(self._admin, self._book)
        connection = await self._connect(self._book.gateway, "gateway")
        gateway = Gateway(config=self._config, book=lambda: self._book, connection=connection, clock=self._clock)
        await gateway.listen()
        given = (self._certificate.cert, self._certificate.key) if self._config.tls_cert else None
        app, host, port = gateway_app(gateway), self._config.host, self._config.port
        self._port = Server(app, name="relay", host=host, port=port, tls=given)
        await self._port.start()
        self._closing.push_async_callback(self._port.stop)

    async def _connect(self, seed: str, user: str) -> Client:
        url = f"tls://127.0.0.1:{self._config.engine_port}"
        connection = await connect(url, seed, user, self._trust)
        self._closing.push_async_callback(connection.close)
        return connection

    def _changed(self) -> int:
        return (self._folder / FILE_NAME).stat().st_mtime_ns

    async def run(self) -> None:
        """For ever: an engine that ended is started again, a changed book comes into force."""
        while True:
            await asyncio.sleep(_WATCH_S)
            try:
                await self.look()
            except Exception:  # a turn ends here; the next one tries again
                log.exception("relay_watch_failed")
                await asyncio.sleep(_RESTART_S)

    async def look(self) -> None:
        """Takes up a changed book and an engine that has ended, now."""
        async with self._looking:
            await self._look()

    async def _look(self) -> None:
        changed = self._changed()
        if changed != self._seen:
            self._book = Book.open(self._folder)
            await self.engine.reload(self._book)
            await ensure_consumers(await self._administered(), self._book)
            self._seen = changed
            log.info("book_changed", pcs=list(self._book.pcs))
        renewed = self._certificate.changed()
        if renewed != self._renewed:
            self._certificate = ensure_certificate(self._config, self._folder)
            self._trust.load_verify_locations(cadata=self._certificate.cert.read_text(encoding="ascii"))
            self._port.renew()
            await self.engine.reload(self._book)
            self._renewed = renewed
            log.info("certificate_renewed")
        self._unwell = 0 if self.engine.pid is None or await self.engine.stores() else self._unwell + 1
        if self._unwell >= _UNWELL_LOOKS and self.engine.has_room():
            log.error("engine_takes_nothing")
            self._unwell = 0
            await self.engine.stop()
        if self.engine.pid is None:
            log.error("engine_ended")
            await self.engine.start(self._book)

    async def _administered(self) -> Client:
        """Connected: an engine that was started anew for its new rights has cut us off a moment ago."""
        if self._admin is None:
            raise RelayError("中继没有启动 / the relay is not started")
        async with asyncio.timeout(_RECONNECT_S):
            while not self._admin.is_connected:  # noqa: ASYNC110 - it says so to nobody
                await asyncio.sleep(_PAUSE_S)
        return self._admin

    async def stop(self) -> None:
        """The port first, the engine last."""
        await self._closing.aclose()
