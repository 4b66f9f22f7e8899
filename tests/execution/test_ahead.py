"""The broker is asked ahead, and what it said serves one round, soon, and no other."""

import asyncio
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from api.fakes import FakeClock
from jqfollow.domain import BrokerDownError
from jqfollow.execution.ahead import HOLDS_S, Ahead

TODAY = date(2026, 1, 5)


class Broker:
    """An account that counts its questions; `gate` holds them up."""

    def __init__(self, *, practice: bool = False) -> None:
        self.traits = SimpleNamespace(always_open=practice)
        self.name, self.ready = "main", True
        self.idle = asyncio.Event()
        self.idle.set()
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[Sequence[str]] = []
        self.observed: list[Any] = []
        self.down = False

    def trading_day(self) -> date:
        return TODAY

    async def observe(self, told: Sequence[Any]) -> bool:
        self.observed += told
        return False

    async def everything(self, symbols: Sequence[str]) -> Any:
        self.asked.append(symbols)
        await self.gate.wait()
        if self.down:
            raise BrokerDownError("down")
        return "asset", (), dict.fromkeys(symbols)


def of(symbol: str = "600000.SH", day: date = TODAY) -> Any:
    return symbol, Decimal(10), day


async def test_what_was_asked_ahead_is_given_once() -> None:
    broker, clock = Broker(), FakeClock()
    ahead = Ahead(broker, clock)  # type: ignore[arg-type]
    ahead.look(of())
    told = await ahead.answer()
    assert told is not None
    assert (list(told.markets), told.observed) == (["600000.SH"], of())
    assert await ahead.answer() is None
    assert broker.asked == [["600000.SH"]]


async def test_a_second_message_asks_nothing_more_before_the_round() -> None:
    broker = Broker()
    ahead = Ahead(broker, FakeClock())  # type: ignore[arg-type]
    ahead.look(of())
    ahead.look(of("000001.SZ"))
    await ahead.answer()
    assert broker.asked == [["600000.SH"]]


async def test_nothing_is_asked_while_a_round_is_under_way_or_the_account_is_down() -> None:
    broker = Broker()
    ahead = Ahead(broker, FakeClock())  # type: ignore[arg-type]
    broker.idle.clear()
    ahead.look(of())
    broker.idle.set()
    broker.ready = False
    ahead.look(of())
    assert await ahead.answer() is None
    assert not broker.asked


@pytest.mark.parametrize("practice", [True, False])
async def test_no_practice_day_begins_ahead_of_its_order(practice: bool) -> None:
    broker = Broker(practice=practice)
    ahead = Ahead(broker, FakeClock())  # type: ignore[arg-type]
    ahead.look(of(day=date(2026, 1, 6)))
    told = await ahead.answer()
    assert (told is None) == practice
    assert bool(broker.observed) != practice


async def test_an_old_answer_and_a_failed_one_serve_nobody() -> None:
    broker, clock = Broker(), FakeClock()
    ahead = Ahead(broker, clock)  # type: ignore[arg-type]
    ahead.look(of())
    clock.advance(HOLDS_S)
    assert await ahead.answer() is None
    broker.down = True
    ahead.look(of())
    assert await ahead.answer() is None
