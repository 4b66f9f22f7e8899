"""What was owed from the day before, because it was bought that day, goes out when the next day's trading begins."""

from datetime import datetime

import structlog

from jqfollow.domain import Phase
from jqfollow.execution.accounts import Account
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.tx import Tx

log = structlog.get_logger(__name__)


async def begin_owed(ledger: Ledger, account: Account, now: datetime) -> bool:
    """Makes owed orders orders of today, once continuous trading runs; whether there were any."""
    if account.hours.phase() is not Phase.CONTINUOUS:
        return False
    day = account.hours.trading_day()
    if not await ledger.read(lambda tx: tx.orders.owed(account.name, day), urgent=True):
        return False

    def begin(tx: Tx) -> None:
        for order in tx.orders.owed(account.name, day):
            log.info("owed_order_begins", order_id=order.order_id, account=account.name, day=day)
            tx.orders.begin_day(order, day, now)

    await ledger.write(begin)
    account.wake.set()
    return True
