"""The paper exchange's values as a terminal shows them: floats, numbers for words, seconds since 1970."""

from datetime import datetime
from typing import Any

from jqfollow.domain import Asset, AttemptState, FillReport, Instrument, OrderReport, Phase, Position, Quote, Side

_STATES = {
    AttemptState.PENDING_NEW: 49,
    AttemptState.NEW: 50,
    AttemptState.PENDING_CANCEL: 51,
    AttemptState.CANCELED: 54,
    AttemptState.PARTIALLY_FILLED: 55,
    AttemptState.FILLED: 56,
    AttemptState.REJECTED: 57,
}
_WHEN_FILLED = {AttemptState.PENDING_CANCEL: 52, AttemptState.CANCELED: 53}
_PHASES = {
    Phase.CLOSED: 15,
    Phase.OPENING_AUCTION: 12,
    Phase.OPENING_AUCTION_LOCKED: 12,
    Phase.PRE_OPEN: 14,
    Phase.CONTINUOUS: 13,
    Phase.LUNCH: 14,
    Phase.CLOSING_AUCTION: 18,
    Phase.AFTER_HOURS: 22,
}
_SUSPENDED = 20
_ORDER_TYPES = {Side.BUY: 23, Side.SELL: 24}
_OFFSETS = {Side.BUY: 48, Side.SELL: 49}
_BROKERS_PRICE_CODE = 50
_LOT = 100


def order_row(report: OrderReport, account: str, remark: str, traded_price: float) -> dict[str, Any]:
    code = _WHEN_FILLED.get(report.state) if report.filled else None
    return {
        **_common(account, report.symbol, report.side, report.broker_order_id, remark),
        "order_time": _seconds(report.at),
        "order_volume": report.volume,
        "price_type": _BROKERS_PRICE_CODE,
        "price": _float(report.price),
        "traded_volume": report.filled,
        "traded_price": traded_price,
        "order_status": code or _STATES[report.state],
        "status_msg": report.message,
    }


def trade_row(fill: FillReport, account: str, remark: str) -> dict[str, Any]:
    return {
        **_common(account, fill.symbol, fill.side, fill.broker_order_id, remark),
        "traded_id": fill.traded_id,
        "traded_time": _seconds(fill.at),
        "traded_price": _float(fill.price),
        "traded_volume": fill.volume,
        "traded_amount": _float(fill.price * fill.volume),
        "commission": _float(fill.fee),
    }


def position_row(position: Position, account: str) -> dict[str, Any]:
    return {
        "account_type": 2,
        "account_id": account,
        "stock_code": position.symbol,
        "volume": position.volume,
        "can_use_volume": position.available,
        "open_price": _float(position.avg_cost),
        "avg_price": _float(position.avg_cost),
        "last_price": 0.0 if position.last is None else _float(position.last),
        "frozen_volume": position.volume - position.available,
        "on_road_volume": 0,
        "yesterday_volume": position.available,
        "instrument_name": "",
    }


def sold_out_row(symbol: str, account: str) -> dict[str, Any]:
    """What was sold out today stays as a row of volume 0."""
    return {
        "account_type": 2,
        "account_id": account,
        "stock_code": symbol,
        "volume": 0,
        "can_use_volume": 0,
        "open_price": 0.0,
        "avg_price": 0.0,
        "last_price": 0.0,
    }


def asset_row(asset: Asset, account: str) -> dict[str, Any]:
    return {
        "account_type": 2,
        "account_id": account,
        "cash": _float(asset.cash),
        "frozen_cash": _float(asset.frozen),
        "market_value": _float(asset.market_value),
        "total_asset": _float(asset.total),
        "fetch_balance": _float(asset.cash),
    }


def tick(quote: Quote, phase: Phase) -> dict[str, Any]:
    bids, asks = list(quote.bids[:5]), list(quote.asks[:5])
    return {
        "time": int(quote.at.timestamp() * 1000),
        "timetag": f"{quote.at:%Y%m%d %H:%M:%S}",
        "lastPrice": 0.0 if quote.last is None else _float(quote.last),
        "open": 0.0 if quote.open is None else _float(quote.open),
        "high": 0.0,
        "low": 0.0,
        "lastClose": _float(quote.prev_close),
        "amount": 0.0,
        "volume": 0,
        "openInt": _SUSPENDED if quote.suspended else _PHASES[quote.phase or phase],
        "stockStatus": 5,
        "askPrice": _five([_float(level.price) for level in asks], 0.0),
        "bidPrice": _five([_float(level.price) for level in bids], 0.0),
        "askVol": _five([max(level.volume // _LOT, 1) for level in asks], 0),
        "bidVol": _five([max(level.volume // _LOT, 1) for level in bids], 0),
    }


def detail(instrument: Instrument) -> dict[str, Any]:
    code, market = instrument.symbol.split(".")
    return {
        "ExchangeID": market,
        "InstrumentID": code,
        "InstrumentName": instrument.name,
        "PreClose": _float(instrument.prev_close),
        "UpStopPrice": 0.0 if instrument.limit_up is None else _float(instrument.limit_up),
        "DownStopPrice": 0.0 if instrument.limit_down is None else _float(instrument.limit_down),
        "PriceTick": _float(instrument.tick),
        "InstrumentStatus": int(instrument.suspended),
        "IsTrading": False,  # as the real one has it for stocks
        "VolumeMultiple": 1,
    }


def _common(account: str, symbol: str, side: Side, order_id: str, remark: str) -> dict[str, Any]:
    return {
        "account_type": 2,
        "account_id": account,
        "stock_code": symbol,
        "order_id": int(order_id),
        "order_sysid": f"S{order_id}",
        "order_type": _ORDER_TYPES[side],
        "offset_flag": _OFFSETS[side],
        "direction": 48,
        "strategy_name": "jqfollow",
        "order_remark": remark,
        "instrument_name": "",
        "secu_account": "A000000001",
    }


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _float(value: Any) -> float:
    """As the terminal's arithmetic leaves it: 11.370000000000001."""
    number = float(value)
    return number + number * 2e-16


def _five(values: list[Any], nothing: Any) -> list[Any]:
    return values + [nothing] * (5 - len(values))
