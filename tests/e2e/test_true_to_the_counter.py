"""What a counter says is late, partial, old, or about something else: each row on both counters."""

from contextlib import suppress

import pytest

from jqfollow.domain import AttemptState, OrderState
from jqfollow.ledger.rows import AttemptRow
from terminal.house import hurry

from .counter import Counter, Counters, at
from .house import House

CODE, SYMBOL = "600000.XSHG", "600000.SH"


@pytest.fixture(autouse=True)
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


async def attempts(house: House, signal_id: int) -> list[AttemptRow]:
    return await house.ledger.read(
        lambda tx: [a for o in tx.orders.of_signal(signal_id) for a in tx.attempts.of_order(o.order_id)]
    )


async def attempt_in(house: Counter, state: AttemptState, number: int = 1) -> AttemptRow:
    return await house.until(
        lambda tx: next(
            (a for a in tx.attempts.live(house.name) if (a.state, a.number) == (state, number)),
            None,
        )
    )


async def finish(house: Counter, *signals: int, step_s: float = 1, most: int = 60) -> None:
    """Time goes on by seconds until the orders of these have ended."""
    for _ in range(most):
        with suppress(TimeoutError):
            await house.done(*signals, timeout_s=0.1)
            return
        await house.sweep(after_s=step_s)
    raise AssertionError("they do not end")


# -- 2: a refused row is nobody's proof --------------------------------------------------------------------------------


async def test_2_the_refused_order_before_it_does_not_end_what_is_unknown(counters: Counters) -> None:
    async with counters() as house:
        house.market(CODE)
        house.wrong(remark=lambda _: "程序化交易")
        house.refuse_next("系统繁忙，请稍后重试")
        signal = await house.send("demo", CODE, "buy", 1000, price="10.00")
        [first] = await house.until(
            lambda tx: [a for a in tx.attempts.list(account=house.name, day=at(10, 0).date()) if a.state == "rejected"]
        )
        assert first.broker_order_id, "the id of a refusal is kept"
        house.wrong(list_lag_s=6, pushes="dropped")
        house.lose_answers()
        house.forward(1.5)
        await house.sweep()
        await attempt_in(house, AttemptState.UNKNOWN, 2)
        house.all_well()
        for _ in range(2):
            await house.sweep(after_s=1)
            assert [a.state for a in await attempts(house, signal)] == [AttemptState.REJECTED, AttemptState.UNKNOWN]
        await house.sweep(after_s=6)
        await finish(house, signal)
        assert house.traded(SYMBOL) == (await house.book(CODE, account=house.name)).volume == 1000


async def test_2_a_persons_refused_order_does_not_end_what_is_unknown(counters: Counters) -> None:
    async with counters() as house:
        house.market(CODE)
        house.wrong(remark=lambda _: "程序化交易")
        house.refuse_next("可用资金不足")
        house.by_hand(SYMBOL, "buy", 1000, "10.01")
        house.wrong(list_lag_s=2, pushes="dropped", refuse_by_push=False)
        house.lose_answers()
        signal = await house.send("demo", CODE, "buy", 1000, price="10.00")
        await attempt_in(house, AttemptState.UNKNOWN)
        house.all_well()
        house.forward(1.2)  # the list shows the person's order, and not yet ours
        await house.sweep()
        assert [a.state for a in await attempts(house, signal)] == [AttemptState.UNKNOWN]
        await finish(house, signal)
        assert house.traded(SYMBOL) == (await house.book(CODE, account=house.name)).volume == 1000


# -- 3: the key is account, day and id -----------------------------------------------------------------------------


def theirs(house: Counter, ours: AttemptRow) -> None:
    """A person's order of today gets the id that ours had yesterday."""
    number = int(house.by_hand(SYMBOL, "buy", 1000, "9.60"))
    house.wrong(renumbered=int(ours.broker_order_id or 0) - number)


async def test_3_a_strangers_order_of_today_does_not_end_yesterdays(counters: Counters) -> None:
    async with counters(start=at(14, 50), hours="exchange") as house:
        house.market(CODE)
        signal = await house.send("demo", CODE, "buy", 1000, limit="9.50")
        first = await attempt_in(house, AttemptState.NEW)
        house.wrong(pushes="dropped")
        await house.stop()
        house.forward((at(10, 0, day=3) - at(14, 50)).total_seconds())
        early = house.name == "main"  # the terminal goes on without the service: there it is listed at once
        if early:
            theirs(house, first)
        await house.start()
        mine = await house.until(lambda tx: tx.attempts.unknown(house.name))
        assert [a.attempt_id for a in mine] == [first.attempt_id]
        if not early:
            theirs(house, first)
        for _ in range(3):
            await house.sweep(after_s=60)
        house.forward((at(15, 10, day=3) - at(10, 5, day=3)).total_seconds())
        await house.sweep()
        [again] = await attempts(house, signal)
        assert again.state is AttemptState.UNKNOWN, "only a person can say how it ended"
        told = {"outcome": "ended", "filled": 0}
        answer = await house.console("POST", f"/api/orders/{first.order_id}/settle", json=told)
        assert answer.status_code == 200
        [order] = await house.done(signal)
        assert (order.state, order.filled) == (OrderState.CANCELED, 0)


async def test_3_an_order_of_ours_under_another_id_is_told_and_goes_to_a_person(counters: Counters) -> None:
    async with counters() as house:
        house.market(CODE)
        signal = await house.send("demo", CODE, "buy", 1000, limit="9.50")
        first = await attempt_in(house, AttemptState.NEW)
        house.wrong(renumbered=5000)
        await house.sweep(after_s=2)
        lost = await attempt_in(house, AttemptState.UNKNOWN)
        assert lost.broker_order_id == first.broker_order_id
        told = await house.alerts()
        assert "委托编号变了" in told
        assert first.remark in told
        house.market(CODE, last="9.40")  # filled under an id that nobody knows
        await house.sweep(after_s=2)
        assert [a.state for a in await attempts(house, signal)] == [AttemptState.UNKNOWN]
        renamed = str(int(first.broker_order_id or 0) + 5000)
        settled = {"outcome": "placed", "broker_order_id": renamed}
        answer = await house.console("POST", f"/api/orders/{first.order_id}/settle", json=settled)
        assert answer.status_code == 200, answer.text
        await house.sweep(after_s=2)
        [order] = await house.done(signal)
        assert (order.state, order.filled) == (OrderState.FILLED, 1000)
        assert (await house.book(CODE, account=house.name)).volume == 1000


async def test_3_a_part_that_was_filled_before_is_not_counted_again_under_the_new_id(counters: Counters) -> None:
    async with counters() as house:
        house.market(CODE)
        house.wrong(max_fill=300)
        signal = await house.send("demo", CODE, "buy", 1000, limit="9.50")
        first = await attempt_in(house, AttemptState.NEW)
        house.market(CODE, last="9.40")
        await attempt_in(house, AttemptState.PARTIALLY_FILLED)
        house.wrong(renumbered=5000)
        await house.sweep(after_s=2)
        await attempt_in(house, AttemptState.UNKNOWN)
        house.wrong(max_fill=None)
        settled = {"outcome": "placed", "broker_order_id": str(int(first.broker_order_id or 0) + 5000)}
        answer = await house.console("POST", f"/api/orders/{first.order_id}/settle", json=settled)
        assert answer.status_code == 200, answer.text
        house.market(CODE, last="9.30")
        await finish(house, signal)
        [order] = await house.done(signal)
        assert (order.filled, order.reason) == (1000, None)
        assert (await house.book(CODE, account=house.name)).volume == house.traded(SYMBOL) == 1000
