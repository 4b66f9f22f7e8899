"""The way of an order against a model a page long, by rules in any order: no process, no broker's thread, no waiting.

What the strategies wished, and what the counter's own record says, is all that the model knows. At every moment: never
more than wished, never twice, no book without fills. And when all is quiet: every order in a known state, books like
the record, and nothing left.
"""

import asyncio
import shutil
import tempfile
from collections import Counter as Count
from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jqfollow import parts as parts_module
from jqfollow.clock import SHANGHAI
from jqfollow.clock_steps import ClockSteps
from jqfollow.domain import (
    ATTEMPT_ENDED,
    ORDER_OPEN,
    AttemptState,
    ManualOrderError,
    News,
    OrderEnd,
    Settlement,
    Side,
    SignalKind,
    StrategyOrder,
    Wire,
)
from jqfollow.execution.recovery import recover
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import NewSignal
from jqfollow.market.calendar import TradingCalendar
from jqfollow.settings import Settings
from jqfollow.stages import Stages

from .counter import Answer, Counter, DiedError, InlineLanes, Order, idle_client
from .judge import Story

T = TypeVar("T")
START = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)
NOON = START.replace(hour=11, minute=10)
ACCOUNT = "main"
STRATEGIES = ("demo", "other")
SYMBOLS = ("113001.SH", "123001.SZ", "113002.SH", "123002.SZ")
"""Sold on the day that they were bought."""
RATIOS = {"demo": Decimal(1), "other": Decimal("0.5")}
LOT = 10


Kind = Literal["buy", "sell", "limit"]
Wish = tuple[str, str, int, Kind]
_KINDS: tuple[Kind, ...] = ("buy", "buy", "sell", "sell", "limit")
_WISHES = st.tuples(st.sampled_from(STRATEGIES), st.sampled_from(SYMBOLS), st.integers(1, 20), st.sampled_from(_KINDS))
_ANSWERS = st.lists(st.sampled_from([*Answer, *[Answer.PROMPT] * 4, *[Answer.LATE] * 2]), max_size=4)


class Clock:
    """Stands still but for the rules; somebody may set it."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self.set_by = timedelta(0)

    def true(self) -> datetime:
        """The exchange's."""
        return START + timedelta(seconds=self.passed_s)

    def now(self) -> datetime:
        return self.true() + self.set_by

    def monotonic(self) -> float:
        return self.passed_s


class House:
    """The parts between ports and brokers, on a ledger; one of the service's lives."""

    def __init__(self, folder: Path, clock: Clock, counter: Counter, settings: Settings) -> None:
        self.counter = counter
        self.ledger = Ledger.open(folder / "ledger.sqlite3", whole=False)
        self.parts = parts_module.Parts(
            settings=settings,
            clock=clock,
            calendar=TradingCalendar(),
            ledger=self.ledger,
            stages=Stages(clock),
            warnings=lambda: (),
            make_broker=lambda _name, _account: counter,
        )
        self.account = self.parts.accounts[ACCOUNT]
        self.lanes = InlineLanes(counter)
        self.account.lanes = self.lanes  # type: ignore[assignment]
        self.steps = ClockSteps(clock, self.ledger, accounts=(ACCOUNT,), set_along=lambda: None)

    async def begin(self) -> None:
        parts = self.parts
        await self.ledger.write(lambda tx: recover(tx, parts.accounts, parts.calls, parts.wishes.moment))
        if self.counter.up:
            await self.connect()

    async def connect(self) -> None:
        await self.parts.reconciler.reconcile(self.account, connected_anew=True)
        self.account.set_ready()

    async def work(self) -> None:
        """Rounds until nothing is due."""
        rounds = self.parts.follower.rounds[ACCOUNT]
        for _ in range(50):
            if not await rounds.work():
                return
        raise AssertionError("a round is due for ever")

    async def sweep(self, now: datetime) -> None:
        """What the schedule does every second or two."""
        sweeps = self.parts.sweeps
        await sweeps.cancel_overdue(self.account, now)
        await sweeps.look_after(self.account, now)
        await sweeps.retry(self.account, now)

    async def settle_down(self) -> None:
        """What was begun with nobody waiting comes to its end."""
        while under_way := list(self.parts.wishes._under_way):
            await asyncio.gather(*under_way)
        while not self.account.late_answers.empty():
            answer = self.account.late_answers.get_nowait()
            await self.parts.desk.hear_late(self.account, answer.request.attempt_id, answer.placed)
        await self.parts.desk.written(self.account)

    async def end(self) -> None:
        await self.parts.close(0)
        self.parts.calls.close()
        await self.ledger.close()


