"""The whole service on an account in the full terminal: signal to ledger, with the terminal's record as judge."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jqfollow.domain import OrderState, WaitingFor
from jqfollow.execution import accounts, supervisor
from terminal.house import ACCOUNT, START

from .house import FullQmtHouse
from .modes import Mode
from .terminal import Terminal

CODE = "600000.XSHG"


@pytest.fixture
async def house(terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FullQmtHouse]:
    monkeypatch.setattr(supervisor, "PROBE_EVERY_S", 0.05)
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.05,))
    monkeypatch.setattr(accounts, "PLACE_TIMEOUT_S", 3.0)
    terminal.tell("reset", at=START, pulse_s=0.02, cash="10000000")
    async with FullQmtHouse(tmp_path, terminal) as house:  # type: ignore[arg-type]
        house.market(CODE)
        yield house


@pytest.mark.parametrize(
    "modes",
    [
        pytest.param([], id="all_well"),
        pytest.param([Mode.NO_ANSWER], id="40"),
        pytest.param([Mode.PASSORDER_RAISES], id="46"),
        pytest.param([Mode.PUSHES_DROPPED], id="59"),
    ],
)
async def test_filled_once_and_the_ledger_agrees(house: FullQmtHouse, modes: list[Mode]) -> None:
    house.terminal.mode(*modes)  # type: ignore[arg-type]
    signal_id = await house.send("demo", CODE, "buy", 1000, price="10.00")
    if Mode.NO_ANSWER in modes:
        await house.until(lambda tx: any(a.state == "unknown" for a in tx.attempts.live(ACCOUNT)))
        house.terminal.mode()
    [order] = await house.agreed()
    [told] = await house.done(signal_id, timeout_s=20)
    assert (told.state, told.filled, order["filled"]) == (OrderState.FILLED, 1000, 1000)
    assert house.terminal.record()["handed_over"] == [order["remark"]]


async def test_a_dialog_and_what_comes_meanwhile(house: FullQmtHouse) -> None:
    house.terminal.mode(Mode.DIALOG)  # type: ignore[arg-type]
    await house.ready(is_ready=False)
    signal_id = await house.send("demo", CODE, "buy", 500, price="10.00")
    await house.until(lambda tx: any(o.waiting_for is WaitingFor.BROKER for o in tx.orders.of_signal(signal_id)))
    house.terminal.mode()
    await house.ready()
    [order] = await house.done(signal_id, timeout_s=20)
    assert order.state is OrderState.FILLED
    assert len(await house.agreed()) == 1


async def test_a_refusal_in_the_counters_words(house: FullQmtHouse) -> None:
    house.terminal.mode(Mode.ERROR_ONLY)  # type: ignore[arg-type]
    house.terminal.tell("refuse", message="[COUNTER] 权限不足")
    [order] = await house.done(await house.send("demo", CODE, "buy", 1000, price="10.00"), timeout_s=20)
    assert (order.state, order.filled) == (OrderState.REJECTED, 0)
    assert "权限不足" in str(dict(order.figures))
