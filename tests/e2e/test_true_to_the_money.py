"""All the money, exits and the day: what a counter shows late, and what no limit may stop."""

from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jqfollow.clock import SHANGHAI
from jqfollow.domain import AttemptState, BrokerError, OrderState, Side, WaitingFor
from jqfollow.execution.brokers.port import BrokerTraits
from jqfollow.ledger.rows import AttemptRow
from jqfollow.reasons import Reason

from .counter import Counters
from .house import House

CODE, OTHER, BOND, FUND = "000001.XSHE", "600000.XSHG", "113001.XSHG", "510300.XSHG"
DAYS = [date(2026, 2, 25), date(2026, 2, 26), date(2026, 2, 27), date(2026, 3, 2)]
LAGS = {"paper": BrokerTraits(real=False, absence_is_proof=True, always_open=True, width=16)}
"""A practice exchange that is not trusted to show money and shares at once."""


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 3, 2, hour, minute, second, tzinfo=SHANGHAI)


async def attempts(house: House, signal_id: int) -> list[AttemptRow]:
    return await house.ledger.read(
        lambda tx: [a for o in tx.orders.of_signal(signal_id) for a in tx.attempts.of_order(o.order_id)]
    )


async def waits(house: House, signal_id: int, what: WaitingFor) -> None:
    await house.until(lambda tx: [o for o in tx.orders.of_signal(signal_id) if o.waiting_for is what])


async def alerts(house: House) -> str:
    return await house.ledger.read(lambda tx: "\n".join(m.text for m in tx.outbox.list() if m.kind == "alert"))


# -- 1: money and shares follow by seconds -----------------------------------------------------------------------------


@pytest.mark.parametrize("lag_s", [0.5, 3, 9.5])
async def test_1_a_buy_waits_for_the_money_of_a_sell_that_the_counter_shows_late(
    counters_slowly: Counters, lag_s: float
) -> None:
    async with counters_slowly(cash=40_500) as house:
        house.market(BOND, last="100.000")
        house.market(CODE)
        await house.done(await house.send("demo", BOND, "buy", 400, price="100"))
        house.forward(11)
        house.wrong(money_lag_s=lag_s)
        sold = await house.send("demo", BOND, "sell", 400, price="100")
        await house.done(sold)
        bought = await house.send("demo", CODE, "buy", 3900, price="10.00")
        await waits(house, bought, WaitingFor.SETTLE)
        await house.sweep(after_s=lag_s + 1)
        [order] = await house.done(bought)
        assert (order.state, order.filled) == (OrderState.FILLED, 3900)
        assert [a.state for a in await attempts(house, bought)] == [AttemptState.FILLED], "placed once, refused never"


async def test_1_a_sell_waits_for_the_shares_that_the_counter_shows_late(counters_slowly: Counters) -> None:
    async with counters_slowly(cash=10_000_000) as house:
        house.market(BOND, last="100.000")
        house.wrong(shares_lag_s=3)
        await house.done(await house.send("demo", BOND, "buy", 100, price="100"))
        sold = await house.send("demo", BOND, "sell", 100, price="100")
        await waits(house, sold, WaitingFor.SETTLE)
        await house.sweep(after_s=4)
        [order] = await house.done(sold)
        assert (order.state, order.filled) == (OrderState.FILLED, 100)


async def test_1_money_is_not_spent_twice_on_one_figure(counters_slowly: Counters) -> None:
    async with counters_slowly(cash=20_000) as house:
        house.market(CODE)
        house.market(OTHER)
        first = await house.send("demo", CODE, "buy", 1500, price="10.00")
        await house.done(first)
        second = await house.send("demo", OTHER, "buy", 1500, price="10.00")
        await waits(house, second, WaitingFor.SETTLE)
        await house.sweep(after_s=11)
        await house.until(lambda tx: [o for o in tx.orders.of_signal(second) if o.filled])
        await house.sweep(after_s=11)
        [order] = await house.done(second)
        assert (order.filled, order.reason) == (400, Reason.NO_CASH)
        assert all(a.state is AttemptState.FILLED for a in await attempts(house, second))


# -- 8: placing calls that hang ----------------------------------------------------------------------------------------


