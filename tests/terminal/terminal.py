"""The simulated terminal, driven from a test."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from . import native
from .modes import PORT_FILE, Mode
from .server import ACCOUNT

_TESTS = Path(__file__).parent.parent


class Terminal:
    """A terminal's process on the folder `userdata_mini` in `folder`; a context manager."""

    account = ACCOUNT

    def __init__(self, folder: Path) -> None:
        self.path = folder / "国金QMT交易端 模拟" / "userdata_mini"
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begins; one that is started anew still shows the day's orders."""
        self.path.mkdir(parents=True, exist_ok=True)
        paths = os.pathsep.join([str(_TESTS), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "terminal.server", str(self.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONUTF8": "1"},
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == b"ready"
        port = json.loads((self.path / PORT_FILE).read_text(encoding="utf-8"))["port"]
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._socket.sendall(b'{"hello": "control"}\n')

    def stop(self) -> None:
        """Ends, as when somebody closes the terminal."""
        (self.path / PORT_FILE).unlink(missing_ok=True)
        self._lines.close()
        self._socket.close()
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def tell(self, control: str, **told: Any) -> Any:
        """A control message; what it gives."""
        with self._turn:
            self._socket.sendall(json.dumps({"control": control, **told}).encode() + b"\n")
            answer = json.loads(self._lines.readline())
        assert answer["ok"], answer["answer"]
        return answer["answer"]

    def mode(self, *modes: Mode) -> None:
        """From now on exactly these; none: all is well."""
        native.wait_for_modes(self.tell("modes", modes=list(modes)))

    def record(self) -> dict[str, Any]:
        """What was really ordered, traded and asked for."""
        return self.tell("record")

    def orders(self) -> list[dict[str, Any]]:
        """What was really ordered."""
        return self.record()["orders"]
