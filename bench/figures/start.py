"""From the start of the process until its port answers, and what it then holds of memory."""

import time

import psutil

from bench.figure import Bound, Figure, Row, Run, Values
from bench.stage import Side, Stage

_SETTLE_S = 0.5


def _measure(run: Run, side: str) -> Values:
    with Stage(Side(side), run.scratch(f"start-{side}"), plain=True) as stage:
        time.sleep(_SETTLE_S)
        return {"start": stage.start_s, "memory": psutil.Process(stage.pid).memory_info().rss / 2**20}


START = Figure(
    name="start",
    title="Start of `jqfollow serve`, with an empty ledger",
    rows=(
        # No worse than before the step was made anew: 0.82 s beside 0.39 s, 76 MB beside 56 MB.
        Row(key="start", label="until the port answers", unit="s", must=Bound(most=2.1)),
        Row(key="memory", label="memory", unit="MB", must=Bound(most=1.36)),
    ),
    measure=_measure,
    quick_rounds=2,
)
