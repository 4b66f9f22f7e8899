"""What every test has: the program's state outside its data folders goes into a folder of the test run.

What is compiled is kept beside pytest's own cache, even where the environment wants no such files: each of the workers,
and each process that a test starts, would compile the whole program anew.
"""

import atexit
import gc
import importlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from structlog.dev import ConsoleRenderer, plain_traceback

if TYPE_CHECKING:
    from api.browser import Chromium

_TESTS = Path(__file__).parent

if sys.dont_write_bytecode and sys.pycache_prefix is None:
    sys.pycache_prefix = str(_TESTS.parent / ".pytest_cache" / "compiled")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False

_COLD = not Path(importlib.util.cache_from_source(str(_TESTS / "e2e" / "house.py"))).exists()

settings.register_profile("unhurried", deadline=None)  # a busy machine is no defect of the program
settings.load_profile("unhurried")

# By default a traceback is shown with every local of every frame, which takes seconds where a test makes a call fail.
ConsoleRenderer.get_active().exception_formatter = plain_traceback

_STATE = tempfile.mkdtemp(prefix="jqfollow-state-")
os.environ["JQF_STATE"] = _STATE
atexit.register(shutil.rmtree, _STATE, ignore_errors=True)


def pytest_configure() -> None:
    """Nothing that is collected goes away again before the tests begin."""
    gc.disable()


def pytest_collection_finish() -> None:
    """What was collected stays to the end: the collector need not walk over it again and again, nor often."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    gc.enable()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Chromium"]:
    """The browser's program, for all tests of a process that open a page."""
    from api.browser import Chromium

    chromium = Chromium(tmp_path_factory.mktemp("profile"))
    yield chromium
    chromium.close()


def pytest_configure_node(node: Any) -> None:
    """Tells a worker, before it begins, whether anything of ours is compiled yet."""
    node.workerinput["cold"] = _COLD


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """The first time of all, each worker begins with other files: it finds compiled what the others began with."""
    told = getattr(session.config, "workerinput", {})
    if told.get("cold"):
        files = [file for file in sorted(_TESTS.glob("*/test_*.py")) if (file.parent / "__init__.py").exists()]
        first = int(told["workerid"].removeprefix("gw")) * len(files) // told["workercount"]
        for file in files[first:] + files[:first]:
            with suppress(Exception, pytest.skip.Exception):  # the collection tells
                importlib.import_module(f"{file.parent.name}.{file.stem}")


def pytest_xdist_auto_num_workers() -> int:
    """Most tests wait for time, not for a processor."""
    return 2 * (os.cpu_count() or 1) + 2
