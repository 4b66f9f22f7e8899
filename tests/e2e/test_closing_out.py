"""Everything is sold out at a person's word: books only, once, whatever happens meanwhile."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jqfollow.domain import CLOSE_RUN, OrderState, PlaceRequest, Side
from jqfollow.ledger.deeds import What
from jqfollow.ledger.rows import OrderRow
from jqfollow.ledger.tx import Tx

from .house import House

PING_AN, MOUTAI, VANKE = "000001.XSHE", "600519.XSHG", "000002.XSHE"
CODES = (PING_AN, MOUTAI, VANKE)
DAY_S = 24 * 3600
AT_HOURS = {"paper": {"hours": "exchange", "cash": 10_000_000}}
TWO = {"demo": {"follow": {"paper": 1}}, "other": {"follow": {"paper": 1}}}


async def close(house: House, key: str = "a-click-1", *, confirm: str = "paper", **scope: str) -> httpx.Response:
    body = {"confirm": confirm, "key": key, **(scope or {"account": "paper"})}
    return await house.console("POST", "/api/close", json=body, headers={"jqfollow-who": quote("张三")})


async def closed(house: House, key: str = "a-click-1", **scope: str) -> list[Any]:
    answer = await close(house, key, **scope)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


async def hold(house: House, shares: int = 1000, *codes: str, strategy: str = "demo") -> None:
    """The strategy holds `shares` of each code, since yesterday."""
    for code in codes or (PING_AN,):
        house.market(code, "10.00", suspended=False)
        await house.done(await house.send(strategy, code, "buy", shares, price="10.00"))


async def next_day(house: House) -> None:
    house.forward(DAY_S)
    for code in CODES:
        house.market(code, "10.00", suspended=False)


def own_shares(house: House, code: str, shares: int) -> None:
    """The person buys some for themselves, in the broker's own program."""
    symbol = house_symbol(code)
    house.brokers["paper"].place(
        PlaceRequest(attempt_id=0, remark="own", symbol=symbol, side=Side.BUY, volume=shares, price=Decimal("10.05"))
    )


def halt(house: House, code: str) -> None:
    """Nothing of it is traded until its market is set anew."""
    house.brokers["paper"].set_market(house_symbol(code), suspended=True)


def house_symbol(code: str) -> str:
    return code.replace("XSHE", "SZ").replace("XSHG", "SH")


async def held_by_broker(house: House, code: str) -> int:
    positions = await asyncio.to_thread(house.brokers["paper"].positions)
    return next((p.volume for p in positions if p.symbol == house_symbol(code)), 0)


async def orders_that_close(house: House) -> list[OrderRow]:
    def find(tx: Tx) -> list[OrderRow]:
        return [order for order in tx.orders.list(limit=500) if order.terms.run == CLOSE_RUN]

    return await house.ledger.read(find)


async def test_books_are_sold_and_nobody_elses_shares(tmp_path: Path) -> None:
    async with House(tmp_path, accounts=AT_HOURS, strategies=TWO) as house:
        await hold(house, 1000, PING_AN, MOUTAI)
        await hold(house, 300, PING_AN, strategy="other")
        own_shares(house, PING_AN, 500)
        await next_day(house)
        looked = await house.get("/api/close?account=paper")
        assert looked["confirm"] == "paper"
        assert {(h["strategy"], h["security"], h["volume"], h["later"]) for h in looked["held"]} == {
            ("demo", "000001.SZ", 1000, 0),
            ("demo", "600519.SH", 1000, 0),
            ("other", "000001.SZ", 300, 0),
        }
        assert await orders_that_close(house) == [], "to look is to do nothing"
        assert len(await closed(house)) == 3
        await house.settled()
        assert {order.state for order in await orders_that_close(house)} == {OrderState.FILLED}
        assert (await house.book(PING_AN)).volume == (await house.book(PING_AN, strategy="other")).volume == 0
        assert await held_by_broker(house, PING_AN) == 500
        assert await held_by_broker(house, MOUTAI) == 0
        [pause] = await house.ledger.read(lambda tx: tx.pauses.list())
        assert (pause.strategy, pause.account, pause.buys) == ("", "paper", False)
        [deed] = await house.ledger.read(lambda tx: tx.deeds.list(limit=9))
        assert (deed.who, deed.what, deed.account, deed.detail) == ("张三", What.CLOSE_ALL, "paper", "3")