async def test_8_hanging_calls_let_out_one_order_after_the_other_and_then_hold_back(tmp_path: Path) -> None:
    doubtful = {"paper": BrokerTraits(real=False, absence_is_proof=False, always_open=True, width=4)}
    async with House(tmp_path, traits=doubtful) as house:
        account = house.service.parts.accounts["paper"]
        calls = account.placing_calls
        house.market(CODE)
        calls.unanswered()
        assert calls.width(4) == 1
        await house.done(await house.send("demo", CODE, "buy", 100, price="10.00"))
        assert calls.width(4) == 4, "an answer opens all again"
        calls.unanswered()
        calls.unanswered()
        held = await house.send("demo", CODE, "buy", 100, price="10.00")
        await waits(house, held, WaitingFor.BROKER)
        assert not await attempts(house, held)
        await house.sweep(after_s=16)
        await house.done(held)
        assert not calls.hung


# -- 9: the account does not trade with itself -------------------------------------------------------------------------


async def test_9_a_crossing_order_cancels_what_rests_and_that_goes_out_again(counters_slowly: Counters) -> None:
    strategies = {name: {"follow": {"*": 1}} for name in ("demo", "other")}
    async with counters_slowly(strategies=strategies) as house:
        house.market(BOND, last="100.000")
        await house.done(await house.send("demo", BOND, "buy", 100, price="100"))
        resting = await house.send("other", BOND, "buy", 50, limit="99.900")
        await house.in_state(resting, OrderState.NEW)
        sold = await house.send("demo", BOND, "sell", 50, limit="99.800")
        [order] = await house.done(sold)
        assert order.filled == 50
        await house.sweep(after_s=2)
        await house.until(lambda tx: [a for a in tx.attempts.live(house.name) if (a.number, a.state) == (2, "new")])
        assert [a.state for a in await attempts(house, resting)] == [AttemptState.CANCELED, AttemptState.NEW]


async def test_9_an_exit_makes_way_for_nobody(counters_slowly: Counters) -> None:
    strategies = {name: {"follow": {"*": 1}} for name in ("demo", "other")}
    async with counters_slowly(strategies=strategies) as house:
        house.market(BOND, last="100.000")
        await house.done(await house.send("demo", BOND, "buy", 50, price="100"))
        exit_ = await house.send("demo", BOND, "sell", 50, limit="100.100", position_after=0)
        await house.in_state(exit_, OrderState.NEW)
        buy = await house.send("other", BOND, "buy", 50, limit="100.200")
        await waits(house, buy, WaitingFor.CROSSING)
        await house.sweep(after_s=11)
        await house.done(buy)
        assert [a.cancels for a in await attempts(house, exit_)] == [0]


# -- 10: all the money -------------------------------------------------------------------------------------------------


async def test_10_a_buy_of_all_the_money_is_not_refused_for_the_fees(counters_slowly: Counters) -> None:
    async with counters_slowly(cash=100_000) as house:
        house.market(CODE, last="9.99")
        bought = await house.send("demo", CODE, "buy", 10_000, price="10.00")
        await finish(house, [bought], step_s=4)
        [order] = await house.done(bought)
        assert (order.state, order.filled, order.reason) == (OrderState.CANCELED, 9900, Reason.NO_CASH)


@pytest.mark.parametrize("lag_s", [0, 3])
async def test_10_four_days_of_rotation_stay_within_a_hundredth(tmp_path: Path, lag_s: float) -> None:
    cash = Decimal(1_000_000)
    async with House(tmp_path, accounts={"paper": {"cash": 1_000_000}}, traits=LAGS if lag_s else None) as house:
        prices = {FUND: Decimal("4.000"), "510500.XSHG": Decimal("6.000")}
        for code, price in prices.items():
            house.market(code, last=f"{price - Decimal('0.001')}")
        house.faults["paper"].money_lag_s = lag_s
        held = dict.fromkeys(prices, 0)
        for number, day in enumerate(DAYS):
            sold, bought = (FUND, "510500.XSHG")[number % 2], ("510500.XSHG", FUND)[number % 2]
            signals = []
            if held[sold]:
                signals.append(await house.send("demo", sold, "sell", held[sold], price=str(prices[sold]), day=day))
                cash += held[sold] * prices[sold]
                held[sold] = 0
            held[bought] = int(cash / prices[bought] / 100) * 100
            cash -= held[bought] * prices[bought]
            signals.append(await house.send("demo", bought, "buy", held[bought], price=str(prices[bought]), day=day))
            await finish(house, signals, step_s=4)
            books = await house.ledger.read(lambda tx: {b.security: b.volume for b in tx.books.list(account="paper")})
            for code, wanted in held.items():
                ours = books.get({"SHG": f"{code[:6]}.SH"}[code[-3:]], 0)
                assert abs(ours - wanted) <= wanted / 100, (day, code, wanted, ours)


