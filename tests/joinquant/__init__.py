"""JoinQuant as far as a strategy's orders go: enough to run one with the real client in it. Python 3.6 syntax.

    with Platform(SOURCE, helpers={"jqfollow_client": text}) as platform:   # the first process has started
        platform.prices["000001.XSHE"] = 10.52
        order = platform.run("buy", "000001.XSHE", 1000)     # calls the strategy's buy(context, …), returns its result
        platform.run_scheduled("15:30")                      # what it gave to run_daily for that time
        platform.next_day()                                  # open orders end, shares bought can be sold
        platform.restart()                                   # the process ends; a new one starts from what was pickled
        platform.fill("000001.XSHE")                         # open limit orders in it are filled
        platform.log.lines, platform.orders, platform.context, platform.namespace

`SOURCE` is the strategy's text. Its globals hold order, order_value, order_target, order_target_value, order_percent,
order_target_percent, cancel_order, get_open_orders, run_daily, unschedule_all, OrderStatus, OrderStyle,
MarketOrderStyle, LimitOrderStyle, g and log, as in JoinQuant. `helpers` are the files in the research root.

Market orders fill at once and wholly at `prices` (10.0 where none is set), limit orders when the price allows,
else they stay open. An order that cash, position or the lot does not allow is None. Errors of
the strategy reach the caller.

`nested="globals"`: order functions call each other by the names in the strategy's globals, hence through a hook there.
`pickles="globals"`: a restart takes over not only `g` but every global that is no module; one that does not pickle
is an error. One platform at a time.
"""

import pickle
import sys
import types
from datetime import datetime, timedelta

from . import api
from .api import (
    Context,
    Global,
    LimitOrderStyle,
    Log,
    MarketOrderStyle,
    Order,
    OrderStatus,
    OrderStyle,
    Portfolio,
    Position,
)

__all__ = ["LimitOrderStyle", "MarketOrderStyle", "Order", "OrderStatus", "OrderStyle", "Platform", "Portfolio"]

STRATEGY_MODULE = "joinquant_user_code"
_API = (
    "order",
    "order_value",
    "order_target",
    "order_target_value",
    "order_percent",
    "order_target_percent",
    "cancel_order",
    "get_open_orders",
    "run_daily",
    "unschedule_all",
    "OrderStatus",
    "OrderStyle",
    "MarketOrderStyle",
    "LimitOrderStyle",
)


