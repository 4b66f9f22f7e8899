"""Standings that are kept while things happen are those that are worked out anew."""

import random
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from api import world
from api.fakes import START
from api.world import Story, make
from jqfollow.costs.standings import Standings
from jqfollow.domain import Asset, Position, Side
from jqfollow.ledger import Tx
from jqfollow.ledger.rows import BookingKind, NewBooking

BOOKS = (("paper", "demo"), ("paper", "other"), ("main", "demo"))
CODES = ("000001.SZ", "510300.SH")
_STEPS = 40


@pytest.mark.parametrize("seed", range(4))
def test_kept_standings_are_those_worked_out_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    dice = random.Random(seed)  # no secret
    ledger, kept = make(tmp_path / "ledger.sqlite3"), Standings()
    today = START

    def price() -> Decimal:
        return Decimal(dice.randint(900, 1100)) / 100

    def fill(tx: Tx) -> None:
        """On today, or late on a day before."""
        account, strategy = dice.choice(BOOKS)
        story = Story(tx, broker_id=10_000 + dice.randint(0, 10**9))
        story.now = today - timedelta(days=dice.choice((0, 0, 0, 1, 3)))
        monkeypatch.setattr(world, "DAY", story.now.date())
        side = dice.choice(list(Side))
        paid = str(price())
        order = story.order(story.signal(dice.choice(CODES), side, 100, paid, strategy=strategy), 100, account=account)
        story.fill(story.attempt(order, paid), 100, paid, strategy)

    def picture(tx: Tx) -> None:
        held = [Position(symbol=c, volume=100, available=0, avg_cost=price(), last=price()) for c in CODES]
        asset = Asset(cash=price(), frozen=Decimal(0), market_value=price(), total=price())
        tx.snapshots.put(dice.choice(("paper", "main")), today.date(), today, asset, held)

    def booking(tx: Tx) -> None:
        account, strategy = dice.choice(BOOKS)
        row = NewBooking(account=account, strategy=strategy, security=dice.choice(CODES), kind=BookingKind.ADOPT,
                         shares=100, cost=price() * 100, who="me", why="so")  # fmt: skip
        tx.bookings.add([row], today)

    for _ in range(_STEPS):
        today += timedelta(days=dice.choice((0, 0, 1)), seconds=dice.randint(1, 600))
        ledger.write_now(dice.choice((fill, fill, picture, booking)))
        days = {account: today.date() for account, _ in BOOKS}
        anew = ledger.read_now(lambda tx, days=days: Standings().read(tx, BOOKS, days))
        assert ledger.read_now(lambda tx, days=days: kept.read(tx, BOOKS, days)) == anew
    assert len(anew) == len(BOOKS)
    ledger.close_now()
