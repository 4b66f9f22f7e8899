"""A connection to the engine: pinned certificate, an NKEY, and patience."""

import ssl

import nats
import structlog
from nats.aio.client import Client

from jqfollow.relay.words import inbox

log = structlog.get_logger(__name__)


def pinned(certificate: str) -> ssl.SSLContext:
    """Trusts this one certificate and nobody else; its name says nothing, so it is not looked at."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=certificate)
    return context


async def connect(url: str, seed: str, user: str, certificate: str) -> Client:
    """Connects now, or raises; once connected, reconnects for ever."""

    async def trouble(error: Exception) -> None:
        log.warning("relay_connection", user=user, why=repr(error))

    return await nats.connect(
        url,
        nkeys_seed_str=seed,
        tls=pinned(certificate),
        inbox_prefix=inbox(user).encode(),
        name=user,
        error_cb=trouble,
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        connect_timeout=5,
        ping_interval=20,
        pending_size=0,  # while the engine is away a caller is told so at once: nothing waits unstored in memory
    )
