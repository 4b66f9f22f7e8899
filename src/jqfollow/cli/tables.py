"""Tables for a window of any width, with Chinese letters that take two columns."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

_GAP = "  "
_INDENT = "    "
_LONG = 16
"""What is wider may stand below its row."""


def table_lines(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[int],
    spare: Sequence[int],
    width: int,
    out: Console,
) -> Iterator[Text]:
    """The heading, a rule and the rows, none wider than `width`.

    Where there is no room for all columns, spare ones that say the same of every row say it once, above; then columns
    stand below their rows.

    Args:
        columns: their names.
        rows: a text for each column.
        right: the numbers of columns that hold figures.
        spare: the numbers of columns that can stand below their rows, the first to go first; then any can.
        width: of the window, in columns of a terminal.
        out: knows how its window breaks lines.
    """
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    wide = [max(cell_len(line[n]) for line in [list(columns), *cells]) for n in range(len(columns))]
    kept = list(range(len(columns)))
    once: list[int] = []
    if not _fits(wide, kept, width):
        once = sorted(n for n in spare if n and len(cells) > 1 and len({row[n] for row in cells}) == 1)
        kept = _kept(wide, [n for n in kept if n not in once], spare, width)
    below = [n for n in range(len(columns)) if n not in kept and n not in once]

    def line(texts: Sequence[str]) -> str:
        return _GAP.join(_padded(texts[n], wide[n], to_right=n in right) for n in kept).rstrip()

    def more(texts: Sequence[str], of: Sequence[int]) -> Iterator[Text]:
        told = _GAP.join(f"{columns[n]} {texts[n]}" for n in of if texts[n])
        for part in Text(told, style="dim").wrap(out, max(width - len(_INDENT), 8)) if told else ():
            part.rstrip()
            yield Text(_INDENT).append_text(part)

    if once:
        yield from more(cells[0], once)
    yield Text(line(columns), style="bold")
    yield Text("─" * min(sum(wide[n] for n in kept) + len(_GAP) * (len(kept) - 1), width), style="dim")
    for row in cells:
        yield Text(line(row))
        yield from more(row, below)


def _fits(wide: Sequence[int], kept: Sequence[int], width: int) -> bool:
    return sum(wide[n] for n in kept) + len(_GAP) * (len(kept) - 1) <= width


def _kept(wide: Sequence[int], columns: Sequence[int], spare: Sequence[int], width: int) -> list[int]:
    """The columns that stand side by side: the spare go, then the widest long, then the last, never the first."""
    kept, first_to_go = list(columns), [n for n in spare if n in columns[1:]]
    while len(kept) > 1 and not _fits(wide, kept, width):
        long = [n for n in kept[1:] if wide[n] > _LONG]
        kept.remove(first_to_go.pop(0) if first_to_go else max(long, key=lambda n: wide[n]) if long else kept[-1])
    return kept


def _padded(text: str, width: int, *, to_right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if to_right else text + space