async def test_a_strategy_is_closed_out_and_its_neighbour_is_not(tmp_path: Path) -> None:
    async with House(tmp_path, accounts=AT_HOURS, strategies=TWO) as house:
        await hold(house)
        await hold(house, 300, strategy="other")
        await next_day(house)
        await closed(house, strategy="demo")
        await house.settled()
        assert (await house.book(PING_AN)).volume == 0
        assert (await house.book(PING_AN, strategy="other")).volume == 300
        [refused] = await house.done(await house.send("demo", PING_AN, "buy", 100, price="10.00"))
        assert refused.state is OrderState.REJECTED, "it is paused"
        [bought] = await house.done(await house.send("other", PING_AN, "buy", 100, price="10.00"))
        assert bought.state is OrderState.FILLED


@pytest.mark.parametrize("confirm", ["", "Paper", "papers", "demo", "paper paper"])
async def test_it_wants_the_accounts_name(tmp_path: Path, confirm: str) -> None:
    async with House(tmp_path, accounts=AT_HOURS) as house:
        await hold(house)
        answer = await close(house, confirm=confirm)
        assert answer.status_code == 409
        assert "paper" in answer.json()["detail"]
        assert await orders_that_close(house) == []
        assert await house.ledger.read(lambda tx: tx.pauses.list()) == []


async def test_it_names_something_that_there_is(tmp_path: Path) -> None:
    async with House(tmp_path, accounts=AT_HOURS) as house:
        for scope in ({"account": "nope"}, {"strategy": "nope"}, {"strategy": "demo", "account": "nope"}):
            assert (await close(house, **scope)).status_code == 409
        empty = await house.console("POST", "/api/close", json={"confirm": "", "key": "a-click-1"})
        assert empty.status_code == 409


async def test_pressed_twice_reloaded_and_restarted_it_sells_once(tmp_path: Path) -> None:
    async with House(tmp_path, accounts=AT_HOURS) as house:
        await hold(house)
        await next_day(house)
        halt(house, PING_AN)
        answers = await asyncio.gather(*(closed(house) for _ in range(5)))
        assert len({order["order_id"] for answer in answers for order in answer}) == 1
        reloaded = await house.get("/api/close?account=paper")
        assert [held["under_way"] for held in reloaded["held"]] == [True]
        assert await closed(house, "another-click") == []
        await house.restart()
        house.market(PING_AN, "10.00", suspended=False)
        assert [order["order_id"] for order in await closed(house)] == [answers[0][0]["order_id"]]
        await house.until(lambda tx: tx.books.get("paper", "demo", "000001.SZ").volume == 0)
        await house.settled()
        assert sum(order.filled for order in await orders_that_close(house)) == 1000
        assert await closed(house) != [], "what was done is still told"
        assert sum(order.filled for order in await orders_that_close(house)) == 1000


async def test_what_rests_is_cancelled_first_and_what_it_brings_is_sold(tmp_path: Path) -> None:
    async with House(tmp_path, accounts=AT_HOURS) as house:
        await hold(house)
        await next_day(house)
        buy = await house.send("demo", MOUTAI, "buy", 200, limit="9.50")
        sell = await house.send("demo", PING_AN, "sell", 400, limit="10.90")
        await house.in_state(buy, OrderState.NEW)
        await house.in_state(sell, OrderState.NEW)
        looked = await house.get("/api/close?account=paper")
        assert looked["to_cancel"] == 2
        assert {(h["security"], h["volume"], h["buying"]) for h in looked["held"]} == {
            ("000001.SZ", 1000, 0),
            ("600519.SH", 0, 200),
        }
        await closed(house)
        await house.until(lambda tx: tx.books.get("paper", "demo", "000001.SZ").volume == 0)
        await house.settled()
        ended = await house.done(buy, sell)
        assert {order.state for order in ended} == {OrderState.CANCELED}
        assert await held_by_broker(house, PING_AN) == 0


async def test_what_was_bought_today_is_said_and_sold_the_next_day(tmp_path: Path) -> None:
    async with House(tmp_path, accounts=AT_HOURS) as house:
        await hold(house)
        await next_day(house)
        await hold(house, 500)
        [held] = (await house.get("/api/close?account=paper"))["held"]
        assert (held["volume"], held["later"]) == (1500, 500)
        await closed(house)
        await house.until(lambda tx: tx.books.get("paper", "demo", "000001.SZ").volume == 500)
        await next_day(house)
        await house.sweep()
        await house.until(lambda tx: tx.books.get("paper", "demo", "000001.SZ").volume == 0)
        assert sum(order.filled for order in await orders_that_close(house)) == 1500


