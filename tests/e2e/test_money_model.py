"""Random lag, calls without an answer, trades by hand: never more than was asked for, no exit undone in silence."""

import random
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

from jqfollow.domain import ORDER_OPEN, AttemptState, BrokerError, OrderState, PlaceRequest, Side
from jqfollow.execution.brokers.port import BrokerTraits
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason

from .house import House

BONDS = {"113001.XSHG": "113001.SH", "123001.XSHE": "123001.SZ"}
STRATEGIES = ("demo", "other")
LAGS = {"paper": BrokerTraits(real=False, absence_is_proof=False, always_open=True, width=4)}


MORE = [pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 30)]


@pytest.mark.parametrize("seed", [1, 2, *MORE])
async def test_the_account_never_does_more_than_it_was_asked_for(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    async with House(
        tmp_path,
        accounts={"paper": {"cash": 60_000}},
        strategies={name: {"follow": {"paper": 1}} for name in STRATEGIES},
        execution={"price": "peer"},
        traits=LAGS,
    ) as house:
        for bond in BONDS:
            house.market(bond, last="100.000")
        asked: Counter[tuple[str, str, str]] = Counter()
        held: Counter[tuple[str, str]] = Counter()
        for _ in range(25):
            trouble(house, dice)
            strategy, bond = dice.choice(STRATEGIES), dice.choice(list(BONDS))
            have = held[strategy, bond]
            if have and dice.random() < 0.5:
                amount = have if dice.random() < 0.5 else 10 * dice.randint(1, have // 10)
                held[strategy, bond] -= amount
                side = "sell"
            else:
                amount = 10 * dice.randint(1, 30)
                held[strategy, bond] += amount
                side = "buy"
            asked[strategy, BONDS[bond], side] += amount
            await house.send(strategy, bond, side, amount, price="100", position_after=held[strategy, bond])
            await house.sweep(after_s=dice.choice([0, 1, 2, 7]))
        calm = house.faults["paper"]
        calm.money_lag_s = calm.shares_lag_s = 0
        for _ in range(12):
            await house.sweep(after_s=15)
            with suppress(TimeoutError):
                await house.settled(timeout_s=0.3)
                break
        await house.ledger.read(lambda tx: judge(tx, asked))


def trouble(house: House, dice: random.Random) -> None:
    """What a counter, a line and a person do meanwhile."""
    faults, broker = house.faults["paper"], house.brokers["paper"]
    faults.money_lag_s, faults.shares_lag_s = dice.choice([0, 0.5, 3, 9]), dice.choice([0, 0.5, 3, 9])
    chance = dice.random()
    if chance < 0.12:
        faults.fail("place", BrokerError("没有回音"), after=dice.random() < 0.7)
    elif chance < 0.25:
        held = {p.symbol: p.available for p in broker.positions()}
        symbol = dice.choice(list(BONDS.values()))
        side = Side.SELL if held.get(symbol) else Side.BUY
        by_hand = PlaceRequest(
            attempt_id=0,
            remark="",
            symbol=symbol,
            side=side,
            volume=10,
            price=Decimal(99 if side is Side.SELL else 101),
        )
        with suppress(BrokerError):
            broker.place(by_hand)


def judge(tx: Tx, asked: Counter[tuple[str, str, str]]) -> None:
    """What stands in the ledger in the end."""
    done: Counter[tuple[str, str, str]] = Counter()
    told = "\n".join(message.text for message in tx.outbox.list(limit=1000))
    for order in tx.orders.list(limit=1000):
        attempts = tx.attempts.of_order(order.order_id)
        done[order.strategy, order.security, order.side.value] += order.filled
        assert order.filled <= order.volume or not order.filled
        assert sum(a.done for a in attempts) <= order.volume
        if order.closes and order.side is Side.SELL and order.state is not OrderState.FILLED:
            unknown = [a for a in tx.attempts.unknown("paper") if a.security == order.security and a.side is order.side]
            nothing = order.reason is Reason.NOTHING_TO_SELL
            assert nothing or unknown or f"#{order.order_id}" in told, order
            assert order.state not in ORDER_OPEN or unknown or order.waiting, order
    for key, volume in done.items():
        if key[2] == "buy":
            assert volume <= asked[key], key
    for book in tx.books.list(account="paper"):
        assert book.volume >= 0
    for attempt in tx.attempts.unknown("paper"):
        assert attempt.state is AttemptState.UNKNOWN
        assert attempt.remark in told
