"""What a counter says is late, partial, old, or about something else: each row on both counters."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from jqfollow.domain import AttemptState, OrderState, WaitingFor
from jqfollow.ledger.rows import AttemptRow
from jqfollow.reasons import Reason
from terminal.house import hurry
from terminal.terminal import Terminal

from .counter import Counter, Counters, TerminalCounter, at, counters_of
from .house import House

CODE, SYMBOL, BOND = "600000.XSHG", "600000.SH", "113001.XSHG"
SLOW = pytest.mark.slow
FUND = "159941.XSHE"
"""A cross-border fund: sold on the day, which its code does not tell."""


@pytest.fixture(autouse=True)
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


async def attempts(house: House, signal_id: int) -> list[AttemptRow]:
    return await house.ledger.read(
        lambda tx: [a for o in tx.orders.of_signal(signal_id) for a in tx.attempts.of_order(o.order_id)]
    )


async def waits(house: House, signal_id: int, what: WaitingFor) -> None:
    await house.until(lambda tx: [o for o in tx.orders.of_signal(signal_id) if o.waiting_for is what])


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
        assert (await house.console("POST", f"/api/orders/{first.order_id}/cancel")).status_code == 200
        for _ in range(3):
            await house.sweep(after_s=60)
        assert [o["state"] for o in house.truth()] == ["new"], "its id of yesterday names a stranger's order today"
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
        house.wrong(max_fill=1)
        signal = await house.send("demo", CODE, "buy", 1000, limit="9.50")
        first = await attempt_in(house, AttemptState.NEW)
        house.market(CODE, last="9.40")
        await attempt_in(house, AttemptState.PARTIALLY_FILLED)
        house.market(CODE)  # no more of it: what follows may take its time
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


# -- 1: money and shares that follow by seconds ------------------------------------------------------------------------


@pytest.mark.parametrize("lag_s", [pytest.param(0.5, marks=SLOW), 3, pytest.param(10, marks=SLOW)])
async def test_1_a_buy_with_the_money_of_a_sell_is_placed_once_whatever_the_lag(
    counters: Counters, lag_s: float
) -> None:
    async with counters(cash=30_500) as house:
        house.market(BOND, last="100.000")
        house.market(CODE)
        await house.done(await house.send("demo", BOND, "buy", 300, price="100"))
        await house.sweep(after_s=11)
        house.wrong(money_lag_s=lag_s, shares_lag_s=lag_s)
        await finish(house, await house.send("demo", BOND, "sell", 300, price="100"))
        bought = await house.send("demo", CODE, "buy", 2900, price="10.00")
        await finish(house, bought)
        [order] = await house.done(bought)
        assert (order.state, order.filled) == (OrderState.FILLED, 2900)
        assert [a.state for a in await attempts(house, bought)] == [AttemptState.FILLED], "never two on one figure"


# -- 1: a position that is counted twice, or not yet ------------------------------------------------------------------


async def test_1_what_was_just_bought_counts_once_towards_the_share_of_a_code(counters: Counters) -> None:
    async with counters(cash=100_000, risk={"max_position_ratio": 0.5}) as house:
        house.market(CODE)
        house.wrong(pushes="dropped")  # the counter holds it, the ledger does not know yet
        first = await house.send("demo", CODE, "buy", 3000, price="10.00")
        await house.until(lambda _: house.traded(SYMBOL) == 3000)
        second = await house.send("demo", CODE, "buy", 1000, price="10.00")
        await finish(house, first, second)
        orders = await house.done(first, second)
        assert [(o.filled, o.reason) for o in orders] == [(3000, None), (1000, None)]


@pytest.mark.parametrize("again", [1900, 2100])
async def test_1_what_the_counter_does_not_show_yet_counts_towards_the_share_of_a_code(
    counters: Counters, again: int
) -> None:
    async with counters(cash=100_000, risk={"max_position_ratio": 0.5}) as house:
        house.market(CODE)
        house.wrong(shares_lag_s=3)
        await finish(house, await house.send("demo", CODE, "buy", 3000, price="10.00"))
        second = await house.send("demo", CODE, "buy", again, price="10.00")
        await finish(house, second)
        [order] = await house.done(second)
        told = (1900, None) if again == 1900 else (0, Reason.MAX_POSITION_RATIO)
        assert (order.filled, order.reason) == told


async def test_1_what_was_asked_before_it_settled_and_judged_after_is_asked_once_more(tmp_path: Path) -> None:
    async with counters_of("paper", tmp_path, None)(cash=100_000, risk={"max_position_ratio": 0.5}) as house:  # type: ignore[arg-type]
        house.market(CODE)
        house.wrong(shares_lag_s=3)
        await finish(house, await house.send("demo", CODE, "buy", 3000, price="10.00"))
        gate = house.faults["paper"].hang("positions", after=True)
        second = await house.send("demo", CODE, "buy", 1900, price="10.00")
        assert await asyncio.to_thread(gate.wait_arrived, 10)
        house.forward(11)
        gate.release()
        await finish(house, second)
        [order] = await house.done(second)
        assert (order.filled, order.reason) == (1900, None)


# -- 4: the feed has an age --------------------------------------------------------------------------------------------


async def test_4_a_quote_of_another_day_makes_an_order_wait_and_not_end(counters: Counters) -> None:
    async with counters(start=at(10, 0), hours="exchange") as house:
        house.market(CODE)
        house.market("000001.XSHE")
        house.wrong(feed_stopped_at=at(9, 50) - timedelta(days=1))
        signal = await house.send("demo", CODE, "buy", 1000, price="10.00")
        await waits(house, signal, WaitingFor.FEED)
        await house.sweep(after_s=70)
        await waits(house, signal, WaitingFor.FEED)
        assert not house.truth()
        house.wrong(feed_stopped_at=None)
        await finish(house, signal)
        [order] = await house.done(signal)
        assert order.filled == 1000


async def test_4_a_feed_that_stops_in_a_session_is_told_from_a_code_that_does_not_trade(counters: Counters) -> None:
    async with counters(start=at(10, 0), hours="exchange") as house:
        house.market(CODE)
        house.wrong(feed_stopped_at=at(10, 0))
        await house.done(await house.send("demo", CODE, "buy", 100, price="10.00"))
        house.forward(45)
        held = await house.send("demo", CODE, "buy", 1000, price="10.00")
        await waits(house, held, WaitingFor.FEED)
        [figures] = await house.ledger.read(
            lambda tx: [
                v["figures"]
                for d in tx.decisions.of_order(tx.orders.of_signal(held)[0].order_id)
                for v in d.verdicts
                if v["rule"] == "old_quote" and v["outcome"] == "wait"
            ]
        )
        assert int(figures["age_s"]) >= 45, "people read how old it is"
        house.wrong(feed_stopped_at=None)
        await finish(house, held)
        assert house.traded(SYMBOL) == 1100


# -- 5: the account's own line -----------------------------------------------------------------------------------------


async def test_5_what_nothing_explains_is_told_and_what_is_missing_for_the_books(counters: Counters) -> None:
    async with counters(start=at(9, 10), hours="exchange") as house:
        house.market(CODE)
        house.give(SYMBOL, 500)
        await compared(house)
        assert "核对持仓" not in await house.alerts(), "what was there before is the account's own"
        house.forward((at(9, 31) - at(9, 12)).total_seconds())
        await house.done(await house.send("demo", CODE, "buy", 1000, price="10.00"))
        house.by_hand(SYMBOL, "buy", 200, "10.10")
        house.forward((at(15, 4) - at(9, 31)).total_seconds())
        await compared(house)
        assert "核对持仓" not in await house.alerts(), "orders by hand explain it"
        house.forward((at(9, 10, day=3) - at(15, 5)).total_seconds())
        house.give(SYMBOL, 1720)  # bonus shares in the night
        await compared(house)
        told = await house.alerts()
        assert "开盘前核对持仓" in told
        assert "600000.SH 券商 1720、账本 1000（变化 +20）" in told
        house.forward((at(9, 40, day=3) - at(9, 12, day=3)).total_seconds())
        house.market(CODE)
        house.by_hand(SYMBOL, "sell", 900, "9.90")
        house.forward((at(15, 4, day=3) - at(9, 40, day=3)).total_seconds())
        await compared(house)
        told = await house.alerts()
        assert "券商持有的比账本少" in told
        assert "600000.SH 券商 820、账本 1000" in told


async def test_5_a_terminal_that_shows_less_for_a_moment_alarms_nobody(tmp_path: Path) -> None:
    async with counters_of("paper", tmp_path, None)(start=at(9, 10), hours="exchange") as house:  # type: ignore[arg-type]
        house.give(SYMBOL, 500)
        await compared(house)
        house.forward((at(15, 4) - at(9, 12)).total_seconds())
        house.give(SYMBOL, 100)
        await house.sweep()
        house.give(SYMBOL, 500)
        await compared(house)
        assert "核对持仓" not in await house.alerts()


async def compared(house: Counter) -> None:
    """What is compared is seen again after a while."""
    for _ in range(3):
        await house.sweep(after_s=25)


# -- 6: what was bought today ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("closes", [True, False])
async def test_6_a_fund_that_the_broker_lets_be_sold_today_is_sold_today(counters: Counters, closes: bool) -> None:
    async with counters(start=at(9, 31), hours="exchange") as house:
        house.market(FUND, last="1.000")
        await house.sweep()
        await house.done(await house.send("demo", FUND, "buy", 1000, price="1.00"))
        house.give("159941.SZ", 1000)  # all of it can be sold, by the counter's figures
        sold = await house.send("demo", FUND, "sell", 1000 if closes else 400, price="1.00")
        await finish(house, sold)
        [order] = await house.done(sold)
        assert (order.state, order.filled) == (OrderState.FILLED, 1000 if closes else 400)


async def test_6_else_it_is_owed_to_the_next_days_first_session(counters: Counters) -> None:
    async with counters(start=at(14, 31), hours="exchange") as house:
        house.market(FUND, last="1.000")
        house.give("159941.SZ", 300)  # a person's own: the books never sell it
        await house.sweep()
        await house.done(await house.send("demo", FUND, "buy", 1000, price="1.00"))
        sold = await house.send("demo", FUND, "sell", 1000, price="1.00")
        for _ in range(12):
            await house.sweep(after_s=1)
        await waits(house, sold, WaitingFor.NEXT_DAY)
        assert "下一个交易日开盘后卖出" in await house.alerts()
        assert house.traded("159941.SZ", "sell") == 0
        house.forward((at(9, 20, day=3) - at(14, 31)).total_seconds())
        await house.sweep()
        await waits(house, sold, WaitingFor.NEXT_DAY)
        house.market(FUND, last="1.000")
        house.forward((at(9, 30, 5, day=3) - at(9, 20, day=3)).total_seconds())
        await finish(house, sold)
        orders = await house.done(sold)
        assert [(o.state, o.filled, o.day.day) for o in orders] == [(OrderState.FILLED, 1000, 3)]
        assert (await house.book(FUND, account=house.name)).volume == 0


async def test_6_of_an_exit_the_part_that_was_bought_today_is_owed(counters: Counters) -> None:
    async with counters(start=at(14, 31), hours="exchange") as house:
        house.market(CODE)
        await house.done(await house.send("demo", CODE, "buy", 1000, price="10.00"))
        house.forward((at(10, 0, day=3) - at(14, 31)).total_seconds())
        house.market(CODE)
        await house.sweep()
        await house.done(await house.send("demo", CODE, "buy", 500, price="10.00"))
        sold = await house.send("demo", CODE, "sell", 1500, price="10.00")
        await house.until(lambda tx: [o for o in tx.orders.of_signal(sold) if o.filled == 1000])
        await waits(house, sold, WaitingFor.NEXT_DAY)
        house.forward((at(9, 31, day=4) - at(10, 0, day=3)).total_seconds())
        house.market(CODE)
        await finish(house, sold)
        assert [o.filled for o in await house.done(sold)] == [1000, 500]
        assert "没有卖完" not in await house.alerts()


# -- 7: halts, the account's states, the day's end ---------------------------------------------------------------------


async def test_7_a_halt_is_waited_for_by_entries_and_exits(counters: Counters) -> None:
    async with counters() as house:
        house.market(BOND, last="100.000")
        await house.done(await house.send("demo", BOND, "buy", 100, price="100"))
        house.wrong(halted={"113001.SH"})
        sold = await house.send("demo", BOND, "sell", 100, price="100")
        await waits(house, sold, WaitingFor.HALT)
        for _ in range(3):
            await house.sweep(after_s=100)
        await waits(house, sold, WaitingFor.HALT)
        assert "还没有卖出" in await house.alerts()
        house.wrong(halted=set())
        await finish(house, sold)
        [order] = await house.done(sold)
        assert (order.state, order.filled) == (OrderState.FILLED, 100)


async def test_7_what_the_list_of_the_day_shows_in_the_evening_is_settled(counters: Counters) -> None:
    async with counters(start=at(14, 50), hours="exchange") as house:
        house.market(CODE)
        signal = await house.send("demo", CODE, "buy", 1000, limit="9.50")
        await attempt_in(house, AttemptState.NEW)
        house.wrong(pushes="dropped")
        await house.stop()
        house.forward((at(20, 0) - at(14, 50)).total_seconds())
        await house.start()
        await house.sweep()
        [order] = await house.done(signal)
        assert (order.state, order.reason) == (OrderState.EXPIRED, Reason.DAY_OVER)
        assert not await house.ledger.read(lambda tx: tx.attempts.unknown(house.name))


async def test_7_people_are_told_before_the_close_that_nobody_will_settle_the_day(counters: Counters) -> None:
    async with counters(start=at(14, 50), hours="exchange") as house:
        house.market(CODE)
        await house.send("demo", CODE, "buy", 1000, limit="9.50")
        first = await attempt_in(house, AttemptState.NEW)
        house.service.parts.accounts[house.name].set_down("交易终端已关闭", "the terminal is closed")
        closing = house.service.parts.sweeps._closing
        account = house.service.parts.accounts[house.name]
        assert not await closing.look(account, at(14, 54))
        assert await closing.look(account, at(14, 56))
        assert not await closing.look(account, at(14, 57)), "once"
        told = await house.alerts()
        assert "登录到 15:05" in told
        assert first.remark in told
        assert await closing.look(account, at(15, 4)), "and in the evening, while the list still has the day"
        assert "今晚登录" in await house.alerts()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (2, "登录中"),
        (4, "初始化中"),
        pytest.param(5, "校正", marks=SLOW),
        pytest.param(9, "用户停用", marks=SLOW),
    ],
)
async def test_7_an_account_that_logs_in_or_initialises_is_not_ready_and_says_so(
    terminal: Terminal, tmp_path: Path, state: int, words: str
) -> None:
    async with counters_of("terminal", tmp_path, lambda: terminal)() as house:
        assert isinstance(house, TerminalCounter)
        house.market(CODE)
        terminal.tell("account_state", state=state)
        await house.ready(is_ready=False)
        assert words in house.service.parts.accounts[house.name].why_zh
        signal = await house.send("demo", CODE, "buy", 1000, price="10.00")
        await house.sweep()
        assert not house.truth()
        terminal.tell("account_state", state=0, quietly=True)  # the push is lost: the probe asks
        await house.ready()
        await finish(house, signal)
        assert house.traded(SYMBOL) == 1000


# -- 8: placing calls that hang ----------------------------------------------------------------------------------------


async def test_8_two_calls_without_an_answer_hold_the_others_back_until_one_answers(counters: Counters) -> None:
    codes = [f"60000{number}.XSHG" for number in range(5)]
    async with counters() as house:
        for code in codes:
            house.market(code)
        house.wrong(list_lag_s=300, pushes="dropped")
        house.lose_answers(2)
        signals = []
        for number, code in enumerate(codes[:2], start=1):
            signals.append(await house.send("demo", code, "buy", 100, price="10.00"))
            await house.until(lambda tx, n=number: len(tx.attempts.unknown(house.name)) == n)
        house.all_well()
        held = await house.send("demo", codes[2], "buy", 100, price="10.00")
        await waits(house, held, WaitingFor.BROKER)
        await house.sweep(after_s=5)
        assert not await attempts(house, held)
        house.wrong(list_lag_s=0)
        await finish(house, *signals, held, step_s=2)
        assert sorted(o["volume"] for o in house.truth()) == [100, 100, 100]
        assert not house.service.parts.accounts[house.name].placing_calls.hung


# -- 16: a person's cancel goes on -------------------------------------------------------------------------------------


async def test_16_a_persons_cancel_goes_on_when_the_days_cancels_are_used_up(counters: Counters) -> None:
    async with counters(risk={"max_cancels_per_day": 1}, execution={"price": "own", "cancel_after_s": 5}) as house:
        for code in (CODE, "600001.XSHG"):
            house.market(code, bid="9.90", ask="10.10")
        stands = await house.send("demo", "600001.XSHG", "buy", 100, price="10.00")
        await attempt_in(house, AttemptState.NEW)
        signal = await house.send("demo", CODE, "buy", 1000, limit="9.50")
        [order] = await house.until(lambda tx: tx.orders.of_signal(signal))
        await house.until(lambda tx: [a for a in tx.attempts.of_order(order.order_id) if a.state == "new"])
        house.wrong(ignore_cancels=True)
        assert (await house.console("POST", f"/api/orders/{order.order_id}/cancel")).status_code == 200
        for _ in range(9):  # the others' cancels are used up, and so are six of its own
            await house.sweep(after_s=11)
        cancels = [a.cancels for a in await attempts(house, signal)]
        assert cancels[0] >= 6, cancels
        assert "撤单次数" in await house.alerts() or "max_cancels" in await house.alerts()
        house.wrong(ignore_cancels=False)
        await finish(house, signal, step_s=20)
        assert [o.state for o in await house.done(signal)] == [OrderState.CANCELED]
        assert [a.cancels for a in await attempts(house, stands)] == [0]


# -- 13: the practice exchange's prices --------------------------------------------------------------------------------


async def test_13_what_somebody_wishes_moves_no_market_and_rests(tmp_path: Path) -> None:
    strategies = {name: {"follow": {"paper": 1}} for name in ("demo", "other")}
    async with House(tmp_path, strategies=strategies, execution={"price": "latest"}) as house:
        [first] = await house.done(await house.send("demo", CODE, "buy", 100, price="10.00"))
        assert first.avg_price is not None
        assert abs(first.avg_price - 10) < Decimal("0.2"), "anchored by what a strategy was filled at"
        rests = await house.send("other", CODE, "buy", 100, limit="9.20")
        await house.in_state(rests, OrderState.NEW)
        token = {"strategy": "demo", "account": "paper", "security": CODE, "side": "buy", "volume": 100, "price": "15"}
        refused = await house.console("POST", "/api/orders", json=token)
        assert refused.status_code in {200, 201, 202}, refused.text
        await house.sweep(after_s=30)
        [second] = await house.done(await house.send("other", CODE, "buy", 100, price="10.00"))
        assert second.avg_price is not None
        assert abs(second.avg_price - 10) < Decimal("0.2"), "nobody stands at limit-up because one wished it"
        assert [o.filled for o in await house.ledger.read(lambda tx: tx.orders.of_signal(rests))] == [0]
        quote = house.brokers["paper"].quote(SYMBOL)
        assert quote is not None
        assert quote.last is not None
        assert abs(quote.last - 10) < Decimal("0.3")


async def test_12_an_exit_is_never_stale(counters: Counters) -> None:
    async with counters() as house:
        house.market(BOND, last="100.000")
        await house.done(await house.send("demo", BOND, "buy", 100, price="100"))
        late = await house.send("demo", BOND, "sell", 50, price="100", age_s=200)
        assert [o.reason for o in await house.done(late)] == [Reason.STALE]
        exit_ = await house.send("demo", BOND, "sell", 50, price="100", position_after=0, age_s=200)
        await finish(house, exit_)
        assert [o.filled for o in await house.done(exit_)] == [100], "the whole book"
