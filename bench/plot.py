"""The plot: processor time an order over a day."""

from collections.abc import Sequence
from pathlib import Path

from bench.figures.cpu import CURVE
from bench.runner import Measured


def draw(measured: Sequence[Measured], path: Path) -> str | None:
    """Draws the curve of each side, median and spread, into an SVG; how a document shows it, `None` without a curve."""
    curves = {side: _curve(rounds) for one in measured for side, rounds in one.values.items() if _curve(rounds)}
    if not curves:
        return None
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "jqfollow"  # the same figures draw the same file
    mpl.rcParams["svg.fonttype"] = "none"
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.add_subplot()
    for side, points in curves.items():
        orders = sorted(points)
        middle, least, most = zip(*(points[one] for one in orders), strict=True)
        axes.plot(orders, middle, marker=".", label=side)
        axes.fill_between(orders, least, most, alpha=0.2)
    axes.set(xlabel="orders since the morning", ylabel="processor time an order, ms", ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, metadata={"Date": None})
    return f"![Processor time an order over a day]({path.name})"


def _curve(rounds: Sequence[dict[str, float]]) -> dict[int, tuple[float, float, float]]:
    """By the number of orders: median, least, most."""
    found: dict[int, list[float]] = {}
    for values in rounds:
        for key, value in values.items():
            if key.startswith(CURVE):
                found.setdefault(int(key.removeprefix(CURVE)), []).append(value)
    return {orders: (sorted(all_)[len(all_) // 2], min(all_), max(all_)) for orders, all_ in found.items()}
