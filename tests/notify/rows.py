"""Rows as the ledger gives them, with what a test does not care about filled in."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from jqfollow.clock import SHANGHAI
from jqfollow.domain import AttemptState, FollowMode, OrderState, Side, SignalKind, SignalState, StrategyOrder, Wire
from jqfollow.ledger.rows import AttemptRow, OrderRow, SignalRow, Terms

AT = datetime(2026, 3, 3, 10, 0, 5, tzinfo=SHANGHAI)
DAY = date(2026, 3, 3)


def order(**changes: Any) -> OrderRow:
    values: dict[str, Any] = {
        "order_id": 12,
        "signal_id": 7,
        "account": "main",
        "strategy": "demo",
        "part": 1,
        "day": DAY,
        "security": "000001.SZ",
        "side": Side.BUY,
        "sized": True,
        "volume": 500,
        "filled": 0,
        "turnover": Decimal(0),
        "terms": Terms(amount=500, run="sim_trade", mode=FollowMode.RATIO, figure=Decimal(1), made_at=AT),
        "deadline": AT + timedelta(seconds=60),
        "limit_price": None,
        "closes": False,
        "state": OrderState.PENDING_NEW,
        "waiting": None,
        "cancel_reason": None,
        "reason": None,
        "figures": {},
        "created_at": AT,
        "updated_at": AT,
    }
    return OrderRow(**(values | changes))


def attempt(**changes: Any) -> AttemptRow:
    values: dict[str, Any] = {
        "attempt_id": 31,
        "order_id": 12,
        "number": 2,
        "account": "main",
        "day": DAY,
        "security": "000001.SZ",
        "side": Side.BUY,
        "volume": 500,
        "price": Decimal("12.34"),
        "remark": "jqabcde-v",
        "broker_order_id": None,
        "state": AttemptState.UNKNOWN,
        "reported": 0,
        "filled": 0,
        "message": "",
        "created_at": AT,
        "updated_at": AT,
        "cancel_at": None,
        "cancels": 0,
        "ended_at": None,
    }
    return AttemptRow(**(values | changes))


def signal(**changes: Any) -> SignalRow:
    told = StrategyOrder(
        jq_order_id="1700000000",
        symbol="000001.SZ",
        side=Side.SELL,
        amount=300,
        filled=300,
        price=Decimal("12.3"),
        limit=None,
        status="held",
        position_side="long",
        day=DAY,
        position_after=0,
        total_value=None,
    )
    values: dict[str, Any] = {
        "signal_id": 7,
        "strategy": "demo",
        "wire": Wire.JQF1,
        "message_id": "m-1",
        "kind": SignalKind.ORDER,
        "run": "sim_trade",
        "text": "{}",
        "made_at": AT,
        "received_at": AT,
        "order": told,
        "state": SignalState.RECORDED,
        "reason": None,
        "figures": {},
    }
    return SignalRow(**(values | changes))
