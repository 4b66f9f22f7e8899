"""What a JoinQuant strategy finds in its globals; its functions act on the platform that runs. Python 3.6 syntax."""

from .account import SubPortfolioConfig
from .engine import (
    UNFINISHED,
    LimitOrderStyle,
    MarketOrderStyle,
    OrderStatus,
    OrderStyle,
    StopLimitOrderStyle,
    StopMarketOrderStyle,
    StopOrderStyle,
)

PLATFORM_API = "kuanke.user_space_api"

active = []
"""The `Platform` that runs, at most one."""

NAMES = (
    "order",
    "order_value",
    "order_target",
    "order_target_value",
    "order_percent",
    "order_target_percent",
    "cancel_order",
    "batch_submit_orders",
    "batch_cancel_orders",
    "margincash_open",
    "margincash_close",
    "marginsec_open",
    "marginsec_close",
    "get_open_orders",
    "get_orders",
    "get_trades",
    "get_current_data",
    "set_subportfolios",
    "send_message",
    "run_daily",
    "unschedule_all",
    "OrderStatus",
    "OrderStyle",
    "MarketOrderStyle",
    "LimitOrderStyle",
    "StopMarketOrderStyle",
    "StopLimitOrderStyle",
    "SubPortfolioConfig",
)

__all__ = [
    "LimitOrderStyle",
    "MarketOrderStyle",
    "OrderStatus",
    "OrderStyle",
    "StopLimitOrderStyle",
    "StopMarketOrderStyle",
    "SubPortfolioConfig",
]


class Global:
    """`g`: pickled but for names that start with two underscores."""

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if not name.startswith("__")}


class Log:
    """`log`; holds the strategy's log as (level, text) in `lines`."""

    def __init__(self):
        self.lines = []

    def info(self, *texts):
        self.lines.append(("info", " ".join(map(str, texts))))

    def warn(self, *texts):
        self.lines.append(("warn", " ".join(map(str, texts))))

    def error(self, *texts):
        self.lines.append(("error", " ".join(map(str, texts))))


def order(security, amount, style=None, side="long", pindex=0, close_today=False):
    platform = active[-1]
    return platform.show(platform.place(security, amount, style, side, pindex))


def order_value(security, value, style=None, side="long", pindex=0, close_today=False):
    platform = active[-1]
    lots = int(value / _price_of(security, style) / 100)
    return platform.inner("order")(security, lots * 100, style, side, pindex)


def order_percent(security, percent, style=None, side="long", pindex=0, close_today=False):
    platform = active[-1]
    value = percent * platform.context.subportfolios[pindex].total_value
    return platform.inner("order_value")(security, value, style, side, pindex)


def order_target(security, amount, style=None, side="long", pindex=0, close_today=False):
    platform = active[-1]
    platform.engine.cancel_all_of(security, pindex)
    return platform.inner("order")(security, amount - platform.context.held(security, pindex), style, side, pindex)


def order_target_value(security, value, style=None, side="long", pindex=0, close_today=False):
    platform = active[-1]
    platform.engine.cancel_all_of(security, pindex)
    held = platform.context.held(security, pindex)
    if value == 0:
        return platform.inner("order")(security, -held, style, side, pindex)
    more = value - held * platform.engine.price(security)
    return platform.inner("order_value")(security, more, style, side, pindex)


def order_target_percent(security, percent, style=None, side="long", pindex=0, close_today=False):
    platform = active[-1]
    value = percent * platform.context.subportfolios[pindex].total_value
    return platform.inner("order_target_value")(security, value, style, side, pindex)


def cancel_order(order):
    platform = active[-1]
    return platform.show(platform.cancel(_id_of(order)))


def batch_submit_orders(orders):
    """All of them, or none when one cannot be."""
    platform = active[-1]
    placed = []
    for told in orders:
        found = platform.place(
            told["security"], told["amount"], told.get("style"), told.get("side", "long"), told.get("pindex", 0)
        )
        if found is None:
            for earlier in placed:
                platform.engine.cancel(earlier.order_id)
                del platform.engine.orders[earlier.order_id]
            return None
        placed.append(found)
    return platform.show_batch(placed)


def batch_cancel_orders(orders):
    platform = active[-1]
    return platform.show_batch([found for found in (platform.cancel(_id_of(told)) for told in orders) if found])


def margincash_open(security, amount, style=None, pindex=0):
    """Buys on borrowed money."""
    platform = active[-1]
    return platform.show(platform.place(security, amount, style, "long", pindex))


def margincash_close(security, amount, style=None, pindex=0):
    """Sells to pay the money back."""
    platform = active[-1]
    return platform.show(platform.place(security, -amount, style, "long", pindex))


def marginsec_open(security, amount, style=None, pindex=0):
    """Sells borrowed shares."""
    return _borrowed(security, amount, False, style)


def marginsec_close(security, amount, style=None, pindex=0):
    """Buys borrowed shares back."""
    return _borrowed(security, amount, True, style)


def get_open_orders():
    return {key: found for key, found in get_orders().items() if found.status in UNFINISHED}


def get_orders(order_id=None, security=None, status=None):
    """The day's orders."""
    platform = active[-1]
    return {
        key: platform.show(found)
        for key, found in platform.engine.day_orders().items()
        if order_id in (None, key) and security in (None, found.security) and status in (None, found.status)
    }


def get_trades():
    """The day's trades."""
    platform = active[-1]
    today = platform.engine.day_orders()
    return {key: found for key, found in platform.engine.trades.items() if found.order_id in today}


def get_current_data():
    """By code, what is known now."""
    return _Current()


class _Current(dict):
    def __missing__(self, security):
        return _Snapshot(active[-1].engine.price(security))


class _Snapshot:
    def __init__(self, price):
        self.last_price = price
        self.paused = False


def set_subportfolios(configs):
    active[-1].context.divide(configs)


def send_message(message, channel="weixin"):
    """To the author's WeChat; simulations only, five a day."""
    active[-1].take_message(message)


def run_daily(func, time="9:30", reference_security=None):
    active[-1].schedule(func, time)


def unschedule_all():
    del active[-1].schedules[:]


def _id_of(order):
    return getattr(order, "order_id", order)


def _price_of(security, style):
    """Stops are counted at their own price."""
    if isinstance(style, StopOrderStyle):
        return getattr(style, "limit_price", style.stop_price)
    return active[-1].engine.price(security)


def _borrowed(security, amount, is_buy, style):
    platform = active[-1]
    found = platform.place_borrowed(security, amount, is_buy, style)
    return platform.show(found)


for _name in NAMES:
    if not isinstance(globals()[_name], type):
        globals()[_name].__module__ = PLATFORM_API  # where strategies import it from, and by which it is pickled
