"""The bad day of `e2e.test_accounted_for` through the vendor's own layer: to the share there, too."""

from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jqfollow.clock import SHANGHAI
from jqfollow.domain import HoldingsPart, OrderState, StrategyHolding
from jqfollow.execution import supervisor
from jqfollow.market.securities import parse_security
from jqfollow.reasons import Reason

from . import native
from .day import DayHouse
from .house import ACCOUNT
from .terminal import Terminal

LIMIT_UP, HALF, LATE, BONUS, HAND, SHANGHAI_BONUS = (
    "000001.XSHE", "000002.XSHE", "000333.XSHE", "000651.XSHE", "000858.XSHE", "600519.XSHG"
)  # fmt: skip
SYMBOLS = {code: parse_security(code).symbol for code in (LIMIT_UP, HALF, LATE, BONUS, HAND, SHANGHAI_BONUS)}


@pytest.fixture
async def house(terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DayHouse]:
    monkeypatch.setattr(supervisor, "PROBE_EVERY_S", 0.1)
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.05,))
    start = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)
    strategies: dict[str, Any] = {"demo": {"follow": {ACCOUNT: 1}}}
    async with DayHouse(tmp_path, terminal, start=start, strategies=strategies, execution={"max_attempts": 1}) as house:
        yield house


async def report(house: DayHouse, held: dict[str, int]) -> None:
    now = house.clock.now()
    holdings = {SYMBOLS[code]: StrategyHolding(held=n, closeable=n) for code, n in held.items()}
    part = HoldingsPart(report=f"r{now.timestamp()}", part=1, parts=1, day=now.date(), when="close", cash=None,
                        total_value=None, holdings=holdings)  # fmt: skip
    await house.ledger.write(lambda tx: tx.reports.add("demo", part, now))


async def look(house: DayHouse) -> None:
    await house.service.parts.corporate.look(house.clock.now())
    await house.service.parts.sweeps.take_picture(house.service.parts.accounts[ACCOUNT], house.clock.now())


async def drifts(house: DayHouse) -> dict[str, list[tuple[str, str]]]:
    rows = await house.get("/api/drift")
    for row in rows:
        assert sum(Decimal(c["shares"]) for c in row["causes"]) == Decimal(row["drift"]), row
    return {row["security"]: [(c["cause"], c["shares"]) for c in row["causes"]] for row in rows}


@pytest.mark.slow
async def test_a_bad_day_through_the_vendors_layer(house: DayHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    for code in (BONUS, HAND, SHANGHAI_BONUS):
        house.calm(code, "10.00")
        await house.filled(await house.signal("demo", "buy", code, 1000))
    house.forward(20)
    await report(house, {BONUS: 1000, HAND: 1000, SHANGHAI_BONUS: 1000})
    await look(house)
    for code, bonus in ((BONUS, 1.0), (SHANGHAI_BONUS, 0.3)):
        row = {"interest": 0.1, "stockBonus": bonus, "stockGift": 0.0, "allotNum": 0.0, "allotPrice": 0.0, "dr": 2.0}
        monkeypatch.setitem(native.DIVID_FACTORS, SYMBOLS[code], {"20260303": row})

    await house.at("2026-03-03T09:10:00")
    house.terminal.tell("hold", symbol=SYMBOLS[BONUS], volume=2000)
    await look(house)
    assert (await house.book(BONUS, account=ACCOUNT)).volume == 2000

    await house.at("10:05:00")
    house.calm(LIMIT_UP, "11.00", prev_close="10.00")
    [refused] = await house.done(await house.signal("demo", "buy", LIMIT_UP, 1000))
    assert refused.reason is Reason.LIMIT_UP
    house.calm(HALF, "10.00")
    half = await house.standing(HALF, 1000, 300, strategy="demo")
    await house.sweep(31)
    [half] = await house.done(half.signal_id)
    assert half.state is OrderState.CANCELED
    await house.stop()
    house.forward(3600)
    await house.start()
    house.calm(LATE, "10.00")
    late = await house.send("demo", LATE, "buy", 500, price="10.00", age_s=3000)
    assert not any(order.filled for order in await house.done(late)), "too late"
    house.terminal.tell("hold", symbol=SYMBOLS[HAND], volume=600)
    await house.at("13:30:00")
    await look(house)
    held = {LIMIT_UP: 1000, HALF: 1000, LATE: 500, BONUS: 2000, HAND: 1000, SHANGHAI_BONUS: 1300}
    await report(house, held)

    assert await drifts(house) == {
        SYMBOLS[LIMIT_UP]: [("refused", "1000")],
        SYMBOLS[HALF]: [("unfilled", str(1000 - half.filled))],
        SYMBOLS[LATE]: [("late", "500")],
        SYMBOLS[HAND]: [("traded_by_hand", "400")],
        SYMBOLS[SHANGHAI_BONUS]: [("corporate", "300.0")],
    }
    for code in SYMBOLS:
        house.calm(code, "10.00", prev_close="10.00")
    plan = (await house.console("POST", "/api/repair/plan", json={"strategy": "demo"})).json()
    assert len(plan["items"]) == 4, plan
    answer = await house.console("POST", "/api/repair", json={"strategy": "demo", "plan": plan["plan"]})
    assert answer.status_code == 200, answer.text
    await house.settled(timeout_s=30)
    await house.at("13:40:00")
    await look(house)
    assert list(await drifts(house)) == [SYMBOLS[SHANGHAI_BONUS]]

    await house.at("2026-03-04T09:10:00")
    house.terminal.tell("hold", symbol=SYMBOLS[SHANGHAI_BONUS], volume=1300)
    await look(house)
    await report(house, held)
    assert await drifts(house) == {}
