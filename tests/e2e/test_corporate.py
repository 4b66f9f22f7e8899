"""Bonus shares, splits and dividends from the exchange through the account to the books, to the share."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jqfollow.clock import SHANGHAI
from jqfollow.corporate.handkept import FILE_NAME
from jqfollow.drift.reading import COUNTER_LAGS
from jqfollow.ledger.corporate import ActionState

from .house import House
from .test_repair import book, report

SZ, SH, FUND = "000001.XSHE", "600519.XSHG", "510300.XSHG"
TUESDAY, WEDNESDAY = date(2026, 3, 3), date(2026, 3, 4)
FOLLOW = {"follow": {"paper": 1}}


def a_house(folder: Path, **more: Any) -> House:
    return House(folder, accounts={"paper": {"cash": 10_000_000, "hours": "exchange"}},
                 strategies={"demo": FOLLOW, "other": FOLLOW}, **more)  # fmt: skip


def action(house: House, security: str, day: date = TUESDAY, **figures: str) -> None:
    lines = [f"{name} = {value}" for name, value in figures.items()]
    text = "\n".join([f'[[action]]\nsecurity = "{security}"\nday = {day}', *lines])
    (house.data_dir / FILE_NAME).write_text(text, encoding="utf-8")


async def bought(house: House, security: str, amount: int, strategy: str = "demo") -> None:
    house.market(security, "10.00")
    [order] = await house.done(await house.send(strategy, security, "buy", amount, price="10.00"))
    assert order.filled == amount


async def until(house: House, day: date, hour: int, minute: int = 0) -> None:
    """Time jumps there; the account is looked at as the schedule does."""
    if house.clock.now().date() < day:  # the evening before, a picture was taken
        house.forward(COUNTER_LAGS.seconds + 1)
        await house.service.parts.sweeps.take_picture(house.service.parts.accounts["paper"], house.clock.now())
    moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=SHANGHAI)
    house.forward((moment - house.clock.now()).total_seconds())
    for broker in house.brokers.values():
        broker.advance()
    await house.service.parts.corporate.look(house.clock.now())


async def volumes(house: House, security: str) -> tuple[int, int]:
    first, second = await house.book(security), await house.book(security, strategy="other")
    return first.volume, second.volume


async def held(house: House, symbol: str) -> int:
    return sum(p.volume for p in await house.service.parts.accounts["paper"].positions() if p.symbol == symbol)


async def state(house: House, symbol: str, day: date = TUESDAY) -> ActionState:
    row = await house.ledger.read(lambda tx: tx.corporate.get("paper", symbol, day))
    assert row is not None
    return row.state


@pytest.mark.parametrize(
    ("security", "symbol", "figures", "after"),
    [
        pytest.param(SZ, "000001.SZ", {"gift": "1"}, (2000, 600), marks=pytest.mark.slow),
        (SZ, "000001.SZ", {"bonus": "0.3", "cash": "0.1"}, (1300, 390)),
        pytest.param(SZ, "000001.SZ", {"bonus": "0.45"}, (1450, 435), marks=pytest.mark.slow),
        (FUND, "510300.SH", {"ratio": "0.5"}, (500, 150)),
    ],
)
async def test_it_is_shared_out_over_books_and_own_shares(
    tmp_path: Path, security: str, symbol: str, figures: dict[str, str], after: tuple[int, int]
) -> None:
    async with a_house(tmp_path) as house:
        await bought(house, security, 1100)
        await bought(house, security, 300, "other")
        house.forward(COUNTER_LAGS.seconds + 1)
        of = {"account": "paper", "strategy": "demo", "security": security}
        assert (await book(house, "set", **of, shares=1000)).status_code == 200, "100 are a person's own"
        before = (await house.book(security)).cost
        action(house, security, **figures)
        await until(house, TUESDAY, 9, 5)
        assert await volumes(house, security) == after
        factor = (1 + Decimal(figures.get("bonus", "0")) + Decimal(figures.get("gift", "0"))) * Decimal(
            figures.get("ratio", "1")
        )
        assert await held(house, symbol) == 1400 * factor
        assert await state(house, symbol) is ActionState.BOOKED
        assert (await house.book(security)).cost == before - 1000 * Decimal(figures.get("cash", "0"))
        await house.service.parts.corporate.look(house.clock.now())
        assert await volumes(house, security) == after, "once"


@pytest.mark.slow
async def test_odd_lots_and_their_carries_follow_too(tmp_path: Path) -> None:
    half = {"follow": {"paper": 0.5}}
    async with House(tmp_path, accounts={"paper": {"hours": "exchange"}},
                     strategies={"demo": half, "other": FOLLOW}) as house:  # fmt: skip
        house.market(SZ, "10.00")
        await house.done(await house.send("demo", SZ, "buy", 500, price="10.00"))  # 250: 200, and 50 carried
        await bought(house, SZ, 100, "other")
        house.forward(COUNTER_LAGS.seconds + 1)
        for shares, strategy in ((133, "demo"), (67, "other")):
            of = {"account": "paper", "strategy": strategy, "security": SZ}
            assert (await book(house, "set", **of, shares=shares)).status_code == 200
        action(house, SZ, bonus="0.45")
        await until(house, TUESDAY, 9, 5)
        assert await volumes(house, SZ) == (193, 97)  # 192.85 and 97.15; 100 own became 145
        assert (await house.book(SZ)).carry_buy == Decimal("72.5")


async def test_in_shanghai_bonus_shares_come_a_day_later_and_are_expected_until_then(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await bought(house, SH, 1000)
        house.forward(1)
        await report(house, S600519_XSHG=1000)
        action(house, SH, bonus="0.3")
        await until(house, TUESDAY, 9, 5)
        await report(house, S600519_XSHG=1300)
        assert await volumes(house, SH) == (1000, 0)
        assert await state(house, "600519.SH") is ActionState.EXPECTED
        [row] = await house.get("/api/drift")
        assert row["drift"] == "300.0"
        assert [(c["cause"], c["day"]) for c in row["causes"]] == [("corporate", "2026-03-04")]
        plan = await house.console("POST", "/api/repair/plan", json={"strategy": "demo"})
        assert [k["why"] for k in plan.json()["kept"]] == ["expected"]
        await until(house, WEDNESDAY, 9, 5)
        assert await volumes(house, SH) == (1300, 0)
        assert await house.get("/api/drift") == []


async def test_what_is_sold_out_on_the_ex_day_is_sold_to_the_end_when_the_rest_comes(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await bought(house, SH, 1000)
        action(house, SH, bonus="0.3")
        await until(house, TUESDAY, 9, 5)
        house.forward(3600)
        house.market(SH, "10.00")
        [order] = await house.done(await house.send("demo", SH, "sell", 1300, price="10.00", position_after=0))
        assert order.filled == 1000
        await until(house, WEDNESDAY, 9, 5)
        assert await volumes(house, SH) == (300, 0)
        house.forward(3600)
        house.market(SH, "10.00")
        await house.sweep(1)
        await house.settled()
        assert await volumes(house, SH) == (0, 0)
        assert await held(house, "600519.SH") == 0
        house.forward(COUNTER_LAGS.seconds + 1)
        house.brokers["paper"].set_holding("600519.SH", 200, cost=Decimal(2000))  # a person's own, adopted
        adopted = {"account": "paper", "strategy": "demo", "security": SH, "shares": 200}
        assert (await book(house, "adopt", **adopted)).status_code == 200
        await until(house, date(2026, 3, 5), 10, 5)
        await house.sweep(1)
        await house.settled()
        assert await volumes(house, SH) == (200, 0), "what came was sold, and nothing else is"


async def test_a_sale_on_the_ex_day_does_not_hide_the_action(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await bought(house, SZ, 1000)
        house.forward(COUNTER_LAGS.seconds + 1)
        await house.service.parts.sweeps.take_picture(house.service.parts.accounts["paper"], house.clock.now())
        await house.stop()
        action(house, SZ, gift="1")
        house.forward(timedelta(days=1).total_seconds())  # Tuesday, 10:00: it starts late
        await house.start()
        house.market(SZ, "5.00")
        await house.done(await house.send("demo", SZ, "sell", 400, price="5.00"))
        house.forward(COUNTER_LAGS.seconds + 1)
        await house.service.parts.corporate.look(house.clock.now())
        assert await volumes(house, SZ) == (1600, 0)
        assert await held(house, "000001.SZ") == 1600


@pytest.mark.slow
async def test_days_on_which_the_service_did_not_run(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        await bought(house, SZ, 1000)
        house.forward(COUNTER_LAGS.seconds + 1)
        await house.service.parts.sweeps.take_picture(house.service.parts.accounts["paper"], house.clock.now())
        await house.stop()
        action(house, SZ, gift="1")
        house.forward(timedelta(days=3).total_seconds())
        await house.start()
        await house.service.parts.corporate.look(house.clock.now())
        assert await volumes(house, SZ) == (2000, 0)


async def test_a_change_that_is_not_the_factor_is_not_booked_and_a_person_is_asked(tmp_path: Path) -> None:
    async with a_house(tmp_path, wecom=True) as house:
        await bought(house, SZ, 1000)
        house.forward(COUNTER_LAGS.seconds + 1)
        await house.service.parts.sweeps.take_picture(house.service.parts.accounts["paper"], house.clock.now())
        house.forward(timedelta(days=1).total_seconds())
        house.brokers["paper"].advance()
        house.brokers["paper"].set_holding("000001.SZ", 1700, cost=Decimal(10_000))
        action(house, SZ, gift="1")
        await house.service.parts.corporate.look(house.clock.now())
        assert await volumes(house, SZ) == (1000, 0)
        await house.told("000001.SZ", "对不上")


@pytest.mark.slow
async def test_a_growth_that_nobody_names_is_told_and_not_booked(tmp_path: Path) -> None:
    async with a_house(tmp_path, wecom=True) as house:
        await bought(house, SZ, 1000)
        house.forward(COUNTER_LAGS.seconds + 1)
        await house.service.parts.sweeps.take_picture(house.service.parts.accounts["paper"], house.clock.now())
        house.forward(timedelta(days=1).total_seconds())
        house.brokers["paper"].advance()
        house.brokers["paper"].set_holding("000001.SZ", 2000, cost=Decimal(10_000))
        await house.service.parts.corporate.look(house.clock.now())
        assert await volumes(house, SZ) == (1000, 0)
        await house.told("000001.SZ", "1000", "2000", "没有查到")


async def test_a_file_with_nonsense_books_nothing_and_says_so(tmp_path: Path) -> None:
    async with a_house(tmp_path, wecom=True) as house:
        await bought(house, SZ, 1000)
        action(house, SZ, bonus="-3")
        await until(house, TUESDAY, 9, 5)
        assert await volumes(house, SZ) == (1000, 0)
        await house.told("除权除息文件不能用", "-3")


@pytest.mark.slow
async def test_rights_are_told_before_their_day(tmp_path: Path) -> None:
    async with a_house(tmp_path, wecom=True) as house:
        await bought(house, SZ, 1000)
        action(house, SZ, date(2026, 3, 6), rights="0.3", rights_price="5.0")
        await until(house, TUESDAY, 9, 5)
        await house.told("000001.SZ", "配", "0.3", "5.0")
