"""What can be spent at a counter that shows money late: never more than is there."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from jqfollow.clock import SHANGHAI
from jqfollow.domain import Asset, AttemptState, Position, Side
from jqfollow.execution.purse import NO_MEANS, Moves, Purse
from jqfollow.ledger.rows import AttemptRow
from jqfollow.market.fees import fee
from jqfollow.market.securities import parse_security

START = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)
SETTLE = timedelta(seconds=10)
BOND = "113001.SH"
FILLED = AttemptState.FILLED


def asset(cash: Decimal) -> Asset:
    return Asset(cash=cash, frozen=Decimal(0), market_value=Decimal(0), total=cash)


def attempt(
    number: int, at: datetime, side: Side, volume: int, state: AttemptState = AttemptState.FILLED
) -> AttemptRow:
    filled = volume if state is FILLED else 0
    return AttemptRow(
        attempt_id=number, order_id=number, number=1, account="main", day=at.date(), security=BOND, side=side,
        volume=volume, price=Decimal(100), remark=f"jq-{number}", broker_order_id=str(number), state=state,
        reported=filled, filled=filled, message="", created_at=at, updated_at=at, cancel_at=None, cancels=0,
        ended_at=at,
    )  # fmt: skip


def moves(attempts: list[AttemptRow], now: datetime) -> Moves:
    return Moves(settle=SETTLE, attempts=tuple(a for a in attempts if a.updated_at >= now - SETTLE))


EVENTS = st.lists(
    st.tuples(st.sampled_from(["look and buy", "sell", "nothing"]), st.integers(0, 6), st.integers(1, 30)), max_size=25
)


@given(events=EVENTS, lag_s=st.integers(0, 10))
def test_never_more_is_spent_than_is_there(events: list[tuple[str, int, int]], lag_s: int) -> None:
    purse, now, true = Purse(), START, Decimal(5000)
    history, attempts = [(START - timedelta(days=1), true)], list[AttemptRow]()
    for what, seconds, lots in events:
        now += timedelta(seconds=seconds)
        if what == "sell":
            attempts.append(attempt(len(attempts) + 1, now, Side.SELL, 10 * lots))
            true += 1000 * lots - 5
            history.append((now, true))
        elif what == "look and buy":
            shown = next(cash for at, cash in reversed(history) if at <= now - timedelta(seconds=lag_s))
            means = purse.look(asset(shown), [], moves(attempts, now), now)
            assert means.cash <= true
            cost = 1000 * lots + 5
            if cost <= means.cash:
                attempts.append(attempt(len(attempts) + 1, now, Side.BUY, 10 * lots))
                true -= cost
                history.append((now, true))
        assert true >= 0


def test_a_counter_that_does_not_lag_is_believed() -> None:
    purse = Purse()
    assert purse.look(asset(Decimal(5000)), [], moves([], START), START).cash == 5000
    bought = attempt(1, START, Side.BUY, 10)
    soon = START + timedelta(seconds=1)
    assert purse.look(asset(Decimal(3995)), [], moves([bought], soon), soon).cash == 3995


def test_what_was_refused_takes_nothing_and_nothing_gives_nothing_back() -> None:
    soon = START + timedelta(seconds=1)
    refused = attempt(1, START, Side.BUY, 10, AttemptState.REJECTED)
    told = moves([refused], soon)
    assert Purse().look(asset(Decimal(5000)), [], told, soon).cash == 5000
    assert told.money_until() is None
    canceled = moves([attempt(1, START, Side.BUY, 10, AttemptState.CANCELED)], soon)
    assert canceled.money_until() == START + SETTLE
    assert canceled.shares_until("000001.SZ") is None


def test_what_moved_is_counted_by_side_code_and_number() -> None:
    fund = replace(attempt(4, START, Side.SELL, 300), security="510300.SH")
    unknown = replace(attempt(5, START, Side.BUY, 10), security="ZZ")
    told = moves(
        [
            attempt(1, START, Side.BUY, 10),
            attempt(2, START, Side.SELL, 20),
            replace(attempt(3, START, Side.BUY, 100, AttemptState.CANCELED), reported=30),
            fund,
            unknown,
        ],
        START,
    )
    whole, part = (100 * n + fee(parse_security(BOND), Side.BUY, n, Decimal(100)) for n in (10, 30))
    unknown_fee = 1000
    assert [told.spent(n) for n in range(6)] == [
        whole + part + unknown_fee, part + unknown_fee, part + unknown_fee, unknown_fee, unknown_fee, 0,
    ]  # fmt: skip
    assert [told.sold(BOND, n) for n in (0, 1, 2)] == [20, 20, 0]
    assert [told.sold("510300.SH", n) for n in (3, 4)] == [300, 0]
    assert (told.newest, Moves().newest, Moves().settle) == (5, 0, timedelta(0))


def test_a_stock_bought_costs_no_stamp_duty() -> None:
    stock = replace(attempt(1, START, Side.BUY, 1000), security="600000.SH", price=Decimal(10))
    assert moves([stock], START).spent() == 10_000 + fee(parse_security("600000.SH"), Side.BUY, 1000, Decimal(10))


def test_a_code_that_is_shown_for_the_first_time_is_believed() -> None:
    def held(symbol: str) -> Position:
        return Position(symbol=symbol, volume=100, available=100, avg_cost=Decimal(100))

    purse, soon = Purse(), START + timedelta(seconds=1)
    purse.look(asset(Decimal(0)), [held(BOND)], moves([], START), START)
    both = purse.look(asset(Decimal(0)), [held(BOND), held("510300.SH")], moves([], soon), soon)
    assert both.shares == {BOND: 100, "510300.SH": 100}


def test_before_the_first_look_nothing_can_be_spent_or_sold() -> None:
    assert (NO_MEANS.cash, NO_MEANS.shares, NO_MEANS.moves.newest) == (0, {}, 0)


def test_shares_are_not_sold_twice() -> None:
    def held(available: int) -> list[Position]:
        return [Position(symbol=BOND, volume=100, available=available, avg_cost=Decimal(100))]

    purse, soon = Purse(), START + timedelta(seconds=1)
    assert purse.look(asset(Decimal(0)), held(100), moves([], START), START).shares[BOND] == 100
    sold = moves([attempt(1, START, Side.SELL, 60)], soon)
    assert purse.look(asset(Decimal(0)), held(100), sold, soon).shares[BOND] == 40, "not shown yet"
    assert purse.look(asset(Decimal(0)), held(40), sold, soon).shares[BOND] == 40, "shown"


def test_what_was_there_counts_as_long_as_the_counter_may_lag_and_no_longer() -> None:
    """Bought at once for 1,005: that is taken off once more only while the counter may not have shown it."""
    for seconds, certain in ((10, 3995), (10.001, 2990)):
        purse = Purse()
        purse.look(asset(Decimal(5000)), [], moves([], START), START)
        later = START + timedelta(seconds=seconds)
        bought = attempt(1, later, Side.BUY, 10)
        assert purse.look(asset(Decimal(3995)), [], moves([bought], later), later).cash == certain


def test_shares_of_an_hour_ago_are_not_counted_on() -> None:
    def held(available: int) -> list[Position]:
        return [Position(symbol=BOND, volume=100, available=available, avg_cost=Decimal(100))]

    purse, later = Purse(), START + timedelta(hours=1)
    purse.look(asset(Decimal(0)), held(100), moves([], START), START)
    sold = moves([attempt(1, later, Side.SELL, 60)], later)  # while a person sold 70 in the terminal
    assert purse.look(asset(Decimal(0)), held(30), sold, later).shares[BOND] == 0


def test_all_has_settled_when_the_last_has() -> None:
    told = moves([attempt(1, START, Side.SELL, 10), attempt(2, START + timedelta(seconds=4), Side.SELL, 10)], START)
    assert told.money_until() == told.shares_until(BOND) == START + timedelta(seconds=14)


def test_one_share_that_is_filled_moves_money_and_shares() -> None:
    one = replace(attempt(1, START, Side.SELL, 1000, AttemptState.PARTIALLY_FILLED), reported=1, filled=0)
    told = Moves(settle=SETTLE, attempts=(one,))
    assert told.money_until() == told.shares_until(BOND) == START + SETTLE
    waits = Moves(settle=SETTLE, attempts=(replace(one, state=AttemptState.NEW, reported=0),))
    assert waits.money_until() is waits.shares_until(BOND) is None
