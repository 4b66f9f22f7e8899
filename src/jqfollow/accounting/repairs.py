"""Closing a strategy's drift at a person's word: the plan that was looked at is the plan that is carried out.

A confirmed plan is one transaction: shares that somebody else sold leave the books, and its orders stand as signals of
their own kind, which go the way of every other. A message id that names the plan makes it happen once.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import orjson
import structlog

from jqfollow.accounting.plan import Item, Plan, ReportAge, Scene, Word, make_plan
from jqfollow.clock import SHANGHAI, Clock
from jqfollow.domain import (
    REPAIR_RUN,
    BrokerError,
    FollowMode,
    ManualOrderError,
    Side,
    SignalKind,
    SignalState,
    StrategyOrder,
    Wire,
)
from jqfollow.drift.causes import Drift
from jqfollow.drift.reading import Picture, drifts
from jqfollow.execution.accounts import Account, SymbolMarket
from jqfollow.execution.acts import Step
from jqfollow.execution.pricing import market_price
from jqfollow.execution.rounds import Rounds
from jqfollow.execution.volume import security_of
from jqfollow.ledger.ledger import Ledger
from jqfollow.ledger.rows import BookingKind, NewBooking, NewOrder, NewSignal, OrderRow, Terms
from jqfollow.ledger.tx import Tx
from jqfollow.market.securities import UnknownSecurityError, parse_security
from jqfollow.market.settlement import settles_same_day
from jqfollow.meant import STRATEGY, no_such
from jqfollow.settings import Layers, Settings

log = structlog.get_logger(__name__)

_REMEMBERED = 32
_SOLD_ELSEWHERE = "sold at the broker by somebody else"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A plan, and what every rule says of its orders as things stand."""

    plan: Plan
    scenes: Mapping[str, Scene]
    steps: Mapping[tuple[str, str], Step | None]
    """By account and security."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a plan was asked for."""

    strategy: str
    accounts: tuple[str, ...]
    security: str | None
    words: frozenset[Word]
    made_at: datetime
    prices: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    """Of the plan's items, as it was made."""


