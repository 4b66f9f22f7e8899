"""A user's folder on Windows, and the command line in it, each command a process of its own."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from jqfollow.cli.lock import is_running
from jqfollow.settings import default_config
from ports import free_port

JQFOLLOW = [sys.executable, "-X", "utf8", "-m", "jqfollow"]
PATIENCE_S = 300


class Folder:
    """A user's folder with a Chinese name, its own ports, and the service there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path / "data"
        free = [free_port(), free_port()]
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
                while not any('"event":"started"' in log for log in self.logs()) or is_running(self.data) is None:
                    assert process.poll() is None, "it ended before it had started"
                    assert time.monotonic() < until
                    time.sleep(0.2)
                yield process
            finally:
                process.kill()
        for log in (self.data / "logs").glob("*.log"):
            log.replace(log.with_suffix(f".{time.monotonic_ns()}"))

    def logs(self) -> list[str]:
        """What the logs hold."""
        return [log.read_text(encoding="utf-8") for log in (self.data / "logs").glob("*.log")]

    def stopped_in_order(self) -> bool:
        """Whether the run said so."""
        return any('"event":"stopped"' in log for log in self.logs())

    def filled(self, wanted: int) -> None:
        """Waits until so many orders are filled."""
        until = time.monotonic() + PATIENCE_S
        while (shown := self.run("orders")).count("已成") < wanted:
            assert time.monotonic() < until, shown
