"""What was found, for people: a table on the terminal, and `docs/performance.md`."""

import os
import platform
import re
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
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
    return _drawn([_cells(result, quick=quick) for result in results])


def _drawn(cells: Sequence[Sequence[str]]) -> str:
    rows: list[Sequence[str]] = [_HEADS]
    for before, row in pairwise((_HEADS, *cells)):
        rows.append(("" if row[0] == before[0] else row[0], *row[1:]))
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
    text = replaced(text, "since", "")
    curve = draw(measured, document.with_name("performance-cpu.svg"))
    if curve:
        text = replaced(text, "plot", curve)
    lines = profile(run, mixed=False, calls=False)
    text = replaced(text, "profile", f"```\n{lines}\n```")
    document.write_text(text, encoding="utf-8", newline="\n")


def write_some(document: Path, measured: Sequence[Measured]) -> None:
    """Puts figures that were measured again in the place of theirs, and says when that was."""
    text = document.read_text(encoding="utf-8")
    rows = _rows(_block(text, "table"))
    for one in measured:
        cells = [_cells(result, quick=False) for result in one.results()]
        title = cells[0][0]
        at = next((number for number, row in enumerate(rows) if row[0] == title), len(rows))
        rows = [row for row in rows if row[0] != title]
        rows[at:at] = cells
    names = ", ".join(one.figure.name for one in measured)
    since = f"{_block(text, 'since')}\nMeasured again: {names} ({machine()}).\n"
    text = replaced(text, "table", _drawn(rows))
    text = replaced(text, "since", since.strip("\n"))
    curve = draw(measured, document.with_name("performance-cpu.svg"))
    text = replaced(text, "plot", curve) if curve else text
    document.write_text(text, encoding="utf-8", newline="\n")


def _rows(block: str) -> list[Sequence[str]]:
    """The cells of a table of ours, each with its figure's title."""
    rows: list[Sequence[str]] = []
    for line in block.splitlines()[2:]:
        title, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        rows.append((title or rows[-1][0], *cells))
    return rows


def _block(text: str, name: str) -> str:
    found = re.search(_pattern(name), text, flags=re.DOTALL)
    return "" if found is None else "\n".join(found[0].split("\n")[1:-1])


def _pattern(name: str) -> str:
    return re.escape(_BLOCK.format(name=name, text="\0")).replace(re.escape("\0"), ".*?")


def replaced(text: str, name: str, block: str) -> str:
    """`text` with the marked block of that name replaced; raises `ValueError` when it has none."""
    new, count = re.subn(_pattern(name), lambda _: _BLOCK.format(name=name, text=block), text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"the document has {count} blocks bench:{name}, one is wanted")
    return new
