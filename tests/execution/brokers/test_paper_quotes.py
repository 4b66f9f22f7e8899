"""The simulated market: always the same, near its anchor, inside its limits."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.domain import (
    Accepted,
    AttemptState,
    BrokerDownError,
    Instrument,
    Level,
    Phase,
    Quote,
)
from jqfollow.execution.brokers.paper.account import Market
from jqfollow.execution.brokers.paper.quotes import SimulatedQuotes

from .contract import Requests, fills_of, listed, wait_state
from .paper_rig import MONDAY, PaperRig, at

SYMBOLS = ("600000.SH", "688001.SH", "300001.SZ", "920001.BJ", "510300.SH", "588000.SH", "113001.SH")
TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[PaperRig]:
    rig = PaperRig(tmp_path)
    yield rig
    rig.close()


def quote_of(rig: PaperRig, symbol: str = "600000.SH") -> Quote:
    quote = rig.broker.quote(symbol)
    assert quote is not None
    return quote


def markets_of(rig: PaperRig) -> dict[str, Market]:
    assert rig.broker._exchange is not None
    return rig.broker._exchange.account.markets


def instrument_of(rig: PaperRig, symbol: str = "600000.SH") -> Instrument:
    instrument = rig.broker.instrument(symbol)
    assert instrument is not None
    return instrument


@given(
    symbol=st.sampled_from(SYMBOLS),
    price=st.integers(1, 2_000_000).map(lambda n: Decimal(n) / 1000),
    near=st.sampled_from(["up", "down", None]),
    ticks=st.integers(0, 4),
    seconds=st.integers(0, 86_000),
    risk_warning=st.booleans(),
)
def test_a_book_is_in_order_near_its_anchor_and_inside_its_limits(
    symbol: str, price: Decimal, near: str | None, ticks: int, seconds: int, risk_warning: bool
) -> None:
    markets: dict[str, Market] = {}
    quotes = SimulatedQuotes(lambda: markets)
    start = at("00:00")
    market = quotes.anchored(symbol, price, MONDAY, start)
    if market is None:
        assert price < Decimal("0.01")  # below a tick: no price
        return
    markets[symbol] = replace(market, risk_warning=risk_warning)
    instrument = quotes.instrument(symbol, MONDAY)
    assert instrument is not None
    down, up, tick = instrument.limit_down, instrument.limit_up, instrument.tick
    assert up is not None
    assert down is not None
    if near is not None:  # later on the day, at a limit or some ticks from it
        near_it = up - ticks * tick if near == "up" else down + ticks * tick
        later = quotes.anchored(symbol, near_it, MONDAY, start)
        assert (later is not None) == (down <= near_it <= up)
        markets[symbol] = later or markets[symbol]
    anchor = markets[symbol].last
    now = start + timedelta(seconds=seconds)
    quote = quotes.quote(symbol, MONDAY, now, Phase.CONTINUOUS)
    assert quote is not None
    assert quote == quotes.quote(symbol, MONDAY, now, Phase.CONTINUOUS)
    assert quote.last is not None
    assert abs(quote.last - anchor) <= 2 * tick
    bids, asks = [level.price for level in quote.bids], [level.price for level in quote.asks]
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    for named in (quote.last, *bids, *asks):
        assert named % tick == 0
        assert down <= named <= up
    if bids and asks:
        assert asks[0] - bids[0] == tick
        assert quote.last in {bids[0], asks[0]}
    assert (anchor == up) == (not asks)  # sealed by what was named, never by chance
    assert (anchor == down) == (not bids)
    assert all(level.volume > 0 for level in (*quote.bids, *quote.asks))


@given(
    symbol=st.sampled_from(SYMBOLS),
    named=st.none() | st.integers(100, 20_000).map(lambda n: Decimal(n) / 100),
    moments=st.lists(st.tuples(st.integers(0, 86_399), st.sampled_from(Phase)), min_size=1, max_size=6),
    suspended=st.booleans(),
)
def test_a_share_is_worth_what_its_quote_says(
    symbol: str, named: Decimal | None, moments: list[tuple[int, Phase]], suspended: bool
) -> None:
    """Without the book being made, whatever was remembered from another moment."""
    markets: dict[str, Market] = {}
    quotes, fresh = SimulatedQuotes(lambda: markets), SimulatedQuotes(lambda: markets)
    for n, (seconds, phase) in enumerate(moments):
        now = at("00:00") + timedelta(seconds=seconds)
        if named is not None and n == 1:
            market = quotes.anchored(symbol, named, MONDAY, now)
            assert market is not None
            markets[symbol] = replace(market, suspended=suspended)
        quote = SimulatedQuotes(lambda: markets).quote(symbol, MONDAY, now, phase)
        assert quote is not None
        assert quotes.quote(symbol, MONDAY, now, phase) == quote
        assert fresh.prices(MONDAY, now, phase)(symbol) == (quote.last or quote.prev_close)
        assert quotes.prices(MONDAY, now, phase)("699999.XX") is None


def test_it_moves_but_does_not_wander_away(rig: PaperRig) -> None:
    rig.broker.observe(symbol="600000.SH", price=Decimal("10.00"), day=MONDAY)
    seen = set()
    for _ in range(200):
        rig.clock.forward(3)
        seen.add(quote_of(rig).last)
    assert seen == {Decimal(n) / 100 for n in range(998, 1003)}


def test_right_after_a_price_was_named_it_is_the_last_price(rig: PaperRig) -> None:
    for cents in range(1000, 1020):
        rig.clock.forward(3)
        rig.broker.observe(symbol="600000.SH", price=Decimal(cents) / 100, day=MONDAY)
        assert quote_of(rig).last == Decimal(cents) / 100


def test_what_nobody_named_has_a_price_all_the_same(rig: PaperRig) -> None:
    first = {symbol: quote_of(rig, symbol) for symbol in SYMBOLS}
    rig.restart()
    assert {symbol: quote_of(rig, symbol) for symbol in SYMBOLS} == first
    assert len({quote.last for quote in first.values()}) == len(SYMBOLS)


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "sNaN", "Infinity", "1e30", "0.001"])
def test_what_is_no_price_anchors_nothing(rig: PaperRig, price: str) -> None:
    before = quote_of(rig)
    rig.broker.observe(symbol="600000.SH", price=Decimal(price), day=MONDAY)
    rig.broker.observe(symbol="no such thing", price=Decimal(10), day=MONDAY)
    assert quote_of(rig) == before
    rig.restart()
    assert quote_of(rig) == before


def test_an_average_price_is_rounded_to_the_tick(rig: PaperRig) -> None:
    rig.broker.observe(symbol="600000.SH", price=Decimal("10.004999"), day=MONDAY)
    assert quote_of(rig).last == Decimal("10.00")


def test_the_first_price_ever_is_its_own_previous_close(rig: PaperRig) -> None:
    rig.broker.observe(symbol="600000.SH", price=Decimal("12.34"), day=MONDAY)
    instrument = instrument_of(rig)
    assert (instrument.prev_close, instrument.limit_up, instrument.limit_down) == (
        Decimal("12.34"),
        Decimal("13.57"),
        Decimal("11.11"),
    )


def test_a_fill_that_cannot_have_been_moves_nothing(rig: PaperRig) -> None:
    """Nobody puts a security to its limit for everyone by naming a price beyond it."""
    rig.broker.observe(symbol="600000.SH", price=Decimal("10.00"), day=MONDAY)
    for price, last in (("15", "10.00"), ("10.50", "10.50"), ("11.01", "10.50"), ("8.99", "10.50"), ("11.00", "11.00")):
        rig.clock.forward(3)
        rig.broker.observe(symbol="600000.SH", price=Decimal(price), day=MONDAY)
        market = markets_of(rig)["600000.SH"]
        assert (market.last, market.prev_close) == (Decimal(last), Decimal("10.00"))


@pytest.mark.parametrize(("side", "price"), [("buy", "9.20"), ("sell", "10.80"), ("buy", "10.15")])
def test_no_limit_moves_the_market(rig: PaperRig, side: str, price: str) -> None:
    """An order away from the market rests; what it asks for changes nobody's quote, filled, canceled or not."""
    rig.hold("600000.SH", 1000)
    rig.broker.observe(symbol="600000.SH", price=Decimal("10.00"), day=MONDAY)
    before, shown = dict(markets_of(rig)), quote_of(rig)
    make = Requests()
    placed = rig.broker.place(make.buy(100, price) if side == "buy" else make.sell(100, price))
    assert isinstance(placed, Accepted)
    state = AttemptState.FILLED if price == "10.15" else AttemptState.NEW
    assert listed(rig, placed.broker_order_id).state is state
    for _ in range(20):
        rig.clock.forward(3)
        rig.broker.advance()
        last = quote_of(rig).last
        assert last is not None
        assert abs(last - Decimal("10.00")) <= Decimal("0.02")
    assert listed(rig, placed.broker_order_id).state is state
    rig.broker.observe(symbol="600000.SH", price=None, day=MONDAY)  # as a signal of which nothing was filled
    assert markets_of(rig) == before
    rig.clock.moment = at("10:00")
    assert (quote_of(rig).last, quote_of(rig).prev_close) == (shown.last, shown.prev_close)


