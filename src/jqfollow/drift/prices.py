"""What a share of a drift is worth, by what the ledger knows."""

from collections.abc import Iterable
from decimal import Decimal

from jqfollow.drift.causes import Drift
from jqfollow.drift.reading import Key
from jqfollow.ledger.tx import Tx


def last_prices(tx: Tx, rows: Iterable[Drift]) -> dict[Key, Decimal]:
    """Yuan a share for each row with a drift: the last price where the account holds the security.

    Where it does not, what is newer of the price around the book's last order and the one in the strategy's report.
    """
    drifting = [row for row in rows if row.drift]
    shown: dict[tuple[str, str], Decimal] = {}
    for account in {row.account for row in drifting}:
        snapshot = tx.snapshots.latest(account)
        held = snapshot[2] if snapshot else ()
        shown |= {(account, position.symbol): position.last for position in held if position.last is not None}
    found: dict[Key, Decimal] = {}
    for row in drifting:
        price = shown.get((row.account, row.security)) or _told(tx, row)
        if price is not None:
            found[row.account, row.strategy, row.security] = price
    return found


def _told(tx: Tx, row: Drift) -> Decimal | None:
    order = tx.marks.newest_of_book(row.account, row.strategy, row.security)
    report = tx.reports.newest_price(row.strategy, row.security)
    newest = max(filter(None, (order, report)), default=None)
    return None if newest is None else newest[1]
