"""`python -m bench profile`: where the time of a burst goes."""

import io
import pstats
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from bench.figure import Run
from bench.figures import burst
from bench.profiler import most
from bench.stage import Side, Stage

_LINES = 30
_WAITING = (
    "<method 'acquire' of '_thread.lock' objects>",
    "<method 'get' of '_queue.SimpleQueue' objects>",
    "<method 'poll' of 'select.epoll' objects>",
    "<built-in method time.sleep>",
)
"""What counts as time there, and is none."""


def profile(run: Run, *, mixed: bool, calls: bool) -> str:
    """The profile of one burst, as text: processor time by sampling, or, with `calls`, every call counted."""
    folder = run.scratch("profile")
    with Stage(Side.SERVICE, folder, options=["--calls"] if calls else []) as stage:
        signals = burst.mixed(stage) if mixed else burst.buys(stage)
        stage.ask("count" if calls else "sample")
        _, _, seconds = burst.play(stage, signals)
        head = f"burst of {len(signals)}: the last at the broker after {seconds:.2f} s\n"
        if not calls:
            return head + sampled(stage.ask("samples"), len(signals))
        stage.ask(f"counts {folder / 'calls.pstats'}")
    return head + counted(folder / "calls.pstats", len(signals))


def sampled(told: dict[str, Any], orders: int) -> str:
    """What `Sampler.stop` told, in milliseconds of processor time an order."""
    by_module: defaultdict[str, float] = defaultdict(float)
    for module, _, seconds in told["selves"]:
        by_module[module] += seconds
    blocks = [
        ("by thread", told["threads"]),
        ("by module, its libraries included", most(by_module)),
        ("by function, its libraries included", _joined(told["selves"])),
        ("by function, all that it calls included", _joined(told["within"])),
    ]
    total = told["cpu_s"]
    lines = [f"wall {told['wall_s']:.2f} s, processor {total:.2f} s, {1000 * total / orders:.2f} ms an order"]
    for title, rows in blocks:
        lines += ["", f"{'ms/order':>9} {'share':>6}  {title}"]
        lines += [f"{1000 * s / orders:9.3f} {100 * s / total:5.1f}%  {name}" for name, s in rows[:_LINES]]
    return "\n".join(lines)


def _joined(rows: list[tuple[str, str, float]]) -> list[tuple[str, float]]:
    return [(f"{module.removeprefix('jqfollow.')}: {function}", seconds) for module, function, seconds in rows]


def counted(path: Path, orders: int) -> str:
    """How often each function of jqfollow is called an order, and the libraries' that take most time."""
    told = pstats.Stats(str(path)).stats  # type: ignore[attr-defined]
    ours = Counter[str]()
    for (file, _, function), (_, calls, *_) in told.items():
        if "jqfollow" in file:
            ours[f"{Path(file).parent.name}/{Path(file).stem}: {function}"] += calls
    lines = ["", f"{'an order':>9}  calls of jqfollow's own functions"]
    lines += [f"{calls / orders:9.2f}  {name}" for name, calls in ours.most_common(2 * _LINES)]
    out = io.StringIO()
    stats = pstats.Stats(str(path), stream=out)
    for place in [place for place in stats.stats if place[2] in _WAITING]:  # type: ignore[attr-defined]
        del stats.stats[place]  # type: ignore[attr-defined]
    stats.sort_stats("tottime").print_stats(_LINES)
    return "\n".join(lines) + "\n" + out.getvalue()
