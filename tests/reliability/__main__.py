"""The lanes of proof: `python -m tests.reliability LANE [options]`, `--help` for each; without a lane, all in short.

A lane raises when anything was lost, doubled or untold, and writes its figures into `docs/reliability.md` unless it ran
in short.
"""

import argparse
import importlib
import re
import sys
import time
from pathlib import Path

LANES = {
    "kills": "killed at every fail-point and at any time, on every broker",
    "power": "the power cut at any point of the write log",
    "model": "rules in any order against a model of what was wished",
    "files": "every file of the data folder deleted, emptied, cut, changed, locked, hidden, replaced",
    "fields": "every field of both ports with values that are in nobody's mind",
    "documents": "both ports against their own documents, by schemathesis",
    "trouble": "disk full, slow, read-only, ledger held, WeCom in trouble, clocks set, the PC asleep",
    "soak": "hours at five signals a second, with faults now and then",
    "storms": "floods, stalled connections, changed bits, junk, and secrets searched in what they leave",
}
"""Modules of `lanes`; each has `arguments(parser)`, and `run(options)`, which gives its part of the page."""
LONG = frozenset({"soak"})
"""Whose short version shows nothing."""


def main() -> None:
    """Runs what was asked for."""
    from reliability import page

    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    lanes = parser.add_subparsers(dest="lane")
    for name, what in LANES.items():
        one = lanes.add_parser(name, help=what)
        one.add_argument("--short", action="store_true", help="what every change is tried with, within a minute")
        one.add_argument("--no-page", action="store_true", help="prints the figures, and leaves the page as it is")
        importlib.import_module(f"reliability.lanes.{name}").arguments(one)
    asked = parser.parse_args()
    every = [parser.parse_args([name, "--short"]) for name in LANES if name not in LONG]
    for options in [asked] if asked.lane else every:
        begun = time.monotonic()
        text = importlib.import_module(f"reliability.lanes.{options.lane}").run(options)
        words = " ".join(word for word in sys.argv[1:] if word != options.lane)
        command = f"python -m tests.reliability {options.lane} {re.sub(r'--resume +[^ ]+ ?', '', words)}".strip()
        text = f"{text}\n\n{page.made_by(command, time.monotonic() - begun)}\n"
        print(text)  # noqa: T201  # the figures
        if not (options.short or options.no_page):
            page.put(options.lane, text)


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(root / "tests"), str(root)]
    main()
