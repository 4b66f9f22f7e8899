"""The command: `python -m bench [FIGURE ...]`, `python -m bench profile`."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.figure import Run
from bench.figures import FIGURES
from bench.profile import profile
from bench.runner import ROUNDS, measured

PROFILE = "profile"


def main(arguments: Sequence[str] | None = None) -> int:
    """0: every bound kept; 1: not. `--quick` is generous: see `bench/figure.py`."""
    wanted = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=wanted.folder, prefix="jqfollow-bench-", ignore_cleanup_errors=True) as folder:
        run = Run(quick=wanted.quick, folder=Path(folder))
        if wanted.figures == [PROFILE]:
            print(profile(run, mixed=wanted.mixed, calls=wanted.calls))
            return 0
        results = []
        for figure in FIGURES:
            if not wanted.figures or figure.name in wanted.figures:
                rounds = wanted.rounds or (figure.quick_rounds if wanted.quick else ROUNDS)
                results += measured(figure, run, rounds=rounds, say=lambda text: print(text, file=sys.stderr))
    for r in results:
        print(r.figure.name, r.row.label, r.first and r.first.median, r.second.median, r.ratio)
    return 0


def _parser() -> argparse.ArgumentParser:
    names = [figure.name for figure in FIGURES]
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measures the service beside a floor that does only what cannot be left out.",
        epilog="figures: " + "; ".join(f"{figure.name}: {figure.title}" for figure in FIGURES),
    )
    parser.add_argument("figures", nargs="*", metavar="FIGURE", choices=[*names, PROFILE, []], help="default: all")
    parser.add_argument("--quick", action="store_true", help="small and short; fails only where it is twice too bad")
    parser.add_argument("--rounds", type=int, help=f"default: {ROUNDS}, and few with --quick")
    parser.add_argument(
        "--folder", type=Path, help="where the ledgers are; the disk decides. Default: temporary folder"
    )
    parser.add_argument("--mixed", action="store_true", help="profile: of the mixed burst")
    parser.add_argument("--calls", action="store_true", help="profile: count every call; slow, exact")
    return parser


if __name__ == "__main__":
    sys.exit(main())