class OrdersModel(RuleBasedStateMachine):
    """See the module."""

    seen: ClassVar[Count[str]] = Count()
    """Of all runs in this process."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="jqf-model-", dir=_fast_folder()))
        self.loop = asyncio.new_event_loop()
        self.clock = Clock()
        self.counter = Counter(now=self.clock.true)
        self.told: list[NewSignal] = []
        self.wished: Count[tuple[str, str, str]] = Count()
        """Shares by strategy, code and side, as the ratio makes them."""
        self.held: Count[tuple[str, str]] = Count()
        self.standing: list[tuple[str, str]] = []
        """Strategy and JoinQuant's number of limit orders that stand there."""
        self.config: dict[str, Any] = {"price": "peer", "cancel_after_s": 30, "max_attempts": 5}
        self.followed = set(STRATEGIES)
        self.house: House | None = None
        self._patched = parts_module.make_client
        parts_module.make_client = idle_client

    def run(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Has it done, up to its end or the process's; whoever dies is born again."""
        assert self.house is not None
        try:
            return self.loop.run_until_complete(self._whole(work))
        except DiedError:
            self._born_again()
            return None

    async def _whole(self, work: Coroutine[Any, Any, T]) -> T:
        assert self.house is not None
        done = await work
        await self.house.settle_down()
        return done

    def _settings(self) -> Settings:
        return Settings.model_validate(
            {
                "data_dir": self.folder,
                "accounts": {ACCOUNT: {"broker": "qmt", "qmt_path": str(self.folder), "account_id": "88880001"}},
                "strategies": {
                    name: {"follow": {ACCOUNT: RATIOS[name]}} if name in self.followed else {"follow": {}}
                    for name in STRATEGIES
                },
                "execution": self.config,
                "risk": {"max_order_value": 10**9, "orders_per_second": 50, "max_signal_age_s": 3600},
            }
        )

    def _born_again(self) -> None:
        """The process is gone, with every call that was under way; the next one begins on what is on the disk."""
        assert self.house is not None
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.run_until_complete(self.house.end())
        self.counter.hung = False
        self._begin()

    def _begin(self) -> None:
        async def begin() -> House:
            house = House(self.folder, self.clock, self.counter, self._settings())
            await house.begin()
            return house

        self.house = self.loop.run_until_complete(begin())

    @initialize(remarks=st.booleans())
    def a_day_begins(self, remarks: bool) -> None:
        self.counter.remarks = remarks
        shutil.copyfile(_template(), self.folder / "ledger.sqlite3")
        self._begin()

    @property
    def now(self) -> House:
        assert self.house is not None
        return self.house

    # -- what strategies do

    @rule(wishes=st.lists(_WISHES, min_size=1, max_size=4))
    def signals_come(self, wishes: list[Wish]) -> None:
        for wish in wishes:
            self._signal(*wish)

    @rule(wishes=st.lists(_WISHES, min_size=1, max_size=4), answers=_ANSWERS, pushed=st.booleans())
    def signals_go_out(self, wishes: list[Wish], answers: list[Answer], pushed: bool) -> None:
        self.signals_come(wishes)
        self.counter.answers = answers
        self.rounds(2)
        if pushed:
            told, self.counter.outgoing = self.counter.outgoing, []
            self.run(self.now.parts.desk.hear(self.now.account, told))

    def _signal(self, strategy: str, symbol: str, lots: int, kind: Kind) -> None:
        held = self.held[strategy, symbol]
        amount = 2 * LOT * lots if kind != "sell" else min(2 * LOT * lots, held)
        if not amount:
            return
        number, now = len(self.told) + 1, self.clock.now()
        side = Side.SELL if kind == "sell" else Side.BUY
        filled = 0 if kind == "limit" else amount
        self.held[strategy, symbol] += filled if side is Side.BUY else -filled
        order = StrategyOrder(
            jq_order_id=str(number),
            symbol=symbol,
            side=side,
            amount=amount,
            filled=filled,
            price=None if kind == "limit" else Decimal(10),
            limit=Decimal("9.5") if kind == "limit" else None,
            status="open" if kind == "limit" else "held",
            position_side="long",
            day=now.date(),
            position_after=self.held[strategy, symbol],
            total_value=None,
        )
        if kind == "limit":
            self.standing.append((strategy, order.jq_order_id))
        self._send(strategy, SignalKind.ORDER, order, News())
        if strategy in self.followed:
            self.wished[strategy, symbol, side] += int(amount * RATIOS[strategy])

    def _send(self, strategy: str, kind: SignalKind, order: StrategyOrder | None, news: News) -> None:
        now = self.clock.now()
        signal = NewSignal(
            strategy=strategy,
            wire=Wire.JQF1,
            message_id=f"{strategy}-{len(self.told)}",
            kind=kind,
            run="sim_trade",
            text=f'{{"n":{len(self.told)}}}',
            made_at=now,
            received_at=now,
            order=order,
            news=news,
        )
        self.told.append(signal)
        recorded = self.run(self.now.parts.follower.record(signal))
        assert recorded is not None
        assert not recorded.duplicate

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def a_message_comes_again(self, data: st.DataObject) -> None:
        again = self.run(self.now.parts.follower.record(data.draw(st.sampled_from(self.told))))
        assert again is not None
        assert again.duplicate

    @precondition(lambda self: self.standing)
    @rule(data=st.data())
    def a_strategy_ends_its_limit_order(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.standing))
        self.standing.remove(one)
        end = OrderEnd(jq_order_id=one[1], day=self.clock.now().date(), filled=0, status="canceled")
        self._send(one[0], SignalKind.NOTICE, None, News(ends=(end,)))

    # -- what the counter does

    @rule(fills=st.booleans(), cancels=st.booleans())
    def the_counter_is(self, fills: bool, cancels: bool) -> None:
        self.counter.fills_at_once, self.counter.cancels_at_once = fills, cancels

    @precondition(lambda self: self.counter.alive())
    @rule(data=st.data(), lots=st.integers(1, 40))
    def something_trades(self, data: st.DataObject, lots: int) -> None:
        self.counter.trade(data.draw(st.sampled_from(self.counter.alive())), LOT * lots)

    @precondition(lambda self: self.counter.canceling)
    @rule()
    def cancels_are_done(self) -> None:
        while self.counter.canceling:
            self.counter.end(self.counter.canceling.pop())

    @precondition(lambda self: self.counter.outgoing)
    @rule(data=st.data(), twice=st.booleans(), dropped=st.booleans())
    def pushes_arrive(self, data: st.DataObject, twice: bool, dropped: bool) -> None:
        """Late, in any order, twice, or some of them never."""
        waiting = self.counter.outgoing
        count = data.draw(st.integers(1, min(len(waiting), 6)))
        some = data.draw(st.permutations(waiting[:count]))
        del waiting[:count]
        told = some[: len(some) // 2] if dropped else some
        self.run(self.now.parts.desk.hear(self.now.account, [*told, *told] if twice else told))

    @precondition(lambda self: self.house and self.house.lanes.late)
    @rule()
    def a_late_answer_arrives(self) -> None:
        self.now.lanes.late.pop(0)()
        self.run(asyncio.sleep(0))

    @precondition(lambda self: self.counter.up)
    @rule()
    def the_line_is_lost(self) -> None:
        self.counter.up = False
        self.now.account.set_down("断开", "lost")

    @precondition(lambda self: not self.counter.up)
    @rule()
    def the_line_is_back(self) -> None:
        self.counter.up = True
        self.run(self.now.connect())

    # -- what the house does

    @rule(count=st.integers(1, 3))
    def rounds(self, count: int) -> None:
        for _ in range(count):
            self.clock.passed_s += 1
            self.run(self.now.work())

    @rule()
    def a_sweep(self) -> None:
        self.run(self.now.sweep(self.clock.now()))

    @rule(seconds=st.sampled_from((1, 2, 10, 31)))
    def time_goes_by(self, seconds: int) -> None:
        if self.clock.now() < NOON:
            self.clock.passed_s += seconds

    @rule(seconds=st.sampled_from((-600, -60, -1, 1, 60, 600)))
    def the_clock_is_set(self, seconds: int) -> None:
        if START - timedelta(minutes=15) < self.clock.now() + timedelta(seconds=seconds) < NOON:
            self.clock.set_by += timedelta(seconds=seconds)
            self.run(self.now.steps.look())

    @rule(
        price=st.sampled_from(("peer", "latest", "own")),
        cancel_after_s=st.sampled_from((5, 30)),
        max_attempts=st.sampled_from((1, 3, 20)),
        followed=st.sampled_from((STRATEGIES, STRATEGIES, STRATEGIES[:1])),
        changed=st.booleans(),
    )
    def a_restart(
        self, price: str, cancel_after_s: int, max_attempts: int, followed: tuple[str, ...], changed: bool
    ) -> None:
        """Between two lives the configuration may be another."""
        if changed:
            self.config = {"price": price, "cancel_after_s": cancel_after_s, "max_attempts": max_attempts}
            self.followed = set(followed)
        self._born_again()

    # -- what a person does

    @rule(data=st.data())
    def a_person_cancels(self, data: st.DataObject) -> None:
        open_ = self.now.ledger.read_now(lambda tx: tx.orders.open())
        if open_:
            with suppress(ManualOrderError):
                self.run(self.now.parts.follower.cancel(data.draw(st.sampled_from(open_)).order_id))

    @rule()
    def a_person_settles(self) -> None:
        """Whoever is told of an unknown outcome looks at the counter, and says what is there."""
        for attempt in self.now.ledger.read_now(lambda tx: tx.attempts.unknown(ACCOUNT)):
            row = next((order for order in self.counter.book if order.request.remark == attempt.remark), None)
            if row is None:
                told = Settlement(outcome="not_placed")
            else:
                told = Settlement(outcome="placed", broker_order_id=str(row.number))
            with suppress(ManualOrderError):
                self.run(self.now.parts.follower.settle(attempt.order_id, told))

    # -- what must hold

    @invariant()
    def never_more_than_wished(self) -> None:
        if self.house is None:
            return
        story = self.now.ledger.read_now(Story.of)
        attempts = {attempt.remark: attempt for attempt in story.attempts}
        orders = {order.order_id: order for order in story.orders}
        at_broker: Count[int] = Count()
        for order in self.counter.book:
            attempt = attempts[order.request.remark]  # each was written down before it went out
            at_broker[attempt.order_id] += order.filled + order.left
        assert len({order.request.remark for order in self.counter.book}) == len(self.counter.book), "placed twice"
        done: Count[tuple[str, str, str]] = Count()
        for order_id, volume in at_broker.items():
            assert volume <= orders[order_id].volume, orders[order_id]
            done[orders[order_id].strategy, orders[order_id].security, orders[order_id].side] += volume
        more = {key: volume for key, volume in done.items() if volume > self.wished[key]}
        assert not more, f"{more} of {self.wished}"
        _refuse_false_books(story)

    def teardown(self) -> None:
        try:
            if self.house is not None:
                self._quiet()
                self.loop.run_until_complete(self.now.end())
        finally:
            parts_module.make_client = self._patched
            self.loop.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _quiet(self) -> None:
        """Everything goes well from now on, and whatever was not heard never will be: all comes to its end."""
        counter = self.counter
        counter.answers, counter.fills_at_once, counter.cancels_at_once = [], True, True
        counter.outgoing.clear()
        self.cancels_are_done()
        if not counter.up:
            self.the_line_is_back()
        while self.standing:
            end = OrderEnd(jq_order_id=self.standing[0][1], day=self.clock.now().date(), filled=0, status="canceled")
            self._send(self.standing.pop(0)[0], SignalKind.NOTICE, None, News(ends=(end,)))
        for _ in range(60):
            for order in counter.alive():
                counter.trade(order, order.left)
            counter.outgoing.clear()
            self.clock.passed_s += 10
            self.run(self.now.sweep(self.clock.now()))
            self.a_person_settles()
            self.rounds(1)
            if not self.now.ledger.read_now(lambda tx: tx.orders.open() or tx.signals.received()):
                break
            self.never_more_than_wished()
        self.run(self.now.sweep(self.clock.now()))
        story = self.now.ledger.read_now(Story.of)
        self.seen.update(runs=1, messages=len(self.told), orders=len(story.orders), placed=len(counter.book))
        left = [order for order in story.orders if order.state in ORDER_OPEN and order.waiting is None]
        assert not left, f"left in the end: {left}"
        assert not counter.alive(), "left at the counter"
        _refuse_other_than(story, counter.book)


def _refuse_false_books(story: Story) -> None:
    """Books are what was filled, order by order and fill by fill."""
    net: Count[tuple[str, str]] = Count()
    by_attempt = {attempt.attempt_id: attempt for attempt in story.attempts}
    filled: Count[int] = Count()
    for fill in story.fills:
        net[fill.strategy, fill.security] += fill.volume if fill.side is Side.BUY else -fill.volume
        filled[by_attempt[fill.attempt_id].order_id] += fill.volume
    for book in story.books:
        assert book.volume == net.pop((book.strategy, book.security), 0) >= 0, book
    assert not any(net.values()), net
    for order in story.orders:
        assert order.filled == filled[order.order_id] <= order.volume, order


def _refuse_other_than(story: Story, book: list[Order]) -> None:
    """The ledger tells of every order what the counter's record does."""
    true = {order.request.remark: (order.state, order.filled) for order in book}
    for attempt in story.attempts:
        assert attempt.state in ATTEMPT_ENDED, attempt
        state, filled = true.get(attempt.remark, (AttemptState.REJECTED, 0))
        assert (attempt.state, attempt.filled) == (state, filled), f"{attempt}: {state} {filled}"
    assert set(true) <= {attempt.remark for attempt in story.attempts}


def _fast_folder() -> str | None:
    """Where nothing is synced to a disk, if the system has it: no power is cut here."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


_template_path: Path | None = None


def _template() -> Path:
    """A new ledger, made once."""
    global _template_path  # noqa: PLW0603
    if _template_path is None:
        _template_path = Path(tempfile.mkdtemp(prefix="jqf-model-")) / "ledger.sqlite3"
        Ledger.open(_template_path).close_now()
    return _template_path
