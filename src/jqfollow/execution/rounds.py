"""A lane works in rounds, in which each order is judged on what those before it leave.

One read of what is due, and one set of questions to the broker, are shared by all of it.

    read ──▶ what needs no market is decided ──▶ ask once ──▶ judge, `width` at a time ──▶ write, hand over ──▶ …
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial

import structlog

from jqfollow.clock import Clock
from jqfollow.domain import ORDER_OPEN, Asset, BrokerError, Position, Side, WaitingFor
from jqfollow.execution.accounts import Account, SymbolMarket
from jqfollow.execution.desk import Desk, TakenBackError
from jqfollow.execution.papers import Papers, read_papers
from jqfollow.execution.step import (
    AccountFacts,
    End,
    Known,
    Market,
    Place,
    Refuse,
    Stay,
    Step,
    Wait,
    before_market,
    carries,
    security_of,
    with_market,
)
from jqfollow.execution.transitions import Moment, Names, carry_odd_rest, end_order, may_go_out
from jqfollow.execution.turns import Scene, turns
from jqfollow.execution.wishes import Wishes
from jqfollow.ledger.errors import LedgerError
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import AttemptRow, NewAttempt, NewOrder, OrderRow
from jqfollow.ledger.tx import Tx
from jqfollow.notify import messages
from jqfollow.notify.kinds import Kind
from jqfollow.reasons import Reason, Refusal
from jqfollow.risk.gate import Decision
from jqfollow.settings import Settings

log = structlog.get_logger(__name__)

AGAIN_S = 1.0
"""How often an order that waits is looked at again."""
LONG_S = 0.1
"""A round that lasts longer than this ends when something new comes, which may go first."""
_CHUNKS = 4
"""A round takes at most so many times the account's width."""
_NOTHING = Asset(cash=Decimal(0), frozen=Decimal(0), market_value=Decimal(0), total=Decimal(0))
_SIZING = frozenset({Reason.BELOW_LOT, Reason.NOTHING_TO_SELL, Reason.NOT_SELLABLE_TODAY})


