"""Keeps what a person did through the console."""

import structlog

from jqfollow.api.parts import Parts
from jqfollow.ledger import LedgerError
from jqfollow.ledger.deeds import What

log = structlog.get_logger(__name__)


async def note(parts: Parts, who: str, what: What, *, strategy: str = "", account: str = "", detail: str = "") -> None:
    """Keeps a deed that is done; that it cannot be kept does not undo it."""
    now = parts.clock.now()
    try:
        await parts.ledger.write(
            lambda tx: tx.deeds.add(now, who, what, strategy=strategy, account=account, detail=detail)
        )
    except LedgerError as error:
        log.warning("deed_not_kept", who=who, what=what, detail=detail, why=str(error))
