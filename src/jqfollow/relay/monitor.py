"""What the running engine tells of itself on its monitoring port: who is connected, what waits, how full it is."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from jqfollow.clock import SHANGHAI
from jqfollow.relay.book import Book
from jqfollow.relay.config import RelayConfig
from jqfollow.relay.errors import RelayError
from jqfollow.relay.words import SIGNALS

_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PcSeen:
    """One PC of the book, now."""

    pc: str
    accounts: tuple[str, ...]
    strategies: tuple[str, ...]
    connections: int
    """More than one: two programs use its file."""
    waiting: int
    """Messages that it has not acknowledged."""
    last_at: datetime | None
    """When it was last given one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySeen:
    """The relay, now."""

    syncs: bool
    messages: int
    bytes: int
    most_bytes: int
    pcs: tuple[PcSeen, ...]


def look(config: RelayConfig, book: Book) -> RelaySeen:
    """Asks the engine on this machine.

    Raises:
        RelayError: none answers.
    """
    base = f"http://127.0.0.1:{config.monitor_port}"
    try:
        with httpx.Client(base_url=base, trust_env=False, timeout=_TIMEOUT_S) as http:
            connections = http.get("/connz", params={"auth": "true", "limit": 4096}).json()["connections"]
            told = http.get("/jsz", params={"consumers": "true", "config": "true"}).json()
    except (httpx.HTTPError, ValueError, LookupError) as error:
        raise RelayError(
            f"中继没有在这台机器上运行（{base}：{error}） / no relay runs on this machine: {error}"
        ) from error
    standing = Counter(one.get("authorized_user") for one in connections)
    stream = _stream(told)
    consumers = {one["name"]: one for one in stream.get("consumer_detail") or ()}
    state, settings = stream.get("state", {}), stream.get("config", {})
    return RelaySeen(
        syncs=told.get("config", {}).get("sync_always") is True,
        messages=int(state.get("messages", 0)),
        bytes=int(state.get("bytes", 0)),
        most_bytes=int(settings.get("max_bytes", 0)),
        pcs=tuple(
            PcSeen(
                pc=name,
                accounts=pc.accounts,
                strategies=pc.strategies,
                connections=standing[pc.public],
                waiting=_waiting(consumers.get(name, {})),
                last_at=_last(consumers.get(name, {})),
            )
            for name, pc in book.pcs.items()
        ),
    )


def _stream(told: Mapping[str, Any]) -> Mapping[str, Any]:
    for account in told.get("account_details") or ():
        for stream in account.get("stream_detail") or ():
            if stream.get("name") == SIGNALS:
                found: Mapping[str, Any] = stream
                return found
    return {}


def _waiting(consumer: Mapping[str, Any]) -> int:
    return int(consumer.get("num_pending", 0)) + int(consumer.get("num_ack_pending", 0))


def _last(consumer: Mapping[str, Any]) -> datetime | None:
    text = consumer.get("delivered", {}).get("last_active")
    return None if text is None else datetime.fromisoformat(text).astimezone(SHANGHAI)
