"""JoinQuant as far as a strategy's orders go, written from its manual. Python 3.6 syntax.

    with Platform(SOURCE, helpers={"jqfollow_client_demo": text}) as platform:   # the first process has started
        platform.prices["000001.XSHE"] = 10.52
        order = platform.run("buy", "000001.XSHE", 1000)     # calls the strategy's buy(context, …), returns its result
        platform.to("10:00")                                 # minute by minute: bars are matched, tasks are run
        platform.run_scheduled("15:30")                      # only what it gave to run_daily for that time
        platform.next_day()                                  # the same time of the next day
        platform.next_morning()                              # the next day at 8:55, a new process
        platform.restart()                                   # the process ends; a new one starts from what was pickled
        platform.change_code(SOURCE)                         # after_code_changed
        platform.fill("000001.XSHE")                         # open limit orders in it are filled
        platform.log.lines, platform.orders, platform.context, platform.namespace, platform.sent

`SOURCE` is the strategy's text; its globals hold `api.NAMES`, g and log. `helpers` are the files in the research root,
which may themselves say `from kuanke.user_space_api import *`. The engine's rules stand in `engine`. An order that
cash, position or the lot does not allow is None. Errors of the strategy reach the caller.

What only the platform knows can be chosen: `orders_live=False`: what order functions and get_orders give are copies
that never change. `batch_returns`: what the basket functions give: "orders", "ids", "dict" or "nothing".
`nested="globals"`: order functions call each other by the names in the strategy's globals, hence through a hook there.
`pickles="globals"`: a restart takes over not only `g` but every global that is no module; one that does not pickle
is an error. One platform at a time.
"""

import pickle
import sys
import types
from datetime import datetime, timedelta

from . import api
from .account import Context, Portfolio, Position, SubPortfolio, SubPortfolioConfig
from .api import Global, Log
from .engine import (
    Engine,
    LimitOrderStyle,
    MarketOrderStyle,
    Order,
    OrderStatus,
    OrderStyle,
    StopLimitOrderStyle,
    StopMarketOrderStyle,
)
from .research import ResearchRoot, execute

__all__ = [
    "LimitOrderStyle",
    "MarketOrderStyle",
    "Order",
    "OrderStatus",
    "OrderStyle",
    "Platform",
    "Portfolio",
    "Position",
    "StopLimitOrderStyle",
    "StopMarketOrderStyle",
    "SubPortfolio",
    "SubPortfolioConfig",
]

