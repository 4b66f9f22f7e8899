"""What was found, for people: a table on the terminal, and `docs/performance.md`."""

import os
import platform
import re
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.figure import Bound, Of, Run
from bench.plot import draw
from bench.profile import profile
from bench.runner import Found, Measured, Result

SLACK = 2
"""How much worse than its figure a ratio may be with `--quick` on a busy machine."""
_BLOCK = "<!-- bench:{name} -->\n{text}\n<!-- /bench:{name} -->"
_TELLS_LOAD = hasattr(os, "getloadavg")
_HEADS = ("figure", "", "beside", "jqfollow", "ratio", "must", "wish", "")


def verdict(result: Result, *, quick: bool) -> bool | None:
    """Whether its bound is kept; `None`: it has none, or a quick run cannot tell."""
    row = result.row
    bound = row.reached if quick and row.reached is not None else row.must
    if bound is None or (quick and (row.tail or bound.of is Of.VALUE)):
        return None
    return _kept(result, bound, SLACK if quick else 1)


def _kept(result: Result, bound: Bound, slack: float = 1) -> bool | None:
    figure = result.ratio if bound.of is Of.RATIO else result.second.median
    return None if figure is None else bound.keeps(figure, slack=slack)


def table(results: Sequence[Result], *, quick: bool) -> str:
    """A table in Markdown: medians, and in brackets the least and the most of the rounds."""
    rows = [_HEADS, *(_cells(result, quick=quick) for result in results)]
    titled = ""
    for number, row in enumerate(rows[1:], 1):
        rows[number] = ("" if row[0] == titled else row[0], *row[1:])
        titled = row[0]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _cells(result: Result, *, quick: bool) -> tuple[str, ...]:
    must, wish = result.row.must, result.row.wish
    return (
        result.figure.title,
        result.row.label,
        _told(result.first, result.row.unit) + (f" ({result.figure.sides[0]})" if result.first else ""),
        _told(result.second, result.row.unit),
        "" if result.ratio is None else f"{result.ratio:.2f}×",
        str(must or ""),
        str(wish or ""),
        _mark(result, quick=quick),
    )


def _mark(result: Result, *, quick: bool) -> str:
    must, wish = result.row.must, result.row.wish
    if must is None or (kept := _kept(result, must)) is None:
        return ""
    if not kept:
        return "✗" if verdict(result, quick=quick) is False else "~"
    return "✓✓" if wish is not None and _kept(result, wish) else "✓"


def _told(found: Found | None, unit: str) -> str:
    if found is None:
        return "–"
    least, most = (_number(one) for one in found.spread)
    spread = "" if len(found.values) == 1 else f" [{least}–{most}]"
    return f"{_number(found.median)} {unit}".rstrip() + spread


def _number(value: float) -> str:
    """Three figures that count."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def machine() -> str:
    """What it ran on, and what else ran there."""
    load = f", {os.getloadavg()[2]:.1f} processes ready to run in the last quarter of an hour" if _TELLS_LOAD else ""
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({platform.machine()}), {platform.system()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}{load}"
    )


def write(document: Path, measured: Sequence[Measured], run: Run) -> None:
    """Puts what was measured, a plot and a new profile into the document's marked blocks; the rest is a person's."""
    text = document.read_text(encoding="utf-8")
    results = [result for one in measured for result in one.results()]
    text = replaced(text, "machine", machine())
    text = replaced(text, "table", table(results, quick=run.quick))
    curve = draw(measured, document.with_name("performance-cpu.svg"))
    if curve:
        text = replaced(text, "plot", curve)
    lines = profile(run, mixed=False, calls=False)
    text = replaced(text, "profile", f"```\n{lines}\n```")
    document.write_text(text, encoding="utf-8", newline="\n")


def replaced(text: str, name: str, block: str) -> str:
    """`text` with the marked block of that name replaced; raises `ValueError` when it has none."""
    pattern = re.escape(_BLOCK.format(name=name, text="\0")).replace(re.escape("\0"), ".*?")
    new, count = re.subn(pattern, lambda _: _BLOCK.format(name=name, text=block), text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"the document has {count} blocks bench:{name}, one is wanted")
    return new
