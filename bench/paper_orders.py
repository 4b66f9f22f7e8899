"""What an order costs at the paper exchange: `python -m bench.paper_orders` prints CPU and time, each per call.

The account holds 300 codes and 5,000 orders of the day stand (`--holdings`, `--standing`); then so many limit orders
come that fill at once, from one thread and from sixteen, with their pushes, and each question is asked.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

from jqfollow.clock import SystemClock
from jqfollow.domain import Accepted, PlaceRequest, Side
from jqfollow.execution.brokers.paper.broker import PaperBroker
from jqfollow.market.calendar import TradingCalendar


def requests(count: int, symbols: list[str], *, price: str, first: int) -> list[PlaceRequest]:
    return [
        PlaceRequest(
            attempt_id=first + n,
            remark=f"jqbench-{first + n}",
            symbol=symbols[n % len(symbols)],
            side=Side.BUY,
            volume=100,
            price=Decimal(price),
        )
        for n in range(count)
    ]


def measure(what: str, times: int, work: Callable[[], object]) -> None:
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(f"{what:<34} {cpu / times * 1000:8.3f} ms CPU {wall / times * 1000:8.3f} ms")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--holdings", type=int, default=300)
    arguments.add_argument("--standing", type=int, default=5000)
    arguments.add_argument("--orders", type=int, default=500)
    given = arguments.parse_args()
    symbols = [f"600{n:03d}.SH" for n in range(given.holdings)]
    with tempfile.TemporaryDirectory() as folder:
        broker = PaperBroker(
            name="bench",
            path=Path(folder) / "paper.journal",
            clock=SystemClock(),
            cash=Decimal(10**10),
            hours="always",
            calendar=TradingCalendar(),
            pulse_s=None,
        )
        told: list[object] = []
        broker.events(told.append)
        end = broker.connect()
        for symbol in symbols:
            broker.set_market(symbol, prev_close=Decimal(10), last=Decimal(10), depth=10**8)
            broker.set_holding(symbol, 1000, cost=Decimal(9))

        def place(request: PlaceRequest) -> None:
            placed = broker.place(request)
            assert isinstance(placed, Accepted), placed

        def alone(orders: list[PlaceRequest]) -> None:
            for request in orders:
                place(request)
            assert broker.flush(60)

        def together(orders: list[PlaceRequest]) -> None:
            with ThreadPoolExecutor(16) as pool:
                list(pool.map(place, orders))
            assert broker.flush(60)

        standing = requests(given.standing, symbols, price="9.90", first=0)
        measure("placed, and stands (16 threads)", given.standing, lambda: together(standing))
        n = given.orders
        for name, how in (("one thread", alone), ("16 threads", together)):
            orders = requests(n, symbols, price="10.01", first=len(told) * 10)
            measure(f"placed, filled, told ({name})", n, lambda how=how, orders=orders: how(orders))  # type: ignore[misc]
        for name, ask in (
            ("asset", broker.asset),
            ("positions", broker.positions),
            ("quote", lambda: broker.quote(symbols[7])),
            ("orders", broker.orders),
            ("advance", broker.advance),
        ):
            ask()
            measure(name, 20, lambda ask=ask: [ask() for _ in range(20)])  # type: ignore[misc]
        ids = [order.broker_order_id for order in broker.orders()[:200]]

        def cancel_all() -> None:
            for order_id in ids:
                broker.cancel(order_id)
            assert broker.flush(60)

        measure("canceled, and told", len(ids), cancel_all)
        end()


if __name__ == "__main__":
    main()
