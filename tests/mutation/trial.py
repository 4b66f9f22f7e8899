"""One mutant's trial: the tests of its module, run against a copy of the program that has the mistake in it.

Each trial is a process of its own, forked from one that has the libraries loaded and nothing of the program; processes
that its tests start run the mutant, too. It ends with the first test that fails.
"""

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path

import forked
from mutation.mutants import Mutant

ROOT = Path(__file__).parents[2]
_LIBRARIES = (
    "pytest", "pytest_asyncio", "pytest_timeout", "hypothesis", "pydantic", "fastapi", "fastapi_offline", "httpx",
    "uvicorn", "orjson", "structlog", "apscheduler.schedulers.asyncio", "cryptography.hazmat.primitives.ciphers.aead",
    "click", "chinese_calendar", "filelock", "requests", "rich", "psutil", "sqlite3",
)  # fmt: skip


class Outcome(StrEnum):
    """How a trial ended."""

    KILLED = "killed"
    LIVED = "lived"
    UNDECIDED = "undecided"
    """It ran out of time: nothing is known of it."""
    EQUIVALENT = "equivalent"
    """It is listed, with the reason, as doing what the program does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What became of a mutant."""

    mutant: Mutant
    outcome: Outcome
    by: str = ""
    """The test that failed first."""
    took_s: float = 0.0


class Bench:
    """A copy of the program in which one mistake at a time is made."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="jqfollow-mutation-"))
        shutil.copytree(ROOT / "src", self._folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
        self._stamps = count(1_000_000_000)
        self._context = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")
        if hasattr(os, "fork"):
            self._context.set_forkserver_preload(list(_LIBRARIES))

    def close(self) -> None:
        """Removes the copy."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def output(self) -> str:
        """What the last trial printed."""
        return (self._folder / "out.txt").read_text(encoding="utf-8", errors="replace")

    def run(self, mutant: Mutant | None, tests: Sequence[str], limit_s: float) -> tuple[int | None, str, float]:
        """Runs `tests` against `mutant` (`None`: the program as it is).

        Returns:
            pytest's exit code (`None`: `limit_s` went by), the first test that failed, and how long it took in seconds.
        """
        if mutant is None:
            return self._run(tests, limit_s)
        path = self._folder / "src" / "jqfollow" / mutant.module
        text = path.read_text(encoding="utf-8")
        try:
            self._write(path, mutant.applied(text))
            return self._run(tests, limit_s)
        finally:
            self._write(path, text)

    def _write(self, path: Path, text: str) -> None:
        """Writes a module with a time of its own: what was compiled of it before is not taken for it."""
        path.write_text(text, encoding="utf-8", newline="\n")
        stamp = next(self._stamps)
        os.utime(path, (stamp, stamp))

    def _run(self, tests: Sequence[str], limit_s: float) -> tuple[int | None, str, float]:
        told = self._folder / "told.txt"
        told.unlink(missing_ok=True)
        began = time.monotonic()
        process = self._context.Process(target=_try, args=(str(self._folder), list(tests)))
        forked.start(process)
        code = forked.exit_code(process) if forked.ended(process, limit_s) else None
        if code is None:
            _end(process.pid or 0)
            forked.ended(process, None)
        killer = told.read_text(encoding="utf-8") if told.exists() else ""
        return code, killer, time.monotonic() - began


class _Teller:
    """Notes the first test that failed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pytest_runtest_logreport(self, report: object) -> None:
        if getattr(report, "failed", False) and not self._path.exists():
            self._path.write_text(getattr(report, "nodeid", "?"), encoding="utf-8")

    def pytest_collectreport(self, report: object) -> None:
        self.pytest_runtest_logreport(report)


def _try(folder: str, tests: list[str]) -> None:
    """In the trial's own process."""
    if hasattr(os, "setsid"):
        os.setsid()
    source = str(Path(folder) / "src")
    scratch = tempfile.mkdtemp(dir=folder)
    os.environ.update(
        PYTHONPATH=os.pathsep.join([source, str(ROOT / "tests")]),
        PYTHONPYCACHEPREFIX=str(Path(folder) / "compiled"),
        PYTHONHASHSEED="0",
        HYPOTHESIS_STORAGE_DIRECTORY=str(Path(scratch) / "hypothesis"),
        TMPDIR=scratch,
    )
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    tempfile.tempdir = None
    sys.dont_write_bytecode = False
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"]
    sys.path[:0] = [source, str(ROOT / "tests")]
    os.chdir(ROOT)
    out = os.open(str(Path(folder) / "out.txt"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    import pytest

    options = ["-q", "-x", "-n0", "-p", "no:cacheprovider", "--timeout=0", "--hypothesis-seed=1", "--no-header"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # plugins are loaded before pytest starts
    code = pytest.main([*options, *tests], plugins=[_Teller(Path(folder) / "told.txt")])
    sys.stdout.flush()
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(code)  # threads that a broken program left behind hold up nothing


def _end(pid: int) -> None:
    """Ends a trial with all that it started."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGTERM)
