"""The report's plots, each an SVG that stands in the page itself. Their captions are the page's: no font is needed."""

import io
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from itertools import accumulate
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from jqfollow.clock import SHANGHAI
from jqfollow.costs.figures import OrderCost, parts_of
from jqfollow.costs.reading import DayResult, Period
from jqfollow.ledger.marks import DriftDay

_SIZE = (8.4, 3.0)
_MOST_DAYS = 10
_PARTS = ("delay", "trading", "opportunity", "fees")
_SECONDS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
_HOURS = ("09:30", "10:00", "10:30", "11:00", "13:00", "13:30", "14:00", "14:30")


def accounts(period: Period) -> str:
    """Each account's total beside that of its first day, per cent."""
    figure, axes = _axes(day for day, *_ in period.accounts)
    by_name: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
    for day, name, total in period.accounts:
        by_name[name].append((day, total))
    for name, points in by_name.items():
        first = points[0][1]
        changes = [100 * float(total / first - 1) if first else 0.0 for _, total in points]
        axes.plot([day for day, _ in points], changes, marker=".", label=name)
    axes.axhline(0, color="#888", linewidth=0.6)
    return _svg(figure, axes)


def results(rows: Sequence[DayResult]) -> str:
    """What the books brought, beside ratio x the strategy's own; summed up from the first day on."""
    return _svg(*_results(rows))


def results_png(rows: Sequence[DayResult]) -> bytes:
    """The same as a picture for a robot's message."""
    figure, axes = _results(rows)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, frameon=False)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=120)
    return out.getvalue()


def _results(rows: Sequence[DayResult]) -> tuple[Figure, Any]:
    figure, axes = _axes(row.day for row in rows)
    keys = sorted({(row.strategy, row.account) for row in rows})
    for strategy, account in keys:
        own = [row for row in rows if (row.strategy, row.account) == (strategy, account)]
        days = [row.day for row in own]
        [line] = axes.plot(days, list(accumulate(float(row.real) for row in own)), marker=".",
                           label=f"{strategy} in {account}")  # fmt: skip
        if any(row.own is not None for row in own):
            theirs = list(accumulate(float(row.own or 0) for row in own))
            axes.plot(days, theirs, linestyle="--", color=line.get_color(), label=f"ratio x {strategy}")
    return figure, axes


def drift(rows: Sequence[DriftDay]) -> str:
    """How far the books were off, by day."""
    figure, axes = _axes(row.day for row in rows)
    missing: dict[date, Decimal] = defaultdict(Decimal)
    excess: dict[date, Decimal] = defaultdict(Decimal)
    for row in rows:
        missing[row.day] += row.missing
        excess[row.day] += row.excess
    days = sorted(missing)
    axes.bar(days, [float(missing[day]) for day in days], width=0.7, label="missing")
    axes.bar(days, [-float(excess[day]) for day in days], width=0.7, label="excess")
    axes.axhline(0, color="#888", linewidth=0.6)
    return _svg(figure, axes)


def shortfalls(orders: Sequence[OrderCost]) -> str:
    """The four parts of shortfall by day, stacked; gains below zero."""
    figure, axes = _axes(order.day for order in orders)
    days = sorted({order.day for order in orders})
    above, below = [0.0] * len(days), [0.0] * len(days)
    for name in _PARTS:
        values = []
        for day in days:
            parts = parts_of(order.cost for order in orders if order.day == day and order.cost is not None)
            values.append(float(getattr(parts, name)))
        bottoms = [a if value >= 0 else b for value, a, b in zip(values, above, below, strict=True)]
        axes.bar(days, values, bottom=bottoms, width=0.7, label=name)
        above = [a + max(value, 0) for a, value in zip(above, values, strict=True)]
        below = [b + min(value, 0) for b, value in zip(below, values, strict=True)]
    axes.axhline(0, color="#888", linewidth=0.6)
    return _svg(figure, axes)


def fill_share(orders: Sequence[OrderCost]) -> str:
    """Which share of the wished value was filled so many seconds after the signal."""
    figure, axes = _axes()
    wished = sum(float(order.decision or 0) * order.wished for order in orders)
    shares = []
    for limit in _SECONDS:
        value = sum(
            float(order.decision or 0) * sum(volume for seconds, volume in order.fills if seconds <= limit)
            for order in orders
        )
        shares.append(100 * min(value / wished, 1) if wished else 0.0)
    axes.step(_SECONDS, shares, where="post", marker=".", label="%")
    axes.set_xscale("log")
    axes.set_xticks(_SECONDS, [str(s) for s in _SECONDS])
    axes.set_ylim(0, 105)
    return _svg(figure, axes)


def by_hour(orders: Sequence[OrderCost]) -> str:
    """Shortfall by the half hour in which the signal came, weighted by value."""
    figure, axes = _axes()
    by_start: dict[str, list[OrderCost]] = defaultdict(list)
    for order in orders:
        if order.cost is not None:
            at = order.received_at.astimezone(SHANGHAI)
            by_start[f"{at:%H}:{30 * (at.minute // 30):02}"].append(order)
    starts = sorted({*_HOURS, *by_start})
    found = [parts_of(order.cost for order in by_start[start] if order.cost is not None).bps for start in starts]
    axes.bar(starts, [float(bps or 0) for bps in found], width=0.7, label="bps")
    axes.axhline(0, color="#888", linewidth=0.6)
    return _svg(figure, axes)


def _axes(days: Iterable[date] = ()) -> tuple[Figure, Any]:
    """With `days`: a few of them below, few enough to be read."""
    mpl.rcParams["svg.fonttype"] = "none"  # texts stay texts, in the reader's own fonts
    mpl.rcParams["svg.hashsalt"] = "jqfollow"
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes: Any = figure.subplots()
    axes.grid(axis="y", linewidth=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    told = sorted(set(days))
    shown = told[:: max(-(-len(told) // _MOST_DAYS), 1)]
    if shown:
        axes.set_xticks(shown, [f"{day:%m-%d}" for day in shown])
    return figure, axes


def _svg(figure: Figure, axes: Any) -> str:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, frameon=False)
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    # No address of anybody else's stands in the page, not even as a name.
    return re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
