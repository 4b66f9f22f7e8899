"""The emulated full terminal, driven from a test."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from jqfollow.execution.brokers.fullqmt import folder as mailbox_folder
from jqfollow.execution.brokers.fullqmt.script import render_script

from .modes import ACCOUNT, Mode
from .server import PORT_FILE

_TESTS = Path(__file__).parent.parent


class Terminal:
    """A terminal's process with the pasted file running in it; a context manager."""

    account = ACCOUNT

    def __init__(self, folder: Path, *, tick_ms: int = 20, **constants: float) -> None:
        self.path = folder / "国金QMT 全功能"
        self.mailbox = folder / "信箱 mailbox"
        self.script = folder / "策略.py"
        self._constants = {"BEAT_S": 0.05, "OTHER_S": 0.15, "ROW_WAIT_S": 1.0, **constants}
        self._tick_ms = tick_ms
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        self.path.mkdir(parents=True, exist_ok=True)
        mailbox_folder.make(self.mailbox)
        self.script.write_bytes(
            render_script(mailbox=self.mailbox, account_id=ACCOUNT, tick_ms=self._tick_ms, **self._constants)
        )
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begins; one that is started anew still shows the day's orders."""
        paths = os.pathsep.join([str(_TESTS), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fullqmt.server", str(self.path), str(self.script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONUTF8": "1"},
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == b"ready"
        port = json.loads((self.path / PORT_FILE).read_text(encoding="utf-8"))["port"]
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._lines = self._socket.makefile("r", encoding="utf-8")

    def stop(self) -> None:
        """Ends at once, as when it is killed."""
        self._process.kill()
        self._process.wait()
        self._lines.close()
        self._socket.close()
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

    def mode(self, *modes: Mode | str) -> None:
        """From now on exactly these; none: all is well."""
        self.tell("modes", modes=[str(mode) for mode in modes])

    def record(self) -> dict[str, Any]:
        """What was really handed over, ordered and traded."""
        return self.tell("record")

    def orders(self) -> list[dict[str, Any]]:
        return self.record()["orders"]
