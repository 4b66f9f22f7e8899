"""One service per data folder, also when one died."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jqfollow.cli.lock import AlreadyRunningError, is_running, only_instance

HOLD = """
import sys
from pathlib import Path
from jqfollow.cli.lock import only_instance
with only_instance(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"held"
    return process


def test_a_second_one_is_refused_and_told_who_is_first(folder: Path) -> None:
    data = folder / "data"
    with holder(data) as process:
        assert is_running(data) == process.pid
        with pytest.raises(AlreadyRunningError, match=str(process.pid)), only_instance(data):
            pass
        assert is_running(data) == process.pid
        process.kill()
        process.wait()
    assert is_running(data) is None
    with only_instance(data):
        assert is_running(data) == os.getpid()
    assert is_running(data) is None


def test_a_folder_that_nothing_ran_in(folder: Path) -> None:
    assert is_running(folder / "none") is None
    assert not (folder / "none").exists()
