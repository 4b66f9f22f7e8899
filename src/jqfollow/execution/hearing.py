"""What brokers say by themselves, brought to the desk: pushes, and answers that came too late for their caller."""

import asyncio
from contextlib import suppress

import structlog

from jqfollow.execution.accounts import Account
from jqfollow.execution.desk import Desk
from jqfollow.ledger.errors import LedgerError
from jqfollow.receipts import Receipts

log = structlog.get_logger(__name__)

PUSHES_AT_ONCE = 256
"""So many pushes share a commit at most."""
PUSHES_WAIT_S = 0.05
"""So long they wait at most for orders that are due."""


async def hear(account: Account, desk: Desk, receipts: Receipts) -> None:
    """Brings the account's pushes to the desk, for ever; what one batch fails on is its own."""
    while True:
        events = [await account.pushes.get()]
        with suppress(TimeoutError):  # orders that are due go first, but not for ever
            async with asyncio.timeout(PUSHES_WAIT_S):
                await account.idle.wait()
        await receipts.over()
        while len(events) < PUSHES_AT_ONCE and not account.pushes.empty():
            events.append(account.pushes.get_nowait())
        try:
            await desk.hear(account, events)
        except LedgerError as error:
            log.warning("pushes_not_written", account=account.name, why=str(error))  # the lists tell them again
        except Exception:
            log.exception("pushes_failed", account=account.name)


async def hear_late(account: Account, desk: Desk) -> None:
    """Brings the account's late answers to the desk, for ever."""
    while True:
        answer = await account.late_answers.get()
        try:
            await desk.hear_late(account, answer.request.attempt_id, answer.placed)
        except LedgerError as error:
            log.warning("late_answer_not_written", account=account.name, why=str(error))
        except Exception:
            log.exception("late_answer_failed", account=account.name)
