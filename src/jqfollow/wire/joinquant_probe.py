# -*- coding: utf-8 -*-
"""jqfollow 探针：贴进聚宽，新建按分钟的模拟交易跑两天，把日志里 [probe] 开头的行抄下来。只用模拟资金，不连任何服务。

Prints what only the platform knows; what it found has its place in docs/acceptance.md.
"""

import sys
import threading
import time

CODE = "000001.XSHE"
EX_CODES = []  # 明天除权（送转、分红）的代码，有就写上：今天买一手，看股数怎么变


def say(name, function):
    try:
        log.info("[probe] %s = %s" % (name, function()))
    except Exception as error:
        log.info("[probe] %s ! %s: %s" % (name, type(error).__name__, error))


def initialize(context):
    g.bars = 0
    for function, at in ((show, "before_open"), (at_open, "9:30"), (at_bar, "every_bar"), (show, "after_close")):
        run_daily(function, time=at)


def show(context):
    for code, held in list(context.portfolio.positions.items()):
        say("held " + code, lambda: (held.total_amount, held.locked_amount, held.closeable_amount, held.avg_cost))
    say("listed", lambda: [(key, str(one.status), one.filled, str(one.add_time)) for key, one in get_orders().items()])


def at_open(context):
    say("versions", lambda: (sys.version.split()[0], __import__("requests").__version__))
    say("clocks", lambda: (time.strftime("%H:%M:%S"), str(context.current_dt), str(context.previous_date)))
    say("run", lambda: (context.run_params.type, context.run_params.frequency, len(context.subportfolios)))
    say("functions", lambda: (order.__module__, type(order), get_orders.__module__, __name__, type(g)))
    for code in [CODE] + EX_CODES:
        say("before the open", lambda: repr(order(code, 100)))


def at_bar(context):
    g.bars += 1
    if g.bars == 3:
        price = get_current_data()[CODE].last_price
        rests = order(CODE, 100, LimitOrderStyle(round(price * 0.95, 2)))
        say("status prints", lambda: (str(rests.status), repr(rests.status), type(rests.status)))
        say("an order has", lambda: [name for name in dir(rests) if name[:2] != "__"])
        say("same object", lambda: [found()[rests.order_id] is rests for found in (get_orders, get_open_orders)])
        say("stop", lambda: repr(order(CODE, 100, StopMarketOrderStyle("stop_loss", round(price * 1.05, 2)))))
        say("basket gives", lambda: repr(batch_submit_orders([{"security": CODE, "amount": 100}])))
        say("target", lambda: repr(order_target(CODE, 400)))
        say("lives on", lambda: (str(rests.status), str(get_orders()[rests.order_id].status)))
        say("scheduled late", lambda: run_daily(show, time="11:31"))
        say("threads", lambda: threading.Thread(target=time.sleep, args=(0,)).start())
        start = time.time()
        say("no answer", lambda: __import__("requests").get("http://10.255.255.1", timeout=3))
        say("took", lambda: round(time.time() - start, 1))
        say("message", lambda: send_message("jqfollow probe"))
    if g.bars in (4, 239):
        show(context)
