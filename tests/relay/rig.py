"""A relay on free ports, with its engine as a child, and a sender that speaks to it as JoinQuant would."""

import asyncio
import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from jqfollow.relay.book import Book
from jqfollow.relay.config import RelayConfig
from jqfollow.relay.issue import ticket_for
from jqfollow.relay.server import Relay
from jqfollow.relay.ticket import Ticket
from jqfollow.relay.words import request_mac
from ports import free_port


class Rig:
    """`relay` runs between `async with`; `ticket` makes a PC's file as `jqfollow relay pc` does."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self.folder = folder / "中继 relay"
        ports = {name: free_port() for name in ("port", "engine_port", "monitor_port")}
        self.config = RelayConfig(host="127.0.0.1", **(ports | config))
        self.folder.mkdir()

    def ticket(
        self,
        name: str,
        *,
        strategies: tuple[str, ...] = ("demo",),
        accounts: tuple[str, ...] = (),
        websocket: bool = False,
    ) -> Ticket:
        book, seed = Book.open(self.folder).with_pc(name, accounts, strategies)
        book.save(self.folder)
        return ticket_for(name, seed, book=book, config=self.config, folder=self.folder, websocket=websocket)

    def key(self, strategy: str = "demo") -> bytes:
        key = Book.open(self.folder).relay_key(strategy)
        assert key is not None
        return key

    async def __aenter__(self) -> Self:
        self.relay = Relay(self.config, self.folder)
        await self.relay.start()
        self._watch = asyncio.create_task(self.relay.run())
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.config.port}", trust_env=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()
        self._watch.cancel()
        await asyncio.wait([self._watch])
        await self.relay.stop()

    async def post(
        self, message: dict[str, Any], *, key: bytes | None = None, mac: str | None = None
    ) -> httpx.Response:
        body = json.dumps(message).encode()
        headers = {"content-type": "application/json", "x-relay-mac": mac or request_mac(key or self.key(), body)}
        return await self.http.post("/api/order", content=body, headers=headers)

    async def heard(self, message_id: str, pcs: int = 1) -> list[dict[str, Any]]:
        """The receipts of a message, once so many PCs have given theirs."""
        async with asyncio.timeout(60):
            while len(receipts := (await self.receipts(message_id))["receipts"]) < pcs:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.02)
        return list(receipts)

    async def receipts(self, message_id: str, strategy: str = "demo") -> dict[str, Any]:
        mac = request_mac(self.key(strategy), f"{strategy}\n{message_id}".encode())
        answer = await self.http.get(
            "/api/receipts", params={"kid": strategy, "id": message_id}, headers={"x-relay-mac": mac}
        )
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told
