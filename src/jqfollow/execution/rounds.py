"""A lane works in rounds, in which each order is judged on what those before it leave.

One read of what is due, and one set of questions to the broker, are shared by all of it.

    read ──▶ what needs no market is decided ──▶ ask once ──▶ judge, `width` at a time ──▶ write, hand over ──▶ …
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from jqfollow.clock import Clock
from jqfollow.domain import ORDER_OPEN, BrokerError, WaitingFor
from jqfollow.drift.owed import owed
from jqfollow.execution.accounts import Account, SymbolMarket
from jqfollow.execution.acts import End, Place, Refuse, Stay, Step, Wait
from jqfollow.execution.ahead import Ahead, Told, ask
from jqfollow.execution.brokers.port import PracticeExchange
from jqfollow.execution.desk import Desk
from jqfollow.execution.entries import Entries, TakenBackError
from jqfollow.execution.known import AccountFacts, Known
from jqfollow.execution.left import Answers, Left
from jqfollow.execution.papers import Papers, Question, read_papers
from jqfollow.execution.purse import Purse
from jqfollow.execution.step import before_market, volume_of, with_market
from jqfollow.execution.transitions import Names, end_order
from jqfollow.execution.turns import Around, Scene, turns
from jqfollow.execution.volume import security_of
from jqfollow.execution.wishes import Wishes
from jqfollow.ledger.errors import LedgerError, may_pass
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow, OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason, Refusal
from jqfollow.receipts import Receipts
from jqfollow.settings import NO_LIMITS, Layers, Settings
from jqfollow.stages import Stage, Stages

log = structlog.get_logger(__name__)

AGAIN_S = 1.0
"""How often an order that waits is looked at again."""
LONG_S = 0.1
"""A round that lasts longer than this ends when something new comes, which may go first."""
ANSWERS_HOLD_S = 5.0
"""Quotes and money are asked for anew after this, however many orders still wait for their turn."""
_CHUNKS = 4
"""A round takes at most so many times the account's width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """When an order was first looked at in this run."""

    at: datetime
    monotonic: float

    def aged(self, now: datetime, monotonic: float) -> datetime:
        """The moment that counts for the order's deadline: the greater of both clocks since then."""
        return max(now, self.at + timedelta(seconds=monotonic - self.monotonic))


class _RehearsedError(Exception):
    """Undoes what a rehearsal wrote, and carries what was read."""

    def __init__(self, papers: list[Papers]) -> None:
        super().__init__("a rehearsal")
        self.papers = papers


