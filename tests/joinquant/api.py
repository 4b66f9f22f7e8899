"""What a JoinQuant strategy finds in its globals; its functions act on the platform that runs. Python 3.6 syntax."""

import enum

active = []
"""The `Platform` that runs, at most one."""


class OrderStatus(enum.Enum):
    """JoinQuant's numbers; `held` is fully, `filled` partly filled."""

    open = 0
    filled = 1
    canceled = 2
    rejected = 3
    held = 4
    new = 8
    pending_cancel = 9


class OrderStyle:
    """Root of the styles."""


class MarketOrderStyle(OrderStyle):
    def __init__(self, limit_price=None):
        self.limit_price = limit_price  # JoinQuant's protection price on STAR; not a limit order


class LimitOrderStyle(OrderStyle):
    def __init__(self, limit_price):
        self.limit_price = limit_price


class Order:
    """With the attributes that JoinQuant documents."""

    def __init__(self, **fields):
        self.__dict__.update(fields)

    def __repr__(self):
        return "UserOrder(%r)" % (self.__dict__,)


class Position:
    def __init__(self, security):
        self.security = security
        self.total_amount = 0  # what resting orders have locked is left out
        self.locked_amount = 0
        self.closeable_amount = 0
        self.avg_cost = 0.0
        self.price = 0.0

    @property
    def value(self):
        return (self.total_amount + self.locked_amount) * self.price


class Portfolio:
    def __init__(self, cash):
        self.available_cash = cash
        self.positions = {}

    @property
    def total_value(self):
        return self.available_cash + sum(position.value for position in self.positions.values())


class RunParams:
    def __init__(self, run_type):
        self.type = run_type


class Context:
    def __init__(self, run_type, cash, current_dt):
        self.run_params = RunParams(run_type)
        self.portfolio = Portfolio(cash)
        self.current_dt = current_dt


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
    return active[-1].place(security, amount, style, side)


def order_target(security, amount, style=None, side="long", pindex=0, close_today=False):
    platform = active[-1]
    return platform.inner("order")(security, amount - platform.held(security), style, side)


def order_value(security, value, style=None, side="long", pindex=0, close_today=False):
    platform = active[-1]
    lots = int(value / platform.price(security) / 100)
    return platform.inner("order")(security, lots * 100, style, side)


def order_target_value(security, value, style=None, side="long", pindex=0, close_today=False):
    platform = active[-1]
    held = platform.held(security)
    if value == 0:
        return platform.inner("order")(security, -held, style, side)
    return platform.inner("order_value")(security, value - held * platform.price(security), style, side)


def order_percent(security, percent, style=None, side="long", pindex=0, close_today=False):
    platform = active[-1]
    return platform.inner("order_value")(security, percent * platform.context.portfolio.total_value, style, side)


def order_target_percent(security, percent, style=None, side="long", pindex=0, close_today=False):
    platform = active[-1]
    value = percent * platform.context.portfolio.total_value
    return platform.inner("order_target_value")(security, value, style, side)


def cancel_order(order):
    return active[-1].cancel(getattr(order, "order_id", order))


def get_open_orders():
    return {key: found for key, found in active[-1].orders.items() if found.status is OrderStatus.open}


def run_daily(func, time="9:30", reference_security=None):
    active[-1].schedule(func, time)


def unschedule_all():
    del active[-1].schedules[:]
