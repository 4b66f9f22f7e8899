"""Card 36: a Friday afternoon and a whole Monday through the vendor's own layer, with the terminal as judge.

Real hours, on one clock for the service and for the terminal's process. Every step is a function; at the end the
terminal's own record, the ledger, the books, the positions, the money and the summary must say the same.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jqfollow.clock import SHANGHAI
from jqfollow.domain import AttemptState, OrderState, Phase, WaitingFor
from jqfollow.execution import accounts, supervisor
from jqfollow.reasons import Reason

from .day import DayHouse
from .house import ACCOUNT
from .judge import BY_HAND, judge
from .modes import Mode
from .terminal import Terminal

FRIDAY, MONDAY = date(2026, 2, 27), date(2026, 3, 2)
CLOSES = {
    "600000.XSHG": "10.00",
    "600036.XSHG": "40.00",
    "601318.XSHG": "50.00",
    "600519.XSHG": "15.00",
    "000001.XSHE": "12.00",
    "000333.XSHE": "70.00",
    "002415.XSHE": "30.00",
    "300750.XSHE": "20.00",
    "300059.XSHE": "15.00",
    "688981.XSHG": "50.00",
    "510300.XSHG": "4.000",
    "159915.XSHE": "2.000",
    "518880.XSHG": "5.000",
    "113050.XSHG": "120.000",
}
TREND = {
    "600000.XSHG": 3000,
    "600036.XSHG": 1000,
    "601318.XSHG": 800,
    "000001.XSHE": 2000,
    "000333.XSHE": 500,
    "300750.XSHE": 1500,
}
HALF = {"600036.XSHG": 300, "002415.XSHE": 1000, "688981.XSHG": 501}  # at 0.5: 150, 500 and 250.5
ROTATE = {"510300.XSHG": 10_000, "159915.XSHE": 20_000}  # at 2
STRATEGIES: dict[str, Any] = {
    "trend": {"title": "趋势", "follow": {ACCOUNT: 1}},
    "half": {"title": "半仓", "follow": {ACCOUNT: Decimal("0.5")}},
    "rotate": {"title": "轮动", "follow": {ACCOUNT: 2}},
}


@pytest.fixture(params=[0, pytest.param(3, marks=pytest.mark.slow)], ids=["at once", "3 s late"])
async def house(
    request: pytest.FixtureRequest, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DayHouse]:
    """The second of them at a counter that shows own money and shares late."""
    monkeypatch.setattr(supervisor, "PROBE_EVERY_S", 0.1)
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.05,))
    start = datetime(2026, 2, 27, 14, 40, tzinfo=SHANGHAI)
    night = f"{(datetime.now(SHANGHAI).hour + 12) % 24:02}:00"  # the schedule goes by the machine's clock
    async with DayHouse(
        tmp_path,
        terminal,
        start=start,
        lag_s=request.param,
        strategies=STRATEGIES,
        risk={"outside_hours": "hold"},
        notify={"summary_at": night, "heartbeat_at": night},
    ) as house:
        yield house


async def test_36_a_day_through_the_vendors_layer(house: DayHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    await friday(house)
    await before_the_open(house)
    await morning(house)
    await connection_lost(house)
    await over_lunch(house)
    await afternoon_sells(house)
    await unknown_outcome(house, monkeypatch)
    await by_hand(house)
    await closing_auction(house)
    await after_the_close(house)
    await judge(house, list(CLOSES), FRIDAY, MONDAY)


async def friday(house: DayHouse) -> None:
    """What is held over the weekend."""
    house.opens(CLOSES)
    bought = [
        await house.basket(*b) for b in (("trend", "buy", TREND), ("half", "buy", HALF), ("rotate", "buy", ROTATE))
    ]
    await house.filled(*(signal_id for ids in bought for signal_id in ids))
    await house.at("15:03:00")
    assert house.phase() is Phase.CLOSED
    late = await house.signal("trend", "buy", "600519.XSHG", 100, position_after=0)
    [refused] = await house.done(late)
    assert (refused.state, refused.reason) == (OrderState.REJECTED, Reason.OUTSIDE_HOURS)
    assert len(await house.agreed(day_over=True)) == len(TREND) + len(HALF) + len(ROTATE)
    assert await house.books() == await house.positions()


async def before_the_open(house: DayHouse) -> None:
    """The terminal's morning restart; one order is held until the open, another one finds that the price ran away."""
    await house.at(f"{MONDAY}T09:05:00")
    assert not house.phase().name.startswith("OPENING")
    await house.restart_terminal()
    house.opens(CLOSES, change="0.01")
    house.calm("600519.XSHG", "15.60", prev_close="15.00")
    await house.at("09:16:00")
    assert house.phase() is Phase.OPENING_AUCTION
    held = await house.signal("trend", "buy", "000001.XSHE", 1000)
    gone = await house.signal("half", "buy", "600519.XSHG", 1000, price="15.00", position_after=0)
    for signal_id in (held, gone):
        await house.waits(signal_id, WaitingFor.SESSION)
    for when in ("09:20:30", "09:25:30", "09:29:30"):
        await house.at(when)
        assert await asyncio.to_thread(house.terminal.orders) == []
    await house.at("09:30:01")
    await house.filled(held)
    [refused] = await house.done(gone)
    assert (refused.state, refused.reason) == (OrderState.REJECTED, Reason.PRICE_DRIFT)


