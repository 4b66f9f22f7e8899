"""What every broker of `execution/brokers/port.py` must do: one suite for the paper broker and for real adapters.

An adapter's test module subclasses `BrokerContract` and gives it a fixture `rig`:

    class TestMine(BrokerContract):
        @pytest.fixture
        def rig(self, tmp_path): ...; yield rig; rig.close()

The rig owns a connected broker and plays its counterpart (a simulated terminal, the paper exchange). All prices that
the suite uses lie on the tick 0.01 around 10 yuan; `SYMBOL` is a main-board stock.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol, TypeVar

import pytest

from jqfollow.domain import (
    ATTEMPT_ENDED,
    Accepted,
    AttemptState,
    BrokerDownError,
    BrokerError,
    BrokerEvent,
    FillReport,
    OrderReport,
    PlaceFailed,
    PlaceRequest,
    Refused,
    Side,
)
from jqfollow.execution.brokers.port import Broker

SYMBOL = "600000.SH"
OTHER = "000001.SZ"
CASH = Decimal(1_000_000)
T = TypeVar("T")


class Rig(Protocol):
    """One broker, and the hands on its other side. A new rig: `CASH` yuan, no holdings, an open market."""

    @property
    def broker(self) -> Broker:
        """Connected, pushing into the rig; another object after `restart`."""
        ...

    def set_market(
        self, symbol: str, *, last: Decimal, bid: Decimal, ask: Decimal, depth: int, suspended: bool = False
    ) -> None:
        """The market stands exactly so, `depth` shares a level, the day's reference at 10.00; matches what stands."""
        ...

    def hold(self, symbol: str, volume: int) -> None:
        """The account holds `volume`, all of it sellable."""
        ...

    def wait(self, find: Callable[[list[BrokerEvent]], T | None], what: str) -> T:
        """Waits (5 s at most) until `find` sees something in all pushes so far; fails with `what` if it never does."""
        ...

    def pushes(self) -> list[BrokerEvent]:
        """All pushes so far."""
        ...

    def push_threads(self) -> set[int]:
        """The ids of the threads on which pushes came."""
        ...

    def lose_connection(self) -> None:
        """The counterpart goes away; `broker.connect()` brings it back with all that it knew."""
        ...

    def restart(self) -> None:
        """The process dies and begins anew: another connected `broker` on the same account."""
        ...


@dataclass
class Requests:
    """Makes requests with fresh remarks."""

    made: int = 0

    def __call__(self, side: Side, volume: int, price: str, *, symbol: str = SYMBOL) -> PlaceRequest:
        self.made += 1
        return PlaceRequest(
            attempt_id=self.made,
            remark=f"jqtest0-{self.made}",
            symbol=symbol,
            side=side,
            volume=volume,
            price=Decimal(price),
        )

    def buy(self, volume: int, price: str, *, symbol: str = SYMBOL) -> PlaceRequest:
        return self(Side.BUY, volume, price, symbol=symbol)

    def sell(self, volume: int, price: str, *, symbol: str = SYMBOL) -> PlaceRequest:
        return self(Side.SELL, volume, price, symbol=symbol)


def accepted(rig: Rig, request: PlaceRequest) -> str:
    """Places `request`; its id at the broker."""
    placed = rig.broker.place(request)
    assert isinstance(placed, Accepted), placed
    assert placed.broker_order_id
    return placed.broker_order_id


def wait_state(rig: Rig, broker_order_id: str, state: AttemptState) -> OrderReport:
    """Waits for the push that tells `state` of an order."""

    def told(events: list[BrokerEvent]) -> OrderReport | None:
        return next(
            (
                e
                for e in events
                if isinstance(e, OrderReport) and e.broker_order_id == broker_order_id and e.state is state
            ),
            None,
        )

    return rig.wait(told, f"order {broker_order_id} {state}")