async def test_a_pause_before_it_does_not_stop_it_and_a_cancel_after_it_does(tmp_path: Path) -> None:
    async with House(tmp_path, accounts=AT_HOURS) as house:
        await hold(house, 1000, PING_AN, MOUTAI)
        await next_day(house)
        await house.console("POST", "/api/pause", json={})
        halt(house, MOUTAI)
        await closed(house)
        await house.until(lambda tx: tx.books.get("paper", "demo", "000001.SZ").volume == 0)
        told = await house.console("POST", "/api/cancel-all", json={})
        assert told.json() == {"canceled": 1}
        await house.settled()
        house.market(MOUTAI, "10.00", suspended=False)
        await house.sweep(5)
        assert (await house.book(MOUTAI)).volume == 1000
        assert [d.what for d in await house.ledger.read(lambda tx: tx.deeds.list(limit=9))] == [
            What.CANCEL_ALL, What.CLOSE_ALL, What.PAUSE,
        ]  # fmt: skip


async def test_after_hours_it_waits_for_the_next_morning(tmp_path: Path) -> None:
    async with House(tmp_path, accounts=AT_HOURS) as house:
        await hold(house)
        house.forward(6 * 3600)  # 16:00
        looked = await house.get("/api/close?account=paper")
        assert looked["opens_at"]["paper"].startswith("2026-03-03T09:30")
        await closed(house)
        await house.sweep()
        assert (await house.book(PING_AN)).volume == 1000
        house.forward(18 * 3600)
        house.market(PING_AN, "10.00", suspended=False)
        await house.sweep()
        await house.until(lambda tx: tx.books.get("paper", "demo", "000001.SZ").volume == 0)


Move = st.one_of(
    st.tuples(st.just("close"), st.sampled_from(["click-one", "click-two"]), st.sampled_from(["account", "strategy"])),
    st.tuples(st.just("twice"), st.sampled_from(["click-one", "click-two"]), st.sampled_from(["account", "strategy"])),
    st.tuples(st.just("signal"), st.sampled_from(["buy", "sell"]), st.sampled_from(CODES)),
    st.tuples(st.just("restart"), st.booleans(), st.just("")),
    st.tuples(st.just("still"), st.sampled_from(CODES), st.just("")),
    st.tuples(st.just("cancel"), st.just(""), st.just("")),
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    books=st.dictionaries(st.sampled_from(CODES), st.integers(1, 12).map(lambda n: 100 * n), min_size=1),
    today=st.sampled_from([0, 0, 200]),
    moves=st.lists(Move, min_size=1, max_size=6),
)
def test_never_more_than_the_books_and_never_a_buy(
    tmp_path_factory: pytest.TempPathFactory, books: dict[str, int], today: int, moves: list[tuple[str, Any, str]]
) -> None:
    asyncio.run(_never_more(tmp_path_factory.mktemp("close"), books, today, moves))


async def _never_more(folder: Path, books: dict[str, int], today: int, moves: list[tuple[str, Any, str]]) -> None:
    async with House(folder, accounts=AT_HOURS, strategies=TWO) as house:
        for code, shares in books.items():
            await hold(house, shares, code)
            await hold(house, 100, code, strategy="other")
            own_shares(house, code, 300)
        await next_day(house)
        for code in books if today else ():
            await hold(house, today, code)
        before = {code: await held_by_broker(house, code) for code in books}
        for what, one, other in moves:
            await _move(house, what, one, other)
            for code in CODES:
                assert (await house.book(code)).volume >= 0
        await closed(house, "the-last-click", strategy="demo")
        for _ in range(3):
            for code in CODES:
                house.market(code, "10.00", suspended=False)
            await house.sweep(3)
        await house.until(lambda tx: all(o.waiting_for is not None for o in tx.orders.open()))
        for code, shares in before.items():
            sold = shares - await held_by_broker(house, code)
            of_books = (
                books[code] + today + 100 - sum([(await house.book(code, strategy=name)).volume for name in TWO], 0)
            )
            assert sold == of_books, "the broker sold what left the books, and nothing else"
            assert await held_by_broker(house, code) >= 300, "the person's own shares stay"
        for order in await orders_that_close(house):
            assert order.side is Side.SELL
            assert order.filled <= order.volume


async def _move(house: House, what: str, one: Any, other: str) -> None:
    match what:
        case "close":
            await closed(house, one, **{other: "demo" if other == "strategy" else "paper"})
        case "twice":
            scope = {other: "demo" if other == "strategy" else "paper"}
            first, second = await asyncio.gather(closed(house, one, **scope), closed(house, one, **scope))
            assert [o["order_id"] for o in first] == [o["order_id"] for o in second]
        case "signal":
            await house.send("demo", other, one, 100, price="10.00")
        case "restart":
            if one:
                await house.crash()
                await house.start()
            else:
                await house.restart()
        case "still":
            halt(house, one)
        case "cancel":
            await house.console("POST", "/api/cancel-all", json={"strategy": "demo"})