async def morning(house: DayHouse) -> None:
    """Buys; some are filled in part, cancelled and priced anew; what a ratio leaves over is carried on."""
    await house.at("09:35:00")
    bought = await house.basket("trend", "buy", {"002415.XSHE": 700, "300059.XSHE": 900, "600519.XSHG": 400})
    bought += await house.basket("half", "buy", {"600036.XSHG": 300, "000333.XSHE": 500, "300750.XSHE": 600})
    bought += await house.basket("rotate", "buy", {"518880.XSHG": 4000, "113050.XSHG": 50, "510300.XSHG": 5000})
    await house.filled(*bought)
    assert (await house.book("600036.XSHG", strategy="half", account=ACCOUNT)).volume == 300  # twice 150
    for minute, code in ((50, "600000.XSHG"), (55, "601318.XSHG"), (58, "300059.XSHE")):
        await house.at(f"09:{minute}:00")
        order = await house.standing(code, 6000, 300)
        await house.at(f"09:{minute}:45")
        [filled] = await house.filled(order.signal_id)
        first, *_, last = await house.attempts(filled)
        assert first.state is AttemptState.CANCELED
        assert 0 < first.filled < 6000
        assert first.price < last.price
    await house.at("10:05:00")
    limit = await house.signal("trend", "buy", "159915.XSHE", 500, price=None, limit="1.950")
    await house.in_state(limit, OrderState.NEW)
    house.expiring.append(limit)


async def connection_lost(house: DayHouse) -> None:
    """Lost at half past ten with an order in the market, which is filled meanwhile; a signal comes, and waits."""
    await house.at("10:29:50")
    order = await house.standing("000333.XSHE", 4000, 200)
    await house.at("10:30:00")
    house.go_wrong(Mode.LOGGED_OUT)
    await asyncio.to_thread(house.terminal.tell, "drop")
    await house.ready(is_ready=False)
    meanwhile = await house.signal("rotate", "buy", "159915.XSHE", 3000)
    await house.waits(meanwhile, WaitingFor.BROKER)
    house.away("000333.XSHE", "-0.06")  # back to where the order stands
    await asyncio.to_thread(house.terminal.tell, "clock_at")
    house.go_wrong(Mode.REPLAY)
    await house.ready()
    await house.filled(order.signal_id, meanwhile)
    [attempt] = await house.attempts(order)
    assert attempt.filled == 4000
    house.go_wrong(Mode.PUSHES_REVERSED)
    await house.at("11:00:00")
    await house.filled(*await house.basket("trend", "buy", dict.fromkeys(TREND, 200)))
    await house.filled(*await house.basket("half", "buy", dict.fromkeys(TREND, 600)))
    house.go_wrong()


async def over_lunch(house: DayHouse) -> None:
    """What stands at half past eleven is cancelled after lunch, and not before, whatever is restarted meanwhile."""
    await house.at("11:29:50")
    order = await house.standing("002415.XSHE", 5000, 100)
    await house.at("11:30:25")
    assert house.phase() is Phase.LUNCH
    assert await house.live(order) is AttemptState.PARTIALLY_FILLED
    await house.at("12:00:00")
    await house.restart()
    held = await house.signal("half", "buy", "002415.XSHE", 700)
    await house.waits(held, WaitingFor.SESSION)
    await house.at("12:59:00")
    assert await house.live(order) is AttemptState.PARTIALLY_FILLED
    await house.at("13:00:01")
    await house.filled(order.signal_id, held)
    assert len(await house.attempts(order)) == 2


async def afternoon_sells(house: DayHouse) -> None:
    """What was bought on Friday is sold, odd lots with it; what was bought today is not. Every push comes twice."""
    house.go_wrong(Mode.PUSHES_TWICE)
    await house.at("13:10:00")
    for code in ("600000.XSHG", "601318.XSHG", "000333.XSHE"):  # today's are on top of Friday's
        sell = await house.signal("trend", "sell", code, 9000)
        for owed in await house.sold_as_far_as_can_be(sell, TREND[code]):  # of an exit: it waits for tomorrow
            answer = await house.console("POST", f"/api/orders/{owed.order_id}/cancel")
            assert answer.status_code == 200, "a person does not want that"
        assert sum(order.filled for order in await house.done(sell, timeout_s=30)) == TREND[code]
    today = await house.done(await house.signal("trend", "sell", "600519.XSHG", 400, position_after=400))
    assert [(o.state, o.reason) for o in today] == [(OrderState.REJECTED, Reason.NOT_SELLABLE_TODAY)]
    ids = await house.basket("trend", "sell", {"300750.XSHE": 1500, "600036.XSHG": 1000, "000001.XSHE": 1500})
    ids += await house.basket("half", "sell", {"002415.XSHE": 600})
    ids += await house.basket("rotate", "sell", {"113050.XSHG": 50, "518880.XSHG": 4000, "510300.XSHG": 2500})
    await house.filled(*ids)
    star = "688981.XSHG"  # 250 are held: 200 at least in one order, and the odd rest in one
    [few] = await house.done(await house.signal("half", "sell", star, 100))
    assert (few.state, few.reason) == (OrderState.REJECTED, Reason.BELOW_LOT)
    await house.filled(await house.signal("half", "sell", star, 350))
    [rest] = await house.filled(await house.signal("half", "sell", star, 51))
    assert 0 < rest.filled < 200
    assert (await house.book(star, strategy="half", account=ACCOUNT)).volume == 0
    house.go_wrong()


