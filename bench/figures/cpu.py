"""Processor time an order over a busy day: does it stay what it was in the morning?

Orders come fifty at a time over four connections, the next fifty when all of the last are at the broker.
"""

from bench.figure import Bound, Figure, Of, Row, Run, Values
from bench.stage import Side, Stage

DAY = 10_000
QUICK_DAY = 1_000
BLOCKS = 20
CURVE = "after "
"""Begins the keys of the curve: processor time an order in the block that ended after so many orders."""
_BATCH = 50
_CONNECTIONS = 4
_WAIT_S = 120


def _measure(run: Run, side: str) -> Values:
    block = (QUICK_DAY if run.quick else DAY) // BLOCKS
    curve = {}
    with Stage(Side(side), run.scratch(f"cpu-{side}")) as stage:
        stage.warm_up()
        before = stage.cpu_s()
        for number in range(BLOCKS):
            for _ in range(block // _BATCH):
                target = stage.calls.poll() + _BATCH
                stage.send_all(stage.signals.buys(_BATCH), connections=_CONNECTIONS)
                stage.calls.wait(target, _WAIT_S)
            now = stage.cpu_s()
            curve[f"{CURVE}{(number + 1) * block}"] = 1000 * (now - before) / block
            before = now
    figures = list(curve.values())
    first, last = (sum(part) / len(part) for part in (figures[: BLOCKS // 10], figures[-(BLOCKS // 10) :]))
    return {"first": first, "last": last, "growth": last / first, **curve}


DAY_LONG = Figure(
    name="cpu",
    title=f"Processor time an order over a day of {DAY:,}",
    rows=(
        Row(
            key="first",
            label="first tenth",
            unit="ms",
            must=Bound(most=4, of=Of.VALUE),
            wish=Bound(most=2, of=Of.VALUE),
        ),
        Row(
            key="last", label="last tenth", unit="ms", must=Bound(most=4, of=Of.VALUE), wish=Bound(most=2, of=Of.VALUE)
        ),
        Row(key="growth", label="last ÷ first", unit="", must=Bound(most=1.2, of=Of.VALUE)),
    ),
    measure=_measure,
)