class Repairs:
    """Makes plans, keeps them for a minute, and carries out the one that a person names."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        accounts: Mapping[str, Account],
        rounds: Mapping[str, Rounds],
        settings: Settings,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        """`wake` is called when there are new orders."""
        self._ledger = ledger
        self._accounts = accounts
        self._rounds = rounds
        self._settings = settings
        self._layers = Layers(settings)
        self._clock = clock
        self._wake = wake
        self._plans: OrderedDict[str, _Asked] = OrderedDict()

    async def propose(
        self, strategy: str, *, account: str | None = None, security: str | None = None, words: Collection[Word] = ()
    ) -> Proposal:
        """The plan as things stand; it can be carried out for a minute.

        Raises:
            ManualOrderError: there is no such strategy, account or security.
            LedgerError: the ledger cannot be read.
        """
        asked = _Asked(
            strategy=strategy,
            accounts=self._named(strategy, account),
            security=_symbol(security),
            words=frozenset(words),
            made_at=self._clock.now(),
        )
        scenes = await self._look(asked, prices=True)
        plan, scenes = await self._ledger.read(lambda tx: self._plan(tx, asked, scenes))
        steps: dict[tuple[str, str], Step | None] = {}
        for name in dict.fromkeys(item.account for item in plan.items):
            rehearsed = await self._rounds[name].rehearse(partial(self._write_orders, plan=plan, only=name))
            steps |= {(row.account, row.security): step for row, step in rehearsed if row.part == 1}
        prices = {(item.account, item.security): item.price for item in plan.items}
        self._plans[plan.key] = replace(asked, prices=prices)
        while len(self._plans) > _REMEMBERED:
            self._plans.popitem(last=False)
        return Proposal(plan=plan, scenes=scenes, steps=steps)

    async def carry_out(self, strategy: str, key: str, *, who: str) -> Sequence[OrderRow]:
        """Carries out the plan that a person looked at, once; gives its orders, those of the first time if repeated.

        Raises:
            ManualOrderError: no such plan, one that is too old, or anything that it was made of has changed.
            LedgerError: nothing of it stands.
        """
        done = await self._ledger.read(lambda tx: _orders_of(tx, strategy, key))
        if done:
            return done
        asked = self._plans.get(key)
        if asked is None or asked.strategy != strategy:
            raise ManualOrderError(
                f"没有计划 {key}，或已过期：请重新查看后再确认", f"no plan {key}, or too old: look at it anew"
            )
        scenes = await self._look(asked, prices=False)
        orders = await self._ledger.write(lambda tx: self._carry_out(tx, asked, key, scenes, who))
        self._plans.pop(key, None)
        log.info("repair", strategy=strategy, plan=key, orders=len(orders), who=who)
        self._wake()
        return orders

    def _carry_out(self, tx: Tx, asked: _Asked, key: str, scenes: Mapping[str, Scene], who: str) -> Sequence[OrderRow]:
        done = _orders_of(tx, asked.strategy, key)  # another confirmation was faster
        if done:
            return done
        plan, _ = self._plan(tx, asked, scenes)
        if plan.is_over(self._clock.now()):
            raise ManualOrderError(
                f"计划 {key} 已超过一分钟：请重新查看后再确认", f"plan {key} is over a minute old: look at it anew"
            )
        if plan.key != key:
            raise ManualOrderError(
                f"计划 {key} 之后持仓、报告或账户有变化：请重新查看后再确认",
                f"books, report or account have changed since plan {key}: look at it anew",
            )
        off = [(item.account, item.security, item.off_book) for item in plan.items if item.off_book]
        off += [(kept.account, kept.security, kept.off_book) for kept in plan.kept if kept.off_book]
        bookings = [self._off_book(tx, plan.strategy, *each, who=who) for each in off]
        if bookings:
            tx.bookings.add(bookings, self._clock.now())
        self._write_orders(tx, plan=plan)
        return _orders_of(tx, plan.strategy, key)

    # -- what is known -----------------------------------------------------------------------------------------------

    def _named(self, strategy: str, account: str | None) -> tuple[str, ...]:
        known = self._settings.strategies.get(strategy)
        if known is None:
            raise ManualOrderError(*no_such(STRATEGY, strategy, self._settings.strategies))
        if account is not None and account not in known.follow:
            raise ManualOrderError(
                f"账户 {account} 没有跟策略 {strategy}", f"account {account} does not follow strategy {strategy}"
            )
        return tuple(name for name in known.follow if account in {None, name})

    async def _look(self, asked: _Asked, *, prices: bool) -> Mapping[str, Scene]:
        """What the brokers say now of everything that the plan is about."""
        rows = await self._ledger.read(lambda tx: drifts(tx, self._settings, strategy=asked.strategy))
        return {name: await self._scene(name, rows, asked, prices=prices) for name in asked.accounts}

    async def _scene(self, name: str, rows: Sequence[Drift], asked: _Asked, *, prices: bool) -> Scene:
        account = self._accounts[name]
        down = Scene(
            account=name, connected=False, why_zh=account.why_zh, why_en=account.why_en, day=account.hours.trading_day()
        )
        if not account.ready:
            return down
        wanted = [
            row.security
            for row in rows
            if row.account == name and (row.drift or row.missing) and asked.security in {None, row.security}
        ]
        try:
            asset, positions, markets = await account.everything(wanted if prices else [])
        except BrokerError as error:
            return replace(down, why_zh=str(error), why_en=str(error))
        told = {symbol: market for symbol, market in markets.items() if isinstance(market, SymbolMarket)}
        quotes = {symbol: market.quote for symbol, market in told.items() if market.quote is not None}
        last = {symbol: market_price(quote, Side.BUY) or quote.prev_close for symbol, quote in quotes.items()}
        return replace(
            down,
            connected=True,
            cash=asset.cash,
            positions={position.symbol: position for position in positions},
            prices={symbol: price for symbol, price in last.items() if price > 0},
        )

    def _plan(self, tx: Tx, asked: _Asked, scenes: Mapping[str, Scene]) -> tuple[Plan, Mapping[str, Scene]]:
        now = self._clock.now()
        pictures = {
            name: Picture(taken_at=now, held={p.symbol: p.volume for p in scene.positions.values()})
            for name, scene in scenes.items()
            if scene.connected
        }
        rows = [
            row
            for row in drifts(tx, self._settings, strategy=asked.strategy, security=asked.security, pictures=pictures)
            if row.account in scenes and (row.drift != 0 or row.missing)
        ]
        scenes = {name: self._filled_in(tx, scene, rows) for name, scene in scenes.items()}
        report = tx.reports.newest(asked.strategy)
        plan = make_plan(
            asked.strategy,
            rows,
            scenes,
            ReportAge(
                made_at=report.made_at if report else None,
                day=(report.day or report.made_at.astimezone(SHANGHAI).date()) if report else None,
                last_order_at=tx.signals.last_order_made(asked.strategy),
            ),
            today=now.astimezone(SHANGHAI).date(),
            words=asked.words,
            made_at=asked.made_at,
            prices=asked.prices,
        )
        return plan, scenes

    @staticmethod
    def _filled_in(tx: Tx, scene: Scene, rows: Sequence[Drift]) -> Scene:
        """With what the ledger says of the account."""
        bought = {
            (row.strategy, row.security): tx.fills.bought_on(scene.account, row.strategy, row.security, scene.day)
            for row in rows
            if row.account == scene.account and not _same_day(row.security)
        }
        return replace(
            scene,
            open_books=frozenset(order.book for order in tx.orders.open(scene.account)),
            unknown=frozenset(attempt.security for attempt in tx.attempts.unknown(scene.account)),
            bought_today=bought,
        )

    # -- what is written ---------------------------------------------------------------------------------------------

    @staticmethod
    def _off_book(tx: Tx, strategy: str, account: str, security: str, shares: int, *, who: str) -> NewBooking:
        book = tx.books.get(account, strategy, security)
        left = book.volume - shares
        cost = (book.cost * left / book.volume).quantize(Decimal("0.0001")) if left > 0 else Decimal(0)
        return NewBooking(
            account=account,
            strategy=strategy,
            security=security,
            kind=BookingKind.HAND,
            shares=-shares,
            cost=cost - book.cost,
            who=who,
            why=_SOLD_ELSEWHERE,
        )

    def _write_orders(self, tx: Tx, plan: Plan, only: str | None = None) -> Collection[int]:
        """The plan's orders, or those of one account, each by a signal of its own; gives their numbers."""
        made: list[int] = []
        for number, item in enumerate(plan.items, start=1):
            if only in {None, item.account}:
                made += self._write_order(tx, plan, number, item)
        return made

    def _write_order(self, tx: Tx, plan: Plan, number: int, item: Item) -> Sequence[int]:
        account, now = self._accounts[item.account], self._clock.now()
        message_id = _message_id(plan.key, number)
        told = StrategyOrder(
            jq_order_id=message_id,
            symbol=item.security,
            side=item.side,
            amount=item.volume,
            filled=0,
            price=None,
            limit=None,
            status="open",
            position_side="long",
            day=account.hours.trading_day(),
            position_after=None,
            total_value=None,
        )
        text = {"kind": "repair", "plan": plan.key, "account": item.account, "security": item.security,
                "side": item.side, "volume": item.volume, "drift": str(item.drift.drift)}  # fmt: skip
        signal = NewSignal(
            strategy=plan.strategy,
            wire=Wire.REPAIR,
            message_id=message_id,
            kind=SignalKind.ORDER,
            run=REPAIR_RUN,
            text=orjson.dumps(text).decode(),
            made_at=now,
            received_at=now,
            order=told,
        )
        signal_id = tx.signals.record(signal).signal_id
        rows = [
            tx.orders.create(
                NewOrder(
                    signal_id=signal_id,
                    account=item.account,
                    strategy=plan.strategy,
                    part=part,
                    day=account.hours.trading_day(),
                    security=item.security,
                    side=item.side,
                    terms=Terms(
                        amount=item.volume,
                        run=REPAIR_RUN,
                        mode=FollowMode.SHARES,
                        figure=Decimal(item.volume),
                        made_at=now,
                        reference=item.price,
                        account_number=account.number,
                    ),
                    deadline=now + timedelta(seconds=self._layers.risk(item.account, plan.strategy).max_signal_age_s),
                    limit_price=None,
                    volume=volume,
                    sized=True,
                ),
                now,
            )
            for part, volume in enumerate(item.parts, start=1)
        ]
        tx.signals.finish(signal_id, SignalState.FOLLOWED, None)
        self._cut_carries(tx, plan.strategy, item)
        return [row.order_id for row in rows]

    @staticmethod
    def _cut_carries(tx: Tx, strategy: str, item: Item) -> None:
        """What the repair makes up for rides on no later signal."""
        book = tx.books.get(item.account, strategy, item.security)
        nothing, left = Decimal(0), item.left
        buy = min(book.carry_buy, max(left, nothing)) if book.carry_buy > 0 else max(book.carry_buy, min(left, nothing))
        sell = min(book.carry_sell, max(-left, nothing))
        tx.books.set_carry(item.account, strategy, item.security, buy=buy, sell=sell)


def _message_id(key: str, number: int) -> str:
    return f"repair-{key}-{number}"


def _orders_of(tx: Tx, strategy: str, key: str) -> list[OrderRow]:
    """The orders of a plan that was carried out."""
    return [row for signal_id in tx.signals.named(strategy, f"repair-{key}-") for row in tx.orders.of_signal(signal_id)]


def _symbol(security: str | None) -> str | None:
    if security is None:
        return None
    try:
        return parse_security(security).symbol
    except UnknownSecurityError as error:
        raise ManualOrderError(f"不能交易的证券 {security}：{error.why_zh}", f"{security}: {error.why_en}") from error


def _same_day(symbol: str) -> bool:
    security, _ = security_of(symbol)
    return security is not None and settles_same_day(security)
