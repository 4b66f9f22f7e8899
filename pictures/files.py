"""Fonts that know Chinese, and pictures that are small."""

import subprocess
from pathlib import Path

from matplotlib import font_manager
from PIL import Image

_COLOURS = 160


def chinese_font() -> str:
    """The family of a font that knows Chinese, made known to matplotlib.

    Raises:
        RuntimeError: the machine has none.
    """
    command = ["fc-list", ":lang=zh", "file"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split(":")
    files = sorted(line.strip() for line in found if line.strip())
    if not files:
        raise RuntimeError("no Chinese font: apt-get install fonts-wqy-microhei")
    font_manager.fontManager.addfont(files[0])
    return str(font_manager.FontProperties(fname=files[0]).get_name())


def shrink(picture: Path) -> None:
    """Fewer colours: what is shown are words and lines."""
    with Image.open(picture) as image:
        small = image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    small.save(picture, optimize=True)
