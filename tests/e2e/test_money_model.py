"""Random lag, calls without an answer, trades by hand: never more than was asked for, no exit undone in silence.

On both counters; what really was traded is read at the exchange, not in the ledger.
"""

import random
from collections import Counter
from contextlib import suppress
from typing import Literal

import pytest

from jqfollow.domain import ORDER_OPEN, AttemptState, OrderState, Side
from jqfollow.ledger.tx import Tx
from jqfollow.reasons import Reason
from terminal.house import hurry

from .counter import Counter as Counter_
from .counter import Counters

BONDS = {"113001.XSHG": "113001.SH", "123001.XSHE": "123001.SZ"}
STRATEGIES = ("demo", "other")
MORE = [pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 30)]


@pytest.fixture(autouse=True)
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.mark.parametrize("seed", [1, 2, *MORE])
async def test_the_account_never_does_more_than_it_was_asked_for(counters_slowly: Counters, seed: int) -> None:
    dice = random.Random(seed)
    follow = {"follow": {"*": 1}}
    async with counters_slowly(cash=60_000, strategies=dict.fromkeys(STRATEGIES, follow)) as house:
        for bond in BONDS:
            house.market(bond, last="100.000")
        asked: Counter[tuple[str, str, str]] = Counter()
        held: Counter[tuple[str, str]] = Counter()
        by_hand: Counter[tuple[str, str]] = Counter()
        for _ in range(25):
            trouble(house, dice, by_hand)
            strategy, bond = dice.choice(STRATEGIES), dice.choice(list(BONDS))
            have = held[strategy, bond]
            if have and dice.random() < 0.5:
                amount = have if dice.random() < 0.5 else 10 * dice.randint(1, have // 10)
                held[strategy, bond] -= amount
                side: Literal["buy", "sell"] = "sell"
            else:
                amount = 10 * dice.randint(1, 30)
                held[strategy, bond] += amount
                side = "buy"
            asked[strategy, BONDS[bond], side] += amount
            await house.send(strategy, bond, side, amount, price="100", position_after=held[strategy, bond])
            await house.sweep(after_s=dice.choice([0, 1, 2, 7]))
            house.all_well()
        house.wrong(money_lag_s=0, shares_lag_s=0)
        for _ in range(12):
            await house.sweep(after_s=15)
            with suppress(TimeoutError):
                await house.settled(timeout_s=0.3)
                break
        await house.ledger.read(lambda tx: judge(tx, house.name, asked))
        for symbol in BONDS.values():
            bought, sold = (house.traded(symbol, side) - by_hand[symbol, side] for side in (Side.BUY, Side.SELL))
            assert bought <= sum(volume for key, volume in asked.items() if key[1:] == (symbol, "buy"))
            assert sold <= bought, "what a person bought is nobody else's to sell"


def trouble(house: Counter_, dice: random.Random, by_hand: Counter[tuple[str, str]]) -> None:
    """What a counter, a line and a person do meanwhile."""
    house.wrong(money_lag_s=dice.choice([0, 0.5, 3, 9]), shares_lag_s=dice.choice([0, 0.5, 3, 9]))
    chance = dice.random()
    if chance < 0.08:
        house.lose_answers()
    elif chance < 0.12:
        house.lose_order()
    elif chance < 0.25:
        symbol = dice.choice(list(BONDS.values()))
        side = Side.SELL if house.traded(symbol, "buy") > house.traded(symbol, "sell") else Side.BUY
        before = house.traded(symbol, side)
        house.by_hand(symbol, side, 10, "99" if side is Side.SELL else "101", remark="手工")
        by_hand[symbol, side] += min(house.traded(symbol, side) - before, 10)


def judge(tx: Tx, account: str, asked: Counter[tuple[str, str, str]]) -> None:
    """What stands in the ledger in the end."""
    done: Counter[tuple[str, str, str]] = Counter()
    told = "\n".join(message.text for message in tx.outbox.list(limit=1000))
    for order in tx.orders.list(limit=1000):
        attempts = tx.attempts.of_order(order.order_id)
        done[order.strategy, order.security, order.side.value] += order.filled
        assert order.filled <= order.volume or not order.filled
        assert sum(a.done for a in attempts) <= order.volume
        if order.closes and order.side is Side.SELL and order.state is not OrderState.FILLED:
            unknown = [a for a in tx.attempts.unknown(account) if a.security == order.security and a.side is order.side]
            nothing = order.reason is Reason.NOTHING_TO_SELL
            assert nothing or unknown or f"#{order.order_id}" in told, order
            assert order.state not in ORDER_OPEN or unknown or order.waiting, order
    for key, volume in done.items():
        if key[2] == "buy":
            assert volume <= asked[key], key
    for book in tx.books.list(account=account):
        assert book.volume >= 0
    for attempt in tx.attempts.unknown(account):
        assert attempt.state is AttemptState.UNKNOWN
        assert attempt.remark in told