async def unknown_outcome(house: DayHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken and never answered, no push comes, and the list lags: when it shows the order, that settles it."""
    await house.at("13:40:00")
    monkeypatch.setattr(accounts, "PLACE_TIMEOUT_S", 1.0)
    house.go_wrong(Mode.NO_ANSWER, Mode.PUSHES_DROPPED, Mode.LIST_LAGS)
    signal_id = await house.signal("trend", "buy", "300750.XSHE", 800)
    order = await house.until(lambda tx: next(iter(tx.orders.of_signal(signal_id)), None))
    events = lambda tx: [e.event for e in tx.events.of_order(order.order_id)]  # noqa: E731
    await house.until(lambda tx: "no_answer" in events(tx))
    await house.at("13:40:15")
    await house.filled(signal_id)
    assert len(await house.attempts(order)) == 1
    house.go_wrong()
    monkeypatch.setattr(accounts, "PLACE_TIMEOUT_S", 5.0)


async def by_hand(house: DayHouse) -> None:
    """A person orders in the terminal, which is no business of ours, and in the console, which is; and cancels one."""
    await house.at("14:10:00")
    bought = {"symbol": "600000.SH", "side": "buy", "volume": 300, "remark": BY_HAND}
    await asyncio.to_thread(
        house.terminal.tell, "manual", price=str(house.prices["600000.XSHG"] + 1 / Decimal(100)), **bought
    )
    wanted = {"strategy": "trend", "account": ACCOUNT, "side": "buy", "confirm": house.terminal.account}
    answer = await house.console("POST", "/api/orders", json=wanted | {"security": "300059.XSHE", "volume": 200})
    assert answer.status_code == 200, answer.text
    await house.filled(answer.json()[0]["signal_id"])
    cheap = wanted | {"security": "000001.XSHE", "volume": 100, "price": "11.80"}
    answer = await house.console("POST", "/api/orders", json=cheap)
    order = await house.in_state(answer.json()[0]["signal_id"], OrderState.NEW)
    assert (await house.console("POST", f"/api/orders/{order.order_id}/cancel")).status_code == 200
    [order] = await house.done(order.signal_id, timeout_s=20)
    assert (order.state, order.reason) == (OrderState.CANCELED, Reason.CANCELED_BY_USER)
    more = dict.fromkeys(TREND, 300) | {"002415.XSHE": 200, "300059.XSHE": 500}
    await house.filled(*await house.basket("trend", "buy", more))
    await house.filled(*await house.basket("half", "buy", dict.fromkeys(TREND, 400)))


async def closing_auction(house: DayHouse) -> None:
    """From 14:57 on nothing is cancelled or placed; the auction fills one order, and another one stays what it is."""
    await house.at("14:56:40")
    cut_off = await house.standing("601318.XSHG", 5000, 200)
    last = house.prices["000001.XSHE"]
    in_auction = await house.signal("trend", "buy", "000001.XSHE", 600, price=None, limit=last)
    meets = await house.in_state(in_auction, OrderState.NEW)
    await house.at("14:58:00")
    assert house.phase() is Phase.CLOSING_AUCTION
    late = await house.signal("trend", "sell", "600036.XSHG", 100, position_after=1)
    [refused] = await house.done(late)
    assert (refused.state, refused.reason) == (OrderState.REJECTED, Reason.OUTSIDE_HOURS)
    for order in (cut_off, meets):
        assert await house.live(order) in {AttemptState.NEW, AttemptState.PARTIALLY_FILLED}
    await house.at("15:00:02")
    [auctioned] = await house.filled(in_auction)
    [fill] = await house.fills(auctioned)
    assert fill.price == last
    assert await house.live(cut_off) is AttemptState.PARTIALLY_FILLED
    house.expiring.append(cut_off.signal_id)


async def after_the_close(house: DayHouse) -> None:
    """What was not filled expires; nothing is left alive."""
    await house.at("15:02:10")
    untouched, cut_off = expired = await house.done(*house.expiring, timeout_s=20)
    assert [(o.state, o.reason) for o in expired] == [(OrderState.EXPIRED, Reason.DAY_OVER)] * 2
    assert (untouched.filled, cut_off.filled > 0) == (0, True)
    left = await house.ledger.read(lambda tx: [*tx.attempts.live(), *tx.orders.open(), *tx.signals.received()])
    assert left == []
    await house.at("15:05:00")
