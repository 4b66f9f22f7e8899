"""What is known when an order is to be brought forward: the ledger's papers, the market, the facts for the rules."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from jqfollow.clock import Clock
from jqfollow.domain import (
    Asset,
    AttemptState,
    BrokerError,
    Instrument,
    Position,
    Quote,
    Side,
    WaitingFor,
    Wire,
)
from jqfollow.execution.accounts import Account
from jqfollow.execution.pricing import Priced, PriceRequest, at_limit, attempt_price, market_price
from jqfollow.execution.sizing import Intent, Sized, size
from jqfollow.execution.transitions import Names
from jqfollow.ledger.rows import AttemptRow, BookRow, DayCounts, OrderRow, SignalRow
from jqfollow.ledger.tx import Tx
from jqfollow.market.fees import fee
from jqfollow.market.lots import LotRule, buyable, lot_rule, sellable
from jqfollow.market.securities import Security, UnknownSecurityError, parse_security
from jqfollow.market.settlement import settles_same_day
from jqfollow.reasons import Reason, Refusal
from jqfollow.risk.facts import DayFacts, Facts
from jqfollow.settings import Follow, FollowMode, Settings
from jqfollow.wire.messages import LIVE_RUN

_MANY = 1000
OPPOSITE_WAIT = timedelta(seconds=10)
"""So long a sell waits for the earlier buys of its book to end."""
_AGELESS = frozenset({WaitingFor.SESSION, WaitingFor.CASH, WaitingFor.OPPOSITE, WaitingFor.UNKNOWN, WaitingFor.ODD_LOT})
"""While an order waits for these, by a person's choice or a rule's, its signal does not grow stale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """What the ledger says that matters to one order."""

    order: OrderRow
    signal: SignalRow
    attempts: tuple[AttemptRow, ...]
    parts: tuple[OrderRow, ...]
    """All parts of the same signal in the same account."""
    book: BookRow
    selling: int
    """How much of the book earlier orders are selling."""
    bought_today: int
    bought_later: int
    """How much of it later orders bought: not this order's to sell."""
    others_hold: bool
    """Other strategies hold the same security in the account."""
    opposite: tuple[OrderRow, ...]
    """Earlier open buys of the book, none of them unknown."""
    unknown: str | None
    """The remark of an attempt of the same account, code and side whose outcome nobody knows."""
    sells_under_way: bool
    buying_value: Decimal
    """Of live buys of the same code in the account, yuan."""
    day: DayCounts
    paused: str | None

    @property
    def left(self) -> int:
        """What is not filled yet, by the greater account."""
        return self.order.volume - sum(attempt.done for attempt in self.attempts)

    @property
    def reached(self) -> bool:
        """Whether anything of it ever was at the broker."""
        return any(attempt.broker_order_id is not None for attempt in self.attempts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What the broker says now."""

    quote: Quote | None
    instrument: Instrument | None
    asset: Asset
    position: Position | None


class Briefing:
    """Collects facts; changes nothing."""

    def __init__(self, *, settings: Settings, clock: Clock, names: Names) -> None:
        self._settings = settings
        self._clock = clock
        self._names = names

    def papers(self, tx: Tx, account: Account, order_id: int) -> Papers:
        """What the ledger says of an order; raises `LookupError` when there is none."""
        order = tx.orders.get(order_id)
        signal = tx.signals.get(order.signal_id) if order else None
        if order is None or signal is None:
            raise LookupError(f"no order {order_id}")
        of_book = [o for o in tx.orders.open_of_book(order.account, order.strategy, order.security) if o != order]
        live = tx.attempts.live(order.account)
        unknown_orders = {a.order_id for a in live if a.state is AttemptState.UNKNOWN}
        mine = [o for o in tx.orders.open(order.account) if o.strategy == order.strategy]
        return Papers(
            order=order,
            signal=signal,
            attempts=tuple(tx.attempts.of_order(order_id)),
            parts=tuple(o for o in tx.orders.of_signal(order.signal_id) if o.account == order.account),
            book=tx.books.get(order.account, order.strategy, order.security),
            selling=sum(o.volume - o.filled for o in of_book if o.side is Side.SELL and o.sized),
            bought_today=tx.fills.bought_on(order.account, order.strategy, order.security, account.trading_day()),
            bought_later=sum(
                o.filled
                for o in tx.orders.list(
                    account=order.account, strategy=order.strategy, security=order.security, limit=_MANY
                )
                if o.order_id > order_id and o.side is Side.BUY
            ),
            others_hold=any(
                book.security == order.security and book.strategy != order.strategy
                for book in tx.books.list(account=order.account)
            ),
            opposite=tuple(
                o for o in of_book if o.side is Side.BUY and o.order_id < order_id and o.order_id not in unknown_orders
            ),
            unknown=next((a.remark for a in tx.attempts.unknown(order.account, order.security, order.side)), None),
            sells_under_way=any(o.side is Side.SELL for o in mine),
            buying_value=sum(
                ((a.volume - a.done) * a.price for a in live if a.side is Side.BUY and a.security == order.security),
                Decimal(0),
            ),
            day=tx.attempts.counts(order.account, account.trading_day()),
            paused=_pause_words(tx, order),
        )

    async def observe(self, account: Account, papers: Papers) -> bool:
        """Tells a practice exchange the day and the price of the signal; whether that began a new day there.

        Raises:
            BrokerError: it does not answer.
        """
        security, _ = security_of(papers.order.security)
        told = papers.signal.order
        if security is None or told is None or papers.attempts or not account.ready:
            return False
        before = account.trading_day()
        await account.observe(symbol=security.symbol, price=told.price or papers.order.limit_price, day=told.day)
        return account.trading_day() != before

    async def look(self, account: Account, papers: Papers) -> tuple[Market | None, str]:
        """The market and the account's own state; `None` and why, when the broker does not tell."""
        security, _ = security_of(papers.order.security)
        if security is None or not account.ready:
            return None, ""
        symbol = security.symbol
        try:
            quote, instrument, asset, positions = await asyncio.gather(
                account.quote(symbol), account.instrument(symbol), account.asset(), account.positions()
            )
        except BrokerError as error:
            return None, str(error)
        if instrument is not None and instrument.name:
            self._names.securities[symbol] = instrument.name
        position = next((p for p in positions if p.symbol == symbol), None)
        return Market(quote=quote, instrument=instrument, asset=asset, position=position), ""

    def facts(
        self,
        papers: Papers,
        account: Account,
        market: Market | None,
        why: str,
    ) -> tuple[Facts, Sized | None]:
        """What the rules look at, and the volume as it was worked out; `why` there is no `market`."""
        security, unknown = security_of(papers.order.security)
        order, signal = papers.order, papers.signal
        now = self._clock.now()
        told = signal.order
        strategy = self._settings.strategies.get(order.strategy)
        facts = Facts(
            now=now,
            risk=self._settings.risk,
            account=account.name,
            real=account.traits.real,
            ready=account.ready and not why,
            not_ready_zh=why or account.why_zh,
            not_ready_en=why or account.why_en,
            paused=papers.paused,
            trading_day=account.is_trading_day(),
            phase=account.phase(),
            join_auction=self._settings.execution.join_auction,
            attempt=len(papers.attempts) + 1 if papers.reached else 1,
            side=order.side,
            run=signal.run,
            backtest=signal.wire is not Wire.MANUAL and signal.run != LIVE_RUN,
            backtest_allowed=strategy is not None and strategy.backtest == "paper",
            made_at=signal.made_at,
            age_counts=order.waiting_for not in _AGELESS,
            named_by_person=signal.wire is Wire.MANUAL and order.limit_price is not None,
            signal_price=told.price if told else None,
            has_limit=order.limit_price is not None,
            symbol=order.security,
            security=security,
            unknown_zh=unknown.why_zh if unknown else "",
            unknown_en=unknown.why_en if unknown else "",
            unknown=papers.unknown,
            closes=order.closes,
            others_hold=papers.others_hold,
            opposite=order.closes and _waits_for_opposite(papers, now),
            sells_under_way=papers.sells_under_way,
            cash_until=order.created_at + timedelta(seconds=self._settings.execution.cash_wait_s),
            day=DayFacts(
                attempts=papers.day.attempts,
                turnover=papers.day.turnover,
                turn_in_s=account.turn_in_s(self._settings.risk.orders_per_second),
            ),
        )
        if security is None or market is None:
            return facts, None
        return self._market_facts(facts, papers, account, security, market)

    def _market_facts(
        self, facts: Facts, papers: Papers, account: Account, security: Security, market: Market
    ) -> tuple[Facts, Sized | None]:
        quote, instrument = market.quote, market.instrument
        facts = replace(facts, quote=quote, instrument=instrument, asset=market.asset)
        order = papers.order
        here = market_price(quote, order.side) if quote else None
        rule = lot_rule(security, account.trading_day())
        sized = self._sized(papers, account, security, market, rule, here or facts.signal_price)
        volume = sized.parts[0] if sized.parts else 0
        # A sell of all that the book holds so far may be short of what earlier buys of today still bring.
        short = settles_same_day(security) and sized.volume >= papers.book.volume - papers.selling
        opposite = facts.opposite or (short and not order.sized and _waits_for_opposite(papers, facts.now))
        facts = replace(facts, market_price=here, sizing=sized.refusal, volume=volume, opposite=opposite)
        if quote is None or instrument is None:
            return facts, sized
        facts = replace(facts, stands_at=at_limit(quote, instrument, order.side))
        if not volume:
            return facts, sized
        priced = self._priced(facts, papers, security, quote, instrument, volume)
        if priced.price is None or priced.price <= 0:
            return facts, sized
        total = sum(part.volume for part in papers.parts) if order.sized else sized.volume
        held = market.position.volume if market.position else 0
        return (
            replace(
                facts,
                price=priced.price,
                broken_bound=priced.bound,
                order_value=priced.price * total,
                cost=priced.price * volume + fee(security, order.side, volume, priced.price),
                position_value=held * (here or priced.price) + papers.buying_value,
            ),
            sized,
        )

    def _sized(
        self,
        papers: Papers,
        account: Account,
        security: Security,
        market: Market,
        rule: LotRule,
        price: Decimal | None,
    ) -> Sized:
        order, told, book = papers.order, papers.signal.order, papers.book
        available = market.position.available if market.position else 0
        if order.sized:
            return _rest(papers, rule, available)
        manual = papers.signal.wire is Wire.MANUAL
        follow = self._follow(order)
        return size(
            Intent(
                security=order.security,
                account=account.name,
                side=order.side,
                amount=told.amount if told else 0,
                mode=FollowMode.RATIO if manual else follow.mode,
                figure=Decimal(1) if manual else follow.figure,
                price=price,
                total_value=told.total_value if told else None,
                exact=manual,
                closes=order.closes,
                book=book.volume - papers.bought_later,
                selling=papers.selling,
                bought_today=0 if settles_same_day(security) else max(papers.bought_today - papers.bought_later, 0),
                available=available,
                carry_buy=book.carry_buy,
                carry_sell=book.carry_sell,
                rule=rule,
            )
        )

    def carries(self, papers: Papers) -> bool:
        """Whether what rounding leaves over is carried on: of a proportion, not of whole wishes."""
        mode = self._follow(papers.order).mode
        return papers.signal.wire is not Wire.MANUAL and mode in {FollowMode.RATIO, FollowMode.EQUITY}

    def _follow(self, order: OrderRow) -> Follow:
        strategy = self._settings.strategies.get(order.strategy)
        follow = strategy.follow.get(order.account) if strategy else None
        return follow or Follow(ratio=Decimal(1))

    def _priced(
        self,
        facts: Facts,
        papers: Papers,
        security: Security,
        quote: Quote,
        instrument: Instrument,
        volume: int,
    ) -> Priced:
        execution = self._settings.execution
        return attempt_price(
            PriceRequest(
                security=security,
                side=papers.order.side,
                volume=volume,
                quote=quote,
                instrument=instrument,
                phase=facts.phase,
                mode=execution.price,
                slippage_ticks=execution.slippage_ticks,
                # History does not wait: the next day of a backtest comes within seconds.
                forced=facts.backtest or len(papers.attempts) + 1 >= execution.force_after,
                signal_price=facts.signal_price,
                max_drift=self._settings.risk.max_price_drift,
                limit_price=papers.order.limit_price,
                named_by_person=facts.named_by_person,
            )
        )


def _waits_for_opposite(papers: Papers, now: datetime) -> bool:
    """Whether earlier buys come first: all of them before the book is sold out, else those that go to the market."""
    order = papers.order
    waited = order.waiting_for is WaitingFor.OPPOSITE and now - order.updated_at > OPPOSITE_WAIT
    first = any(order.closes or buy.limit_price is None for buy in papers.opposite)
    return order.side is Side.SELL and first and not waited


def _rest(papers: Papers, rule: LotRule, available: int) -> Sized:
    """What is left of an order that was placed before."""
    order = papers.order
    left = papers.left
    volume = buyable(left, rule) if order.side is Side.BUY else sellable(left, available, rule)
    refusal = None
    if not volume:
        short = order.side is Side.SELL and available < left
        figures = {
            "wanted": str(left),
            "side": order.side.value,
            "side_zh": "买" if order.side is Side.BUY else "卖",
            "minimum": str(rule.minimum),
            "security": order.security,
            "book": str(papers.book.volume),
            "available": str(available),
        }
        refusal = Refusal(reason=Reason.NOT_SELLABLE_TODAY if short else Reason.BELOW_LOT, figures=figures)
    return Sized(
        parts=(volume,) if volume else (),
        carry_buy=papers.book.carry_buy,
        carry_sell=papers.book.carry_sell,
        refusal=refusal,
    )


def security_of(symbol: str) -> tuple[Security | None, UnknownSecurityError | None]:
    """The security of a symbol, or why it is none."""
    try:
        return parse_security(symbol), None
    except UnknownSecurityError as error:
        return None, error


def _pause_words(tx: Tx, order: OrderRow) -> str | None:
    pause = tx.pauses.active(order.strategy, order.account)
    if pause is None:
        return None
    return f"{pause.strategy or '全部策略'} · {pause.account or '全部账户'}"
