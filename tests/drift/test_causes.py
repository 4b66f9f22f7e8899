"""The causes of a drift add up to it, whatever became of the orders."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.domain import MANUAL_RUN, FollowMode, OrderState, Side
from jqfollow.drift.causes import Cause, Drift
from jqfollow.drift.walk import drift_of
from jqfollow.ledger.rows import OrderRow, Terms
from jqfollow.reasons import Reason

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
RATIO = Decimal("0.35")
KEY = ("main", "demo", "000001.SZ")


def order(
    number: int,
    side: Side,
    amount: int,
    *,
    volume: int = 0,
    filled: int = 0,
    state: OrderState = OrderState.FILLED,
    reason: Reason | None = None,
    closes: bool = False,
    sized: bool = True,
    run: str = "sim_trade",
    mode: FollowMode = FollowMode.RATIO,
    part: int = 1,
    figure: Decimal = RATIO,
) -> OrderRow:
    return OrderRow(
        order_id=number * 10 + part,
        signal_id=number,
        account="main",
        strategy="demo",
        part=part,
        day=date(2026, 3, 2),
        security="000001.SZ",
        side=side,
        sized=sized,
        volume=volume,
        filled=filled,
        turnover=Decimal(0),
        terms=Terms(amount=amount, run=run, mode=mode, figure=figure, made_at=NOW),
        deadline=NOW,
        limit_price=None,
        closes=closes,
        state=state,
        waiting=None,
        cancel_reason=None,
        reason=reason,
        figures={},
        created_at=NOW,
        updated_at=NOW,
    )


def shares(found: Drift) -> dict[Cause, Decimal]:
    return {line.cause: line.shares for line in found.lines}


def test_a_refused_buy_a_half_filled_one_and_what_rounding_left() -> None:
    found = drift_of(
        *KEY,
        [
            order(1, Side.BUY, 1000, state=OrderState.REJECTED, reason=Reason.LIMIT_UP, sized=False),
            order(2, Side.BUY, 2000, volume=700, filled=300, state=OrderState.CANCELED, reason=Reason.DAY_OVER),
            order(3, Side.BUY, 1000, volume=300, filled=300),
        ],
        600,
    )
    assert (found.target, found.drift) == (1400, 800)
    assert shares(found) == {Cause.REFUSED: 350, Cause.UNFILLED: 400, Cause.ROUNDING: 50}
    assert [(line.signal_id, line.reason) for line in found.lines[:2]] == [(1, Reason.LIMIT_UP), (2, Reason.DAY_OVER)]


def test_an_exit_ends_what_was_missing_before_it() -> None:
    missing = order(1, Side.BUY, 2000, volume=700, filled=300, state=OrderState.EXPIRED, reason=Reason.DAY_OVER)
    sold = order(2, Side.SELL, 2000, volume=300, filled=300, closes=True)
    found = drift_of(*KEY, [missing, sold], 0)
    assert (found.target, found.drift, found.lines) == (0, 0, ())


def test_an_exit_that_did_not_sell_all_says_so() -> None:
    bought = order(1, Side.BUY, 2000, volume=700, filled=700)
    stuck = order(
        2, Side.SELL, 2000, volume=700, filled=200, state=OrderState.EXPIRED, reason=Reason.DAY_OVER, closes=True
    )
    found = drift_of(*KEY, [bought, stuck], 500)
    assert (found.drift, shares(found)) == (-500, {Cause.UNFILLED: -500})


def test_a_persons_order_changes_the_book_and_not_the_target() -> None:
    found = drift_of(*KEY, [order(1, Side.BUY, 300, volume=300, filled=300, run=MANUAL_RUN)], 300)
    assert (found.target, found.drift, shares(found)) == (0, -300, {Cause.BY_HAND: -300})


def test_whole_wishes_have_a_target_only_at_zero() -> None:
    bought = order(1, Side.BUY, 100, volume=500, filled=500, mode=FollowMode.SHARES)
    assert drift_of(*KEY, [bought], 500).drift is None
    sold = order(2, Side.SELL, 100, volume=500, filled=400, closes=True, state=OrderState.NEW, mode=FollowMode.SHARES)
    found = drift_of(*KEY, [bought, sold], 100)
    assert (found.target, found.working, found.drift) == (0, -100, 0)


def test_a_share_of_the_total_stays_exact() -> None:
    terms = Terms(amount=1000, run="sim_trade", mode=FollowMode.EQUITY, figure=Decimal(100_000), made_at=NOW)
    bought = replace(
        order(1, Side.BUY, 1000, volume=300, filled=300), terms=replace(terms, total_value=Decimal(300_000))
    )
    sold = replace(order(2, Side.SELL, 700, volume=200, filled=200), terms=replace(terms, amount=700, held_before=1000))
    found = drift_of(*KEY, [bought, sold], 100)
    assert found.target == Decimal("100.0000000") == found.book + sum(line.shares for line in found.lines)


@pytest.mark.parametrize("book", [-100, 200, 301])
def test_a_book_that_is_not_the_sum_of_its_fills_is_unexplained(book: int) -> None:
    found = drift_of(*KEY, [order(1, Side.BUY, 300, volume=300, filled=300, figure=Decimal(1))], book)
    assert shares(found) == {Cause.UNEXPLAINED: 300 - book}
    assert found.drift == 300 - book


@dataclass(frozen=True, kw_only=True)
class Story:
    """A random history of one book, and what it comes to, worked out beside the code."""

    orders: list[OrderRow]
    target: Decimal
    book: int
    working: Decimal


ENDS = [Reason.DAY_OVER, Reason.NO_CASH, Reason.ATTEMPTS_EXHAUSTED, Reason.CANCELED_BY_USER, Reason.LIMIT_UP]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    orders: list[OrderRow] = []
    target, book, working = Decimal(0), 0, Decimal(0)
    for number in range(1, draw(st.integers(1, 12)) + 1):
        side = draw(st.sampled_from(Side))
        sign = 1 if side is Side.BUY else -1
        amount = draw(st.integers(1, 5000))
        by_hand = draw(st.integers(0, 9)) == 0
        closes = not by_hand and side is Side.SELL and draw(st.booleans())
        wish = book + working if closes else RATIO * amount
        if not by_hand:
            target = Decimal(0) if closes else target + sign * wish
        if not by_hand and draw(st.integers(0, 4)) == 0:
            state = draw(st.sampled_from([OrderState.PENDING_NEW, OrderState.REJECTED]))
            reason = draw(st.sampled_from(ENDS)) if state is OrderState.REJECTED else None
            orders.append(order(number, side, amount, state=state, reason=reason, closes=closes, sized=False))
            working += sign * wish if state is OrderState.PENDING_NEW else 0
            continue
        for part in range(1, draw(st.integers(1, 3)) + 1):
            volume = draw(st.integers(0, 2000))
            filled = draw(st.sampled_from([0, volume, volume // 2, volume + 100]))
            state = draw(st.sampled_from([OrderState.NEW, OrderState.CANCELED, OrderState.FILLED]))
            reason = draw(st.sampled_from(ENDS)) if state is OrderState.CANCELED else None
            run = MANUAL_RUN if by_hand else "sim_trade"
            made = order(number, side, amount, volume=volume, filled=filled, state=state, reason=reason, run=run,
                         part=part, closes=closes)  # fmt: skip
            orders.append(made)
            book += sign * filled
            working += sign * max(volume - filled, 0) if state is OrderState.NEW else 0
    return Story(orders=orders, target=target, book=book, working=working)


@given(stories(), st.sampled_from([0, 0, 1, -250]))
def test_the_causes_add_up_to_the_share(story: Story, astray: int) -> None:
    found = drift_of(*KEY, story.orders, story.book + astray)
    assert (found.target, found.working) == (story.target, story.working)
    assert sum(line.shares for line in found.lines) == found.drift == story.target - story.book - astray - story.working
    assert shares(found).get(Cause.UNEXPLAINED, 0) == -astray
    assert all(line.order_id is not None for line in found.lines if line.cause is not Cause.UNEXPLAINED)
