"""Every reason code, reached from the outside; it stands in the ledger, with its figures, and in the console."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jqfollow.clock import SHANGHAI
from jqfollow.domain import BrokerDownError, BrokerError, OrderState
from jqfollow.execution.brokers.port import BrokerTraits
from jqfollow.reasons import Reason
from jqfollow.restored import note
from jqfollow.risk.rules import RULES

from .house import House

CODE = "000001.XSHE"
BOND = "113001.XSHG"
HOURS = {"accounts": {"paper": {"hours": "exchange", "cash": 10_000_000}}}
Play = Callable[[House], Awaitable[int]]


def at(hour: int, minute: int, day: int = 2) -> datetime:
    """On a day of March 2026; the 2nd is a Monday."""
    return datetime(2026, 3, day, hour, minute, tzinfo=SHANGHAI)


@dataclass(frozen=True, kw_only=True)
class Case:
    play: Play
    """Gives the number of the signal that meets the reason."""
    house: Mapping[str, Any] = field(default_factory=dict)
    where: str = "verdict"
    """`verdict` of a rule that refuses, `order` (its end), `signal`, `wait` (a verdict that holds it back), `alert`."""


CASES: dict[Reason, Case] = {}


def case(reason: Reason, where: str = "verdict", **house: Any) -> Callable[[Play], Play]:
    def add(play: Play) -> Play:
        CASES[reason] = Case(play=play, house=house, where=where)
        return play

    return add


async def buy(house: House, amount: int = 100, **more: Any) -> int:
    return await house.send("demo", CODE, "buy", amount, **({"price": "10.00"} | more))


# -- the signal ------------------------------------------------------------------------------------------------------


@case(Reason.STALE)
async def stale(house: House) -> int:
    return await buy(house, age_s=61)


@case(Reason.LATE, "order")
async def late(house: House) -> int:
    return await buy(house, age_s=301)


@case(Reason.REPLAYED, "signal")
async def replayed(house: House) -> int:
    await buy(house, order_id="77")
    return await buy(house, order_id="77")


@case(Reason.BACKTEST, strategies={"demo": {"follow": {"paper": 1}, "backtest": "reject"}})
async def backtest(house: House) -> int:
    return await buy(house, run="full_backtest")


@case(Reason.NOT_TRADED, "signal")
async def not_traded(house: House) -> int:
    return await buy(house, status="rejected", filled=0)


@case(Reason.RESTORED, "signal")
async def from_before(house: House) -> int:
    await house.ledger.write(lambda tx: note(tx, house.clock.now() + timedelta(minutes=1), "旧备份"))
    return await buy(house)


@case(Reason.MARGIN, "signal")
async def margin(house: House) -> int:
    return await buy(house, refuse="margin")


@case(Reason.STOP_ORDER, "signal")
async def stop_order(house: House) -> int:
    return await buy(house, price=None, limit="9.00", style="stop_limit", stop="9.10")


@case(Reason.UNKNOWN_STYLE, "signal")
async def unknown_style(house: House) -> int:
    return await buy(house, price=None, filled=0, status="open", style="IcebergOrderStyle")


@case(
    Reason.SEED_OPEN_ORDER,
    "signal",
    strategies={"demo": {"follow": {"paper": 1}, "wire": "seed", "secret": "不再使用的密码"}},
)
async def seed_open_order(house: House) -> int:
    answer = await house.send_seed("不再使用的密码", CODE, "buy", 100, price="nan", 状态="open", 已经成交="0")
    return int(answer.json()["signal_id"])


@case(Reason.NO_AMOUNT, "signal")
async def no_amount(house: House) -> int:
    return await buy(house, 0)


@case(Reason.SHORT_SIDE, "signal")
async def short_side(house: House) -> int:
    return await buy(house, position_side="short")


@case(Reason.NOT_FOLLOWED, "signal", strategies={"demo": {}})
async def not_followed(house: House) -> int:
    return await buy(house)


@case(
    Reason.ACCOUNT_GONE,
    "order",
    accounts={"paper": {"hours": "exchange", "cash": 10_000_000}, "old": {"hours": "exchange", "cash": 10_000_000}},
    strategies={"demo": {"follow": {"old": 1}}},
    risk={"outside_hours": "hold"},
    start=at(9, 0),
)
async def account_gone(house: House) -> int:
    signal_id = await buy(house)
    await house.until(lambda tx: [o for o in tx.orders.of_signal(signal_id) if o.waiting])
    await house.stop()
    house.settings = house.settings.model_copy(
        update={
            "accounts": {"paper": house.settings.accounts["paper"]},
            "strategies": {"demo": house.settings.strategies["demo"].model_copy(update={"follow": {}})},
        }
    )
    await house.start()
    return signal_id


# -- the day and the hour --------------------------------------------------------------------------------------------


@case(Reason.PAUSED)
async def paused(house: House) -> int:
    assert (await house.console("POST", "/api/pause", json={"strategy": "demo"})).status_code == 200
    return await buy(house)


@case(Reason.NOT_TRADING_DAY, start=at(10, 0, day=1), **HOURS)
async def not_trading_day(house: House) -> int:
    return await buy(house)


@case(Reason.OUTSIDE_HOURS, start=at(11, 45), **HOURS)
async def outside_hours(house: House) -> int:
    return await buy(house)


@case(Reason.DAY_OVER, "order", start=at(14, 50), **HOURS)
async def day_over(house: House) -> int:
    house.market(CODE)
    signal_id = await buy(house, price=None, limit="9.90")
    await house.in_state(signal_id, OrderState.NEW)
    await house.sweep(after_s=13 * 60)
    return signal_id


# -- the security ----------------------------------------------------------------------------------------------------


@case(Reason.UNKNOWN_SECURITY)
async def unknown_security(house: House) -> int:
    return await house.send("demo", "000001.XSHG", "buy", 100, price="3000")


@case(Reason.BOARD_NOT_ALLOWED, risk={"boards": ["main", "fund"]})
async def board_not_allowed(house: House) -> int:
    return await house.send("demo", "300750.XSHE", "buy", 100, price="200")


@case(Reason.BLOCKED, risk={"blocked": ["000001.xshe"]})
async def blocked(house: House) -> int:
    return await buy(house)


@case(Reason.SUSPENDED)
async def suspended(house: House) -> int:
    house.market(CODE, suspended=True)
    return await buy(house)


# -- the volume ------------------------------------------------------------------------------------------------------


@case(Reason.BELOW_LOT, strategies={"demo": {"follow": {"paper": 0.5}}})
async def below_lot(house: House) -> int:
    return await buy(house)


@case(Reason.ODD_VOLUME)
async def odd_volume(house: House) -> int:
    wanted = {"strategy": "demo", "account": "paper", "security": CODE, "side": "buy", "volume": 150}
    answer = await house.console("POST", "/api/orders", json=wanted)
    return int(answer.json()[0]["signal_id"])


@case(Reason.NOTHING_TO_SELL)
async def nothing_to_sell(house: House) -> int:
    return await house.send("demo", CODE, "sell", 100, price="10.00", position_after=500)


@case(Reason.NOT_SELLABLE_TODAY)
async def not_sellable_today(house: House) -> int:
    await house.done(await buy(house, 500))
    return await house.send("demo", CODE, "sell", 100, price="10.00")


# -- the price -------------------------------------------------------------------------------------------------------


@case(Reason.NO_QUOTE)
async def no_quote(house: House) -> int:
    house.market(CODE, quoted=False)
    return await buy(house)


@case(Reason.LIMIT_UP)
async def limit_up(house: House) -> int:
    house.market(CODE, last="11.00", prev_close="10.00")
    return await buy(house, price="11.00")


@case(Reason.LIMIT_DOWN)
async def limit_down(house: House) -> int:
    await house.done(await house.send("demo", BOND, "buy", 50, price="100"))
    house.market(BOND, last="80.000", prev_close="100.000")
    return await house.send("demo", BOND, "sell", 20, price="80")


@case(Reason.PRICE_DRIFT)
async def price_drift(house: House) -> int:
    house.market(CODE, last="10.31")
    return await buy(house)


@case(Reason.PRICE_CAGE)
async def price_cage(house: House) -> int:
    house.market(CODE)
    wanted = {"strategy": "demo", "account": "paper", "security": CODE, "side": "buy", "volume": 100, "price": "10.50"}
    answer = await house.console("POST", "/api/orders", json=wanted)
    assert answer.status_code == 200, answer.text
    return int(answer.json()[0]["signal_id"])


@case(Reason.PRICE_LIMIT)
async def price_limit(house: House) -> int:
    house.market(CODE, last="10.90", prev_close="10.00")
    wanted = {"strategy": "demo", "account": "paper", "security": CODE, "side": "buy", "volume": 100, "price": "11.05"}
    answer = await house.console("POST", "/api/orders", json=wanted)
    assert answer.status_code == 200, answer.text
    return int(answer.json()[0]["signal_id"])


@case(Reason.NO_TOTAL_VALUE, strategies={"demo": {"follow": {"paper": {"equity": 50_000}}}})
async def no_total_value(house: House) -> int:
    return await buy(house)


# -- money and limits ------------------------------------------------------------------------------------------------


@case(Reason.NO_CASH, accounts={"paper": {"cash": 1000}})
async def no_cash(house: House) -> int:
    return await buy(house)


@case(Reason.MAX_ORDER_VALUE, risk={"max_order_value": 999})
async def max_order_value(house: House) -> int:
    return await buy(house)


@case(Reason.MAX_POSITION_RATIO, accounts={"paper": {"cash": 10_000}}, risk={"max_position_ratio": 0.35})
async def max_position_ratio(house: House) -> int:
    house.market(CODE)
    await house.done(await buy(house, 300))
    return await buy(house)


@case(Reason.MAX_DAILY_ORDERS, risk={"max_daily_orders": 2})
async def max_daily_orders(house: House) -> int:
    await house.done(await buy(house), await buy(house))
    return await buy(house)


@case(Reason.MAX_DAILY_TURNOVER, risk={"max_daily_turnover": 2500})
async def max_daily_turnover(house: House) -> int:
    await house.done(await buy(house), await buy(house))
    return await buy(house)


@case(Reason.MAX_CANCELS, "alert", execution={"price": "own"}, risk={"max_cancels_per_day": 1})
async def max_cancels(house: House) -> int:
    house.market(CODE)
    signal_id = await buy(house)
    for _ in range(2):
        await house.in_state(signal_id, OrderState.NEW)
        await house.until(lambda tx: tx.attempts.live("paper"))
        await house.sweep(after_s=31)
    return signal_id


@case(Reason.RATE, risk={"orders_per_second": 1})
async def rate(house: House) -> int:
    house.service.parts.accounts["paper"].placed_now()  # its second is taken
    return await buy(house, age_s=59.3)


# -- the broker ------------------------------------------------------------------------------------------------------


@case(Reason.BROKER_DOWN)
async def broker_down(house: House) -> int:
    house.faults["paper"].fail("connect", BrokerDownError("MiniQMT 没有启动"), times=1000)
    house.faults["paper"].fail("asset", BrokerDownError("MiniQMT 没有启动"), times=1000)
    house.brokers["paper"].drop("连接断开")
    while (await house.console("GET", "/readyz")).status_code == 200:
        pass
    signal_id = await buy(house)
    await house.until(lambda tx: [o for o in tx.orders.of_signal(signal_id) if o.waiting_for == "broker"])
    await house.sweep(after_s=61)
    return signal_id


@case(Reason.BROKER_REFUSED, "order")
async def broker_refused(house: House) -> int:
    house.faults["paper"].refuse("[COUNTER][120999][未开通创业板交易权限]")
    return await buy(house)


@case(Reason.ATTEMPTS_EXHAUSTED, "order", execution={"price": "own", "max_attempts": 1})
async def attempts_exhausted(house: House) -> int:
    house.market(CODE)
    signal_id = await buy(house)
    await house.in_state(signal_id, OrderState.NEW)
    await house.sweep(after_s=31)
    return signal_id


@case(Reason.CANCELED_BY_USER, "order", execution={"price": "own"})
async def canceled_by_user(house: House) -> int:
    house.market(CODE)
    signal_id = await buy(house)
    order = await house.in_state(signal_id, OrderState.NEW)
    assert (await house.console("POST", f"/api/orders/{order.order_id}/cancel")).status_code == 200
    return signal_id


@case(Reason.CANCELED_BY_STRATEGY, "order")
async def canceled_by_strategy(house: House) -> int:
    house.market(CODE)
    signal_id = await buy(house, price=None, limit="9.90", order_id="88")
    await house.in_state(signal_id, OrderState.NEW)
    await buy(house, price=None, limit="9.90", order_id="88", status="canceled")
    return signal_id


@case(Reason.CLOSED_OUT, "order", execution={"price": "own"})
async def closed_out(house: House) -> int:
    house.market(BOND, last="100.000", bid="99.990", ask="100.000")
    await house.done(await house.send("demo", BOND, "buy", 50, limit="100.000"))
    signal_id = await house.send("demo", BOND, "buy", 70, price="100")
    await house.in_state(signal_id, OrderState.NEW)
    await house.send("demo", BOND, "sell", 120, price="100", position_after=0)
    return signal_id


@case(Reason.HELD_ALREADY)
async def held_already(house: House) -> int:
    """JoinQuant ended an order with 300 of 1,000 filled, and here all of it was: 700 are too many."""
    house.market(CODE)
    await house.done(await buy(house, 1000, price=None, limit="10.10", order_id="90"))
    await buy(house, 1000, price=None, limit="10.10", order_id="90", status="canceled", filled=300)
    return await buy(house, 500)


@case(Reason.CANCELED_AT_BROKER, "order", execution={"price": "own"})
async def canceled_at_broker(house: House) -> int:
    house.market(CODE)
    signal_id = await buy(house)
    await house.in_state(signal_id, OrderState.NEW)
    [report] = house.brokers["paper"].orders()
    house.brokers["paper"].cancel(report.broker_order_id)
    return signal_id


@case(
    Reason.UNKNOWN_OUTCOME,
    "wait",
    traits={"paper": BrokerTraits(real=False, absence_is_proof=False, always_open=True)},
)
async def unknown_outcome(house: House) -> int:
    house.faults["paper"].fail("place", BrokerError("没有答复"))
    await buy(house)
    await house.until(lambda tx: tx.attempts.unknown("paper"))
    return await buy(house)


@case(Reason.OPPOSITE_OPEN, "wait", execution={"price": "own"})
async def opposite_open(house: House) -> int:
    house.market(BOND, last="100.000")
    await house.done(await house.send("demo", BOND, "buy", 50, limit="100.010"))
    rests = await house.send("demo", BOND, "buy", 70, price="100")
    await house.in_state(rests, OrderState.NEW)
    house.faults["paper"].ignore_cancels = True
    return await house.send("demo", BOND, "sell", 50, price="100", position_after=0)


@case(Reason.OLD_QUOTE, "wait")
async def old_quote(house: House) -> int:
    house.market(CODE)
    broker, told = house.brokers["paper"], house.brokers["paper"].quote
    yesterday = house.clock.now() - timedelta(days=1)
    broker.quote = lambda symbol: replace(told(symbol), at=yesterday)  # type: ignore[method-assign, type-var]
    return await buy(house)


@case(
    Reason.COUNTER_LAGS,
    "wait",
    accounts={"paper": {"cash": 45_000}},
    traits={"paper": BrokerTraits(real=False, absence_is_proof=True, always_open=True)},
)
async def counter_lags(house: House) -> int:
    house.market(BOND, last="100.000")
    await house.done(await house.send("demo", BOND, "buy", 400, price="100"))
    return await buy(house, 1000)


@case(Reason.CAPITAL, strategies={"demo": {"follow": {"paper": {"ratio": 1, "capital": 500}}}})
async def capital(house: House) -> int:
    return await buy(house)


@case(Reason.OWN_CROSSING, "wait", strategies={name: {"follow": {"paper": 1}} for name in ("demo", "other")})
async def crossing(house: House) -> int:
    house.market(BOND, last="100.000")
    await house.done(await house.send("demo", BOND, "buy", 100, price="100"))
    resting = await house.send("other", BOND, "buy", 50, limit="99.900")
    await house.in_state(resting, OrderState.NEW)
    house.faults["paper"].ignore_cancels = True
    return await house.send("demo", BOND, "sell", 50, limit="99.800")


@case(Reason.INTERNAL_ERROR, "order")
async def internal_error(house: House) -> int:
    house.faults["paper"].fail("quote", ValueError("an adapter's mistake"))  # type: ignore[arg-type]
    return await buy(house)


def test_every_reason_has_its_case() -> None:
    assert set(CASES) == set(Reason)


@pytest.mark.parametrize("reason", list(Reason))
async def test_reached(reason: Reason, tmp_path: Path) -> None:
    case = CASES[reason]
    async with House(tmp_path, **case.house) as house:
        signal_id = await case.play(house)
        match case.where:
            case "signal":
                await house.signal(signal_id)
                shown = await house.get("/api/signals?limit=1")
                explained(shown["items"][0], reason)
            case "alert":
                told = await house.until(lambda tx: [row for row in tx.outbox.list(100) if row.kind == "alert"])
                assert "risk.max_cancels_per_day" in told[0].text
                assert "?" not in told[0].text
            case "wait":
                order = await house.until(
                    lambda tx: next((o for o in tx.orders.of_signal(signal_id) if o.waiting_for is not None), None)
                )
                shown = await house.get(f"/api/orders/{order.order_id}")
                decided(shown, reason, "wait")
            case where:
                [order] = await house.done(signal_id)
                assert order.reason is reason
                shown = await house.get(f"/api/orders/{order.order_id}")
                explained(shown["order"], reason)
                if where == "verdict":
                    decided(shown, reason, "refuse")


def explained(shown: Mapping[str, Any], reason: Reason) -> None:
    """The console names the code, and both sentences with all their figures."""
    assert shown["reason"] == reason
    for language in ("why_zh", "why_en"):
        assert shown[language], shown
        assert "?" not in shown[language], shown[language]
        assert "{" not in shown[language], shown[language]


def decided(shown: Mapping[str, Any], reason: Reason, outcome: str) -> None:
    """The last decision names the rule, with every rule's verdict beside it."""
    decision = shown["decisions"][-1]
    assert (decision["outcome"], decision["reason"]) == (outcome, reason)
    [verdict] = [verdict for verdict in decision["verdicts"] if verdict["rule"] == reason]
    assert verdict["outcome"] == outcome
    explained(decision, reason)
    assert len({verdict["rule"] for verdict in decision["verdicts"]}) == len(RULES)
