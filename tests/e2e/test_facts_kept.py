"""Facts that an order keeps, and trouble that stays small: each case by its number in docs/decisions/0011."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jqfollow.clock import SHANGHAI
from jqfollow.domain import AttemptState, BrokerError, OrderState, WaitingFor
from jqfollow.execution.brokers.port import BrokerTraits
from jqfollow.ledger.errors import ImpossibleError, LedgerError
from jqfollow.reasons import Reason
from jqfollow.settings import FullQmtAccount, PaperAccount, QmtAccount

from .house import House, arrived

CODE, OTHER, BOND = "000001.XSHE", "600000.XSHG", "113001.XSHG"
EXCHANGE = {"paper": {"hours": "exchange", "cash": 100_000_000}}
HOLD = {"outside_hours": "hold"}
DOUBTFUL = BrokerTraits(real=False, absence_is_proof=False, always_open=True)


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 3, 2, hour, minute, second, tzinfo=SHANGHAI)


def reconfigured(house: House, **changes: Any) -> None:
    """Another configuration for the next start."""
    told = house.settings.model_dump(exclude={"accounts", "strategies", "notify"})
    told["risk"]["orders_per_second"] = 50
    house.settings = type(house.settings).model_validate({**told, "notify": {}, **changes})


async def held_order(house: House, **more: Any) -> int:
    signal_id = await house.send("demo", CODE, "buy", 10_000, price="10.00", **more)
    await house.until(lambda tx: [o for o in tx.orders.of_signal(signal_id) if o.waiting_for is WaitingFor.SESSION])
    return signal_id


# 1


@pytest.mark.parametrize("change", ["follow removed", "strategy renamed"])
async def test_1_a_held_order_goes_out_at_its_own_ratio_or_ends(tmp_path: Path, change: str) -> None:
    strategies = {"demo": {"follow": {"paper": 0.1}}}
    async with House(tmp_path, accounts=EXCHANGE, strategies=strategies, risk=HOLD, start=at(9, 0)) as house:
        signal_id = await held_order(house)
        await house.stop()
        after = {"demo": {}} if change == "follow removed" else {"renamed": {"follow": {"paper": 1}}}
        reconfigured(house, accounts={"paper": {"broker": "paper", **EXCHANGE["paper"]}}, strategies=after)
        await house.start()
        await house.sweep(after_s=31 * 60)
        [order] = await house.done(signal_id)
        if change == "follow removed":
            assert (order.volume, order.state) == (1000, OrderState.FILLED)
        else:
            assert (order.filled, order.reason) == (0, Reason.NOT_FOLLOWED)


# 2


async def test_2_an_order_whose_account_is_gone_is_cancelled_settled_and_ends(tmp_path: Path) -> None:
    accounts = {"paper": {"cash": 10_000_000}, "old": {"cash": 10_000_000}}
    strategies = {"demo": {"follow": {"old": 1}}}
    async with House(tmp_path, accounts=accounts, strategies=strategies, execution={"price": "own"}) as house:
        house.market(CODE)
        signal_id = await house.send("demo", CODE, "buy", 1000, limit="9.90", order_id="5")
        order = await house.in_state(signal_id, OrderState.NEW)
        await house.stop()
        reconfigured(
            house,
            accounts={"paper": {"broker": "paper", "cash": 10_000_000}},
            strategies={"demo": {"follow": {"paper": 1}}},
        )
        await house.start()
        canceled = await house.send("demo", CODE, "buy", 1000, limit="9.90", order_id="5", status="canceled")
        await house.signal(canceled)
        answer = await house.console("POST", f"/api/orders/{order.order_id}/cancel")
        assert answer.status_code < 500
        assert "交易终端" in answer.text
        settled = {"outcome": "ended", "filled": 300, "price": "9.90"}
        answer = await house.console("POST", f"/api/orders/{order.order_id}/settle", json=settled)
        assert answer.status_code == 200, answer.text
        [order] = await house.done(signal_id)
        assert (order.state, order.filled) == (OrderState.CANCELED, 300)
        [other] = await house.done(await house.send("demo", OTHER, "buy", 100, price="10.00"))
        assert other.filled == 100


async def test_2_an_adapters_mistake_in_a_cancel_stays_with_its_attempt(tmp_path: Path) -> None:
    async with House(tmp_path, execution={"price": "own"}) as house:
        house.market(CODE)
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        order = await house.in_state(signal_id, OrderState.NEW)
        house.faults["paper"].fail("cancel", ZeroDivisionError("an adapter's mistake"))  # type: ignore[arg-type]
        answer = await house.console("POST", f"/api/orders/{order.order_id}/cancel")
        assert answer.status_code == 200, answer.text
        await house.sweep(after_s=11)
        [order] = await house.done(signal_id)
        assert order.reason is Reason.CANCELED_BY_USER


@pytest.mark.parametrize("question", ["asset", "positions"])
async def test_2_an_adapters_mistake_in_a_question_stays_with_its_account(tmp_path: Path, question: Any) -> None:
    accounts = {"paper": {"cash": 10_000_000}, "other": {"cash": 10_000_000}}
    async with House(tmp_path, accounts=accounts) as house:
        house.faults["paper"].fail(question, ZeroDivisionError("an adapter's mistake"), times=2)  # type: ignore[arg-type]
        signal_id = await house.send("demo", CODE, "buy", 100, price="10.00")
        await house.until(lambda tx: sum(o.filled for o in tx.orders.of_signal(signal_id)) or None)
        for _ in range(5):
            await house.sweep(after_s=3)
            await asyncio.sleep(0.05)
        orders = await house.done(signal_id)
        assert [o.filled for o in orders] == [100, 100]
        assert not any(task.done() for task in house.service._tasks)


async def test_2_a_list_that_holds_nonsense_stops_its_account_alone(tmp_path: Path) -> None:
    accounts = {"paper": {"cash": 10_000_000}, "other": {"cash": 10_000_000}}
    async with House(tmp_path, accounts=accounts) as house:
        house.faults["paper"].fail("orders", ValueError("a row of nonsense"))  # type: ignore[arg-type]
        house.brokers["paper"].drop("gone")
        await house.until(lambda _: not house.service.parts.accounts["paper"].ready)
        [order] = [
            o for o in await house.done(await house.send("demo", CODE, "buy", 100, price="10")) if o.account == "other"
        ]
        assert order.filled == 100
        assert not any(task.done() for task in house.service._tasks)


# 3


async def test_3_a_held_order_outlives_a_passing_refusal_and_so_do_all_its_parts(tmp_path: Path) -> None:
    async with House(
        tmp_path, accounts=EXCHANGE, risk=HOLD | {"max_position_ratio": 1}, start=at(9, 0), execution={"price": "peer"}
    ) as house:
        house.market(CODE, last="10.00")
        signal_id = await house.send("demo", CODE, "buy", 1_000_300, price="10.00")
        await house.until(lambda tx: [o for o in tx.orders.of_signal(signal_id) if o.waiting])
        house.faults["paper"].refuse("[COUNTER][1][系统繁忙，请稍后重试]")
        await house.sweep(after_s=30 * 60 + 5)
        await house.until(lambda tx: [a for a in tx.attempts.of_order(1) if a.state == "rejected"])
        for _ in range(4):
            await house.sweep(after_s=3)
        orders = await house.done(signal_id)
        assert [(o.volume, o.state) for o in orders] == [(1_000_000, "filled"), (300, "filled")]


async def test_3_no_step_of_the_clock_makes_a_signal_fresher(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.faults["paper"].fail("connect", BrokerError("not yet"), times=1000)
        house.faults["paper"].fail("asset", BrokerError("not yet"), times=3)
        house.brokers["paper"].drop("gone")
        await house.until(lambda _: not house.service.parts.accounts["paper"].ready)
        signal_id = await house.send("demo", CODE, "buy", 100, price="10.00")
        await house.until(lambda tx: [o for o in tx.orders.of_signal(signal_id) if o.waiting])
        house.clock._start -= timedelta(hours=1)  # the wall clock is set back, and 61 s go by
        await house.sweep(after_s=61)
        [order] = await house.done(signal_id)
        assert order.reason in {Reason.BROKER_DOWN, Reason.STALE}


async def test_3_no_hour_ends_an_order_of_the_exchange_that_never_closes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Started in the evening it has not told its day yet: what was never handed over is of no day that is over."""
    async with House(tmp_path, start=at(19, 30)) as house:
        house.market(CODE)

        async def never(_: Any) -> Any:
            await asyncio.Event().wait()

        monkeypatch.setattr(
            house.service.parts.accounts["paper"], "place", never
        )  # the intent stands, its call is not begun
        signal_id = await house.send("demo", CODE, "buy", 100, price="10.00")
        await house.until(lambda tx: tx.attempts.live("paper"))
        await house.crash()
        house.faults["paper"].fail("connect", BrokerError("not yet"))
        await house.start()
        await house.sweep(after_s=2)
        [order] = await house.done(signal_id)
        assert (order.filled, order.reason) == (100, None)
        assert [a.state for a in await house.attempts(order)] == ["rejected", "filled"]


