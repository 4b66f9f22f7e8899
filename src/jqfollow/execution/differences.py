"""By how much an account is off after an order of its was ended at JoinQuant, with more or less filled there."""

from datetime import datetime
from decimal import Decimal

from jqfollow.domain import MANUAL_RUN, ORDER_OPEN, FollowMode, Side
from jqfollow.ledger.rows import OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason

_LESS_THAN_A_LOT = 200
"""So much at most does sizing carry on (the largest lot of shares)."""


def reckon(tx: Tx, signal_id: int, account: str, at: datetime) -> None:
    """Works out what one signal left behind in one account, once nothing of its order can be filled any more.

    Too much is taken from the book's next buy (`carry_buy`); too little is left to drift. May be called again after a
    late fill: only what changed since is moved.
    """
    row = tx.elsewhere.difference(signal_id, account)
    orders = [order for order in tx.orders.of_signal(signal_id) if order.account == account]
    if row is None or not orders or any(order.state in ORDER_OPEN for order in orders):
        return
    shares = shares_off(orders, row.elsewhere)
    if shares is None:
        return
    nothing = Decimal(0)
    more = min(shares, nothing) - min(row.shares or nothing, nothing)
    if more:
        since = tx.orders.carries_since(orders[0])
        tx.books.carry_on(account, row.strategy, row.security, since=since, buy=more)
    tx.elsewhere.set_shares(signal_id, account, shares, at)


def shares_off(orders: list[OrderRow], elsewhere: int) -> Decimal | None:
    """How many shares the account lacks (above zero) or has too many (below), all parts of an order together.

    `None`: the order is no proportion of the strategy's (yuan or shares an order are whole wishes).
    """
    first = orders[0]
    ratio = _ratio(first)
    if ratio is None:
        return None
    volume = sum(order.volume for order in orders)
    filled = sum(order.filled for order in orders)
    wish = ratio * first.terms.amount
    # What rounding left over of the whole wish was carried on already.
    if first.reason is Reason.BELOW_LOT and first.side is Side.BUY:
        carried = wish - filled
    elif first.sized and abs(wish - volume) < _LESS_THAN_A_LOT:
        carried = wish - volume
    else:
        carried = Decimal(0)
    off = ratio * elsewhere - filled - carried
    if off > 0 and all(order.cancel_reason is not Reason.CANCELED_BY_STRATEGY for order in orders):
        off = Decimal(0)  # it ended short for a reason of its own
    return off if first.side is Side.BUY else -off


def _ratio(order: OrderRow) -> Decimal | None:
    terms = order.terms
    if terms.run == MANUAL_RUN or terms.figure is None:
        return None
    if terms.mode is FollowMode.RATIO:
        return terms.figure
    if terms.mode is FollowMode.EQUITY and terms.total_value and order.side is Side.BUY:
        return terms.figure / terms.total_value
    return None
