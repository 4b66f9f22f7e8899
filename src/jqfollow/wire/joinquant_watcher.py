"""What became of the strategy's orders: looked at with every order function, and every minute where that can be."""

from jqfollow.wire.joinquant_teller import _JqFollowTeller  # in JoinQuant the class itself stands here


class _JqFollowWatcher(_JqFollowTeller):
    """Decides what is told when."""

    PLACE = ("order", "order_value", "order_target", "order_target_value", "order_percent", "order_target_percent")
    MARGIN = ("margincash_open", "margincash_close", "marginsec_open", "marginsec_close")
    CANCEL = ("cancel_order", "batch_cancel_orders")
    STYLES = ("market", "limit", "stop_market", "stop_limit")
    MARKET = ("market", None, None)
    FRESH_MIN = 2  # what is found later than so many minutes of trading after it happened is not followed
    MOST_OBJECTS = 300

    watches = False  # whether every_bar runs
    looked = None  # JoinQuant's time when its orders were last looked at
    objects = {}  # of this process, for a platform without get_orders

    @classmethod
    def begin(cls, context):
        """What stands in JoinQuant's list before the client does is no business of its own."""
        cls.looked = getattr(context, "current_dt", None)
        for order in (cls.listed() or {}).values():
            told = cls.read(order)
            cls.book["orders"].setdefault(told["id"], cls.record(told, None, "before"))

    @classmethod
    def look(cls, context, placed=(), closing=False):
        """Tells what was placed, what became of earlier orders, and what the client did not see being placed."""
        run, known = cls.run_type(context), cls.book["orders"]
        if cls.book.get("day") != cls.today(context):
            cls.forget(cls.today(context))
            cls.objects = {name: order for name, order in cls.objects.items() if name in known}
            cls.book["day"], cls.book["lost"] = cls.today(context), 0
        listed = cls.listed()
        orders = dict(cls.objects) if listed is None else listed
        scene = (context, run, orders)
        mine = [str(getattr(order, "order_id", "")) for order, _, _ in placed]
        for order_id, order in orders.items():
            if order_id in known and order_id not in mine and known[order_id]["state"] in ("told", "watched"):
                cls.guarded(cls.watch, order, scene, closing)
        for order, name, style in placed:
            cls.guarded(cls.tell, order, scene, name, style)
        for order_id, order in orders.items():
            if order_id not in known:
                cls.guarded(cls.find, order, scene)
        cls.tell_news(context, run, orders)
        cls.looked = getattr(context, "current_dt", None)
        if cls.queue and cls.pump(cls.queue):
            cls.tell_news(context, run, orders)  # what was given up meanwhile
            cls.pump(cls.queue)

    @classmethod
    def guarded(cls, function, order, *args):
        """One order that cannot be read must not hide the others."""
        try:
            function(order, *args)
        except Exception as error:
            cls.warn("读不懂订单 %r，未发送：%s" % (order, cls.short(error)))

    @classmethod
    def record(cls, told, style, state):
        one = {"day": told["day"], "security": told["security"], "filled": told["filled"], "state": state}
        if style is not None:
            one["style"] = list(style)
        return one

    # ---- what a wrapped function gave back

    @classmethod
    def tell(cls, order, scene, name, style):
        told = cls.read(order)
        before = cls.book["orders"].get(told["id"], {})
        if told["amount"] <= 0:
            return
        cls.objects[told["id"]] = order
        while len(cls.objects) > cls.MOST_OBJECTS:
            del cls.objects[next(iter(cls.objects))]
        if name in cls.CANCEL:
            cls.tell_cancel(told, before, scene)
        elif before.get("state", "before") == "before":  # else one wrapped name called another
            cls.tell_placed(told, scene, name, cls.style(style))

    @classmethod
    def tell_placed(cls, told, scene, name, style):
        is_stop, refuse = style[0] in ("stop_market", "stop_limit"), None
        if name in cls.MARGIN:
            refuse = "margin"
        elif style[0] not in cls.STYLES:
            refuse = "unknown_style"
        elif is_stop and told["filled"]:
            style = cls.triggered(style)
        elif is_stop and told["status"] in cls.UNFINISHED and cls.watches:
            cls.book["orders"][told["id"]] = cls.record(told, style, "watched")
            cls.say("止损止盈单 %s（触发价 %s）等触发后再跟" % (told["security"], style[2]))
            return
        elif is_stop:
            refuse = "stop_order"
        if refuse:
            why = {"margin": "融资融券", "stop_order": "看不到何时触发的止损止盈单"}
            cls.warn("不跟 %s 的订单：%s" % (told["security"], why.get(refuse, "不认识的下单方式 " + style[0])))
        cls.send_order(told, style, scene, refuse)

    @classmethod
    def tell_cancel(cls, told, before, scene):
        state = before.get("state")
        if told["status"] == "held":
            cls.progress(told, before)
        elif state in ("done", "refused", "late") or before.get("canceled"):
            return
        elif state == "watched" and not told["filled"]:
            before["state"] = "done"
        else:
            # JoinQuant may still be at it: what it has filled in the end is then told as an end.
            state = "done" if told["status"] in cls.OVER else "told"
            told["status"] = "canceled"
            cls.send_order(told, cls.triggered(before.get("style") or cls.MARKET), scene)
            cls.book["orders"][told["id"]].update(canceled=True, state=state)

    @classmethod
    def send_order(cls, told, style, scene, refuse=None, found=False):
        context, run, orders = scene
        known, before = cls.book["orders"], cls.book["orders"].get(told["id"])
        state = "refused" if refuse else "done" if told["status"] in cls.OVER else "told"
        known[told["id"]] = cls.record(told, style, state)
        try:
            message = cls.order_message(told, style, context, run, orders, refuse, found)
        except Exception:
            known.pop(told["id"])
            known.update({} if before is None else {told["id"]: before})
            raise
        cls.enqueue(message)

    @staticmethod
    def triggered(style):
        """What a stop has become."""
        return {"stop_market": ["market", None, None], "stop_limit": ["limit", style[1], None]}.get(style[0], style)

    # ---- what JoinQuant's list says

    @classmethod
    def watch(cls, order, scene, closing):
        """What became of an order that is known and not over."""
        told = cls.read(order)
        before = cls.book["orders"][told["id"]]
        if before["state"] == "watched":
            cls.watch_trigger(told, before, scene)
        elif told["status"] in ("canceled", "rejected"):
            cls.end(told, before)
        elif closing and told["status"] in ("open", "filled", "pending_cancel"):
            told["status"] = "canceled"  # the day is over, though JoinQuant may end it only later
            cls.end(told, before)
        else:
            cls.progress(told, before)

    @classmethod
    def watch_trigger(cls, told, before, scene):
        style = before.get("style")
        if not told["filled"]:
            before["state"] = "done" if told["status"] in cls.OVER else "watched"
        elif style is None and told["status"] not in cls.OVER:
            return  # nobody knows at which price its rest stands
        elif cls.is_fresh(cls.looked, scene[0]):
            cls.send_order(told, cls.triggered(style or cls.MARKET), scene, None, style is None)
        else:
            cls.late(told)

    @classmethod
    def find(cls, order, scene):
        """An order that no wrapped function gave back."""
        told = cls.read(order)
        if told["amount"] <= 0 or (told["status"] in cls.OVER and not told["filled"]):
            cls.book["orders"][told["id"]] = cls.record(told, None, "done")
        elif told["status"] in cls.UNFINISHED:
            cls.book["orders"][told["id"]] = cls.record(told, None, "watched")
            cls.warn("发现不是经由本客户端下的订单 %s，全部成交后再跟" % told["security"])
        elif cls.is_fresh(order.add_time, scene[0]):
            cls.send_order(told, cls.MARKET, scene, None, True)
        else:
            cls.late(told)

    @classmethod
    def late(cls, told):
        cls.book["orders"][told["id"]] = cls.record(told, None, "late")
        cls.warn("没有跟到 %s 的订单 %s：发现时已经过时" % (told["security"], told["id"]))

    @classmethod
    def end(cls, told, before):
        before.update(filled=told["filled"], state="done")
        cls.book["ended"].append({name: told[name] for name in ("id", "day", "filled", "status", "security")})

    @classmethod
    def progress(cls, told, before):
        is_whole = told["status"] == "held"
        if before.get("state") != "told" or (told["filled"] <= before["filled"] and not is_whole):
            return
        before.update(filled=told["filled"], state="done" if is_whole else "told")
        entry = {name: told[name] for name in ("id", "day", "filled", "security")}
        entry["status"] = "held" if is_whole else "filled"
        cls.book["progress"].append(entry)

    @classmethod
    def is_fresh(cls, then, context):
        """Whether `then` was so short ago that what has happened since may still be followed."""
        try:
            now = context.current_dt
            return then.date() == now.date() and cls.traded(now) - cls.traded(then) <= cls.FRESH_MIN
        except Exception:  # no time, or one of another kind
            return False

    @classmethod
    def traded(cls, moment):
        """Minutes of trading since the open."""
        minute = moment.hour * 60 + moment.minute
        return cls.part(minute - 570) + cls.part(minute - 780)  # 9:30, 13:00

    @staticmethod
    def part(minutes):
        return 0 if minutes < 0 else 120 if minutes > 120 else minutes
