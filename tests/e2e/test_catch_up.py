"""What was left rides on the next signal of the same code and direction, where a person asked for it."""

from pathlib import Path

import pytest

from jqfollow.domain import OrderState

from .house import House

PING_AN = "000001.XSHE"


async def at_the_limit(house: House, amount: int) -> None:
    house.market(PING_AN, "11.00", prev_close="10.00")
    [order] = await house.done(await house.send("demo", PING_AN, "buy", amount, price="11.00"))
    assert order.state is OrderState.REJECTED
    house.market(PING_AN, "10.50", prev_close="10.00")


async def buy(house: House, amount: int, side: str = "buy") -> int:
    signal = await house.send("demo", PING_AN, side, amount, price="10.50")  # type: ignore[arg-type]
    [order] = await house.done(signal)
    return order.filled


async def test_a_refused_buy_rides_on_the_next_ones_at_most_doubling_them(tmp_path: Path) -> None:
    strategy = {"follow": {"paper": 1}, "catch_up": ["rounding", "refused"]}
    async with House(tmp_path, strategies={"demo": strategy}) as house:
        await at_the_limit(house, 1000)
        assert [await buy(house, 300), await buy(house, 300)] == [600, 600]
        assert [await buy(house, 800), await buy(house, 800)] == [1200, 800], "no more than what was left"
        assert (await house.book(PING_AN)).volume == 1000 + 300 + 300 + 800 + 800
        assert await house.get("/api/drift") == []


@pytest.mark.slow
async def test_by_default_only_rounding_is_carried(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        await at_the_limit(house, 1000)
        assert await buy(house, 300) == 300


@pytest.mark.slow
async def test_it_ends_when_the_book_is_sold_out(tmp_path: Path) -> None:
    strategy = {"follow": {"paper": 1}, "catch_up": ["rounding", "refused"]}
    async with House(tmp_path, strategies={"demo": strategy}) as house:
        await at_the_limit(house, 1000)
        assert await buy(house, 1000, "sell") == 0
        assert await buy(house, 300) == 300


@pytest.mark.slow
async def test_a_person_who_bought_it_already_ends_it_too(tmp_path: Path) -> None:
    strategy = {"follow": {"paper": 1}, "catch_up": ["rounding", "refused"]}
    async with House(tmp_path, strategies={"demo": strategy}) as house:
        await at_the_limit(house, 1000)
        order = {"strategy": "demo", "account": "paper", "security": PING_AN, "side": "buy", "volume": 1000}
        assert (await house.console("POST", "/api/orders", json=order)).status_code == 200
        await house.settled()
        assert await buy(house, 300) == 300
        assert (await house.book(PING_AN)).volume == 1300
