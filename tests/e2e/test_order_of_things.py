"""What comes before what on the way of an order, seen from the broker's side."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from jqfollow.domain import AttemptState, BrokerDownError, BrokerError, OrderState, Placed, PlaceRequest, WaitingFor
from jqfollow.execution import accounts
from jqfollow.execution.brokers.paper.broker import PaperBroker
from jqfollow.execution.brokers.port import BrokerTraits
from jqfollow.reasons import Reason

from .house import House, arrived

CODE, OTHER, THIRD = "000001.XSHE", "600000.XSHG", "600036.XSHG"
SYMBOL = "000001.SZ"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[PlaceRequest]:
    """What brokers were asked to place, in the order in which they were."""
    requests: list[PlaceRequest] = []
    place = PaperBroker.place

    def noted(self: PaperBroker, request: PlaceRequest) -> Placed:
        requests.append(request)
        return place(self, request)

    monkeypatch.setattr(PaperBroker, "place", noted)
    return requests


async def test_what_is_placed_stands_on_disk_before_the_broker_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker reads the ledger, as another program would: what it is asked to place is there, and not placed yet."""
    found: list[tuple[str, str, int, str]] = []
    wanted: list[tuple[str, str, int, str]] = []
    place = PaperBroker.place

    def reads(self: PaperBroker, request: PlaceRequest) -> Placed:
        with closing(sqlite3.connect(f"{house.settings.ledger_file.as_uri()}?mode=ro", uri=True)) as ledger:
            found.extend(
                ledger.execute(
                    "SELECT state, security, volume, price FROM attempts WHERE attempt_id = ? AND remark = ?",
                    (request.attempt_id, request.remark),
                ).fetchall()
            )
        wanted.append(("pending_new", request.symbol, request.volume, str(request.price)))
        return place(self, request)

    monkeypatch.setattr(PaperBroker, "place", reads)
    async with House(tmp_path) as house:
        signals = [await house.send("demo", code, "buy", 300, price="10.00") for code in (CODE, OTHER, THIRD)]
        await house.done(*signals)
    assert len(wanted) == 3
    assert sorted(found) == sorted(wanted)


async def test_sells_that_came_with_buys_go_first(tmp_path: Path, asked: list[PlaceRequest]) -> None:
    one_by_one = {"paper": BrokerTraits(real=False, absence_is_proof=True, always_open=True, width=1)}
    async with House(tmp_path, traits=one_by_one) as house:
        for code in (CODE, OTHER, THIRD):
            house.market(code)
        await house.done(await house.send("demo", CODE, "buy", 1000, price="10.00"))
        tomorrow = house.clock.now().date() + timedelta(days=1)
        gate = house.faults["paper"].hang("quote")
        first = await house.send("demo", THIRD, "buy", 100, price="10.00", day=tomorrow)
        await arrived(gate)  # the account is busy: what comes now comes together
        later = [
            await house.send("demo", OTHER, "buy", 100, price="10.00", day=tomorrow),
            await house.send("demo", CODE, "sell", 400, price="10.00", day=tomorrow),
        ]
        gate.release()
        await house.done(first, *later)
        came_together = [request.side for request in asked if request.symbol in {SYMBOL, "600000.SH"}][1:]
        assert came_together == ["sell", "buy"]


async def test_a_strategy_cannot_sell_today_what_it_bought_today_of_its_own(tmp_path: Path) -> None:
    """Though the account holds as much of before, and the broker would let it be sold: that is another's."""
    async with House(tmp_path) as house:
        house.market(CODE)
        house.brokers["paper"].set_holding(SYMBOL, 5000, cost=Decimal(10))
        await house.done(await house.send("demo", CODE, "buy", 1000, price="10.00"))
        [order] = await house.done(await house.send("demo", CODE, "sell", 400, price="10.00"))
        assert (order.state, order.reason) == (OrderState.REJECTED, Reason.NOT_SELLABLE_TODAY)
        [position] = house.brokers["paper"].positions()
        assert position.volume == 6000


async def test_no_more_orders_go_out_in_a_second_than_were_allowed(tmp_path: Path) -> None:
    codes = [f"60000{n}.XSHG" for n in range(4)]
    async with House(tmp_path, risk={"orders_per_second": 3}) as house:
        account = house.service.parts.accounts["paper"]
        went: list[float] = []
        placed_now = account.placed_now

        def noted() -> None:
            went.append(house.clock.monotonic())
            placed_now()

        account.placed_now = noted  # type: ignore[method-assign]
        await house.done(*[await house.send("demo", code, "buy", 100, price="10.00") for code in codes])
        assert len(went) == 4
        assert went[3] - went[0] >= 1


@pytest.mark.parametrize(("code", "side"), [(OTHER, "buy"), (CODE, "sell")])
async def test_an_unknown_outcome_holds_up_its_own_account_code_and_side_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, side: str
) -> None:
    monkeypatch.setattr(accounts, "PLACE_TIMEOUT_S", 0.15)
    doubtful = BrokerTraits(real=False, absence_is_proof=False, always_open=True)
    two = {"paper": {"cash": 10_000_000}, "second": {"cash": 10_000_000}}
    async with House(tmp_path, accounts=two, traits={"paper": doubtful, "second": doubtful}) as house:
        house.market(CODE)
        house.market(OTHER)
        for broker in house.brokers.values():
            broker.set_holding(SYMBOL, 5000, cost=Decimal(10))
        house.faults["paper"].fail("place", BrokerError("没有答复"))
        first = await house.send("demo", CODE, "buy", 1000, price="10.00")
        await house.until(lambda tx: tx.attempts.unknown("paper"))
        await house.until(lambda tx: [o for o in tx.orders.of_signal(first) if o.account == "second" and o.filled])
        same = await house.send("demo", CODE, "buy", 300, price="10.00")
        other = await house.send("demo", code, side, 100, price="10.00")  # type: ignore[arg-type]
        await house.done(other)
        here, there = sorted(
            await house.until(
                lambda tx: (
                    [o for o in tx.orders.of_signal(same) if o.filled or o.waiting_for is WaitingFor.UNKNOWN][1:]
                    and tx.orders.of_signal(same)
                )
            ),
            key=lambda o: o.account,
        )
        assert (here.account, here.waiting_for, here.filled) == ("paper", WaitingFor.UNKNOWN, 0)
        assert (there.account, there.state, there.filled) == ("second", OrderState.FILLED, 300)


async def test_a_broker_that_is_down_while_placing_was_given_nothing_and_is_asked_again(
    tmp_path: Path, asked: list[PlaceRequest]
) -> None:
    """Certainly not placed: no outcome is unknown, nobody is alarmed, and the next attempt buys it once."""
    doubtful = BrokerTraits(real=False, absence_is_proof=False, always_open=True)
    async with House(tmp_path, traits={"paper": doubtful}, wecom=True) as house:
        house.market(CODE)
        house.faults["paper"].fail("place", BrokerDownError("未连接"))
        signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
        order = await house.until(
            lambda tx: next((o for o in tx.orders.of_signal(signal_id) if o.waiting_for is WaitingFor.BROKER), None)
        )
        assert [a.state for a in await house.attempts(order)] == [AttemptState.REJECTED]
        await house.sweep(after_s=2)
        [order] = await house.done(signal_id)
        assert [a.state for a in await house.attempts(order)] == [AttemptState.REJECTED, AttemptState.FILLED]
        assert sum(position.volume for position in house.brokers["paper"].positions()) == order.filled == 1000
        assert len(asked) == 2
        assert house.wecom is not None
        assert not [text for text in house.wecom.texts() if "结果未知" in text]
