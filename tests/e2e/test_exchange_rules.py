"""No order ever breaks a rule of the exchange: sizing and pricing against the paper exchange and a second judge."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.brokers.judge import BOARDS, Board, Situation, limits, takes
from jqfollow.domain import Accepted, BrokerError, Phase, PlaceRequest, Side
from jqfollow.execution.brokers.paper.broker import PaperBroker
from jqfollow.execution.pricing import PriceRequest, attempt_price
from jqfollow.execution.sizing import Intent, size
from jqfollow.market.calendar import TradingCalendar
from jqfollow.market.lots import lot_rule
from jqfollow.market.securities import parse_security
from jqfollow.settings import FollowMode, PriceMode

from .house import MONDAY

CASES = 1200
RICH = Decimal(10) ** 13


placed_ids: list[str] = []
"""At the exchange, by the case before."""


class StillClock:
    def now(self) -> Any:
        return MONDAY

    def monotonic(self) -> float:
        return 0.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """One order at one moment; prices in ticks."""

    symbol: str
    buys: bool
    prev_close: int
    last: int
    bid: int
    ask: int
    depth: int
    holding: int
    frozen_today: int
    book: int
    amount: int
    ratio: Decimal
    carry: Decimal
    closes: bool
    mode: PriceMode
    slippage_ticks: int
    forced: bool
    signal_ticks: int
    limit_ticks: int | None

    @property
    def board(self) -> Board:
        return BOARDS[self.symbol]

    def yuan(self, ticks: int) -> Decimal:
        return Decimal(ticks * self.board.tick) / 1000


@st.composite
def cases(draw: st.DrawFn) -> Case:
    symbol = draw(st.sampled_from(sorted(BOARDS)))
    board = BOARDS[symbol]
    close = draw(st.integers(30, 20_000))  # in ticks
    down, up = (price // board.tick for price in limits(board, close * board.tick))
    low, high = draw(
        st.sampled_from([(down, up), (down, down + 3), (up - 3, up), (close - 5, close + 5), (close, close)])
    )
    last = draw(st.integers(max(low, down), min(high, up)))
    spread = st.sampled_from([1, 1, 1, 2, 7, 40])
    holding = draw(st.one_of(st.integers(0, 3 * board.minimum), st.integers(0, 2 * board.most)))
    return Case(
        symbol=symbol,
        buys=draw(st.booleans()),
        prev_close=close,
        last=last,
        bid=max(last - draw(spread), 1),
        ask=last + draw(spread),
        depth=draw(st.sampled_from([1, 50, 1000, 100_000_000])),
        holding=holding,
        frozen_today=0 if board.same_day else draw(st.sampled_from([0, 0, 0, holding // 3, holding])),
        book=draw(st.one_of(st.just(holding), st.integers(0, holding))),
        amount=draw(st.one_of(st.integers(1, 5 * board.minimum), st.integers(1, 3 * board.most))),
        ratio=draw(st.sampled_from([Decimal(1), Decimal("0.5"), Decimal("0.37"), Decimal("0.003"), Decimal("2.7")])),
        carry=Decimal(draw(st.integers(0, 100 * board.minimum - 1))) / 100,
        closes=draw(st.booleans()),
        mode=draw(st.sampled_from(list(PriceMode))),
        slippage_ticks=draw(st.sampled_from([0, 1, 5, 50, 1000])),
        forced=draw(st.booleans()),
        signal_ticks=max(last + draw(st.integers(-30, 30)), 1),
        limit_ticks=draw(st.sampled_from([None, None, None, last, last + 3, max(last - 3, 1), close * 2, close // 2])),
    )


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PaperBroker]:
    broker = PaperBroker(
        name="paper",
        path=tmp_path_factory.mktemp("exchange") / "paper.jsonl",
        clock=StillClock(),
        cash=RICH,
        hours="always",
        calendar=TradingCalendar(),
        pulse_s=None,
    )
    end = broker.connect()
    yield broker
    end()


def test_no_order_breaks_a_lot_a_tick_a_limit_or_the_cage(broker: PaperBroker) -> None:
    placed: Counter[tuple[str, Side]] = Counter()

    @settings(max_examples=CASES, deadline=None, derandomize=True, database=None)
    @given(case=cases())
    def follow(case: Case) -> None:
        prepare(broker, case)
        side = Side.BUY if case.buys else Side.SELL
        held = next((p for p in broker.positions() if p.symbol == case.symbol), None)
        sized = size(intent(case, side, held.available if held else 0))
        most = case.ratio * case.amount + case.carry
        if not case.buys:
            most = min(case.book, held.available if held else 0)
        assert sized.volume <= most
        placed[case.symbol, side] += sum(place(broker, case, side, volume) for volume in sized.parts)

    follow()
    assert len(placed) == 2 * len(BOARDS)  # and none of it was in vain
    assert min(placed.values()) > 10, placed


def intent(case: Case, side: Side, available: int) -> Intent:
    return Intent(
        security=case.symbol,
        account="paper",
        side=side,
        amount=case.amount,
        mode=FollowMode.RATIO,
        figure=case.ratio,
        closes=case.closes and not case.buys,
        book=case.book,
        bought_today=max(case.book - available, 0),
        available=available,
        carry_buy=case.carry,
        carry_sell=case.carry,
        rule=lot_rule(parse_security(case.symbol), MONDAY.date()),
    )


def prepare(broker: PaperBroker, case: Case) -> None:
    while placed_ids:
        with suppress(BrokerError):  # it was filled
            broker.cancel(placed_ids.pop())
    broker.set_money(RICH)
    cost = case.yuan(case.prev_close)
    broker.set_holding(case.symbol, case.holding, cost=cost, bought_today=case.frozen_today)
    broker.set_market(
        case.symbol,
        prev_close=case.yuan(case.prev_close),
        last=case.yuan(case.last),
        bid=case.yuan(case.bid),
        ask=case.yuan(case.ask),
        depth=case.depth,
    )


def place(broker: PaperBroker, case: Case, side: Side, volume: int) -> bool:
    """Prices the volume and hands it to the exchange; what pricing says it would refuse is held against the judge."""
    quote, instrument = broker.quote(case.symbol), broker.instrument(case.symbol)
    assert quote is not None
    assert instrument is not None
    priced = attempt_price(
        PriceRequest(
            security=parse_security(case.symbol),
            side=side,
            volume=volume,
            quote=quote,
            instrument=instrument,
            phase=Phase.CONTINUOUS,
            mode=case.mode,
            slippage_ticks=case.slippage_ticks,
            forced=case.forced,
            signal_price=case.yuan(case.signal_ticks),
            max_drift=Decimal("0.03"),
            limit_price=None if case.limit_ticks is None else case.yuan(case.limit_ticks),
            named_by_person=False,
        )
    )
    if priced.price is None:
        return False
    held = next((p for p in broker.positions() if p.symbol == case.symbol), None)
    now = Situation(
        prev_close=case.prev_close * case.board.tick,
        best_bid=int(quote.bids[0].price * 1000) if quote.bids else None,
        best_ask=int(quote.asks[0].price * 1000) if quote.asks else None,
        last=case.last * case.board.tick,
        cash_cents=Fraction(RICH * 100),
        available=held.available if held else 0,
    )
    fits = takes(case.symbol, buys=case.buys, volume=volume, price=int(priced.price * 1000), now=now)
    if priced.bound is not None:
        assert not fits, f"{priced} is no reason to hold the order back"
        return False
    assert fits, f"the judge refuses {side} {volume} at {priced.price}"
    answer = broker.place(
        PlaceRequest(attempt_id=1, remark="jqAAAAA-1", symbol=case.symbol, side=side, volume=volume, price=priced.price)
    )
    assert isinstance(answer, Accepted), answer
    placed_ids.append(answer.broker_order_id)
    return True
