"""The file for JoinQuant, with the address that is known: by the tunnel, or by the relay."""

import contextlib
import tomllib
from pathlib import Path

from jqfollow.relay.ticket import read_ticket
from jqfollow.settings import Settings
from jqfollow.wire.client_file import module_name, render_client
from jqfollow.wire.private_file import write_private

FRPC = "frpc.toml"


def default_url(settings: Settings) -> str:
    """The address by which the signals port is reached: by way of `frpc.toml` beside the data folder, else locally."""
    host, port = _tunnel(settings) or ("127.0.0.1", settings.signals.port)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def public_port(settings: Settings) -> int | None:
    """The signals port's number on the public server; `None`: there is no tunnel's file beside the data folder."""
    tunnel = _tunnel(settings)
    return tunnel and tunnel[1]


def _tunnel(settings: Settings) -> tuple[str, int] | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, IndexError, StopIteration):
        frpc = tomllib.loads((settings.data_dir.parent / FRPC).read_text(encoding="utf-8"))
        proxy = next(p for p in frpc["proxies"] if p["localPort"] == settings.signals.port)
        return str(frpc["serverAddr"]), int(proxy["remotePort"])
    return None


def client_text(settings: Settings, strategy: str, key_text: str, url: str | None = None) -> tuple[str, str]:
    """The file's text, and the address in it.

    Raises:
        ClientFileError: the address cannot stand in it.
    """
    ticket = read_ticket(settings.data_dir)
    relay_key = ticket.strategies.get(strategy, "") if ticket else ""
    address = url or (ticket.order_url if ticket and relay_key else default_url(settings))
    if ticket and address != ticket.order_url:
        relay_key = ""  # by a tunnel beside the relay: its key is nobody else's affair
    return render_client(url=address, key_text=key_text, strategy=strategy, relay_key=relay_key), address


def write_client_file(settings: Settings, strategy: str, key_text: str, folder: Path) -> Path:
    """Writes it for its owner only, under the name that JoinQuant wants; gives where.

    Raises:
        OSError: not written.
        ClientFileError: the address cannot stand in it.
    """
    text, _ = client_text(settings, strategy, key_text)
    target = folder / f"{module_name(strategy)}.py"
    write_private(target, text.encode())
    return target