@pytest.mark.slow
@pytest.mark.parametrize("lag_s", [0, 3])
async def test_10_four_real_days_of_rotation_stay_within_a_hundredth(counters_slowly: Counters, lag_s: float) -> None:
    cash, codes = Decimal(1_000_000), (FUND, "510500.XSHG")
    prices = dict(zip(codes, (Decimal("4.000"), Decimal("6.000")), strict=True))
    async with counters_slowly(start=at(10, 0), hours="exchange", cash=1_000_000) as house:
        house.wrong(money_lag_s=lag_s, shares_lag_s=lag_s)
        held = dict.fromkeys(prices, 0)
        for number in range(4):
            for code, price in prices.items():
                house.market(code, last=f"{price - Decimal('0.001')}")
            sold, bought = codes[number % 2], codes[1 - number % 2]
            signals = []
            if held[sold]:
                signals.append(await house.send("demo", sold, "sell", held[sold], price=str(prices[sold])))
                cash += held[sold] * prices[sold]
                held[sold] = 0
            held[bought] = int(cash / prices[bought] / 100) * 100
            cash -= held[bought] * prices[bought]
            signals.append(await house.send("demo", bought, "buy", held[bought], price=str(prices[bought])))
            await finish(house, signals, step_s=4)
            for code, wanted in held.items():
                ours = (await house.book(code, account=house.name)).volume
                assert abs(ours - wanted) <= wanted / 100, (number, code, wanted, ours)
            house.forward((at(10, 0) + timedelta(days=number + 1) - house.clock.now()).total_seconds())
            await house.sweep()


async def finish(house: House, signals: list[int], *, step_s: float = 1) -> None:
    """Time goes on by steps until the orders of these have ended."""
    for _ in range(120):
        with suppress(TimeoutError):
            await house.done(*signals, timeout_s=0.06)
            return
        await house.sweep(after_s=step_s)
    raise AssertionError("they do not end")


async def test_10_a_counter_that_refuses_for_money_is_offered_a_lot_less(counters_slowly: Counters) -> None:
    async with counters_slowly(cash=20_000) as house:
        house.market(CODE)
        house.refuse_next("可用资金不足", times=2)
        bought = await house.send("demo", CODE, "buy", 1000, price="10.00")
        await finish(house, [bought])
        found = [(a.state, a.volume) for a in await attempts(house, bought)]
        assert found == [(AttemptState.REJECTED, 1000), (AttemptState.REJECTED, 900), (AttemptState.FILLED, 800)]


# -- 11: whose money ---------------------------------------------------------------------------------------------------


async def test_11_a_strategy_invests_no_more_than_its_capital(counters_slowly: Counters) -> None:
    strategies = {"demo": {"follow": {"*": {"ratio": 1, "capital": 15_000}}}}
    async with counters_slowly(strategies=strategies) as house:
        house.market(CODE)
        house.market(OTHER)
        [first] = await house.done(await house.send("demo", CODE, "buy", 1000, price="10.00"))
        [second] = await house.done(await house.send("demo", OTHER, "buy", 1000, price="10.00"))
        assert first.filled == 1000
        assert (second.filled, second.reason) == (400, Reason.CAPITAL)


async def test_11_a_days_loss_stops_buys_and_not_sells(counters_slowly: Counters) -> None:
    async with counters_slowly(cash=10_000_000, risk={"max_daily_loss": 500}) as house:
        house.market(BOND, last="100.000")
        await house.done(await house.send("demo", BOND, "buy", 100, price="100"))
        await house.sweep()
        house.market(BOND, last="90.000", prev_close="100.000")
        house.forward(11)  # while money moves, nothing is judged
        await house.service.parts.sweeps.take_picture(house.service.parts.accounts[house.name], house.clock.now())
        assert "max_daily_loss" in await alerts(house)
        [buy] = await house.done(await house.send("demo", BOND, "buy", 10, price="90"))
        assert buy.reason is Reason.PAUSED
        [sell] = await house.done(await house.send("demo", BOND, "sell", 50, price="90"))
        assert sell.state is OrderState.FILLED
        await house.console("POST", "/api/resume", json={"account": house.name})
        await house.service.parts.sweeps.take_picture(house.service.parts.accounts[house.name], house.clock.now())
        [buy] = await house.done(await house.send("demo", BOND, "buy", 10, price="90"))
        assert buy.state is OrderState.FILLED, "a person who goes on is not stopped again that day"


