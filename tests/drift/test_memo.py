"""What is remembered, in the process and in the ledger, is what would be found from the beginning."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from jqfollow.domain import (
    Asset,
    AttemptState,
    FollowMode,
    HoldingsPart,
    OrderState,
    Position,
    Side,
    SignalState,
    StrategyHolding,
)
from jqfollow.drift.memo import MARK, DriftMemo
from jqfollow.drift.reading import drift_of_book, drifts
from jqfollow.drift.walk import CATCHES_UP
from jqfollow.ledger.corporate import ActionRow, ActionState
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow, BookingKind, NewBooking, OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from jqfollow.settings import Settings
from ledger.samples import DAY, TERMS, fill_report, later, new_attempt, new_order, signal, strategy_order

CODES = ("000001.SZ", "600519.SH", "688981.SH")
ACCOUNTS, STRATEGIES = ("main", "second"), ("demo", "other")


def settings(ratio: str = "0.5", start: str = "match", strategies: tuple[str, ...] = STRATEGIES) -> Settings:
    return Settings.model_validate(
        {
            "accounts": {name: {"broker": "paper"} for name in ACCOUNTS},
            "strategies": {
                name: {"follow": {"main": Decimal(ratio), "second": {"shares": 200}}, "start": start}
                if name == "demo"
                else {"follow": {"main": 1}, "start": start}
                for name in strategies
            },
        }
    )


class Story:
    """Whatever can happen to a ledger that a drift is read from."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.count = 0
        self.live: list[AttemptRow] = []

    def of(self, among: tuple[str, ...]) -> str:
        return self.random.choice(among)

    def at(self) -> float:
        """Now, or a message that comes late."""
        return self.count * 60 - self.random.choice([0, 0, 0, 200, 500])

    def happens(self, tx: Tx) -> None:
        self.count += 1
        kinds = [self.order, self.end, self.report, self.report, self.booking, self.picture, self.lost, self.recorded,
                 self.action, self.elsewhere, self.late_fill]  # fmt: skip
        weights = [8, 6, 4, 2, 1, 2, 0.5, 2, 0.6, 0.6, 0.6]
        self.random.choices(kinds, weights)[0](tx)

    def order(self, tx: Tx) -> None:
        strategy, code, side = self.of(STRATEGIES), self.of(CODES), self.random.choice(list(Side))
        amount = self.random.randrange(100, 2000, 100)
        told = strategy_order(jq_order_id=f"j{self.count}", symbol=code, side=side, amount=amount)
        made_at = later(self.at())
        row = tx.signals.record(signal(f"m{self.count}", strategy=strategy, order=told, made_at=made_at))
        for account in ("main", "second") if strategy == "demo" else ("main",):
            figure, mode = (
                (Decimal("0.5"), FollowMode.RATIO) if account == "main" else (Decimal(200), FollowMode.SHARES)
            )
            held = tx.books.get(account, strategy, code).volume
            closes = side is Side.SELL and held > 0 and self.random.random() < 0.4
            volume = held if closes else self.random.choice([amount // 2, amount // 4, amount // 2 + 100])
            terms = replace(TERMS, amount=amount, figure=figure, mode=mode, made_at=made_at)
            order = tx.orders.create(
                new_order(row.signal_id, account=account, strategy=strategy, security=code, side=side, terms=terms,
                          volume=max(volume, 1), closes=closes), later(self.count * 60))  # fmt: skip
            attempt = tx.attempts.create(new_attempt(order), later(self.count * 60))
            self.live.append(tx.attempts.update(attempt.attempt_id, later(self.count * 60), state=AttemptState.NEW,
                                                broker_order_id=f"b{attempt.attempt_id}"))  # fmt: skip
        tx.signals.finish(row.signal_id, SignalState.FOLLOWED, None)

    def filled(self, tx: Tx, attempt: AttemptRow, volume: int) -> OrderRow:
        order = tx.orders.get(attempt.order_id)
        assert order is not None
        report = fill_report(attempt, f"t{self.count}-{attempt.attempt_id}", broker_order_id=attempt.broker_order_id,
                             volume=volume, at=later(self.count * 60))  # fmt: skip
        tx.fills.add(attempt, order.strategy, report, DAY)
        return order

    def end(self, tx: Tx) -> None:
        for attempt in self.live[:2]:
            filled = self.random.choice([0, attempt.volume // 2, attempt.volume, attempt.volume])
            if filled:
                self.filled(tx, attempt, filled)
            whole = filled == attempt.volume
            state = AttemptState.FILLED if whole else AttemptState.CANCELED
            tx.attempts.update(attempt.attempt_id, later(self.count * 60), state=state, reported=filled)
            reason = Refusal(reason=self.random.choice([Reason.LIMIT_UP, Reason.NO_CASH, Reason.DAY_OVER]))
            tx.orders.update(attempt.order_id, later(self.count * 60), refusal=None if whole else reason,
                             state=OrderState.FILLED if whole else OrderState.CANCELED)  # fmt: skip
        del self.live[:2]

    def late_fill(self, tx: Tx) -> None:
        orders = [order for order in tx.orders.history() if order.state is OrderState.CANCELED]
        if orders:
            [attempt] = tx.attempts.of_order(self.random.choice(orders).order_id)
            self.filled(tx, attempt, 1)

    def report(self, tx: Tx) -> None:
        """Half of them say what the signals said."""
        strategy = self.of(STRATEGIES)
        made_at = later(self.at())
        held: dict[str, int] = {}
        for order in tx.orders.history(strategy=strategy, account="main"):
            if order.terms.made_at <= made_at:
                sign = 1 if order.side is Side.BUY else -1
                before = held.get(order.security, 0) + sign * order.terms.amount
                held[order.security] = 0 if order.closes else max(before, 0)
        if self.random.random() < 0.5:
            held[self.of(CODES)] = self.random.randrange(0, 3000, 50)
        holdings = {code: StrategyHolding(held=n, closeable=n) for code, n in held.items() if n}
        part = HoldingsPart(report=f"r{self.count}", part=1, parts=1, day=DAY, when="close", cash=None,
                            total_value=None, holdings=holdings)  # fmt: skip
        tx.reports.add(strategy, part, made_at)

    def booking(self, tx: Tx) -> None:
        new = NewBooking(account="main", strategy=self.of(STRATEGIES), security=self.of(CODES), kind=BookingKind.SET,
                         shares=self.random.randrange(-300, 300), who="wang", why="")  # fmt: skip
        tx.bookings.add([new], later(self.count * 60))

    def picture(self, tx: Tx) -> None:
        nothing = Decimal(1)
        held = [Position(symbol=code, volume=max(tx.books.sums("main").get(code, 0) - self.random.choice([0, 100]), 0),
                         available=0, avg_cost=nothing) for code in CODES]  # fmt: skip
        asset = Asset(cash=nothing, frozen=nothing, market_value=nothing, total=nothing)
        tx.snapshots.put("main", DAY, later(self.count * 60 + 40), asset, [each for each in held if each.volume])

    def lost(self, tx: Tx) -> None:
        tx.processes.note_lost(self.of(STRATEGIES), later(self.at()))

    def recorded(self, tx: Tx) -> None:
        told = strategy_order(jq_order_id=f"j{self.count}", symbol=self.of(CODES), amount=100)
        new = signal(f"m{self.count}", strategy=self.of(STRATEGIES), order=told, made_at=later(self.at()))
        row = tx.signals.record(new)
        tx.signals.finish(row.signal_id, SignalState.RECORDED, Refusal(reason=Reason.STALE))

    def action(self, tx: Tx) -> None:
        state = self.random.choice([ActionState.EXPECTED, ActionState.BOOKED])
        tx.corporate.put(
            ActionRow(
                account="main",
                security=self.of(CODES),
                day=DAY,
                factor=Decimal("1.3"),
                cash=Decimal(0),
                arrives=DAY,
                held=1000,
                state=state,
                act=None,
                source="hand",
                updated_at=later(self.count * 60),
            )
        )

    def elsewhere(self, tx: Tx) -> None:
        orders = tx.orders.history(account="main")
        if orders:
            order = self.random.choice(orders)
            tx.elsewhere.expect_difference(
                order.signal_id, "main", strategy=order.strategy, security=order.security,
                elsewhere=self.random.randrange(0, 900), at=later(self.count * 60))  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "ledger.sqlite3") as ledger:
        yield ledger


def keep(ledger: Ledger, memo: DriftMemo) -> None:
    unkept = memo.unkept()
    if unkept is None:
        return

    def put(tx: Tx) -> None:
        if unkept.anew:
            tx.kept_drifts.clear()
        tx.kept_drifts.put(unkept.rows)
        tx.kept_drifts.drop(unkept.gone)
        tx.meta.set(MARK, unkept.mark)

    ledger.write_now(put)
    memo.kept(unkept)


def play(ledger: Ledger, seed: int, steps: int) -> None:
    story, chance = Story(seed), random.Random(seed)
    now = settings()
    memo = DriftMemo(now)
    for _ in range(steps):
        for _ in range(chance.randrange(1, 4)):
            ledger.write_now(story.happens)
        match chance.choices(["go on", "keep", "restart", "configure"], [10, 3, 2, 0.3])[0]:
            case "keep":
                keep(ledger, memo)
            case "restart":
                memo = DriftMemo(now)
            case "configure":
                now = settings(chance.choice(["0.5", "0.7"]), chance.choice(["match", "flat"]),
                               chance.choice([STRATEGIES, ("demo",)]))  # fmt: skip
                memo = DriftMemo(now)
        expected = ledger.read_now(partial(drifts, settings=now))
        assert ledger.read_now(memo.read) == expected
        for row in chance.sample(expected, min(2, len(expected))):
            book = {"account": row.account, "strategy": row.strategy, "security": row.security}
            of_book = ledger.read_now(partial(drift_of_book, settings=now, **book))
            assert (of_book.target, of_book.working) == (row.target, row.working)
            left = [sum(line.shares for line in each.lines if line.cause in CATCHES_UP) for each in (of_book, row)]
            assert left[0] == left[1], (of_book, row)


@pytest.mark.parametrize("seed", range(2))
def test_it_is_what_would_be_found_from_the_beginning(ledger: Ledger, seed: int) -> None:
    play(ledger, seed, 40)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 160))
def test_it_is_what_would_be_found_from_the_beginning_at_length(ledger: Ledger, seed: int) -> None:
    play(ledger, seed, 120)


def test_rows_of_another_program_or_damaged_ones_are_worked_out_anew(ledger: Ledger) -> None:
    story, memo = Story(5), DriftMemo(settings())
    for _ in range(20):
        ledger.write_now(story.happens)
    expected = ledger.read_now(memo.read)
    assert expected
    keep(ledger, memo)
    mark = ledger.read_now(lambda tx: tx.meta.get(MARK))
    assert mark is not None
    key = (expected[0].account, expected[0].strategy, expected[0].security)
    for said, row in ((mark.replace('"program":"', '"program":"x'), "{}"), ("nonsense", "{}"), (mark, "half a r")):
        ledger.write_now(lambda tx, s=said, r=row: (tx.meta.set(MARK, s), tx.kept_drifts.put({key: r})))
        assert ledger.read_now(DriftMemo(settings()).read) == expected


def test_another_account_behind_the_name_is_noticed(ledger: Ledger) -> None:
    story, memo = Story(5), DriftMemo(settings())
    for _ in range(20):
        ledger.write_now(story.happens)
    ledger.read_now(memo.read)
    away = later(3600) + timedelta(days=1)
    ledger.write_now(lambda tx: tx.numbers.put_books_away("main", f"main@1111-{away:%Y%m%d%H%M%S}"))
    assert ledger.read_now(memo.read) == ledger.read_now(lambda tx: drifts(tx, settings()))
