"""How far 6,000 books are from their strategies, as the console tells it."""

import time
from statistics import median

from bench.books import CODES, DRIFTS, NAMES, fill, report
from bench.client import Connection
from bench.figure import Bound, Figure, Of, Row, Run, Values
from bench.stage import Side, Stage

_ORDERS = 20
_ASKS = 7
_BEGUN_S = 1.0
_MS = Bound(most=50, of=Of.VALUE)


def _measure(run: Run, side: str) -> Values:
    if side == "empty":
        with Stage(Side.SERVICE, run.scratch("empty"), strategies=NAMES) as stage:
            time.sleep(_BEGUN_S)
            return {"cold": _ask_ms(stage), "warm": median(_ask_ms(stage) for _ in range(_ASKS))}
    folder = run.scratch("books")
    fill(folder)
    with Stage(Side.SERVICE, folder, strategies=NAMES) as stage:
        time.sleep(_BEGUN_S)
        values = {"cold": _ask_ms(stage), "warm": median(_ask_ms(stage) for _ in range(_ASKS))}
        values["all"] = median(_ask_ms(stage, "?every=true") for _ in range(_ASKS))
        stage.send_all(stage.signals.buys(_ORDERS), connections=1)
        stage.calls.wait(_ORDERS, 60)
        stage.settle()
        values["orders"] = _ask_ms(stage)
        report(stage)
        values["reports"] = _ask_ms(stage)
        stage.stop()
    return values


def _ask_ms(stage: Stage, more: str = "") -> float:
    with Connection(stage.console) as connection:
        began = time.perf_counter()
        connection.get(f"/api/drift{more}", token=stage.token())
        return 1000 * (time.perf_counter() - began)


DRIFT = Figure(
    name="drift",
    title=f"`/api/drift`: {len(NAMES)} strategies of {len(CODES)} codes, every {DRIFTS}th book off",
    sides=("empty", "books"),
    rows=(
        Row(key="cold", label="the first, a second after a start", unit="ms", must=_MS),
        Row(key="warm", label="when nothing has changed", unit="ms", must=_MS),
        Row(key="all", label="every book", unit="ms", must=_MS),
        Row(key="orders", label=f"after {_ORDERS} orders", unit="ms", must=_MS),
        Row(key="reports", label="after a report of every strategy", unit="ms", must=_MS),
    ),
    measure=_measure,
)
