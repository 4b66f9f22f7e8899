"""Writes what `under_wine.sh` counted into docs/windows.md.

python tests/windows/counted.py [WINE_WORLD]
"""

import re
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "windows.md"
BEGIN, END = "<!-- counted -->\n", "<!-- /counted -->\n"
KINDS = ("passed", "skipped", "failed")


def table(text: str) -> str:
    """The paragraph and the table of `counts.txt`; the files of a folder that was run file by file are summed up."""
    told = dict(re.findall(r"^(commit|changed|day|python) (.+)$", text, re.MULTILINE))
    rows: dict[str, list[int]] = {}
    for name, line in re.findall(r"^(tests/.*?) +exit \d+ +(.+)$", text, re.MULTILINE):
        found = [(int(count), kind) for count, kind in re.findall(r"(\d+) (passed|skipped|failed|error)", line)]
        if "did not end" in line:
            found = [(1, "failed")]
        parts = name.split("/")
        row = rows.setdefault("/".join(parts[:2]) if len(parts) > 2 and parts[1] != "windows" else name, [0, 0, 0])
        for count, kind in found:
            row[KINDS.index("failed" if kind == "error" else kind)] += count
    sums = [sum(row[at] for row in rows.values()) for at in range(len(KINDS))]
    lines = [f"| `{name}` | {row[0]} | {row[1]} | {row[2]} |" for name, row in [*rows.items()]]
    changed = " with changes" if "changed" in told else ""
    return (
        f"Counted on {told['day']}, CPython {told['python']}, commit `{told['commit']}`{changed}, in one run:\n\n"
        "| tests | passed | skipped | failed |\n|---|---|---|---|\n"
        + "\n".join(lines)
        + f"\n| all | {sums[0]} | {sums[1]} | {sums[2]} |\n"
    )


def main(world: Path) -> None:
    """Replaces what stands between the marks."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    new = table((world / "counts.txt").read_text(encoding="utf-8"))
    PAGE.write_text(f"{before}{BEGIN}{new}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path.home() / ".cache" / "jqfollow-wine")
