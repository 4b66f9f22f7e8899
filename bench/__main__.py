"""The command: `python -m bench [FIGURE ...]`, `python -m bench profile`."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.figure import Run
from bench.figures import FIGURES
from bench.profile import profile
from bench.report import table, verdict, write, write_some
from bench.runner import Measured, measure

PROFILE = "profile"
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """0: every bound is kept; 1: one is not."""
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # a console of Windows has a code page
    parser = _parser()
    wanted = parser.parse_args(arguments)
    if wanted.write and (wanted.quick or not wanted.figures):
        parser.error("--write: name the figures, at their full size")
    unknown = set(wanted.figures) - {figure.name for figure in FIGURES}
    if unknown and wanted.figures != [PROFILE]:
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(dir=wanted.folder, prefix="jqfollow-bench-", ignore_cleanup_errors=True) as folder:
        run = Run(quick=wanted.quick, folder=Path(folder))
        if wanted.figures == [PROFILE]:
            print(profile(run, mixed=wanted.mixed, calls=wanted.calls))
            return 0
        measured = _measure_all(run, wanted.figures, wanted.rounds)
        if not wanted.figures and not wanted.quick:
            write(DOCUMENT, measured, run)
        elif wanted.write:
            write_some(DOCUMENT, measured)
    results = [result for one in measured for result in one.results()]
    if wanted.quick:
        print("quick: seconds, not minutes; a day of 1,000; a history of 100,000. ~: missed, not judged by so little\n")
    print(table(results, quick=wanted.quick))
    missed = [result for result in results if verdict(result, quick=wanted.quick) is False]
    for result in missed:
        print(f"not reached: {result.figure.name}, {result.row.label}: {result.row.must}", file=sys.stderr)
    return 1 if missed else 0


def _measure_all(run: Run, names: Sequence[str], rounds: int | None) -> list[Measured]:
    measured = []
    for figure in FIGURES:
        if not names or figure.name in names:
            count = rounds or (figure.quick_rounds if run.quick else figure.rounds)
            measured.append(measure(figure, run, rounds=count, say=lambda text: print(text, file=sys.stderr)))
    return measured


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measures the service beside a floor that does only what cannot be left out. "
        f"All figures, without --quick, take an hour and a half and write docs/{DOCUMENT.name}.",
        epilog="figures: " + "; ".join(f"{figure.name}: {figure.title}" for figure in FIGURES),
    )
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"default: all; or {PROFILE}: of a burst")
    parser.add_argument(
        "--quick", action="store_true", help="small and short; fails only where a ratio is twice as bad as it must be"
    )
    parser.add_argument("--rounds", type=int, help="default: as the figure says")
    parser.add_argument(
        "--folder", type=Path, help="where the ledgers are; the disk decides. Default: temporary folder"
    )
    parser.add_argument(
        "--write", action="store_true", help=f"puts the named figures into docs/{DOCUMENT.name}, and says when"
    )
    parser.add_argument("--mixed", action="store_true", help="profile: of the mixed burst")
    parser.add_argument("--calls", action="store_true", help="profile: count every call; exact, and twice as slow")
    return parser


if __name__ == "__main__":
    sys.exit(main())
