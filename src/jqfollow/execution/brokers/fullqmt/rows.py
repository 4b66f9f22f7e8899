"""The full terminal's rows, as the pasted file copies them, as values of the domain: pure.

Names and numbers are the vendor's (内置 Python: Order, Deal, Position, Account); states and price types are those of
MiniQMT, whose helpers are used.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from jqfollow.domain import Asset, BrokerError, FillReport, OrderReport, Position, Side
from jqfollow.execution.brokers.miniqmt.codes import decimal_of, moment_of, price_of, volume_of
from jqfollow.execution.brokers.miniqmt.tables import LATEST

Row = Mapping[str, Any]
REJECTED = 57
CANCELLING = frozenset({51, 52, 53, 54})
_SIDES = {48: Side.BUY, 49: Side.SELL}
"""`m_nOffsetFlag`, which tells buys from sells of shares; `m_nDirection` is 48 for both."""


def symbol_of(row: Row) -> str:
    """Rows carry the bare code and the market apart."""
    code, market = str(row.get("m_strInstrumentID", "")), str(row.get("m_strExchangeID", ""))
    return code if "." in code else f"{code}.{market}"


def order_id_of(row: Row) -> str:
    """合同编号; "" while the counter has not given one."""
    return str(row.get("m_strOrderSysID") or "").strip()


def remark_of(row: Row) -> str:
    """投资备注."""
    return str(row.get("m_strRemark") or "").strip()


def words_of(row: Row) -> str:
    """Why it was refused, or cancelled."""
    return str(row.get("m_strCancelInfo") or row.get("m_strErrorMsg") or "").strip()


def is_rejected(row: Row) -> bool:
    """废单."""
    return bool(row.get("m_nOrderStatus") == REJECTED)


def order_report(row: Row, *, remark: str, now: datetime) -> OrderReport | None:
    """An order; `None`: it has no id yet, or is neither a buy nor a sell.

    Raises:
        BrokerError: its figures make no sense.
    """
    side, order_id = _SIDES.get(row.get("m_nOffsetFlag", 0)), order_id_of(row)
    if side is None or not order_id:
        return None
    filled = volume_of(row.get("m_nVolumeTraded"))
    return OrderReport(
        broker_order_id=order_id,
        remark=remark,
        symbol=symbol_of(row),
        side=side,
        volume=volume_of(row.get("m_nVolumeTotalOriginal")),
        price=price_of(row.get("m_dLimitPrice")),
        state=LATEST.order_state(int(row.get("m_nOrderStatus") or 0), filled),
        filled=filled,
        at=_moment(row.get("m_strInsertTime"), now),
        message=words_of(row),
    )


def fill_report(row: Row, *, remark: str, now: datetime) -> FillReport | None:
    """A fill; `None`: of volume 0, without an order's id, or neither a buy nor a sell. Raises like `order_report`."""
    side, volume, order_id = _SIDES.get(row.get("m_nOffsetFlag", 0)), volume_of(row.get("m_nVolume")), order_id_of(row)
    if side is None or volume == 0 or not order_id:
        return None
    price, at = price_of(row.get("m_dPrice"), Decimal("0.0001")), _moment(row.get("m_strTradeTime"), now)
    commission = row.get("m_dCommission")
    return FillReport(
        traded_id=str(row.get("m_strTradeID") or "").strip() or f"{at:%H%M%S}-{volume}-{price}",
        broker_order_id=order_id,
        remark=remark,
        symbol=symbol_of(row),
        side=side,
        volume=volume,
        price=price,
        at=at,
        fee=max(decimal_of(commission), Decimal(0)) if commission else Decimal(0),
    )


def positions_of(rows: Iterable[Row]) -> list[Position]:
    """Without rows of volume 0; rows of one security (two shareholder codes) are added up. Raises `BrokerError`."""
    held: dict[str, Position] = {}
    for row in rows:
        volume = volume_of(row.get("m_nVolume"))
        if not volume:
            continue
        symbol, other = symbol_of(row), held.get(symbol_of(row))
        cost, last = decimal_of(row.get("m_dOpenPrice")), row.get("m_dLastPrice")
        available = min(max(int(row.get("m_nCanUseVolume") or 0), 0), volume)
        if other is not None:
            cost = ((cost * volume + other.avg_cost * other.volume) / (volume + other.volume)).quantize(
                Decimal("0.0001")
            )
            volume, available = volume + other.volume, available + other.available
        held[symbol] = Position(
            symbol=symbol,
            volume=volume,
            available=available,
            avg_cost=cost,
            last=price_of(last) if last else None,
        )
    return list(held.values())


def asset_of(rows: Iterable[Row]) -> Asset | None:
    """The account's money; `None`: the terminal shows none, so it is not connected to its counter."""
    row = next(iter(rows), None)
    if row is None:
        return None
    return Asset(
        cash=decimal_of(row.get("m_dAvailable")),
        frozen=decimal_of(row.get("m_dFrozenCash") or 0.0),
        market_value=decimal_of(row.get("m_dInstrumentValue") or 0.0),
        total=decimal_of(row.get("m_dBalance")),
    )


def rows_of(told: Mapping[str, Any], kind: str) -> list[Row]:
    """One list of an answer. Raises `BrokerError`: it is none."""
    found = told.get("lists", {}).get(kind)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise BrokerError(f"QMT 的答复里没有 {kind} / the answer has no list {kind}")
    return found


def _moment(text: object, now: datetime) -> datetime:
    """`HHMMSS` or `HH:MM:SS` of today; `now` when it tells nothing."""
    digits = str(text or "").replace(":", "")
    return moment_of(int(digits), now) if digits.isdecimal() and len(digits) <= len("HHMMSS") else now