@dataclass(slots=True, kw_only=True)
class Left:
    """What the orders of a round leave to those after them. Debits count at once; credits never do."""

    asset: Asset
    positions: Mapping[str, Position]
    sold: dict[str, int] = field(default_factory=dict)
    buying: dict[str, Decimal] = field(default_factory=dict)
    spent: Decimal = Decimal(0)
    attempts: int = 0
    turnover: Decimal = Decimal(0)

    def market(self, symbol: str, told: SymbolMarket) -> Market:
        """What an order of `symbol` finds."""
        held = self.positions.get(symbol)
        return Market(
            quote=told.quote,
            instrument=told.instrument,
            asset=replace(self.asset, cash=self.asset.cash - self.spent),
            held=held.volume if held else 0,
            available=(held.available if held else 0) - self.sold.get(symbol, 0),
            buying=self.buying.get(symbol, Decimal(0)),
            attempts=self.attempts,
            turnover=self.turnover,
        )

    def take(self, place: Place) -> None:
        """What `place` takes of it."""
        order, value = place.papers.order, place.volume * place.price
        if order.side is Side.SELL:
            self.sold[order.security] = self.sold.get(order.security, 0) + place.volume
        else:
            self.spent += place.cost
            self.buying[order.security] = self.buying.get(order.security, Decimal(0)) + value
        self.attempts += 1
        self.turnover += value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answers:
    """What the broker answered to a round's questions; `why` it did not."""

    left: Left = field(default_factory=lambda: Left(asset=_NOTHING, positions={}))
    markets: Mapping[str, SymbolMarket | Exception] = field(default_factory=dict)
    why: str = ""

    def add_to(self, known: Known) -> Known:
        """What is known of an order, its market included; raises what an adapter's mistake raised about its code."""
        if self.why:
            return replace(known, why=self.why)
        told = self.markets.get(known.order.security)
        match told:
            case SymbolMarket():
                return replace(known, market=self.left.market(known.order.security, told))
            case BrokerError():
                return replace(known, why=str(told))
            case Exception():
                raise told
            case _:
                return known


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """When an order was first looked at in this run."""

    at: datetime
    monotonic: float

    def aged(self, now: datetime, monotonic: float) -> datetime:
        """The greater of both clocks since then."""
        return max(now, self.at + timedelta(seconds=monotonic - self.monotonic))


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
    ) -> None:
        self._account = account
        self._ledger = ledger
        self._desk = desk
        self._wishes = wishes
        self._settings = settings
        self._clock = clock
        self._names = names
        self._looked_at: dict[int, float] = {}
        self._seen: dict[int, _Seen] = {}
        self._admitted: set[int] = set()
        """Found fresh; since then only this queue kept them."""
        self.failures = 0

    async def work(self) -> bool:
        """One round; `False`: nothing was due.

        Raises:
            LedgerError: it cannot be read or written now.
        """
        account = self._account
        if not account.ready:
            self._admitted.clear()
        began = self._clock.monotonic()
        account.wake.clear()
        account.arrived = False
        papers = await self._read()
        while papers and await self._observe(papers):
            papers = await self._read()  # what was bought before is not of today any more, and more may have come
        if not papers:
            return False
        for each in papers:
            self._looked_at[each.order.order_id] = began
        asking = await self._decide_without_market(papers)
        if asking:
            await self._work_with_market(asking, began)
        await self._desk.written(account)
        return True

    # -- what is known -----------------------------------------------------------------------------------------------

    async def _read(self) -> list[Papers]:
        account, now, monotonic = self._account, self._clock.now(), self._clock.monotonic()
        looked_at, seen = dict(self._looked_at), dict(self._seen)
        scene = Scene(
            now=now,
            trading_day=account.trading_day(),
            ready=account.ready,
            practice=account.traits.always_open,
            rested=lambda order_id: order_id not in looked_at or monotonic - looked_at[order_id] >= AGAIN_S,
            aged=lambda order_id: seen[order_id].aged(now, monotonic) if order_id in seen else now,
        )
        idle: set[int] = set()

        def choose(
            orders: Sequence[OrderRow], unknown: Collection[tuple[str, Side]], oldest: date | None
        ) -> Sequence[OrderRow]:
            idle.update(order.order_id for order in orders)
            return turns(orders, unknown, oldest, scene, _CHUNKS * account.traits.width)

        turnover = bool(self._settings.risk.max_daily_turnover)
        papers = await self._ledger.read(
            lambda tx: read_papers(tx, account.name, scene.trading_day, choose, turnover=turnover)
        )
        self._forget(idle)
        return papers

    def _forget(self, idle: set[int]) -> None:
        for gone in self._looked_at.keys() - idle:
            del self._looked_at[gone]
        for gone in self._seen.keys() - idle:
            del self._seen[gone]
        self._admitted &= idle

    async def _observe(self, papers: Sequence[Papers]) -> bool:
        """Tells a practice exchange the day and the strategies' fill prices; whether that began a new day there."""
        if not self._account.ready:
            return False
        told = []
        for each in papers:
            security, _ = security_of(each.order.security)
            if security is not None and not each.attempts:
                told.append((security.symbol, each.order.terms.reference, each.order.day))
        try:
            return await self._account.observe(told)
        except BrokerError as error:
            log.warning("practice_not_told", account=self._account.name, error=str(error))
            return False

    def _known(self, papers: Papers, facts: AccountFacts) -> Known:
        order, settings, now = papers.order, self._settings, self._clock.now()
        strategy = settings.strategies.get(order.strategy)
        return Known(
            papers=papers,
            account=facts,
            now=now,
            aged=self._aged(order, now),
            admitted=order.order_id in self._admitted,
            turn_in_s=self._account.turn_in_s(settings.risk.orders_per_second),
            execution=settings.execution,
            risk=settings.risk,
            followed=strategy is not None,
            backtest_allowed=strategy is not None and strategy.backtest == "paper",
        )

    def _aged(self, order: OrderRow, now: datetime) -> datetime:
        """The moment that counts for the order's deadline: the greater of both clocks since it was first seen."""
        monotonic = self._clock.monotonic()
        return self._seen.setdefault(order.order_id, _Seen(at=now, monotonic=monotonic)).aged(now, monotonic)

    def _account_facts(self) -> AccountFacts:
        account = self._account
        return AccountFacts(
            name=account.name,
            real=account.traits.real,
            ready=account.ready,
            why_zh=account.why_zh,
            why_en=account.why_en,
            trading_day=account.trading_day(),
            open_day=account.open_day(),
            is_trading_day=account.is_trading_day(),
            phase=account.phase(),
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
            if step is None:
                self._admitted.add(each.order.order_id)
                asking.append(known)
            else:
                steps.append((known, step))
        await self._write(steps)
        return asking

    async def _work_with_market(self, asking: Sequence[Known], began: float) -> None:
        """Judges one order after the other on what is left, and hands over as many at a time as may go side by side."""
        answers = await self._ask([known.order.security for known in asking])
        facts, waiting = self._account_facts(), list(asking)
        while waiting:
            chunk: list[Place] = []
            others: list[tuple[Known, Step]] = []
            room = await self._account.room(self._settings.risk.orders_per_second)
            while waiting and len(chunk) < room:
                known = replace(waiting.pop(0), account=facts, now=self._clock.now())
                step = await self._judged(known, lambda known: with_market(answers.add_to(known)))
                if isinstance(step, Place):
                    answers.left.take(step)
                    chunk.append(step)
                elif step is not None:
                    others.append((known, step))
            await self._write(others)
            await self._place(chunk)
            if self._account.arrived and self._clock.monotonic() - began > LONG_S:
                for known in waiting:  # they go on in the next round
                    self._looked_at.pop(known.order.order_id, None)
                return

    async def _judged(self, known: Known, judge: Callable[[Known], Step | None]) -> Step | None:
        """The order's step; the order that the program itself fails on ends, and stops no other."""
        try:
            return judge(known)
        except Exception as error:  # noqa: BLE001  # one order's trouble must not stop the account
            await self._give_up(known.order, error)
            return Stay()

    async def _ask(self, symbols: Sequence[str]) -> "_Answers":
        """One set of questions: money, positions, and one quote a code."""
        try:
            asset, positions, markets = await self._account.everything(symbols)
        except BrokerError as error:
            return _Answers(why=str(error))
        for symbol, told in markets.items():
            if isinstance(told, SymbolMarket) and told.instrument is not None and told.instrument.name:
                self._names.securities[symbol] = told.instrument.name
        return _Answers(left=Left(asset=asset, positions={p.symbol: p for p in positions}), markets=markets)

    async def _give_up(self, order: OrderRow, error: Exception) -> None:
        """An order that the program itself fails on ends with a reason; an attempt under way keeps it open."""
        self.failures += 1
        log.error("order_failed", order_id=order.order_id, account=order.account, exc_info=error)

        def write(tx: Tx) -> None:
            row = tx.orders.get(order.order_id)
            live = {a.order_id for a in tx.attempts.live(order.account)}
            if row is not None and row.state in ORDER_OPEN and row.order_id not in live:
                figures = {"error": type(error).__name__}
                end_order(tx, row, Refusal(reason=Reason.INTERNAL_ERROR, figures=figures), self._moment())

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
        outcomes = await self._desk.place(self._account, [partial(self._intend, place=place) for place in chunk])
        for place, outcome in zip(chunk, outcomes, strict=True):
            if isinstance(outcome, TakenBackError):
                self._looked_at.pop(place.papers.order.order_id, None)
            elif isinstance(outcome, Exception):
                await self._give_up(place.papers.order, outcome)

    def _intend(self, tx: Tx, place: Place) -> AttemptRow:
        """Everything that belongs to an intent, in one transaction; raises `TakenBackError`."""
        papers, account, now = place.papers, self._account, self._clock.now()
        order = papers.order
        if not may_go_out(tx, order):
            raise TakenBackError
        if order.waiting is not None:
            order = tx.orders.wait(order, now, None)
        if place.sized is not None:
            self._write_size(tx, papers, order, place)
        number = 1 + max((a.number for a in papers.attempts), default=0)
        self._note(tx, papers, "place", place.decision, None)
        return tx.attempts.create(
            NewAttempt(
                order_id=order.order_id,
                number=number,
                account=order.account,
                day=account.trading_day(),
                security=order.security,
                side=order.side,
                volume=place.volume,
                price=place.price,
            ),
            now,
        )

    def _write_size(self, tx: Tx, papers: Papers, order: OrderRow, place: Place) -> None:
        """The order's volume, its further parts, and what is carried on."""
        sized, now = place.sized, self._clock.now()
        if sized is None:
            return
        tx.orders.update(order.order_id, now, volume=sized.parts[0], sized=True)
        for number, volume in enumerate(sized.parts[1:], start=2):
            tx.orders.create(
                NewOrder(
                    signal_id=order.signal_id,
                    account=order.account,
                    strategy=order.strategy,
                    part=number,
                    day=order.day,
                    security=order.security,
                    side=order.side,
                    terms=order.terms,
                    deadline=order.deadline,
                    limit_price=order.limit_price,
                    closes=order.closes,
                    volume=volume,
                    sized=True,
                ),
                now,
            )
        left = papers.book.volume - papers.others.bought_later - papers.others.selling - sized.volume
        if order.closes and left > 0:
            self._tell_left(tx, order, sized.volume, left)
        tx.books.set_carry(order.account, order.strategy, order.security, buy=sized.carry_buy, sell=sized.carry_sell)

    def _tell_left(self, tx: Tx, order: OrderRow, volume: int, left: int) -> None:
        text = messages.alert(
            f"策略 {self._names.title(order.strategy)} 已清仓 {order.security}，账户 {order.account} 现在只能卖 "
            f"{volume}，还剩 {left} 不能卖（T+1、已冻结或零股），之后不会自动再卖，请留意"
        )
        tx.outbox.put(Kind.ALERT, text, self._clock.now(), unique_key=f"left-{order.order_id}")

    async def _write(self, steps: Sequence[tuple[Known, Step]]) -> None:
        """Writes what is not placed, in one commit."""
        writes: list[tuple[OrderRow, Callable[[Tx], None]]] = []
        for known, step in steps:
            order = known.order
            match step:
                case Wait():
                    if step.what is WaitingFor.OPPOSITE and order.closes:
                        self._cancel_opposite(known.papers)
                    if not step.goes_on(order.waiting):
                        writes.append((order, partial(self._write_wait, papers=known.papers, wait=step)))
                case Refuse():
                    writes.append((order, partial(self._write_refusal, papers=known.papers, refuse=step)))
                case End():
                    writes.append((order, partial(self._write_end, papers=known.papers, end=step)))
                case _:
                    pass
        outcomes = await self._ledger.write_all([write for _, write in writes])
        for (order, _), outcome in zip(writes, outcomes, strict=True):
            if isinstance(outcome, Exception):
                await self._give_up(order, outcome)
        if writes:
            self._desk.tell_people()

    def _write_wait(self, tx: Tx, papers: Papers, wait: Wait) -> None:
        """That the order waits, once for each thing that it waits for."""
        order, now = papers.order, self._clock.now()
        if not may_go_out(tx, order):
            return
        self._note(tx, papers, "wait", wait.decision, wait.decision.refusal)
        row = tx.orders.wait(order, now, wait.what, wait.until)
        if wait.what is WaitingFor.SESSION:
            title, name = self._names.title(order.strategy), self._names.securities.get(order.security)
            text = messages.order_waiting(row, title=title, name=name)
            tx.outbox.put(Kind.ORDER_WAITING, text, now, unique_key=f"waiting-{order.order_id}-{wait.until}")

    def _write_refusal(self, tx: Tx, papers: Papers, refuse: Refuse) -> None:
        order, sized = papers.order, refuse.sized
        self._note(tx, papers, "refuse", refuse.decision, refuse.refusal)
        if refuse.refusal.reason in _SIZING and sized is not None:
            if order.sized and carries(order):
                carry_odd_rest(tx, order)
            elif not order.sized:
                tx.books.set_carry(*_book(order), buy=sized.carry_buy, sell=sized.carry_sell)
        end_order(tx, order, refuse.refusal, self._moment())

    def _write_end(self, tx: Tx, papers: Papers, end: End) -> None:
        order = papers.order
        if end.missing_fills:
            reported = sum(attempt.reported for attempt in papers.attempts)
            text = messages.alert(
                f"订单 #{order.order_id}（{order.account} {order.security}）券商报告成交 {reported}，成交明细只有 "
                f"{order.filled}，当日已结束。账本少记了这部分，请在交易终端核对"
            )
            tx.outbox.put(Kind.ALERT, text, self._clock.now(), unique_key=f"missing-fills-{order.order_id}")
        end_order(tx, order, end.refusal, self._moment())

    def _note(self, tx: Tx, papers: Papers, outcome: str, decision: Decision, refusal: Refusal | None) -> None:
        tx.decisions.add(
            papers.order.order_id,
            len(papers.attempts) + 1,
            self._clock.now(),
            outcome,
            refusal.reason if refusal else None,
            [verdict.as_json() for verdict in decision.verdicts],
        )

    def _cancel_opposite(self, papers: Papers) -> None:
        """Earlier buys of a book that is to be sold out are ended first."""
        for order in papers.others.buys_before:
            if order.cancel_reason is None:
                self._wishes.cancel_soon(order.order_id, Reason.CANCELED_BY_STRATEGY)

    def _moment(self) -> Moment:
        return self._desk.moment(self._account)


def _book(order: OrderRow) -> tuple[str, str, str]:
    return order.account, order.strategy, order.security
