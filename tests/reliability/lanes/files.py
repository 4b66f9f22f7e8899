"""Every file of the data folder deleted, emptied, cut, changed, locked, hidden or replaced."""

import argparse
import re
import shutil
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reliability import files
from reliability.files import Case
from reliability.page import table

_SHORT = {
    ("ledger.sqlite3-wal", "delete", "running"),
    ("ledger.sqlite3-wal", "cut", "start"),
    ("keys.toml", "empty", "running"),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be chosen."""
    parser.add_argument("--seeds", type=int, default=1, help="places at which a file is cut or changed")
    parser.add_argument("--jobs", type=int, default=2, help="services that live at one time")
    parser.add_argument("--only", default="", help="cases with this in their name: file, fault, when")


def run(options: argparse.Namespace) -> str:
    """The figures.

    Raises:
        AssertionError: something was lost, doubled, not told, or a traceback was shown.
    """
    folder = Path(tempfile.mkdtemp(prefix="jqf-files-"))
    template = files.template(folder / "template")
    cases = [case for case in files.cases(template) if options.only in f"{case.name} {case.fault} {case.when}"]
    if options.short:
        cases = [case for case in cases if (case.name, case.fault, case.when) in _SHORT]
    works = [(case, seed) for seed in range(1, options.seeds + 1) for case in cases]

    def play(number: int, case: Case, seed: int) -> Case:
        one = Case(name=case.name, fault=case.fault, when=case.when)
        files.play(one, template, folder / f"{number}", seed)
        print(one, file=sys.stderr, flush=True)  # noqa: T201  # it takes a while
        return one

    with ThreadPoolExecutor(options.jobs) as pool:
        played = list(pool.map(play, range(len(works)), *zip(*works, strict=True)))
    wrong = [case for case in played if case.wrong]
    assert not wrong, "\n".join(str(case) for case in wrong[:10])
    shutil.rmtree(folder, ignore_errors=True)
    rows: list[list[object]] = []
    for name in dict.fromkeys(case.name for case in played):
        mine = [case for case in played if case.name == name]
        for when in ("start", "running"):
            ways = Counter(case.came.split(" [(")[0].strip() for case in mine if case.when == when)
            told = ", ".join(f"{count} × {_meaning(came)}" for came, count in ways.most_common())
            rows.append([_plain(name), when, sum(ways.values()), told])
    return (
        f"{len(played)} faults. **Nothing that was acknowledged is lost or ordered twice; what is not kept is not "
        f"taken, and told.**\n\n{table(['file', 'when', 'faults', 'what the service did'], rows)}"
    )


def _plain(name: str) -> str:
    """Without the day in it."""
    return re.sub(r"\d{8}", "DAY", name)


def _meaning(came: str) -> str:
    if came.startswith("ended"):
        return "ended at once, and began again with all that was acknowledged"
    if came.startswith("exit"):
        return f"did not start, and said why ({came})"
    if "503" in came:
        what = "kept what came and placed nothing" if came.startswith("[200]") else "took nothing"
        return f"{what}, was not ready, told a person"
    return "went on" if came.startswith("[200]") else came
