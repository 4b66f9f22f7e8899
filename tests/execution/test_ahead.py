"""The broker is asked ahead, and what it said serves one round, soon, and no other."""

import asyncio
from collections.abc import Sequence
from typing import Any

from api.fakes import FakeClock
from jqfollow.domain import BrokerDownError
from jqfollow.execution.ahead import HOLDS_S, Ahead


class Broker:
    """An account that counts its questions; `gate` holds them up."""

    def __init__(self, *, practice: bool = False) -> None:
        self.exchange = object() if practice else None
        self.name, self.ready = "main", True
        self.idle = asyncio.Event()
        self.idle.set()
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[Sequence[str]] = []
        self.down = False

    async def everything(self, symbols: Sequence[str]) -> Any:
        self.asked.append(symbols)
        await self.gate.wait()
        if self.down:
            raise BrokerDownError("down")
        return "asset", (), dict.fromkeys(symbols)


async def test_what_was_asked_ahead_is_given_once() -> None:
    broker, clock = Broker(), FakeClock()
    ahead = Ahead(broker, clock)  # type: ignore[arg-type]
    ahead.look("600000.SH")
    told = await ahead.answer()
    assert told is not None
    assert list(told.markets) == ["600000.SH"]
    assert await ahead.answer() is None
    assert broker.asked == [["600000.SH"]]


async def test_a_second_message_asks_nothing_more_before_the_round() -> None:
    broker = Broker()
    ahead = Ahead(broker, FakeClock())  # type: ignore[arg-type]
    ahead.look("600000.SH")
    ahead.look("000001.SZ")
    await ahead.answer()
    assert broker.asked == [["600000.SH"]]


async def test_nothing_is_asked_while_a_round_is_under_way_or_the_account_is_down() -> None:
    broker = Broker()
    ahead = Ahead(broker, FakeClock())  # type: ignore[arg-type]
    broker.idle.clear()
    ahead.look("600000.SH")
    broker.idle.set()
    broker.ready = False
    ahead.look("600000.SH")
    assert await ahead.answer() is None
    assert not broker.asked


async def test_a_practice_exchange_is_not_asked_ahead() -> None:
    broker = Broker(practice=True)
    ahead = Ahead(broker, FakeClock())  # type: ignore[arg-type]
    ahead.look("600000.SH")
    assert await ahead.answer() is None
    assert not broker.asked


async def test_a_slow_terminals_answer_is_as_good_as_a_quick_ones() -> None:
    """Counted from when it came: a terminal that takes seconds is not asked a second time for one order."""
    broker, clock = Broker(), FakeClock()
    ahead = Ahead(broker, clock)  # type: ignore[arg-type]
    broker.gate.clear()
    ahead.look("600000.SH")
    answer = asyncio.create_task(ahead.answer())
    await asyncio.sleep(0)
    clock.advance(3 * HOLDS_S)
    broker.gate.set()
    assert await answer is not None


async def test_an_old_answer_and_a_failed_one_serve_nobody() -> None:
    broker, clock = Broker(), FakeClock()
    ahead = Ahead(broker, clock)  # type: ignore[arg-type]
    ahead.look("600000.SH")
    await asyncio.sleep(0)  # it is asked
    await asyncio.sleep(0)
    clock.advance(HOLDS_S)
    assert await ahead.answer() is None
    broker.down = True
    ahead.look("600000.SH")
    assert await ahead.answer() is None
