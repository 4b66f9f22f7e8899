"""Strategies in the shapes that people publish, each as its author would write it, with the client's two lines."""

HEAD = """
import jqfollow_client_demo
"""
START = """
def process_initialize(context):
    jqfollow_client_demo.install(globals(), context, "demo")
"""

ETF_ROTATION = """
def initialize(context):
    g.pool = ["510300.XSHG", "510500.XSHG"]
    run_daily(trade, "9:35")

def trade(context):
    data = get_current_data()
    best = max(g.pool, key=lambda code: data[code].last_price)
    for code in list(context.portfolio.positions):
        if code != best:
            order_target_value(code, 0)
    if best not in context.portfolio.positions:
        order_value(best, context.portfolio.available_cash)
"""

SEVERAL_TASKS = """
def initialize(context):
    run_daily(prepare, "9:05")
    run_daily(sell, "9:30")
    run_daily(buy, "14:50")
    run_daily(report, "15:10")

def prepare(context):
    data = get_current_data()
    g.wanted = sorted(["000001.XSHE", "000002.XSHE", "600000.XSHG"], key=lambda code: data[code].last_price)[:2]

def sell(context):
    for code in list(context.portfolio.positions):
        if code not in g.wanted:
            order_target(code, 0)

def buy(context):
    each = context.portfolio.available_cash / 4
    for code in g.wanted:
        if code not in context.portfolio.positions:
            order_value(code, each)

def report(context):
    log.info("持仓 %s" % sorted(context.portfolio.positions))
"""

OWN_WRAPPERS = """
def initialize(context):
    run_daily(market_open, "9:40")

def open_position(security, value):
    placed = order_target_value_(security, value)
    return placed is not None and placed.filled > 0

def close_position(position):
    placed = order_target_value_(position.security, 0)
    return placed is not None and placed.status == OrderStatus.held and placed.filled == placed.amount

def order_target_value_(security, value):
    if value == 0:
        log.debug("卖出 %s" % security) if hasattr(log, "debug") else None
    return order_target_value(security, value)

def market_open(context):
    for position in list(context.portfolio.positions.values()):
        close_position(position)
    for code in ("000001.XSHE", "600000.XSHG"):
        open_position(code, 50000 if get_current_data()[code].last_price < 11 else 30000)
"""

CLASS_IN_G = """
class Trader:
    def __init__(self, codes):
        self.codes = codes
        self.turn = 0

    def trade(self, context):
        self.turn += 1
        code = self.codes[self.turn % len(self.codes)]
        for held in list(context.portfolio.positions):
            self.adjust(context, held, 0)
        self.adjust(context, code, 20000)

    def adjust(self, context, code, value):
        return order_target_value(code, value)

def initialize(context):
    g.trader = Trader(["000001.XSHE", "600000.XSHG"])
    run_daily(trade, "10:00")

def trade(context):
    g.trader.trade(context)
"""

FUNCTIONS_IN_AN_OBJECT = """
class Hands:
    def __init__(self):
        self.buy = order_value
        self.to = order_target

hands = Hands()

def initialize(context):
    run_daily(trade, "10:00")

def trade(context):
    if context.portfolio.positions:
        for code in list(context.portfolio.positions):
            hands.to(code, 0)
    else:
        hands.buy("000001.XSHE", 30000)
"""

SUB_PORTFOLIOS = """
def initialize(context):
    half = context.portfolio.starting_cash / 2
    set_subportfolios([SubPortfolioConfig(cash=half, type="stock"), SubPortfolioConfig(cash=half, type="stock")])
    run_daily(trade, "9:35")

def trade(context):
    first, second = context.subportfolios[0], context.subportfolios[1]
    if not first.long_positions:
        order("000001.XSHE", 1000, pindex=0)
        order("000001.XSHE", 500, pindex=1)
        order_value("600000.XSHG", 20000, pindex=1)
    else:
        order_target("000001.XSHE", 0, pindex=0)
"""

