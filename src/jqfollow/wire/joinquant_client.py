# -*- coding: utf-8 -*-
"""jqfollow 聚宽客户端：把策略的每一笔订单告诉 jqfollow 服务。由 `jqfollow client 策略名` 生成，内含密钥，不要公开。

两种用法，任选其一：

1. 整个文件粘贴到策略代码的最上方，不用改别的。策略自己有 process_initialize 时，在其中加一行：
       jqfollow_install(globals(), context)

2. 以原名存到研究根目录（文件名里有策略名，各策略各用各的），在策略中写：
       import JQFOLLOW_MODULE
       def process_initialize(context):
           JQFOLLOW_MODULE.install(globals(), context, "JQFOLLOW_NAME")

此后下单、撤单、篮子下单照常使用，返回值与异常不变；客户端的任何错误只写日志。止损单等到触发才跟（分钟策略），看不到触发的
止损单、融资融券不跟，并会说明。

开盘前 9:05、收盘后 15:30 自动上报持仓，分钟策略每分钟看一次挂单。用 handle_data 的策略不自动定时（聚宽不建议混用），
需要时自己调用 jqfollow_before_open(context)、jqfollow_every_bar(context)、jqfollow_after_close(context)。

Python 3.6 and `requests` only. Everything stands under names with jqfollow in them, because a strategy into which this
is pasted may use any other name for itself.
"""

JQFOLLOW_URL = "http://127.0.0.1:8888"
JQFOLLOW_STRATEGY = "demo"
JQFOLLOW_KEY = ""
JQFOLLOW_RELAY_KEY = ""
JQFOLLOW_BUDGET_S = 10.0  # 一次下单最多因发送信号而多等的秒数
JQFOLLOW_SEND_BACKTEST = True  # 回测的信号也发送（能否跟单由服务端决定，实盘账户一律不跟）


from jqfollow.wire.joinquant_reach import _JqFollowReach  # in JoinQuant the class itself stands here
from jqfollow.wire.joinquant_watcher import _JqFollowWatcher  # in JoinQuant the class itself stands here


