"""What every test has: the program's state outside its data folders goes into a folder of the test run.

What is compiled is kept beside pytest's own cache, even where the environment wants no such files: each of the workers,
and each process that a test starts, would compile the whole program anew.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

from hypothesis import settings
from structlog.dev import ConsoleRenderer, plain_traceback

if sys.dont_write_bytecode and sys.pycache_prefix is None:
    sys.pycache_prefix = str(Path(__file__).parents[1] / ".pytest_cache" / "compiled")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False

settings.register_profile("unhurried", deadline=None)  # a busy machine is no defect of the program
settings.load_profile("unhurried")

# By default a traceback is shown with every local of every frame, which takes seconds where a test makes a call fail.
ConsoleRenderer.get_active().exception_formatter = plain_traceback

_STATE = tempfile.mkdtemp(prefix="jqfollow-state-")
os.environ["JQF_STATE"] = _STATE
atexit.register(shutil.rmtree, _STATE, ignore_errors=True)


def pytest_xdist_auto_num_workers() -> int:
    """Most tests wait for time, not for a processor."""
    return 2 * (os.cpu_count() or 1) + 1
