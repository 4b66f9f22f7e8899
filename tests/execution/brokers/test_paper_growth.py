"""Nothing that the paper broker does takes longer because the day was long: counted in calls, not in seconds."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from .contract import SYMBOL, Requests, quiet
from .paper_rig import PaperRig

OTHERS = [f"60010{n}.SH" for n in range(5)]


def calls(work: Callable[[], object]) -> int:
    """How many functions `work` calls, those written in C too."""
    made = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal made
        made += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return made


def costs(rig: PaperRig, make: Requests) -> dict[str, int]:
    """The calls of everything, after a first time that fills what is remembered."""
    broker, found = rig.broker, dict[str, int]()
    for _ in range(2):
        broker.place(make.buy(100, "9.90"))
        newest = broker.orders()[-1].broker_order_id
        found = {
            "filled": calls(lambda: broker.place(make.buy(100, "10.01"))),
            "rests": calls(lambda: broker.place(make.buy(100, "9.90"))),
            "refused": calls(lambda: broker.place(make.buy(150, "9.90"))),
            "canceled": calls(partial(broker.cancel, newest)),
            "asset": calls(broker.asset),
            "positions": calls(broker.positions),
            "quote": calls(lambda: broker.quote(SYMBOL)),
            "orders": calls(broker.orders),
            "fills": calls(broker.fills),
            "advanced": calls(broker.advance),
        }
        rig.clock.forward(3)
        found["advanced to the next book"] = calls(broker.advance)
    return found


def test_a_long_day_makes_nothing_slower(tmp_path: Path) -> None:
    rig, make = PaperRig(tmp_path), Requests()
    for symbol in (SYMBOL, *OTHERS):
        quiet(rig, symbol)
        rig.hold(symbol, 1000)
        for price in ("9.90", "10.01"):
            rig.broker.place(make.buy(100, price, symbol=symbol))
    early = costs(rig, make)
    for n in range(600):
        rig.broker.place(make.buy(100, "9.90" if n // 6 % 2 else "10.01", symbol=[SYMBOL, *OTHERS][n % 6]))
    late = costs(rig, make)
    # A thread that holds the sync's turn for a moment makes a caller wait: some calls more.
    assert {name: (early[name], n) for name, n in late.items() if n > early[name] + 40} == {}
    rig.close()