# 4


async def test_4_another_number_behind_a_name_trades_nothing_of_its_books(tmp_path: Path) -> None:
    def numbered(number: str) -> QmtAccount:
        return QmtAccount.model_validate({"broker": "qmt", "qmt_path": str(tmp_path), "account_id": number})

    async with House(tmp_path, traits={"paper": DOUBTFUL}, wecom=True) as house:
        house.settings.accounts["paper"] = numbered("111")
        await house.restart()
        [order] = await house.done(await house.send("demo", BOND, "buy", 100, price="100"))
        assert order.terms.account_number == "111"
        house.settings.accounts["paper"] = numbered("222")
        await house.restart()
        sold = await house.send("demo", BOND, "sell", 100, price="100", position_after=0)
        await house.until(lambda tx: [o for o in tx.orders.of_signal(sold) if o.waiting_for is WaitingFor.BROKER])
        await house.told("【急】", "111", "222", "--same")
        assert (await house.console("GET", "/readyz")).status_code == 503
        house.settings.accounts["paper"] = numbered("111")
        await house.restart()
        [order] = await house.done(sold)
        assert order.filled == 100


async def test_4_another_terminal_to_the_same_number_goes_on_with_its_books_from_the_next_day(tmp_path: Path) -> None:
    paths = {"qmt_path": str(tmp_path), "mailbox": str(tmp_path / "信箱")}

    def through(broker: str, path: str) -> QmtAccount | FullQmtAccount:
        kind = QmtAccount if broker == "qmt" else FullQmtAccount
        return kind.model_validate({"broker": broker, path: paths[path], "account_id": "111"})

    real = BrokerTraits(real=True, absence_is_proof=False, always_open=False)
    async with House(tmp_path, traits={"paper": real}, start=at(10, 0), wecom=True) as house:
        house.settings.accounts["paper"] = through("qmt", "qmt_path")
        await house.restart()
        await house.done(await house.send("demo", BOND, "buy", 100, price="100"))
        house.settings.accounts["paper"] = through("fullqmt", "mailbox")
        await house.restart()
        await house.told("【急】", "下一个交易日")
        assert (await house.console("GET", "/readyz")).status_code == 503
        house.forward(24 * 3600)
        await house.restart()
        [order] = await house.done(await house.send("demo", BOND, "sell", 100, price="100", position_after=0))
        assert (order.filled, order.terms.account_number) == (100, "111")


