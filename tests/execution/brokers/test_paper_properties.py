"""Whatever is done to the paper broker: money and shares are kept, no rule is broken, the file tells it all again."""

import shutil
import tempfile
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jqfollow.domain import ATTEMPT_ENDED, Accepted, AttemptState, FillReport, OrderReport, Side
from jqfollow.execution.brokers.paper.account import PaperAccount
from jqfollow.execution.brokers.paper.exchange import Exchange
from jqfollow.market.calendar import TradingCalendar

from .contract import Requests
from .judge import BOARDS, Situation, fee_cents, limits, takes
from .paper_rig import MONDAY, PaperRig

SYMBOLS = sorted(BOARDS)
VOLUMES = st.one_of(
    st.integers(-1, 450), st.sampled_from([500, 1000, 2000, 30_000, 99_999, 100_001, 300_100, 1_000_000, 1_000_100])
)


def mils(price: Decimal) -> int:
    assert price * 1000 % 1 == 0
    return int(price * 1000)


class PaperMachine(RuleBasedStateMachine):
    """Two securities are traded by random orders while time, prices, days and restarts go on."""

    @initialize(
        symbols=st.permutations(SYMBOLS),
        cash=st.sampled_from([0, 3000, 200_000, 5_000_000, 100_000_000]),
        prices=st.tuples(st.integers(100, 20_000), st.integers(100, 20_000)),
    )
    def begin(self, symbols: list[str], cash: int, prices: tuple[int, int]) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.rig = PaperRig(self.folder, cash=Decimal(cash))
        self.cash = Fraction(cash)
        self.day = MONDAY
        self.make = Requests()
        self.symbols = symbols[:2]
        self.shares: dict[str, int] = defaultdict(int)
        self.orders: dict[str, OrderReport] = {}
        self.reported: dict[str, FillReport] = {}
        for symbol, price in zip(self.symbols, prices, strict=True):
            tick = BOARDS[symbol].tick
            self.rig.broker.observe(symbol=symbol, price=Decimal(price * tick) / 1000, day=self.day)
            self.rig.broker.set_market(symbol, depth=BOARDS[symbol].minimum * 2)
            self.shares[symbol] = 1234
            self.rig.hold(symbol, 1234)

    def teardown(self) -> None:
        if hasattr(self, "rig"):
            self.rig.close()
            shutil.rmtree(self.folder)

    @rule(
        which=st.integers(0, 1),
        side=st.sampled_from(Side),
        volume=VOLUMES,
        ticks=st.integers(-40, 40),
        off=st.booleans(),
    )
    def place_anything(self, which: int, side: Side, volume: int, ticks: int, off: bool) -> None:
        self.place(which, side, volume, ticks, off=off)

    @rule(
        which=st.integers(0, 1),
        orders=st.lists(
            st.tuples(st.sampled_from(Side), st.sampled_from([1, 1, 2, 3, 5]), st.integers(-2, 5)),
            min_size=1,
            max_size=5,
        ),
    )
    def place_sensibly(self, which: int, orders: list[tuple[Side, int, int]]) -> None:
        """Whole lots, mostly at prices that trade."""
        for side, lots, across in orders:
            volume = lots * BOARDS[self.symbols[which]].minimum
            self.place(which, side, volume, across if side is Side.BUY else -across)

    def place(self, which: int, side: Side, volume: int, ticks: int, *, off: bool = False) -> None:
        symbol, broker = self.symbols[which], self.rig.broker
        quote = broker.quote(symbol)
        assert quote is not None
        assert quote.last is not None
        board = BOARDS[symbol]
        price = mils(quote.last) + ticks * board.tick + (1 if off and ticks == 7 else 0)
        held = {p.symbol: p for p in broker.positions()}.get(symbol)
        now = Situation(
            prev_close=mils(quote.prev_close),
            best_bid=mils(quote.bids[0].price) if quote.bids else None,
            best_ask=mils(quote.asks[0].price) if quote.asks else None,
            last=mils(quote.last),
            cash_cents=Fraction(broker.asset().cash) * 100,
            available=held.available if held else 0,
        )
        placed = broker.place(self.make(side, volume, str(Decimal(price) / 1000), symbol=symbol))
        expected = takes(symbol, buys=side is Side.BUY, volume=volume, price=price, now=now)
        assert isinstance(placed, Accepted) is expected, (placed, now, side, volume, price)

    @precondition(lambda self: self.rig.broker.orders())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        over = ATTEMPT_ENDED | {AttemptState.PENDING_CANCEL}
        standing = [o for o in self.rig.broker.orders() if o.state not in over]
        if standing:
            order = data.draw(st.sampled_from(standing))
            self.rig.broker.cancel(order.broker_order_id)

    @rule(slow=st.booleans())
    def cancels_take_their_time(self, slow: bool) -> None:
        self.rig.faults.slow_cancels = slow

    @rule(seconds=st.sampled_from([0.5, 1, 3, 10, 60]))
    def wait(self, seconds: float) -> None:
        self.rig.clock.forward(seconds)
        self.rig.broker.advance()

    @rule(which=st.integers(0, 1), ticks=st.integers(-30, 30))
    def price_moves(self, which: int, ticks: int) -> None:
        symbol = self.symbols[which]
        quote = self.rig.broker.quote(symbol)
        assert quote is not None
        assert quote.last is not None
        price = quote.last + Decimal(ticks * BOARDS[symbol].tick) / 1000
        self.rig.broker.observe(symbol=symbol, price=price, day=self.day)

    @rule(most=st.sampled_from([None, 1, 70, 300]))
    def fills_come_in_parts(self, most: int | None) -> None:
        self.rig.faults.max_fill = most

    @rule()
    def next_day(self) -> None:
        self.day += timedelta(days=1)
        self.rig.broker.observe(symbol="", price=None, day=self.day)
        assert self.rig.broker.orders() == []
        assert self.rig.broker.fills() == []
        assert self.rig.broker.asset().frozen == 0
        assert all(p.available == p.volume for p in self.rig.broker.positions())

    @rule()
    def restart(self) -> None:
        assert self.rig.broker._exchange is not None
        before = self.rig.broker._exchange.account
        self.rig.pushes()
        self.rig.close()
        self.rig.open()
        assert self.rig.broker._exchange is not None
        # Connecting lets the market go on, which may only add fills of what had been reached already.
        after = self.rig.broker._exchange.account
        assert (after.day, after.markets, set(after.orders)) == (before.day, before.markets, set(before.orders))

    @invariant()
    def the_file_tells_the_same(self) -> None:
        if not hasattr(self, "rig"):
            return
        assert self.rig.broker._exchange is not None
        copy = self.folder / "copy"
        shutil.copyfile(self.rig.path, copy)
        account = replayed(copy, self.rig)
        assert account == self.rig.broker._exchange.account

    @invariant()
    def money_and_shares_are_kept(self) -> None:
        if not hasattr(self, "rig"):
            return
        broker = self.rig.broker
        for event in self.rig.pushes():
            if isinstance(event, FillReport):
                self.reported[event.traded_id] = event
            elif isinstance(event, OrderReport):
                self.orders[event.broker_order_id] = event
        money, shares = self.cash, dict(self.shares)
        for fill in self.reported.values():
            sign = 1 if fill.side is Side.BUY else -1
            money -= sign * fill.volume * Fraction(fill.price) + Fraction(fill.fee)
            shares[fill.symbol] += sign * fill.volume
        asset = broker.asset()
        assert Fraction(asset.cash + asset.frozen) == money
        assert asset.cash >= 0
        assert asset.frozen >= 0
        positions = {p.symbol: p for p in broker.positions()}
        assert {s: p.volume for s, p in positions.items()} == {s: n for s, n in shares.items() if n}
        assert all(0 <= p.available <= p.volume for p in positions.values())
        assert asset.total == asset.cash + asset.frozen + asset.market_value
        if all(o.state in ATTEMPT_ENDED for o in broker.orders()):
            assert asset.frozen == 0

    @invariant()
    def nothing_is_frozen_or_free_without_reason(self) -> None:
        """Standing buys freeze money and their fees, standing sells shares; T+1 holds back what was bought today."""
        if not hasattr(self, "rig"):
            return
        orders, fills, frozen = self.rig.broker.orders(), self.rig.broker.fills(), Fraction(0)
        for order in orders:
            if order.state in ATTEMPT_ENDED or order.side is Side.SELL:
                continue
            left, price = order.volume - order.filled, Fraction(order.price)
            charged = sum((Fraction(f.fee) for f in fills if f.broker_order_id == order.broker_order_id), Fraction(0))
            most = fee_cents(BOARDS[order.symbol], True, order.volume * price * 1000) / 100
            frozen += left * price + max(most - charged, Fraction(0))
        assert Fraction(self.rig.broker.asset().frozen) == frozen
        for position in self.rig.broker.positions():
            mine = [o for o in orders if o.symbol == position.symbol and o.side is Side.SELL]
            standing = sum(o.volume - o.filled for o in mine if o.state not in ATTEMPT_ENDED)
            today = sum(f.volume for f in fills if f.symbol == position.symbol and f.side is Side.BUY)
            held_back = 0 if BOARDS[position.symbol].same_day else today
            assert position.available == position.volume - held_back - standing

    @invariant()
    def what_is_kept_up_is_what_would_be_counted(self) -> None:
        if not hasattr(self, "rig"):
            return
        assert self.rig.broker._exchange is not None
        account = self.rig.broker._exchange.account
        assert_counted(account)
        quotes = {symbol: self.rig.broker.quote(symbol) for symbol in account.holdings}
        worth = {s: q.last or q.prev_close for s, q in quotes.items() if q is not None}
        value = sum((held.volume * worth[symbol] for symbol, held in account.holdings.items()), Decimal(0))
        assert self.rig.broker.asset().market_value == value
        assert {p.symbol: p.last for p in self.rig.broker.positions()} == {
            s: price for s, price in worth.items() if account.holdings[s].volume
        }

    @invariant()
    def orders_agree_with_their_fills(self) -> None:
        if not hasattr(self, "rig"):
            return
        fills = self.rig.broker.fills()
        assert len({f.traded_id for f in fills}) == len(fills)
        for order in self.rig.broker.orders():
            mine = [f for f in fills if f.broker_order_id == order.broker_order_id]
            board, buys = BOARDS[order.symbol], order.side is Side.BUY
            assert order.filled == sum(f.volume for f in mine) <= order.volume
            assert (order.filled == order.volume) == (order.state is AttemptState.FILLED)
            assert all(f.volume > 0 for f in mine)
            assert all((f.price <= order.price) if buys else (f.price >= order.price) for f in mine)
            turnover = sum((Fraction(f.price) * 1000 * f.volume for f in mine), Fraction(0))
            expected = fee_cents(board, buys, turnover) / 100
            expected = expected if buys else min(expected, turnover / 1000)
            assert sum((Fraction(f.fee) for f in mine), Fraction(0)) == expected

    @invariant()
    def prices_stay_inside_the_limits(self) -> None:
        if not hasattr(self, "rig"):
            return
        for symbol in self.symbols:
            quote, instrument = self.rig.broker.quote(symbol), self.rig.broker.instrument(symbol)
            assert quote is not None
            assert quote.last is not None
            assert instrument is not None
            assert instrument.limit_up is not None
            assert instrument.limit_down is not None
            told = mils(instrument.limit_down), mils(instrument.limit_up)
            assert told == limits(BOARDS[symbol], mils(quote.prev_close))
            assert told[0] <= mils(quote.last) <= told[1]


