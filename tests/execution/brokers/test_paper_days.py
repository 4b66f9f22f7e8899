"""Days and hours of the paper exchange."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from jqfollow.domain import Accepted, AttemptState, BrokerError, OrderReport, Phase, Refused

from .contract import SYMBOL, Requests, listed
from .paper_rig import MONDAY, PaperRig, at

TUESDAY = MONDAY + timedelta(days=1)


def place(rig: PaperRig, request: object) -> str:
    placed = rig.broker.place(request)  # type: ignore[arg-type]
    assert isinstance(placed, Accepted), placed
    return placed.broker_order_id


class TestAlways:
    @pytest.fixture
    def rig(self, tmp_path: Path) -> Iterator[PaperRig]:
        rig = PaperRig(tmp_path, moment=at("22:30"))
        yield rig
        rig.close()

    def test_it_trades_at_night_and_on_holidays(self, rig: PaperRig) -> None:
        rig.broker.set_market(SYMBOL, prev_close=Decimal(10), last=Decimal(10))
        quote = rig.broker.quote(SYMBOL)
        assert quote is not None
        assert quote.phase is Phase.CONTINUOUS
        assert listed(rig, place(rig, Requests().buy(100, "10.01"))).state is AttemptState.FILLED

    def test_before_any_signal_its_day_is_the_clocks(self, rig: PaperRig) -> None:
        assert rig.broker.trading_day() == MONDAY
        rig.clock.forward(86_400)
        assert rig.broker.trading_day() == TUESDAY

    def test_a_backtest_begins_in_the_past_and_goes_forward_only(self, rig: PaperRig) -> None:
        for named, day in (
            (date(2024, 1, 3), date(2024, 1, 3)),
            (date(2024, 1, 2), date(2024, 1, 3)),
            (date(2024, 1, 4), date(2024, 1, 4)),
        ):
            rig.broker.observe(symbol=SYMBOL, price=None, day=named)
            assert rig.broker.trading_day() == day
        rig.clock.forward(86_400)  # the past does not go on with the clock
        rig.restart()
        assert rig.broker.trading_day() == date(2024, 1, 4)

    def test_live_days_go_on_with_the_clock(self, rig: PaperRig) -> None:
        rig.broker.observe(symbol=SYMBOL, price=Decimal(10), day=MONDAY)
        rig.clock.forward(86_400)
        assert rig.broker.trading_day() == TUESDAY

    def test_buy_on_the_first_day_sell_on_the_second(self, rig: PaperRig) -> None:
        make = Requests()
        rig.broker.observe(symbol=SYMBOL, price=Decimal(10), day=date(2024, 1, 3))
        place(rig, make.buy(1000, "10.05"))
        assert isinstance(rig.broker.place(make.sell(1000, "9.95")), Refused)
        rig.broker.observe(symbol=SYMBOL, price=Decimal("10.50"), day=date(2024, 1, 4))
        (position,) = rig.broker.positions()
        assert (position.volume, position.available) == (1000, 1000)
        place(rig, make.sell(1000, "10.40"))
        assert rig.broker.positions() == []
        assert len(rig.broker.fills()) == 1  # of the day

    def test_selling_what_was_there_frees_nothing_of_today(self, rig: PaperRig) -> None:
        rig.broker.set_market(SYMBOL, prev_close=Decimal(10), last=Decimal(10))
        rig.hold(SYMBOL, 500)
        make = Requests()
        place(rig, make.buy(300, "10.01"))
        place(rig, make.sell(400, "9.99"))
        (position,) = rig.broker.positions()
        assert (position.volume, position.available) == (400, 100)
        assert isinstance(rig.broker.place(make.sell(200, "9.99")), Refused)

    def test_with_the_day_orders_end_and_money_is_free(self, rig: PaperRig) -> None:
        rig.broker.set_market(SYMBOL, prev_close=Decimal(10), last=Decimal(10), depth=100)
        order_id = place(rig, Requests().buy(300, "10.01"))
        assert rig.broker.asset().frozen > 0
        rig.broker.observe(symbol=SYMBOL, price=None, day=TUESDAY)
        assert rig.broker.asset().frozen == 0
        assert rig.broker.orders() == []
        last = [e for e in rig.pushes() if isinstance(e, OrderReport)][-1]
        assert (last.broker_order_id, last.state, last.filled) == (order_id, AttemptState.CANCELED, 100)
        assert "交易日结束" in last.message

    def test_an_order_of_yesterday_cannot_be_canceled(self, rig: PaperRig) -> None:
        rig.broker.set_market(SYMBOL, prev_close=Decimal(10), last=Decimal(10))
        order_id = place(rig, Requests().buy(300, "9.90"))
        rig.clock.forward(86_400)
        with pytest.raises(BrokerError, match="没有此委托"):
            rig.broker.cancel(order_id)

    def test_its_file_stays_short_over_many_days(self, rig: PaperRig) -> None:
        make = Requests()
        for n in range(30):
            rig.broker.observe(symbol=SYMBOL, price=Decimal(10), day=date(2024, 1, 1) + timedelta(days=n))
            place(rig, make.buy(100, "10.05"))
        assert len(rig.path.read_bytes().splitlines()) < 6
        rig.restart()
        assert rig.broker.positions()[0].volume == 3000


class TestExchangeHours:
    @pytest.fixture
    def rig(self, tmp_path: Path) -> Iterator[PaperRig]:
        rig = PaperRig(tmp_path, hours="exchange", moment=at("09:00"))
        rig.broker.set_market(SYMBOL, prev_close=Decimal(10), last=Decimal(10), depth=10_000)
        rig.hold(SYMBOL, 10_000)
        yield rig
        rig.close()

    @pytest.mark.parametrize(
        ("moment", "phase", "takes", "cancels"),
        [
            ("09:14:59", Phase.CLOSED, False, False),
            ("09:15:00", Phase.OPENING_AUCTION, True, True),
            ("09:20:00", Phase.OPENING_AUCTION_LOCKED, True, False),
            ("09:25:00", Phase.PRE_OPEN, True, False),
            ("09:30:00", Phase.CONTINUOUS, True, True),
            ("11:30:00", Phase.LUNCH, True, False),
            ("13:00:00", Phase.CONTINUOUS, True, True),
            ("14:57:00", Phase.CLOSING_AUCTION, True, False),
            ("15:00:00", Phase.CLOSED, False, False),
            ("15:10:00", Phase.AFTER_HOURS, False, False),
        ],
    )
    def test_what_each_phase_takes(self, rig: PaperRig, moment: str, phase: Phase, takes: bool, cancels: bool) -> None:
        rig.clock.moment = at("09:15:00") if moment > "09:15:00" else at(moment)
        standing = place(rig, Requests().buy(100, "9.90")) if moment > "09:14:59" else ""
        rig.clock.moment = at(moment)
        quote = rig.broker.quote(SYMBOL)
        assert quote is not None
        assert quote.phase is phase
        placed = rig.broker.place(Requests().buy(100, "9.90"))
        assert isinstance(placed, Accepted if takes else Refused)
        if standing and cancels:
            rig.broker.cancel(standing)
            assert listed(rig, standing).state is AttemptState.CANCELED
        elif standing:
            with pytest.raises(BrokerError, match="不允许撤单"):
                rig.broker.cancel(standing)

    def test_holidays_and_weekends_are_closed_and_of_the_day_before(self, rig: PaperRig) -> None:
        rig.clock.moment = at("10:00", date(2026, 3, 6))
        assert rig.broker.trading_day() == date(2026, 3, 6)
        rig.clock.moment = at("10:00", date(2026, 3, 7))
        assert rig.broker.trading_day() == date(2026, 3, 6)
        assert isinstance(rig.broker.place(Requests().buy(100, "10")), Refused)
        rig.clock.moment = at("08:00", date(2026, 3, 9))
        assert rig.broker.trading_day() == date(2026, 3, 9)

    def test_signals_do_not_move_its_day(self, rig: PaperRig) -> None:
        rig.broker.observe(symbol=SYMBOL, price=None, day=TUESDAY)
        assert rig.broker.trading_day() == MONDAY

    def test_the_opening_auction_matches_at_one_price(self, rig: PaperRig) -> None:
        rig.clock.moment = at("09:16")
        make = Requests()
        high, low = place(rig, make.buy(300, "10.50")), place(rig, make.buy(300, "9.90"))
        sell, dear = place(rig, make.sell(200, "9.50")), place(rig, make.sell(200, "10.20"))
        rig.clock.moment = at("09:24:59")
        rig.broker.advance()
        assert rig.broker.fills() == []
        rig.clock.moment = at("09:25")
        rig.broker.advance()
        assert {(f.broker_order_id, f.volume, f.price) for f in rig.broker.fills()} == {
            (high, 300, Decimal("10.00")),
            (sell, 200, Decimal("10.00")),
        }
        late = place(rig, make.buy(100, "10.01"))  # held until the market opens
        rig.broker.advance()
        rig.restart()  # the auction is not held twice
        rig.broker.advance()
        rig.broker.set_market(SYMBOL, last=Decimal("9.80"))
        assert len(rig.broker.fills()) == 2
        rig.clock.moment = at("09:30")
        rig.broker.advance()
        assert [listed(rig, i).filled for i in (late, low, dear)] == [100, 300, 0]

    def test_in_the_auction_there_is_no_last_price_yet(self, rig: PaperRig) -> None:
        rig.clock.moment = at("09:16")
        quote = rig.broker.quote(SYMBOL)
        assert quote is not None
        assert quote.last is None
        assert [level.price for level in (*quote.bids, *quote.asks)] == [Decimal("10.00")] * 2

    def test_nothing_trades_at_lunch(self, rig: PaperRig) -> None:
        rig.clock.moment = at("11:31")
        order_id = place(rig, Requests().buy(100, "10.01"))
        rig.clock.moment = at("12:59:59")
        rig.broker.advance()
        assert listed(rig, order_id).state is AttemptState.NEW
        rig.clock.moment = at("13:00")
        rig.broker.advance()
        assert listed(rig, order_id).state is AttemptState.FILLED

    def test_the_closing_auction_matches_at_the_close(self, rig: PaperRig) -> None:
        rig.clock.moment = at("14:50")
        make = Requests()
        standing = place(rig, make.sell(200, "10.00"))  # above the best bid
        rig.clock.moment = at("14:58")
        placed = place(rig, make.buy(300, "10.01"))
        rig.broker.advance()
        assert rig.broker.fills() == []
        rig.clock.moment = at("15:00")
        rig.broker.advance()
        assert {(f.broker_order_id, f.price) for f in rig.broker.fills()} == {
            (standing, Decimal("10.00")),
            (placed, Decimal("10.00")),
        }

    def test_what_the_close_leaves_ends_with_the_next_trading_day(self, rig: PaperRig) -> None:
        rig.clock.moment = at("14:50", date(2026, 3, 6))
        order_id = place(rig, Requests().buy(100, "9.90"))
        rig.clock.moment = at("10:00", date(2026, 3, 8))
        assert listed(rig, order_id).state is AttemptState.NEW
        rig.clock.moment = at("00:00:01", date(2026, 3, 9))
        assert rig.broker.orders() == []
        assert rig.broker.asset().frozen == 0

    def test_at_a_limit_the_auction_has_no_other_side(self, rig: PaperRig) -> None:
        rig.broker.set_market(SYMBOL, prev_close=Decimal(10), last=Decimal(11), depth=100)
        rig.clock.moment = at("09:16")
        order_id = place(rig, Requests().buy(100, "11.00"))
        rig.clock.moment = at("09:26")
        rig.broker.advance()
        assert listed(rig, order_id).state is AttemptState.NEW
