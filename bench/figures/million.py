"""A million signals in the ledger, beside an empty one."""

import os
import time
from pathlib import Path
from statistics import median

from bench.client import Connection
from bench.figure import Bound, Figure, Of, Row, Run, Values
from bench.figures.idle import watch
from bench.figures.steady import keep_sending
from bench.history import fill
from bench.stage import Side, Stage

SIGNALS = 1_000_000
QUICK_SIGNALS = 100_000
_PER_SECOND, _SECONDS, _QUICK_SECONDS = 10, 20, 4
_IDLE_S, _QUICK_IDLE_S = 30, 4
_ASKS = 7
_ASKED = {
    "status": "/api/status",
    "signals": "/api/signals?limit=100",
    "orders": "/api/orders?limit=100",
    "open orders": "/api/orders/open",
    "positions": "/api/positions",
    "fills": "/api/fills?limit=100",
    "decisions": "/api/decisions?limit=100",
    "metrics": "/metrics",
}


def _measure(run: Run, side: str) -> Values:
    folder = run.scratch("empty") if side == "empty" else _filled(run)
    values = {}
    if side != "empty" and _forget_cache(folder):
        with Stage(Side.SERVICE, folder) as stage:
            values["cold"] = stage.start_s
    with Stage(Side.SERVICE, folder) as stage:
        values["start"] = stage.start_s
        stage.warm_up()
        seconds = _QUICK_SECONDS if run.quick else _SECONDS
        values["broker"] = median(keep_sending(stage, per_second=_PER_SECOND, seconds=seconds))
        values |= {name: _ask_ms(stage, path) for name, path in _ASKED.items()}
        values["idle"] = watch(stage, _QUICK_IDLE_S if run.quick else _IDLE_S)
        stage.stop()
    return values


def _ask_ms(stage: Stage, path: str) -> float:
    token, took = stage.token(), []
    with Connection(stage.console) as connection:
        for _ in range(_ASKS):
            began = time.perf_counter()
            connection.get(path, token=token)
            took.append(1000 * (time.perf_counter() - began))
    return median(took)


def _filled(run: Run) -> Path:
    """The folder with the long history; made once a run."""
    folder = run.folder / "million"
    if not folder.exists():
        fill(folder, QUICK_SIGNALS if run.quick else SIGNALS)
    return folder


def _forget_cache(folder: Path) -> bool:
    """Lets the system forget the ledger's pages, where it can be asked to: the first start of a morning."""
    if not hasattr(os, "posix_fadvise"):
        return False
    with (folder / "data" / "ledger.sqlite3").open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return True


MILLION = Figure(
    name="million",
    title=f"A history of {SIGNALS:,} signals",
    sides=("empty", "million"),
    rows=(
        Row(key="start", label="until the port answers", unit="s", must=Bound(most=2, of=Of.VALUE)),
        Row(key="cold", label="the same, the file not in memory", unit="s", must=Bound(most=2, of=Of.VALUE), tail=True),
        Row(key="broker", label="signal → broker, median", unit="ms", must=Bound(most=1.2)),
        *(
            Row(key=name, label=f"`{path}`", unit="ms", must=Bound(most=50, of=Of.VALUE))
            for name, path in _ASKED.items()
        ),
        Row(key="idle", label="idle, the dashboard open", unit="%", must=Bound(most=1, of=Of.VALUE)),
    ),
    measure=_measure,
    rounds=3,
)