def assert_counted(account: PaperAccount) -> None:
    """Every sum, queue and row of `Standing`, counted from the orders alone."""
    standing, orders = account.standing, list(account.orders.values())
    live = [o for o in orders if o.state not in ATTEMPT_ENDED]
    buys, sells = ([o for o in live if o.side is side] for side in (Side.BUY, Side.SELL))
    kept_back = [(o.volume - o.filled) * o.price + max(o.reserve - o.fee, Decimal(0)) for o in buys]
    assert account.frozen == sum(kept_back, Decimal(0))
    assert account.cash == account.money - account.frozen
    for counted, mine in ((standing.buying, buys), (standing.selling, sells)):
        left: dict[str, int] = defaultdict(int)
        for order in mine:
            left[order.symbol] += order.volume - order.filled
        assert counted == left
    assert list(standing.rows.values()) == [o.report() for o in orders]
    assert account.open_orders() == live
    assert standing.canceling == {o.broker_order_id for o in live if o.state is AttemptState.PENDING_CANCEL}
    for symbol in {o.symbol for o in live} | set(standing.queues):
        for side, mine in ((Side.BUY, buys), (Side.SELL, sells)):
            ranked = sorted(
                (o for o in mine if o.symbol == symbol), key=lambda o: o.price * (-1 if o.side is Side.BUY else 1)
            )
            assert [str(n) for _, n in standing.queue(symbol, side)] == [o.broker_order_id for o in ranked]


def replayed(path: Path, rig: PaperRig) -> object:
    """The account that the file at `path` tells."""
    exchange = Exchange(
        path=path,
        cash=Decimal(77),
        hours="always",
        calendar=TradingCalendar(),
        faults=rig.faults,
        now=rig.clock.now() + timedelta(days=5000),
        emit=lambda _events, _written: None,
    )
    exchange.journal.close()
    return exchange.account


TestPaperMachine = PaperMachine.TestCase
TestPaperMachine.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
