"""`python -m pictures [NAME …]`: takes them all, or those named, into docs/images."""

import asyncio
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]


def main(wanted: list[str]) -> None:
    """Takes them."""
    from pictures import board

    if not wanted or "monitoring" in wanted:
        asyncio.run(board.take(IMAGES / "monitoring.png"))


if __name__ == "__main__":
    main(sys.argv[1:])
