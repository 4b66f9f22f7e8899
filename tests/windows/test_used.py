"""On Windows Python, as a person uses it: serve, a signal, a kill, a start, Ctrl-Break, the window's close, the demo.

`tests/windows/under_wine.sh` runs it last; what Wine delivers of the console decides what is skipped there.
"""

import os
import signal
import subprocess
import sys
import time

import pytest

from jqfollow.cli.lock import is_running
from jqfollow.cli.stop import ask_to_stop

from .folder import PATIENCE_S, Folder
from .wine import wine_lacks

pytestmark = [
    pytest.mark.skipif(sys.platform != "win32", reason="asks Windows"),
    pytest.mark.timeout(1800),
]
WINDOWS_GRANTS_S = 5.0
ENOUGH_TRIES = 3
"""Each takes an id of its own, whose file stays."""


def test_killed_started_again_and_asked_to_stop(folder: Folder) -> None:
    with folder.serving() as process:
        folder.run("send", "demo", "000001.XSHE", "buy", "1000", "--price", "10.5")
        process.kill()
    with folder.serving() as process:
        folder.filled(1)
        folder.run("send", "demo", "600000.XSHG", "buy", "1000", "--price", "10")
        folder.filled(2)
        pid = is_running(folder.data)
        assert pid
        assert ask_to_stop(pid)
        assert process.wait(PATIENCE_S) == 0
        assert folder.stopped_in_order()


def test_without_miniqmt_it_tries_again_and_stops_in_order(folder: Folder) -> None:
    """The vendor's own natives that no MiniQMT answers neither hold up the end nor spoil it."""
    userdata = folder.path / "国金 QMT" / "userdata_mini"
    (userdata / "up_queue_xtquant").mkdir(parents=True)
    own = f"[accounts.main]\nbroker = 'qmt'\nqmt_path = '{userdata}'\naccount_id = '88880001'\n"
    (folder.path / "config.local.toml").write_text(own, encoding="utf-8")
    with folder.serving() as process:
        until = time.monotonic() + PATIENCE_S
        while len(list(userdata.glob("down_queue_*"))) < ENOUGH_TRIES:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.2)
        pid = is_running(folder.data)
        assert pid
        assert ask_to_stop(pid)
        assert process.wait(PATIENCE_S) == 0
        assert folder.stopped_in_order()


@wine_lacks("console events for a group of processes")
def test_ctrl_break_stops_in_order(folder: Folder) -> None:
    if sys.platform != "win32" or not _has_console():
        pytest.skip("no console, and so no Ctrl-Break")
    with folder.serving(subprocess.CREATE_NEW_PROCESS_GROUP) as process:
        os.kill(process.pid, signal.CTRL_BREAK_EVENT)
        assert process.wait(PATIENCE_S) == 0
        assert folder.stopped_in_order()


@wine_lacks("consoles whose window another process can close")
def test_the_closed_window_stops_within_what_windows_grants(folder: Folder) -> None:
    if sys.platform == "win32":
        with folder.serving(subprocess.CREATE_NEW_CONSOLE) as process:
            _close_console_of(process.pid)
            began = time.monotonic()
            process.wait(PATIENCE_S)
            assert time.monotonic() - began < 2 * WINDOWS_GRANTS_S  # Windows would have ended it after 5 s
            assert folder.stopped_in_order()


def test_the_demo(folder: Folder) -> None:
    assert "✓" in folder.run("demo", patience_s=280)


if sys.platform == "win32":
    import ctypes

    def _has_console() -> bool:
        return bool(ctypes.WinDLL("kernel32").GetConsoleCP())

    def _close_console_of(pid: int) -> None:
        """As a click on the cross of its window: told by a program that joins that console for a moment."""
        script = (
            "import ctypes, sys; k = ctypes.WinDLL('kernel32'); u = ctypes.WinDLL('user32'); k.FreeConsole();"
            "k.AttachConsole(int(sys.argv[1])); k.GetConsoleWindow.restype = ctypes.c_void_p;"
            "u.PostMessageW(ctypes.c_void_p(k.GetConsoleWindow()), 0x10, 0, 0)"
        )
        subprocess.run([sys.executable, "-c", script, str(pid)], check=False, timeout=30)