HANDLE_DATA = """
def initialize(context):
    g.seen = []

def handle_data(context, data):
    now = get_current_data()["000001.XSHE"].last_price
    g.seen.append(now)
    mean = sum(g.seen[-20:]) / len(g.seen[-20:])
    held = "000001.XSHE" in context.portfolio.positions
    if now > mean * 1.01 and not held:
        order_target("000001.XSHE", 1000)
    elif now < mean * 0.99 and held:
        order_target("000001.XSHE", 0)
"""

GRID = """
def initialize(context):
    g.base = 10.0
    run_daily(lay, "9:35")
    run_daily(lay, "13:00")

def lay(context):
    for placed in get_open_orders().values():
        cancel_order(placed)
    for step in (1, 2, 3):
        order("000001.XSHE", 500, LimitOrderStyle(round(g.base * (1 - 0.01 * step), 2)))
    position = context.portfolio.positions.get("000001.XSHE")
    if position is not None and position.closeable_amount >= 500:
        order("000001.XSHE", -500, LimitOrderStyle(round(g.base * 1.01, 2)))
"""

HELPER_FILE = """
from my_tools import rebalance

def initialize(context):
    run_daily(trade, "9:35")

def trade(context):
    rebalance(context, {"000001.XSHE": 0.1, "600000.XSHG": 0.2})
"""
MY_TOOLS = """
from kuanke.user_space_api import *

def rebalance(context, weights):
    total = context.portfolio.total_value
    for code in list(context.portfolio.positions):
        order_target_value(code, total * weights.get(code, 0))
    for code, weight in weights.items():
        if code not in context.portfolio.positions:
            order_target_value(code, total * weight)
"""

ALIASES = """
buy = order_value
ACTIONS = {"in": order, "out": order_target}

def initialize(context):
    run_daily(trade, "9:35")

def trade(context):
    if not context.portfolio.positions:
        buy("000001.XSHE", 25000)
        ACTIONS["in"]("600000.XSHG", 700)
    else:
        ACTIONS["out"]("600000.XSHG", 0)
"""

BASKET = """
def initialize(context):
    run_daily(trade, "10:00")

def trade(context):
    held = context.portfolio.positions
    if not held:
        codes = ("000001.XSHE", "000002.XSHE", "600000.XSHG")
        batch_submit_orders([{"security": code, "amount": 300} for code in codes])
    else:
        batch_submit_orders([{"security": code, "amount": -held[code].closeable_amount} for code in list(held)])
"""

OWN_STOP_LOSS = """
def initialize(context):
    g.bought = False
    run_daily(watch, "every_bar")

def watch(context):
    data = get_current_data()
    if not g.bought:
        g.bought = True
        for code in ("000001.XSHE", "600000.XSHG"):
            order_value(code, 40000)
    for code, position in list(context.portfolio.positions.items()):
        if position.closeable_amount and data[code].last_price < position.avg_cost * 0.99:
            order_target(code, 0)
"""

CODE_CHANGED = """
def initialize(context):
    set_tasks(context)

def after_code_changed(context):
    unschedule_all()
    set_tasks(context)

def set_tasks(context):
    run_daily(trade, "9:35")

def trade(context):
    order("000001.XSHE", 200)
"""
OWN_START = """
def process_initialize(context):
    g.__model = object()
    jqfollow_client_demo.install(globals(), context, "demo")
"""

SHAPES = {
    "etf_rotation": HEAD + ETF_ROTATION + START,
    "several_tasks": HEAD + SEVERAL_TASKS + START,
    "own_wrappers": HEAD + OWN_WRAPPERS + START,
    "class_in_g": HEAD + CLASS_IN_G + START,
    "functions_in_an_object": HEAD + FUNCTIONS_IN_AN_OBJECT + START,
    "sub_portfolios": HEAD + SUB_PORTFOLIOS + START,
    "handle_data": HEAD + HANDLE_DATA + START,
    "grid": HEAD + GRID + START,
    "helper_file": HEAD + HELPER_FILE + START,
    "aliases": HEAD + ALIASES + START,
    "basket": HEAD + BASKET + START,
    "own_stop_loss": HEAD + OWN_STOP_LOSS + START,
    "code_changed": HEAD + CODE_CHANGED + OWN_START,
}
HELPERS = {"my_tools": MY_TOOLS}