class _JqFollow(_JqFollowReach, _JqFollowWatcher):
    """What is wrapped, and what runs by itself."""

    URL, STRATEGY, KEY, BUDGET_S = JQFOLLOW_URL, JQFOLLOW_STRATEGY, JQFOLLOW_KEY, JQFOLLOW_BUDGET_S
    RELAY_KEY = JQFOLLOW_RELAY_KEY
    CLIENT = "2"  # version of this file
    NAMES = _JqFollowWatcher.PLACE + _JqFollowWatcher.MARGIN + _JqFollowWatcher.CANCEL
    NAMES += ("batch_submit_orders", "unschedule_all")
    TASKS = (("jqfollow_before_open", "09:05"), ("jqfollow_every_bar", "every_bar"), ("jqfollow_after_close", "15:30"))

    depth = 0  # of wrapped functions calling each other
    placed = []  # what they returned: (order, name, style)
    installed = greeted = False
    originals = {}  # of wrapped functions: id: name
    kept = []  # keeps the originals alive, for an id may be used again
    modules = 0  # so many were loaded when they were last looked through
    unreached = []

    # ---- hooks

    @classmethod
    def install(cls, namespace, context, strategy):
        cls.context = context if context is not None else cls.find_context() or cls.context
        cls.logger = namespace.get("log") or cls.logger
        for name, _ in cls.TASKS:  # JoinQuant remembers them by name, and looks for them even when nothing is followed
            namespace.setdefault(name, globals()[name])
        why = cls.why_refused(namespace, strategy)
        if why:
            cls.tools = cls.tools or namespace
            cls.warn("拒绝安装，订单都不会跟单：%s" % why)
            cls.tell_author("拒绝安装，订单都不会跟单：%s" % why)
            return
        cls.wrap(namespace)
        if not isinstance(namespace.get("order"), _JqFollowed):
            cls.warn("没有找到下单函数 order：请写 install(globals(), context, %r)" % cls.STRATEGY)
        cls.open_book(namespace.get("g"))
        if not cls.installed:
            cls.begin(cls.context)
        cls.installed = True
        cls.schedule(namespace)
        if cls.unreached:
            cls.warn("够不到这些地方的下单函数，由它们下的订单要晚些才能发现：%s" % "、".join(cls.unreached[:20]))

    @classmethod
    def why_refused(cls, namespace, strategy):
        """The strategy's own code must name this file's strategy; pasted, the file is the strategy's own."""
        if strategy == cls.STRATEGY or (strategy is None and namespace is globals()):
            return ""
        if strategy is None:
            return "没有写明策略名，应写 install(globals(), context, %r)" % cls.STRATEGY
        return "策略写的是 %r，而这个文件属于 %r" % (strategy, cls.STRATEGY)

    @classmethod
    def greet(cls):
        """Says hello, once in a process."""
        run = cls.run_type(cls.context)
        if cls.greeted or not cls.installed or not cls.may_send(run):
            return
        cls.greeted = True
        fields = [("note", "启动"), ("client", cls.CLIENT), ("frequency", cls.frequency(cls.context))]
        fields += [("as_module", cls.namespace is not globals()), ("watches", cls.watches)]
        if cls.unreached:
            fields.append(("unreached", [name[:40] for name in cls.unreached[:5]]))
        hello = cls.message("hello", run, fields, "启动消息")
        if not cls.pump([hello]):
            cls.drop(hello)

    @classmethod
    def wrap(cls, namespace):
        if cls.namespace is not namespace:
            cls.namespace = namespace
            # As the platform gave them, for a strategy may take the names later.
            cls.tools = {name: namespace.get(name) for name in ("get_orders", "send_message", "run_daily")}
        cls.logger = namespace.get("log") or cls.logger
        for name in cls.NAMES:
            found = namespace.get(name)
            if callable(found) and not isinstance(found, _JqFollowed):
                # One of a client that this process loaded before is taken off first.
                original = getattr(found, "jqfollow_original", found)
                cls.originals[id(original)] = name
                cls.kept.append(original)
                namespace[name] = _JqFollowed(original, name)
        cls.reach_all()

    @classmethod
    def reach_all(cls):
        cls.modules = len(cls.sys.modules)
        platform = set()
        for one in cls.kept:
            homes = [getattr(one, "__module__", None), getattr(one, "__globals__", {}).get("__name__")]
            platform.update(str(home).partition(".")[0] for home in homes)
        cls.unreached = cls.unreached + cls.reach(cls.originals, _JqFollowed, cls.namespace, platform)

    @classmethod
    def schedule(cls, namespace):
        """The client's own tasks, once in a strategy's life: JoinQuant remembers schedules, and `g`."""
        run_daily, context = cls.tools.get("run_daily"), cls.context
        if not cls.lasting or run_daily is None or "handle_data" in namespace or cls.run_type(context) != "sim_trade":
            return
        done, yesterday = cls.book["scheduled"], str(getattr(context, "previous_date", None) or "")[:10]
        if done[0] < yesterday and cls.book["ran"] < yesterday:
            done[:] = [cls.today(context), []]  # they did not run: the strategy has unscheduled them, unseen
        try:
            for name, time in cls.TASKS:
                if name not in done[1] and (time != "every_bar" or cls.frequency(context) == "minute"):
                    run_daily(namespace[name], time=time)
                    done[0] = cls.today(context)
                    done[1].append(name)
        except Exception as error:
            cls.warn(
                "不能定时上报持仓，需要时请自己 run_daily(jqfollow_after_close, time='15:30')：%s" % cls.short(error)
            )
        cls.watches = "jqfollow_every_bar" in done[1]

    @classmethod
    def call(cls, original, name, args, kwargs):
        cls.depth += 1
        result = None
        try:
            result = original(*args, **kwargs)
            return result
        finally:
            # Also when it raised: what a nested call has placed is placed.
            cls.depth -= 1
            try:
                cls.called(result, name, args, kwargs)
            except Exception as error:
                cls.warn("客户端出错，本次订单可能未发送：%s" % cls.short(error))

    @classmethod
    def called(cls, result, name, args, kwargs):
        if name == "unschedule_all":
            if cls.installed:
                cls.book["scheduled"] = ["", []]
                cls.schedule(cls.namespace)
            return
        if result is not None:
            cls.placed = cls.placed + cls.returned(result, name, args, kwargs)
        if cls.depth:
            return
        placed, cls.placed = cls.once(cls.placed), []
        cls.context = cls.find_context() or cls.context
        if not cls.installed:  # pasted, and the strategy has a process_initialize of its own
            cls.warn("process_initialize 里没有调用 jqfollow_install(globals(), context)，现在补装")
            cls.install(cls.namespace, cls.context, cls.STRATEGY)
        if cls.modules != len(cls.sys.modules):
            cls.reach_all()
        if cls.may_send(cls.run_type(cls.context)):
            cls.look(cls.context, placed)
        cls.greet()

    @classmethod
    def once(cls, placed):
        """Each order once, with the style that any of the functions which called each other was given."""
        found = cls.collections.OrderedDict()
        for order, name, style in placed:
            key = (str(getattr(order, "order_id", id(order))), name in cls.CANCEL)
            before = found.get(key, (order, name, None))
            found[key] = (order, before[1] if before[1] in cls.MARGIN else name, before[2] or style)
        return list(found.values())

    @classmethod
    def returned(cls, result, name, args, kwargs):
        """[(order, name, style)] of what a wrapped function gave back."""
        if name in cls.PLACE or name in cls.MARGIN:
            return [(result, name, kwargs.get("style", args[2] if len(args) > 2 else None))]
        if name == "cancel_order":
            return [(result, name, None)]
        asked = list(args[0] if args else kwargs.get("orders") or ()) if name == "batch_submit_orders" else []
        found = []
        for one in result.values() if isinstance(result, dict) else result:
            order = one if hasattr(one, "order_id") else (cls.listed() or {}).get(str(one))
            if order is not None:
                wanted = [told for told in asked if cls.is_asked(told, order)]
                style = wanted[0].get("style") if wanted else None
                asked = [told for told in asked if not wanted or told is not wanted[0]]
                found.append((order, name, style))
        return found

    @classmethod
    def is_asked(cls, told, order):
        code = told.get("security", told.get("code"))
        return code == order.security and (told.get("amount", 0) > 0) == bool(order.is_buy)

    @classmethod
    def find_context(cls):
        """The context of the strategy's function that is running: an argument of it, whatever its name."""
        frame = cls.sys._getframe(1)
        while frame is not None:
            code = frame.f_code
            for name in code.co_varnames[: code.co_argcount]:
                value = frame.f_locals.get(name)
                try:
                    if value is not None and hasattr(value, "run_params") and hasattr(value, "portfolio"):
                        return value
                except Exception:  # a strange object's own attribute access
                    continue
            frame = frame.f_back
        return None

    @classmethod
    def task(cls, context, when):
        """A task of the client's own: `open`, `close`, or empty for every bar."""
        if not cls.installed or not cls.may_send(cls.run_type(context)):
            return
        cls.context = context
        cls.book["ran"] = cls.today(context)
        cls.look(context, (), when == "close")
        if not when or cls.has_reported(context, when):
            return
        if when == "close":
            cls.compare(context)
        cls.report(context, when)

    @staticmethod
    def may_send(run):
        return JQFOLLOW_SEND_BACKTEST or run == "sim_trade"


