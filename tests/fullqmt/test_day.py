"""Card 36 on the full terminal: the same Friday and Monday, the same steps and the same judge as MiniQMT's."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from jqfollow.clock import SHANGHAI
from jqfollow.execution import supervisor
from terminal import test_day as day
from terminal.day import DayHouse

from .house import FullDayHouse
from .terminal import Terminal


@pytest.fixture
async def house(terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DayHouse]:
    monkeypatch.setattr(supervisor, "PROBE_EVERY_S", 0.1)
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.05,))
    night = f"{(datetime.now(SHANGHAI).hour + 12) % 24:02}:00"  # the schedule goes by the machine's clock
    async with FullDayHouse(
        tmp_path,
        terminal,  # type: ignore[arg-type]
        start=datetime(2026, 2, 27, 14, 40, tzinfo=SHANGHAI),
        strategies=day.STRATEGIES,
        risk={"outside_hours": "hold"},
        notify={"summary_at": night, "heartbeat_at": night},
    ) as house:
        yield house


@pytest.mark.slow  # some twenty seconds
async def test_36_a_day_through_the_mailbox(house: DayHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    await day.friday(house)
    await day.before_the_open(house)
    await day.morning(house)
    await day.connection_lost(house)
    await day.over_lunch(house)
    await day.afternoon_sells(house)
    await day.unknown_outcome(house, monkeypatch)
    await day.by_hand(house)
    await day.closing_auction(house)
    await day.after_the_close(house)
    await day.judge(house, list(day.CLOSES), day.FRIDAY, day.MONDAY)