@pytest.mark.parametrize(("price", "prev_close"), [("11.00", "10.00"), ("9.00", "10.00"), ("11.01", "11.01")])
def test_the_first_price_of_the_next_day_follows_the_last_if_it_can(rig: PaperRig, price: str, prev_close: str) -> None:
    rig.broker.observe(symbol="600000.SH", price=Decimal("10.00"), day=MONDAY)
    rig.broker.observe(symbol="600000.SH", price=Decimal(price), day=TUESDAY)
    assert (quote_of(rig).last, instrument_of(rig).prev_close) == (Decimal(price), Decimal(prev_close))


def test_at_the_upper_limit_nobody_sells_and_a_buy_queues(rig: PaperRig) -> None:
    rig.broker.observe(symbol="600000.SH", price=Decimal("10.00"), day=MONDAY)
    rig.broker.observe(symbol="600000.SH", price=Decimal("11.00"), day=MONDAY)
    rig.hold("600000.SH", 1000)
    make = Requests()
    buy = rig.broker.place(make.buy(100, "11.00"))
    sell = rig.broker.place(make.sell(100, "11.00"))
    for _ in range(20):
        rig.clock.forward(3)
        rig.broker.advance()
        assert quote_of(rig).asks == ()
        assert quote_of(rig).bids[0].price == Decimal("11.00")
    assert isinstance(buy, Accepted)
    assert isinstance(sell, Accepted)
    assert listed(rig, buy.broker_order_id).state is AttemptState.NEW
    assert listed(rig, sell.broker_order_id).state is AttemptState.FILLED