# -- 12: exits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limits",
    [
        {"max_order_value": 1000},
        {"max_daily_orders": 1},
        {"max_daily_turnover": 6000},
        {"blocked": ["113001.XSHG"]},
        {"boards": ["main"]},
    ],
)
async def test_12_no_limit_stops_an_exit(counters_slowly: Counters, limits: dict[str, Any]) -> None:
    async with counters_slowly(cash=10_000_000) as house:
        house.market(BOND, last="100.000")
        await house.done(await house.send("demo", BOND, "buy", 50, price="100"))
        risk = house.settings.risk.model_validate(
            {**house.settings.risk.model_dump(), "orders_per_second": 50, **limits}
        )
        await house.stop()
        house.settings = house.settings.model_copy(update={"risk": risk})
        await house.start()
        if "max_daily_orders" not in limits:
            [part] = await house.done(await house.send("demo", BOND, "sell", 20, price="100"))
            assert part.state is OrderState.REJECTED, "what is no exit is stopped"
        [order] = await house.done(await house.send("demo", BOND, "sell", 50, price="100", position_after=0, age_s=90))
        assert (order.state, order.filled) == (OrderState.FILLED, 50)


async def test_12_a_busy_strategy_uses_up_its_own_orders(counters_slowly: Counters) -> None:
    follow = {"follow": {"*": 1}}
    strategies = {"demo": follow, "busy": follow | {"risk": {"max_daily_orders": 2, "max_order_value": 5000}}}
    async with counters_slowly(strategies=strategies) as house:
        house.market(BOND, last="100.000")
        [large] = await house.done(await house.send("busy", BOND, "buy", 60, price="100"))
        assert large.reason is Reason.MAX_ORDER_VALUE
        for _ in range(2):
            await house.done(await house.send("busy", BOND, "buy", 10, price="100", position_after=None))
        [third] = await house.done(await house.send("busy", BOND, "buy", 10, price="100", position_after=None))
        assert third.reason is Reason.MAX_DAILY_ORDERS
        [other] = await house.done(await house.send("demo", BOND, "buy", 100, price="100"))
        assert other.filled == 100
        [exit_] = await house.done(await house.send("busy", BOND, "sell", 20, price="100", position_after=0))
        assert exit_.filled == 20


async def test_12_a_full_pause_keeps_an_exit_and_tells_of_it(counters_slowly: Counters) -> None:
    async with counters_slowly(cash=10_000_000) as house:
        house.market(BOND, last="100.000")
        await house.done(await house.send("demo", BOND, "buy", 50, price="100"))
        await house.console("POST", "/api/pause", json={})
        sold = await house.send("demo", BOND, "sell", 50, price="100")
        await waits(house, sold, WaitingFor.PAUSE)
        assert "清仓 113001.SH 还没有卖出" in await alerts(house)
        await house.console("POST", "/api/resume", json={})
        await house.sweep(after_s=300)
        [order] = await house.done(sold)
        assert order.filled == 50


async def test_12_a_pause_of_buys_lets_sells_go(counters_slowly: Counters) -> None:
    async with counters_slowly(cash=10_000_000) as house:
        house.market(BOND, last="100.000")
        await house.done(await house.send("demo", BOND, "buy", 50, price="100"))
        await house.console("POST", "/api/pause", json={"buys": True})
        [buy] = await house.done(await house.send("demo", BOND, "buy", 50, price="100"))
        [sell] = await house.done(await house.send("demo", BOND, "sell", 20, price="100"))
        assert (buy.reason, sell.filled) == (Reason.PAUSED, 20)
        await house.console("POST", "/api/resume", json={})
        [buy] = await house.done(await house.send("demo", BOND, "buy", 50, price="100"))
        assert buy.filled == 50