async def test_4_books_of_a_strategy_that_was_renamed_are_told(tmp_path: Path) -> None:
    async with House(tmp_path, wecom=True) as house:
        await house.done(await house.send("demo", CODE, "buy", 300, price="10.00"))
        await house.stop()
        house.settings = house.settings.model_copy(update={"strategies": {"other": house.settings.strategies["demo"]}})
        await house.start()
        await house.told("策略 demo 已不在配置里", "000001.SZ 300")


# 5


async def test_5_an_answer_that_cannot_be_written_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with House(tmp_path) as house:
        house.market(CODE)
        hand_over, refusing = house.ledger.hand_over, [True]

        def failing(fns: Any) -> Any:
            async def fail() -> Any:
                raise LedgerError("disk full")

            return fail() if refusing and "_answered" in repr(fns) else hand_over(fns)

        monkeypatch.setattr(house.ledger, "hand_over", failing)
        house.faults["paper"].pushes = type(house.faults["paper"].pushes).DROPPED
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        await house.until(lambda _: house.service.parts.desk._open["paper"].unwritten)
        refusing.clear()
        await house.sweep(after_s=1)
        await house.sweep(after_s=3)
        [order] = await house.done(signal_id)
        assert order.filled == 1000
        assert len(house.brokers["paper"].orders()) == 1


