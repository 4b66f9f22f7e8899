"""The drift of every book, out of one read of the ledger."""

from jqfollow.drift.causes import Drift
from jqfollow.drift.walk import drift_of
from jqfollow.ledger.rows import OrderRow
from jqfollow.ledger.tx import Tx


def drifts(tx: Tx, *, strategy: str | None = None, account: str | None = None) -> list[Drift]:
    """Every book that something was ever ordered for or that holds something, by account, strategy and security."""
    orders: dict[tuple[str, str, str], list[OrderRow]] = {}
    for order in tx.orders.history(strategy=strategy, account=account):
        orders.setdefault((order.account, order.strategy, order.security), []).append(order)
    books = {
        (book.account, book.strategy, book.security): book.volume
        for book in tx.books.list(account=account, strategy=strategy)
    }
    return [drift_of(*key, orders.get(key, []), books.get(key, 0)) for key in sorted(orders.keys() | books.keys())]