async def test_the_price_guard_ends_no_sell(counters_slowly: Counters) -> None:
    async with counters_slowly(cash=10_000_000) as house:
        house.market(BOND, last="100.000")
        await house.done(await house.send("demo", BOND, "buy", 50, price="100"))
        house.market(BOND, last="95.000", prev_close="100.000")
        sold = await house.send("demo", BOND, "sell", 30, price="100")
        await house.in_state(sold, OrderState.NEW)
        assert "挂在 97.000 等待" in await alerts(house)
        await house.sweep(after_s=600)
        assert [(a.price, a.cancels) for a in await attempts(house, sold)] == [(Decimal("97.000"), 0)]
        house.market(BOND, last="97.500", prev_close="100.000")
        [order] = await house.done(sold)
        assert order.filled == 30


# -- 14, 15: the day ---------------------------------------------------------------------------------------------------


async def test_14_an_order_in_a_call_auction_stands_until_the_match(counters_slowly: Counters) -> None:
    execution = {"price": "own", "join_auction": True}
    async with counters_slowly(hours="exchange", cash=10_000_000, execution=execution, start=at(9, 16)) as house:
        house.market(CODE)
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        await house.in_state(signal_id, OrderState.NEW)
        for _ in range(3):
            await house.sweep(after_s=40)
        assert [(a.number, a.cancels) for a in await attempts(house, signal_id)] == [(1, 0)]


@pytest.mark.parametrize(("start", "cancels"), [(at(14, 56, 0), 1), (at(14, 56, 10), 0)])
async def test_15_nothing_is_priced_again_just_before_the_closing_auction(
    counters_slowly: Counters, start: datetime, cancels: int
) -> None:
    async with counters_slowly(hours="exchange", cash=10_000_000, execution={"price": "own"}, start=start) as house:
        house.market(CODE)
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        await house.in_state(signal_id, OrderState.NEW)
        await house.sweep(after_s=41)
        await house.until(lambda tx: list(tx.attempts.list(account=house.name, day=start.date())))
        [first, *_] = await attempts(house, signal_id)
        assert first.cancels == cancels


# -- 17: orders and cancels --------------------------------------------------------------------------------------------


async def test_17_cancels_take_a_turn_too(counters_slowly: Counters) -> None:
    async with counters_slowly(execution={"price": "own"}, risk={"orders_per_second": 2}) as house:
        house.market(CODE)
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        order = await house.in_state(signal_id, OrderState.NEW)
        account = house.service.parts.accounts[house.name]
        house.forward(2)
        await house.console("POST", f"/api/orders/{order.order_id}/cancel")
        await house.done(signal_id)
        assert account.turn_in_s(1) > 0
        assert order.side is Side.BUY


async def test_8_calls_that_hang_make_two_unknowns_and_not_one_every_five_seconds(tmp_path: Path) -> None:
    doubtful = {"paper": BrokerTraits(real=False, absence_is_proof=False, always_open=True, width=4)}
    codes = ["000001.XSHE", "000002.XSHE", "600000.XSHG", "600036.XSHG"]
    async with House(tmp_path, traits=doubtful) as house:
        house.market(BOND, last="100.000")
        for code in codes:
            house.market(code)
        await house.done(await house.send("demo", BOND, "buy", 50, price="100"))
        for _ in range(3):
            house.faults["paper"].fail("place", BrokerError("没有回音"))
        calls = house.service.parts.accounts["paper"].placing_calls
        for number, code in enumerate(codes[:2], start=1):
            await house.send("demo", code, "buy", 100, price="10.00")
            await house.until(lambda tx, n=number: len(tx.attempts.unknown("paper")) == n)
        assert calls.hung == 2
        waiting = await house.send("demo", codes[2], "buy", 100, price="10.00")
        exit_ = await house.send("demo", BOND, "sell", 50, price="100")
        await waits(house, waiting, WaitingFor.BROKER)
        await waits(house, exit_, WaitingFor.BROKER)
        for _ in range(4):
            await house.sweep(after_s=3)
        assert len(await house.ledger.read(lambda tx: tx.attempts.unknown("paper"))) == 2
        await house.sweep(after_s=4)
        await house.until(lambda tx: len(tx.attempts.unknown("paper")) == 3)
        unknown = await house.ledger.read(lambda tx: tx.attempts.unknown("paper"))
        assert unknown[-1].side is Side.SELL, "the exit goes first"
        assert calls.wait_s() > 20
        await house.sweep(after_s=31)
        [order] = await house.done(waiting)
        assert order.filled == 100
        assert not calls.hung