class Platform:
    """One strategy's run."""

    def __init__(
        self,
        source,
        run_type="sim_trade",
        cash=1000000.0,
        now=datetime(2026, 1, 5, 9, 35),  # noqa: DTZ001 - JoinQuant's times have no zone
        helpers=None,
        nested="inside",
        pickles="g",
    ):
        self.source = source
        self.helpers = helpers or {}
        self.nested = nested
        self.pickles = pickles
        self.prices = {}
        self.orders = {}
        self.schedules = []  # (name of the function, "HH:MM")
        self.context = Context(run_type, cash, now)
        self.log = Log()
        self.g = Global()
        self.namespace = {}
        self.process_initialized = False

    def __enter__(self):
        api.active.append(self)
        try:
            self._load()
            self._call("initialize")
            self._call("process_initialize")
        except BaseException:
            self._unload()
            raise
        return self

    def __exit__(self, *_):
        self._unload()

    # ---- what a test does

    def run(self, name, *args, **kwargs):
        """Calls the strategy's function `name` with the context and what else is given."""
        return self.namespace[name](self.context, *args, **kwargs)

    def run_scheduled(self, time):
        for name, at in list(self.schedules):
            if at == time:
                self.run(name)

    def next_day(self, days=1):
        self.context.current_dt += timedelta(days=days)
        for found in self.orders.values():
            if found.status is OrderStatus.open:
                self.cancel(found.order_id)
        for position in self.context.portfolio.positions.values():
            position.closeable_amount = position.total_amount

    def fill(self, security):
        for found in self.orders.values():
            if found.security == security and found.status is OrderStatus.open:
                self._unlock(found)
                self._fill(found, found.style.limit_price)

    def restart(self):
        """The process ends and a new one starts; initialize() is not called again."""
        kept = {"g": pickle.dumps(self.g), "context": pickle.dumps(self.context), "globals": {}}
        if self.pickles == "globals":
            kept["globals"] = self._pickled_globals()
        self._unload()
        api.active.append(self)
        self.g = pickle.loads(kept["g"])
        self.context = pickle.loads(kept["context"])
        self._load()
        for name, data in kept["globals"].items():
            self.namespace[name] = pickle.loads(data)
        self._call("process_initialize")

    # ---- what the strategy's globals call

    def price(self, security):
        return self.prices.get(security, 10.0)

    def held(self, security):
        position = self.context.portfolio.positions.get(security)
        return position.total_amount + position.locked_amount if position else 0

    def inner(self, name):
        """How one order function calls another."""
        return self.namespace[name] if self.nested == "globals" else getattr(api, name)

    def place(self, security, amount, style, side):
        is_buy, amount, price = amount > 0, int(abs(amount)), self.price(security)
        position = self.context.portfolio.positions.get(security)
        if is_buy:
            amount = amount // 100 * 100
        limit = style.limit_price if isinstance(style, LimitOrderStyle) else None
        paid = amount * (limit or price)
        closeable = position.closeable_amount if position else 0
        if amount == 0 or (paid > self.context.portfolio.available_cash if is_buy else amount > closeable):
            self.log.lines.append(("warn", "下单失败 %s" % security))
            return None
        found = Order(
            order_id=str(1600001 + len(self.orders)),
            security=security,
            is_buy=is_buy,
            amount=amount,
            filled=0,
            price=0.0,
            avg_cost=0.0,
            side=side,
            action="open" if is_buy else "close",
            commission=0.0,
            status=OrderStatus.open,
            add_time=self.context.current_dt,
            style=style or MarketOrderStyle(),
        )
        self.orders[found.order_id] = found
        if limit is None or (limit >= price if is_buy else limit <= price):
            self._fill(found, price)
        elif not is_buy:
            position.total_amount -= amount
            position.closeable_amount -= amount
            position.locked_amount += amount
        return found

    def cancel(self, order_id):
        found = self.orders.get(order_id)
        if found is None or found.status is not OrderStatus.open:
            return None
        self._unlock(found)
        found.status = OrderStatus.canceled
        return found

    def schedule(self, func, time):
        if self.namespace.get(func.__name__) is not func:
            raise ValueError("run_daily wants a function of the strategy's globals")
        self.schedules.append((func.__name__, time))

    # ---- inside

    def _fill(self, found, price):
        portfolio = self.context.portfolio
        position = portfolio.positions.setdefault(found.security, Position(found.security))
        found.status, found.filled, found.price, found.avg_cost = OrderStatus.held, found.amount, price, price
        position.price = price
        if found.is_buy:
            before = position.total_amount + position.locked_amount
            position.avg_cost = (position.avg_cost * before + price * found.amount) / (before + found.amount)
            position.total_amount += found.amount
            portfolio.available_cash -= price * found.amount
        else:
            position.total_amount -= found.amount
            position.closeable_amount -= found.amount
            portfolio.available_cash += price * found.amount
            if position.total_amount + position.locked_amount == 0:
                del portfolio.positions[found.security]

    def _unlock(self, found):
        if not found.is_buy:
            position = self.context.portfolio.positions[found.security]
            position.locked_amount -= found.amount
            position.total_amount += found.amount
            position.closeable_amount += found.amount

    def _load(self):
        for name, text in self.helpers.items():
            module = types.ModuleType(name)
            sys.modules[name] = module
            exec(compile(text, name + ".py", "exec"), module.__dict__)
        module = types.ModuleType(STRATEGY_MODULE)
        sys.modules[STRATEGY_MODULE] = module
        self.namespace = module.__dict__
        self.namespace.update({name: getattr(api, name) for name in _API})
        self.namespace.update(g=self.g, log=self.log)
        exec(compile(self.source, "user_code.py", "exec"), self.namespace)

    def _unload(self):
        api.active.remove(self)
        for name in [STRATEGY_MODULE, *self.helpers]:
            sys.modules.pop(name, None)

    def _pickled_globals(self):
        kept = {}
        for name, value in self.namespace.items():
            if name.startswith("__") or name in ("g", "log") or isinstance(value, types.ModuleType):
                continue
            kept[name] = pickle.dumps(value)
        return kept

    def _call(self, name):
        if name in self.namespace:
            self.run(name)
