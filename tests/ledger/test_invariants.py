"""Whatever happens, in whatever order: sums are the sums of the fills, one attempt is live, nothing counts twice."""

import tempfile
from collections import Counter, defaultdict
from concurrent.futures import Future
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from jqfollow.domain import ATTEMPT_LIVE, AttemptState, OrderState, Side
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow, FillRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from ledger.samples import DAY, NOW, Gate, an_order, fill_report, new_attempt

SECURITIES = ("000001.SZ", "600000.SH")
STRATEGIES = ("demo", "other")
DONE = Refusal(reason=Reason.DAY_OVER)
PRICES = st.decimals(min_value=0, max_value=2000, places=3)


class UndoError(Exception):
    """A transaction that changes its mind."""


class LedgerMachine(RuleBasedStateMachine):
    """Random orders, attempts, states and fills, some in transactions that fail, some sharing a commit."""

    orders = Bundle("orders")
    attempts = Bundle("attempts")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.ledger = Ledger.open(Path(self.folder.name) / "ledger.db")
        self.gate: Gate | None = None
        self.answers: list[tuple[Future[Any], Any]] = []
        self.fills: dict[tuple[str, str], tuple[AttemptRow, str, int, Decimal]] = {}
        self.number = 0

    def teardown(self) -> None:
        self.let_go()
        self.ledger.close_now()
        self.folder.cleanup()

    @initialize(target=orders, security=st.sampled_from(SECURITIES))
    def first(self, security: str) -> int:
        return self.order(security, Side.BUY, "demo", 1000)

    @rule(
        target=orders,
        security=st.sampled_from(SECURITIES),
        side=st.sampled_from(Side),
        strategy=st.sampled_from(STRATEGIES),
        volume=st.integers(1, 2000),
    )
    def order(self, security: str, side: Side, strategy: str, volume: int) -> int:
        self.let_go()
        self.number += 1
        name = f"m{self.number}"
        return self.ledger.write_now(
            lambda tx: an_order(tx, name, security=security, side=side, strategy=strategy, volume=volume)
        ).order_id

    @rule(target=attempts, order_id=orders, volume=st.integers(1, 2500))
    def attempt(self, order_id: int, volume: int) -> int | None:
        self.let_go()

        def place(tx: Tx) -> int:
            order = tx.orders.get(order_id)
            assert order is not None
            earlier = tx.attempts.of_order(order_id)
            number = 1 + max((attempt.number for attempt in earlier), default=0)
            return tx.attempts.create(new_attempt(order, number, volume=volume), NOW).attempt_id

        order = self.ledger.read_now(lambda tx: tx.orders.get(order_id))
        earlier = self.ledger.read_now(lambda tx: tx.attempts.of_order(order_id))
        assert order is not None
        allowed = (
            order.state in {OrderState.PENDING_NEW, OrderState.NEW, OrderState.PARTIALLY_FILLED}
            and not any(attempt.state in ATTEMPT_LIVE for attempt in earlier)
            and volume <= order.volume - sum(attempt.done for attempt in earlier)
        )
        try:
            attempt_id = self.ledger.write_now(place)
        except LedgerError:
            assert not allowed
            return None
        assert allowed
        return attempt_id

    @rule(attempt_id=attempts, state=st.sampled_from(AttemptState), reported=st.integers(0, 2500))
    def report(self, attempt_id: int | None, state: AttemptState, reported: int) -> None:
        if attempt_id is None:
            return
        self.let_go()
        attempt = self.ledger.read_now(lambda tx: tx.attempts.get(attempt_id))
        assert attempt is not None
        others = self.ledger.read_now(lambda tx: tx.attempts.of_order(attempt.order_id))
        second = state in ATTEMPT_LIVE and any(
            other.state in ATTEMPT_LIVE for other in others if other.attempt_id != attempt_id
        )
        try:
            self.ledger.write_now(lambda tx: tx.attempts.update(attempt_id, NOW, state=state, reported=reported))
        except LedgerError:
            assert second
        else:
            assert not second

    @rule(order_id=orders)
    def end(self, order_id: int) -> None:
        self.let_go()
        self.ledger.write_now(lambda tx: tx.orders.update(order_id, NOW, state=OrderState.EXPIRED, refusal=DONE))

    @rule(
        attempt_id=attempts,
        traded_id=st.sampled_from("abcdef"),
        volume=st.integers(1, 300),
        price=PRICES,
        undone=st.booleans(),
        together=st.booleans(),
    )
    def fill(
        self, attempt_id: int | None, traded_id: str, volume: int, price: Decimal, undone: bool, together: bool
    ) -> None:
        """`together`: handed over while the writer is busy, so that several share a commit."""
        if attempt_id is None:
            return
        if not together:
            self.let_go()
        attempt = self.ledger.read_now(lambda tx: tx.attempts.get(attempt_id))
        assert attempt is not None
        order = self.ledger.read_now(lambda tx: tx.orders.get(attempt.order_id))
        assert order is not None
        report = fill_report(attempt, traded_id, broker_order_id=f"b{attempt_id}", volume=volume, price=price)

        def happen(tx: Tx) -> bool:
            added = tx.fills.add(attempt, order.strategy, report, DAY)
            if undone:
                raise UndoError
            return added

        if together and self.gate is None:
            self.gate = Gate()
            self.submit(self.gate, None)
            assert self.gate.entered.wait(10)
        key = (f"b{attempt_id}", traded_id)
        self.submit(happen, UndoError if undone else key not in self.fills)
        if not undone:
            self.fills.setdefault(key, (attempt, order.strategy, volume, price))

    def submit(self, fn: Any, expected: Any) -> None:
        assert self.ledger._writer is not None
        self.answers.append((self.ledger._writer.submit(fn), expected))

    def let_go(self) -> None:
        """Everything that was handed over is answered as it must be."""
        if self.gate is not None:
            self.gate.opened.set()
            self.gate = None
        for future, expected in self.answers:
            error = future.exception(10)
            assert (type(error) if error is not None else future.result()) == expected
        self.answers.clear()

    @invariant()
    def sums_are_sums_of_fills(self) -> None:
        if self.gate is not None:
            return
        self.let_go()
        seen = self.ledger.read_now(everything)
        assert Counter((row.broker_order_id, row.traded_id, row.volume, row.price) for row in seen["fills"]) == Counter(
            (*key, volume, price) for key, (_, _, volume, price) in self.fills.items()
        )
        of_attempt, of_order, of_book = defaultdict(int), defaultdict(int), defaultdict(int)
        turnover: dict[int, Decimal] = defaultdict(Decimal)
        for attempt, strategy, volume, price in self.fills.values():
            of_attempt[attempt.attempt_id] += volume
            of_order[attempt.order_id] += volume
            turnover[attempt.order_id] += volume * price
            of_book[attempt.account, strategy, attempt.security] += volume if attempt.side is Side.BUY else -volume
        assert {row.attempt_id: row.filled for row in seen["attempts"]} == {
            row.attempt_id: of_attempt[row.attempt_id] for row in seen["attempts"]
        }
        for row in seen["orders"]:
            assert (row.filled, row.turnover) == (of_order[row.order_id], turnover[row.order_id])
        books = {(row.account, row.strategy, row.security): row.volume for row in seen["books"]}
        assert books == dict(of_book)
        assert all(row.cost >= 0 for row in seen["books"])
        assert all(row.cost == 0 for row in seen["books"] if row.volume <= 0)

    @invariant()
    def at_most_one_attempt_is_live(self) -> None:
        live = Counter(row.order_id for row in self.ledger.read_now(lambda tx: tx.attempts.live()))
        assert set(live.values()) <= {1}


def everything(tx: Tx) -> dict[str, list[Any]]:
    fills: list[FillRow] = tx.fills.list(limit=10_000)
    return {
        "fills": fills,
        "attempts": tx.attempts.list(account="main", day=DAY),
        "orders": tx.orders.list(limit=10_000),
        "books": tx.books.list(held_only=False),
    }


LedgerMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
TestLedger = LedgerMachine.TestCase
