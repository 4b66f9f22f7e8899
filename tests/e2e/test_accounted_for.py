"""A bad day, to the share: causes are named and add up, a person's word closes it, next morning it is zero."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from jqfollow.corporate.handkept import FILE_NAME
from jqfollow.domain import OrderState
from jqfollow.reasons import Reason

from .house import House
from .test_corporate import TUESDAY, WEDNESDAY, a_house, until
from .test_repair import report

LIMIT_UP, HALF, LATE, BONUS, HAND, SHANGHAI_BONUS = (
    "000001.XSHE", "000002.XSHE", "000333.XSHE", "000651.XSHE", "000858.XSHE", "600519.XSHG"
)  # fmt: skip
ALL = (LIMIT_UP, HALF, LATE, BONUS, HAND, SHANGHAI_BONUS)


def as_report(**more: int) -> dict[str, int]:
    names = dict(zip(("limit_up", "half", "late", "bonus", "hand", "shanghai"), ALL, strict=True))
    return {f"S{names[name].replace('.', '_')}": held for name, held in more.items()}


async def drifts(house: House) -> dict[str, dict[str, Any]]:
    rows = await house.get("/api/drift")
    for row in rows:
        assert sum(Decimal(c["shares"]) for c in row["causes"]) == Decimal(row["drift"]), row
    return {row["security"]: row for row in rows}


def causes(row: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(c["cause"], c["shares"], c["reason"] or c["day"]) for c in row["causes"]]


def actions(house: House, *of: tuple[str, date, str]) -> None:
    text = "\n".join(f'[[action]]\nsecurity = "{code}"\nday = {day}\nbonus = {bonus}' for code, day, bonus in of)
    (house.data_dir / FILE_NAME).write_text(text, encoding="utf-8")


async def test_a_bad_day_is_accounted_for(tmp_path: Path) -> None:
    async with a_house(tmp_path, execution={"max_attempts": 1}) as house:
        for code in (BONUS, HAND, SHANGHAI_BONUS):
            house.market(code, "10.00")
            await house.done(await house.send("demo", code, "buy", 1000, price="10.00"))
        house.forward(1)
        await report(house, **as_report(bonus=1000, hand=1000, shanghai=1000))
        actions(house, (BONUS, TUESDAY, "1.0"), (SHANGHAI_BONUS, TUESDAY, "0.3"))
        await until(house, TUESDAY, 9, 5)
        house.forward(3600)  # 10:05

        house.market(LIMIT_UP, "11.00", prev_close="10.00")
        [refused] = await house.done(await house.send("demo", LIMIT_UP, "buy", 1000, price="11.00"))
        assert refused.state is OrderState.REJECTED

        house.market(HALF, "10.00", depth=300)
        signal = await house.send("demo", HALF, "buy", 1000, price="10.00")
        await house.in_state(signal, OrderState.PARTIALLY_FILLED)
        house.brokers["paper"].set_market("000002.SZ", last=Decimal("10.20"), depth=1_000_000)
        await house.sweep(31)
        await house.done(signal)
        bought = (await house.book(HALF)).volume
        assert 0 < bought < 1000

        await house.stop()  # an hour without the service: the message comes when it is too late for it
        house.forward(3600)
        await house.start()
        house.market(LATE, "10.00")
        late = await house.signal(await house.send("demo", LATE, "buy", 500, price="10.00", age_s=3000))
        assert late.reason is Reason.LATE

        house.brokers["paper"].set_holding("000858.SZ", 600, cost=Decimal(6000))  # somebody sold 400
        house.forward(2 * 3600)  # after lunch
        await house.service.parts.sweeps.take_picture(house.service.parts.accounts["paper"], house.clock.now())
        await report(house, **as_report(limit_up=1000, half=1000, late=500, bonus=2000, hand=1000, shanghai=1300))

        found = await drifts(house)
        assert {code: causes(row) for code, row in found.items()} == {
            "000001.SZ": [("refused", "1000", "limit_up")],
            "000002.SZ": [("unfilled", str(1000 - bought), "attempts_exhausted")],
            "000333.SZ": [("late", "500", "late")],
            "000858.SZ": [("traded_by_hand", "400", None)],
            "600519.SH": [("corporate", "300.0", "2026-03-04")],
        }

        for code in ALL:
            house.market(code, "10.00")
        looked = (await house.console("POST", "/api/repair/plan", json={"strategy": "demo"})).json()
        assert {item["security"]: item["volume"] for item in looked["items"]} == {
            "000001.SZ": 1000, "000002.SZ": (1000 - bought) // 100 * 100, "000333.SZ": 500, "000858.SZ": 400,
        }  # fmt: skip
        answer = await house.console("POST", "/api/repair", json={"strategy": "demo", "plan": looked["plan"]})
        assert answer.status_code == 200, answer.text
        await house.settled()
        assert list(await drifts(house)) == ["600519.SH"]

        await until(house, WEDNESDAY, 9, 5)
        await report(house, **as_report(limit_up=1000, half=1000, late=500, bonus=2000, hand=1000, shanghai=1300))
        assert await drifts(house) == {}
