"""Whose turn it is: sells first, nothing past an earlier order of its own book, one a code and side, days apart."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jqfollow.domain import OrderState, Side, Waiting, WaitingFor
from jqfollow.execution.turns import DAY_PATIENCE, PASSING, Around, Scene, is_due, turns
from jqfollow.ledger.rows import OrderRow
from jqfollow.reasons import Reason
from ledger.samples import DAY, NOW, TERMS

NEXT = DAY + timedelta(days=1)
BUY, SELL = Side.BUY, Side.SELL
KNOWN_TO_BE_MISSING = {WaitingFor.SESSION, WaitingFor.NEXT_DAY, WaitingFor.BROKER, WaitingFor.UNKNOWN}


def order(number: int, side: Side = BUY, security: str = "000001.SZ", **changes: Any) -> OrderRow:
    row = OrderRow(
        order_id=number, signal_id=number, account="main", strategy="demo", part=1, day=DAY, security=security,
        side=side, terms=TERMS, deadline=NOW + timedelta(seconds=60), limit_price=None, closes=False, volume=100,
        sized=False, filled=0, turnover=Decimal(0), state=OrderState.PENDING_NEW, waiting=None,
        cancel_reason=None, reason=None, figures={}, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    return replace(row, **changes)


def scene(**changes: Any) -> Scene:
    calm = Scene(
        now=NOW,
        trading_day=DAY,
        ready=True,
        practice=False,
        rested=lambda _: True,
        aged=lambda _: changes.get("now", NOW),
    )
    return replace(calm, **changes)


def waits(what: WaitingFor, *, since: datetime = NOW, until: datetime | None = None) -> Waiting:
    return Waiting(what=what, since=since, until=until)


def turn(*idle: OrderRow, around: Around | None = None, most: int = 9, **changes: Any) -> Sequence[int]:
    return [o.order_id for o in turns(idle, around or Around(), scene(**changes), most)]


class TestOrder:
    def test_sells_go_before_buys_that_came_with_them(self) -> None:
        assert turn(order(1, BUY, "600000.SH"), order(2, SELL), order(3, SELL, "600036.SH")) == [2, 3, 1]

    def test_exits_go_before_other_sells(self) -> None:
        assert turn(order(1, SELL), order(2, SELL, "600000.SH", closes=True), order(3, closes=True, security="x")) == [
            2, 1, 3,
        ]  # fmt: skip

    def test_what_was_never_looked_at_goes_before_what_waits(self) -> None:
        waiting = order(1, waiting=waits(WaitingFor.CASH))
        assert turn(waiting, order(2, BUY, "600000.SH")) == [2, 1]

    def test_as_many_as_there_are_turns_and_those_that_go_first(self) -> None:
        assert turn(order(1), order(2, SELL, "600000.SH"), order(3, SELL, "600036.SH"), most=1) == [2]


class TestOneABook:
    def test_a_sell_passes_no_earlier_buy_of_its_own_book(self) -> None:
        assert turn(order(1, BUY), order(2, SELL)) == [1]

    @pytest.mark.parametrize("what", [WaitingFor.OPPOSITE, WaitingFor.SETTLE, WaitingFor.BROKER])
    def test_but_a_buy_that_waits_holds_up_no_sell(self, what: WaitingFor) -> None:
        assert turn(order(1, BUY, waiting=waits(what)), order(2, SELL), rested=lambda number: number != 1) == [2]

    def test_nor_a_buy_an_earlier_sell(self) -> None:
        assert turn(order(1, SELL), order(2, BUY)) == [1]

    def test_a_buy_does_not_pass_a_sell_that_will_empty_its_book_even_while_that_waits(self) -> None:
        """It wipes out what was carried: a buy that was judged before it would lose its share of a lot."""
        leaving = order(1, SELL, closes=True, waiting=waits(WaitingFor.OPPOSITE))
        looked_at = {"rested": lambda number: number != 1}
        assert turn(leaving, order(2, BUY), **looked_at) == []
        assert turn(leaving, order(2, BUY)) == [1]
        assert turn(replace(leaving, sized=True), order(2, BUY), **looked_at) == [2], "it has wiped out what it will"
        owed = replace(leaving, waiting=waits(WaitingFor.NEXT_DAY))
        assert turn(owed, order(2, BUY), **looked_at) == [2], "what is sold tomorrow holds up nothing today"

    @pytest.mark.parametrize("what", [None, *WaitingFor])
    def test_a_sell_does_not_pass_one_that_will_soon_take_its_part_of_the_book(self, what: WaitingFor | None) -> None:
        first = order(1, SELL, waiting=None if what is None else waits(what))
        soon = what in {None, WaitingFor.OPPOSITE, WaitingFor.CROSSING, WaitingFor.SETTLE, WaitingFor.BROKER}
        around = Around(live=[("000001.SZ", BUY)], sellers={"demo"})
        looked_at: dict[str, Any] = {"rested": lambda number: number != 1, "around": around}
        assert turn(first, order(2, SELL), **looked_at) == ([] if soon else [2])
        assert turn(first, order(2, SELL, closes=True), **looked_at) == [2], "a close takes what is there"
        assert turn(first, order(2, SELL, sized=True), **looked_at) == [2], "it has its part"
        if what is not WaitingFor.CROSSING:
            assert turn(first, order(2, BUY), **looked_at) == [2]
        down = looked_at | {"ready": False}
        assert turn(first, order(2, SELL), **down) == ([] if soon and what is not WaitingFor.BROKER else [2])
        assert turn(replace(first, cancel_reason=Reason.CANCELED_BY_USER), order(2, SELL), **looked_at) == [2]

    def test_it_passes_one_of_another_strategys_book(self) -> None:
        assert turn(order(1, BUY), order(2, SELL, strategy="other")) == [2, 1]

    def test_one_a_code_and_side_over_all_books(self) -> None:
        assert turn(order(1, BUY), order(2, BUY, strategy="other"), order(3, BUY, "600000.SH")) == [1, 3]

    def test_the_second_of_a_book_holds_up_the_third(self) -> None:
        """Its place in the book is taken even where its code and side were."""
        first, second = order(1, BUY), order(2, BUY, strategy="other")
        assert turn(first, second, order(3, SELL, strategy="other")) == [1]

    @given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y"]), st.sampled_from(Side)), max_size=12))
    def test_no_order_of_a_round_depends_on_another(self, drawn: list[tuple[str, str, Side]]) -> None:
        idle = [order(n, side, code, strategy=name) for n, (name, code, side) in enumerate(drawn, 1)]
        chosen = [idle[n - 1] for n in turn(*idle, most=99)]
        assert len({o.book for o in chosen}) == len(chosen)
        assert len({(o.security, o.side) for o in chosen}) == len(chosen)
        assert [o.side for o in chosen] == sorted((o.side for o in chosen), key=lambda side: side is not SELL)
        for o in chosen:
            assert not [e for e in idle if e.book == o.book and e.order_id < o.order_id], (
                "it passes one of its own book"
            )


class TestCrossing:
    """An order that was cancelled lest the account trade with itself goes out after the one for which it was."""

    def test_the_other_side_waits_for_it(self) -> None:
        crossing = order(2, SELL, waiting=waits(WaitingFor.CROSSING), strategy="other")
        assert turn(order(1, BUY), crossing) == [2]
        assert turn(order(1, BUY, "600000.SH"), crossing) == [2, 1]
        assert turn(order(1, SELL), replace(crossing, side=BUY)) == [2]

    def test_an_exit_a_cancelled_one_and_one_that_crosses_too_do_not(self) -> None:
        crossing = order(9, SELL, waiting=waits(WaitingFor.CROSSING), strategy="other")
        assert 1 in turn(order(1, BUY, closes=True), crossing)
        assert 1 in turn(order(1, BUY, cancel_reason=Reason.CANCELED_BY_USER), crossing)
        assert 1 in turn(order(1, BUY, waiting=waits(WaitingFor.CROSSING)), crossing)


class TestWhatItWaitedForHasEnded:
    """An order goes on when what it waits for ends, and not a second later: it would not wait for that again."""

    def goes_on(self, waiting: Waiting, *others: OrderRow, **around: Any) -> bool:
        first = order(1, SELL, waiting=waiting)
        return turn(first, *others, around=Around(**around), rested=lambda number: number != 1) == [1]

    def test_what_it_would_trade_with(self) -> None:
        crossing = waits(WaitingFor.CROSSING, until=NOW + timedelta(seconds=10))
        assert self.goes_on(crossing)
        assert self.goes_on(crossing, live=[("000001.SZ", SELL), ("600000.SH", BUY)])
        assert not self.goes_on(crossing, live=[("000001.SZ", BUY)])

    def test_the_other_orders_of_its_book(self) -> None:
        opposite = waits(WaitingFor.OPPOSITE)
        assert self.goes_on(opposite, live=[("600000.SH", BUY)])
        assert not self.goes_on(opposite, live=[("000001.SZ", BUY)])
        assert not self.goes_on(opposite, live=[("000001.SZ", SELL)])
        assert turn(
            order(1, BUY, waiting=waits(WaitingFor.UNKNOWN)), order(2, SELL, waiting=opposite),
            around=Around(unknown=[("000001.SZ", BUY)]), rested=lambda _: False,
        ) == []  # fmt: skip

    def test_the_sells_that_bring_its_money(self) -> None:
        assert self.goes_on(waits(WaitingFor.CASH))
        assert not self.goes_on(waits(WaitingFor.CASH), sellers={"demo"})
        late = waits(WaitingFor.CASH, until=NOW + timedelta(seconds=5))
        assert not self.goes_on(late), "they have ended: only the counter shows their money late"

    @pytest.mark.parametrize("what", sorted(set(WaitingFor) - {"crossing", "opposite", "cash"}))
    def test_of_anything_else_nobody_knows_before_a_look(self, what: WaitingFor) -> None:
        assert not self.goes_on(waits(what))


class TestDue:
    def due(self, waiting: Waiting | None, unknown: Sequence[tuple[str, Side]] = (), **changes: Any) -> bool:
        of_order = {name: changes.pop(name) for name in ("day", "cancel_reason") if name in changes}
        return is_due(order(1, waiting=waiting, **of_order), unknown, scene(**changes))

    def test_what_waits_for_nothing_is_and_what_is_to_end_is(self) -> None:
        assert self.due(None)
        assert self.due(waits(WaitingFor.SESSION), cancel_reason=Reason.CANCELED_BY_USER)

    @pytest.mark.parametrize("what", sorted(KNOWN_TO_BE_MISSING - {WaitingFor.UNKNOWN}))
    def test_what_is_known_to_be_missing_costs_no_look(self, what: WaitingFor) -> None:
        assert not self.due(waits(what))

    @pytest.mark.parametrize("what", sorted(set(WaitingFor) - KNOWN_TO_BE_MISSING))
    def test_what_may_have_come_is_looked_for(self, what: WaitingFor) -> None:
        assert self.due(waits(what))

    def test_its_end_and_the_days_end_are_seen(self) -> None:
        until = NOW + timedelta(seconds=5)
        waiting = waits(WaitingFor.SESSION, until=until)
        assert not self.due(waiting, now=until - timedelta(milliseconds=1))
        assert self.due(waiting, now=until)
        assert self.due(waits(WaitingFor.SESSION), trading_day=NEXT)
        assert not self.due(waits(WaitingFor.NEXT_DAY, until=until), trading_day=NEXT, now=until)

    def test_its_end_is_seen_by_its_own_clock(self) -> None:
        waiting = waits(WaitingFor.SESSION, until=NOW + timedelta(seconds=5))
        assert self.due(waiting, aged=lambda number: NOW + timedelta(seconds=5 * number))

    def test_what_was_refused_in_passing_is_left_alone_for_a_moment_and_while_there_is_no_broker(self) -> None:
        waiting = waits(WaitingFor.BROKER)
        assert timedelta(seconds=2) == PASSING
        assert not self.due(waiting, now=NOW + PASSING - timedelta(milliseconds=1))
        assert self.due(waiting, now=NOW + PASSING)
        assert not self.due(waiting, now=NOW + PASSING, ready=False)

    def test_an_unknown_outcome_holds_up_its_own_code_and_side_only(self) -> None:
        waiting = waits(WaitingFor.UNKNOWN)
        assert not self.due(waiting, [("000001.SZ", BUY)])
        assert self.due(waiting, [("000001.SZ", SELL), ("600000.SH", BUY)])
        assert turns([order(1, waiting=waiting)], Around(unknown=[("000001.SZ", BUY)]), scene(), 9) == []

    def test_not_twice_within_a_second(self) -> None:
        assert turn(order(1), order(2, SELL, "600000.SH"), rested=lambda number: number == 1) == [1]


class TestPracticeDays:
    """At the exchange that takes its day from the signals, days do not mix."""

    def test_the_earliest_goes_alone(self) -> None:
        idle = (order(1, BUY, "600000.SH", day=NEXT), order(2, BUY, day=DAY))
        assert turn(*idle, practice=True, now=NOW + DAY_PATIENCE) == [2]
        assert turn(*idle) == [1, 2]

    def test_a_day_is_not_begun_while_the_one_before_is_still_filling(self) -> None:
        early = order(1, day=NEXT)
        before = NOW + DAY_PATIENCE - timedelta(milliseconds=1)
        assert timedelta(seconds=10) == DAY_PATIENCE
        assert turn(early, around=Around(oldest=DAY), practice=True, now=before) == []
        assert turn(early, around=Around(oldest=DAY), practice=True, now=NOW + DAY_PATIENCE) == [1]
        assert turn(early, around=Around(oldest=NEXT), practice=True, now=before) == [1]
        assert turn(early, practice=True, now=before) == [1]
        assert turn(early, around=Around(oldest=DAY), now=before) == [1]
        assert turn(order(1, day=DAY), around=Around(oldest=DAY - timedelta(days=1)), practice=True, now=before) == [1]
