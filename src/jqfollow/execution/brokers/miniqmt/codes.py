"""MiniQMT's codes and rows as words and values of the domain: pure, and the vendor's package is not needed.

The numbers are those of the vendor's `xtconstant`; a test compares them. States are in `tables`, one a build.
"""

import math
import re
from collections.abc import Iterable
from datetime import datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from jqfollow.clock import SHANGHAI, from_ms
from jqfollow.domain import (
    Asset,
    BrokerError,
    FillReport,
    OrderReport,
    Position,
    Side,
)
from jqfollow.execution.brokers.miniqmt.tables import LATEST, CodeTable

FIX_PRICE = 11
"""Price type: our own limit. Market types work only against a live counter and are not used."""
ORDER_TYPES: dict[Side, int] = {Side.BUY: 23, Side.SELL: 24}
"""Of a STOCK account; of a CREDIT account the same numbers mean collateral trades (担保品买入, 担保品卖出)."""

_SIDES: dict[int, Side] = {
    23: Side.BUY,
    24: Side.SELL,
    27: Side.BUY,  # with borrowed money (融资买入)
    28: Side.SELL,  # of borrowed shares (融券卖出)
    29: Side.BUY,  # to return shares (买券还券)
    31: Side.SELL,  # to repay (卖券还款)
    40: Side.BUY,
    41: Side.SELL,
    42: Side.BUY,
    44: Side.SELL,
}
_OFFSETS: dict[int, Side] = {48: Side.BUY, 49: Side.SELL}
"""`offset_flag`, which tells buys from sells when a broker reports an order type of its own."""

CANCEL_REFUSALS: dict[int, tuple[str, str]] = {
    -1: ("委托已完成或不可撤", "the order is over, or cannot be cancelled"),
    -2: ("未找到该委托", "no such order"),
    -3: ("账号未登录", "the account is not logged in"),
}

_VAGUE = re.compile(r"超时|断开|断线|中断|网络|通信|通讯|结果未知|状态未知|time[ -]?d? ?out|disconnect", re.IGNORECASE)

_CENT_OF_CENT = Decimal("0.0001")
_MILLI = Decimal("0.001")


def proves_nothing(message: str) -> bool:
    """Whether a refusal's words are of an answer that did not come, so that the counter may hold the order after all.

    A terminal that waited in vain for its counter says so in the place where a refusal stands.
    """
    return bool(_VAGUE.search(message))


def decimal_of(value: object, step: Decimal = _CENT_OF_CENT) -> Decimal:
    """A vendor's float such as 11.370000000000001, rounded to `step`.

    Raises:
        BrokerError: not a finite number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BrokerError(f"MiniQMT 返回的数值无效：{value!r} / not a number")
    return Decimal(repr(value)).quantize(step, ROUND_HALF_UP)


def price_of(value: object, step: Decimal = _MILLI) -> Decimal:
    """A price, without zeros that say nothing: 11.37, not 11.370; at least two places."""
    price = decimal_of(value, step)
    cents = price.quantize(Decimal("0.01"))
    return cents if cents == price else price


def volume_of(value: object) -> int:
    """A volume; raises `BrokerError` for what is not a whole number from 0 up."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise BrokerError(f"MiniQMT 返回的数量无效：{value!r} / not a volume")
    if value != int(value):
        raise BrokerError(f"MiniQMT 返回的数量不是整数：{value!r} / not a whole volume")
    return int(value)


def side_of(row: Any) -> Side | None:
    """Of an order or a fill; `None`: neither a buy nor a sell (subscriptions, transfers of collateral, …)."""
    side = _SIDES.get(getattr(row, "order_type", 0))
    return side or _OFFSETS.get(getattr(row, "offset_flag", 0))


def moment_of(value: object, now: datetime) -> datetime:
    """When, of `order_time` or `traded_time`: seconds since 1970 (V); some brokers' HHMMSS of today is read too.

    `now` when it tells nothing.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return now
    number = int(value)
    if 10**9 <= number < 10**11:
        return from_ms(number * 1000)
    if 10**12 <= number < 10**14:
        return from_ms(number)
    hour, minute, second = number // 10_000, number // 100 % 100, number % 100
    if number > 0 and hour < 24 and minute < 60 and second < 60:  # noqa: PLR2004  # a clock's face
        return datetime.combine(now.date(), time(hour, minute, second), SHANGHAI)
    return now


def order_report(row: Any, *, remark: str, now: datetime, table: CodeTable = LATEST) -> OrderReport | None:
    """An `XtOrder` as a report; `None`: it is neither a buy nor a sell.

    Raises:
        BrokerError: its figures make no sense.
    """
    side = side_of(row)
    if side is None:
        return None
    volume, filled = volume_of(row.order_volume), volume_of(row.traded_volume)
    return OrderReport(
        broker_order_id=str(row.order_id),
        remark=remark,
        symbol=str(row.stock_code),
        side=side,
        volume=volume,
        price=price_of(row.price),
        state=table.order_state(int(row.order_status), filled),
        filled=filled,
        at=moment_of(row.order_time, now),
        message=str(getattr(row, "status_msg", "") or ""),
    )


def fill_report(row: Any, *, remark: str, now: datetime) -> FillReport | None:
    """An `XtTrade` as a report; `None`: neither a buy nor a sell, or of volume 0. Raises like `order_report`."""
    side, volume = side_of(row), volume_of(row.traded_volume)
    if side is None or volume == 0:
        return None
    price, at = price_of(row.traded_price, _CENT_OF_CENT), moment_of(row.traded_time, now)
    traded_id = str(row.traded_id or "").strip()
    commission = getattr(row, "commission", None)
    return FillReport(
        traded_id=traded_id or f"{at:%H%M%S}-{volume}-{price}",
        broker_order_id=str(row.order_id),
        remark=remark,
        symbol=str(row.stock_code),
        side=side,
        volume=volume,
        price=price,
        at=at,
        fee=max(decimal_of(commission), Decimal(0)) if commission else Decimal(0),
    )


def positions_of(rows: Iterable[Any]) -> list[Position]:
    """`XtPosition` rows without those of volume 0; rows of one security (two shareholder codes) are added up.

    Raises:
        BrokerError: figures make no sense.
    """
    held: dict[str, Position] = {}
    for row in rows:
        volume = volume_of(row.volume)
        if volume == 0:
            continue
        last = getattr(row, "last_price", None)
        position = Position(
            symbol=str(row.stock_code),
            volume=volume,
            available=min(max(int(row.can_use_volume), 0), volume),
            avg_cost=decimal_of(getattr(row, "avg_price", None) or row.open_price),
            last=price_of(last) if last else None,
        )
        other = held.get(position.symbol)
        held[position.symbol] = position if other is None else _together(other, position)
    return list(held.values())


def _together(a: Position, b: Position) -> Position:
    volume = a.volume + b.volume
    return Position(
        symbol=a.symbol,
        volume=volume,
        available=a.available + b.available,
        avg_cost=((a.avg_cost * a.volume + b.avg_cost * b.volume) / volume).quantize(_CENT_OF_CENT, ROUND_HALF_UP),
        last=a.last or b.last,
    )


def asset_of(row: Any) -> Asset:
    """An `XtAsset`; raises `BrokerError` when its figures make no sense."""
    return Asset(
        cash=decimal_of(row.cash),
        frozen=decimal_of(row.frozen_cash),
        market_value=decimal_of(row.market_value),
        total=decimal_of(row.total_asset),
    )
