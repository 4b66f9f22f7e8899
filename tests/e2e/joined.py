"""An emulated JoinQuant joined to a house by the client as a user gets it, through the real port, on one clock.

async with House(tmp_path) as house, Joined(house) as jq:
    jq.platform.prices["000001.XSHE"] = 10.0
    await jq.run("buy", "000001.XSHE", 1000)         # the strategy's function; here `order`
    await jq.to("10:30")                             # minute by minute, for both
"""

import asyncio
import itertools
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from joinquant import Platform
from jqfollow.clock import SHANGHAI
from jqfollow.domain import OrderState
from jqfollow.wire.client_file import module_name, render_client

from .house import House

STRATEGY = """
import {module} as client

def process_initialize(context):
    client.install(globals(), context, {name!r})

def buy(context, security, amount, style=None):
    return order(security, amount, style)

def call(context, name, *args, **kwargs):
    return globals()[name](*args, **kwargs)
"""
_INSTALL = '\ninstall = jqfollow_install\n\nif "order" in globals():'
_numbers = itertools.count()
clocks: dict[int, Any] = {}


class Joined:
    """One strategy at JoinQuant."""

    def __init__(self, house: House, strategy: str | None = None, *, name: str = "demo", **options: Any) -> None:
        """`strategy` is its text, `STRATEGY` when not given; `options` are those of `Platform`."""
        self.house = house
        key = house.service.keys.keys(name)[0].text
        client = render_client(url=house.service.signals_url, key_text=key, strategy=name)
        number = next(_numbers)
        clocks[number] = house.clock
        clock = f"_sys.modules[{__name__!r}].clocks[{number}]"
        hook = f"""
import sys as _sys
_JqFollow.now = staticmethod(lambda: {clock}.now().timestamp())
_JqFollow.monotonic = staticmethod(lambda: {clock}.monotonic())
_JqFollow.sleep = staticmethod(lambda seconds: {clock}.forward(seconds))
"""
        assert client.count(_INSTALL) == 1
        client = client.replace(_INSTALL, hook + _INSTALL)
        module = module_name(name)
        text = STRATEGY.format(module=module, name=name) if strategy is None else strategy
        now = house.clock.now().astimezone(SHANGHAI).replace(tzinfo=None)
        self.platform = Platform(
            text, **({"helpers": {module: client} | options.pop("helpers", {}), "now": now} | options)
        )

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.platform.__enter__)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.platform.__exit__, kind, error, trace)

    @property
    def warnings(self) -> list[str]:
        """What the strategy's log says beyond information."""
        return [text for level, text in self.platform.log.lines if level != "info"]

    async def run(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Calls a function of the strategy; returns when every order of it was looked at."""
        result = await asyncio.to_thread(self.platform.run, name, *args, **kwargs)
        await self._looked_at()
        return result

    async def minutes(self, count: int = 1) -> None:
        """So many minutes pass."""
        for _ in range(count):
            following = (self.platform.context.current_dt + timedelta(minutes=1)).replace(second=0)
            self._catch_up(following)
            await asyncio.to_thread(self.platform.to, f"{following:%H:%M}")
            await self._looked_at()

    async def to(self, time: str) -> None:
        """Every minute until `time` of the same day."""
        while f"{self.platform.context.current_dt:%H:%M}" < time:
            await self.minutes()

    async def jump(self, time: str) -> None:
        """The same at one go: the house is at `time` already while JoinQuant gets there."""
        hour, minute = time.split(":")
        self._catch_up(self.platform.context.current_dt.replace(hour=int(hour), minute=int(minute), second=0))
        await asyncio.to_thread(self.platform.to, time)
        await self._looked_at()

    async def next_morning(self) -> None:
        """The next day at 8:55, in a new process."""
        await asyncio.to_thread(self.platform.next_morning)
        self._catch_up(self.platform.context.current_dt)

    def held(self, security: str) -> int:
        """What the strategy holds."""
        return int(self.platform.context.held(security, 0))

    def held_everywhere(self, security: str) -> int:
        """The same, over all sub-portfolios."""
        return sum(self.platform.context.held(security, n) for n in range(len(self.platform.context.subportfolios)))

    async def _looked_at(self) -> None:
        """A jump of time must not make stale what the account would have placed within milliseconds."""
        fresh = OrderState.PENDING_NEW
        await self.house.until(
            lambda tx: all(o.state is not fresh or o.waiting for o in tx.orders.open()), timeout_s=30
        )

    def _catch_up(self, moment: datetime) -> None:
        ahead = (moment.replace(tzinfo=SHANGHAI) - self.house.clock.now()).total_seconds()
        if ahead > 0:
            self.house.forward(ahead)
