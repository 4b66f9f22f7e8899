"""What every test has: the program's state outside its data folders goes into a folder of the test run."""

import atexit
import os
import shutil
import tempfile

_STATE = tempfile.mkdtemp(prefix="jqfollow-state-")
os.environ["JQF_STATE"] = _STATE
atexit.register(shutil.rmtree, _STATE, ignore_errors=True)


def pytest_xdist_auto_num_workers() -> int:
    """Most tests wait for time, not for a processor."""
    return 2 * (os.cpu_count() or 1) + 1
