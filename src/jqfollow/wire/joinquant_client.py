# -*- coding: utf-8 -*-
"""jqfollow 聚宽客户端：把策略的每一笔委托告诉 jqfollow 服务。由 `jqfollow client 策略名` 生成，内含密钥，不要公开。

两种用法，任选其一：

1. 整个文件粘贴到策略代码的最上方，不用改别的。策略自己有 process_initialize 时，在其中加一行：
       jqfollow_install(globals(), context)

2. 存为研究根目录下的 jqfollow_client.py，在策略中写：
       import jqfollow_client
       def process_initialize(context):
           jqfollow_client.install(globals(), context)

此后 order、order_value、order_target、order_target_value、order_percent、order_target_percent、cancel_order 照常使用，
返回值与异常不变；客户端的任何错误只写日志。

收盘后 15:30 自动上报持仓。用 handle_data 的策略不自动定时（聚宽不建议混用），需要时自己调用
jqfollow_after_close(context)；更改代码后若调用了 unschedule_all，请自己再加
run_daily(jqfollow_after_close, time='15:30')。

Python 3.6 and `requests` only. Everything stands under names with jqfollow in them, because a strategy into which this
is pasted may use any other name for itself.
"""

JQFOLLOW_URL = "http://127.0.0.1:8888"
JQFOLLOW_STRATEGY = "demo"
JQFOLLOW_KEY = ""
JQFOLLOW_RELAY_KEY = ""
JQFOLLOW_BUDGET_S = 10.0  # 一次下单最多因发送信号而多等的秒数
JQFOLLOW_SEND_BACKTEST = True  # 回测的信号也发送（能否跟单由服务端决定，实盘账户一律不跟）


from jqfollow.wire.joinquant_link import _JqFollowLink  # the file that goes into JoinQuant has the class here instead


