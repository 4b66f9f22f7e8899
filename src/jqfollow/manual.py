"""A person's order as a signal: recorded, judged and placed like any other."""

import hashlib
import uuid
from collections.abc import Mapping
from datetime import datetime

import orjson

from jqfollow.domain import MANUAL_RUN, ManualOrder, ManualOrderError, SignalKind, StrategyOrder, Wire
from jqfollow.execution.accounts import Account
from jqfollow.ledger.rows import NewSignal, SignalRow
from jqfollow.market.securities import UnknownSecurityError, parse_security
from jqfollow.meant import ACCOUNT, STRATEGY, no_such
from jqfollow.settings import RealAccount, Settings


def manual_signal(order: ManualOrder, settings: Settings, accounts: Mapping[str, Account], now: datetime) -> NewSignal:
    """The signal of `order`: new each time, or, with a key, always the same.

    Raises:
        ManualOrderError: it names no strategy, account or security, or is not confirmed for a real account.
    """
    account = accounts.get(order.account)
    if order.strategy not in settings.strategies:
        raise ManualOrderError(*no_such(STRATEGY, order.strategy, settings.strategies))
    if account is None:
        raise ManualOrderError(*no_such(ACCOUNT, order.account, accounts))
    if isinstance(account.settings, RealAccount) and order.confirm != account.settings.account_id:
        raise ManualOrderError(
            f"{order.account} 是实盘账户：confirm 必须填写它的资金账号",
            f"{order.account} is a real account: confirm must be its account id",
        )
    try:
        symbol = parse_security(order.security).symbol
    except UnknownSecurityError as error:
        raise ManualOrderError(
            f"不能交易的证券 {order.security}：{error.why_zh}", f"{order.security}: {error.why_en}"
        ) from error
    if order.volume <= 0 or (order.price is not None and not order.price > 0):
        raise ManualOrderError("数量和价格必须大于 0", "volume and price must be above 0")
    known = hashlib.sha256(order.key.encode()).hexdigest()[:32] if order.key else None
    manual_id = f"manual-{known or uuid.uuid4()}"
    told = StrategyOrder(
        jq_order_id=manual_id,
        symbol=symbol,
        side=order.side,
        amount=order.volume,
        filled=0,
        price=None,
        limit=order.price,
        status="open",
        position_side="long",
        day=account.hours.trading_day(),
        position_after=None,
        total_value=None,
    )
    text = orjson.dumps(
        {
            "kind": "manual",
            "account": order.account,
            "security": symbol,
            "side": order.side,
            "volume": order.volume,
            "price": None if order.price is None else str(order.price),
        }
    ).decode()
    return NewSignal(
        strategy=order.strategy,
        wire=Wire.MANUAL,
        message_id=manual_id,
        kind=SignalKind.ORDER,
        run=MANUAL_RUN,
        text=text,
        made_at=now,
        received_at=now,
        order=told,
    )


def manual_account(signal: SignalRow) -> str:
    """The account that a manual signal is for."""
    return str(orjson.loads(signal.text)["account"])