def refusal(rig: Rig, request: PlaceRequest) -> str:
    """Places what must not be taken; the broker's words, which may come at once or by push."""
    placed = rig.broker.place(request)
    if isinstance(placed, Refused):
        return placed.message

    def told(events: list[BrokerEvent]) -> str | None:
        mine = (e for e in events if isinstance(e, PlaceFailed) and e.broker_order_id == placed.broker_order_id)
        return next((e.message for e in mine), None)

    message = rig.wait(told, f"a refusal of {request}")
    listed = [o for o in rig.broker.orders() if o.broker_order_id == placed.broker_order_id]
    assert [o.state for o in listed] in ([], [AttemptState.REJECTED])
    return message


def listed(rig: Rig, broker_order_id: str) -> OrderReport:
    """The order's row in the broker's list."""
    return next(o for o in rig.broker.orders() if o.broker_order_id == broker_order_id)


def fills_of(rig: Rig, broker_order_id: str) -> list[FillReport]:
    """The order's rows in the list of fills."""
    return [f for f in rig.broker.fills() if f.broker_order_id == broker_order_id]


def pushed_fills(rig: Rig, broker_order_id: str, volume: int) -> list[FillReport]:
    """Waits until the order's pushed fills, each counted once, come to `volume`."""

    def told(events: list[BrokerEvent]) -> list[FillReport] | None:
        fills = {e.traded_id: e for e in events if isinstance(e, FillReport) and e.broker_order_id == broker_order_id}
        return list(fills.values()) if sum(f.volume for f in fills.values()) == volume else None

    return rig.wait(told, f"fills of {volume} for {broker_order_id}")


