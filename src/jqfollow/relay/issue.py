"""Makes the file of a PC out of the relay's book and configuration."""

from pathlib import Path

from jqfollow.relay.book import Book
from jqfollow.relay.certificate import ensure_certificate
from jqfollow.relay.config import RelayConfig
from jqfollow.relay.ticket import Ticket


def ticket_for(
    name: str, seed: str, *, book: Book, config: RelayConfig, folder: Path, websocket: bool = False
) -> Ticket:
    """The file of a PC of the book; raises `RelayError`."""
    pc = book.pcs[name]
    return Ticket(
        pc=name,
        order_url=config.order_url,
        url=config.pc_url(websocket=websocket),
        seed=seed,
        certificate=ensure_certificate(config, folder).pinned,
        accounts=pc.accounts,
        moved=pc.moved,
        strategies={one: book.strategies[one] for one in pc.strategies},
    )
