"""What an account or a strategy sets over `[risk]` and `[execution]` changes its own orders, and no others'."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jqfollow.clock import SHANGHAI
from jqfollow.domain import ORDER_OPEN, OrderState, WaitingFor
from jqfollow.ledger.rows import OrderRow
from jqfollow.market.securities import parse_security
from jqfollow.reasons import Reason
from jqfollow.settings.policy import AccountRisk, StrategyExecution, StrategyRisk

from .house import House

CODE, AT_LIMIT, BOND = "000001.XSHE", "000002.XSHE", "113001.XSHG"
Outcome = tuple[str, int, str | None]

PLAIN: Sequence[Outcome] = (("filled", 1000, None), ("rejected", 0, Reason.LIMIT_UP), ("filled", 10, None))
"""What becomes of the three orders of `three_orders` by the defaults."""
RISKS: Mapping[str, tuple[Any, Mapping[int, Outcome]]] = {
    "max_signal_age_s": (5, {0: ("rejected", 0, Reason.STALE)}),
    "max_price_drift": (0.005, {0: ("rejected", 0, Reason.PRICE_DRIFT)}),
    "at_limit": ("queue", {1: ("new", 0, None)}),
    "max_order_value": (5_000, {0: ("rejected", 0, Reason.MAX_ORDER_VALUE)}),
    "max_position_ratio": (0.0005, {0: ("rejected", 0, Reason.MAX_POSITION_RATIO)}),
    "max_daily_orders": (1, {2: ("rejected", 0, Reason.MAX_DAILY_ORDERS)}),
    "max_daily_turnover": (10_500, {2: ("rejected", 0, Reason.MAX_DAILY_TURNOVER)}),
    "boards": (["main"], {2: ("rejected", 0, Reason.BOARD_NOT_ALLOWED)}),
    "blocked": ([CODE], {0: ("rejected", 0, Reason.BLOCKED)}),
    "capital": (5_500, {0: ("canceled", 500, Reason.CAPITAL), 2: ("rejected", 0, Reason.CAPITAL)}),
}
"""By key: a value, and what becomes of which of the three orders."""
ELSEWHERE = {"outside_hours", "max_cancels_per_day", "max_daily_loss", "orders_per_second"}
EXECUTIONS = {"price", "slippage_ticks", "cancel_after_s", "max_attempts", "force_after", "join_auction", "cash_wait_s"}


def at(hour: int, minute: int) -> datetime:
    return datetime(2026, 3, 2, hour, minute, tzinfo=SHANGHAI)


async def three_orders(house: House, strategy: str) -> Mapping[str, list[Outcome]]:
    """By account: an order 20 s old and 1 % from the market, one at the day's limit, one of another board."""
    found: dict[str, list[Outcome]] = {}
    for signal_id in (
        await house.send(strategy, CODE, "buy", 1000, price="9.90", age_s=20),
        await house.send(strategy, AT_LIMIT, "buy", 1000, price="11.00"),
        await house.send(strategy, BOND, "buy", 10, price="100"),
    ):
        for order in await came_to_rest(house, signal_id, queues=AT_LIMIT):
            found.setdefault(order.account, []).append((order.state.value, order.filled, order.reason))
    return found


async def came_to_rest(house: House, signal_id: int, *, queues: str) -> Sequence[OrderRow]:
    """The signal's orders when each has ended, those of a code at its limit also when they stand there."""

    def rest(tx: Any) -> Sequence[OrderRow]:
        orders = tx.orders.of_signal(signal_id)
        stands = {OrderState.NEW} if orders and orders[0].security == parse_security(queues).symbol else set()
        return orders if all(o.state not in ORDER_OPEN - stands for o in orders) else ()

    return await house.until(rest)


def with_markets(house: House) -> None:
    house.market(CODE)
    house.market(AT_LIMIT, last="11.00", prev_close="10.00")
    house.market(BOND, last="100.000")


def changed(key: str) -> list[Outcome]:
    _, becomes = RISKS[key]
    return [becomes.get(number, plain) for number, plain in enumerate(PLAIN)]


def test_every_key_is_tried() -> None:
    assert set(AccountRisk.model_fields) | set(StrategyRisk.model_fields) == set(RISKS) | ELSEWHERE
    assert set(StrategyExecution.model_fields) == EXECUTIONS


