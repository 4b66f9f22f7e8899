"""`python -m pictures [console] [drawn] [monitoring]`: takes those, or all, into docs/images.

Wants a Chromium, a Chinese font and, for `monitoring`, a Prometheus; ports 8000 and 8888 free.
"""

import asyncio
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]


def main(wanted: list[str]) -> None:
    """Takes them."""
    from pictures import board, drawn, shots

    IMAGES.mkdir(exist_ok=True)
    if not wanted or "drawn" in wanted:
        drawn.draw(IMAGES, asyncio.run(shots.messages()))
    if not wanted or "console" in wanted:
        if taken := [port for port in (8000, 8888) if not shots.port_is_free(port)]:
            sys.exit(f"ports {taken} are taken: the pictures show what a user sees")
        asyncio.run(shots.take(IMAGES))
    if not wanted or "monitoring" in wanted:
        asyncio.run(board.take(IMAGES / "monitoring.png"))
    sizes = {file.name: file.stat().st_size for file in sorted(IMAGES.iterdir())}
    for name, size in sizes.items():
        print(f"{size / 1024:8.1f} KiB  {name}")
    print(f"{sum(sizes.values()) / 1024:8.1f} KiB  in all")


if __name__ == "__main__":
    main(sys.argv[1:])
