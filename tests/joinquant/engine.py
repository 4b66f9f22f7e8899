"""JoinQuant's matching engine: takes orders, fills them on bars, ends them. Python 3.6 syntax.

Written from the manual of JoinQuant's strategy API (交易函数, 撮合规则, OrderStyle, OrderStatus):

- A market order is filled at the last price; in a simulation wholly, in a backtest as far as the bar's volume goes, and
  the rest is canceled. At the limit price it is canceled.
- A limit order is matched as it is placed, and its rest at the end of every minute's bar.
- A stop order rests untriggered, locks nothing, and becomes a market or limit order when the price has come; if money
  or shares are then short it fails. It is triggered at once when its price has come already.
- Outside trading hours every order is `new`; it is matched at the next open.
- At the end of the day whatever is unfinished is canceled.
"""

import collections
import enum

from .account import Position


class OrderStatus(enum.Enum):
    """JoinQuant's numbers; `held` is fully, `filled` partly filled. Prints as the bare name."""

    open = 0
    filled = 1
    canceled = 2
    rejected = 3
    held = 4
    new = 8
    pending_cancel = 9

    def __str__(self):
        return self.name


UNFINISHED = (OrderStatus.new, OrderStatus.open, OrderStatus.filled)


class OrderStyle:
    """Root of the styles."""


class MarketOrderStyle(OrderStyle):
    def __init__(self, limit_price=None):
        self.limit_price = limit_price  # the protection price on STAR; not a limit order


class LimitOrderStyle(OrderStyle):
    def __init__(self, limit_price):
        self.limit_price = limit_price


class StopOrderStyle(OrderStyle):
    """What both stops have in common."""

    def has_come(self, is_buy, price):
        upwards = is_buy == (self.mode == "stop_loss")
        return price >= self.stop_price if upwards else price <= self.stop_price


class StopMarketOrderStyle(StopOrderStyle):
    def __init__(self, mode, stop_price):
        self.mode, self.stop_price = mode, stop_price

    def triggered(self):
        return MarketOrderStyle()


class StopLimitOrderStyle(StopOrderStyle):
    def __init__(self, mode, stop_price, limit_price):
        self.mode, self.stop_price, self.limit_price = mode, stop_price, limit_price

    def triggered(self):
        return LimitOrderStyle(self.limit_price)


class Order:
    """With the attributes that JoinQuant documents, and the engine's own under an underscore."""

    def __init__(self, **fields):
        self.__dict__.update(fields)

    def __repr__(self):
        return "UserOrder(%r)" % ({k: v for k, v in self.__dict__.items() if not k.startswith("_")},)

    def shown(self):
        """A copy with the documented attributes only."""
        return Order(**{name: value for name, value in self.__dict__.items() if not name.startswith("_")})


class Trade:
    def __init__(self, **fields):
        self.__dict__.update(fields)


