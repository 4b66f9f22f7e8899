"""Drift is closed at a person's word, by the plan that was looked at, once; books are set, moved, adopted, undone."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from jqfollow.domain import HoldingsPart, OrderState, Position, StrategyHolding
from jqfollow.drift.reading import COUNTER_LAGS
from jqfollow.ledger.tx import Tx

from .house import House

PING_AN, MOUTAI = "000001.XSHE", "600519.XSHG"


async def report(house: House, strategy: str = "demo", **holdings: int) -> None:
    """The strategy tells, whole, what it holds; names as `S000001_XSHE`."""
    now = house.clock.now()
    held = {
        f"{name[1:7]}.{'SZ' if name.endswith('XSHE') else 'SH'}": StrategyHolding(held=n, closeable=n)
        for name, n in holdings.items()
    }
    part = HoldingsPart(report=f"r{now.timestamp()}", part=1, parts=1, day=now.date(), when="close", cash=None,
                        total_value=None, holdings=held)  # fmt: skip
    await house.ledger.write(lambda tx: tx.reports.add(strategy, part, now))


async def plan(house: House, **asked: Any) -> Any:
    answer = await house.console("POST", "/api/repair/plan", json={"strategy": "demo", **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def confirm(house: House, key: str) -> Any:
    return await house.console("POST", "/api/repair", json={"strategy": "demo", "plan": key})


async def drift(house: House) -> Mapping[str, Decimal]:
    rows = await house.get("/api/drift?strategy=demo")
    return {row["security"]: Decimal(row["drift"]) for row in rows}


async def refused_at_the_limit(house: House) -> None:
    """A buy of 1,000 that the limit refused, and a market that trades again."""
    house.market(PING_AN, "11.00", prev_close="10.00")
    signal = await house.send("demo", PING_AN, "buy", 1000, price="11.00")
    [order] = await house.done(signal)
    assert order.state is OrderState.REJECTED
    house.market(PING_AN, "10.50", prev_close="10.00")
    house.forward(1)


async def test_what_was_refused_is_bought_at_a_persons_word_and_once(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        await refused_at_the_limit(house)
        assert (await plan(house))["kept"][0]["why"] == "no_report"
        await report(house, S000001_XSHE=1000)
        assert await drift(house) == {"000001.SZ": 1000}
        looked = await plan(house)
        assert [(i["security"], i["side"], i["volume"], i["outcome"]) for i in looked["items"]] == [
            ("000001.SZ", "buy", 1000, "place")
        ]
        verdicts = {v["rule"]: v["outcome"] for v in looked["items"][0]["verdicts"]}
        assert len(verdicts) > 10
        assert verdicts["limit_up"] == verdicts["max_order_value"] == "pass", "each rule has had its say"
        assert not await house.ledger.read(lambda tx: tx.orders.open()), "to look is to do nothing"
        first, again = await confirm(house, looked["plan"]), await confirm(house, looked["plan"])
        assert first.status_code == again.status_code == 200
        assert [o["order_id"] for o in first.json()] == [o["order_id"] for o in again.json()]
        await house.settled()
        assert (await house.book(PING_AN)).volume == 1000
        assert await drift(house) == {}
        await house.restart()
        assert (await confirm(house, looked["plan"])).json()[0]["order_id"] == first.json()[0]["order_id"]
        await house.settled()
        assert (await house.book(PING_AN)).volume == 1000


async def test_a_plan_that_is_old_or_overtaken_does_nothing(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        await refused_at_the_limit(house)
        await report(house, S000001_XSHE=1000)
        old = (await plan(house))["plan"]
        house.forward(61)
        assert (await confirm(house, old)).status_code == 409
        await report(house, S000001_XSHE=900)
        overtaken = (await plan(house))["plan"]
        house.forward(1)
        await report(house, S000001_XSHE=1000)
        answer = await confirm(house, overtaken)
        assert answer.status_code == 409
        assert "变化" in answer.json()["detail"]
        fresh = (await plan(house))["plan"]
        house.market(MOUTAI, "10")
        await house.done(await house.send("demo", PING_AN, "buy", 100, price="10.50"))
        assert (await confirm(house, fresh)).status_code == 409
        assert (await confirm(house, "0" * 16)).status_code == 409
        assert (await house.book(PING_AN)).volume == 100


async def test_a_zero_that_no_signal_sold_and_what_nothing_explains_need_a_word(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(PING_AN, "10.00")
        house.market(MOUTAI, "10.00")
        await house.done(await house.send("demo", PING_AN, "buy", 500, price="10.00"))
        await house.done(await house.send("demo", MOUTAI, "buy", 500, price="10.00"))
        house.forward(1)
        await report(house, S000001_XSHE=500, S600519_XSHG=500)
        house.forward(1)
        await report(house, S600519_XSHG=700)
        looked = await plan(house)
        assert looked["items"] == []
        assert {k["security"]: k["words"] for k in looked["kept"]} == {
            "000001.SZ": ["unexplained", "zero"],
            "600519.SH": ["unexplained"],
        }
        said = await plan(house, words=["unexplained"])
        assert [(i["security"], i["side"], i["volume"]) for i in said["items"]] == [("600519.SH", "buy", 200)]


async def test_shares_that_somebody_sold_leave_the_book_and_are_bought_back(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(PING_AN, "10.00")
        await house.done(await house.send("demo", PING_AN, "buy", 1000, price="10.00"))
        house.forward(COUNTER_LAGS.seconds + 5)
        await report(house, S000001_XSHE=1000)
        broker, real = house.brokers["paper"], house.brokers["paper"].positions

        def sold_by_hand() -> list[Position]:
            return [Position(symbol=p.symbol, volume=p.volume - 400, available=p.available, avg_cost=p.avg_cost)
                    for p in real()]  # fmt: skip

        broker.positions = sold_by_hand  # type: ignore[method-assign]
        await house.service.parts.sweeps.take_picture(house.service.parts.accounts["paper"], house.clock.now())
        [row] = await house.get("/api/drift")
        assert (row["book"], row["missing"]) == (600, 400)
        assert [(c["cause"], c["shares"]) for c in row["causes"]] == [("traded_by_hand", "400")]
        looked = await plan(house)
        assert [(i["side"], i["volume"], i["off_book"]) for i in looked["items"]] == [("buy", 400, 400)]
        assert (await confirm(house, looked["plan"])).status_code == 200
        await house.settled()
        assert (await house.book(PING_AN)).volume == 1000
        [act] = await house.get("/api/books/acts")
        assert [(b["kind"], b["shares"]) for b in act["bookings"]] == [("hand", -400)]


async def test_sells_go_first_and_pay_for_buys(tmp_path: Path) -> None:
    async with House(tmp_path, accounts={"paper": {"cash": 11_000}}, execution={"cash_wait_s": 5}) as house:
        house.market(PING_AN, "10.00")
        house.market(MOUTAI, "10.00")
        await house.done(await house.send("demo", PING_AN, "buy", 1000, price="10.00", day=_yesterday(house)))
        house.forward(1)
        await house.ledger.write(lambda tx: _held(tx, house, {"000001.SZ": 1000}))
        house.forward(1)
        await house.done(await house.send("demo", MOUTAI, "buy", 1000, price="10.00"))
        house.forward(1)
        await report(house, S600519_XSHG=1000)
        looked = await plan(house, words=["unexplained", "zero"])
        assert [(i["side"], i["outcome"]) for i in looked["items"]] == [("sell", "place"), ("buy", "wait")]
        assert (await confirm(house, looked["plan"])).status_code == 200
        await house.settled()
        assert (await house.book(PING_AN)).volume == 0
        assert (await house.book(MOUTAI)).volume == 1000


def _yesterday(house: House) -> Any:
    return house.clock.now().date() - timedelta(days=3)


def _held(tx: Tx, house: House, held: Mapping[str, int]) -> None:
    now = house.clock.now()
    holdings = {symbol: StrategyHolding(held=n, closeable=n) for symbol, n in held.items()}
    part = HoldingsPart(report="before", part=1, parts=1, day=now.date(), when="open", cash=None, total_value=None,
                        holdings=holdings)  # fmt: skip
    tx.reports.add("demo", part, now)


async def book(house: House, what: str, **asked: Any) -> Any:
    return await house.console("POST", f"/api/books/{what}", json={"who": "wang", "why": "test", **asked})


async def test_books_are_set_moved_and_taken_back_within_what_the_account_holds(tmp_path: Path) -> None:
    follow = {"follow": {"paper": 1}}
    async with House(tmp_path, strategies={"demo": follow, "other": follow}) as house:
        house.market(PING_AN, "10.00")
        await house.done(await house.send("demo", PING_AN, "buy", 1000, price="10.00"))
        of = {"account": "paper", "strategy": "demo", "security": PING_AN}
        assert (await book(house, "set", **of, shares=900)).status_code == 409, "its counter may lag"
        house.forward(COUNTER_LAGS.seconds + 5)
        beyond = await book(house, "set", **of, shares=1100)
        assert beyond.status_code == 409
        assert "1000" in beyond.json()["detail"]
        assert (await book(house, "set", **of | {"security": "999999.XSHG"}, shares=1)).status_code == 409
        assert (await book(house, "set", **of, shares=-1)).status_code == 422
        assert (await book(house, "set", **of, shares=1.5)).status_code == 422
        assert (await book(house, "set", **of, shares=900)).status_code == 200
        moved = await book(house, "move", account="paper", security=PING_AN, giver="demo", taker="other", shares=150)
        assert moved.status_code == 200
        demo, other = await house.book(PING_AN), await house.book(PING_AN, strategy="other")
        assert (demo.volume, other.volume) == (750, 150)
        assert (
            await book(house, "adopt", account="paper", strategy="other", security=PING_AN, shares=101)
        ).status_code == 409
        assert (
            await book(house, "adopt", account="paper", strategy="other", security=PING_AN, shares=100)
        ).status_code == 200
        assert (await book(house, "undo", act=moved.json()["act"])).status_code == 200
        assert (await book(house, "undo", act=moved.json()["act"])).status_code == 409
        demo, other = await house.book(PING_AN), await house.book(PING_AN, strategy="other")
        assert (demo.volume, other.volume) == (900, 100)
        assert [act["undone"] for act in await house.get("/api/books/acts")] == [False, True, False, False]


async def test_what_the_strategy_held_before_is_adopted_from_the_accounts_own_shares(tmp_path: Path) -> None:
    follow = {"paper": 1}
    async with House(
        tmp_path, strategies={"demo": {"follow": follow, "start": "adopt"}, "mine": {"follow": follow}}
    ) as house:
        house.market(PING_AN, "10.00")
        await house.done(await house.send("mine", PING_AN, "buy", 1000, price="10.00"))
        house.forward(COUNTER_LAGS.seconds + 5)
        assert (
            await book(house, "set", account="paper", strategy="mine", security=PING_AN, shares=0)
        ).status_code == 200
        await report(house, S000001_XSHE=800)
        assert await drift(house) == {"000001.SZ": 800}
        assert (await book(house, "adopt", account="paper", strategy="demo")).status_code == 200
        assert (await house.book(PING_AN)).volume == 800
        assert await drift(house) == {}
