"""What the process costs while nothing happens and the dashboard is open."""

import json
import time
from functools import partial

from bench.client import Connection
from bench.figure import Bound, Figure, Of, Row, Run, Values
from bench.stage import Side, Stage

SECONDS = 60
QUICK_SECONDS = 4
ASKED = ("/api/status", "/api/signals?limit=100", "/api/orders/open", "/api/positions")
"""What the page asks for when something has changed (`jqfollow/api/static/app.js`)."""
_WAIT_S = 10
"""What it waits for it."""
_ORDERS = 100
_SETTLE_S = 2


def watch(stage: Stage, seconds: float) -> float:
    """Percent of a core that the process uses while somebody looks at the dashboard, which is open already."""
    with Connection(stage.console if stage.side is Side.SERVICE else stage.port) as connection:
        look = partial(_look, connection, stage.token()) if stage.side is Side.SERVICE else partial(_ask, connection)
        at = look("", _WAIT_S)
        cpu, began = stage.cpu_s(), time.perf_counter()
        while (left := began + seconds - time.perf_counter()) > 0:
            at = look(at, min(left, _WAIT_S))
        return 100 * (stage.cpu_s() - cpu) / (time.perf_counter() - began)


def _look(connection: Connection, token: str, at: str, wait_s: float) -> str:
    """As the page does: one question, and what has changed."""
    seen = json.loads(connection.get(f"/api/changes?at={at}&wait_s={wait_s:.1f}", token=token))
    for path in ASKED if seen["parts"] else ():
        connection.get(path, token=token)
    return str(seen["at"])


def _ask(connection: Connection, _at: str, wait_s: float) -> str:
    """As often as the page asks when nothing has changed."""
    connection.get("/api/order")
    time.sleep(wait_s)
    return ""


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
