"""A rebalancing of a hundred codes at a slow counter: `python -m bench.rebalancing 0.3` prints seconds until all stood.

The real service in this process, with a broker that takes so long for each placing, each list and each question about
money and positions, four orders side by side as at a terminal. The signals arrive together.
"""

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from jqfollow.clock import SystemClock
from jqfollow.domain import Asset, Placed, PlaceRequest, Position, Side, SignalKind, StrategyOrder, Wire
from jqfollow.execution.brokers.paper.broker import PaperBroker
from jqfollow.execution.brokers.port import BrokerTraits
from jqfollow.ledger.rows import NewSignal
from jqfollow.market.calendar import TradingCalendar
from jqfollow.service import Service
from jqfollow.settings import parse_settings


class SlowBroker(PaperBroker):
    """Takes `slow_s` for what a counter answers; quotes come from beside it."""

    slow_s = 0.0

    def place(self, request: PlaceRequest) -> Placed:
        time.sleep(self.slow_s)
        return super().place(request)

    def asset(self) -> Asset:
        time.sleep(self.slow_s)
        return super().asset()

    def positions(self) -> Sequence[Position]:
        time.sleep(self.slow_s)
        return super().positions()


def signal(number: int, now: datetime) -> NewSignal:
    order = StrategyOrder(
        jq_order_id=str(number),
        symbol=f"{600100 + number}.SH",
        side=Side.BUY,
        amount=100,
        filled=100,
        price=Decimal("10.00"),
        limit=None,
        status="held",
        position_side="long",
        day=now.date(),
        position_after=100,
        total_value=None,
    )
    return NewSignal(
        strategy="demo",
        wire=Wire.JQF1,
        message_id=f"m{number}",
        kind=SignalKind.ORDER,
        run="sim_trade",
        text="{}",
        made_at=now - timedelta(seconds=1),
        received_at=now,
        order=order,
    )


async def measured(folder: Path, slow_s: float, codes: int) -> None:
    settings = parse_settings(
        {
            "data_dir": str(folder),
            "signals": {"port": 0},
            "console": {"port": 0},
            "accounts": {"paper": {"broker": "paper", "cash": 100_000_000}},
            "strategies": {"demo": {"follow": {"paper": 1.0}}},
            "execution": {"price": "peer"},
        },
        source="bench",
    )
    SlowBroker.slow_s = slow_s
    clock = SystemClock()

    def broker(name: str, _: object) -> SlowBroker:
        return SlowBroker(
            name=name,
            path=folder / "paper.jsonl",
            clock=clock,
            cash=Decimal(100_000_000),
            hours="always",
            calendar=TradingCalendar(),
            traits=BrokerTraits(real=False, absence_is_proof=True, always_open=True, width=4),
        )

    async with Service(settings, clock=clock, make_broker=broker) as service:
        assert service.parts.accounts["paper"].ready  # a paper account is, when the service has started
        began = time.perf_counter()
        for number in range(codes):
            await service.parts.follower.record(signal(number, clock.now()))
        placed = 0
        while placed < codes and time.perf_counter() - began < 600 * slow_s + 60:
            await asyncio.sleep(0.05)
            placed = await service.ledger.read(
                lambda tx: sum(bool(tx.attempts.of_order(o.order_id)) for o in tx.orders.list(limit=codes))
            )
        seconds = time.perf_counter() - began
        ends = await service.ledger.read(
            lambda tx: Counter(str(o.reason or o.state) for o in tx.orders.list(limit=codes))
        )
        print(f"{codes} codes at {slow_s:g} s an answer: {placed} placed in {seconds:.1f} s; now {dict(ends)}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("seconds", type=float, nargs="+")
    arguments.add_argument("--codes", type=int, default=100)
    given = arguments.parse_args()
    for slow_s in given.seconds:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measured(Path(folder), slow_s, given.codes))


if __name__ == "__main__":
    main()
