"""A round against one order after the other: the same orders come to the same end, and nothing is used twice."""

import asyncio
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from jqfollow.domain import OrderState, WaitingFor
from jqfollow.execution.brokers.port import BrokerTraits
from jqfollow.reasons import Reason

from .house import MONDAY, House

BONDS = ["113001.XSHG", "113002.XSHG", "110059.XSHG", "123001.XSHE"]
"""What is bought can be sold on the same day."""
ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]), st.sampled_from(BONDS), st.sampled_from(["buy", "sell"]), st.integers(1, 40)
    ),
    min_size=1,
    max_size=10,
)
CASH = 60_000


async def played(folder: Path, orders: list[tuple[str, str, str, int]], width: int) -> tuple[Any, ...]:
    """What becomes of `orders` when they arrive together; of the books, and the account's money."""
    traits = {"paper": BrokerTraits(real=False, absence_is_proof=True, always_open=True, width=width)}
    async with House(
        folder,
        accounts={"paper": {"cash": CASH}},
        strategies={"a": {"follow": {"paper": 1}}, "b": {"follow": {"paper": 1}}},
        traits=traits,
        risk={"max_position_ratio": 1},
        execution={"cash_wait_s": 0},
        pulse_s=None,
    ) as house:
        for bond in BONDS:
            house.market(bond, last="100.000")
        held = Counter[tuple[str, str]]()
        signals = []
        account = house.service.parts.accounts["paper"]
        account.set_down("测试", "the test")  # all of them are there when the first round begins
        for strategy, bond, side, lots in orders:
            held[strategy, bond] += lots * 10 if side == "buy" else -lots * 10
            after = max(held[strategy, bond], 0) + 10  # nothing closes a position
            signals.append(
                await house.send(strategy, bond, side, lots * 10, price="100", position_after=after)  # type: ignore[arg-type]
            )
        account.set_ready()
        for _ in range(200):
            if not await house.ledger.read(lambda tx: tx.orders.open()):
                break
            await house.sweep(after_s=1.1)
            await asyncio.sleep(0.002)
            await account.idle.wait()  # time does not pass while a busy machine works
        done = await house.done(*signals)
        books = {(b.strategy, b.security): b.volume for b in await house.ledger.read(lambda tx: tx.books.list())}
        asset = house.brokers["paper"].asset()
        positions = {p.symbol: p.volume for p in house.brokers["paper"].positions()}
        fills = await house.ledger.read(lambda tx: tx.fills.list(limit=1000))
        return done, books, asset, positions, fills


@settings(max_examples=6, deadline=None)
@given(orders=ORDERS)
def test_nothing_is_sold_that_is_not_held_nor_spent_that_is_not_there(orders: list[tuple[str, str, str, int]]) -> None:
    for width in (1, 8):
        with TemporaryDirectory() as folder:
            done, books, asset, positions, fills = asyncio.run(played(Path(folder), orders, width))
        assert {o.state for o in done} <= {OrderState.FILLED, OrderState.REJECTED, OrderState.CANCELED}
        assert {o.reason for o in done if o.state is OrderState.CANCELED} <= {Reason.NO_CASH}
        assert all(volume >= 0 for volume in books.values())
        total = Counter[str]()
        for (_, security), volume in books.items():
            total[security] += volume
        assert +total == Counter(positions)
        assert asset.cash >= 0
        paid = sum((f.volume * f.price + f.fee) * (1 if f.side == "buy" else -1) for f in fills)
        # What a sell brings less its fees, what a buy costs with them.
        fees = sum((2 * f.fee for f in fills if f.side == "sell"), Decimal(0))
        assert asset.cash == CASH - paid - fees


@settings(max_examples=6, deadline=None)
@given(orders=st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(BONDS), st.integers(1, 12)), max_size=6))
def test_a_round_ends_as_one_by_one_where_money_is_enough(orders: list[tuple[str, str, int]]) -> None:
    ends = []
    for width in (1, 8):
        with TemporaryDirectory() as folder:
            wanted = [(strategy, bond, "buy", lots) for strategy, bond, lots in orders]
            done, books, *_ = asyncio.run(played(Path(folder), wanted, width))
            ends.append(([(o.signal_id, o.state, o.filled, o.reason) for o in done], books))
    if sum(lots for *_, lots in orders) * 1000 < CASH * 0.9:
        assert ends[0] == ends[1]
        assert all(state is OrderState.FILLED for _, state, _, _ in ends[0][0])


