"""What the process costs while nothing happens and the dashboard is open."""

import time

from bench.client import Connection
from bench.figure import Bound, Figure, Of, Row, Run, Values
from bench.stage import Side, Stage

SECONDS = 60
QUICK_SECONDS = 4
EVERY_S = 2
ASKED = ("/api/status", "/api/signals?limit=100", "/api/orders/open", "/api/positions")
"""What the page asks for in each turn (`jqfollow/api/static/app.js`)."""
_ORDERS = 100
_SETTLE_S = 2


def watch(stage: Stage, seconds: float) -> float:
    """Percent of a core that the process uses while somebody looks at the dashboard."""
    service = stage.side is Side.SERVICE
    token = stage.token() if service else None
    paths = ASKED if service else ("/api/order",) * len(ASKED)
    with Connection(stage.console if service else stage.port) as connection:
        cpu, began = stage.cpu_s(), time.perf_counter()
        for turn in range(int(seconds / EVERY_S)):
            for path in paths:
                connection.get(path, token=token)
            time.sleep(max(0, began + (turn + 1) * EVERY_S - time.perf_counter()))
        return 100 * (stage.cpu_s() - cpu) / (time.perf_counter() - began)


def _measure(run: Run, side: str) -> Values:
    with Stage(Side(side), run.scratch(f"idle-{side}")) as stage:
        stage.send_all(stage.signals.buys(_ORDERS), connections=1)
        stage.calls.wait(_ORDERS, 60)
        time.sleep(_SETTLE_S)
        return {"idle": watch(stage, QUICK_SECONDS if run.quick else SECONDS)}


IDLE = Figure(
    name="idle",
    title="Idle, the dashboard open, a hundred orders on it",
    rows=(Row(key="idle", label="of a core", unit="%", must=Bound(most=1, of=Of.VALUE)),),
    measure=_measure,
)