async def test_5_a_passing_trouble_of_the_disk_ends_no_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a signal nor an order ends because the ledger could not be written for a moment."""
    async with House(tmp_path) as house:
        house.market(CODE)
        write_all, troubles = house.ledger.write_all, [2]

        async def troubled(fns: Any) -> Any:
            if fns and troubles[0] and "intend" in repr(fns):
                troubles[0] -= 1
                return [LedgerError("disk full") for _ in fns]
            return await write_all(fns)

        monkeypatch.setattr(house.ledger, "write_all", troubled)
        [order] = await house.done(await house.send("demo", CODE, "buy", 1000, price="10.00"))
        assert (order.filled, troubles[0], house.service.parts.follower.failures) == (1000, 0, 0)


async def test_5_a_ledger_that_takes_no_more_keeps_the_answer(tmp_path: Path) -> None:
    async with House(tmp_path, traits={"paper": DOUBTFUL}) as house:
        house.market(CODE)
        house.faults["paper"].pushes = type(house.faults["paper"].pushes).DROPPED
        submit_all, refusing = house.ledger._writing().submit_all, [True]

        def full(fns: Any) -> Any:
            if refusing and "_answered" in repr(fns):
                raise LedgerError("too many wait")
            return submit_all(fns)

        house.ledger._writing().submit_all = full  # type: ignore[method-assign]
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        await house.until(lambda _: house.service.parts.desk._open["paper"].unwritten)
        refusing.clear()
        await house.sweep(after_s=1)
        await house.sweep(after_s=3)
        [order] = await house.done(signal_id)
        assert (order.filled, len(house.brokers["paper"].orders())) == (1000, 1)


async def test_5_an_answer_that_contradicts_the_ledger_is_an_unknown_outcome(tmp_path: Path) -> None:
    async with House(tmp_path, traits={"paper": DOUBTFUL}, execution={"price": "own"}, wecom=True) as house:
        house.market(CODE)
        house.market(OTHER)
        await house.in_state(await house.send("demo", CODE, "buy", 1000, price="10.00"), OrderState.NEW)
        [known] = house.brokers["paper"].orders()
        place = house.brokers["paper"].place

        def confused(request: Any) -> Any:
            placed = place(request)
            return type(placed)(broker_order_id=known.broker_order_id)

        house.faults["paper"].pushes = type(house.faults["paper"].pushes).DROPPED
        house.brokers["paper"].place = confused  # type: ignore[method-assign]
        await house.send("demo", OTHER, "buy", 1000, price="10.00")
        await house.until(lambda tx: [a for a in tx.attempts.unknown("paper") if a.security == "600000.SH"])
        await house.told("【急】委托结果未知", "600000.SH")


async def test_5_an_attempt_without_an_answer_becomes_unknown_by_itself(tmp_path: Path) -> None:
    async with House(tmp_path, traits={"paper": DOUBTFUL}) as house:
        house.faults["paper"].pushes = type(house.faults["paper"].pushes).DROPPED
        gate = house.faults["paper"].hang("place")
        await house.send("demo", CODE, "buy", 1000, price="10.00")
        await arrived(gate)
        house.service.parts.desk._open["paper"].calling.clear()  # as if the task that waits for it had died
        await house.sweep(after_s=7)
        [attempt] = await house.until(lambda tx: tx.attempts.unknown("paper"))
        assert attempt.state is AttemptState.UNKNOWN


def test_5_a_broken_constraint_is_no_try_again() -> None:
    assert issubclass(ImpossibleError, LedgerError)


# 6


async def test_6_what_waits_for_an_unknown_outcome_holds_up_no_other_code(tmp_path: Path) -> None:
    async with House(tmp_path, traits={"paper": DOUBTFUL}) as house:
        house.faults["paper"].fail("place", BrokerError("没有答复"))
        await house.send("demo", CODE, "buy", 1000, price="10.00")
        await house.until(lambda tx: tx.attempts.unknown("paper"))
        waiting = [await house.send("demo", CODE, "buy", 100, price="10.00") for _ in range(3)]
        for signal_id in waiting:
            await house.until(lambda tx, s=signal_id: [o for o in tx.orders.of_signal(s) if o.waiting])
        asked: list[str] = []
        positions = house.brokers["paper"].positions

        def counted() -> Any:
            asked.append("positions")
            return positions()

        house.brokers["paper"].positions = counted  # type: ignore[method-assign]
        for _ in range(3):
            await house.service.parts.sweeps.retry(house.service.parts.accounts["paper"], house.clock.now())
            house.forward(2)
            await asyncio.sleep(0.05)
        assert asked == []
        [order] = await house.done(await house.send("demo", OTHER, "buy", 100, price="10.00"))
        assert order.filled == 100


# 7


async def test_7_none_of_a_hundred_is_stale_by_our_own_doing(tmp_path: Path) -> None:
    """Two seconds of virtual time an answer: the last of the hundred goes out long after its signal's minute."""
    narrow = BrokerTraits(real=False, absence_is_proof=True, always_open=True, width=4)
    async with House(tmp_path, accounts={"paper": {"cash": 100_000_000}}, traits={"paper": narrow}) as house:
        place = house.brokers["paper"].place

        def slow(request: Any) -> Any:
            house.forward(2)
            return place(request)

        house.brokers["paper"].place = slow  # type: ignore[method-assign]
        codes = [f"{600100 + n}.XSHG" for n in range(100)]
        signals = [await house.send("demo", code, "buy", 100, price="10.00") for code in codes]
        orders = await house.done(*signals)
        assert {(o.state, o.reason) for o in orders} == {(OrderState.FILLED, None)}


