"""The first order: a hundred units of a fund on a paper account, bought, seen filled, and sold again."""

import time
from decimal import Decimal
from typing import Any

from jqfollow.cli.base import say, words
from jqfollow.cli.console_call import ask
from jqfollow.settings import Settings

CODE = "511880.XSHG"
"""A money fund: what is bought can be sold the same day, so that nothing of the trial is left in the book."""
VOLUME = 100
_ABOVE = {"buy": Decimal("1.002"), "sell": Decimal("0.998")}
"""So far beyond the last price it meets the other side at once, and stays within what a price may be."""
_TICK = Decimal("0.001")
_PATIENCE_S = 60.0
_CONNECTS_S = 20.0
_LOOK_S = 0.3
_ENDED = frozenset({"rejected", "canceled", "expired"})


def tell_accounts(settings: Settings) -> None:
    """Whether each account can trade; a real one gets some seconds to be connected."""
    until = time.monotonic() + _CONNECTS_S
    while True:
        accounts = ask(settings, "GET", "/api/accounts")
        if all(one["ready"] for one in accounts) or time.monotonic() > until:
            break
        time.sleep(_LOOK_S)
    for one in accounts:
        ready, why = one["ready"], words(one["why_zh"], one["why_en"])
        say(
            f"  {'✓' if ready else '✗'} 账户 {one['account']}：{'可交易' if ready else why}",
            f"  {'✓' if ready else '✗'} account {one['account']}: {'ready' if ready else why}",
        )


def first_order(settings: Settings, strategy: str, account: str) -> bool:
    """Whether both were filled; tells what happened, in either case."""
    say(f"模拟账户 {account}：买卖 {VOLUME} 份 {CODE} ……", f"paper account {account}: {VOLUME} of {CODE} …")
    return all(_one(settings, strategy, account, side) for side in ("buy", "sell"))


def _one(settings: Settings, strategy: str, account: str, side: str) -> bool:
    [placed] = ask(settings, "POST", "/api/orders", _order(settings, strategy, account, side))
    until = time.monotonic() + _PATIENCE_S
    while True:
        order: dict[str, Any] = ask(settings, "GET", f"/api/orders/{placed['order_id']}")["order"]
        if order["state"] == "filled":
            what = words("买入", "bought") if side == "buy" else words("卖出", "sold")
            say(
                f"  ✓ 订单 {order['order_id']}：{what} {order['filled']} 份成交，均价 {order['avg_price']}",
                f"  ✓ order {order['order_id']}: {what} {order['filled']} at {order['avg_price']}",
            )
            return True
        if order["state"] in _ENDED or time.monotonic() > until:
            how = order["waiting_for"] or order["state"]
            say(
                f"  ✗ 订单 {order['order_id']} 没有成交：{order['why_zh'] or how}",
                f"  ✗ order {order['order_id']} was not filled: {order['why_en'] or how}",
            )
            return False
        time.sleep(_LOOK_S)


def _order(settings: Settings, strategy: str, account: str, side: str) -> dict[str, object]:
    body: dict[str, object] = {"strategy": strategy, "account": account, "security": CODE, "side": side}
    last = ask(settings, "GET", f"/api/preview?account={account}&security={CODE}")["last"]
    if last is not None:
        body["price"] = str((Decimal(last) * _ABOVE[side]).quantize(_TICK))
    return body | {"volume": VOLUME}
