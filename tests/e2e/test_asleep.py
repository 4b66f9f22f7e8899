"""A computer that slept while the exchange traded: a person is told how long nothing was followed."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jqfollow.clock import SHANGHAI
from jqfollow.market.calendar import TradingCalendar
from jqfollow.routine import ASLEEP, LOOK_AWAKE_EVERY_S, traded_minutes

from .house import MONDAY, House


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("since", "until", "minutes"),
    [
        (at(2, 10), at(2, 10, 30), 30),
        (at(2, 11, 20), at(2, 13, 10), 20),
        (at(1, 8), at(1, 20), 0),
        (at(2, 15, 30), at(3, 9), 0),
        (at(2, 14), at(3, 10), 57 + 30),
        (at(6, 18), at(9, 9, 40), 10),
    ],
    ids=["morning", "over lunch", "Sunday", "overnight", "into the next day", "weekend"],
)
def test_only_the_hours_of_the_exchange_count(since: datetime, until: datetime, minutes: int) -> None:
    assert abs(traded_minutes(TradingCalendar(), since, until) - minutes) <= 3  # the closing call


async def test_sleep_is_told_once_it_is_over(tmp_path: Path) -> None:
    async with House(tmp_path, wecom=True) as house:
        look, now = house.service.parts.routine.look_awake, MONDAY
        for _ in range(5):
            now += timedelta(seconds=LOOK_AWAKE_EVERY_S)
            await look(now)
        await look(now + timedelta(minutes=40))
        text = await house.told("睡眠", "40 分钟没有跟单")
        assert f"{now:%m-%d %H:%M:%S}" in text
        assert sum("睡眠" in told for told in house.wecom.texts()) == 1


async def test_who_was_late_did_not_sleep(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        look = house.service.parts.routine.look_awake
        await look(MONDAY)
        await look(MONDAY + ASLEEP - timedelta(seconds=1))
        assert await house.ledger.read(lambda tx: tx.outbox.pending()) <= 1  # that it started