# 8


async def test_8_cancels_at_a_hanging_account_hold_up_no_other(tmp_path: Path) -> None:
    async with House(
        tmp_path,
        accounts={"slow": {"cash": 10_000_000}, "paper": {"cash": 10_000_000}},
        strategies={"a": {"follow": {"slow": 1}}, "b": {"follow": {"paper": 1}}},
    ) as house:
        house.market(CODE)
        resting = [await house.send("a", CODE, "buy", 100, limit="9.90", order_id=str(n)) for n in range(4)]
        for signal_id in resting:
            await house.in_state(signal_id, OrderState.NEW)
        gates = [house.faults["slow"].hang("cancel") for _ in range(4)]
        for n in range(4):
            await house.send("a", CODE, "buy", 100, limit="9.90", order_id=str(n), status="canceled")
        await arrived(gates[0])
        [order] = await house.done(await house.send("b", CODE, "buy", 100, price="10.00"))
        assert order.filled == 100
        for gate in gates:
            gate.release()


# 9


async def test_9_equity_sells_in_proportion_to_the_position_before(tmp_path: Path) -> None:
    async with House(tmp_path, strategies={"demo": {"follow": {"paper": {"equity": 60_000}}}}) as house:
        [bought] = await house.done(
            await house.send("demo", BOND, "buy", 1000, price="100", total_value=600_000, position_after=1000)
        )
        assert bought.filled == 100
        [sold] = await house.done(
            await house.send("demo", BOND, "sell", 500, price="100", total_value=300_000, position_after=500)
        )
        assert sold.filled == 50


async def test_9_only_attempts_that_stood_count_towards_force_after(tmp_path: Path) -> None:
    async with House(tmp_path, execution={"price": "own", "force_after": 3}) as house:
        house.market(CODE, last="10.00")
        house.faults["paper"].refuse("[COUNTER][120131][可用资金不足]", times=2)
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        for number in (1, 2):
            await house.until(
                lambda tx, n=number: [a for a in tx.attempts.of_order(1) if a.number == n and a.state == "rejected"]
            )
            await house.sweep(after_s=4)
        order = await house.in_state(signal_id, OrderState.NEW)
        assert [a.price for a in await house.attempts(order)][-1] < 10


def test_paper_accounts_have_no_number() -> None:
    assert PaperAccount.model_validate({"broker": "paper"}).broker == "paper"
