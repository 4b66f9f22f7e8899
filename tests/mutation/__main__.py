"""`python -m mutation` in `tests/`: how many small mistakes in the core the tests would notice.

python -m tests.mutation                                 the sample of the page, and the page's part
python -m tests.mutation execution/reconcile.py          all mutants of a module
python -m tests.mutation --sample 50 --seed 7            another sample, nothing written
"""

import argparse
import hashlib
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest has it

from mutation.equivalent import EQUIVALENT
from mutation.mutants import Mutant, mutants
from mutation.selection import tests_of
from mutation.trial import ROOT, Bench, Outcome, Trial
from reliability.page import made_by, put, table

SAMPLE, SEED = 300, 20261126
LIMIT_S = 60.0
"""A trial's time: what all tests take together of the program as it is, and not less than this."""


def main() -> int:
    """Tries mutants, prints what lived, and writes the page's part where the page's sample was tried."""
    asked = _arguments()
    modules = asked.modules or _modules()
    chosen = list(_chosen(modules, asked.sample, asked.seed, whole=bool(asked.modules) and not asked.sampled))
    if asked.only:
        chosen = [m for m in chosen if any(word in m.name for word in asked.only)]
    if asked.list:
        _say(*(m.name for m in chosen))
        return 0
    began = time.monotonic()
    trials = list(_tried(chosen, asked.jobs, _Memory(again=asked.again)))
    trials.sort(key=lambda t: (t.mutant.module, t.mutant.start, t.mutant.new))
    took = time.monotonic() - began
    _say(_table(trials), "", _sum(trials))
    for trial in trials:
        if trial.outcome in {Outcome.LIVED, Outcome.UNDECIDED}:
            _say(f"{trial.outcome} {trial.mutant.module}:{trial.mutant.line}: {trial.mutant.shown}")
    if asked.write:
        put("mutation", _part(trials, asked.sample, asked.seed, took))
    killed, decided = _decided(trials)
    return 0 if killed >= 0.93 * decided else 1


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201  # the figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument(
        "modules", nargs="*", help="below src/jqfollow, such as execution/sizing.py; none: all that count"
    )
    parser.add_argument("--sample", type=int, default=SAMPLE, help="how many, over all modules")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--sampled", action="store_true", help="of the named modules, too, only a sample")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", action="append", help="only mutants whose name contains this")
    parser.add_argument("--list", action="store_true", help="names them, tries none")
    parser.add_argument("--again", action="store_true", help="what was killed before counts as killed")
    parser.add_argument("--write", action="store_true", help="writes the page's part")
    return parser.parse_args()


def _modules() -> list[str]:
    source = ROOT / "src" / "jqfollow"
    every = sorted(path.relative_to(source).as_posix() for path in source.rglob("*.py"))
    return [module for module in every if tests_of(module) is not None]


def _chosen(modules: Sequence[str], sample: int, seed: int, *, whole: bool) -> Iterable[Mutant]:
    """All mutants of the modules, or a sample of them: a smaller one of the same seed is a part of a larger one."""
    found = [each for m in modules for each in mutants(m, (ROOT / "src" / "jqfollow" / m).read_text(encoding="utf-8"))]
    return found if whole else random.Random(seed).sample(found, len(found))[:sample]


class _Memory:
    """Which mutants were killed, and by which test, as long as their module's text is the same."""

    def __init__(self, *, again: bool) -> None:
        self._path = ROOT / ".pytest_cache" / "mutation.json"
        self._again = again
        self._killed: dict[str, str] = json.loads(self._path.read_text("utf-8")) if self._path.exists() else {}

    def killer(self, mutant: Mutant) -> str | None:
        """The test that killed it before."""
        return self._killed.get(self._key(mutant)) if self._again else None

    def note(self, mutant: Mutant, by: str) -> None:
        """It was killed."""
        self._killed[self._key(mutant)] = by
        self._path.parent.mkdir(exist_ok=True)
        self._path.write_text(json.dumps(self._killed, ensure_ascii=False, indent=1), encoding="utf-8")

    @staticmethod
    def _key(mutant: Mutant) -> str:
        text = (ROOT / "src" / "jqfollow" / mutant.module).read_bytes()
        return f"{hashlib.sha256(text).hexdigest()[:12]} {mutant.name}"


def _tried(chosen: Sequence[Mutant], jobs: int, memory: _Memory) -> Iterable[Trial]:
    benches: SimpleQueue[Bench] = SimpleQueue()
    for _ in range(jobs):
        benches.put(Bench())
    wanted = [m for m in chosen if m.name not in EQUIVALENT and memory.killer(m) is None]
    tests = list(dict.fromkeys(test for m in wanted for test in tests_of(m.module) or ()))
    limit = LIMIT_S
    if tests:
        bench = benches.get()
        code, failed, took = bench.run(None, tests, 1800)
        if code:
            raise SystemExit(f"{bench.output}\nwithout any mistake the tests fail already: {failed}")
        benches.put(bench)
        limit = max(LIMIT_S, took)

    def tried(mutant: Mutant) -> Trial:
        if mutant.name in EQUIVALENT:
            return Trial(mutant=mutant, outcome=Outcome.EQUIVALENT)
        if (before := memory.killer(mutant)) is not None:
            return Trial(mutant=mutant, outcome=Outcome.KILLED, by=before)
        bench = benches.get()
        try:
            code, by, took = bench.run(mutant, tests_of(mutant.module) or (), limit)
        finally:
            benches.put(bench)
        outcome = Outcome.UNDECIDED if code is None else Outcome.LIVED if code == 0 else Outcome.KILLED
        if outcome is Outcome.KILLED:
            memory.note(mutant, by)
        _say(f"{outcome:10} {took:6.1f} s  {mutant.name}  {by}")
        return Trial(mutant=mutant, outcome=outcome, by=by, took_s=took)

    try:
        with ThreadPoolExecutor(jobs) as pool:
            yield from pool.map(tried, chosen)
    finally:
        while not benches.empty():
            benches.get().close()


def _decided(trials: Iterable[Trial]) -> tuple[int, int]:
    counts = Counter(trial.outcome for trial in trials)
    return counts[Outcome.KILLED], counts[Outcome.KILLED] + counts[Outcome.LIVED]


def _sum(trials: Sequence[Trial]) -> str:
    killed, decided = _decided(trials)
    return f"{killed} of {decided} decided killed ({killed / max(decided, 1):.1%}), {len(trials)} tried"


def _table(trials: Sequence[Trial]) -> str:
    rows: list[list[object]] = []
    for module in [*dict.fromkeys(t.mutant.module for t in trials), None]:
        of = [t for t in trials if module in {None, t.mutant.module}]
        counts = Counter(t.outcome for t in of)
        rows.append([module or "all", len(of), *(counts[outcome] for outcome in Outcome)])
    return table(["module", "tried", *Outcome], rows)


def _part(trials: Sequence[Trial], sample: int, seed: int, took_s: float) -> str:
    lived = [f"- `{t.mutant.name}`" for t in trials if t.outcome is Outcome.LIVED]
    return "\n".join(
        [
            f"A sample of {sample} of all modules (seed {seed}): **{_sum(trials)}**. Undecided: out of time.",
            "Equivalent: listed with the reason in `tests/mutation/equivalent.py`.",
            "",
            _table(trials),
            "",
            *(["These lived:", "", *lived, ""] if lived else []),
            made_by(f"python -m tests.mutation --sample {sample} --seed {seed} --write", took_s),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
