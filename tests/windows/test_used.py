"""On Windows Python, as a person uses it: serve, a signal, a kill, a start, Ctrl-Break, the window's close, the demo.

`tests/windows/under_wine.sh` runs it last; what Wine delivers of the console decides what is skipped there.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jqfollow.cli.lock import is_running
from jqfollow.cli.stop import ask_to_stop
from jqfollow.settings import default_config

from .wine import wine_lacks

pytestmark = [
    pytest.mark.skipif(sys.platform != "win32", reason="asks Windows"),
    pytest.mark.timeout(300),
]
JQFOLLOW = [sys.executable, "-X", "utf8", "-m", "jqfollow"]
PATIENCE_S = 90
WINDOWS_GRANTS_S = 5.0


class Folder:
    """A user's folder with a Chinese name, its own ports, and the service there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path / "data"
        free = _free_ports(2)
        text = default_config().decode()
        for known, port in zip(("8888", "8000"), free, strict=True):
            text = text.replace(f"port = {known}", f"port = {port}")
        (path / "config.toml").write_text(text, encoding="utf-8")

    def run(self, *arguments: str, patience_s: float = PATIENCE_S) -> str:
        done = subprocess.run(
            [*JQFOLLOW, *arguments],
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=patience_s,
            check=False,
        )
        said = (done.stdout + done.stderr).decode("utf-8", errors="replace")
        assert done.returncode == 0, said
        return said

    @contextlib.contextmanager
    def serving(self, flags: int = 0) -> Iterator[subprocess.Popen[bytes]]:
        """The service in a process of its own, from when its ports answer; killed at the end if it still runs."""
        nowhere = subprocess.DEVNULL
        with subprocess.Popen(
            [*JQFOLLOW, "serve"], cwd=self.path, stdin=nowhere, stdout=nowhere, stderr=nowhere, creationflags=flags
        ) as process:
            try:
                until = time.monotonic() + PATIENCE_S
                while not any('"event":"started"' in log for log in self._logs()) or is_running(self.data) is None:
                    assert process.poll() is None, "it ended before it had started"
                    assert time.monotonic() < until
                    time.sleep(0.2)
                yield process
            finally:
                process.kill()
        for log in (self.data / "logs").glob("*.log"):
            log.replace(log.with_suffix(f".{time.monotonic_ns()}"))

    def _logs(self) -> list[str]:
        return [log.read_text(encoding="utf-8") for log in (self.data / "logs").glob("*.log")]

    def stopped_in_order(self) -> bool:
        """Whether the run said so."""
        return any('"event":"stopped"' in log for log in self._logs())

    def filled(self, wanted: int) -> None:
        """Waits until so many orders are filled."""
        until = time.monotonic() + PATIENCE_S
        while (shown := self.run("orders")).count("已成") < wanted:
            assert time.monotonic() < until, shown


def _free_ports(count: int) -> list[int]:
    import socket

    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    path = tmp_path / "我的 跟单"
    path.mkdir()
    return Folder(path)


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
