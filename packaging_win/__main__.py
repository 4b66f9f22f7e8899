"""`python -m packaging_win [--output FOLDER]` builds `jqfollow-VERSION-win64.zip`; `--lock` pins the packages anew."""

import argparse
import tempfile
from pathlib import Path

from packaging_win.contents import lay_out
from packaging_win.packages import lock
from packaging_win.zipped import write_zip


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m packaging_win", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("dist"), help="the folder for the zip")
    parser.add_argument("--lock", action="store_true", help="pin the packages anew, with uv")
    wanted = parser.parse_args()
    if wanted.lock:
        lock()
        return
    with tempfile.TemporaryDirectory() as scratch:
        version, folder = lay_out(Path(scratch))
        path = wanted.output / f"jqfollow-{version}-win64.zip"
        write_zip(folder, path)
    print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")  # noqa: T201  # what a build says


if __name__ == "__main__":
    main()
