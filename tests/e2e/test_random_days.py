"""Whatever a strategy does at JoinQuant, the account's book is the ratio of it but for what is recorded."""

from decimal import Decimal
from pathlib import Path

import pytest

from .house import House
from .joined import Joined
from .random_days import CODES, RandomDays, accounted

RATIOS = ("1", "0.5", "0.37", "2.24")


async def played(folder: Path, seed: int) -> None:
    ratio = RATIOS[seed % len(RATIOS)]
    house = House(
        folder,
        accounts={"paper": {"hours": "exchange", "cash": 50_000_000}},
        strategies={"demo": {"follow": {"paper": Decimal(ratio)}}},
        execution={"cancel_after_s": 30},
        risk={"max_price_drift": Decimal("0.09")},
    )
    async with house, Joined(house) as jq:
        await RandomDays(house, jq, seed).play()
        for code in CODES:
            held = jq.held(code)
            off, recorded = await house.ledger.read(
                lambda tx, code=code, held=held: accounted(tx, "paper", code, Decimal(ratio), held)
            )
            assert off < recorded, f"{code}: {held} there, off by {off}, recorded {recorded}"
            left = sum(a.volume - a.done for a in await house.ledger.read(lambda tx: tx.attempts.live("paper")))
            assert left == 0


@pytest.mark.parametrize("seed", [1])
async def test_the_book_leaves_the_strategy_by_what_is_recorded(tmp_path: Path, seed: int) -> None:
    await played(tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 140))
async def test_the_book_leaves_the_strategy_by_what_is_recorded_at_length(tmp_path: Path, seed: int) -> None:
    await played(tmp_path, seed)
