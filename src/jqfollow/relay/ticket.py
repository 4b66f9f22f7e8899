"""What a PC gets from its relay: one private file, imported with `jqfollow relay join`."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jqfollow.relay.errors import RelayError

TICKET = "relay.json"


class Ticket(BaseModel):
    """Who the PC is, where it goes, and which certificate it accepts. Secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pc: str = Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")
    url: str = Field(pattern=r"^(tls|wss)://[A-Za-z0-9.:_-]+:[0-9]+$")
    order_url: str = Field(pattern=r"^https?://[A-Za-z0-9.:_-]+:[0-9]+$")
    """Where JoinQuant sends to."""
    seed: str = Field(repr=False)
    certificate: str
    """The engine's own, and the only one that the PC will speak to; empty: a public CA's, for the host of `url`."""
    accounts: tuple[str, ...]
    moved: tuple[str, ...] = ()
    """Those of them that came from another PC, whose data folder must have come along."""
    strategies: dict[str, str] = Field(repr=False)
    """What the PC follows, with the relay key of each, for the file that goes into JoinQuant."""


def read_ticket(data_dir: Path) -> Ticket | None:
    """The file that was imported, or `None`; raises `RelayError`."""
    path = data_dir / TICKET
    if not path.exists():
        return None
    try:
        return Ticket.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise RelayError(f"{path} 不是中继凭据 / is not a relay's file: jqfollow relay join FILE") from error