STRATEGY_MODULE = "joinquant_user_code"
MESSAGES_A_DAY = 5
OPEN_ENDED = ("every_bar",)


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
        frequency="minute",
        orders_live=True,
        batch_returns="orders",
    ):
        self.source = source
        self.helpers = helpers or {}
        self.nested = nested
        self.pickles = pickles
        self.orders_live = orders_live
        self.batch_returns = batch_returns
        self.schedules = []  # (name of the function, "HH:MM" or "every_bar")
        self.sent = []  # messages to the author: (day, text)
        self.feed = None  # feed(time) gives the prices of a minute
        self.context = Context(run_type, frequency, cash, now)
        self.log = Log()
        self.engine = Engine(self.context, self.log)
        self.engine.is_open = self._is_trading()
        self.prices = self.engine.prices
        self.orders = self.engine.orders
        self.g = Global()
        self.namespace = {}

    def __enter__(self):
        api.active.append(self)
        self._root = ResearchRoot(self.helpers, self.log).__enter__()
        self._root.g = self.g
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

    def to(self, time):
        """Every minute until `time` of the same day, "HH:MM"."""
        hour, minute = time.split(":")
        until = self.context.current_dt.replace(hour=int(hour), minute=int(minute), second=0)
        while self.context.current_dt < until:
            self.context.current_dt = self.context.current_dt.replace(second=0) + timedelta(minutes=1)
            self._minute(self.context.current_dt.strftime("%H:%M"))

    def bar(self, **options):
        """One minute passes in which nothing but every_bar's tasks are due."""
        self.to((self.context.current_dt + timedelta(minutes=1)).strftime("%H:%M"))

    def next_day(self, days=1):
        self.engine.close()
        self.engine.next_day()
        self.context.current_dt += timedelta(days=days)
        if self._is_trading():
            self.engine.open()

    def next_morning(self):
        self.engine.close()
        self.engine.next_day()
        self.context.current_dt = (self.context.current_dt + timedelta(days=1)).replace(hour=8, minute=55)
        self.restart()

    def fill(self, security):
        """The price comes to where open limit orders of `security` are."""
        for found in list(self.orders.values()):
            if found.security == security and found.status in (OrderStatus.open, OrderStatus.filled):
                self.engine.prices[security] = found._style.limit_price
                self.engine._match(found)

    def restart(self):
        """The process ends and a new one starts; initialize() is not called again."""
        kept = {"g": pickle.dumps(self.g), "context": pickle.dumps(self.context), "globals": {}}
        if self.pickles == "globals":
            kept["globals"] = self._pickled_globals()
        self._unload()
        api.active.append(self)
        self._root = ResearchRoot(self.helpers, self.log).__enter__()
        self.g = self._root.g = Global()
        self._load()
        # The code comes first: what `g` holds may be of its classes.
        self.g.__dict__.update(pickle.loads(kept["g"]).__dict__)
        self.context = self.engine.context = pickle.loads(kept["context"])
        for name, data in kept["globals"].items():
            self.namespace[name] = pickle.loads(data)
        self._call("process_initialize")

    def change_code(self, source):
        self.source = source
        self.restart()
        self._call("after_code_changed")

    # ---- what the strategy's globals call

    def inner(self, name):
        """How one order function calls another."""
        return self.namespace[name] if self.nested == "globals" else getattr(api, name)

    def place(self, security, amount, style, side, pindex=0):
        return self.engine.place(security, amount, style, side, pindex)

    def place_borrowed(self, security, amount, is_buy, style):
        """A short position opened or closed; always filled."""
        found = Order(
            order_id=str(1600001 + len(self.orders)),
            security=security,
            is_buy=is_buy,
            amount=amount,
            filled=amount,
            price=self.engine.price(security),
            avg_cost=self.engine.price(security),
            side="short",
            action="close" if is_buy else "open",
            commission=0.0,
            status=OrderStatus.held,
            add_time=self.context.current_dt,
            _style=style,
            _pindex=0,
        )
        self.orders[found.order_id] = found
        return found

    def cancel(self, order_id):
        return self.engine.cancel(order_id)

    def show(self, found):
        """What a strategy is given of an order."""
        return found if self.orders_live or not isinstance(found, Order) else found.shown()

    def show_batch(self, found):
        if self.batch_returns == "ids":
            return [order.order_id for order in found]
        if self.batch_returns == "dict":
            return {order.order_id: self.show(order) for order in found}
        return [self.show(order) for order in found] if self.batch_returns == "orders" else None

    def take_message(self, text):
        day = self.context.current_dt.strftime("%Y-%m-%d")
        if self.context.run_params.type != "sim_trade":
            raise RuntimeError("send_message is for simulations")
        if len([one for one in self.sent if one[0] == day]) >= MESSAGES_A_DAY:
            self.log.warning("今天的消息已达上限")
            return
        self.sent.append((day, text))

    def schedule(self, func, time):
        if self.namespace.get(func.__name__) is not func:
            raise ValueError("run_daily wants a function of the strategy's globals")
        self.schedules.append((func.__name__, time))

    # ---- inside

    def _is_trading(self):
        return "09:30" <= self.context.current_dt.strftime("%H:%M") < "15:00"

    def _minute(self, time):
        """In a simulation the tasks of 9:30 run before the exchange has opened."""
        is_bar = "09:30" <= time < "11:30" or "13:00" <= time < "15:00"
        is_minute = self.context.run_params.frequency == "minute"
        if time == "09:30" and self.context.run_params.type == "sim_trade":
            self._tasks(time, every_bar=True)
            self.engine.open()
            return
        if time == "09:30":
            self.engine.open()
        elif is_bar or time in ("11:30", "15:00"):
            self.prices.update(self.feed(self.context.current_dt) if self.feed else {})
            self.engine.bar()
        if time == "15:00":
            self.engine.close()
        if time == "09:00":
            self._call("before_trading_start")
        self._tasks(time, every_bar=is_bar and (is_minute or time == "09:30"))
        if time == "15:30":
            self._call("after_trading_end")

    def _tasks(self, time, every_bar):
        for name, at in list(self.schedules):
            due = {"open": "09:30", "before_open": "09:00", "after_close": "15:30"}.get(at, at.zfill(5))
            if due == time or (every_bar and at == "every_bar"):
                self.run(name)
        if every_bar and "handle_data" in self.namespace:
            self.run("handle_data", None)

    def _load(self):
        module = types.ModuleType(STRATEGY_MODULE)
        sys.modules[STRATEGY_MODULE] = module
        self.namespace = module.__dict__
        self.namespace.update({name: getattr(api, name) for name in api.NAMES})
        self.namespace.update(g=self.g, log=self.log)
        execute(self.source, "user_code.py", self.namespace)

    def _unload(self):
        api.active.remove(self)
        self._root.__exit__()
        sys.modules.pop(STRATEGY_MODULE, None)

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