async def test_no_later_sell_passes_one_that_is_to_be_sized(tmp_path: Path) -> None:
    async with House(tmp_path, pulse_s=None) as house:
        bond = BONDS[0]
        house.market(bond, last="100.000")
        await house.done(await house.send("demo", bond, "buy", 570, price="100"))
        account = house.service.parts.accounts["paper"]
        account.set_down("测试", "the test")
        first = await house.send("demo", bond, "sell", 180, price="100")
        await house.until(lambda tx: [o for o in tx.orders.of_signal(first) if o.waiting_for is WaitingFor.BROKER])
        account.set_ready()
        await house.done(await house.send("demo", bond, "buy", 760, price="100"))  # a buy does
        second = await house.send("demo", bond, "sell", 570, price="100")
        await house.until(lambda tx: tx.orders.of_signal(second) or None)
        await asyncio.sleep(0.1)
        await account.idle.wait()
        assert not [o for o in await house.ledger.read(lambda tx: tx.orders.of_signal(second)) if o.sized]
        await house.sweep(after_s=2)
        orders = await house.done(first, second)
        assert [(o.state, o.filled) for o in orders] == [(OrderState.FILLED, 180), (OrderState.FILLED, 570)]
        [[one], [other]] = [await house.attempts(order) for order in orders]
        assert one.attempt_id < other.attempt_id
        assert (await house.book(bond)).volume == 580


async def test_a_sell_waits_for_an_earlier_buy_though_a_later_one_filled_its_book(tmp_path: Path) -> None:
    async with House(tmp_path, pulse_s=None) as house:
        bond = BONDS[0]
        house.market(bond, last="100.000")
        account = house.service.parts.accounts["paper"]
        account.set_down("测试", "the test")
        first = await house.send("demo", bond, "buy", 500, price="100")
        await house.until(lambda tx: [o for o in tx.orders.of_signal(first) if o.waiting_for is WaitingFor.BROKER])
        sold = await house.send("demo", bond, "sell", 180, price="100")
        await house.until(lambda tx: [o for o in tx.orders.of_signal(sold) if o.waiting_for is WaitingFor.BROKER])
        account.set_ready()
        await house.done(await house.send("demo", bond, "buy", 760, price="100"))
        assert (await house.book(bond)).volume == 760
        house.market(bond, last="100.000", depth=10)
        await house.sweep(after_s=2)
        await house.until(lambda tx: [o for o in tx.orders.of_signal(first) if o.filled == 10])
        await house.until(lambda tx: [o for o in tx.orders.of_signal(sold) if o.waiting_for is WaitingFor.OPPOSITE])
        house.market(bond, last="100.000")
        await house.sweep(after_s=2)
        [bought] = await house.done(first)
        [order] = await house.done(sold)
        assert (bought.filled, order.state, order.filled) == (500, OrderState.FILLED, 180), order.reason
        assert (await house.book(bond)).volume == 760 + 500 - 180


async def test_a_close_that_later_orders_passed_leaves_them_what_their_rounding_carries(tmp_path: Path) -> None:
    async with House(tmp_path, pulse_s=None, strategies={"demo": {"follow": {"paper": 0.5}}}) as house:
        stock, today = "600519.XSHG", MONDAY.date()
        house.market(stock, last="10.00")
        await house.done(await house.send("demo", stock, "buy", 500, price="10"))  # 250: 200, and 50 are carried
        closes = await house.send("demo", stock, "sell", 500, price="10", position_after=0)
        await house.until(lambda tx: [o for o in tx.orders.of_signal(closes) if o.waiting_for is WaitingFor.NEXT_DAY])
        await house.done(await house.send("demo", stock, "buy", 300, price="10"))  # 150: 100, and 50 are carried
        book = await house.book(stock)
        assert (book.volume, book.carry_buy) == (200 + 100, 50)
        tomorrow = today + timedelta(days=1)
        begins = await house.send("demo", "000001.XSHE", "buy", 200, price="10", day=tomorrow)
        await house.until(lambda tx: [o for o in tx.orders.of_signal(begins) if o.sized])
        await house.sweep(after_s=2)
        [order] = await house.done(closes)
        book = await house.book(stock)
        assert (order.filled, book.volume, book.carry_buy) == (200, 100, 50)
        last = await house.send("demo", stock, "buy", 100, price="10", day=tomorrow)
        [order] = await house.until(lambda tx: [o for o in tx.orders.of_signal(last) if o.sized])
        assert (order.volume, (await house.book(stock)).carry_buy) == (100, 0)  # 50 and the 50 that were carried