async def test_what_an_account_limits(tmp_path: Path) -> None:
    plain = {"cash": 10_000_000}
    keys = [key for key in RISKS if key in AccountRisk.model_fields]
    accounts = {key: {**plain, "risk": {key: RISKS[key][0]}} for key in keys}
    async with House(tmp_path, accounts={"paper": plain} | accounts) as house:
        with_markets(house)
        found = await three_orders(house, "demo")
        assert found == {"paper": [*PLAIN]} | {key: changed(key) for key in accounts}


async def test_what_a_strategy_limits(tmp_path: Path) -> None:
    follow = {"follow": {"paper": 1, "strict": 1}}
    keys = [key for key in RISKS if key in StrategyRisk.model_fields]
    strategies = {key: {**follow, "risk": {key: RISKS[key][0]}} for key in keys}
    wide = {"wide": {**follow, "risk": {"max_order_value": 10**9}}, "demo": follow}
    accounts = {"paper": {"cash": 10_000_000}, "strict": {"cash": 10_000_000, "risk": {"max_order_value": 999}}}
    async with House(tmp_path, accounts=accounts, strategies=strategies | wide) as house:
        with_markets(house)
        for name in (*reversed(strategies), *wide):  # a position's share counts what others bought before
            found = await three_orders(house, name)
            assert found["paper"] == (changed(name) if name in RISKS else [*PLAIN]), name
            assert all(outcome[0] == "rejected" for outcome in found["strict"]), f"{name} widens its account's limit"


async def test_how_a_strategy_orders(tmp_path: Path) -> None:
    """By default they stand on their own side of the book for 30 s, three times."""
    own: Mapping[str, Mapping[str, Any]] = {
        "demo": {},
        "price": {"price": "peer"},
        "slippage_ticks": {"slippage_ticks": 1},
        "cancel_after_s": {"cancel_after_s": 5},
        "max_attempts": {"max_attempts": 1},
        "force_after": {"force_after": 1},
    }
    follow = {"follow": {"paper": 1, "frugal": 1}}
    async with House(
        tmp_path,
        accounts={"paper": {"cash": 10_000_000}, "frugal": {"cash": 10_000_000, "risk": {"max_cancels_per_day": 0}}},
        strategies={name: {**follow, "execution": execution} for name, execution in own.items()},
        execution={"price": "own", "force_after": 9},
    ) as house:
        house.market(CODE)
        sent = {name: await house.send(name, CODE, "buy", 100, price="10.00") for name in own}

        bid, ask = Decimal("9.99"), Decimal("10.01")
        wanted = {name: ("new", [bid]) for name in own} | {
            "price": ("filled", [ask]), "force_after": ("filled", [ask]), "slippage_ticks": ("new", [Decimal("10.00")])
        }  # fmt: skip

        def seen(tx: Any) -> dict[tuple[str, str], tuple[str, list[Decimal]]]:
            return {
                (name, order.account): (order.state.value, [a.price for a in tx.attempts.of_order(order.order_id)])
                for name, signal_id in sent.items()
                for order in tx.orders.of_signal(signal_id)
            }

        everywhere = {(name, account): wanted[name] for name in own for account in ("paper", "frugal")}
        await house.until(lambda tx: seen(tx) == everywhere)

        async def attempts_of(name: str, account: str) -> int:
            orders = await house.ledger.read(lambda tx: tx.orders.of_signal(sent[name]))
            return len(await house.attempts(next(o for o in orders if o.account == account)))

        await house.sweep(after_s=6)
        await house.until(lambda tx: _attempts(tx, sent["cancel_after_s"], "paper") == 2)
        assert [await attempts_of(name, "paper") for name in ("demo", "slippage_ticks", "max_attempts")] == [1, 1, 1]
        await house.sweep(after_s=25)
        await house.until(lambda tx: _attempts(tx, sent["demo"], "paper") == 2)
        [used_up, frugal] = sorted(await _orders(house, sent["max_attempts"]), key=lambda o: o.account, reverse=True)
        used_up = await house.until(lambda tx: _ended(tx, used_up.order_id))
        assert used_up.reason is Reason.ATTEMPTS_EXHAUSTED
        assert frugal.state is OrderState.NEW, "its account cancels nothing to price it anew"
        assert [await attempts_of(name, "frugal") for name in own] == [1] * len(own)


def _attempts(tx: Any, signal_id: int, account: str) -> int:
    [order] = [o for o in tx.orders.of_signal(signal_id) if o.account == account]
    return len(tx.attempts.of_order(order.order_id))