class _JqFollowed:
    """An order function that also tells the service. Pickled as the function it wraps; install() wraps that again."""

    def __init__(self, original, name):
        self.jqfollow_original = original
        self.__name__ = name
        self.__doc__ = getattr(original, "__doc__", None)

    def __call__(self, *args, **kwargs):
        return _JqFollow.call(self.jqfollow_original, self.__name__, args, kwargs)

    def __reduce__(self):
        return _JqFollow.operator.itemgetter(0), ((self.jqfollow_original,),)


def jqfollow_install(namespace, context=None, strategy=None):
    """Makes the order functions in `namespace` (a strategy's globals()) tell the service; again does no harm."""
    try:
        _JqFollow.install(namespace, context, strategy)
        _JqFollow.greet()
    except Exception as error:
        _JqFollow.warn("安装失败，订单可能不会发送：%s" % _JqFollow.short(error))


def jqfollow_before_open(context):
    """Tells the positions before the open; at most once a day."""
    try:
        _JqFollow.task(context, "open")
    except Exception as error:
        _JqFollow.warn("持仓没有上报：%s" % _JqFollow.short(error))


def jqfollow_every_bar(context):
    """Looks at what became of open orders; sends nothing when nothing has changed."""
    try:
        _JqFollow.task(context, "")
    except Exception as error:
        _JqFollow.warn("没有看成挂单：%s" % _JqFollow.short(error))


def jqfollow_after_close(context):
    """Compares the day's orders and tells the positions; at most once a day."""
    try:
        _JqFollow.task(context, "close")
    except Exception as error:
        _JqFollow.warn("持仓没有上报：%s" % _JqFollow.short(error))


install = jqfollow_install

if "order" in globals():  # pasted into a strategy

    def process_initialize(context):
        """JoinQuant calls it at each start of the process; a strategy's own one takes its place."""
        jqfollow_install(globals(), context)

    _JqFollow.wrap(globals())