def test_at_the_lower_limit_nobody_buys(rig: PaperRig) -> None:
    rig.broker.set_market("600000.SH", prev_close=Decimal(10), last=Decimal(9))
    rig.hold("600000.SH", 1000)
    assert quote_of(rig).bids == ()
    assert quote_of(rig).asks[0].price == Decimal("9.00")
    sell = rig.broker.place(Requests().sell(100, "9.00"))
    assert isinstance(sell, Accepted)
    assert listed(rig, sell.broker_order_id).state is AttemptState.NEW


def test_set_by_hand_it_stays_until_another_day_names_a_price(rig: PaperRig) -> None:
    rig.broker.set_market("600000.SH", last=Decimal("10.00"), depth=500)
    rig.clock.forward(60)
    rig.broker.observe(symbol="600000.SH", price=Decimal("10.30"), day=MONDAY)
    rig.restart()
    quote = quote_of(rig)
    assert (quote.last, quote.bids[0], quote.asks[0]) == (
        Decimal("10.00"),
        Level(price=Decimal("9.99"), volume=500),
        Level(price=Decimal("10.01"), volume=500),
    )
    rig.broker.observe(symbol="600000.SH", price=Decimal("10.30"), day=TUESDAY)
    assert quote_of(rig).last == Decimal("10.30")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"last": Decimal("10.001")}, "lie on the tick"),
        ({"last": Decimal(12), "prev_close": Decimal(10)}, "within 9.00 to 11.00"),
        ({"last": Decimal(10), "bid": Decimal("10.05"), "ask": Decimal("10.05")}, "below the best ask"),
        ({"last": Decimal(10), "bid": Decimal("10.02")}, "below the best ask"),
        ({"depth": -1}, "holds something"),
    ],
)
def test_no_market_can_be_set_that_cannot_be(rig: PaperRig, wrong: dict[str, Decimal], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        rig.broker.set_market("600000.SH", **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no symbol"):
        rig.broker.set_market("000001.SH", last=Decimal(10))


def test_what_is_not_quoted_is_not_known(rig: PaperRig) -> None:
    rig.broker.set_market("600000.SH", quoted=False)
    assert rig.broker.quote("600000.SH") is None
    assert rig.broker.instrument("600000.SH") is None


def test_what_was_taken_of_a_book_is_gone_until_the_next(rig: PaperRig) -> None:
    rig.broker.set_market("600000.SH", prev_close=Decimal(10), last=Decimal(10), depth=300)
    make = Requests()
    rig.broker.place(make.buy(200, "10.01"))
    assert quote_of(rig).asks[0] == Level(price=Decimal("10.01"), volume=100)
    rig.restart()  # the exchange remembers
    assert quote_of(rig).asks[0] == Level(price=Decimal("10.01"), volume=100)
    second = rig.broker.place(make.buy(200, "10.01"))
    assert isinstance(second, Accepted)
    rig.broker.advance()
    assert listed(rig, second.broker_order_id).filled == 100
    rig.clock.forward(3)
    rig.broker.advance()
    assert listed(rig, second.broker_order_id).filled == 200
    assert quote_of(rig).asks[0] == Level(price=Decimal("10.01"), volume=200)


def test_a_taker_pays_each_levels_price_and_what_stands_its_own(rig: PaperRig) -> None:
    rig.broker.set_market("600000.SH", prev_close=Decimal(10), last=Decimal(10), depth=100)
    placed = rig.broker.place(Requests().buy(400, "10.03"))
    assert isinstance(placed, Accepted)
    rig.broker.set_market("600000.SH", last=Decimal("9.90"), depth=5000)
    assert [(f.volume, f.price) for f in fills_of(rig, placed.broker_order_id)] == [
        (100, Decimal("10.01")),
        (100, Decimal("10.02")),
        (100, Decimal("10.03")),
        (100, Decimal("10.03")),
    ]


def test_the_better_price_is_served_first(rig: PaperRig) -> None:
    rig.broker.set_market("600000.SH", prev_close=Decimal(10), last=Decimal(10), depth=100)
    make = Requests()
    placed = [rig.broker.place(make.buy(100, price)) for price in ("9.90", "9.92", "9.92")]
    ids = [p.broker_order_id for p in placed if isinstance(p, Accepted)]
    rig.broker.set_market("600000.SH", last=Decimal("9.89"), ask=Decimal("9.92"), bid=Decimal("9.88"), depth=100)
    assert [listed(rig, i).filled for i in ids] == [0, 100, 0]


class RealQuotes:
    """Quotes from elsewhere; refuses to be asked under the exchange's lock."""

    def __init__(self) -> None:
        self.rig: PaperRig | None = None
        self.ask = Decimal("10.01")
        self.down = False
        self.asked_in_vain = threading.Event()

    def _look(self) -> None:
        if self.down:
            self.asked_in_vain.set()
            raise BrokerDownError("no MiniQMT runs")
        if self.rig is not None:
            assert not self.rig.broker._lock._is_owned()  # type: ignore[attr-defined]

    def quote(self, symbol: str) -> Quote | None:
        self._look()
        if symbol != "600000.SH":
            return None
        return Quote(
            symbol=symbol,
            at=at("10:00"),
            last=self.ask,
            prev_close=Decimal("10.00"),
            bids=(Level(price=self.ask - Decimal("0.01"), volume=700),),
            asks=(Level(price=self.ask, volume=700),),
        )

    def instrument(self, symbol: str) -> Instrument | None:
        self._look()
        return Instrument(
            symbol=symbol,
            name="浦发银行",
            prev_close=Decimal("10.00"),
            limit_up=Decimal("11.00"),
            limit_down=Decimal("9.00"),
            tick=Decimal("0.01"),
        )


def test_it_can_practise_on_real_quotes(tmp_path: Path) -> None:
    source = RealQuotes()
    rig = PaperRig(tmp_path, quotes=source)
    source.rig = rig
    make = Requests()
    placed, standing = rig.broker.place(make.buy(500, "10.01")), rig.broker.place(make.buy(300, "9.95"))
    assert isinstance(placed, Accepted)
    assert isinstance(standing, Accepted)
    assert listed(rig, placed.broker_order_id).state is AttemptState.FILLED
    assert quote_of(rig).asks == (Level(price=Decimal("10.01"), volume=200),)
    assert rig.broker.quote("000001.SZ") is None
    source.ask = Decimal("9.95")
    rig.broker.advance()
    assert listed(rig, standing.broker_order_id).state is AttemptState.FILLED
    assert rig.broker.asset().market_value == 800 * Decimal("9.95")
    rig.broker.observe(symbol="600000.SH", price=Decimal(20), day=date(2026, 3, 3))  # moves the day, not the quotes
    assert quote_of(rig).last == Decimal("9.95")
    assert rig.broker.positions()[0].available == 800
    rig.close()


def test_without_the_real_quotes_nothing_is_made_up(tmp_path: Path) -> None:
    source = RealQuotes()
    rig = PaperRig(tmp_path, quotes=source)
    rig.broker.place(Requests().buy(300, "9.95"))
    source.down = True
    rig.restart()  # connects all the same: what stands goes on standing
    with pytest.raises(BrokerDownError):
        rig.broker.quote("600000.SH")
    with pytest.raises(BrokerDownError):
        rig.broker.place(Requests().buy(100, "9.95"))
    assert len(rig.broker.orders()) == 1
    rig.close()


def test_the_pulse_outlives_a_loss_of_quotes(tmp_path: Path) -> None:
    source = RealQuotes()
    rig = PaperRig(tmp_path, quotes=source, pulse_s=0.001)
    placed = rig.broker.place(Requests().buy(300, "9.95"))
    assert isinstance(placed, Accepted)
    source.down = True
    assert source.asked_in_vain.wait(5)
    source.ask = Decimal("9.95")
    source.down = False
    wait_state(rig, placed.broker_order_id, AttemptState.FILLED)
    rig.close()
