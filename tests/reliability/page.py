"""The page with the figures that lanes obtained; each lane writes its own part of it, and no other."""

import platform
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def put(name: str, text: str) -> None:
    """Puts a lane's part into the page, in the place of what it wrote before."""
    begin, end = f"<!-- lane:{name} -->", f"<!-- /lane:{name} -->"
    page = PAGE.read_text(encoding="utf-8")
    part = f"{begin}\n{text.strip()}\n{end}"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    page = pattern.sub(lambda _: part, page) if begin in page else f"{page.rstrip()}\n\n{part}\n"
    PAGE.write_text(page, encoding="utf-8", newline="\n")


def made_by(command: str, took_s: float) -> str:
    """Under each table: how it came about."""
    return (
        f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, {took_s / 60:.0f} min, "
        f"{platform.system()}, Python {sys.version_info.major}.{sys.version_info.minor}"
    )


def table(head: list[str], rows: list[list[object]]) -> str:
    """In Markdown; numbers with their thousands."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(f"{c:,}" if isinstance(c, int) else str(c) for c in row) + " |" for row in lines)