class Engine:
    """The orders of one strategy."""

    def __init__(self, context, log):
        self.context = context
        self.log = log
        self.prices = {}
        self.volumes = {}  # so many shares of a code can be traded on one bar; unlimited when not there
        self.at_limit = {}  # code: "up" or "down"
        self.rejects = {}  # code: filled; the exchange rejects the next order of the code after so many shares
        self.is_open = True
        self.orders = collections.OrderedDict()
        self.trades = collections.OrderedDict()

    # ---- what a strategy asks for

    def price(self, security):
        return self.prices.get(security, 10.0)

    def place(self, security, amount, style, side, pindex=0):
        """The order, or None when JoinQuant does not take it."""
        style = MarketOrderStyle() if style is None else style
        is_buy, amount = amount > 0, self._rounded(security, int(amount), pindex)
        if amount == 0 or side != "long" or pindex >= len(self.context.subportfolios):
            return self._failed(security, "数量、方向或账户")
        order = Order(
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
            status=OrderStatus.open if self.is_open else OrderStatus.new,
            add_time=self.context.current_dt,
            _style=style,
            _pindex=pindex,
            _locked_cash=0.0,
            _locked_shares=0,
        )
        if not isinstance(style, StopOrderStyle) and not self._lock(order):
            return self._failed(security, "可用资金或可卖数量不足")
        self.orders[order.order_id] = order
        if self.is_open:
            self._match(order)
        return order

    def cancel(self, order_id):
        """The order when it was unfinished, else None."""
        order = self.orders.get(order_id)
        if order is None or order.status not in UNFINISHED:
            return None
        self._unlock(order)
        order.status = OrderStatus.canceled
        return order

    def cancel_all_of(self, security, pindex=0):
        """What order_target and order_target_value do first."""
        for order in list(self.orders.values()):
            if order.security == security and order._pindex == pindex:
                self.cancel(order.order_id)

    def day_orders(self):
        """The orders of the day; what was placed after the last close belongs to it."""
        return collections.OrderedDict(
            (key, order) for key, order in self.orders.items() if not order.__dict__.get("_old")
        )

    # ---- what time does

    def open(self):
        self.is_open = True
        for order in self.orders.values():
            if order.status is OrderStatus.new:
                order.status = OrderStatus.open
                self._match(order)

    def bar(self):
        """A minute is over: what rests is matched."""
        for order in list(self.orders.values()):
            if order.status in (OrderStatus.open, OrderStatus.filled):
                self._match(order)

    def close(self):
        self.is_open = False
        for order in list(self.orders.values()):
            if order.status is not OrderStatus.new:
                self.cancel(order.order_id)

    def next_day(self):
        for order in self.orders.values():
            order._old = order.status not in UNFINISHED
        for part in self.context.subportfolios:
            for position in part.long_positions.values():
                position.today_amount = 0
                position.closeable_amount = position.total_amount

    # ---- inside

    def _failed(self, security, why):
        self.log.lines.append(("warn", "下单失败 %s：%s" % (security, why)))

    def _rounded(self, security, amount, pindex):
        position = self._part(pindex).long_positions.get(security) if pindex < len(self.context.subportfolios) else None
        size = abs(amount)
        if amount < 0 and position is not None and size >= position.total_amount:
            return size
        if security.startswith("688"):
            return size if size >= 200 else 0
        return size // 100 * 100

    def _part(self, pindex):
        return self.context.subportfolios[pindex]

    def _lock(self, order):
        """Takes the money or the shares out of what is free; False when there is not enough."""
        part, rest = self._part(order._pindex), order.amount - order.filled
        if order.is_buy:
            limit = (
                order._style.limit_price if isinstance(order._style, LimitOrderStyle) else self.price(order.security)
            )
            cash = rest * limit
            if cash > part.available_cash:
                return False
            part.available_cash -= cash
            part.locked_cash += cash
            order._locked_cash = cash
            return True
        position = part.long_positions.get(order.security)
        if position is None or rest > position.closeable_amount:
            return False
        position.closeable_amount -= rest
        position.total_amount -= rest
        position.locked_amount += rest
        order._locked_shares = rest
        return True

    def _unlock(self, order):
        part = self._part(order._pindex)
        if order._locked_cash:
            part.available_cash += order._locked_cash
            part.locked_cash -= order._locked_cash
        if order._locked_shares:
            position = part.long_positions[order.security]
            position.locked_amount -= order._locked_shares
            position.total_amount += order._locked_shares
            position.closeable_amount += order._locked_shares
        order._locked_cash, order._locked_shares = 0.0, 0

    def _match(self, order):
        if isinstance(order._style, StopOrderStyle):
            if not order._style.has_come(order.is_buy, self.price(order.security)):
                return
            order._style = order._style.triggered()
            if not self._lock(order):
                order.status = OrderStatus.rejected
                return
        if order.security in self.rejects:
            self._fill(order, min(self.rejects.pop(order.security), order.amount))
            self._unlock(order)
            order.status = OrderStatus.rejected
            return
        rest, price = order.amount - order.filled, self.price(order.security)
        stuck = self.at_limit.get(order.security) == ("up" if order.is_buy else "down")
        if isinstance(order._style, LimitOrderStyle):
            limit = order._style.limit_price
            if not stuck and (price <= limit if order.is_buy else price >= limit):
                self._fill(order, min(rest, self.volumes.get(order.security, rest)))
            return
        whole = self.context.run_params.type == "sim_trade"
        self._fill(order, 0 if stuck else rest if whole else min(rest, self.volumes.get(order.security, rest)))
        if order.status is not OrderStatus.held:
            self.cancel(order.order_id)

    def _fill(self, order, amount):
        if amount <= 0:
            return
        price, part = self.price(order.security), self._part(order._pindex)
        self._unlock(order)
        position = part.long_positions.setdefault(order.security, Position(order.security, order._pindex))
        before = position.total_amount + position.locked_amount
        if order.is_buy:
            position.avg_cost = (position.avg_cost * before + price * amount) / (before + amount)
            position.total_amount += amount
            position.today_amount += amount
            part.available_cash -= price * amount
        else:
            position.total_amount -= amount
            position.closeable_amount -= amount
            part.available_cash += price * amount
        position.price = price
        order.price = (order.price * order.filled + price * amount) / (order.filled + amount)
        order.avg_cost = order.price if order.is_buy else position.avg_cost
        order.filled += amount
        order.status = OrderStatus.held if order.filled == order.amount else OrderStatus.filled
        if order.status is OrderStatus.filled:
            self._lock(order)
        if position.total_amount + position.locked_amount == 0:
            del part.long_positions[order.security]
        number = str(9000001 + len(self.trades))
        self.trades[number] = Trade(
            trade_id=number,
            order_id=order.order_id,
            security=order.security,
            amount=amount,
            price=price,
            time=self.context.current_dt,
        )
