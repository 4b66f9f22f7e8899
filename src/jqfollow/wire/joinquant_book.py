"""What the client knows of the strategy's orders and positions in JoinQuant."""

from jqfollow.wire.joinquant_link import _JqFollowLink  # in JoinQuant the class itself stands here


class _JqFollowBook(_JqFollowLink):
    """Reads orders, styles and portfolios, whatever their exact shape.

    `book` is a plain dictionary that lives in the strategy's `g`: JoinQuant ends the process every day, and what was
    told must not be told anew. An order in it has a state: `told` (and still open), `done`, `watched` (open, and to be
    told when it is filled), `refused` (told, not to be followed), `late` (seen when it could no longer be followed),
    `before` (older than the client).
    """

    STATUS = {0: "open", 1: "filled", 2: "canceled", 3: "rejected", 4: "held", 8: "new", 9: "pending_cancel"}
    UNFINISHED = ("new", "open", "filled", "pending_cancel")
    OVER = ("canceled", "rejected", "held")
    KEPT_DAYS = 5  # of orders that are still open after their day: such made after the close

    namespace = {}  # the strategy's globals
    tools = {}  # functions of the platform: get_orders, send_message, run_daily
    context = None  # as it was last seen
    book = {}
    lasting = False  # whether the book lives in `g`

    @classmethod
    def open_book(cls, g):
        """Takes the book out of `g`, or puts a new one there; without a `g` it lives as long as the process."""
        book = getattr(g, "jqfollow_book", None) if g is not None else cls.book
        if not isinstance(book, dict) or book.get("version") != 1:
            book = {"version": 1, "orders": {}, "queue": [], "ended": [], "progress": [], "dropped": []}
            book.update({"author": ["", 0], "reported": ["", []], "lost": 0, "ran": "", "scheduled": ["", []]})
            if getattr(g, "jqfollow_scheduled", False):  # by a client of an older version
                book["scheduled"][1].append("jqfollow_after_close")
        cls.book, cls.queue = book, book["queue"]
        try:
            g.jqfollow_book = book
            cls.lasting = True
        except Exception:  # no g, or one that takes nothing
            cls.lasting = False

    @classmethod
    def forget(cls, today):
        """Orders of days that are over."""
        orders = cls.book["orders"]
        for order_id in [name for name, known in orders.items() if known["day"] != today]:
            known = orders[order_id]
            known["age"] = known.get("age", 0) + 1
            if known["state"] != "told" or known["age"] > cls.KEPT_DAYS:
                del orders[order_id]

    # ---- orders

    @classmethod
    def listed(cls):
        """JoinQuant's own list of the day's orders by id; None when it cannot be had."""
        try:
            found = cls.tools["get_orders"]()
            return {str(order.order_id): order for order in found.values()}
        except Exception:  # an older platform, or a strategy that took the name
            return None

    @classmethod
    def read(cls, order):
        """What an order says of itself; raises when it is none."""
        added = order.add_time
        text = added.strftime("%Y-%m-%d %H:%M:%S") if hasattr(added, "strftime") else str(added)[:19]
        return {
            "id": str(order.order_id),
            "security": str(order.security),
            "is_buy": bool(order.is_buy),
            "amount": int(order.amount),
            "filled": int(order.filled or 0),
            "price": cls.number_text(order.price),
            "status": cls.word(order.status),
            "side": cls.word(getattr(order, "side", None) or "long"),
            "action": cls.word(getattr(order, "action", None) or "") or None,
            "added": text,
            "day": text[:10],
            "pindex": cls.pindex(order),
        }

    @classmethod
    def pindex(cls, order):
        try:
            return cls.at_least_0(getattr(order, "pindex", None) or 0)
        except (TypeError, ValueError):
            return 0

    @classmethod
    def style(cls, style):
        """(kind, limit, stop): kind is market, limit, stop_market, stop_limit or the name of an unknown class."""
        if style is None:
            return "market", None, None
        bases = [base.__name__ for base in type(style).__mro__]
        stop = cls.number_text(getattr(style, "stop_price", None))
        limit = cls.number_text(getattr(style, "limit_price", None))
        if "StopMarketOrderStyle" in bases:
            return "stop_market", None, stop
        if "StopLimitOrderStyle" in bases:
            return "stop_limit", limit, stop
        if "LimitOrderStyle" in bases and limit is not None:
            return "limit", limit, None
        if "MarketOrderStyle" in bases:
            return "market", None, None
        return str(bases[0])[:64], None, None

    # ---- positions

    @classmethod
    def portfolios(cls, context):
        """The sub-portfolios, or the only one: what they hold is added up."""
        parts = getattr(context, "subportfolios", None)
        try:
            parts = [part for part in parts if hasattr(part, "long_positions")]
        except TypeError:
            parts = []
        return parts if len(parts) > 1 else [context.portfolio]

    @classmethod
    def positions_of(cls, portfolio):
        found = getattr(portfolio, "long_positions", None)
        return found if found is not None else portfolio.positions

    @classmethod
    def held(cls, context, security):
        """(held, closeable, locked) of one security; raises when nobody can say."""
        whole = [0, 0, 0]
        for portfolio in cls.portfolios(context):
            positions = cls.positions_of(portfolio)
            if security in positions:
                cls.add(whole, positions[security])
        return [cls.at_least_0(number) for number in whole]

    @classmethod
    def add(cls, whole, position):
        # JoinQuant leaves what resting orders have locked out of total_amount.
        locked = cls.at_least_0(getattr(position, "locked_amount", 0) or 0)
        whole[0] += int(position.total_amount) + locked
        whole[1] += int(position.closeable_amount)
        whole[2] += locked

    @classmethod
    def all_held(cls, context):
        """By code: [held, closeable, locked, avg_cost, price]."""
        found = cls.collections.OrderedDict()
        for portfolio in cls.portfolios(context):
            for security, position in cls.positions_of(portfolio).items():
                whole = found.setdefault(str(security), [0, 0, 0, None, None])
                cls.add(whole, position)
                whole[3:] = [cls.number_text(position.avg_cost), cls.number_text(position.price)]
        return found

    @classmethod
    def resting(cls, orders):
        """By code: [what is not filled of open buys, of open sells]; orders that wait for their trigger left out."""
        found = {}
        for order in (orders or {}).values():
            known = cls.book["orders"].get(str(order.order_id), {})
            if cls.word(order.status) not in cls.UNFINISHED or known.get("state") in ("watched", "refused"):
                continue
            rest = found.setdefault(str(order.security), [0, 0])
            rest[0 if order.is_buy else 1] += cls.at_least_0(int(order.amount) - int(order.filled or 0))
        return found

    # ---- words and numbers

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
    def total_value(cls, context):
        return cls.number_text(getattr(getattr(context, "portfolio", None), "total_value", None), 2)

    @classmethod
    def run_type(cls, context):
        text = cls.word(getattr(getattr(context, "run_params", None), "type", None) or "unknown")
        return text if cls.re.match("[a-z_]{1,32}$", text) else "unknown"

    @classmethod
    def frequency(cls, context):
        return cls.word(getattr(getattr(context, "run_params", None), "frequency", None) or "")[:16]

    @classmethod
    def today(cls, context):
        return str(getattr(context, "current_dt", None) or "")[:10]
