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
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int], width: int, out: Console
) -> Iterator[Text]:
    """The heading, a rule and the rows, none wider than `width`.

    Args:
        columns: their names.
        rows: a text for each column.
        right: the numbers of columns that hold figures.
        width: of the window, in columns of a terminal.
        out: knows how its window breaks lines.
    """
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    wide = [max(cell_len(line[n]) for line in [list(columns), *cells]) for n in range(len(columns))]
    kept = _kept(wide, width)
    below = [n for n in range(len(columns)) if n not in kept]

    def line(texts: Sequence[str]) -> str:
        return _GAP.join(_padded(texts[n], wide[n], to_right=n in right) for n in kept).rstrip()

    yield Text(line(columns), style="bold")
    yield Text("─" * min(sum(wide[n] for n in kept) + len(_GAP) * (len(kept) - 1), width), style="dim")
    for row in cells:
        yield Text(line(row))
        more = _GAP.join(f"{columns[n]} {row[n]}" for n in below if row[n])
        if more:
            for part in Text(more, style="dim").wrap(out, max(width - len(_INDENT), 8)):
                part.rstrip()
                yield Text(_INDENT).append_text(part)


def _kept(wide: Sequence[int], width: int) -> list[int]:
    """The columns that stand side by side: the widest long ones go first, then the last ones, never the first."""
    kept = list(range(len(wide)))
    while len(kept) > 1 and sum(wide[n] for n in kept) + len(_GAP) * (len(kept) - 1) > width:
        long = [n for n in kept[1:] if wide[n] > _LONG]
        kept.remove(max(long, key=lambda n: wide[n]) if long else kept[-1])
    return kept


def _padded(text: str, width: int, *, to_right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if to_right else text + space
