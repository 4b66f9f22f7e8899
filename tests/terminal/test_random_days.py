"""The random days of `e2e.random_days` over the vendor's own layer."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from e2e.joined import Joined
from e2e.random_days import CODES, RandomDays, accounted
from jqfollow.clock import SHANGHAI

from .day import DayHouse
from .house import ACCOUNT
from .terminal import Terminal

RATIOS = ("1", "0.5", "0.37", "2.24")


class Mornings(DayHouse):
    """The terminal is closed and started again every morning."""

    async def morning(self) -> None:
        await self.restart_terminal()


async def played(folder: Path, terminal: Terminal, seed: int) -> None:
    ratio = Decimal(RATIOS[seed % len(RATIOS)])
    house = Mornings(
        folder,
        terminal,
        start=datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI),
        strategies={"demo": {"follow": {ACCOUNT: ratio}}},
        execution={"cancel_after_s": 30},
        risk={"max_price_drift": Decimal("0.09")},
    )
    async with house, Joined(house) as jq:
        await RandomDays(house, jq, seed).play()
        for code in CODES:
            off, recorded = await house.ledger.read(
                lambda tx, code=code: accounted(tx, ACCOUNT, code, ratio, jq.held(code))
            )
            assert off < recorded, f"{code}: {jq.held(code)} there, off by {off}, recorded {recorded}"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200, 210))
async def test_the_book_leaves_the_strategy_by_what_is_recorded(tmp_path: Path, terminal: Terminal, seed: int) -> None:
    await played(tmp_path, terminal, seed)
