"""Drift out of a ledger."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from jqfollow.domain import HoldingsPart, Side, SignalState, StrategyHolding
from jqfollow.drift.causes import Cause
from jqfollow.drift.memo import DriftMemo
from jqfollow.drift.reading import drifts
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import BookingKind, NewBooking
from jqfollow.ledger.tx import Tx
from jqfollow.settings import Settings
from ledger.samples import DAY, NOW, SECURITY, later, new_order, signal, strategy_order

SETTINGS = Settings.model_validate(
    {"accounts": {"main": {"broker": "paper"}}, "strategies": {"demo": {"follow": {"main": 1}, "start": "match"}}}
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "ledger.sqlite3") as ledger:
        yield ledger


def followed(tx: Tx, number: int, amount: int, side: Side = Side.BUY) -> None:
    """An order that was not filled."""
    told = strategy_order(jq_order_id=f"jq{number}", amount=amount, side=side)
    row = tx.signals.record(signal(f"m{number}", order=told))
    terms = new_order(1).terms
    order = new_order(row.signal_id, side=side, volume=amount, terms=type(terms)(
        amount=amount, run="sim_trade", mode=terms.mode, figure=Decimal(1), made_at=later(number)))  # fmt: skip
    tx.orders.create(order, later(number))
    tx.signals.finish(row.signal_id, SignalState.FOLLOWED, None)


def report(tx: Tx, name: str, seconds: float, held: int) -> None:
    part = HoldingsPart(report=name, part=1, parts=1, day=DAY, when="close", cash=None, total_value=None,
                        holdings={SECURITY: StrategyHolding(held=held, closeable=held)} if held else {})  # fmt: skip
    tx.reports.add("demo", part, later(seconds))


def test_another_account_behind_the_name_begins_with_nothing(ledger: Ledger) -> None:
    memo = DriftMemo(SETTINGS)

    def before(tx: Tx) -> None:
        followed(tx, 1, 1000)
        set_to = NewBooking(account="main", strategy="demo", security=SECURITY, kind=BookingKind.SET, shares=600,
                            who="wang", why="")  # fmt: skip
        tx.bookings.add([set_to], later(5))
        report(tx, "r1", 10, 1000)

    ledger.write_now(before)
    [row] = ledger.read_now(memo.read)
    assert (row.target, row.book, row.working, row.drift) == (1000, 600, 1000, -600)
    away = NOW + timedelta(minutes=1)
    ledger.write_now(lambda tx: tx.numbers.put_books_away("main", f"main@1111-{away:%Y%m%d%H%M%S}"))
    [row] = ledger.read_now(lambda tx: drifts(tx, SETTINGS))
    assert (row.book, row.drift, row.lines) == (0, 0, ())
    ledger.write_now(lambda tx: report(tx, "r2", 120, 1000))
    [row] = ledger.read_now(lambda tx: drifts(tx, SETTINGS))
    assert [(line.cause, line.shares) for line in row.lines] == [(Cause.HELD_BEFORE, 1000)]


def test_what_is_worked_out_anew_is_what_would_be_from_the_beginning(ledger: Ledger) -> None:
    memo = DriftMemo(SETTINGS)
    for number in range(1, 6):
        ledger.write_now(lambda tx, n=number: followed(tx, n, 100 * n))
        ledger.write_now(lambda tx, n=number: report(tx, f"r{n}", n + 0.5, 70 * n))
        assert ledger.read_now(memo.read) == ledger.read_now(lambda tx: drifts(tx, SETTINGS))