class _JqFollow(_JqFollowLink):
    """What is told, and when."""

    URL, STRATEGY, KEY, BUDGET_S = JQFOLLOW_URL, JQFOLLOW_STRATEGY, JQFOLLOW_KEY, JQFOLLOW_BUDGET_S
    RELAY_KEY = JQFOLLOW_RELAY_KEY
    NAMES = (
        "order",
        "order_value",
        "order_target",
        "order_target_value",
        "order_percent",
        "order_target_percent",
        "cancel_order",
    )
    STATUS = {0: "open", 1: "filled", 2: "canceled", 3: "rejected", 4: "held", 8: "new", 9: "pending_cancel"}
    MAX_QUEUE = 20
    MAX_BODY = 1000  # bytes: JoinQuant uploads some 10 kbit/s

    process = "%x-%s" % (int(_JqFollowLink.now() * 1000), _JqFollowLink.os.urandom(2).hex())
    number = 0
    depth = 0  # of wrapped functions calling each other
    placed = []  # what they returned: (order, is_cancel, style)
    told = _JqFollowLink.collections.OrderedDict()
    context = None
    greeted = False
    reported = None

    # ---- hooks

    @classmethod
    def install(cls, namespace, context):
        cls.context = context if context is not None else cls.find_context()
        cls.wrap(namespace)
        if not isinstance(namespace.get("order"), _JqFollowed):
            cls.warn("没有找到下单函数 order：请写 jqfollow_client.install(globals(), context)")
        namespace.setdefault("jqfollow_after_close", jqfollow_after_close)
        run = cls.run_type(cls.context)
        if run == "sim_trade":
            cls.schedule(namespace)
        if not cls.greeted and cls.may_send(run):
            cls.greeted = True
            cls.pump([cls.message("hello", run, [("note", "启动")], "启动消息")])

    @classmethod
    def wrap(cls, namespace):
        cls.logger = namespace.get("log") or cls.logger
        for name in cls.NAMES:
            found = namespace.get(name)
            if callable(found) and not isinstance(found, _JqFollowed):
                # One of a client that this process loaded before is taken off first.
                original = getattr(found, "jqfollow_original", found)
                namespace[name] = _JqFollowed(original, name)

    @classmethod
    def schedule(cls, namespace):
        """The report after the close, once in a strategy's life: JoinQuant remembers schedules, and `g`."""
        run_daily, g = namespace.get("run_daily"), namespace.get("g")
        if run_daily is None or g is None or "handle_data" in namespace or getattr(g, "jqfollow_scheduled", False):
            return
        try:
            run_daily(namespace["jqfollow_after_close"], time="15:30")
            g.jqfollow_scheduled = True
        except Exception as error:
            cls.warn(
                "不能定时上报持仓，需要时请自己 run_daily(jqfollow_after_close, time='15:30')：%s" % cls.short(error)
            )

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
                cls.called(result, name == "cancel_order", args, kwargs)
            except Exception as error:
                cls.warn("客户端出错，本次委托未发送：%s" % cls.short(error))

    @classmethod
    def called(cls, result, is_cancel, args, kwargs):
        style = None if is_cancel else kwargs.get("style", args[2] if len(args) > 2 else None)
        if result is not None:
            cls.placed.append((result, is_cancel, style))
        if cls.depth or not cls.placed:
            return
        placed, cls.placed = cls.placed, []
        context = cls.find_context() or cls.context
        run = cls.run_type(context)
        if not cls.may_send(run):
            return
        number = cls.number
        for order, cancel, own_style in placed:
            try:
                message = cls.order_message(order, cancel, style or own_style, context, run)
            except Exception as error:
                cls.warn("读不懂委托 %r，未发送：%s" % (order, cls.short(error)))
            else:
                cls.queue.extend([message] if message else [])
        while len(cls.queue) > cls.MAX_QUEUE:
            cls.warn("积压过多，放弃：%s" % cls.queue.pop(0)["label"])
        if cls.number > number:
            cls.pump(cls.queue)

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

    # ---- what is said

    @classmethod
    def order_message(cls, order, is_cancel, style, context, run):
        """The message that tells of `order`, or None when there is nothing to follow or it was told."""
        status = cls.word(order.status)
        amount = int(order.amount)
        if amount <= 0 or status == "rejected" or (is_cancel and status == "held"):
            return None
        order_id = str(order.order_id)
        key = (order_id, is_cancel)
        if key in cls.told:
            return None
        cls.told[key] = True
        while len(cls.told) > 1000:
            cls.told.popitem(last=False)
        if is_cancel:
            status = "canceled"
        security, is_buy, filled = str(order.security), bool(order.is_buy), int(order.filled or 0)
        side = cls.word(getattr(order, "side", None) or "long")
        added = order.add_time
        told = [
            ("order_id", order_id),
            ("security", security),
            ("is_buy", is_buy),
            ("amount", amount),
            ("filled", filled),
            ("price", cls.number_text(order.price)),
            ("limit", cls.limit(style, order)),
            ("status", status),
            ("side", side),
            ("action", cls.word(getattr(order, "action", None) or "") or None),
            ("add_time", added.strftime("%Y-%m-%d %H:%M:%S") if hasattr(added, "strftime") else str(added)[:19]),
        ]
        resting = amount - filled if status in ("new", "open", "filled") else 0
        fields = [
            ("order", cls.collections.OrderedDict(told)),
            ("position", cls.position(context, security, side, resting if is_buy else -resting)),
            ("total_value", cls.total_value(context)),
        ]
        label = "%s%s %s %d" % ("撤单 " if is_cancel else "", "买入" if is_buy else "卖出", security, amount)
        return cls.message("order", run, fields, label, order_id)

    @classmethod
    def limit(cls, style, order):
        """The limit price, None for a market order; raises when there is one that cannot be read."""
        style = style if style is not None else getattr(order, "style", None)
        if "LimitOrderStyle" not in [base.__name__ for base in type(style).__mro__]:
            return None
        text = cls.number_text(style.limit_price)
        if text is None:
            raise ValueError("limit_price %r" % (style.limit_price,))
        return text

    @classmethod
    def position(cls, context, security, side, resting):
        """What the strategy holds once the order is done; None when nobody can say."""
        try:
            if side != "long":
                return None
            positions = context.portfolio.positions
            held = positions[security] if security in positions else None  # noqa: SIM401 - JoinQuant's is no dict
            amount = cls.at_least_0(cls.held_amount(held) + resting)
            closeable = cls.at_least_0(held.closeable_amount) if held else 0
            return cls.collections.OrderedDict([("amount", amount), ("closeable", closeable)])
        except Exception:  # no context, or one of another shape: the signal goes without
            return None

    @staticmethod
    def held_amount(held):
        # JoinQuant leaves what resting orders have locked out of total_amount.
        return int(held.total_amount) + int(getattr(held, "locked_amount", 0) or 0) if held else 0

    @classmethod
    def total_value(cls, context):
        return cls.number_text(getattr(getattr(context, "portfolio", None), "total_value", None), 2)

    @classmethod
    def report(cls, context):
        """The positions after the close, in as many messages as their size takes."""
        day, run = str(getattr(context, "current_dt", ""))[:10], cls.run_type(context)
        if not cls.may_send(run) or (day and day == cls.reported):
            return
        cls.reported = day
        portfolio = context.portfolio
        head = [("cash", cls.number_text(portfolio.available_cash, 2)), ("total_value", cls.total_value(context))]
        chunks = [cls.collections.OrderedDict()]
        for security, held in portfolio.positions.items():
            amount = cls.held_amount(held)
            if amount <= 0:
                continue
            told = [("amount", amount), ("closeable", cls.at_least_0(held.closeable_amount))]
            told += [("avg_cost", cls.number_text(held.avg_cost)), ("price", cls.number_text(held.price))]
            chunks[-1][str(security)] = cls.collections.OrderedDict(told)
            trial = cls.message("positions", run, head + [("positions", chunks[-1]), ("part", 999), ("parts", 999)], "")
            if len(chunks[-1]) > 1 and cls.body_size(trial) > cls.MAX_BODY:
                chunks.append(cls.collections.OrderedDict([chunks[-1].popitem()]))
        for part, chunk in enumerate(chunks, 1):
            fields = head + [("positions", chunk)]
            if len(chunks) > 1:
                fields += [("part", part), ("parts", len(chunks))]
            if not cls.pump([cls.message("positions", run, fields, "收盘持仓 %d/%d" % (part, len(chunks)))]):
                return

    @classmethod
    def message(cls, kind, run, fields, label, name="0"):
        cls.number += 1
        made_at = int(cls.now() * 1000)
        text = cls.collections.OrderedDict([("kind", kind), ("run", run), ("made_at", made_at)] + fields)
        name = cls.re.sub("[^A-Za-z0-9._:-]", "_", name)[-24:]
        return {
            "id": "%s-%s-%s-%d" % (cls.STRATEGY[:30], cls.process, name, cls.number),
            "kind": kind,
            "text": cls.json.dumps(text, ensure_ascii=False, separators=(",", ":"), allow_nan=False),
            "made_at": made_at,
            "label": label,
        }

    @classmethod
    def body_size(cls, message):
        boxed = (len(message["text"].encode("utf-8")) + 28 + 2) // 3 * 4
        return len(cls.dumps(cls.envelope(message["id"], 0, ""))) + 10 + boxed

    @classmethod
    def word(cls, value):
        """The last word of an enumeration's value, however it prints; JoinQuant's status numbers by name."""
        text = str(getattr(value, "name", None) or value).rpartition(".")[2].strip().lower()
        return cls.STATUS.get(int(text), text) if text.isdigit() else text

    @staticmethod
    def at_least_0(value):
        return int(value) if value > 0 else 0

    @staticmethod
    def number_text(value, digits=6):
        try:
            number = float(value)
        except (TypeError, ValueError):
            return None
        text = "%.*f" % (digits, number) if 0 < number < 1e12 else "0"  # NaN is not between
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return text if text != "0" else None

    @classmethod
    def run_type(cls, context):
        text = cls.word(getattr(getattr(context, "run_params", None), "type", None) or "unknown")
        return text if cls.re.match("[a-z_]{1,32}$", text) else "unknown"

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


def jqfollow_install(namespace, context=None):
    """Makes the order functions in `namespace` (a strategy's globals()) tell the service; again does no harm."""
    try:
        _JqFollow.install(namespace, context)
    except Exception as error:
        _JqFollow.warn("安装失败，委托可能不会发送：%s" % _JqFollow.short(error))


def jqfollow_after_close(context):
    """Tells the positions; at most once a day."""
    try:
        _JqFollow.report(context)
    except Exception as error:
        _JqFollow.warn("持仓没有上报：%s" % _JqFollow.short(error))


install = jqfollow_install

if "order" in globals():  # pasted into a strategy

    def process_initialize(context):
        """JoinQuant calls it at each start of the process; a strategy's own one takes its place."""
        jqfollow_install(globals(), context)

    _JqFollow.wrap(globals())