class Rounds:
    """One account's rounds."""

    def __init__(
        self,
        account: Account,
        *,
        ledger: Ledger,
        desk: Desk,
        wishes: Wishes,
        settings: Settings,
        clock: Clock,
        names: Names,
        stages: Stages,
        receipts: Receipts,
    ) -> None:
        self._account = account
        self._receipts = receipts
        self._stages = stages
        self._ledger = ledger
        self._desk = desk
        self._wishes = wishes
        self._settings = settings
        self._layers = Layers(settings)
        self._own = {name: self._layers.own(account.name, name) for name in settings.strategies}
        self._clock = clock
        self._names = names
        self._entries = Entries(account, clock=clock, names=names)
        self._purse = Purse()
        self.ahead = Ahead(account, clock)
        self._looked_at: dict[int, float] = {}
        self._seen: dict[int, _Seen] = {}
        self._admitted: set[int] = set()
        """Judged fresh; since then only this queue kept them."""
        self._queued: set[int] = set()
        """Found fresh when a round was full, and not judged yet."""
        self.failures = 0
        self._idle = self._placed = 0
        """How many orders the last read found with nothing at the broker, and how many of them went there since."""

    async def work(self) -> bool:
        """One round; `False`: of what stood in the ledger as it began, nothing is left that may be due now.

        Raises:
            LedgerError: it cannot be read or written now.
        """
        account = self._account
        if not account.ready:
            self._admitted.clear()
            self._queued.clear()
        began = self._clock.monotonic()
        account.arrived, account.others_wait, self._placed = False, True, 0
        await self._receipts.over()
        told = await self.ahead.answer()
        papers = await self._read()
        while papers and account.exchange is not None and account.ready:
            before = account.hours.trading_day()
            told = await self._observe(account.exchange, papers)
            if account.hours.trading_day() == before:
                break
            papers = await self._read()  # what was bought before is not of today any more, and more may have come
        if not papers:
            account.others_wait = self._idle > 0
            return False
        account.others_wait = self._idle > len(papers)
        for each in papers:
            self._looked_at[each.order.order_id] = began
            if not each.attempts:
                self._stages.known(each.order.order_id, each.order.signal_id)
        asking = await self._decide_without_market(papers)
        if asking:
            await self._work_with_market(asking, told, began)
        await self._desk.written(account)
        account.others_wait = self._idle > self._placed
        return account.others_wait

    async def rehearse(self, write: Callable[[Tx], Collection[int]]) -> list[tuple[OrderRow, Step | None]]:
        """What would become of the orders that `write` makes; nothing of it stands afterwards, nothing is placed.

        Raises:
            LedgerError: it cannot be read or written now.
        """

        def undone(tx: Tx) -> None:
            mine = write(tx)
            account = self._account
            settle, now = timedelta(seconds=account.traits.settle_s), self._clock.now()
            asked = Question(account=account.name, day=account.hours.trading_day(), now=now, settle=settle,
                             turnover=True, counted=self._own, turnovers=self._own, capped=self._own)  # fmt: skip
            raise _RehearsedError(read_papers(tx, asked, lambda idle, *_: [o for o in idle if o.order_id in mine]))

        papers: list[Papers] = []
        try:
            await self._ledger.write(undone)
        except _RehearsedError as end:
            papers = end.papers
        if not papers:
            return []
        facts, answers = self._account_facts(), await self._ask(papers)
        found: list[tuple[OrderRow, Step | None]] = []
        for each in papers:
            known = self._known(each, facts)
            asked = answers.add_to(known)
            step = before_market(known) or with_market(asked, volume_of(asked))
            if isinstance(step, Place):
                answers.left.take(step)
            found.append((each.order, step))
        for each in papers:
            self._seen.pop(each.order.order_id, None)  # an order of that number may yet come
        return found

    # -- what is known -----------------------------------------------------------------------------------------------

    async def _read(self) -> list[Papers]:
        account, now, monotonic = self._account, self._clock.now(), self._clock.monotonic()
        looked_at, seen = dict(self._looked_at), dict(self._seen)
        scene = Scene(
            now=now,
            trading_day=account.hours.trading_day(),
            ready=account.ready and not account.placing_calls.wait_s(),
            practice=account.traits.always_open,
            rested=lambda order_id: order_id not in looked_at or monotonic - looked_at[order_id] >= AGAIN_S,
            aged=lambda order_id: seen[order_id].aged(now, monotonic) if order_id in seen else now,
        )
        idle, fresh = set[int](), set[int]()

        def choose(orders: Sequence[OrderRow], around: Around) -> Sequence[OrderRow]:
            idle.update(order.order_id for order in orders)
            if scene.ready:
                fresh.update(o.order_id for o in orders if not o.waiting and scene.aged(o.order_id) <= o.deadline)
            return turns(orders, around, scene, _CHUNKS * account.traits.width)

        turnovers = {name for name, own in self._own.items() if own.turnover is not None}
        asked = Question(
            account=account.name,
            day=scene.trading_day,
            now=now,
            settle=timedelta(seconds=account.traits.settle_s),
            turnover=bool(self._layers.account(account.name).max_daily_turnover),
            counted={name for name, own in self._own.items() if own.orders is not None} | turnovers,
            turnovers=turnovers,
            capped={name for name, own in self._own.items() if own.capital is not None},
            owed=partial(owed, settings=self._settings),
            catching={name for name, s in self._settings.strategies.items() if len(s.catch_up) > 1},
        )
        papers = await self._ledger.read(lambda tx: read_papers(tx, asked, choose), urgent=True)
        self._queued |= fresh - {each.order.order_id for each in papers}
        self._forget(idle)
        self._idle = len(idle)
        return papers

    def _forget(self, idle: set[int]) -> None:
        for gone in self._looked_at.keys() - idle:
            del self._looked_at[gone]
        for gone in self._seen.keys() - idle:
            del self._seen[gone]
        self._admitted &= idle
        self._queued &= idle

    async def _observe(self, exchange: PracticeExchange, papers: Sequence[Papers]) -> Told | None:
        """Tells the exchange the day and the strategies' fill prices; what it says then, if it answers."""
        fills = []
        for each in papers:
            security, _ = security_of(each.order.security)
            if security is not None and not each.attempts:
                fills.append((security.symbol, each.order.terms.reference, each.order.day))
        try:
            return Told.now(await self._account.observe(exchange, fills, _symbols(papers)), self._clock)
        except BrokerError as error:
            log.warning("practice_not_told", account=self._account.name, error=str(error))
            return None

    def _known(self, papers: Papers, facts: AccountFacts) -> Known:
        order, now = papers.order, self._clock.now()
        strategy, risk = self._settings.strategies.get(order.strategy), self._layers.risk(order.account, order.strategy)
        seen = self._seen.setdefault(order.order_id, _Seen(at=now, monotonic=self._clock.monotonic()))
        return Known(
            papers=papers,
            account=facts,
            now=now,
            aged=seen.aged(now, self._clock.monotonic()),
            seen=seen.at,
            admitted=order.order_id in self._admitted or order.order_id in self._queued,
            turn_in_s=self._account.turn_in_s(risk.orders_per_second),
            execution=self._layers.execution(order.strategy),
            risk=risk,
            own=self._own.get(order.strategy, NO_LIMITS),
            followed=strategy is not None,
            backtest_allowed=strategy is not None and strategy.backtest == "paper",
        )

    def _account_facts(self) -> AccountFacts:
        account = self._account
        wait_s, hung = account.placing_calls.wait_s(), account.placing_calls.hung
        hangs = account.ready and wait_s > 0
        return AccountFacts(
            name=account.name,
            real=account.traits.real,
            ready=account.ready and not hangs,
            why_zh=f"连续 {hung} 次下单没有回音，{wait_s:.0f} 秒后再试" if hangs else account.why_zh,
            why_en=f"{hung} placing calls without an answer, next in {wait_s:.0f} s" if hangs else account.why_en,
            trading_day=account.hours.trading_day(),
            open_day=account.hours.open_day(),
            is_trading_day=account.hours.is_trading_day(),
            phase=account.hours.phase(),
        )

    # -- what is decided ---------------------------------------------------------------------------------------------

    async def _decide_without_market(self, papers: Sequence[Papers]) -> list[Known]:
        """Writes what needs no question to the broker; gives the others."""
        facts = self._account_facts()
        asking: list[Known] = []
        steps: list[tuple[Known, Step]] = []
        for each in papers:
            known = self._known(each, facts)
            step = await self._judged(known, before_market)
            self._queued.discard(each.order.order_id)
            if step is None:
                self._admitted.add(each.order.order_id)
                asking.append(known)
            else:
                steps.append((known, step))
        await self._write(steps)
        return asking

    async def _work_with_market(self, asking: Sequence[Known], told: Told | None, began: float) -> None:
        """Judges one order after the other on what is left, and hands over as many at a time as may go side by side."""
        answers, asked = await self._ask([known.papers for known in asking], told), self._clock.monotonic()
        waiting = list(asking)
        while waiting:
            chunk: list[Place] = []
            others: list[tuple[Known, Step]] = []
            room = await self._account.room(self._layers.account(self._account.name).orders_per_second)
            facts = self._account_facts()
            while waiting and len(chunk) < room:
                known = replace(waiting.pop(0), account=facts, now=self._clock.now())
                step = await self._judged(known, lambda known: self._with_market(answers.add_to(known)))
                if isinstance(step, Place):
                    answers.left.take(step)
                    chunk.append(step)
                elif step is not None:
                    others.append((known, step))
            await self._write(others)
            await self._place(chunk)
            now = self._clock.monotonic()
            if (self._account.arrived and now - began > LONG_S) or now - asked > ANSWERS_HOLD_S:
                for known in waiting:  # they go on in the next round
                    self._looked_at.pop(known.order.order_id, None)
                return

    def _with_market(self, known: Known) -> Step:
        sized = volume_of(known)
        self._stages.mark(known.order.order_id, Stage.SIZED)
        step = with_market(known, sized)
        self._stages.mark(known.order.order_id, Stage.JUDGED)
        return step

    async def _judged(self, known: Known, judge: Callable[[Known], Step | None]) -> Step | None:
        """The order's step; the order that the program itself fails on ends, and stops no other."""
        try:
            return judge(known)
        except Exception as error:  # noqa: BLE001  # one order's trouble must not stop the account
            await self._give_up(known.order, error)
            return Stay()

    async def _ask(self, papers: Sequence[Papers], told: Told | None = None) -> "Answers":
        """One set of questions: money, positions, and one quote a code; `told`: what was asked ahead."""
        symbols = _symbols(papers)
        try:
            if told is None or not told.markets.keys() >= set(symbols):
                told = await ask(self._account, symbols, self._clock)
        except BrokerError as error:
            return Answers(why=str(error))
        for symbol, market in told.markets.items():
            if isinstance(market, SymbolMarket) and market.instrument is not None and market.instrument.name:
                self._names.securities[symbol] = market.instrument.name
        means = self._purse.look(told.asset, told.positions, papers[0].moves, self._clock.now())
        left = Left(asset=told.asset, positions={p.symbol: p for p in told.positions}, means=means)
        return Answers(left=left, markets=told.markets)

    async def _failed(self, order: OrderRow, error: Exception) -> None:
        """What could not be written about an order: raised when it may pass, else the order ends."""
        if may_pass(error):
            raise error
        await self._give_up(order, error)

    async def _give_up(self, order: OrderRow, error: Exception) -> None:
        """An order that the program itself fails on ends with a reason; an attempt under way keeps it open."""
        self.failures += 1
        log.error("order_failed", order_id=order.order_id, account=order.account, exc_info=error)

        def write(tx: Tx) -> None:
            row = tx.orders.get(order.order_id)
            live = {a.order_id for a in tx.attempts.live(order.account)}
            if row is not None and row.state in ORDER_OPEN and row.order_id not in live:
                figures = {"error": type(error).__name__}
                end_order(tx, row, Refusal(reason=Reason.INTERNAL_ERROR, figures=figures), self._entries.moment())

        try:
            await self._ledger.write(write)
        except LedgerError:
            raise
        except Exception:
            log.exception("order_not_given_up", order_id=order.order_id)

    # -- what is done ------------------------------------------------------------------------------------------------

    async def _place(self, chunk: Sequence[Place]) -> None:
        for _ in chunk:
            self._account.placed_now()
        outcomes = await self._desk.place(
            self._account, [partial(self._entries.intend, place=place) for place in chunk]
        )
        for place, outcome in zip(chunk, outcomes, strict=True):
            self._placed += isinstance(outcome, AttemptRow)
            if isinstance(outcome, TakenBackError):
                self._looked_at.pop(place.papers.order.order_id, None)
            elif isinstance(outcome, Exception):
                await self._failed(place.papers.order, outcome)

    async def _write(self, steps: Sequence[tuple[Known, Step]]) -> None:
        """Writes what is not placed, in one commit."""
        writes: list[tuple[OrderRow, Callable[[Tx], None]]] = []
        for known, step in steps:
            order = known.order
            match step:
                case Wait():
                    self._stages.waits(order.order_id)
                    self._make_way(known.papers, step)
                    if not step.goes_on(order.waiting):
                        writes.append((order, partial(self._entries.wait, papers=known.papers, step=step)))
                case Refuse():
                    writes.append((order, partial(self._entries.refuse, papers=known.papers, step=step)))
                case End():
                    writes.append((order, partial(self._entries.end, papers=known.papers, step=step)))
                case _:
                    pass
        outcomes = await self._ledger.write_all([write for _, write in writes])
        for (order, _), outcome in zip(writes, outcomes, strict=True):
            if isinstance(outcome, Exception):
                await self._failed(order, outcome)
        if writes:
            self._desk.tell_people()

    def _make_way(self, papers: Papers, step: Wait) -> None:
        """What an order waits for is cancelled: what it would trade with, and earlier buys of a book to be sold out."""
        if step.crosses is not None:
            self._wishes.cancel_attempt_soon(step.crosses)
        if step.what is not WaitingFor.OPPOSITE or not papers.order.closes:
            return
        for order in papers.others.buys_before:
            if order.cancel_reason is None:
                self._wishes.cancel_soon(order.order_id, Reason.CLOSED_OUT)


def _symbols(papers: Sequence[Papers]) -> list[str]:
    """Each once, in the orders' order."""
    return list(dict.fromkeys(each.order.security for each in papers))
