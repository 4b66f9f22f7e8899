"""A connection to the engine: its certificate, an NKEY, and how soon a dead line is noticed."""

import ssl
from collections.abc import Callable

import structlog
from nats.aio.client import Client

from jqfollow.relay.words import inbox

log = structlog.get_logger(__name__)

_PING_S = 5
"""A router may have forgotten the connection while nothing went over it: noticed after three of these."""


def trusting(certificate: str) -> ssl.SSLContext:
    """Trusts this one certificate, whose name says nothing; without one, what the system trusts, by the host's name."""
    if not certificate:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # itself, without whoever has signed it
    context.load_verify_locations(cadata=certificate)
    return context


async def connect(
    url: str, seed: str, user: str, trust: ssl.SSLContext, *, lost: Callable[[], None] | None = None
) -> Client:
    """Connects now, or raises. Once connected it reconnects for ever; with `lost`, it ends instead, and says so."""

    async def trouble(error: Exception) -> None:
        log.warning("relay_connection", user=user, why=repr(error))

    async def ended() -> None:
        if lost is not None:
            lost()

    client = Client()
    try:
        await client.connect(
            url,
            nkeys_seed_str=seed,
            tls=trust,
            inbox_prefix=inbox(user).encode(),
            name=user,
            error_cb=trouble,
            disconnected_cb=ended,
            allow_reconnect=lost is None,
            max_reconnect_attempts=-1 if lost is None else 1,
            reconnect_time_wait=0.2,  # type: ignore[arg-type]  # sleeps so long
            connect_timeout=5,
            ping_interval=_PING_S,
            max_outstanding_pings=2,
            pending_size=0,  # while the engine is away a caller is told so at once: nothing waits unstored in memory
        )
    except BaseException:
        await client.close()
        raise
    return client
