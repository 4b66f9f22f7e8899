"""The supervisor: what it does when a connection is lost, when the ledger fails, and when it is stopped meanwhile."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from jqfollow import service
from jqfollow.domain import BrokerDownError, OrderState
from jqfollow.execution import supervisor
from jqfollow.ledger.errors import LedgerError

from .house import House, arrived

CODE = "000001.XSHE"
NEVER = 3600.0


async def is_ready(house: House, *, ready: bool = True) -> None:
    while house.service.parts.accounts["paper"].ready is not ready:  # noqa: ASYNC110  # no event tells it
        await asyncio.sleep(0.002)


@pytest.fixture
def no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a probe nor a pause comes to its end while a test lasts."""
    monkeypatch.setattr(supervisor, "PROBE_EVERY_S", NEVER)
    monkeypatch.setattr(supervisor, "BACKOFF_S", (NEVER,))


@pytest.mark.usefixtures("no_probe")
async def test_a_loss_that_is_told_is_mended_without_a_probe(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.market(CODE)
        for _ in range(3):
            connections = house.brokers["paper"]._connection
            house.brokers["paper"].drop("the terminal said so")
            while house.brokers["paper"]._connection == connections:  # noqa: ASYNC110  # no event tells it
                await asyncio.sleep(0.002)
            await is_ready(house)
        [order] = await house.done(await house.send("demo", CODE, "buy", 100, price="10.00"))
        assert order.state is OrderState.FILLED


async def test_a_connection_that_cannot_be_made_anew_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.01,))
    async with House(tmp_path) as house:
        house.faults["paper"].fail("connect", BrokerDownError("away"), times=3)
        house.brokers["paper"].drop("closed")
        await is_ready(house, ready=False)
        await is_ready(house)


async def test_a_ledger_that_fails_ends_no_supervision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.01,))
    async with House(tmp_path) as house:
        reconcile, failures = house.service.parts.reconciler.reconcile, [1, 2, 3]

        async def fails(*args: Any, **options: Any) -> None:
            if failures:
                failures.pop()
                raise LedgerError("the disk is full", "磁盘已满")
            await reconcile(*args, **options)

        monkeypatch.setattr(house.service.parts.reconciler, "reconcile", fails)
        house.brokers["paper"].drop("closed")
        await is_ready(house, ready=False)
        await is_ready(house)
        assert failures == []


@pytest.mark.parametrize("after", [False, True], ids=["before it connects", "when it has connected"])
async def test_a_connection_that_comes_after_the_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    monkeypatch.setattr(service, "STOP_S", 0.05)
    async with House(tmp_path) as house:
        gate = house.faults["paper"].hang("connect", after=after)
        house.brokers["paper"].drop("closed")
        await arrived(gate)
        await house.service.stop()
        gate.release()
        for thread in threading.enumerate():
            if thread.name.startswith("paper-query"):
                await asyncio.to_thread(thread.join, 10)
        assert house.brokers["paper"]._exchange is None


async def test_one_that_was_closed_connects_no_more(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        await house.service.parts.supervisors["paper"].close()
        await is_ready(house, ready=False)
        assert house.brokers["paper"]._exchange is None
