"""Where the time of one order goes, stage by stage, as the service itself keeps it with the order."""

import sqlite3
import time
from collections import defaultdict
from contextlib import closing
from statistics import median

from bench.figure import Figure, Row, Run, Values
from bench.figures.steady import keep_sending
from bench.stage import Side, Stage
from jqfollow.stages import BEFORE

_PER_SECOND, _SECONDS, _QUICK_SECONDS = 10, 30, 4
_KEPT_S = 2
"""After so long the last of them are in the ledger."""


def _measure(run: Run, side: str) -> Values:
    if side == Side.FLOOR:
        return {}
    with Stage(Side.SERVICE, run.scratch("stages")) as stage:
        stage.warm_up()
        keep_sending(stage, per_second=_PER_SECOND, seconds=_QUICK_SECONDS if run.quick else _SECONDS)
        time.sleep(_KEPT_S)
        with closing(sqlite3.connect(stage.folder / "data" / "ledger.sqlite3")) as connection:
            connection.row_factory = sqlite3.Row
            rows = connection.execute("SELECT * FROM order_stages").fetchall()
    took: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows:
        after: dict[str, int] = {name.value: row[name.value] for name in BEFORE if row[name.value] is not None}
        for name, before in BEFORE.items():
            if name in after:
                took[name].append(max(after[name] - after.get(before, 0), 0) / 1000)
    return {name: median(times) for name, times in took.items()}


STAGES = Figure(
    name="stages",
    title=f"One order's stages at {_PER_SECOND} a second, median of each",
    rows=tuple(Row(key=stage, label=f"{before} → {stage}", unit="ms") for stage, before in BEFORE.items()),
    measure=_measure,
    rounds=1,
)