def _ended(tx: Any, order_id: int) -> OrderRow | None:
    order = tx.orders.get(order_id)
    return order if order.state not in ORDER_OPEN else None


async def _orders(house: House, signal_id: int) -> Sequence[OrderRow]:
    return await house.ledger.read(lambda tx: tx.orders.of_signal(signal_id))


@pytest.mark.slow
async def test_hours_and_auctions(tmp_path: Path) -> None:
    follow = {"follow": {"paper": 1, "holds": 1}}
    accounts = {"paper": {"hours": "exchange"}, "holds": {"hours": "exchange", "risk": {"outside_hours": "hold"}}}
    strategies = {
        "demo": follow,
        "refuses": {**follow, "risk": {"outside_hours": "reject"}},
        "waits": {**follow, "risk": {"outside_hours": "hold"}},
        "joins": {**follow, "execution": {"join_auction": True}},
    }
    async with House(tmp_path, accounts=accounts, strategies=strategies, start=at(9, 16)) as house:
        house.market(CODE)
        found = {}
        for name in strategies:
            signal_id = await house.send(name, CODE, "buy", 100, price="10.00")
            found[name] = await house.until(
                lambda tx, signal_id=signal_id: (
                    {  # type: ignore[misc]
                        o.account: "waits" if o.waiting_for is WaitingFor.SESSION else str(o.reason or o.state)
                        for o in tx.orders.of_signal(signal_id)
                        if o.state is not OrderState.PENDING_NEW or o.waiting_for is WaitingFor.SESSION
                    }
                    if len(tx.orders.of_signal(signal_id)) == 2
                    and all(
                        o.state is not OrderState.PENDING_NEW or o.waiting_for for o in tx.orders.of_signal(signal_id)
                    )
                    else None
                )
            )
        assert found == {
            "demo": {"paper": "outside_hours", "holds": "waits"},
            "refuses": {"paper": "outside_hours", "holds": "outside_hours"},
            "waits": {"paper": "waits", "holds": "waits"},
            "joins": {"paper": "new", "holds": "new"},
        }


@pytest.mark.slow
async def test_how_long_a_strategy_waits_for_cash(tmp_path: Path) -> None:
    follow = {"follow": {"paper": 1}}
    strategies = {"patient": {**follow, "execution": {"cash_wait_s": 600}}, "demo": follow}
    accounts = {"paper": {"cash": 81_000}}
    async with House(tmp_path, accounts=accounts, strategies=strategies, execution={"cash_wait_s": 5}) as house:
        house.market(BOND, last="100.000")
        house.market(CODE)
        for name in strategies:
            await house.done(await house.send(name, BOND, "buy", 400, price="100"))
        short = []
        for name in strategies:
            await house.done(await house.send(name, BOND, "sell", 100, price="100"))
            short.append(await house.send(name, CODE, "buy", 3000, price="10.00"))
        for signal_id in short:
            await house.until(
                lambda tx, one=signal_id: [o for o in tx.orders.of_signal(one) if o.waiting_for is WaitingFor.CASH]  # type: ignore[misc]
            )
        await house.sweep(after_s=7)
        [gone] = await house.done(short[1])
        assert gone.reason is Reason.NO_CASH
        [patient] = await _orders(house, short[0])
        assert (patient.state in ORDER_OPEN, patient.waiting_for) == (True, WaitingFor.CASH)


@pytest.mark.slow
async def test_what_is_counted_over_an_account(tmp_path: Path) -> None:
    accounts = {"paper": {}, "loses": {"risk": {"max_daily_loss": 500}}, "slow": {"risk": {"orders_per_second": 1}}}
    async with House(tmp_path, accounts=accounts) as house:
        house.market(BOND, last="100.000")
        await house.done(*[await house.send("demo", BOND, "buy", 100, price="100", position_after=None) for _ in "ab"])
        await house.sweep()
        first, second = await house.ledger.read(lambda tx: tx.attempts.list(account="slow", day=at(9, 0).date()))
        assert (second.created_at - first.created_at).total_seconds() >= 0.99
        house.market(BOND, last="90.000", prev_close="100.000")
        house.forward(11)
        parts = house.service.parts
        for account in parts.accounts.values():
            await parts.sweeps.take_picture(account, house.clock.now())
        orders = await house.done(await house.send("demo", BOND, "buy", 10, price="90"))
        assert {o.account: o.reason for o in orders} == {"paper": None, "loses": Reason.PAUSED, "slow": None}