class BrokerContract:
    """See the module."""

    @pytest.fixture
    def make(self) -> Requests:
        return Requests()

    @pytest.fixture(autouse=True)
    def open_market(self, rig: Rig) -> None:
        quiet(rig, SYMBOL)

    # -- placing and filling

    def test_a_buy_at_the_ask_is_filled_and_told_by_push_and_by_list(self, rig: Rig, make: Requests) -> None:
        request = make.buy(300, "10.01")
        order_id = accepted(rig, request)
        pushed = pushed_fills(rig, order_id, 300)
        report = wait_state(rig, order_id, AttemptState.FILLED)
        for told in (report, listed(rig, order_id)):
            assert (told.remark, told.symbol, told.side) == (request.remark, SYMBOL, Side.BUY)
            assert (told.volume, told.price, told.filled) == (300, Decimal("10.01"), 300)
            assert told.at.utcoffset() is not None
        assert sorted(f.traded_id for f in fills_of(rig, order_id)) == sorted(f.traded_id for f in pushed)
        for fill in pushed:
            assert (fill.remark, fill.symbol, fill.side, fill.price) == (
                request.remark,
                SYMBOL,
                Side.BUY,
                Decimal("10.01"),
            )

    def test_what_was_bought_today_is_held_but_cannot_be_sold(self, rig: Rig, make: Requests) -> None:
        pushed_fills(rig, accepted(rig, make.buy(300, "10.01")), 300)
        (position,) = rig.broker.positions()
        assert (position.symbol, position.volume, position.available) == (SYMBOL, 300, 0)
        assert position.avg_cost >= Decimal("10.01")
        assert refusal(rig, make.sell(300, "9.99"))

    def test_a_fill_costs_money_and_nothing_stays_frozen(self, rig: Rig, make: Requests) -> None:
        before = rig.broker.asset()
        assert (before.cash, before.frozen) == (CASH, Decimal(0))
        order_id = accepted(rig, make.buy(300, "10.01"))
        pushed_fills(rig, order_id, 300)
        wait_state(rig, order_id, AttemptState.FILLED)
        after = rig.broker.asset()
        assert after.frozen == 0
        assert Decimal(3003) <= before.cash - after.cash <= Decimal(3013)
        assert after.market_value > 0
        assert after.total == after.cash + after.frozen + after.market_value

    def test_a_buy_below_the_market_stands_and_freezes_money(self, rig: Rig, make: Requests) -> None:
        request = make.buy(1000, "9.90")
        order_id = accepted(rig, request)
        wait_state(rig, order_id, AttemptState.NEW)
        row = listed(rig, order_id)
        assert (row.state, row.filled, row.remark) == (AttemptState.NEW, 0, request.remark)
        assert fills_of(rig, order_id) == []
        asset = rig.broker.asset()
        assert asset.frozen >= 9900
        assert asset.cash <= CASH - 9900

    def test_a_standing_order_is_filled_when_the_market_comes_to_it(self, rig: Rig, make: Requests) -> None:
        order_id = accepted(rig, make.buy(500, "9.95"))
        wait_state(rig, order_id, AttemptState.NEW)
        rig.set_market(SYMBOL, last=Decimal("9.94"), bid=Decimal("9.93"), ask=Decimal("9.94"), depth=10_000)
        fills = pushed_fills(rig, order_id, 500)
        wait_state(rig, order_id, AttemptState.FILLED)
        assert all(f.price <= Decimal("9.95") for f in fills)

    def test_a_large_order_is_filled_in_part(self, rig: Rig, make: Requests) -> None:
        rig.set_market(SYMBOL, last=Decimal("10.00"), bid=Decimal("9.99"), ask=Decimal("10.01"), depth=200)
        order_id = accepted(rig, make.buy(1000, "10.01"))
        pushed_fills(rig, order_id, 200)
        wait_state(rig, order_id, AttemptState.PARTIALLY_FILLED)
        row = listed(rig, order_id)
        assert (row.state, row.filled) == (AttemptState.PARTIALLY_FILLED, 200)
        assert sum(f.volume for f in fills_of(rig, order_id)) == 200

    def test_a_sell_of_what_is_held_brings_money(self, rig: Rig, make: Requests) -> None:
        rig.hold(SYMBOL, 1000)
        order_id = accepted(rig, make.sell(400, "9.99"))
        pushed_fills(rig, order_id, 400)
        wait_state(rig, order_id, AttemptState.FILLED)
        (position,) = rig.broker.positions()
        assert (position.volume, position.available) == (600, 600)
        assert CASH + 3980 <= rig.broker.asset().cash <= CASH + 3996

    def test_a_standing_sell_freezes_its_shares(self, rig: Rig, make: Requests) -> None:
        rig.hold(SYMBOL, 1000)
        order_id = accepted(rig, make.sell(400, "10.05"))
        wait_state(rig, order_id, AttemptState.NEW)
        (position,) = rig.broker.positions()
        assert (position.volume, position.available) == (1000, 600)

    def test_what_was_sold_out_is_no_position(self, rig: Rig, make: Requests) -> None:
        rig.hold(SYMBOL, 150)
        order_id = accepted(rig, make.sell(150, "9.99"))
        pushed_fills(rig, order_id, 150)
        wait_state(rig, order_id, AttemptState.FILLED)
        assert list(rig.broker.positions()) == []

    def test_the_same_remark_twice_makes_two_orders(self, rig: Rig, make: Requests) -> None:
        request = make.buy(100, "9.90")
        first, second = accepted(rig, request), accepted(rig, request)
        assert first != second
        assert [o.remark for o in rig.broker.orders()] == [request.remark] * 2

    def test_a_remark_of_24_characters_comes_back(self, rig: Rig, make: Requests) -> None:
        request = replace(make.buy(100, "9.90"), remark="jq" + "0123456789" * 2 + "-z")
        assert len(request.remark) == 24
        assert listed(rig, accepted(rig, request)).remark == request.remark

    # -- refusals

    def test_a_buy_without_money_is_refused_in_words(self, rig: Rig, make: Requests) -> None:
        assert "资金" in refusal(rig, make.buy(200_000, "10.01"))
        assert rig.broker.asset().frozen == 0

    def test_a_sell_without_shares_is_refused_in_words(self, rig: Rig, make: Requests) -> None:
        assert "不足" in refusal(rig, make.sell(100, "9.99"))

    @pytest.mark.parametrize("price", ["11.01", "8.99"])
    def test_a_price_outside_the_limits_is_refused_in_words(self, rig: Rig, make: Requests, price: str) -> None:
        assert "价" in refusal(rig, make.buy(100, price))

    def test_a_volume_that_is_no_lot_is_refused_in_words(self, rig: Rig, make: Requests) -> None:
        assert "数量" in refusal(rig, make.buy(150, "10.01"))

    # -- cancelling

    def test_a_canceled_order_ends_and_gives_its_money_back(self, rig: Rig, make: Requests) -> None:
        order_id = accepted(rig, make.buy(1000, "9.90"))
        rig.broker.cancel(order_id)
        report = wait_state(rig, order_id, AttemptState.CANCELED)
        assert report.filled == 0
        assert listed(rig, order_id).state is AttemptState.CANCELED
        asset = rig.broker.asset()
        assert (asset.cash, asset.frozen) == (CASH, Decimal(0))

    def test_what_was_filled_before_the_cancel_stays(self, rig: Rig, make: Requests) -> None:
        rig.set_market(SYMBOL, last=Decimal("10.00"), bid=Decimal("9.99"), ask=Decimal("10.01"), depth=200)
        order_id = accepted(rig, make.buy(1000, "10.01"))
        pushed_fills(rig, order_id, 200)
        rig.broker.cancel(order_id)
        assert wait_state(rig, order_id, AttemptState.CANCELED).filled == 200
        (position,) = rig.broker.positions()
        assert position.volume == 200

    def test_what_has_ended_cannot_be_canceled(self, rig: Rig, make: Requests) -> None:
        order_id = accepted(rig, make.buy(300, "10.01"))
        wait_state(rig, order_id, AttemptState.FILLED)
        with pytest.raises(BrokerError):
            rig.broker.cancel(order_id)
        assert listed(rig, order_id).state is AttemptState.FILLED

    def test_what_does_not_exist_cannot_be_canceled(self, rig: Rig) -> None:
        with pytest.raises(BrokerError):
            rig.broker.cancel("99999999")

    # -- the market

    def test_a_quote_shows_the_best_levels_first(self, rig: Rig) -> None:
        quote = rig.broker.quote(SYMBOL)
        assert quote is not None
        assert (quote.symbol, quote.last, quote.prev_close) == (SYMBOL, Decimal("10.00"), Decimal("10.00"))
        assert quote.at.utcoffset() is not None
        assert not quote.suspended
        bids, asks = [level.price for level in quote.bids], [level.price for level in quote.asks]
        assert (bids[0], asks[0]) == (Decimal("9.99"), Decimal("10.01"))
        assert bids == sorted(bids, reverse=True)
        assert asks == sorted(asks)
        assert all(level.volume > 0 for level in (*quote.bids, *quote.asks))

    def test_an_instrument_tells_todays_limits(self, rig: Rig) -> None:
        instrument = rig.broker.instrument(SYMBOL)
        assert instrument is not None
        assert (instrument.limit_up, instrument.limit_down) == (Decimal("11.00"), Decimal("9.00"))
        assert (instrument.tick, instrument.prev_close) == (Decimal("0.01"), Decimal("10.00"))
        assert instrument.name
        assert not instrument.suspended
        assert not instrument.risk_warning

    def test_of_what_does_not_exist_nothing_is_known(self, rig: Rig) -> None:
        assert rig.broker.quote("699999.XX") is None
        assert rig.broker.instrument("699999.XX") is None

    def test_a_suspended_security_says_so(self, rig: Rig) -> None:
        rig.set_market(
            SYMBOL, last=Decimal("10.00"), bid=Decimal("9.99"), ask=Decimal("10.01"), depth=1000, suspended=True
        )
        quote, instrument = rig.broker.quote(SYMBOL), rig.broker.instrument(SYMBOL)
        assert quote is not None
        assert instrument is not None
        assert quote.suspended or instrument.suspended
        assert quote.last is None

    # -- the connection

    def test_without_connection_nothing_is_answered(self, rig: Rig, make: Requests) -> None:
        request = make.buy(100, "9.90")
        rig.lose_connection()
        with pytest.raises(BrokerDownError):
            rig.broker.place(request)
        queries: list[Callable[[], object]] = [
            rig.broker.orders,
            rig.broker.fills,
            rig.broker.positions,
            rig.broker.asset,
        ]
        for query in queries:
            with pytest.raises(BrokerError):
                query()
        rig.broker.connect()
        assert request.remark not in [o.remark for o in rig.broker.orders()]

    def test_connected_anew_it_shows_what_it_knew_and_goes_on_pushing(self, rig: Rig, make: Requests) -> None:
        standing = accepted(rig, make.buy(100, "9.90"))
        wait_state(rig, standing, AttemptState.NEW)
        rig.lose_connection()
        rig.broker.connect()
        assert listed(rig, standing).state is AttemptState.NEW
        rig.broker.cancel(standing)
        wait_state(rig, standing, AttemptState.CANCELED)

    def test_after_a_restart_it_knows_all_of_the_day(self, rig: Rig, make: Requests) -> None:
        filled, standing = accepted(rig, make.buy(300, "10.01")), accepted(rig, make.buy(100, "9.90"))
        wait_state(rig, filled, AttemptState.FILLED)
        before = (rig.broker.asset(), list(rig.broker.positions()), len(rig.broker.fills()))
        rig.restart()
        assert (rig.broker.asset(), list(rig.broker.positions()), len(rig.broker.fills())) == before
        assert {o.broker_order_id: o.state for o in rig.broker.orders()} == {
            filled: AttemptState.FILLED,
            standing: AttemptState.NEW,
        }
        rig.broker.cancel(standing)
        wait_state(rig, standing, AttemptState.CANCELED)

    # -- threads and time

    def test_pushes_come_on_no_callers_thread(self, rig: Rig, make: Requests) -> None:
        wait_state(rig, accepted(rig, make.buy(300, "10.01")), AttemptState.FILLED)
        assert threading.get_ident() not in rig.push_threads()

    def test_it_takes_calls_from_several_threads_at_once(self, rig: Rig, make: Requests) -> None:
        requests = [make.buy(100, "9.90") for _ in range(12)]
        ids: list[str] = []
        errors: list[BaseException] = []

        def work(mine: list[PlaceRequest]) -> None:
            try:
                for request in mine:
                    ids.append(accepted(rig, request))
                    rig.broker.asset()
                    rig.broker.orders()
            except BaseException as error:  # noqa: BLE001  # told below, on the test's own thread
                errors.append(error)

        threads = [threading.Thread(target=work, args=(requests[i::3],)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert errors == []
        assert len(set(ids)) == 12
        assert {o.remark for o in rig.broker.orders()} == {r.remark for r in requests}

    def test_an_order_never_tells_less_than_its_fills(self, rig: Rig, make: Requests) -> None:
        rig.set_market(SYMBOL, last=Decimal("10.00"), bid=Decimal("9.99"), ask=Decimal("10.01"), depth=300)
        order_id = accepted(rig, make.buy(1000, "10.03"))
        wait_state(rig, order_id, AttemptState.PARTIALLY_FILLED)
        row = listed(rig, order_id)
        assert row.filled == sum(f.volume for f in fills_of(rig, order_id)) == 900
        assert row.state not in ATTEMPT_ENDED


def quiet(rig: Rig, symbol: str) -> None:
    """A market at 10.00 that does not move."""
    rig.set_market(symbol, last=Decimal("10.00"), bid=Decimal("9.99"), ask=Decimal("10.01"), depth=10_000)
