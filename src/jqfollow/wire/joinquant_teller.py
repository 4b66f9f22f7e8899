"""What the client tells the service: orders, what became of them, positions, and what it could not tell."""

from jqfollow.wire.joinquant_book import _JqFollowBook  # in JoinQuant the class itself stands here


class _JqFollowTeller(_JqFollowBook):
    """Makes messages, numbered in each process; each takes along what is new about orders told before."""

    MAX_QUEUE = 200
    MAX_BODY = 1000  # bytes: JoinQuant uploads some 10 kbit/s
    MOST_LISTED = 20  # entries of one list in one message
    NEWS = ("ended", "progress", "dropped")
    TOLD = ("told", "done", "refused")

    process = "%x-%s" % (int(_JqFollowBook.now() * 1000), _JqFollowBook.os.urandom(2).hex())
    number = 0

    # ---- orders

    @classmethod
    def order_message(cls, told, style, context, run, orders, refuse=None, found=False):
        """The message that tells of `told` (see `read`), with the position once it is done."""
        kind, limit, stop = style
        status = told["status"]
        order = [
            ("order_id", told["id"]),
            ("security", told["security"]),
            ("is_buy", told["is_buy"]),
            ("amount", told["amount"]),
            ("filled", told["filled"]),
            ("price", told["price"]),
            ("limit", limit),
            ("status", status),
            ("side", told["side"]),
            ("action", told["action"]),
            ("add_time", told["added"]),
            ("style", kind),
        ]
        more = [("stop", stop), ("refuse", refuse), ("pindex", told["pindex"]), ("found", found)]
        order += [(name, value) for name, value in more if value]
        rest = told["amount"] - told["filled"] if status in ("new", "open", "filled") and not refuse else 0
        fields = [
            ("order", cls.collections.OrderedDict(order)),
            ("position", cls.position(context, told, rest, orders)),
            ("total_value", cls.total_value(context)),
        ]
        what = "撤单 " if status == "canceled" else "不跟 " if refuse else ""
        label = "%s%s %s %d" % (what, "买入" if told["is_buy"] else "卖出", told["security"], told["amount"])
        message = cls.message("order", run, fields, label, told["id"])
        message["expires"] = status not in ("canceled", "rejected")
        message["buys"] = told["is_buy"]
        return message

    @classmethod
    def position(cls, context, told, rest, orders):
        """What the strategy holds now, and once the order is done; None when nobody can say."""
        try:
            if told["side"] != "long":
                return None
            held, closeable, locked = cls.held(context, told["security"])
            after = cls.at_least_0(held + (rest if told["is_buy"] else -rest))
            fields = [("amount", after), ("closeable", closeable), ("held", held)]
            resting = cls.resting(orders).get(told["security"], [0, 0])
            more = [("resting_buy", resting[0]), ("resting_sell", resting[1]), ("locked", locked)]
            return cls.collections.OrderedDict(fields + [(name, value) for name, value in more if value])
        except Exception:  # no context, or one of another shape: the signal goes without
            return None

    # ---- everything

    @classmethod
    def has_reported(cls, context, when):
        reported, day = cls.book["reported"], cls.today(context)
        if reported[0] != day:
            reported[:] = [day, []]
        return bool(day) and when in reported[1]

    @classmethod
    def report(cls, context, when):
        """All positions, in as many messages as their size takes; never while an order waits to be delivered."""
        day, run = cls.today(context), cls.run_type(context)
        if not cls.pump(cls.queue):
            return
        cls.book["reported"][1].append(when)
        head = [("cash", cls.number_text(context.portfolio.available_cash, 2))]
        head += [("total_value", cls.total_value(context)), ("day", day or None), ("when", when)]
        head.append(("report", "%s-%d" % (cls.process[-24:], cls.number + 1)))
        chunks = cls.chunks(cls.everything(context, cls.listed()), head)
        for part, chunk in enumerate(chunks, 1):
            fields = head + [("positions", chunk), ("part", part), ("parts", len(chunks))]
            label = "%s持仓 %d/%d" % ("盘前" if when == "open" else "收盘", part, len(chunks))
            message = cls.message("positions", run, fields, label)
            if not cls.pump([message]):
                cls.drop(message)
                return

    @classmethod
    def everything(cls, context, orders):
        """By code, what is held and what rests."""
        found, resting = cls.all_held(context), cls.resting(orders)
        told = cls.collections.OrderedDict()
        for security in list(found) + [code for code in resting if code not in found]:
            held = found.get(security, [0, 0, 0, None, None])
            fields = cls.holding(held, resting.get(security, [0, 0]))
            fields[2:2] = [("avg_cost", held[3]), ("price", held[4])] if held[0] > 0 else []
            if held[0] > 0 or len(fields) > 2:
                told[security] = cls.collections.OrderedDict(fields)
        return told

    @classmethod
    def holding(cls, held, resting):
        more = [("locked", held[2]), ("resting_buy", resting[0]), ("resting_sell", resting[1])]
        fields = [("amount", cls.at_least_0(held[0])), ("closeable", cls.at_least_0(held[1]))]
        return fields + [(name, value) for name, value in more if value]

    @classmethod
    def chunks(cls, positions, head):
        """`positions` in pieces that each fit into one message."""
        room = cls.room("0") - len(cls.text("positions", "sim_trade", 0, head, {}).encode("utf-8")) - 60
        chunks, left = [cls.collections.OrderedDict()], room
        for security, fields in positions.items():
            size = len(cls.compact({security: fields}).encode("utf-8"))
            if size > left and chunks[-1]:
                chunks.append(cls.collections.OrderedDict())
                left = room
            chunks[-1][security] = fields
            left -= size
        return chunks

    @classmethod
    def compare(cls, context):
        """After the close: JoinQuant's list of the day against what was told; a difference is told."""
        known, day, orders = cls.book["orders"], cls.today(context), cls.listed()
        if orders is None or cls.run_type(context) != "sim_trade":
            return
        untold = []
        for told in [cls.read(order) for order in orders.values()]:
            if known.get(told["id"], {}).get("state") in (None, "late") and told["filled"]:
                names = ("id", "security", "is_buy", "amount", "filled", "status")
                untold.append(cls.collections.OrderedDict((name, told[name]) for name in names))
        told_of = [name for name, one in known.items() if one["day"] == day and one["state"] in cls.TOLD]
        gone = [{"id": name} for name in told_of if name not in orders]
        if untold or gone:
            cls.warn("今日有 %d 笔聚宽订单没有告诉服务，%d 笔告诉过的在聚宽查不到" % (len(untold), len(gone)))
        while untold or gone:
            fields = [("day", day)]
            for name, entries in (("untold", untold), ("missing", gone)):
                taken, entries[:] = entries[:4], entries[4:]
                fields += [(name, taken)] if taken else []
            cls.enqueue(cls.message("notice", cls.run_type(context), fields, "今日订单核对"))
        if cls.book.get("lost"):
            cls.tell_author("今日共有 %d 笔订单没有送达，没有跟单" % cls.book["lost"], True)

    # ---- messages

    @classmethod
    def message(cls, kind, run, fields, label, name="0"):
        """The next message; what is new about earlier orders goes with it as far as there is room."""
        cls.number += 1
        name = cls.re.sub("[^A-Za-z0-9._:-]", "_", name)[-24:]
        message_id = "%s-%s-%s-%d" % (cls.STRATEGY[:30], cls.process, name, cls.number)
        made_at = int(cls.now() * 1000)
        left = cls.room(message_id) - len(cls.text(kind, run, made_at, fields, {}).encode("utf-8"))
        news = cls.take_news(left)
        return {
            "id": message_id,
            "kind": kind,
            "text": cls.text(kind, run, made_at, fields, news),
            "made_at": made_at,
            "label": label,
            "expires": False,
            "buys": False,
            "order_id": name if kind == "order" else None,
            "seq": cls.number,
            "proc": cls.process,
            "news": news,
        }

    @classmethod
    def text(cls, kind, run, made_at, fields, news):
        head = [("kind", kind), ("run", run), ("made_at", made_at), ("proc", cls.process), ("seq", cls.number)]
        told = [(name, [cls.as_told(one) for one in entries]) for name, entries in news.items() if entries]
        return cls.compact(cls.collections.OrderedDict(head + fields + told))

    @classmethod
    def as_told(cls, entry):
        if entry.get("proc") == cls.process:
            entry = {name: value for name, value in entry.items() if name != "proc"}
        return {name: value for name, value in entry.items() if name != "security"}

    @classmethod
    def compact(cls, value):
        return cls.json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    @classmethod
    def room(cls, message_id):
        """Bytes of text that fit into MAX_BODY: what base64 and the envelope leave."""
        envelope = len(cls.dumps(cls.envelope(message_id, 1000000000, "")))
        return (cls.MAX_BODY - envelope) // 4 * 3 - 28

    @classmethod
    def take_news(cls, left):
        """Takes out of the book what fits into `left` bytes, oldest first."""
        taken = {}
        for name in cls.NEWS:
            waiting, fits = cls.book.get(name, []), []
            left -= len(name) + 6
            while waiting and len(fits) < cls.MOST_LISTED:
                size = len(cls.compact(cls.as_told(waiting[0])).encode("utf-8")) + 1
                if size > left:
                    break
                left -= size
                fits.append(waiting.pop(0))
            taken[name] = fits
            left += 0 if fits else len(name) + 6
        return taken

    @classmethod
    def tell_news(cls, context, run, orders):
        """What no order took along, in notices of its own, with how its securities stand now."""
        for _ in range(cls.MAX_QUEUE - len(cls.queue)):  # a full queue would drop an order for it
            if cls.refusing or not (cls.book["ended"] or cls.book["progress"] or cls.book["dropped"]):
                return  # nothing is new, or it would be refused again: then it goes with the next order
            now, resting = cls.collections.OrderedDict(), cls.resting(orders)
            for entry in (cls.book["ended"] + cls.book["progress"])[:3]:
                security = entry["security"]
                try:
                    held = cls.held(context, security)
                    now[security] = cls.collections.OrderedDict(cls.holding(held, resting.get(security, [0, 0])))
                except Exception:  # then it goes without
                    continue
            message = cls.message("notice", run, [("holdings", now)] if now else [], "订单变化")
            if not [entries for entries in message["news"].values() if entries]:
                return
            cls.enqueue(message)

    # ---- what cannot be delivered

    @classmethod
    def enqueue(cls, message):
        cls.queue.append(message)
        while len(cls.queue) > cls.MAX_QUEUE:
            # Whatever was bought can be bought later; what is not sold stays.
            buys = [one for one in cls.queue if one["buys"] and one["expires"]]
            last = (buys or [one for one in cls.queue if one["expires"]] or cls.queue)[0]
            cls.queue.remove(last)
            cls.give_up(last, "积压过多")

    @classmethod
    def give_up(cls, message, why):
        super().give_up(message, why)
        cls.drop(message)
        if message["kind"] == "order":
            cls.book["lost"] = cls.book.get("lost", 0) + 1
            cls.tell_author("未送达，不会跟单：%s（%s）" % (message["label"], why))

    @classmethod
    def drop(cls, message):
        """It will never come: the next message says so, and takes along what it would have told of other orders."""
        for name, entries in message["news"].items():
            cls.book.setdefault(name, [])[:0] = entries
        entry = [("seq", message["seq"]), ("id", message["order_id"]), ("what", message["label"][:80])]
        cls.book.setdefault("dropped", []).append(dict(entry + [("proc", message["proc"])]))
        del cls.book["dropped"][: -10 * cls.MOST_LISTED]

    @classmethod
    def not_delivered(cls, queue, why):
        super().not_delivered(queue, why)
        orders = [message["label"] for message in queue if message["kind"] == "order"]
        if orders:
            told = "、".join(orders[:5]) + (" 等 %d 笔" % len(orders) if len(orders) > 5 else "")
            cls.tell_author("服务没有应答（%s），还没送达：%s" % (why[:80], told))

    @classmethod
    def tell_author(cls, text, last=False):
        """By JoinQuant's own message, of which there are five a day: once for what is late, once in the end."""
        author, context = cls.book.setdefault("author", ["", 0]), cls.context
        day = cls.today(context)
        if author[0] != day:
            author[:] = [day, 0]
        if author[1] > (1 if last else 0) or cls.run_type(context) != "sim_trade":
            return
        author[1] = 2 if last else 1
        try:
            cls.tools["send_message"]("[jqfollow %s] %s" % (cls.STRATEGY, text[:200]))
        except Exception as error:  # older platforms, or none left
            cls.warn("微信没有发出：%s" % cls.short(error))
